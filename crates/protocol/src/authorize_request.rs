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
use crate::jwt::Thumbprint;
use crate::params::{ParamFault, Params};
use crate::pkce::{self, CodeChallenge};
use crate::scope::{OFFLINE_ACCESS, ScopeSet, is_sign_in};

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
        Self { fault, detail: None }
    }
}

impl From<ParamFault> for PageFault {
    fn from(bad: ParamFault) -> Self {
        Self { fault: bad.fault, detail: Some(bad.detail()) }
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
        Ok(Self { client_id: client_id.to_owned(), redirect_uri: redirect_uri.to_owned() })
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
    /// The scopes asked for; `None` means those that the app is registered for, but for OpenID Connect's.
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
    /// The key that the tokens will be bound to (RFC 9449 10).
    pub dpop_jkt: Option<Thumbprint>,
    /// An ID token of ours that tells whom the app expects (OpenID Connect Core 3.1.2.1); not verified here.
    pub id_token_hint: Option<String>,
    /// RFC 8707; may come more than once.
    pub resource: Vec<String>,
}

/// The most characters in a `login_hint`; an e-mail address has at most 254.
const MAX_LOGIN_HINT: usize = 320;
const MAX_NONCE: usize = 512;
const MAX_ID_TOKEN_HINT: usize = crate::jwt::MAX_TOKEN_LENGTH;
const MAX_RESOURCE: usize = 2048;

impl AuthorizeRequest {
    /// Reads what is asked for. `response_type` must be `code`, and `offline_access` says nothing. `display`,
    /// `ui_locales`, `claims_locales`, `acr_values` and `claims` are wishes of OpenID Connect that may go unmet: they are
    /// not read.
    ///
    /// # Errors
    /// The first fault, to be sent to the app with [`state_of`] the request.
    pub fn read(params: &Params) -> Result<Self, OAuthError> {
        let state = params.get("state")?.map(str::to_owned);
        refuse_what_is_not_offered(params)?;
        match params.get("response_type")? {
            Some("code") => {}
            Some(_) => {
                return Err(OAuthError::unsupported_response_type(&fault::RESPONSE_TYPE_UNSUPPORTED));
            }
            None => return Err(OAuthError::invalid_request(&fault::RESPONSE_TYPE_MISSING)),
        }
        Ok(Self {
            scope: read_scope(params)?,
            state,
            code_challenge: pkce::read_challenge(params.get("code_challenge")?, params.get("code_challenge_method")?)?,
            prompt: Prompt::parse(params.get("prompt")?.unwrap_or_default())?,
            login_hint: bounded(params, "login_hint", MAX_LOGIN_HINT)?,
            max_age: read_max_age(params)?,
            nonce: bounded(params, "nonce", MAX_NONCE)?,
            dpop_jkt: read_dpop_jkt(params)?,
            id_token_hint: bounded(params, "id_token_hint", MAX_ID_TOKEN_HINT)?,
            resource: read_resource(params)?,
        })
    }

