//! The answer to an authorization request: the redirect that takes the person back to the app
//! (RFC 6749 4.1.2 and 4.1.2.1), with `state` as it came and `iss` on every one of them (RFC 9207).
//!
//! A [`Destination`] exists only for a redirect URI that the app has registered. Whoever holds one may send an answer;
//! whoever holds none can only show a page. So which of the two zones of the authorization request one stands in is a
//! matter of type.

use crate::config::Issuer;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use protocol::error::OAuthError;
use protocol::redirect_uri::RedirectUri;
use protocol::secret::Secret;

/// Where `error_uri` leads: the page that explains every entry of the catalogue.
pub const ERROR_DOCS: &str = "/docs/errors";

/// Where the answers to one authorization request go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    uri: RedirectUri,
    state: Option<String>,
}

impl Destination {
    /// A matched redirect URI, and the `state` of the request.
    pub fn new(uri: RedirectUri, state: Option<String>) -> Destination {
        Destination { uri, state }
    }

    /// The redirect URI, as a code is bound to it.
    pub fn redirect_uri(&self) -> &str {
        self.uri.as_str()
    }

    /// Takes the person back with an error (RFC 6749 4.1.2.1).
    pub fn refuse(&self, issuer: &Issuer, error: &OAuthError) -> Response {
        tracing::info!(%error, redirect_uri = self.redirect_uri(), "authorization request refused");
        let params = error.redirect_params(&issuer.url(ERROR_DOCS), self.state.as_deref(), issuer.as_str());
        redirect(&self.uri.response_url(&params))
    }

    /// Takes the person back with a code (RFC 6749 4.1.2).
    pub fn grant(&self, issuer: &Issuer, code: &Secret) -> Response {
        let mut params = vec![("code", code.expose())];
        params.extend(self.state.as_deref().map(|state| ("state", state)));
        params.push(("iss", issuer.as_str()));
        redirect(&self.uri.response_url(&params))
    }
}

/// A redirect that nobody stores and whose target does not learn where it came from: it may carry a code.
/// 303 after forms and queries alike, so that a browser never sends the form on (RFC 9700 4.12).
pub(super) fn redirect(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        tracing::error!("a registered redirect URI cannot stand in a header");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::fault;
    use protocol::redirect_uri::ClientKind;
    use url::Url;

    fn issuer() -> Issuer {
        Issuer::parse("https://meet.example").unwrap()
    }

    fn destination(uri: &str, state: Option<&str>) -> Destination {
        let uri = RedirectUri::matching(uri, &[uri], ClientKind::Confidential).unwrap();
        Destination::new(uri, state.map(str::to_owned))
    }

    fn location(response: &Response) -> &str {
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
        response.headers()[header::LOCATION].to_str().unwrap()
    }

    fn query(url: &str) -> Vec<(String, String)> {
        Url::parse(url).unwrap().query_pairs().into_owned().collect()
    }

    #[test]
    fn a_code_goes_back_with_state_and_issuer() {
        let answer = destination("https://app.example/cb?tenant=1", Some("a b+c/=&?#é"))
            .grant(&issuer(), &Secret::new("jmac_x"));
        let url = location(&answer);
        assert!(url.starts_with("https://app.example/cb?tenant=1&code=jmac_x&"), "{url}");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            query(url),
            [
                pair("tenant", "1"),
                pair("code", "jmac_x"),
                pair("state", "a b+c/=&?#é"),
                pair("iss", "https://meet.example")
            ]
        );
    }

    #[test]
    fn an_error_says_what_and_where_to_read_on_and_keeps_the_state() {
        let error = OAuthError::access_denied(&fault::CONSENT_DENIED);
        let answer = destination("https://app.example/cb", Some("x")).refuse(&issuer(), &error);
        let pairs = query(location(&answer));
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(value("error"), Some("access_denied"));
        assert_eq!(value("error_uri"), Some("https://meet.example/docs/errors#consent_denied"));
        assert_eq!(value("state"), Some("x"));
        assert_eq!(value("iss"), Some("https://meet.example"));
        assert!(value("error_description").is_some_and(|words| words.starts_with(fault::CONSENT_DENIED.sentence)));
    }

    #[test]
    fn a_request_without_state_gets_none() {
        let answer = destination("https://app.example/cb", None).grant(&issuer(), &Secret::new("jmac_x"));
        assert_eq!(location(&answer), "https://app.example/cb?code=jmac_x&iss=https%3A%2F%2Fmeet.example");
    }
}
