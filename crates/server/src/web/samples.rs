//! Every page in every variation, filled with made-up content: for a test that renders them all, and for looking at.

use std::io;
use std::path::Path;

use askama::Template;
use http::StatusCode;
use protocol::fault;

use super::error_docs::ErrorsPage;
use super::page_error::{ErrorPage, PageError};
use super::{AnsweredPage, ConsentPage, LogoutPage, Person, Section, Shell, WrongRedirectUriPage, assets};
use crate::time::Timestamp;

/// The site that samples pretend to be.
pub const SITE: &str = "meet.example.com";

/// The moment at which samples were taken: 24 November 2026.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_509_060_000);

/// A page, rendered with made-up content.
#[derive(Debug)]
pub struct Sample {
    /// The page's name.
    pub page: &'static str,
    /// What is particular about this one.
    pub variation: &'static str,
    /// Its text; a template that fails to render shows the failure.
    pub html: String,
}

impl Sample {
    /// Renders one.
    pub fn of<T: Template>(page: &'static str, variation: &'static str, template: &T) -> Sample {
        Sample { page, variation, html: template.render().unwrap_or_else(|error| format!("does not render: {error}")) }
    }
}

/// A page that can make samples of itself.
pub trait Samples {
    /// One for each variation.
    fn samples() -> Vec<Sample>;
}

/// Someone who is signed in.
pub fn person() -> Person {
    Person { name: "Asha Rao".to_owned(), email: "asha@example.com".to_owned() }
}

/// The surroundings of someone who is signed in.
pub fn shell(here: Section) -> Shell {
    Shell { person: Some(person()), csrf: "1.token".to_owned(), here, ..Shell::nobody(SITE.to_owned()) }
}

/// The pages of this room.
pub fn all() -> Vec<Sample> {
    let mut samples: Vec<Sample> =
        [ConsentPage::samples(), AnsweredPage::samples(), WrongRedirectUriPage::samples(), LogoutPage::samples()]
            .into_iter()
            .flatten()
            .collect();
    samples.push(Sample::of(
        "errors",
        "catalogue",
        &ErrorsPage { shell: Shell::nobody(SITE.to_owned()), faults: fault::ALL },
    ));
    let errors = [
        ("not-found", PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND)),
        (
            "unknown-client",
            PageError::new(StatusCode::BAD_REQUEST, &fault::CLIENT_UNKNOWN)
                .with_came("The client id that came", "5f3c<b>0000</b>"),
        ),
        ("form-expired", PageError::form_expired().with_next_step("/account/password", "Load the page again")),
        ("busy", PageError::busy("")),
        ("internal", PageError::internal("nothing of this is shown")),
    ];
    for (variation, error) in errors {
        let mut page = ErrorPage::of(error);
        page.pretend(SITE, "7d1f22c0-1a");
        samples.push(Sample::of("error", variation, &page));
    }
    samples
}

/// Writes samples into a folder, with an index and the files that they refer to, to be opened from there.
///
/// # Errors
/// The folder cannot be written.
pub fn write_all(folder: &Path, samples: &[Sample]) -> io::Result<()> {
    std::fs::create_dir_all(folder.join("assets"))?;
    for asset in assets::all() {
        std::fs::write(folder.join(asset.url().trim_start_matches('/')), asset.content())?;
    }
    let mut index = String::from("<!DOCTYPE html><title>Pages</title><h1>Pages</h1><ul>");
    for sample in samples {
        let name = format!("{}--{}.html", sample.page, sample.variation);
        std::fs::write(folder.join(&name), sample.html.replace("\"/assets/", "\"assets/"))?;
        index.push_str(&format!("<li><a href=\"{name}\">{}: {}</a>", sample.page, sample.variation));
    }
    std::fs::write(folder.join("index.html"), index)
}
