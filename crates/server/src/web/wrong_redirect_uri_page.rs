//! The page for a `redirect_uri` that is not registered.

use askama::Template;
use protocol::fault::{self, Fault};
use protocol::redirect_uri::first_difference;

use crate::web::samples::{SITE, Sample, Samples};
use crate::web::{Shell, request_id};

/// A `redirect_uri` that is not registered: what came and, for the app's owner, what is registered.
#[derive(Debug, Template)]
#[template(path = "oauth/wrong_redirect_uri.html")]
pub struct WrongRedirectUriPage {
    shell: Shell,
    fault: &'static Fault,
    app_name: String,
    came: String,
    registered: Vec<MarkedUrl>,
    request_id: String,
}

/// A registered URL, cut where it first differs from the one that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedUrl {
    /// What is the same.
    pub same: String,
    /// The first character that differs; empty where the registered one ends.
    pub differs: String,
    /// What follows.
    pub rest: String,
    /// The difference in words.
    pub words: String,
}

impl MarkedUrl {
    /// Marks where `registered` first differs from `came`.
    pub fn new(came: &str, registered: &str) -> MarkedUrl {
        let Some(difference) = first_difference(came, registered) else {
            return MarkedUrl {
                same: registered.to_owned(),
                differs: String::new(),
                rest: String::new(),
                words: "This one is identical.".to_owned(),
            };
        };
        let mut characters = registered.chars();
        let same: String =
            characters.by_ref().take(registered.get(..difference.at).map_or(0, |same| same.chars().count())).collect();
        let differs: String = characters.by_ref().take(1).collect();
        MarkedUrl { same, differs, rest: characters.collect(), words: difference.reason.sentence().to_owned() }
    }
}

impl WrongRedirectUriPage {
    /// For the person who came with it. `registered` is empty for everyone but the app's owner.
    pub fn new(shell: Shell, app_name: &str, came: &str, registered: &[String]) -> WrongRedirectUriPage {
        WrongRedirectUriPage {
            shell,
            fault: &fault::REDIRECT_URI_UNREGISTERED,
            app_name: app_name.to_owned(),
            came: came.to_owned(),
            registered: registered.iter().map(|url| MarkedUrl::new(came, url)).collect(),
            request_id: request_id(),
        }
    }
}

impl Samples for WrongRedirectUriPage {
    fn samples() -> Vec<Sample> {
        let sample = |variation, came: &str, registered: &[String]| {
            let mut page = WrongRedirectUriPage::new(Shell::nobody(SITE.to_owned()), "Team Calendar", came, registered);
            page.request_id = "7d1f22c0-1a".to_owned();
            Sample::of("wrong-redirect-uri", variation, &page)
        };
        let came = "https://calendar.example.com/callback/";
        let registered = [
            "https://calendar.example.com/callback",
            "https://calendar.example.com:8443/callback/",
            "http://localhost:8081/callback",
        ]
        .map(str::to_owned);
        let attack = "javascript:alert('\"><script>alert(1)</script>')";
        vec![sample("anyone", came, &[]), sample("owner", came, &registered), sample("attack", attack, &registered)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(came: &str, registered: &str) -> (String, String, String) {
        let url = MarkedUrl::new(came, registered);
        assert_eq!(format!("{}{}{}", url.same, url.differs, url.rest), registered);
        (url.same, url.differs, url.rest)
    }

    #[test]
    fn the_first_character_that_differs_is_marked() {
        let (same, differs, rest) = marked("https://a.example/cb?x", "https://a.example/CB");
        assert_eq!((same.as_str(), differs.as_str(), rest.as_str()), ("https://a.example/", "C", "B"));
        let (same, differs, _) = marked("https://a.example/cb/", "https://a.example/cb");
        assert_eq!((same.as_str(), differs.as_str()), ("https://a.example/cb", ""));
    }

    #[test]
    fn marking_never_cuts_a_character_in_two() {
        marked("https://a.example/é", "https://a.example/è");
        marked("https://a.example/\u{1f600}", "https://a.example/\u{1f601}x");
        marked("", "https://a.example/");
    }

    #[test]
    fn what_came_is_shown_as_text_and_never_as_a_link() {
        let html =
            WrongRedirectUriPage::samples().into_iter().find(|sample| sample.variation == "attack").unwrap().html;
        assert!(!html.contains("<script") && !html.contains("href=\"javascript"), "{html}");
    }
}
