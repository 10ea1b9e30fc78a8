//! What all pages share: reading forms and queries, who is signed in, headers of every answer.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::cookies::Cookie;
use crate::problem::Problem;
use crate::session::Session;

/// Names and values of a form or a query, in their order and with repetitions.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Parses `application/x-www-form-urlencoded`.
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of that name, or nothing.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The same as text, empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// A count, zero if there is none that can be read.
    pub fn count(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// Whether a name comes more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.0.iter().filter(|(n, _)| n == name).count() > 1
    }
}

/// The query of a request's address.
pub fn query_of(parts: &Parts) -> Fields {
    Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())
}

/// The session of the browser that sent these headers, unless it is over.
pub fn session_of(app: &App, headers: &HeaderMap) -> Option<Arc<Session>> {
    let id = Cookie::Session.read(headers, app.config.is_https())?;
    app.sessions.get(&id, app.now()).filter(|session| !session.has_ended())
}

/// Extractor: the request comes from a signed-in browser.
pub struct SignedIn(pub Arc<Session>);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        session_of(app, &parts.headers).map(Self).ok_or_else(|| Problem::NotSignedIn {
            // Where a form was sent there is nothing to come back to.
            page: if parts.method == Method::GET { parts.uri.to_string() } else { "/".to_owned() },
        })
    }
}

/// Extractor: a form of this app, sent by the browser that it was made for. There is no other way
/// to a form's fields, so no handler can forget the check.
pub struct OwnForm {
    /// Whose it is.
    pub session: Arc<Session>,
    /// What was typed.
    pub fields: Fields,
}

impl FromRequest<Arc<App>> for OwnForm {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let SignedIn(session) = SignedIn::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let body = Bytes::from_request(request, app).await.map_err(|_| Problem::UnreadableForm)?;
        let fields = Fields::parse(&body);
        if !session.is_own_form(fields.text("csrf")) {
            return Err(Problem::StaleForm);
        }
        Ok(Self { session, fields })
    }
}

/// A page with its status.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (status, kind, html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be shown. Please try again.").into_response()
        }
    }
}

/// Sends the browser on with `GET`, so that a reload does not send a form again.
pub fn see_other(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(_) => Problem::NoSuchPage.into_response(),
    }
}

/// Headers of every answer: nothing from elsewhere, no script, no frames, nothing kept or told.
pub async fn guard_headers(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // The callback's address holds the code: it must not travel on.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Someone who opened `http://127.0.0.1:PORT` is sent to `http://localhost:PORT`, where the answer
/// will arrive: cookies of one name are not seen under the other.
pub async fn one_host(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let own = &app.config.redirect_uri;
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let is_by_number = host.is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        matches!(name, "127.0.0.1" | "[::1]")
    });
    if is_by_number && own.host_str() == Some("localhost") && request.method() == Method::GET {
        let page = request.uri().path_and_query().map_or("/", |page| page.as_str());
        return see_other(&format!("{}{page}", own.origin().ascii_serialization()));
    }
    next.run(request).await
}
