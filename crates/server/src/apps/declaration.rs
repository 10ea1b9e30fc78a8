//! What a developer declares about an app, checked field by field, every fault at once.

use protocol::redirect_uri::ClientKind;
use protocol::scope::{CATALOGUE, Scope, ScopeSet};
use protocol::url_rules;

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
    /// What it may ask for, each with the reason if the app cannot work without it.
    pub scopes: Vec<(Scope, Option<String>)>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The field, as the form names it; `callback_urls[2]` for one of several.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Declaration {
    /// The scopes alone, in the catalogue's order.
    pub fn scopes(&self) -> ScopeSet {
        let mut set = ScopeSet::new();
        for (scope, _) in &self.scopes {
            set.insert(scope.clone());
        }
        set.in_order_of(CATALOGUE)
    }

    /// Trims what a person typed.
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
        ] {
            *field = field.trim().to_owned();
        }
        self
    }

    /// Every fault of every field; none when it can be submitted.
    pub fn faults(&self, kind: ClientKind) -> Vec<FieldFault> {
        let mut faults = Faults::default();
        faults.text("name", &self.name, 80, "Give the app a name");
        faults.text("use_case", &self.use_case, 100, "Choose what the app is for");
        faults.length("description", &self.description, 2000);
        faults.page_url("homepage_url", &self.homepage_url, "Enter the full URL of the app's homepage");
        faults.page_url("policy_url", &self.policy_url, "Enter the full URL of the app's policy");
        faults.page_url("logo_url", &self.logo_url, "Enter the full URL of the app's logo");
        if !self.terms_url.is_empty() {
            faults.page_url("terms_url", &self.terms_url, "");
        }
        if !self.support_email.is_empty() && crate::users::Email::parse(&self.support_email).is_err() {
            faults.add(
                "support_email",
                "This is not an e-mail address; write one such as help@example.com, or leave it empty.",
            );
        }
        faults.callback_urls(&self.callback_urls, kind);
        faults.scopes(&self.scopes);
        faults.0
    }
}

#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldFault { field: field.into(), message: message.into() });
    }

    fn text(&mut self, field: &str, value: &str, longest: usize, when_empty: &str) {
        if value.is_empty() {
            self.add(field, format!("{when_empty}."));
        } else if value.contains(char::is_control) {
            self.add(field, "This field takes one line of text without control characters.");
        }
        self.length(field, value, longest);
    }

    fn length(&mut self, field: &str, value: &str, longest: usize) {
        let length = value.chars().count();
        if length > longest {
            self.add(field, format!("This has {length} characters; shorten it to {longest}."));
        }
        if value.contains('\0') {
            self.add(field, "This field cannot hold the character U+0000.");
        }
    }

    fn page_url(&mut self, field: &str, value: &str, when_empty: &str) {
        if value.is_empty() {
            return self.add(field, format!("{when_empty}."));
        }
        if let Err(found) = url_rules::check_page_url(value) {
            for fault in found {
                self.add(field, fault.to_string());
            }
        }
    }

    fn callback_urls(&mut self, urls: &[String], kind: ClientKind) {
        if urls.is_empty() {
            self.add("callback_urls", "Enter at least one authorization callback URL.");
        }
        if urls.len() > MAX_CALLBACK_URLS {
            self.add(
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
                for fault in found {
                    self.add(&field, fault.to_string());
                }
            }
        }
    }

    fn scopes(&mut self, scopes: &[(Scope, Option<String>)]) {
        if scopes.is_empty() {
            self.add("scopes", "Choose at least one scope.");
        }
        for (index, (scope, required_reason)) in scopes.iter().enumerate() {
            if scope.known().is_none() {
                self.add("scopes", format!("{scope} is not one of this server's scopes; see the list."));
            }
            if scopes[..index].iter().any(|(earlier, _)| earlier == scope) {
                self.add("scopes", format!("{scope} is in the list twice; remove one."));
            }
            match required_reason.as_deref().map(str::trim) {
                Some("") => self.add("scopes", format!("Say why the app cannot work without {scope}.")),
                Some(reason) if reason.chars().count() > 200 => {
                    self.add("scopes", format!("The reason for {scope} is too long; shorten it to 200 characters."));
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
            scopes: vec![(Scope::parse("files:read").unwrap(), None)],
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
}
