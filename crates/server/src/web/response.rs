//! Answers that are pages: their headers, and the redirect after a form.

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use url::{Host, Url};

use super::request_context::request_id;

/// Nothing but our own style sheet, pictures and forms; no script at all, no frame around us.
macro_rules! policy {
    ($form_action:literal) => {
        policy!($form_action, "")
    };
    ($form_action:literal, $more:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'",
            $form_action,
            "; frame-ancestors 'none'; base-uri 'none'",
            $more
        )
    };
}

/// A page.
pub fn page<T: Template>(status: StatusCode, template: &T) -> Response {
    render(status, template, HeaderValue::from_static(policy!("")))
}

/// A page that our own script makes more comfortable; it works without.
pub fn page_with_script<T: Template>(status: StatusCode, template: &T) -> Response {
    render(status, template, HeaderValue::from_static(policy!("", "; script-src 'self'; connect-src 'self'")))
}

/// A page whose form is answered, in the end, by a redirect to an app. Chromium holds the redirects that follow a form
/// to `form-action` too, so the app's origin must stand in it; see [`form_action_source`].
pub fn page_with_form_action<T: Template>(status: StatusCode, template: &T, source: Option<&str>) -> Response {
    let policy = source
        .filter(|source| source.bytes().all(|byte| byte.is_ascii_graphic() && !b";,'\"".contains(&byte)))
        .and_then(|source| HeaderValue::from_str(&policy!(" {}").replace("{}", source)).ok());
    render(status, template, policy.unwrap_or(HeaderValue::from_static(policy!(""))))
}

/// What `form-action` must hold so that a redirect to this URL goes through: an origin, or the scheme alone where the
/// policy's grammar has no word for the host (private-use schemes, IPv6 addresses; CSP3 section 2.3.1).
pub fn form_action_source(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(Host::Domain(_) | Host::Ipv4(_))) => Some(url.origin().ascii_serialization()),
        (scheme, _) => Some(format!("{scheme}:")),
    }
}

/// The redirect after a form: 303, so that a reload does not send the form again.
pub fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    let headers = [(LOCATION, location), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers, Body::empty()).into_response()
}

fn render<T: Template>(status: StatusCode, template: &T, policy: HeaderValue) -> Response {
    let text = match template.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(request_id = request_id(), %error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, policy),
        // `no-referrer` would make browsers send `Origin: null` with our own forms.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    (status, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_to_an_app_is_named_by_its_origin_or_its_scheme() {
        let source = |uri| form_action_source(uri).unwrap();
        assert_eq!(source("https://app.example.com/cb?x=1"), "https://app.example.com");
        assert_eq!(source("http://localhost:8081/cb"), "http://localhost:8081");
        assert_eq!(source("http://127.0.0.1:9/cb"), "http://127.0.0.1:9");
        assert_eq!(source("http://[::1]:9/cb"), "http:");
        assert_eq!(source("com.example.app:/cb"), "com.example.app:");
        assert_eq!(form_action_source("/cb"), None);
    }

    #[derive(Template)]
    #[template(source = "<p>{{ text }}</p>", ext = "html")]
    struct Words {
        text: &'static str,
    }

    fn policy_with(source: Option<&str>) -> String {
        let response = page_with_form_action(StatusCode::OK, &Words { text: "x" }, source);
        response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_page_may_run_our_own_script_files_and_no_other() {
        let response = page_with_script(StatusCode::OK, &Words { text: "x" });
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.ends_with("; script-src 'self'; connect-src 'self'"), "{policy}");
        assert!(!policy_with(None).contains("script-src"));
    }

    #[test]
    fn a_source_cannot_loosen_the_rest_of_the_policy() {
        let strict = policy_with(None);
        assert!(strict.contains("form-action 'self'; frame-ancestors 'none'"));
        assert!(
            policy_with(Some("https://app.example.com"))
                .contains("form-action 'self' https://app.example.com; frame-ancestors")
        );
        for loose in ["https://a; script-src *", "'unsafe-inline'", "https://a, default-src *", "a b"] {
            assert_eq!(policy_with(Some(loose)), strict, "{loose}");
        }
    }
}
