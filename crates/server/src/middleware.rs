//! What every request passes through, in order. One layer, one function: the token endpoint answers tens of thousands
//! of requests a second, so there is one boxed future for all of it, no stack of layers.
//!
//! 1. A request id, so that whatever is said later can name it.
//! 2. The host check: we answer under the issuer's name alone, so that no other name can be made to stand in our URLs,
//!    caches or cookies (health checks come by address and are let through).
//! 3. The handler, under a limit of time and with its panics caught: one request's fault is that request's answer.
//! 4. Headers that every answer has.
//! 5. One line in the log: method, matched route, status, time, id, client. Never a query string, never a header: both
//!    carry codes, tokens and states.
//!
//! Bodies are bounded where they are read ([`crate::web::read_body`]), for each reader knows its bound. Routes without a
//! match and methods without a handler get their face here too.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{HOST, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use protocol::error::{OAuthError, OAuthErrorCode};
use protocol::fault::{self, Fault};

use crate::app::SharedApp;
use crate::config::Issuer;
use crate::web::{
    ApiError, PageError, RETRY_SOON, RequestContext, RequestIds, client_address, is_for_programs, oauth_json,
};

/// Answered under any host name: what asks here is a load balancer that knows an address only.
const HEALTH: &[&str] = &["/healthz", "/readyz", "/metrics"];

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

struct Pipeline {
    app: SharedApp,
    ids: RequestIds,
    time_limit: Duration,
}

/// Puts the pipeline around all routes.
pub fn around(routes: Router<SharedApp>, app: SharedApp) -> Router {
    let pipeline = Pipeline {
        ids: RequestIds::new(&app.random),
        time_limit: app.config.server.request_timeout.get(),
        app: app.clone(),
    };
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::new(pipeline), pass))
        .with_state(app)
}

async fn pass(State(pipeline): State<Arc<Pipeline>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = pipeline.ids.mint();
    let client = client_address(&pipeline.app, request.extensions(), request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();

    let context = RequestContext { id, app: pipeline.app.clone() };
    let mut response = context.around(answer(&pipeline, request, next)).await;

    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(X_REQUEST_ID, id);
    }
    if pipeline.app.issuer.is_secure() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    tracing::info!(
        target: "access",
        %method,
        path = route.as_ref().map_or("-", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = started.elapsed().as_secs_f64() * 1000.0,
        request_id = %id,
        %client,
    );
    response
}

async fn answer(pipeline: &Pipeline, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let face = Face::of(path);
    if !HEALTH.contains(&path) && !is_ours(&pipeline.app.issuer, request.uri(), request.headers().get(HOST)) {
        return face.refuse(StatusCode::MISDIRECTED_REQUEST, &fault::HOST_UNKNOWN, None);
    }
    match tokio::time::timeout(pipeline.time_limit, caught(next.run(request))).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => face.refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            &fault::SERVER_ERROR,
            Some(format!("panic: {}", words_of(&*panic))),
        ),
        Err(_) => face.refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            &fault::UNAVAILABLE,
            Some("the request took longer than server.request_timeout".to_owned()),
        ),
    }
}

async fn not_found(uri: Uri) -> Response {
    Face::of(uri.path()).refuse(StatusCode::NOT_FOUND, &fault::NOT_FOUND, None)
}

/// The router adds the `Allow` header.
async fn method_not_allowed(uri: Uri) -> Response {
    Face::of(uri.path()).refuse(StatusCode::METHOD_NOT_ALLOWED, &fault::METHOD_NOT_ALLOWED, None)
}

/// Whether the request is meant for us: the `Host` header, and the target's own authority where it has one (RFC 9112
/// section 3.2.2), is the issuer's. A default port may be written out.
fn is_ours(issuer: &Issuer, uri: &Uri, host: Option<&HeaderValue>) -> bool {
    let default_port = if issuer.is_secure() { ":443" } else { ":80" };
    let matches = |name: &str| {
        let ours = issuer.authority();
        name.eq_ignore_ascii_case(ours)
            || name.strip_suffix(default_port).is_some_and(|name| name.eq_ignore_ascii_case(ours))
    };
    host.and_then(|host| host.to_str().ok()).is_some_and(matches)
        && uri.authority().is_none_or(|authority| matches(authority.as_str()))
}

/// In whose words a refusal is written, by the address that was asked.
enum Face {
    Page,
    Api,
    OAuth,
}

impl Face {
    fn of(path: &str) -> Face {
        match path {
            path if path.starts_with("/api/oauth2/") || path == "/oauth2/par" => Face::OAuth,
            path if is_for_programs(path) => Face::Api,
            _ => Face::Page,
        }
    }

    fn refuse(self, status: StatusCode, fault: &'static Fault, private: Option<String>) -> Response {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_SOON);
        match self {
            Face::Page => PageError { private, retry_after, ..PageError::new(status, fault) }.into_response(),
            Face::Api => ApiError { private, retry_after, ..ApiError::new(status, fault) }.into_response(),
            Face::OAuth => {
                let code = match status {
                    StatusCode::SERVICE_UNAVAILABLE => OAuthErrorCode::TemporarilyUnavailable,
                    StatusCode::INTERNAL_SERVER_ERROR => OAuthErrorCode::ServerError,
                    _ => OAuthErrorCode::InvalidRequest,
                };
                let error = OAuthError::new(code, fault).with_status(status.as_u16());
                oauth_json(match private {
                    Some(private) => error.with_private(private),
                    None => error,
                })
            }
        }
    }
}

/// Runs a future and turns its panic into a value. What it held is dropped, so nothing broken is seen again.
async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}

#[cfg(test)]
mod tests {

    use super::*;

    fn ours(issuer: &str, uri: &str, host: &str) -> bool {
        is_ours(&Issuer::parse(issuer).unwrap(), &uri.parse().unwrap(), Some(&HeaderValue::from_str(host).unwrap()))
    }

    #[test]
    fn only_the_issuers_name_is_ours() {
        for host in ["meet.example.com", "MEET.example.com", "meet.example.com:443"] {
            assert!(ours("https://meet.example.com", "/", host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "meet.example.com:80",
            "meet.example.com:8443",
            "meet.example.com.evil.example",
            "x.meet.example.com",
            "meet.example.com.",
        ] {
            assert!(!ours("https://meet.example.com", "/", host), "{host}");
        }
        assert!(!ours("https://meet.example.com", "https://evil.example/", "meet.example.com"));
        assert!(ours("https://meet.example.com", "https://meet.example.com/", "meet.example.com"));
        assert!(ours("http://127.0.0.1:8080", "/", "127.0.0.1:8080"));
        assert!(!ours("http://127.0.0.1:8080", "/", "localhost:8080"));
        assert!(!is_ours(&Issuer::parse("https://meet.example.com").unwrap(), &Uri::from_static("/"), None));
    }

    #[tokio::test]
    async fn a_panic_is_one_requests_answer() {
        let panic = caught(async { panic!("gone wrong") }).await.unwrap_err();
        assert_eq!(words_of(&*panic), "gone wrong");
        assert_eq!(caught(async { 7 }).await.unwrap(), 7);
    }
}
