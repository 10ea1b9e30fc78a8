//! The reviewer's checklist: everything that was declared, each item in order or with a reason, so that a developer hears
//! of everything at once instead of one thing a round.

use protocol::params::{ParamFault, Params};
use serde_json::{Value as Json, json};

use super::decisions::Decision;
use super::reasons::{MAX_REASON, Reason, ReasonKind};
use crate::apps::{Declaration, url_lines};
use crate::screening::field_label;

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The field as the form names it.
    pub key: String,
    /// Its label.
    pub label: String,
    /// What was declared.
    pub subject: String,
    /// It is a URL: the overview's kinds of reason can be chosen.
    pub is_url: bool,
}

impl Item {
    fn url(key: String, url: &str) -> Item {
        Item { label: field_label(&key), key, subject: url.to_owned(), is_url: true }
    }

    /// The kinds of reason that can be chosen for it.
    pub fn kinds(&self) -> &'static [ReasonKind] {
        const URL: [ReasonKind; 4] =
            [ReasonKind::Invalid, ReasonKind::Suspicious, ReasonKind::Malicious, ReasonKind::Other];
        if self.is_url { &URL } else { &URL[3..] }
    }
}

/// Everything that is to be looked at.
pub fn items(declared: &Declaration) -> Vec<Item> {
    let text = |key: &str, label: &str, subject: String| Item {
        key: key.to_owned(),
        label: label.to_owned(),
        subject,
        is_url: false,
    };
    let mut items = vec![text("name", "Name and description", declared.name.clone())];
    items.push(Item::url("homepage_url".into(), &declared.homepage_url));
    items.push(Item::url("policy_url".into(), &declared.policy_url));
    if !declared.terms_url.is_empty() {
        items.push(Item::url("terms_url".into(), &declared.terms_url));
    }
    items.push(Item::url("logo_url".into(), &declared.logo_url));
    for (index, url) in declared.callback_urls.iter().enumerate() {
        items.push(Item::url(format!("callback_urls[{index}]"), url));
    }
    for (index, url) in url_lines(&declared.post_logout_urls).enumerate() {
        items.push(Item::url(format!("post_logout_urls[{index}]"), url));
    }
    items.push(text("scopes", "Scopes, as far as the use case needs them", declared.scopes().to_string()));
    items
}

/// What was answered about one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// `ok`, a kind of reason, or nothing yet.
    pub choice: String,
    /// The reviewer's words.
    pub note: String,
    /// What is wrong with the answer; empty where nothing is.
    pub fault: String,
}

impl Answer {
    fn reason(&self) -> Option<ReasonKind> {
        ReasonKind::parse(&self.choice)
    }
}

/// The checklist, as far as it is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// Each item with its answer.
    pub lines: Vec<(Item, Answer)>,
    /// A word to the developer beside the items.
    pub message: String,
    /// What is wrong with it as a whole; empty where nothing is.
    pub fault: String,
}

impl Checklist {
    /// An empty one.
    pub fn new(items: Vec<Item>) -> Checklist {
        let lines = items.into_iter().map(|item| (item, Answer::default())).collect();
        Checklist { lines, message: String::new(), fault: String::new() }
    }

    /// Reads what was filled in.
    ///
    /// # Errors
    /// A field came twice, or is no text.
    pub fn read(items: Vec<Item>, form: &Params) -> Result<Checklist, ParamFault> {
        let mut checklist = Checklist::new(items);
        for (item, answer) in &mut checklist.lines {
            let field = |kind: &str| format!("{kind}.{}", item.key);
            let choice = form.get(&field("choice"))?.unwrap_or_default();
            let known = choice == "ok" || item.kinds().iter().any(|kind| kind.as_str() == choice);
            answer.choice = if known { choice.to_owned() } else { String::new() };
            answer.note = form.get(&field("note"))?.unwrap_or_default().trim().to_owned();
        }
        checklist.message = form.get("message")?.unwrap_or_default().trim().to_owned();
        Ok(checklist)
    }

    /// Notes what is missing for that decision; true when nothing is. `is_listed` tells which items are on a list of
    /// harmful sites.
    pub fn check(&mut self, decision: Decision, is_listed: impl Fn(&str) -> bool) -> bool {
        for (item, answer) in &mut self.lines {
            answer.fault = fault_of(item, answer, decision, &is_listed).to_owned();
        }
        if self.message.chars().count() > MAX_REASON {
            self.fault = format!("The message is too long; shorten it to {MAX_REASON} characters.");
        } else if decision == Decision::Approve && self.has_reasons() {
            self.fault = "Not everything is in order, so it cannot be approved. Hold or reject it.".into();
        } else if decision.needs_reason() && !self.has_reasons() && self.message.is_empty() {
            self.fault =
                "Everything is in order, so the developer would not know what to mend. Choose what is wrong, or write \
                a message."
                    .into();
        }
        self.fault.is_empty() && self.lines.iter().all(|(_, answer)| answer.fault.is_empty())
    }

    fn has_reasons(&self) -> bool {
        self.lines.iter().any(|(_, answer)| answer.reason().is_some())
    }

