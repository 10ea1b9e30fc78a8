//! The page that asks whether to sign out, where an app sent somebody to do so.

use askama::Template;

use crate::web::samples::{SITE, Sample, Samples, person};
use crate::web::{Person, Shell};

/// An app wants this person signed out; are they?
#[derive(Debug, Template)]
#[template(path = "oauth/logout.html")]
pub struct LogoutPage {
    /// The surroundings.
    pub shell: Shell,
    /// The app's name, where it said which it is.
    pub app_name: Option<String>,
    /// Who is signed in.
    pub person: Person,
    /// Where they go then, as a host or in words; none is the sign-in page.
    pub destination: Option<String>,
    /// The CSRF token of this browser and session.
    pub csrf: String,
    /// The request once more, form-encoded.
    pub request: String,
}

impl Samples for LogoutPage {
    fn samples() -> Vec<Sample> {
        let page = |app: Option<&str>, destination: Option<&str>| LogoutPage {
            shell: Shell::nobody(SITE.to_owned()),
            app_name: app.map(str::to_owned),
            person: person(),
            destination: destination.map(str::to_owned),
            csrf: "1.token".to_owned(),
            request: "client_id=0".to_owned(),
        };
        vec![
            Sample::of("logout", "to-the-app", &page(Some("Team Calendar"), Some("calendar.example.com"))),
            Sample::of("logout", "bare", &page(None, None)),
        ]
    }
}
