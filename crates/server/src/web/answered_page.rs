//! The page for a request that was answered before.

use askama::Template;

use crate::web::Shell;
use crate::web::samples::{SITE, Sample, Samples};

/// A second Allow of one request: it was answered before, and this is the way back.
#[derive(Debug, Template)]
#[template(path = "oauth/answered.html")]
pub struct AnsweredPage {
    /// The surroundings.
    pub shell: Shell,
    /// The app's name.
    pub app_name: String,
    /// The way back to the app. Only an http(s) URL that passed registration.
    pub homepage_url: Option<String>,
    /// The request once more. After an 'Allow' it goes straight through: a double click costs one more. A pushed request has
    /// none: one code comes of it.
    pub again_url: Option<String>,
}

impl Samples for AnsweredPage {
    fn samples() -> Vec<Sample> {
        let page = |homepage_url: Option<&str>, again_url: Option<&str>| AnsweredPage {
            shell: Shell::nobody(SITE.to_owned()),
            app_name: "Team Calendar".to_owned(),
            homepage_url: homepage_url.map(str::to_owned),
            again_url: again_url.map(str::to_owned),
        };
        vec![
            Sample::of(
                "answered",
                "with-a-way-back",
                &page(Some("https://calendar.example.com/"), Some("/oauth2/authorize?client_id=0")),
            ),
            Sample::of("answered", "pushed", &page(Some("https://calendar.example.com/"), None)),
            Sample::of("answered", "bare", &page(None, Some("/oauth2/authorize?client_id=0"))),
        ]
    }
}
