//! The authorization request (RFC 6749 4.1.1), read in two zones.
//!
//! 1. [`ClientPart`]: which app, and where to send the answer. Until both are known to belong
//!    together there is nowhere safe to send the person, so a fault here is a page (4.1.2.1).
//! 2. [`AuthorizeRequest`]: everything else. A fault here goes back to the app on the redirect,
//!    together with `state`, which [`state_of`] reads whatever else is wrong.
//!
//! The types keep the order: page faults are [`PageFault`]s, and an [`OAuthError`] can travel only
//! through a [`RedirectUri`](crate::redirect_uri::RedirectUri), which takes a `ClientPart` and the
//! app's registration to make.

use crate::error::OAuthError;
use crate::fault::{self, Fault};
use crate::params::{ParamFault, Params};
use crate::pkce::{self, CodeChallenge};
use crate::scope::{OFFLINE_ACCESS, ScopeSet};

/// A refusal that only a page can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFault {
    /// The entry of the catalogue.
    pub fault: &'static Fault,
    /// What the catalogue can not know.
    pub detail: Option<String>,
}

impl From<&'static Fault> for PageFault {
    fn from(fault: &'static Fault) -> Self {
        Self {
            fault,
            detail: None,
        }
    }
}

impl From<ParamFault> for PageFault {
    fn from(bad: ParamFault) -> Self {
        Self {
            fault: bad.fault,
            detail: Some(bad.detail()),
        }
    }
}

/// Zone one: which app asks, and where the answer should go. Neither is trusted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPart {
    /// `client_id` (RFC 6749) or `clientId` (the integration guide).
    pub client_id: String,
    /// `redirect_uri`, always asked for.
    pub redirect_uri: String,
}

impl ClientPart {
    /// Reads the app's id and the redirect URI.
    ///
    /// # Errors
    /// One of them is missing, came twice or is not text, or two different ids were sent.
    pub fn read(params: &Params) -> Result<Self, PageFault> {
        let client_id = client_id_of(params)?.ok_or(&fault::CLIENT_ID_MISSING)?;
        let redirect_uri = match params.get("redirect_uri") {
            Ok(Some(uri)) => uri,
            Ok(None) => return Err((&fault::REDIRECT_URI_MISSING).into()),
            Err(bad) if bad.is_repeated() => return Err((&fault::REDIRECT_URI_REPEATED).into()),
            Err(bad) => return Err(bad.into()),
        };
        Ok(Self {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        })
    }
}

/// The client id under either of its names.
///
/// # Errors
/// It came twice, is not text, or differs between the names.
pub fn client_id_of(params: &Params) -> Result<Option<&str>, PageFault> {
    let read = |name| match params.get(name) {
        Ok(id) => Ok(id),
        Err(bad) if bad.is_repeated() => Err(PageFault::from(&fault::CLIENT_ID_REPEATED)),
        Err(bad) => Err(bad.into()),
    };
    match (read("client_id")?, read("clientId")?) {
        (Some(a), Some(b)) if a != b => Err((&fault::CLIENT_IDS_DIFFER).into()),
        (a, b) => Ok(a.or(b)),
    }
}

/// The `state` to send back, readable whatever else is wrong with the request. One that came twice
/// is none: nobody could say which to send back.
pub fn state_of(params: &Params) -> Option<&str> {
    params.get("state").ok().flatten()
}

/// What the app asks the server to show or not to show (OpenID Connect Core 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompt {
    /// Show nothing; answer with an error where something would have to be shown. Always alone.
    pub none: bool,
    /// Ask for the password, even of a person who is signed in.
    pub login: bool,
    /// Ask for consent, even if it was given before.
    pub consent: bool,
    /// Let the person choose an account.
    pub select_account: bool,
}

impl Prompt {
    /// Reads the space-separated set.
    ///
    /// # Errors
    /// `invalid_request` for an unknown value, or `none` with another.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => return Err(OAuthError::invalid_request(&fault::PROMPT_UNSUPPORTED)),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(OAuthError::invalid_request(&fault::PROMPT_NONE_NOT_ALONE));
        }
        Ok(prompt)
    }
}

