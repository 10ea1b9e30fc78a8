//! What a developer declares about an app, checked field by field, every fault at once.

use protocol::redirect_uri::ClientKind;
use protocol::scope::{Scope, ScopeSet, ScopeTable};
use protocol::url_rules::{self, UrlFault, UrlRule};

use crate::users::forges_text;

/// What the console offers in the use case menu. The command line takes any words.
pub const USE_CASES: &[&str] = &[
    "Scheduling and calendars",
    "Education",
    "Health care",
    "Customer support",
    "Sales and recruiting",
    "Productivity and collaboration",
    "Live events",
    "Internal tool",
    "Other",
];

/// The most callback URLs that an app can have.
pub const MAX_CALLBACK_URLS: usize = 10;

/// The most characters in the reason why a scope is required.
pub const MAX_REASON_CHARACTERS: usize = 200;

/// The fields of an app's form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declaration {
    /// A unique and meaningful name.
    pub name: String,
    /// The app's homepage.
    pub homepage_url: String,
    /// Its policy page.
    pub policy_url: String,
    /// Its logo.
    pub logo_url: String,
    /// What it is for, in the words of the menu.
    pub use_case: String,
    /// A short description, optional.
    pub description: String,
    /// Its terms, optional.
    pub terms_url: String,
    /// Where people get help, optional.
    pub support_email: String,
    /// Where people may be sent back to, 1 to 10.
    pub callback_urls: Vec<String>,
    /// Where people may be sent after they signed out at the app's wish, a URL a line; optional.
    pub post_logout_urls: String,
    /// What it may ask for, each with the reason if the app cannot work without it.
    pub scopes: Vec<(Scope, Option<String>)>,
    /// How a reviewer can try the app, for the reviewer only; optional.
    pub test_plan: String,
    /// An account of the app to try it with, for the reviewer only; optional.
    pub test_account: String,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The field, as the form names it; `callback_urls[2]` for one of several.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
    /// Not even a draft is kept with it.
    pub bars_draft: bool,
}

impl Declaration {
    /// The scopes alone: ours in the order of the guide, then others.
    pub fn scopes(&self) -> ScopeSet {
        let scopes: ScopeSet = self.scopes.iter().map(|(scope, _)| scope.clone()).collect();
        ScopeTable::default().in_order(&scopes)
    }