    /// Every reason, at once.
    pub fn reasons(&self) -> Vec<Reason> {
        let about = self.lines.iter().filter_map(|(item, answer)| match answer.reason()? {
            ReasonKind::Other => {
                let urls = if item.is_url { vec![item.subject.clone()] } else { Vec::new() };
                Some(Reason { urls, ..Reason::written(format!("{}: {}", item.label, answer.note)) })
            }
            kind => Some(Reason::about_url(kind, &item.label, &item.subject, &answer.note)),
        });
        let message = (!self.message.is_empty()).then(|| Reason::written(&self.message));
        about.chain(message).collect()
    }

    /// For the audit log: what was answered about each item.
    pub fn to_json(&self) -> Json {
        let lines = self.lines.iter().map(|(item, answer)| {
            (item.key.clone(), json!({"subject": item.subject, "choice": answer.choice, "note": answer.note}))
        });
        Json::Object(lines.collect())
    }
}

fn fault_of(item: &Item, answer: &Answer, decision: Decision, is_listed: impl Fn(&str) -> bool) -> &'static str {
    if answer.note.chars().count() > MAX_REASON {
        return "This is too long; shorten it to 1000 characters.";
    }
    match (answer.choice.as_str(), answer.note.is_empty()) {
        ("", _) => "Say whether this is in order, or what is wrong with it.",
        ("other", true) => "Say what is wrong, so that the developer can act on it.",
        ("ok", true) if decision == Decision::Approve && is_listed(&item.key) => {
            "This is on a list of harmful sites. If it is in order all the same, say here why."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Declaration {
        Declaration {
            name: "Planner".into(),
            homepage_url: "https://a.example/".into(),
            policy_url: "https://a.example/policy".into(),
            logo_url: "https://a.example/logo.png".into(),
            callback_urls: vec!["https://a.example/cb".into()],
            ..Declaration::default()
        }
    }

    fn filled(form: &str) -> Checklist {
        Checklist::read(items(&declared()), &Params::from_form(form.as_bytes()).unwrap()).unwrap()
    }

    const ALL_OK: &str = "choice.name=ok&choice.homepage_url=ok&choice.policy_url=ok&choice.logo_url=ok\
        &choice.callback_urls[0]=ok&choice.scopes=ok";

    fn nothing_listed(_: &str) -> bool {
        false
    }

    #[test]
    fn every_item_must_be_answered_before_anything_is_decided() {
        for decision in [Decision::Approve, Decision::Hold, Decision::Reject] {
            let mut checklist = filled("choice.name=ok&choice.policy_url=invalid");
            assert!(!checklist.check(decision, nothing_listed));
            let open = checklist.lines.iter().filter(|(_, answer)| !answer.fault.is_empty()).count();
            assert_eq!(open, 4, "{decision:?}");
        }
        assert!(filled(ALL_OK).check(Decision::Approve, nothing_listed));
    }

    #[test]
    fn all_reasons_come_at_once() {
        let form = ALL_OK
            .replace("choice.policy_url=ok", "choice.policy_url=invalid&note.policy_url=It+answers+404.")
            .replace("choice.callback_urls[0]=ok", "choice.callback_urls[0]=suspicious")
            .replace("choice.scopes=ok", "choice.scopes=other&note.scopes=A+viewer+deletes+nothing.");
        let mut checklist = filled(&format!("{form}&message=Otherwise+good."));
        assert!(checklist.check(Decision::Hold, nothing_listed));
        let reasons = checklist.reasons();
        assert_eq!(reasons.len(), 4);
        assert_eq!(reasons[0].text, "Invalid URL: Policy URL: It answers 404.");
        assert_eq!(reasons[1].urls, ["https://a.example/cb"]);
        assert_eq!(reasons[3], Reason::written("Otherwise good."));
        assert!(!checklist.check(Decision::Approve, nothing_listed), "not with reasons");
    }

    #[test]
    fn nothing_is_held_or_rejected_without_a_word() {
        assert!(!filled(ALL_OK).check(Decision::Reject, nothing_listed));
        assert!(filled(&format!("{ALL_OK}&message=See+my+mail.")).check(Decision::Reject, nothing_listed));
    }

    #[test]
    fn something_else_needs_words_and_only_urls_have_the_kinds() {
        let form = ALL_OK.replace("choice.scopes=ok", "choice.scopes=other");
        assert!(!filled(&form).check(Decision::Hold, nothing_listed));
        let form = ALL_OK.replace("choice.scopes=ok", "choice.scopes=malicious");
        assert_eq!(filled(&form).lines.last().unwrap().1.choice, "");
    }

    #[test]
    fn a_listed_site_is_approved_only_with_a_word_why() {
        let is_listed = |key: &str| key == "homepage_url";
        assert!(!filled(ALL_OK).check(Decision::Approve, is_listed));
        let form = format!("{ALL_OK}&note.homepage_url=Listed+by+mistake,+removed+today.");
        assert!(filled(&form).check(Decision::Approve, is_listed));
    }
}