/// Zone two: what is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthorizeRequest {
    /// The scopes asked for; `None` means those that the app is registered for.
    pub scope: Option<ScopeSet>,
    /// Comes back byte for byte.
    pub state: Option<String>,
    /// PKCE; the method is always S256.
    pub code_challenge: Option<CodeChallenge>,
    /// What to show.
    pub prompt: Prompt,
    /// Whom the app expects, mostly an e-mail address, to fill into the sign-in page.
    pub login_hint: Option<String>,
    /// How long ago, in seconds, the person may have signed in.
    pub max_age: Option<u32>,
    /// OpenID Connect's replay guard.
    pub nonce: Option<String>,
    /// RFC 8707; may come more than once.
    pub resource: Vec<String>,
}

/// The most characters in a `login_hint`; an e-mail address has at most 254.
const MAX_LOGIN_HINT: usize = 320;
const MAX_NONCE: usize = 512;
const MAX_RESOURCE: usize = 2048;

impl AuthorizeRequest {
    /// Reads what is asked for. `response_type` must be `code`, and `offline_access` says nothing.
    ///
    /// # Errors
    /// The first fault, to be sent to the app with [`state_of`] the request.
    pub fn read(params: &Params) -> Result<Self, OAuthError> {
        let state = params.get("state")?.map(str::to_owned);
        match params.get("response_type")? {
            Some("code") => {}
            Some(_) => {
                return Err(OAuthError::unsupported_response_type(
                    &fault::RESPONSE_TYPE_UNSUPPORTED,
                ));
            }
            None => return Err(OAuthError::invalid_request(&fault::RESPONSE_TYPE_MISSING)),
        }
        Ok(Self {
            scope: read_scope(params)?,
            state,
            code_challenge: pkce::read_challenge(
                params.get("code_challenge")?,
                params.get("code_challenge_method")?,
            )?,
            prompt: Prompt::parse(params.get("prompt")?.unwrap_or_default())?,
            login_hint: bounded(params, "login_hint", MAX_LOGIN_HINT)?,
            max_age: read_max_age(params)?,
            nonce: bounded(params, "nonce", MAX_NONCE)?,
            resource: read_resource(params)?,
        })
    }

    /// The scopes that the person will be asked for: those of the request, or all that the app is
    /// registered for when it names none.
    ///
    /// # Errors
    /// `invalid_scope` for a scope that the app is not registered for (RFC 6749 3.3).
    pub fn scopes_within(&self, registered: &ScopeSet) -> Result<ScopeSet, OAuthError> {
        let Some(requested) = &self.scope else {
            return Ok(registered.clone());
        };
        let surplus = requested.difference(registered);
        if surplus.is_empty() {
            return Ok(requested.clone());
        }
        Err(OAuthError::invalid_scope(&fault::SCOPE_NOT_REGISTERED)
            .with_detail(format!("It is {surplus}.")))
    }
}

/// Reads `scope`, less `offline_access`; `None` when nothing is left.
pub(crate) fn read_scope(params: &Params) -> Result<Option<ScopeSet>, OAuthError> {
    let Some(text) = params.get("scope")? else {
        return Ok(None);
    };
    let set = ScopeSet::parse(text)?.without(OFFLINE_ACCESS);
    Ok((!set.is_empty()).then_some(set))
}

fn read_max_age(params: &Params) -> Result<Option<u32>, OAuthError> {
    let Some(text) = params.get("max_age")? else {
        return Ok(None);
    };
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits_only => Ok(Some(seconds)),
        _ => Err(OAuthError::invalid_request(&fault::MAX_AGE_MALFORMED)),
    }
}

fn read_resource(params: &Params) -> Result<Vec<String>, OAuthError> {
    params
        .get_all("resource")?
        .into_iter()
        .map(|uri| check_length("resource", uri, MAX_RESOURCE))
        .collect()
}

fn bounded(params: &Params, name: &str, max: usize) -> Result<Option<String>, OAuthError> {
    match params.get(name)? {
        Some(text) => check_length(name, text, max).map(Some),
        None => Ok(None),
    }
}

fn check_length(name: &str, text: &str, max: usize) -> Result<String, OAuthError> {
    if text.len() > max {
        return Err(OAuthError::invalid_request(&fault::PARAMETER_TOO_LONG)
            .with_detail(format!("It is {name}, which may have {max} bytes.")));
    }
    Ok(text.to_owned())
}