    /// The name, or what stands in its place while there is none.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { "Untitled app" } else { &self.name }
    }

    /// Trims what a person typed; line ends are what a text file has.
    #[must_use]
    pub fn trimmed(mut self) -> Declaration {
        for field in [
            &mut self.name,
            &mut self.homepage_url,
            &mut self.policy_url,
            &mut self.logo_url,
            &mut self.use_case,
            &mut self.description,
            &mut self.terms_url,
            &mut self.support_email,
            &mut self.test_plan,
            &mut self.test_account,
            &mut self.post_logout_urls,
        ]
        .into_iter()
        .chain(&mut self.callback_urls)
        {
            *field = field.trim().replace("\r\n", "\n");
        }
        self
    }

    /// Whether people who agreed to `before` must be asked again: another name, logo or host, or scopes added.
    pub fn changes_what_people_agreed_to(&self, before: &Declaration) -> bool {
        let host = |url: &str| url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        self.name != before.name
            || self.logo_url != before.logo_url
            || host(&self.homepage_url) != host(&before.homepage_url)
            || !self.scopes().is_subset(&before.scopes())
    }

    /// The fields in which this differs from `before`, as the form names them.
    pub fn changed_fields(&self, before: &Declaration) -> Vec<&'static str> {
        let scopes = |declared: &Declaration| {
            let mut scopes = declared.scopes.clone();
            scopes.sort();
            scopes
        };
        [
            ("name", self.name != before.name),
            ("homepage_url", self.homepage_url != before.homepage_url),
            ("policy_url", self.policy_url != before.policy_url),
            ("logo_url", self.logo_url != before.logo_url),
            ("use_case", self.use_case != before.use_case),
            ("description", self.description != before.description),
            ("terms_url", self.terms_url != before.terms_url),
            ("support_email", self.support_email != before.support_email),
            ("callback_urls", self.callback_urls != before.callback_urls),
            ("post_logout_urls", self.post_logout_urls != before.post_logout_urls),
            ("scopes", scopes(self) != scopes(before)),
            ("test_plan", self.test_plan != before.test_plan),
            ("test_account", self.test_account != before.test_account),
        ]
        .into_iter()
        .filter_map(|(field, changed)| changed.then_some(field))
        .collect()
    }

    /// What may serve of a declaration that was not checked: in test mode a draft serves with all its faults, but nobody
    /// is sent to a URL, or shown a link, that breaks the rules.
    #[must_use]
    pub fn without_bad_urls(mut self, kind: ClientKind) -> Declaration {
        self.callback_urls.retain(|url| url_rules::check_callback_url(url, kind).is_ok());
        let good = |url: &&str| url_rules::check_callback_url(url, kind).is_ok();
        self.post_logout_urls = url_lines(&self.post_logout_urls).filter(good).collect::<Vec<_>>().join("\n");
        for url in [&mut self.homepage_url, &mut self.policy_url, &mut self.terms_url] {
            if url_rules::check_page_url(url).is_err() {
                url.clear();
            }
        }
        self
    }

    /// Every fault of every field; none when it can be submitted. Which scopes there are is left to who reads them.
    pub fn faults(&self, kind: ClientKind) -> Vec<FieldFault> {
        // In the form's order, so that a list of them leads from top to bottom.
        let mut faults = Faults::default();
        faults.text("name", &self.name, 80, "Give the app a name");
        faults.page_url("homepage_url", &self.homepage_url, "Enter the full URL of the app's homepage");
        faults.page_url("policy_url", &self.policy_url, "Enter the full URL of the app's policy");
        faults.page_url("logo_url", &self.logo_url, "Enter the full URL of the app's logo");
        faults.text("use_case", &self.use_case, 100, "Choose what the app is for");
        faults.length("description", &self.description, 2000);
        if !self.terms_url.is_empty() {
            faults.page_url("terms_url", &self.terms_url, "");
        }
        if !self.support_email.is_empty() && crate::users::Email::parse(&self.support_email).is_err() {
            faults.length("support_email", &self.support_email, 254);
            faults.add(
                "support_email",
                "This is not an e-mail address; write one such as help@example.com, or leave it empty.",
            );
        }
        faults.callback_urls(&self.callback_urls, kind);
        faults.post_logout_urls(&self.post_logout_urls, kind);
        faults.scopes(&self.scopes);
        faults.length("test_plan", &self.test_plan, 4000);
        faults.length("test_account", &self.test_account, 500);
        faults.0
    }
}

