use super::*;
use crate::redirect_uri::response_url;
use proptest::prelude::*;

const DOCS: &str = "https://auth.example/docs/errors";
const META: &str = "https://auth.example/.well-known/oauth-protected-resource";

fn expired() -> OAuthError {
    OAuthError::invalid_grant(&fault::CODE_EXPIRED).with_private("code of grant 17")
}

/// RFC 6749 5.2, and the envelope of the API description in the same object.
#[test]
fn json_carries_both_shapes() {
    let body: serde_json::Value = serde_json::from_str(&expired().json_body(DOCS)).unwrap();
    let text = "The authorization code has expired. \
                Redeem codes as soon as they arrive; send the person through the flow again.";
    assert_eq!(
        body,
        serde_json::json!({
            "error": "invalid_grant",
            "error_description": text,
            "error_uri": "https://auth.example/docs/errors#code_expired",
            "customCode": 400,
            "message": "code_expired",
            "errors": text,
        })
    );
}

/// RFC 6749 4.1.2.1, RFC 9207 2.
#[test]
fn redirects_carry_state_and_issuer() {
    let error = OAuthError::access_denied(&fault::CONSENT_DENIED);
    let params = error.redirect_params(DOCS, Some("s t&<a>"), "https://auth.example");
    let names: Vec<&str> = params.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["error", "error_description", "error_uri", "state", "iss"]);
    assert_eq!(params[0].1, "access_denied");
    assert_eq!(params[3].1, "s t&<a>");
    assert_eq!(params[4].1, "https://auth.example");
    let url = response_url("https://app.example/cb", &params);
    assert!(url.starts_with("https://app.example/cb?error=access_denied&error_description=The%20person%20said%20no."));
    assert!(url.ends_with("&state=s%20t%26%3Ca%3E&iss=https%3A%2F%2Fauth.example"));

    let without_state = error.redirect_params(DOCS, None, "https://auth.example");
    assert!(without_state.iter().all(|(name, _)| *name != "state"));
}

/// RFC 6750 3 and 3.1.
#[test]
fn bearer_challenges_name_error_and_scope() {
    assert_eq!(
        OAuthError::invalid_token(&fault::TOKEN_EXPIRED).bearer_challenge(DOCS, None, META),
        "Bearer error=\"invalid_token\", \
         error_description=\"The access token has expired. Get a new one with the refresh token.\", \
         error_uri=\"https://auth.example/docs/errors#token_expired\", \
         resource_metadata=\"https://auth.example/.well-known/oauth-protected-resource\""
    );
    let missing = OAuthError::insufficient_scope(&fault::SCOPE_INSUFFICIENT);
    assert!(
        missing
            .bearer_challenge(DOCS, Some("meeting:read"), META)
            .contains(", scope=\"meeting:read\", resource_metadata=\"https://")
    );
    assert_eq!(BEARER_CHALLENGE, "Bearer");
}

#[test]
fn basic_challenges_name_the_realm() {
    assert_eq!(basic_challenge("jiomeet"), "Basic realm=\"jiomeet\", charset=\"UTF-8\"");
    assert_eq!(basic_challenge("a\"b\r\nX: y\\"), "Basic realm=\"a'b??X: y/\", charset=\"UTF-8\"");
}

#[test]
fn codes_and_statuses_are_those_of_the_rfcs() {
    for (code, text, status) in [
        (OAuthErrorCode::InvalidRequest, "invalid_request", 400),
        (OAuthErrorCode::InvalidClient, "invalid_client", 401),
        (OAuthErrorCode::InvalidGrant, "invalid_grant", 400),
        (OAuthErrorCode::UnauthorizedClient, "unauthorized_client", 400),
        (OAuthErrorCode::UnsupportedGrantType, "unsupported_grant_type", 400),
        (OAuthErrorCode::InvalidScope, "invalid_scope", 400),
        (OAuthErrorCode::InvalidToken, "invalid_token", 401),
        (OAuthErrorCode::InsufficientScope, "insufficient_scope", 403),
        (OAuthErrorCode::ServerError, "server_error", 500),
        (OAuthErrorCode::TemporarilyUnavailable, "temporarily_unavailable", 503),
    ] {
        assert_eq!((code.as_str(), code.http_status()), (text, status));
    }
    let texts: std::collections::HashSet<&str> = OAuthErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), OAuthErrorCode::ALL.len());
}

#[test]
fn a_refusal_can_have_another_status_than_its_code() {
    let error = OAuthError::invalid_request(&fault::BODY_TOO_LARGE).with_status(413);
    assert_eq!(error.http_status(), 413);
    assert!(error.json_body(DOCS).contains("\"customCode\":413"));
    assert_eq!(expired().http_status(), 400);
}

#[test]
fn what_is_private_reaches_the_log_alone() {
    let error = expired().with_detail("public detail");
    assert_eq!(error.to_string(), "invalid_grant (code_expired): public detail [code of grant 17]");
    let written = [
        error.json_body(DOCS),
        error.bearer_challenge(DOCS, Some("a"), META),
        error.description(),
        format!("{:?}", error.redirect_params(DOCS, None, "https://auth.example")),
    ];
    for text in written {
        assert!(text.contains("public detail"), "{text}");
        assert!(!text.contains("grant 17"), "{text}");
    }
}

#[test]
fn details_are_cut() {
    let error = expired().with_detail("x".repeat(10_000));
    assert!(error.description().len() < 600);
}

/// RFC 6749 5.2.
fn is_description(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

proptest! {
    /// Lesson S20, and response splitting: whatever a detail, a scope or a base URL holds, a header
    /// stays one header and a quoted string one quoted string.
    #[test]
    fn nothing_breaks_out(detail in any::<String>(), scope in any::<String>(), docs in any::<String>()) {
        let error = OAuthError::invalid_request(&fault::PARAMETER_REPEATED).with_detail(&*detail);
        prop_assert!(is_description(&error.description()));

        let header = error.bearer_challenge(&docs, Some(&scope), &docs);
        prop_assert!(header.bytes().all(|b| (0x20..0x7f).contains(&b)), "{header}");
        prop_assert_eq!(header.matches('"').count(), 10);
        prop_assert!(!header.contains('\\'));
        prop_assert!(basic_challenge(&detail).bytes().all(|b| (0x20..0x7f).contains(&b)));

        let body: serde_json::Value = serde_json::from_str(&error.json_body(&docs)).unwrap();
        prop_assert_eq!(&body["error_description"], &serde_json::Value::String(error.description()));

        let url = response_url("https://app.example/cb", &error.redirect_params(&docs, Some(&scope), &docs));
        prop_assert!(url.bytes().all(|b| (0x21..0x7f).contains(&b) && !b"\"<>\\#".contains(&b)), "{url}");
    }
}
