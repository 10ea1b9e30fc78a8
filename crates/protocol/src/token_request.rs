//! The token request: who asks (RFC 6749 2.3), and what for (4.1.3 and 6). The same client
//! authentication opens revocation (RFC 7009) and introspection (RFC 7662).

use crate::authorize_request::{PageFault, client_id_of, read_resource, read_scope};
use crate::basic_auth;
use crate::client_assertion::{ASSERTION_TYPE, ClientAssertion};
use crate::error::OAuthError;
use crate::fault;
use crate::params::Params;
use crate::pkce::CodeVerifier;
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// What a client wants at the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// `grant_type=authorization_code` (RFC 6749 4.1.3).
    AuthorizationCode {
        /// The code from the redirect.
        code: Secret,
        /// If sent, it must be the one of the authorization request.
        redirect_uri: Option<String>,
        /// PKCE (RFC 7636 4.5).
        code_verifier: Option<CodeVerifier>,
        /// Whom the access token is to be for (RFC 8707 2.2); empty means everybody that the scopes are of.
        resource: Vec<String>,
    },
    /// `grant_type=refresh_token` (RFC 6749 6).
    RefreshToken {
        /// The newest refresh token.
        refresh_token: Secret,
        /// A narrower scope for the new access token; `None` means what was granted.
        scope: Option<ScopeSet>,
        /// Whom the access token is to be for (RFC 8707 2.2); empty means everybody that the scopes are of.
        resource: Vec<String>,
    },
}

impl TokenRequest {
    /// Reads the grant. Parameters of other grants are ignored.
    ///
    /// # Errors
    /// `invalid_request` when a parameter is missing or came twice, `unsupported_grant_type`,
    /// `invalid_scope` when the scope is malformed.
    pub fn read(params: &Params) -> Result<Self, OAuthError> {
        match params.get("grant_type")? {
            Some("authorization_code") => Ok(Self::AuthorizationCode {
                code: required(params, "code", &fault::CODE_MISSING)?,
                redirect_uri: params.get("redirect_uri")?.map(str::to_owned),
                code_verifier: params.get("code_verifier")?.map(CodeVerifier::new),
                resource: read_resource(params)?,
            }),
            Some("refresh_token") => Ok(Self::RefreshToken {
                refresh_token: required(params, "refresh_token", &fault::REFRESH_TOKEN_MISSING)?,
                scope: read_scope(params)?,
                resource: read_resource(params)?,
            }),
            Some(_) => Err(OAuthError::unsupported_grant_type(&fault::GRANT_TYPE_UNSUPPORTED)),
            None => Err(OAuthError::invalid_request(&fault::GRANT_TYPE_MISSING)),
        }
    }
}

/// A token that a client wants revoked (RFC 7009 2.1) or explained (RFC 7662 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedToken {
    /// The token.
    pub token: Secret,
    /// What the client thinks it is; only a hint.
    pub hint: Option<String>,
}

impl PresentedToken {
    /// Reads `token` and `token_type_hint`.
    ///
    /// # Errors
    /// `invalid_request` when the token is missing or a parameter came twice.
    pub fn read(params: &Params) -> Result<Self, OAuthError> {
        Ok(Self {
            token: required(params, "token", &fault::TOKEN_PARAMETER_MISSING)?,
            hint: params.get("token_type_hint")?.map(str::to_owned),
        })
    }
}

fn required(params: &Params, name: &str, missing: &'static fault::Fault) -> Result<Secret, OAuthError> {
    match params.get(name)? {
        Some(text) => Ok(Secret::new(text)),
        None => Err(OAuthError::invalid_request(missing)),
    }
}

/// At the token endpoint there is no page: the client is told directly.
fn no_page_here(page: PageFault) -> OAuthError {
    let error = OAuthError::invalid_request(page.fault);
    match page.detail {
        Some(detail) => error.with_detail(detail),
        None => error,
    }
}

