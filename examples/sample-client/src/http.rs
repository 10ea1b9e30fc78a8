//! Outbound HTTP: one small adapter, so that the OAuth library and the API calls share one client
//! with the same limits.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use oauth2::http::{StatusCode, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect;
use url::Url;

use crate::config::is_loopback;

/// No answer of the server comes near this size; a bigger one is not read to its end.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// An HTTP client that never follows redirects: neither tokens nor codes may travel further than
/// the address they were meant for.
#[derive(Clone)]
pub struct Http(reqwest::Client);

/// Why a request got no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, or it broke. The server may or may not have seen the request.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// 429 or 503: the server asks to come back later.
    #[error("the server answered {status}")]
    Busy {
        /// The HTTP status.
        status: StatusCode,
        /// The seconds to wait, when the server says so.
        retry_after_seconds: Option<u64>,
    },
    /// Any other status from 500 on.
    #[error("the server answered {0}")]
    ServerFault(StatusCode),
    /// An answer beyond [`MAX_BODY`].
    #[error("the answer is too large")]
    TooLarge,
}

impl Http {
    /// A client for a server at `issuer`.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(issuer: &Url) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(20))
            .user_agent(concat!("calendar-companion/", env!("CARGO_PKG_VERSION")));
        if is_loopback(issuer) {
            // A company's proxy would look for the server on its own machine, not on this one.
            builder = builder.no_proxy();
        }
        builder.build().map(Self)
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(unreachable_because)?;
        let mut response = self.0.execute(request).await.map_err(unreachable_because)?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            let retry_after_seconds =
                response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            return Err(HttpError::Busy { status, retry_after_seconds });
        }
        if status.is_server_error() {
            return Err(HttpError::ServerFault(status));
        }
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable_because)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

/// Takes the URL out of the error: a query may hold what does not belong into a log.
fn unreachable_because(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    HttpError::Unreachable(text)
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
