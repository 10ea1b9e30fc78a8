//! What programs can ask of this server, described for programs (`GET /openapi.json`, OpenAPI 3.1) and for people
//! (`/docs/api`).
//!
//! | to know | read |
//! | --- | --- |
//! | which calls there are, and what each may be answered | [`operations`], [`refusals`] |
//! | what goes in | [`bodies`] |
//! | what comes out: the schemas of the very types that the handlers write | [`schemas`] |
//! | how it becomes the document, and the page | [`document`], [`page`] |
//!
//! A test holds every answer of the running server against the document, and the document against the published
//! description of the API; another finds a route that nobody described.

pub mod bodies;
mod document;
mod operations;
mod page;
mod refusals;
mod schemas;

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use protocol::secret::base64url_encode;

use self::operations::OPERATIONS;
use self::page::ApiPage;
use crate::app::{App, SharedApp};
use crate::web;

/// Nothing here changes while a server runs.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The description, made once for each server.
type Cache = Arc<OnceLock<Described>>;

/// What is served, ready to send.
struct Described {
    json: Bytes,
    etag: HeaderValue,
    page: ApiPage,
}

/// Both addresses.
pub fn routes() -> Router<SharedApp> {
    let cache = Cache::default();
    let for_page = Arc::clone(&cache);
    Router::new()
        .route("/openapi.json", get(move |State(app), headers| show_json(app, headers, cache)))
        .route("/docs/api", get(move |State(app)| show_page(app, for_page)))
}

/// `GET /openapi.json`. Any origin may read it, so that a viewer elsewhere can show it.
async fn show_json(app: SharedApp, headers: HeaderMap, cache: Cache) -> Response {
    let described = cache.get_or_init(|| Described::of(&app));
    let common = [
        (ETAG, described.etag.clone()),
        (CACHE_CONTROL, CACHE),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    if is_known(&headers, &described.etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (common, [json], described.json.clone()).into_response()
}

/// `GET /docs/api`.
async fn show_page(app: SharedApp, cache: Cache) -> Response {
    let described = cache.get_or_init(|| Described::of(&app));
    let mut response = web::page(StatusCode::OK, &described.page);
    response.headers_mut().insert(CACHE_CONTROL, CACHE);
    response
}

impl Described {
    fn of(app: &App) -> Described {
        let (issuer, catalogue) = (&app.issuer, &app.catalogue);
        let schemas = schemas::all();
        let page = ApiPage::of(issuer, catalogue, OPERATIONS, &schemas);
        let json = document::of(issuer, catalogue, OPERATIONS, schemas).to_string();
        let etag = format!("\"{}\"", base64url_encode(digest(&SHA256, json.as_bytes()).as_ref()));
        let etag = HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\""));
        Described { json: Bytes::from(json), etag, page }
    }
}

/// Whether the client has this very description (RFC 9110 section 13.1.2; the comparison is weak).
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_a_list_and_as_a_weak_one() {
        let etag = HeaderValue::from_static("\"abc\"");
        for (sent, known) in [
            ("\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("W/\"abc\"", true),
            ("*", true),
            ("\"ab\"", false),
            ("abc", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(sent).unwrap());
            assert_eq!(is_known(&headers, &etag), known, "{sent}");
        }
        assert!(!is_known(&HeaderMap::new(), &etag));
    }
}
