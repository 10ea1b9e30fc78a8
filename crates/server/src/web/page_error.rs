//! The error page: what is wrong, what came, what to do next.

use std::time::Duration;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use protocol::fault::{self, Fault};
use sql::DbError;

use super::request_context::{request_id, site};
use super::{RETRY_SOON, Shell, page};

/// A refusal that a person reads.
#[derive(Debug)]
pub struct PageError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The entry of the catalogue.
    pub fault: &'static Fault,
    /// What the catalogue cannot know, as a full sentence. Public.
    pub detail: Option<String>,
    /// What came, shown as it is. Public: it goes back to the browser that sent it.
    pub came: Option<Box<Came>>,
    /// Where the person can go from here.
    pub next_steps: Vec<NextStep>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// For the log alone.
    pub private: Option<String>,
}

/// Something that came with the request.
#[derive(Debug, Clone)]
pub struct Came {
    /// What it is.
    pub label: &'static str,
    /// Its text.
    pub text: String,
}

/// A link that leads on.
#[derive(Debug, Clone)]
pub struct NextStep {
    /// Where to.
    pub href: String,
    /// The words on it.
    pub text: String,
}

impl PageError {
    /// A refusal with nothing but its entry in the catalogue.
    pub fn new(status: StatusCode, fault: &'static Fault) -> PageError {
        PageError { status, fault, detail: None, came: None, next_steps: Vec::new(), retry_after: None, private: None }
    }

    /// The server failed; why is for the log alone.
    pub fn internal(private: impl Into<String>) -> PageError {
        PageError::new(StatusCode::INTERNAL_SERVER_ERROR, &fault::SERVER_ERROR).with_private(private)
    }

    /// The server is too busy; why is for the log alone.
    pub fn busy(private: impl Into<String>) -> PageError {
        PageError::new(StatusCode::SERVICE_UNAVAILABLE, &fault::UNAVAILABLE)
            .with_private(private)
            .with_retry_after(RETRY_SOON)
    }

    /// A form that was not given to this browser in this session, or whose session has ended.
    pub fn form_expired() -> PageError {
        PageError::new(StatusCode::FORBIDDEN, &fault::FORM_EXPIRED)
    }

    /// Adds what the catalogue cannot know, as a full sentence. Public.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> PageError {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what came.
    #[must_use]
    pub fn with_came(mut self, label: &'static str, text: impl Into<String>) -> PageError {
        self.came = Some(Box::new(Came { label, text: text.into() }));
        self
    }

    /// Adds a way on.
    #[must_use]
    pub fn with_next_step(mut self, href: impl Into<String>, text: impl Into<String>) -> PageError {
        self.next_steps.push(NextStep { href: href.into(), text: text.into() });
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> PageError {
        self.retry_after = Some(wait);
        self
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn with_private(mut self, private: impl Into<String>) -> PageError {
        self.private = Some(private.into());
        self
    }
}

/// Logs a refusal, once, where it gets its face.
pub(super) fn log(status: StatusCode, code: &str, detail: Option<&str>, private: Option<&str>) {
    let (request_id, status) = (request_id(), status.as_u16());
    match status {
        500.. => tracing::error!(request_id, status, code, detail, private, "refused"),
        _ => tracing::info!(request_id, status, code, detail, private, "refused"),
    }
}

/// Whole seconds, at least one, rounded up: coming back early would be refused again.
pub(super) fn retry_after_header(wait: Duration) -> HeaderValue {
    HeaderValue::from(seconds(wait))
}

/// As [`retry_after_header`], as a number.
pub fn seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// What a failing database means to the one who asks: come back soon, or a fault of ours.
pub(super) fn database_fault(error: &DbError) -> (StatusCode, &'static Fault) {
    if error.is_unavailable() {
        (StatusCode::SERVICE_UNAVAILABLE, &fault::UNAVAILABLE)
    } else if error.is_outage() {
        (StatusCode::SERVICE_UNAVAILABLE, &fault::OUTCOME_UNKNOWN)
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, &fault::SERVER_ERROR)
    }
}

impl From<DbError> for PageError {
    fn from(error: DbError) -> PageError {
        let (status, fault) = database_fault(&error);
        let refusal = PageError::new(status, fault).with_private(error.to_string());
        if error.is_outage() { refusal.with_retry_after(RETRY_SOON) } else { refusal }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        log(self.status, self.fault.code, self.detail.as_deref(), self.private.as_deref());
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = page(status, &ErrorPage::of(self));
        if let Some(wait) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, retry_after_header(wait));
        }
        response
    }
}

/// The page itself.
#[derive(Template)]
#[template(path = "web/error.html")]
pub(super) struct ErrorPage {
    shell: Shell,
    heading: &'static str,
    detail: Option<String>,
    came: Option<Box<Came>>,
    mend: String,
    next_steps: Vec<NextStep>,
    code: &'static str,
    request_id: String,
}

impl ErrorPage {
    pub(super) fn of(error: PageError) -> ErrorPage {
        let mend = match error.retry_after {
            // The catalogue speaks to programs of a header; a person is told the time.
            Some(wait) => match seconds(wait) {
                1 => "Try again in a moment.".to_owned(),
                number @ 2..=90 => format!("Try again in {number} seconds."),
                number => format!("Try again in {} minutes.", number.div_ceil(60)),
            },
            None => error.fault.mend.to_owned(),
        };
        let mut next_steps = error.next_steps;
        if next_steps.is_empty() {
            next_steps.push(NextStep { href: "/".to_owned(), text: "Go to your account".to_owned() });
        }
        ErrorPage {
            shell: Shell::nobody(site()),
            heading: error.fault.sentence.trim_end_matches('.'),
            detail: error.detail,
            came: error.came,
            mend,
            next_steps,
            code: error.fault.code,
            request_id: request_id(),
        }
    }

    /// For samples, which are made outside of any request.
    pub(super) fn pretend(&mut self, site: &str, request_id: &str) {
        self.shell = Shell::nobody(site.to_owned());
        self.request_id = request_id.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_503_and_says_when_to_come_back() {
        let response = PageError::from(DbError::Busy).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }

    #[test]
    fn a_fault_of_ours_has_an_empty_face() {
        let error = PageError::from(DbError::Broken("no such table: users".to_owned()));
        assert_eq!(error.status, StatusCode::INTERNAL_SERVER_ERROR);
        let html = ErrorPage::of(error).render().unwrap();
        assert!(!html.contains("no such table"), "{html}");
    }

    #[test]
    fn what_came_is_shown_as_text() {
        let error = PageError::new(StatusCode::BAD_REQUEST, &fault::CLIENT_UNKNOWN)
            .with_came("Client id", "<script>alert(1)</script>\"");
        let html = ErrorPage::of(error).render().unwrap();
        assert!(html.contains("&#60;script&#62;"), "{html}");
        assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn waiting_is_counted_in_whole_seconds_upwards() {
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_millis(1001)), 2);
        assert_eq!(seconds(Duration::from_secs(30)), 30);
    }
}
