//! Why an app is held, rejected or suspended: the three kinds of bad URL that developers are told of beforehand, or
//! something else in the reviewer's own words.

use serde_json::{Value as Json, json};

/// Characters of one reason.
pub const MAX_REASON: usize = 1000;

/// What kind of reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonKind {
    /// Broken, badly formed, or leading nowhere.
    Invalid,
    /// Leads to harm.
    Malicious,
    /// Raises concerns.
    Suspicious,
    /// Anything else, in words.
    Other,
}

impl ReasonKind {
    /// Those about a URL, the worst last.
    pub const ABOUT_URLS: [ReasonKind; 3] = [ReasonKind::Invalid, ReasonKind::Suspicious, ReasonKind::Malicious];

    /// As stored, and as forms send it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReasonKind::Invalid => "invalid",
            ReasonKind::Malicious => "malicious",
            ReasonKind::Suspicious => "suspicious",
            ReasonKind::Other => "other",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<ReasonKind> {
        let all = [ReasonKind::Invalid, ReasonKind::Malicious, ReasonKind::Suspicious, ReasonKind::Other];
        all.into_iter().find(|kind| kind.as_str() == name)
    }

    /// As the developer reads it.
    pub const fn title(self) -> &'static str {
        match self {
            ReasonKind::Invalid => "Invalid URL",
            ReasonKind::Malicious => "Malicious URL",
            ReasonKind::Suspicious => "Suspicious URL",
            ReasonKind::Other => "Something else",
        }
    }

    /// What the developer is told where the reviewer wrote nothing.
    const fn meaning(self) -> &'static str {
        match self {
            ReasonKind::Invalid => {
                "it is not in the standard format, holds prohibited characters, is broken, or leads to a page that does not \
                 exist. Make it accessible and correctly formatted."
            }
            ReasonKind::Malicious => {
                "it leads to a site with malware, phishing or other harmful content. Use a site that is safe and free of it."
            }
            ReasonKind::Suspicious => {
                "its content, or the history of its domain, raises concerns. Use a reputable site with clear content."
            }
            ReasonKind::Other => "",
        }
    }
}

/// One reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What kind.
    pub kind: ReasonKind,
    /// What is wrong and what to do, for the developer.
    pub text: String,
    /// The URLs it is about.
    pub urls: Vec<String>,
}

impl Reason {
    /// A reason in the reviewer's own words.
    pub fn written(text: impl Into<String>) -> Reason {
        Reason { kind: ReasonKind::Other, text: text.into().trim().to_owned(), urls: Vec::new() }
    }

    /// A reason about one URL; without words of the reviewer's own it says what the kind means.
    pub fn about_url(kind: ReasonKind, field: &str, url: &str, words: &str) -> Reason {
        let words = words.trim();
        let words = if words.is_empty() { kind.meaning() } else { words };
        Reason { kind, text: format!("{}: {field}: {words}", kind.title()), urls: vec![url.to_owned()] }
    }

    /// A reason from the command line: `Suspicious URL: …` is of that kind, and the URLs in it are picked out.
    pub fn parse(text: &str) -> Reason {
        let reason = Reason::written(text);
        let lower = reason.text.to_lowercase();
        let kind = ReasonKind::ABOUT_URLS.into_iter().find(|kind| lower.starts_with(&kind.title().to_lowercase()));
        let Some(kind) = kind else { return reason };
        let urls = reason.text.split_whitespace().filter(|word| word.contains("://"));
        let urls = urls.map(|url| url.trim_end_matches(['.', ',', ';', ':', ')']).to_owned()).collect();
        Reason { kind, urls, ..reason }
    }

    /// The text with the URLs that it does not name itself.
    pub fn in_full(&self) -> String {
        let urls = self.urls.iter().filter(|url| !self.text.contains(url.as_str()));
        urls.fold(self.text.clone(), |text, url| format!("{text} ({url})"))
    }

    /// As it is stored.
    pub fn to_json(&self) -> Json {
        json!({"kind": self.kind.as_str(), "text": self.text, "urls": self.urls})
    }

    /// From what is stored.
    pub fn list_from_json(text: &str) -> Vec<Reason> {
        let Ok(Json::Array(reasons)) = serde_json::from_str(text) else { return Vec::new() };
        let words = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
        let read = |reason: &Json| Reason {
            kind: ReasonKind::parse(&words(reason.get("kind"))).unwrap_or(ReasonKind::Other),
            text: words(Some(reason.get("text").unwrap_or(reason))),
            urls: reason
                .get("urls")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .map(|url| words(Some(url)))
                .collect(),
        };
        reasons.iter().map(read).filter(|reason| !reason.text.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_stored_with_its_kind_and_its_urls() {
        let reason =
            Reason::about_url(ReasonKind::Invalid, "Policy URL", "https://a.example/policy", " It answers 404. ");
        assert_eq!(reason.text, "Invalid URL: Policy URL: It answers 404.");
        let stored = json!([reason.to_json()]).to_string();
        assert_eq!(Reason::list_from_json(&stored), [reason]);
        assert_eq!(Reason::list_from_json("[\"Plain words.\"]"), [Reason::written("Plain words.")]);
        assert!(Reason::list_from_json("no json").is_empty());
    }

    #[test]
    fn a_kind_chosen_without_words_says_what_it_means() {
        let reason = Reason::about_url(ReasonKind::Malicious, "Homepage URL", "https://a.example", "");
        assert!(reason.text.contains("malware"), "{}", reason.text);
    }

    #[test]
    fn the_command_line_and_the_page_store_the_same_kinds() {
        let reason = Reason::parse("Suspicious URL: https://a.example/cb, registered last week.");
        assert_eq!(reason.kind, ReasonKind::Suspicious);
        assert_eq!(reason.urls, ["https://a.example/cb"]);
        assert_eq!(Reason::parse("Your description is of another app.").kind, ReasonKind::Other);
    }
}
