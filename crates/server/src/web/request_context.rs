//! What belongs to the request that is being answered and is needed where no request is at hand: its id, and the app.
//!
//! It is task-local: set once by the middleware, read by the faces of errors (which must name the request id and the
//! address of the docs), so that handlers need not carry it along.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::app::SharedApp;
use crate::random::Random;

/// Names one request in the log, on error pages and in `X-Request-Id`. It is no secret and no count of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    process: u32,
    number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", self.process, self.number)
    }
}

/// Mints request ids: random bits that are this process's, and a counter. No randomness per request.
#[derive(Debug)]
pub struct RequestIds {
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    /// For a process that starts now.
    pub fn new(random: &Random) -> RequestIds {
        RequestIds { process: u32::from_be_bytes(random.bytes()), next: AtomicU64::new(1) }
    }

    /// The next id.
    pub fn mint(&self) -> RequestId {
        RequestId { process: self.process, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

/// The request that is being answered by this task.
#[derive(Clone)]
pub struct RequestContext {
    /// Its id.
    pub id: RequestId,
    /// The app.
    pub app: SharedApp,
}

tokio::task_local! {
    static CONTEXT: RequestContext;
}

impl RequestContext {
    /// Runs the future with this context around it.
    pub async fn around<F: Future>(self, future: F) -> F::Output {
        CONTEXT.scope(self, future).await
    }
}

/// The id of the request that is being answered; empty outside of one.
pub fn request_id() -> String {
    CONTEXT.try_with(|context| context.id.to_string()).unwrap_or_default()
}

/// Host and port of the issuer, which pages show; empty outside of a request.
pub fn site() -> String {
    CONTEXT.try_with(|context| context.app.issuer.authority().to_owned()).unwrap_or_default()
}

/// The absolute address of the catalogue of errors, which `error_uri` points into.
pub fn docs_errors_url() -> String {
    site_url("/docs/errors")
}

/// The absolute URL of one of our paths, for answers to the present request.
pub fn site_url(path: &str) -> String {
    CONTEXT.try_with(|context| context.app.issuer.url(path)).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_share_an_id() {
        let ids = RequestIds::new(&Random::default());
        assert_ne!(ids.mint(), ids.mint());
        assert!(ids.mint().to_string().ends_with("-3"));
    }

    #[test]
    fn outside_of_a_request_nothing_is_made_up() {
        assert_eq!(request_id(), "");
        assert_eq!(docs_errors_url(), "/docs/errors");
    }
}
