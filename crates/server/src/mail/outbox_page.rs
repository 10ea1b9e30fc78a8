//! `/demo/outbox`: what the demo would have sent. Anywhere but in the demo there is nothing at this address.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use protocol::fault;

use super::Rendered;
use crate::app::SharedApp;
use crate::config::Issuer;
use crate::users::{Email, find_visitor};
use crate::web::samples::{NOW, SITE, Sample};
use crate::web::{PageError, Section, Shell, VisitorCookies, page};

/// Its address.
pub const PATH: &str = "/demo/outbox";

#[derive(Template)]
#[template(path = "mail/outbox.html")]
struct OutboxPage {
    shell: Shell,
    mails: Vec<ShownMail>,
}

struct ShownMail {
    to: String,
    when: String,
    subject: String,
    lines: Vec<Line>,
}

/// A line of a mail; one that is an address of ours can be followed.
struct Line {
    text: String,
    is_link: bool,
}

impl ShownMail {
    fn new(mail: &Rendered, issuer: &str) -> ShownMail {
        let own = format!("{issuer}/");
        let line = |text: &str| Line { text: text.to_owned(), is_link: text.starts_with(&own) };
        ShownMail {
            to: mail.to.to_string(),
            when: mail.created_at.to_words(),
            subject: mail.subject.clone(),
            lines: mail.body.lines().map(line).collect(),
        }
    }
}

/// `GET /demo/outbox`
pub async fn show_outbox(State(app): State<SharedApp>, cookies: VisitorCookies) -> Result<Response, PageError> {
    let Some(outbox) = app.outlet.demo() else {
        return Err(PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND));
    };
    super::run_once(&app).await?;
    let mails = outbox.list().iter().map(|mail| ShownMail::new(mail, app.issuer.as_str())).collect();
    let shell = match find_visitor(&app, &cookies).await? {
        Some(visitor) => visitor.shell(&app, Section::None),
        None => Shell::of(&app),
    };
    Ok(page(StatusCode::OK, &OutboxPage { shell, mails }))
}

/// The page, filled.
pub(super) fn samples() -> Vec<Sample> {
    let issuer = format!("https://{SITE}");
    let link = super::render::LinkWords {
        url: format!("{issuer}/reset-password?token=jmml_4sQb0mR1fXq9kq3oVY2gZ8e7n6c5d4b3a2Z1Y0X9W8V"),
        until: NOW.to_words(),
    };
    let mail = |to: &str, letter: &super::Letter| {
        let issuer = Issuer::parse(&issuer).ok()?;
        let (subject, body) = super::render::render(letter, &issuer, &link, NOW).ok()?;
        Some(Rendered { id: "1".to_owned(), to: Email::parse(to).ok()?, subject, body, created_at: NOW })
    };
    let first_grant = super::Letter::FirstGrant {
        app: "Team Calendar".to_owned(),
        developer: "Devika Shah".to_owned(),
        scopes: vec!["Read your profile".to_owned(), "Read your meetings".to_owned()],
    };
    let mails = [mail("asha@example.com", &super::Letter::ResetPassword), mail("asha@example.com", &first_grant)];
    let page = |mails: Vec<ShownMail>| OutboxPage { shell: Shell::nobody(SITE.to_owned()), mails };
    let shown = mails.iter().flatten().map(|mail| ShownMail::new(mail, &issuer)).collect();
    vec![Sample::of("outbox", "two", &page(shown)), Sample::of("outbox", "empty", &page(Vec::new()))]
}