/// How a client says who it is (RFC 6749 2.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCredentials {
    /// `client_secret_basic`: an `Authorization: Basic` header.
    Basic {
        /// The client id.
        client_id: String,
        /// The client secret.
        client_secret: Secret,
    },
    /// `client_secret_post`: both in the body.
    Post {
        /// The client id.
        client_id: String,
        /// The client secret.
        client_secret: Secret,
    },
    /// `private_key_jwt`: a JWT in the body, signed with a key of the client's (RFC 7523 2.2).
    Assertion(Box<ClientAssertion>),
    /// A public client, which has no secret.
    None {
        /// The client id.
        client_id: String,
    },
}

impl ClientCredentials {
    /// Reads the `Authorization` header, if there is one, and the body. The body may repeat the
    /// client id of the header, as many libraries do, but not bring a second secret.
    ///
    /// # Errors
    /// `invalid_client` when there is nothing or it can not be read; `invalid_request` for two
    /// methods at once (RFC 6749 2.3) or two different ids.
    pub fn read(authorization: Option<&[u8]>, params: &Params) -> Result<Self, OAuthError> {
        let body_id = client_id_of(params).map_err(no_page_here)?.map(str::to_owned);
        let body_secret = params.get("client_secret")?.map(Secret::new);
        if let Some(assertion) = read_assertion(params)? {
            if authorization.is_some() || body_secret.is_some() {
                return Err(OAuthError::invalid_request(&fault::CLIENT_AUTH_TWICE));
            }
            // RFC 7521 4.2: the client id may be left out; the assertion says it.
            if body_id.is_some_and(|id| id != assertion.client_id()) {
                return Err(OAuthError::invalid_client(&fault::ASSERTION_SUBJECT));
            }
            return Ok(Self::Assertion(Box::new(assertion)));
        }
        match authorization {
            Some(header) => Self::from_header(header, body_id, body_secret.is_some()),
            None => Self::from_body(body_id, body_secret),
        }
    }

    fn from_header(header: &[u8], body_id: Option<String>, body_has_secret: bool) -> Result<Self, OAuthError> {
        let basic = basic_auth::parse_basic(header)
            .map_err(OAuthError::invalid_client)?
            .ok_or(OAuthError::invalid_client(&fault::CLIENT_AUTH_SCHEME))?;
        if body_has_secret {
            return Err(OAuthError::invalid_request(&fault::CLIENT_AUTH_TWICE));
        }
        if body_id.is_some_and(|id| id != basic.client_id) {
            return Err(OAuthError::invalid_request(&fault::CLIENT_AUTH_IDS_DIFFER));
        }
        if basic.client_secret.expose().is_empty() {
            return Err(OAuthError::invalid_client(&fault::CLIENT_SECRET_MISSING));
        }
        Ok(Self::Basic { client_id: basic.client_id, client_secret: basic.client_secret })
    }

    fn from_body(id: Option<String>, secret: Option<Secret>) -> Result<Self, OAuthError> {
        match (id, secret) {
            (Some(client_id), Some(client_secret)) => Ok(Self::Post { client_id, client_secret }),
            (Some(client_id), None) => Ok(Self::None { client_id }),
            (None, _) => Err(OAuthError::invalid_client(&fault::CLIENT_AUTH_MISSING)),
        }
    }

    /// The client id, however it came.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. } | Self::Post { client_id, .. } | Self::None { client_id } => client_id,
            Self::Assertion(assertion) => assertion.client_id(),
        }
    }

    /// The client secret, if one came.
    pub fn client_secret(&self) -> Option<&Secret> {
        match self {
            Self::Basic { client_secret, .. } | Self::Post { client_secret, .. } => Some(client_secret),
            Self::Assertion(_) | Self::None { .. } => None,
        }
    }
}