/// The URLs of a field that takes one a line.
pub fn url_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldFault { field: field.into(), message: message.into(), bars_draft: false });
    }

    /// A fault with which not even a draft is kept.
    fn bar(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldFault { field: field.into(), message: message.into(), bars_draft: true });
    }

    fn text(&mut self, field: &str, value: &str, longest: usize, when_empty: &str) {
        if value.is_empty() {
            self.add(field, format!("{when_empty}."));
        } else if value.contains(forges_text) {
            self.bar(field, "This field takes one line of text without control characters.");
        } else if !value.contains(char::is_alphanumeric) {
            self.add(field, "Use letters or digits.");
        }
        self.length(field, value, longest);
    }

    fn length(&mut self, field: &str, value: &str, longest: usize) {
        let length = value.chars().count();
        if length > longest {
            self.bar(field, format!("This has {length} characters; shorten it to {longest}."));
        }
        if value.contains('\0') {
            self.bar(field, "This field cannot hold the character U+0000.");
        }
    }

    fn page_url(&mut self, field: &str, value: &str, when_empty: &str) {
        if value.is_empty() {
            return self.add(field, format!("{when_empty}."));
        }
        if let Err(found) = url_rules::check_page_url(value) {
            self.url(field, &found);
        }
    }

    fn url(&mut self, field: &str, found: &[UrlFault]) {
        for fault in found {
            match fault.rule {
                UrlRule::Length => self.bar(field, fault.to_string()),
                _ => self.add(field, fault.to_string()),
            }
        }
    }

    fn callback_urls(&mut self, urls: &[String], kind: ClientKind) {
        if urls.is_empty() {
            self.add("callback_urls", "Enter at least one authorization callback URL.");
        }
        if urls.len() > MAX_CALLBACK_URLS {
            self.bar(
                "callback_urls",
                format!("There are {} callback URLs; keep at most {MAX_CALLBACK_URLS}.", urls.len()),
            );
        }
        for (index, url) in urls.iter().enumerate() {
            let field = format!("callback_urls[{index}]");
            if urls[..index].contains(url) {
                self.add(&field, format!("{url} is in the list twice; remove one."));
            }
            if let Err(found) = url_rules::check_callback_url(url, kind) {
                self.url(&field, &found);
            }
        }
    }

    fn post_logout_urls(&mut self, text: &str, kind: ClientKind) {
        const FIELD: &str = "post_logout_urls";
        let count = url_lines(text).count();
        if count > MAX_CALLBACK_URLS {
            self.bar(FIELD, format!("There are {count} URLs; keep at most {MAX_CALLBACK_URLS}, one on each line."));
        }
        self.length(FIELD, text, 2048 * MAX_CALLBACK_URLS);
        for url in url_lines(text) {
            if let Err(found) = url_rules::check_callback_url(url, kind) {
                self.url(FIELD, &found);
            }
        }
    }

    fn scopes(&mut self, scopes: &[(Scope, Option<String>)]) {
        if scopes.is_empty() {
            self.add("scopes", "Choose at least one scope.");
        }
        for (index, (scope, required_reason)) in scopes.iter().enumerate() {
            if scopes[..index].iter().any(|(earlier, _)| earlier == scope) {
                self.bar("scopes", format!("{scope} is in the list twice; remove one."));
            }
            let field = format!("scopes[{scope}]");
            match required_reason.as_deref().map(str::trim) {
                Some("") => self.add(field, format!("Say why the app cannot work without {scope}.")),
                Some(reason) if reason.contains(forges_text) => {
                    self.bar(field, "The reason takes one line of text without control characters.");
                }
                Some(reason) if reason.chars().count() > MAX_REASON_CHARACTERS => {
                    self.bar(
                        field,
                        format!("The reason is too long; shorten it to {MAX_REASON_CHARACTERS} characters."),
                    );
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Declaration {
        Declaration {
            name: "Calendar Companion".into(),
            homepage_url: "https://calendar.example.com".into(),
            policy_url: "https://calendar.example.com/policy".into(),
            logo_url: "https://calendar.example.com/logo.png".into(),
            use_case: USE_CASES[0].into(),
            callback_urls: vec!["https://calendar.example.com/callback".into()],
            scopes: vec![(Scope::parse("user:read").unwrap(), None)],
            ..Declaration::default()
        }
    }

    #[test]
    fn a_good_declaration_has_no_faults() {
        assert_eq!(good().faults(ClientKind::Confidential), []);
    }

    #[test]
    fn every_fault_is_named_at_once_at_its_field() {
        let declared = Declaration {
            callback_urls: vec!["http://example.com/cb".into(), "https://ok.example.com/cb#x".into()],
            support_email: "nobody".into(),
            ..Declaration::default()
        };
        let faults = declared.faults(ClientKind::Confidential);
        for field in [
            "name",
            "use_case",
            "homepage_url",
            "policy_url",
            "logo_url",
            "support_email",
            "callback_urls[0]",
            "callback_urls[1]",
            "scopes",
        ] {
            assert!(faults.iter().any(|fault| fault.field == field), "{field} in {faults:?}");
        }
    }

    #[test]
    fn ten_callback_urls_are_enough() {
        let mut declared = good();
        declared.callback_urls = (0..11).map(|n| format!("https://calendar.example.com/{n}")).collect();
        assert_eq!(declared.faults(ClientKind::Confidential).len(), 1);
        declared.callback_urls.pop();
        assert_eq!(declared.faults(ClientKind::Confidential), []);
        declared.callback_urls[1] = declared.callback_urls[0].clone();
        assert_eq!(declared.faults(ClientKind::Confidential)[0].field, "callback_urls[1]");
    }

    #[test]
    fn a_draft_is_kept_with_what_is_missing_or_wrong_but_not_with_what_is_out_of_bounds() {
        let kept = Declaration { callback_urls: vec!["javascript:alert(1)".into()], ..Declaration::default() };
        assert!(kept.faults(ClientKind::Confidential).iter().all(|fault| !fault.bars_draft));
        let barred = [
            Declaration { name: "x".repeat(81), ..good() },
            Declaration { name: "safe\u{202e}gnp".into(), ..good() },
            Declaration { description: "x".repeat(2001), ..good() },
            Declaration { homepage_url: format!("https://example.com/{}", "x".repeat(3000)), ..good() },
            Declaration { callback_urls: vec!["https://example.com/".repeat(200)], ..good() },
            Declaration { test_plan: "x".repeat(4001), ..good() },
            Declaration { scopes: vec![(Scope::parse("user:read").unwrap(), Some("x".repeat(201)))], ..good() },
        ];
        for declared in barred {
            assert!(declared.faults(ClientKind::Confidential).iter().any(|fault| fault.bars_draft), "{declared:?}");
        }
    }

    #[test]
    fn people_return_after_signing_out_to_urls_that_keep_to_the_rules() {
        let with = |text: &str| Declaration { post_logout_urls: text.into(), ..good() };
        let fields = |text: &str| {
            let faults = with(text).faults(ClientKind::Confidential);
            faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("https://calendar.example.com/bye\n\n http://localhost:3000/bye "), [""; 0]);
        assert_eq!(fields("https://calendar.example.com/bye\njavascript:alert(1)")[0], "post_logout_urls");
        assert_eq!(fields(&"https://calendar.example.com/bye\n".repeat(11)), ["post_logout_urls"]);
        let serves =
            with("javascript:alert(1)\nhttps://calendar.example.com/bye").without_bad_urls(ClientKind::Confidential);
        assert_eq!(serves.post_logout_urls, "https://calendar.example.com/bye");
        assert_eq!(with("https://calendar.example.com/bye").changed_fields(&good()), ["post_logout_urls"]);
    }

    #[test]
    fn a_required_scope_needs_a_reason() {
        let with = |reason: &str| {
            let declared =
                Declaration { scopes: vec![(Scope::parse("user:read").unwrap(), Some(reason.into()))], ..good() };
            declared.faults(ClientKind::Confidential).into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        assert_eq!(with(" "), ["scopes[user:read]"]);
        assert_eq!(with("It greets people by name."), [""; 0]);
    }

    #[test]
    fn what_breaks_the_rules_does_not_serve() {
        let declared = Declaration {
            homepage_url: "javascript:alert(1)".into(),
            policy_url: "https://ok.example.com/policy".into(),
            callback_urls: vec![
                "JaVaScRiPt:alert(1)".into(),
                "https://ok.example.com/cb".into(),
                "http://127.0.0.1/cb".into(),
            ],
            ..Declaration::default()
        };
        let serves = declared.clone().without_bad_urls(ClientKind::Confidential);
        assert_eq!(serves.callback_urls, ["https://ok.example.com/cb"]);
        assert_eq!((serves.homepage_url.as_str(), serves.policy_url.as_str()), ("", "https://ok.example.com/policy"));
        assert_eq!(declared.without_bad_urls(ClientKind::PublicNative).callback_urls.len(), 2);
    }

    #[test]
    fn people_are_asked_again_when_what_they_agreed_to_changes() {
        let before = good();
        let again = |after: Declaration| after.changes_what_people_agreed_to(&before);
        assert!(!again(good()));
        assert!(!again(Declaration { homepage_url: "https://calendar.example.com/new".into(), ..good() }));
        assert!(!again(Declaration { scopes: vec![], callback_urls: vec![], ..good() }), "narrowed");
        assert!(again(Declaration { name: "Calendar".into(), ..good() }));
        assert!(again(Declaration { logo_url: "https://calendar.example.com/2.png".into(), ..good() }));
        assert!(again(Declaration { homepage_url: "https://example.com".into(), ..good() }));
        let wider = vec![(Scope::parse("user:read").unwrap(), None), (Scope::parse("meeting:read").unwrap(), None)];
        assert!(again(Declaration { scopes: wider, ..good() }));
    }
}