    /// The scopes that the person will be asked for: those of the request, or all that the app is registered for when it
    /// names none, but for OpenID Connect's: an app that never asks for `openid` sees nothing of it.
    ///
    /// # Errors
    /// `invalid_scope` for a scope that the app is not registered for (RFC 6749 3.3).
    pub fn scopes_within(&self, registered: &ScopeSet) -> Result<ScopeSet, OAuthError> {
        let Some(requested) = &self.scope else {
            return Ok(registered.filtered(|scope| !is_sign_in(scope.as_str())));
        };
        let surplus = requested.difference(registered);
        if surplus.is_empty() {
            return Ok(requested.clone());
        }
        Err(OAuthError::invalid_scope(&fault::SCOPE_NOT_REGISTERED).with_detail(format!("It is {surplus}.")))
    }
}

/// What OpenID Connect Core 6 and 7.2.1 and OAuth 2.0 Multiple Response Types 2.1 would allow, each with the answer of its
/// own that section 3.1.2.6 has for it.
fn refuse_what_is_not_offered(params: &Params) -> Result<(), OAuthError> {
    if params.get("request")?.is_some() {
        return Err(OAuthError::request_not_supported(&fault::REQUEST_OBJECT_UNSUPPORTED));
    }
    if params.get("request_uri")?.is_some() {
        return Err(OAuthError::request_uri_not_supported(&fault::REQUEST_URI_UNSUPPORTED));
    }
    if params.get("registration")?.is_some() {
        return Err(OAuthError::registration_not_supported(&fault::REGISTRATION_UNSUPPORTED));
    }
    match params.get("response_mode")? {
        None | Some("query") => Ok(()),
        Some(_) => Err(OAuthError::invalid_request(&fault::RESPONSE_MODE_UNSUPPORTED)),
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

fn read_dpop_jkt(params: &Params) -> Result<Option<Thumbprint>, OAuthError> {
    let Some(text) = params.get("dpop_jkt")? else {
        return Ok(None);
    };
    Thumbprint::parse(text).map(Some).ok_or(OAuthError::invalid_request(&fault::DPOP_JKT_MALFORMED))
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

/// Reads every `resource` (RFC 8707 2).
pub(crate) fn read_resource(params: &Params) -> Result<Vec<String>, OAuthError> {
    params.get_all("resource")?.into_iter().map(|uri| check_length("resource", uri, MAX_RESOURCE)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(query: &str) -> Params {
        Params::from_form(query.as_bytes()).unwrap()
    }

    fn client(query: &str) -> Result<(String, String), &'static str> {
        ClientPart::read(&params(query)).map(|part| (part.client_id, part.redirect_uri)).map_err(|page| page.fault.code)
    }

    fn request(query: &str) -> AuthorizeRequest {
        AuthorizeRequest::read(&params(&format!("response_type=code&{query}"))).unwrap()
    }

    fn refusal(query: &str) -> (&'static str, &'static str) {
        let error = AuthorizeRequest::read(&params(query)).unwrap_err();
        (error.code.as_str(), error.fault.code)
    }

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_url_of_the_guide_is_read() {
        let query = "clientId=abc&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&state=eyJhIjoxfQ==";
        assert_eq!(client(query), Ok(("abc".into(), "https://app.example/cb".into())));
        let request = AuthorizeRequest::read(&params(query)).unwrap();
        let expected = AuthorizeRequest { state: Some("eyJhIjoxfQ==".into()), ..AuthorizeRequest::default() };
        assert_eq!(request, expected);
    }

    #[test]
    fn the_client_id_has_two_names() {
        let both = Ok(("abc".into(), "u".into()));
        assert_eq!(client("client_id=abc&redirect_uri=u"), both);
        assert_eq!(client("clientId=abc&redirect_uri=u"), both);
        assert_eq!(client("clientId=abc&client_id=abc&redirect_uri=u"), both);
        assert_eq!(client("clientId=&client_id=abc&redirect_uri=u"), both);
    }

    #[test]
    fn a_page_shows_what_is_wrong_with_client_and_redirect_uri() {
        for (query, code) in [
            ("", "client_id_missing"),
            ("redirect_uri=u", "client_id_missing"),
            ("client_id=&redirect_uri=u", "client_id_missing"),
            ("client_id=a&client_id=a&redirect_uri=u", "client_id_repeated"),
            ("clientId=a&clientId=b&redirect_uri=u", "client_id_repeated"),
            ("clientId=a&client_id=b&redirect_uri=u", "client_ids_differ"),
            ("clientId=a&client_id=A&redirect_uri=u", "client_ids_differ"),
            ("client_id=%ff&redirect_uri=u", "parameter_encoding"),
            ("client_id=a", "redirect_uri_missing"),
            ("client_id=a&redirect_uri=", "redirect_uri_missing"),
            ("client_id=a&redirect_uri=u&redirect_uri=u", "redirect_uri_repeated"),
            ("client_id=a&redirect_uri=u&redirect_uri=", "redirect_uri_repeated"),
            ("client_id=a&redirect_uri=%00", "parameter_encoding"),
        ] {
            assert_eq!(client(query), Err(code), "{query}");
        }
    }

    #[test]
    fn only_the_code_flow_is_offered() {
        assert_eq!(refusal("state=x"), ("invalid_request", "response_type_missing"));
        assert_eq!(refusal("response_type="), ("invalid_request", "response_type_missing"));
        for other in ["token", "id_token", "code+id_token", "CODE", "code+code", "none"] {
            let query = format!("response_type={other}");
            assert_eq!(refusal(&query), ("unsupported_response_type", "response_type_unsupported"));
        }
    }

    /// Every parameter but `resource` (RFC 8707) may come once only.
    #[test]
    fn repeated_parameters_are_refused() {
        for name in [
            "response_type",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "login_hint",
            "max_age",
            "nonce",
            "id_token_hint",
            "response_mode",
            "request",
            "request_uri",
            "registration",
        ] {
            let query = format!("response_type=code&{name}=code&{name}=code");
            let error = AuthorizeRequest::read(&params(&query)).unwrap_err();
            assert_eq!((error.code.as_str(), error.fault.code), ("invalid_request", "parameter_repeated"));
            assert!(error.description().contains(&format!("It is {name}.")));
        }
        assert_eq!(request("unknown=1&unknown=2"), AuthorizeRequest::default());
        assert_eq!(request("resource=a&resource=b").resource, ["a", "b"]);
    }

    #[test]
    fn state_can_be_read_whatever_else_is_wrong() {
        for query in
            ["state=s", "response_type=x&scope=a&scope=b&state=s", "state=s&a=%ff", "prompt=none+login&state=s"]
        {
            assert_eq!(state_of(&params(query)), Some("s"), "{query}");
        }
        for query in ["", "state=", "state=a&state=a", "state=%ff", "state=%00"] {
            assert_eq!(state_of(&params(query)), None, "{query}");
        }
    }

    #[test]
    fn offline_access_says_nothing() {
        assert_eq!(request("scope=user:read+offline_access").scope.unwrap().to_string(), "user:read");
        assert_eq!(request("scope=offline_access").scope, None);
        assert_eq!(request("scope=").scope, None);
        assert_eq!(refusal("response_type=code&scope=a%09b"), ("invalid_scope", "scope_malformed"));
    }

    #[test]
    fn scopes_must_be_registered() {
        let registered = ScopeSet::parse("user:read meeting:read").unwrap();
        let within = |query| request(query).scopes_within(&registered);
        assert_eq!(within(""), Ok(registered.clone()));
        assert_eq!(within("scope=meeting:read").unwrap().to_string(), "meeting:read");
        let with_sign_in = ScopeSet::parse("openid user:read profile email meeting:read").unwrap();
        assert_eq!(request("").scopes_within(&with_sign_in), Ok(registered.clone()), "openid has to be asked for");
        assert_eq!(request("scope=openid").scopes_within(&with_sign_in).unwrap().to_string(), "openid");
        let error = within("scope=user:read+meeting:join+x").unwrap_err();
        assert_eq!((error.code.as_str(), error.fault.code), ("invalid_scope", "scope_not_registered"));
        assert!(error.description().contains("It is meeting:join x."));
    }

    #[test]
    fn pkce_is_read() {
        let query = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
        assert_eq!(request(&query).code_challenge.unwrap().to_string(), CHALLENGE);
        let refused = refusal(&format!("response_type=code&code_challenge={CHALLENGE}"));
        assert_eq!(refused, ("invalid_request", "pkce_method_missing"));
        let refused = refusal(&format!("response_type=code&code_challenge={CHALLENGE}&code_challenge_method=plain"));
        assert_eq!(refused, ("invalid_request", "pkce_method_unsupported"));
    }

    #[test]
    fn prompt_is_a_set_in_which_none_stands_alone() {
        assert_eq!(Prompt::parse(""), Ok(Prompt::default()));
        assert_eq!(Prompt::parse("none none"), Ok(Prompt { none: true, ..Prompt::default() }));
        let both = Prompt { login: true, consent: true, ..Prompt::default() };
        assert_eq!(Prompt::parse("consent login consent"), Ok(both));
        let select = Prompt { select_account: true, ..Prompt::default() };
        assert_eq!(request("prompt=select_account").prompt, select);
        for other in ["login", "consent", "select_account"] {
            let error = Prompt::parse(&format!("{other} none")).unwrap_err();
            assert_eq!(error.fault.code, "prompt_none_not_alone");
        }
        for unknown in ["None", "create", "login,consent", "none\t"] {
            assert_eq!(Prompt::parse(unknown).unwrap_err().fault.code, "prompt_unsupported", "{unknown}");
        }
    }

    #[test]
    fn max_age_is_a_whole_number_of_seconds() {
        assert_eq!(request("max_age=0").max_age, Some(0));
        assert_eq!(request("max_age=86400").max_age, Some(86_400));
        for bad in ["-1", "%2B1", "1.5", "1s", "99999999999", "+1", "0x1", "١"] {
            let query = format!("response_type=code&max_age={bad}");
            assert_eq!(refusal(&query), ("invalid_request", "max_age_malformed"), "{bad}");
        }
    }

    #[test]
    fn what_is_not_offered_has_an_error_of_its_own() {
        for (query, refused) in [
            ("request=eyJ", ("request_not_supported", "request_object_unsupported")),
            ("request_uri=https://a.example/r", ("request_uri_not_supported", "request_uri_unsupported")),
            ("registration={}", ("registration_not_supported", "registration_unsupported")),
            ("response_mode=fragment", ("invalid_request", "response_mode_unsupported")),
            ("response_mode=form_post", ("invalid_request", "response_mode_unsupported")),
            ("response_mode=query.jwt", ("invalid_request", "response_mode_unsupported")),
        ] {
            assert_eq!(refusal(&format!("response_type=code&{query}")), refused);
        }
        let ignored = "response_mode=query&display=popup&ui_locales=fr&claims_locales=fr&acr_values=1&claims=%7B%7D";
        assert_eq!(request(ignored), AuthorizeRequest::default());
        assert_eq!(request("request=&request_uri=&registration="), AuthorizeRequest::default(), "empty is left out");
    }

    #[test]
    fn lengths_are_bounded() {
        for (name, max) in [
            ("login_hint", MAX_LOGIN_HINT),
            ("nonce", MAX_NONCE),
            ("resource", MAX_RESOURCE),
            ("id_token_hint", MAX_ID_TOKEN_HINT),
        ] {
            let query = |length| format!("response_type=code&{name}={}", "x".repeat(length));
            assert!(AuthorizeRequest::read(&params(&query(max))).is_ok());
            assert_eq!(refusal(&query(max + 1)), ("invalid_request", "parameter_too_long"));
        }
    }

    proptest! {
        #[test]
        fn any_query_can_be_read(query in "([a-z_]{0,5}|client_id|clientId|redirect_uri|response_type|code|scope|state|prompt|max_age|[&=+%]|[^a]){0,30}") {
            let params = params(&query);
            let _ = (ClientPart::read(&params), AuthorizeRequest::read(&params), state_of(&params));
        }

        /// Lesson S20 and RFC 6749 4.1.2: what the client sent as state is what we know as state.
        #[test]
        fn state_is_kept_as_it_is(state in "[^\0]{1,200}") {
            let query = form_urlencoded::Serializer::new("response_type=code&".to_owned()).append_pair("state", &state).finish();
            prop_assert_eq!(AuthorizeRequest::read(&params(&query)).unwrap().state, Some(state));
        }
    }
}