/// Reads `client_assertion` and `client_assertion_type` (RFC 7521 4.2).
fn read_assertion(params: &Params) -> Result<Option<ClientAssertion>, OAuthError> {
    let kind = params.get("client_assertion_type")?;
    match (params.get("client_assertion")?, kind) {
        (None, None) => Ok(None),
        (Some(text), Some(ASSERTION_TYPE)) => ClientAssertion::read(text).map(Some).map_err(OAuthError::invalid_client),
        (None, Some(_)) => Err(OAuthError::invalid_client(&fault::ASSERTION_MALFORMED)),
        (Some(_), _) => Err(OAuthError::invalid_client(&fault::ASSERTION_TYPE_UNSUPPORTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(body: &str) -> Params {
        Params::from_form(body.as_bytes()).unwrap()
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, OAuthError>) -> (&'static str, &'static str) {
        let error = result.unwrap_err();
        (error.code.as_str(), error.fault.code)
    }

    #[test]
    fn the_curl_command_of_the_guide_is_read() {
        let request = TokenRequest::read(&params("grant_type=authorization_code&code=abc")).unwrap();
        let expected = TokenRequest::AuthorizationCode {
            code: Secret::new("abc"),
            redirect_uri: None,
            code_verifier: None,
            resource: vec![],
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn the_json_body_of_the_api_description_is_read() {
        let json = br#"{"code":"43473295-453c-451e-83af-7620f41fb87f","grant_type":"authorization_code"}"#;
        let request = TokenRequest::read(&Params::from_json(json).unwrap()).unwrap();
        let TokenRequest::AuthorizationCode { code, .. } = request else { panic!("{request:?}") };
        assert_eq!(code.expose(), "43473295-453c-451e-83af-7620f41fb87f");
    }

    #[test]
    fn redirect_uri_and_verifier_are_kept_as_they_came() {
        let body = "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fa%2Fb&code_verifier=wrong\
            &resource=https://a&resource=https://b";
        let expected = TokenRequest::AuthorizationCode {
            code: Secret::new("c"),
            redirect_uri: Some("https://a/b".into()),
            code_verifier: Some(CodeVerifier::new("wrong")),
            resource: vec!["https://a".into(), "https://b".into()],
        };
        assert_eq!(TokenRequest::read(&params(body)), Ok(expected));
    }

    #[test]
    fn refresh_requests_may_narrow_the_scope() {
        let read = |scope: &str| {
            let body = format!("grant_type=refresh_token&refresh_token=r{scope}");
            let request = TokenRequest::read(&params(&body)).unwrap();
            let TokenRequest::RefreshToken { refresh_token, scope, resource } = request else { panic!("{request:?}") };
            assert_eq!((refresh_token.expose(), resource.len()), ("r", 0));
            scope.map(|scope| scope.to_string())
        };
        assert_eq!(read(""), None);
        assert_eq!(read("&scope="), None);
        assert_eq!(read("&scope=offline_access"), None);
        assert_eq!(read("&scope=meeting:read+offline_access"), Some("meeting:read".into()));
    }

    #[test]
    fn what_is_missing_or_repeated_is_named() {
        let code = "grant_type=authorization_code";
        for (body, expected) in [
            ("", ("invalid_request", "grant_type_missing")),
            ("grant_type=", ("invalid_request", "grant_type_missing")),
            ("grant_type=password", ("unsupported_grant_type", "grant_type_unsupported")),
            ("grant_type=client_credentials", ("unsupported_grant_type", "grant_type_unsupported")),
            ("grant_type=Authorization_Code", ("unsupported_grant_type", "grant_type_unsupported")),
            ("grant_type=refresh_token&grant_type=refresh_token", ("invalid_request", "parameter_repeated")),
            (code, ("invalid_request", "code_missing")),
            (&format!("{code}&code="), ("invalid_request", "code_missing")),
            (&format!("{code}&code=a&code=b"), ("invalid_request", "parameter_repeated")),
            (&format!("{code}&code=a&redirect_uri=b&redirect_uri=b"), ("invalid_request", "parameter_repeated")),
            (&format!("{code}&code=a&code_verifier=b&code_verifier=c"), ("invalid_request", "parameter_repeated")),
            (&format!("{code}&code=%ff"), ("invalid_request", "parameter_encoding")),
            ("grant_type=refresh_token", ("invalid_request", "refresh_token_missing")),
            ("grant_type=refresh_token&refresh_token=a&scope=%22", ("invalid_scope", "scope_malformed")),
        ] {
            assert_eq!(refusal(TokenRequest::read(&params(body))), expected, "{body}");
        }
    }

    /// Lesson S22: what the grant has no use for is ignored, even when it is malformed.
    #[test]
    fn parameters_of_other_grants_are_ignored() {
        let body = "grant_type=authorization_code&code=c&refresh_token=a&refresh_token=b&scope=%22&username=%ff";
        assert!(TokenRequest::read(&params(body)).is_ok());
    }

    #[test]
    fn presented_tokens_are_read() {
        let presented = PresentedToken::read(&params("token=abc&token_type_hint=refresh_token")).unwrap();
        assert_eq!(presented, PresentedToken { token: Secret::new("abc"), hint: Some("refresh_token".into()) });
        for (body, fault) in [("", "token_parameter_missing"), ("token=a&token=a", "parameter_repeated")] {
            assert_eq!(refusal(PresentedToken::read(&params(body))), ("invalid_request", fault));
        }
    }

    // "app:hush", "app:" and "other:hush".
    const BASIC: &[u8] = b"Basic YXBwOmh1c2g=";
    const BASIC_EMPTY: &[u8] = b"Basic YXBwOg==";

    #[test]
    fn clients_authenticate_in_one_of_three_ways() {
        let basic = ClientCredentials::Basic { client_id: "app".into(), client_secret: Secret::new("hush") };
        let post = ClientCredentials::Post { client_id: "app".into(), client_secret: Secret::new("hush") };
        let public = ClientCredentials::None { client_id: "app".into() };
        for (header, body, expected) in [
            (Some(BASIC), "", &basic),
            (Some(BASIC), "client_id=app", &basic),
            (Some(BASIC), "clientId=app", &basic),
            (Some(BASIC), "client_secret=", &basic),
            (None, "client_id=app&client_secret=hush", &post),
            (None, "clientId=app&client_secret=hush", &post),
            (None, "client_id=app", &public),
            (None, "clientId=app&client_id=app", &public),
            (None, "client_id=app&client_secret=", &public),
        ] {
            let credentials = ClientCredentials::read(header, &params(body)).unwrap();
            assert_eq!(&credentials, expected, "{body}");
            assert_eq!(credentials.client_id(), "app");
        }
        assert_eq!(post.client_secret(), Some(&Secret::new("hush")));
        assert_eq!(public.client_secret(), None);
    }

    /// RFC 6749 2.3: not more than one method in a request.
    #[test]
    fn unclear_authentication_is_refused() {
        for (header, body, expected) in [
            (None, "", ("invalid_client", "client_auth_missing")),
            (None, "client_secret=hush", ("invalid_client", "client_auth_missing")),
            (Some(BASIC), "client_secret=hush", ("invalid_request", "client_auth_twice")),
            (Some(BASIC), "client_id=app&client_secret=hush", ("invalid_request", "client_auth_twice")),
            (Some(BASIC), "client_id=other", ("invalid_request", "client_auth_ids_differ")),
            (Some(BASIC), "client_id=app&clientId=other", ("invalid_request", "client_ids_differ")),
            (Some(BASIC), "client_id=app&client_id=app", ("invalid_request", "client_id_repeated")),
            (Some(BASIC_EMPTY), "", ("invalid_client", "client_secret_missing")),
            (Some(b"Basic !"), "client_id=app", ("invalid_client", "client_auth_malformed")),
            (Some(b"Bearer abc"), "client_id=app", ("invalid_client", "client_auth_scheme")),
            (Some(b""), "client_id=app&client_secret=hush", ("invalid_client", "client_auth_scheme")),
            (None, "client_id=a&client_secret=b&client_secret=b", ("invalid_request", "parameter_repeated")),
        ] {
            assert_eq!(refusal(ClientCredentials::read(header, &params(body))), expected, "{body}");
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!("{:?}", ClientCredentials::read(Some(BASIC), &params("")).unwrap());
        assert!(shown.contains("app") && !shown.contains("hush"), "{shown}");
        let body = "grant_type=authorization_code&code=hush&code_verifier=hush";
        let shown = format!("{:?}", TokenRequest::read(&params(body)).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_request_can_be_read(
            header in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
            body in "(grant_type|code|refresh_token|client_id|client_secret|authorization_code|token|[&=+%]|[^a]){0,20}",
        ) {
            let params = params(&body);
            let _ = (TokenRequest::read(&params), PresentedToken::read(&params));
            let _ = ClientCredentials::read(header.as_deref(), &params);
        }
    }
}
