//! The token request: who asks (RFC 6749 2.3), and what for (4.1.3 and 6). The same client
//! authentication opens revocation (RFC 7009) and introspection (RFC 7662).

use crate::authorize_request::{PageFault, client_id_of, read_scope};
use crate::basic_auth;
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
    },
    /// `grant_type=refresh_token` (RFC 6749 6).
    RefreshToken {
        /// The newest refresh token.
        refresh_token: Secret,
        /// A narrower scope for the new access token; `None` means what was granted.
        scope: Option<ScopeSet>,
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
            }),
            Some("refresh_token") => Ok(Self::RefreshToken {
                refresh_token: required(params, "refresh_token", &fault::REFRESH_TOKEN_MISSING)?,
                scope: read_scope(params)?,
            }),
            Some(_) => Err(OAuthError::unsupported_grant_type(
                &fault::GRANT_TYPE_UNSUPPORTED,
            )),
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

fn required(
    params: &Params,
    name: &str,
    missing: &'static fault::Fault,
) -> Result<Secret, OAuthError> {
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
        let body_id = client_id_of(params)
            .map_err(no_page_here)?
            .map(str::to_owned);
        let body_secret = params.get("client_secret")?.map(Secret::new);
        match authorization {
            Some(header) => Self::from_header(header, body_id, body_secret.is_some()),
            None => Self::from_body(body_id, body_secret),
        }
    }

    fn from_header(
        header: &[u8],
        body_id: Option<String>,
        body_has_secret: bool,
    ) -> Result<Self, OAuthError> {
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
        Ok(Self::Basic {
            client_id: basic.client_id,
            client_secret: basic.client_secret,
        })
    }

    fn from_body(id: Option<String>, secret: Option<Secret>) -> Result<Self, OAuthError> {
        match (id, secret) {
            (Some(client_id), Some(client_secret)) => Ok(Self::Post {
                client_id,
                client_secret,
            }),
            (Some(client_id), None) => Ok(Self::None { client_id }),
            (None, _) => Err(OAuthError::invalid_client(&fault::CLIENT_AUTH_MISSING)),
        }
    }

    /// The client id, however it came.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::None { client_id } => client_id,
        }
    }

    /// The client secret, if one came.
    pub fn client_secret(&self) -> Option<&Secret> {
        match self {
            Self::Basic { client_secret, .. } | Self::Post { client_secret, .. } => {
                Some(client_secret)
            }
            Self::None { .. } => None,
        }
    }
}
