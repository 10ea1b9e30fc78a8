//! The two zones of an authorization request (RFC 6749 4.1.2.1), pure.
//!
//! **Zone one**: nothing is trusted. Which app asks and where the answer should go are two claims of a stranger, and a
//! fault in them is a page, never a redirect. An app that is not approved is trusted only with its own people: else
//! anybody could register an app and have a redirect to wherever they like.
//!
//! **Zone two** begins with a [`Trusted`], which [`enter`] alone makes. It holds a [`Destination`], and every later fault
//! goes back to the app through it.

use protocol::authorize_request::{AuthorizeRequest, ClientPart, PageFault, state_of};
use protocol::error::OAuthError;
use protocol::fault::{self, Fault};
use protocol::params::Params;
use protocol::redirect_uri::{ClientKind, RedirectUri};
use protocol::scope::ScopeSet;

use super::answer::Destination;
use super::facts::Settings;
use super::sealed_request::{CarriedRequest, MAX_REQUEST};
use crate::apps::{AppStatus, ServingApp};
use crate::catalogue::Targets;
use crate::ids::UserId;

/// A request as it came: read, but not trusted.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Zone one.
    pub client: ClientPart,
    state: Option<String>,
    /// Zone two; its fault waits until there is somewhere to send it.
    request: Result<AuthorizeRequest, OAuthError>,
    /// The app pushed it.
    pushed: bool,
}

impl Asked {
    /// Reads a request that is being carried.
    ///
    /// # Errors
    /// The app or the redirect URI cannot be told.
    pub fn of(request: &CarriedRequest) -> Result<Asked, PageFault> {
        Asked::read(&request.query, request.pushed.is_some())
    }

    /// Reads the parameters of a request, form-encoded.
    ///
    /// # Errors
    /// The app or the redirect URI cannot be told.
    pub fn read(query: &str, pushed: bool) -> Result<Asked, PageFault> {
        let params = Params::from_form(query.as_bytes()).map_err(|error| PageFault::from(error.fault))?;
        let client = ClientPart::read(&params)?;
        let request = if query.len() > MAX_REQUEST {
            Err(OAuthError::invalid_request(&fault::REQUEST_TOO_LONG))
        } else {
            AuthorizeRequest::read(&params)
        };
        Ok(Asked { client, state: state_of(&params).map(str::to_owned), request, pushed })
    }

    /// The address that the app gave for the sign-in form. A hint, no more: it is shown in a field that can be changed.
    pub fn login_hint(&self) -> Option<&str> {
        self.request.as_ref().ok()?.login_hint.as_deref()
    }

    /// Whether no page may be shown; a request with a fault does not say.
    pub fn forbids_pages(&self) -> bool {
        self.request.as_ref().is_ok_and(|request| request.prompt.none)
    }
}

/// Who stands before us, as far as an app in test mode is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nobody is signed in.
    SignedOut,
    /// Signed in, and may use this app.
    Allowed,
    /// Signed in, and may not: the app is not approved, and the person is none of its testers.
    Outsider,
}

/// Why the request is refused before there is anywhere to send an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Suspended by a reviewer.
    Suspended,
    /// Not approved, and this person is none of its testers.
    NotApproved,
    /// The redirect URI is not identical to a registered one.
    WrongRedirectUri,
}

impl Closed {
    /// The entry of the catalogue.
    pub const fn fault(self) -> &'static Fault {
        match self {
            Closed::Suspended => &fault::CLIENT_SUSPENDED,
            Closed::NotApproved => &fault::CLIENT_NOT_APPROVED,
            Closed::WrongRedirectUri => &fault::REDIRECT_URI_UNREGISTERED,
        }
    }
}

/// Where a request for a known app stands.
#[derive(Debug)]
pub enum Zone {
    /// Refused on a page.
    One(Closed),
    /// The app is not approved, and nobody is signed in: its testers may sign in and go on, nobody else. With the
    /// redirect URI, if it is registered: the sign-in form may end there.
    Testers(Option<RedirectUri>),
    /// Answers may go to the app.
    Two(Box<Trusted>),
}

/// A request whose app and redirect URI belong together, by a person who may use the app or is not known yet.
#[derive(Debug)]
pub struct Trusted {
    /// Where answers go.
    pub destination: Destination,
    request: Result<AuthorizeRequest, OAuthError>,
    pushed: bool,
}

/// Decides whether a request may enter zone two.
pub fn enter(app: &ServingApp, asked: &Asked, access: Access) -> Zone {
    let matching = RedirectUri::matching(&asked.client.redirect_uri, &app.callback_urls, app.kind);
    match (app.status, access, matching) {
        (AppStatus::Suspended, _, _) => Zone::One(Closed::Suspended),
        (AppStatus::Approved, _, Some(uri)) | (_, Access::Allowed, Some(uri)) => {
            let destination = Destination::new(uri, asked.state.clone());
            Zone::Two(Box::new(Trusted { destination, request: asked.request.clone(), pushed: asked.pushed }))
        }
        (AppStatus::Approved, _, None) | (_, Access::Allowed, None) => Zone::One(Closed::WrongRedirectUri),
        (_, Access::Outsider, _) => Zone::One(Closed::NotApproved),
        (_, Access::SignedOut, matching) => Zone::Testers(matching),
    }
}

/// What a request without fault asks for.
#[derive(Debug, Clone)]
pub struct Demand {
    /// The request.
    pub request: AuthorizeRequest,
    /// The scopes that it asks for, at least one, all within the app's.
    pub scopes: ScopeSet,
    /// The resources that it is restricted to (RFC 8707).
    pub targets: Targets,
    /// Whom the app expects to be signed in.
    pub expected: Option<UserId>,
}

impl Trusted {
    /// Checks the rest of the request against the app as it is now.
    ///
    /// # Errors
    /// The first fault, to be sent to the app.
    pub fn demand(&self, app: &ServingApp, settings: Settings<'_>) -> Result<Demand, OAuthError> {
        let request = self.request.clone()?;
        if app.push_required && !self.pushed {
            return Err(OAuthError::invalid_request(&fault::PUSH_REQUIRED));
        }
        if needs_pkce(app, settings.require_pkce) && request.code_challenge.is_none() {
            return Err(OAuthError::invalid_request(&fault::PKCE_REQUIRED));
        }
        let expected = match &request.id_token_hint {
            None => None,
            Some(hint) => {
                let named = settings.hints.hinted_user(hint, &app.client_id);
                Some(named.ok_or(OAuthError::invalid_request(&fault::ID_TOKEN_HINT_INVALID))?)
            }
        };
        let targets = settings.catalogue.targets(&request.resource)?;
        // What the operator has taken back since an app was registered is nothing that it could ask for.
        let registered = app.scopes.filtered(|scope| settings.catalogue.scopes.contains(scope.as_str()));
        let within = request.scopes_within(&settings.catalogue.scopes.in_order(&registered))?;
        if within.is_empty() {
            let fault = OAuthError::invalid_scope(&fault::SCOPE_NOT_REGISTERED);
            return Err(fault.with_detail("It is registered for none that need not be named."));
        }
        let scopes = settings.catalogue.grantable(&within, &targets);
        if scopes.is_empty() {
            return Err(OAuthError::invalid_target(&fault::TARGET_WITHOUT_SCOPE));
        }
        Ok(Demand { request, scopes, targets, expected })
    }
}

/// Public apps have nothing else to prove with that a code is theirs (RFC 9700 2.1.1).
fn needs_pkce(app: &ServingApp, require_pkce: bool) -> bool {
    match app.kind {
        ClientKind::PublicBrowser | ClientKind::PublicNative => true,
        ClientKind::Confidential => require_pkce || app.pkce_required,
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Hints;
    use super::*;
    use crate::catalogue::tests::with_files;
    use crate::ids::{AppId, ClientId, RevisionId, UserId};
    use crate::time::Timestamp;
    use proptest::prelude::*;

    const CHALLENGE: &str = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

    /// Knows whom the hint `ada` names.
    struct OneHint;

    impl Hints for OneHint {
        fn hinted_user(&self, id_token: &str, _: &ClientId) -> Option<UserId> {
            (id_token == "ada").then(|| UserId::from_text("u-1"))
        }
    }

    fn app(status: AppStatus) -> ServingApp {
        let approved = matches!(status, AppStatus::Approved | AppStatus::Suspended);
        ServingApp {
            id: AppId::from_text("app-1"),
            client_id: ClientId::from_text("c1"),
            kind: ClientKind::Confidential,
            status,
            epoch: Timestamp::from_millis(0),
            consent_version: 1,
            pkce_required: false,
            push_required: false,
            owner_id: UserId::from_text("u-1"),
            developer: "Dev Eloper".to_owned(),
            revision_id: RevisionId::from_text("rev-1"),
            name: "Notes".to_owned(),
            homepage_url: "https://app.example".to_owned(),
            policy_url: "https://app.example/policy".to_owned(),
            logo: None,
            callback_urls: vec!["https://app.example/cb".to_owned(), "http://localhost:8081/cb".to_owned()],
            post_logout_urls: String::new(),
            scopes: ScopeSet::parse("user:read meeting:read").unwrap(),
            required_scopes: Vec::new(),
            approved_at: approved.then(|| Timestamp::from_millis(1)),
        }
    }

    fn asked(rest: &str) -> Asked {
        Asked::read(&format!("clientId=c1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&{rest}"), false).unwrap()
    }

    fn trusted(app: &ServingApp, rest: &str) -> Trusted {
        match enter(app, &asked(rest), Access::SignedOut) {
            Zone::Two(trusted) => *trusted,
            other => panic!("{other:?}"),
        }
    }

    fn demand(app: &ServingApp, rest: &str) -> Result<String, (&'static str, &'static str)> {
        let catalogue = with_files();
        let demand =
            trusted(app, rest).demand(app, Settings { require_pkce: false, catalogue: &catalogue, hints: &OneHint });
        demand.map(|demand| demand.scopes.to_string()).map_err(|error| (error.code.as_str(), error.fault.code))
    }

    #[test]
    fn zone_two_is_for_registered_addresses_of_apps_that_the_person_may_use() {
        use AppStatus::{Approved, Draft, InReview, OnHold, Rejected, Suspended};
        let zone = |status, access| match enter(&app(status), &asked("response_type=code"), access) {
            Zone::One(Closed::Suspended) => "suspended",
            Zone::One(Closed::NotApproved) => "not approved",
            Zone::One(Closed::WrongRedirectUri) => "wrong address",
            Zone::Testers(_) => "testers",
            Zone::Two(_) => "two",
        };
        for access in [Access::SignedOut, Access::Allowed, Access::Outsider] {
            assert_eq!(zone(Approved, access), "two", "{access:?}");
            assert_eq!(zone(Suspended, access), "suspended", "{access:?}");
        }
        for status in [Draft, InReview, OnHold, Rejected] {
            assert_eq!(zone(status, Access::SignedOut), "testers", "{status}");
            assert_eq!(zone(status, Access::Allowed), "two", "{status}");
            assert_eq!(zone(status, Access::Outsider), "not approved", "{status}");
        }
    }

    /// Lessons S1 to S6: whatever is not identical, byte for byte, is another address.
    #[test]
    fn no_other_spelling_of_a_registered_address_enters() {
        let app = app(AppStatus::Approved);
        for other in [
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://APP.example/cb",
            "HTTPS://app.example/cb",
            "http://app.example/cb",
            "https://app.example:443/cb",
            "https://app.example./cb",
            "https://app.example/cb?",
            "https://app.example/cb?x=1",
            "https://app.example/cb#",
            "https://app.example/cb/..;/x",
            "https://app.example/cb/../x",
            "https://app.example/cb/%2e%2e/x",
            "https://app.example//cb",
            "https://app.example/%63b",
            "https://app.example.evil.example/cb",
            "https://appXexample/cb",
            "https://a@b@app.example/cb",
            "https://app.example@evil.example/cb",
            "https://app.example%40evil.example/cb",
            "https://app.example\\@evil.example/cb",
            "https://evil.example/https://app.example/cb",
            " https://app.example/cb",
            "https://app.example/cb ",
            "https://app.example/cb\t",
            "//app.example/cb",
            "/cb",
            "cb",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "http://localhost:8082/cb",
            "http://127.0.0.1:8081/cb",
            "http://[::1]:8081/cb",
            "http://localhost.evil.example/cb",
            "http://0x7f.1/cb",
        ] {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("client_id", "c1")
                .append_pair("redirect_uri", other)
                .append_pair("response_type", "code")
                .finish();
            let zone = enter(&app, &Asked::read(&query, false).unwrap(), Access::Allowed);
            assert!(matches!(zone, Zone::One(Closed::WrongRedirectUri)), "{other}");
        }
    }

    #[test]
    fn zone_one_faults_are_pages() {
        for (query, expected) in [
            ("", "client_id_missing"),
            ("redirect_uri=https://app.example/cb", "client_id_missing"),
            ("client_id=&redirect_uri=https://app.example/cb", "client_id_missing"),
            ("client_id=a", "redirect_uri_missing"),
            ("client_id=a&redirect_uri=", "redirect_uri_missing"),
            ("client_id=a&client_id=a&redirect_uri=x", "client_id_repeated"),
            ("clientId=a&clientId=b&redirect_uri=x", "client_id_repeated"),
            ("clientId=a&client_id=b&redirect_uri=x", "client_ids_differ"),
            ("clientId=a&redirect_uri=x&redirect_uri=x", "redirect_uri_repeated"),
            ("clientId=a&redirect_uri=%FF", "parameter_encoding"),
            ("clientId=%00&redirect_uri=x", "parameter_encoding"),
        ] {
            assert_eq!(Asked::read(query, false).unwrap_err().fault.code, expected, "{query}");
        }
        assert_eq!(asked("client_id=c1").client.client_id, "c1", "the same id under both names is one id");
        let many = "x=1&".repeat(200);
        assert_eq!(Asked::read(&many, false).unwrap_err().fault.code, "parameters_too_many");
    }

    #[test]
    fn zone_two_faults_go_back_to_the_app() {
        let app = app(AppStatus::Approved);
        for (rest, expected) in [
            ("", ("invalid_request", "response_type_missing")),
            ("response_type=token", ("unsupported_response_type", "response_type_unsupported")),
            ("response_type=code&response_type=code", ("invalid_request", "parameter_repeated")),
            ("response_type=code&state=1&state=1", ("invalid_request", "parameter_repeated")),
            ("response_type=code&scope=user:read&scope=user:read", ("invalid_request", "parameter_repeated")),
            ("response_type=code&scope=meeting:join", ("invalid_scope", "scope_not_registered")),
            ("response_type=code&scope=nonsense", ("invalid_scope", "scope_not_registered")),
            ("response_type=code&scope=%22", ("invalid_scope", "scope_malformed")),
            ("response_type=code&code_challenge=x", ("invalid_request", "pkce_method_missing")),
            (
                "response_type=code&code_challenge=x&code_challenge_method=plain",
                ("invalid_request", "pkce_method_unsupported"),
            ),
            (
                "response_type=code&code_challenge=x&code_challenge_method=S256",
                ("invalid_request", "pkce_challenge_malformed"),
            ),
            ("response_type=code&code_challenge_method=S256", ("invalid_request", "pkce_challenge_missing")),
            ("response_type=code&prompt=none%20login", ("invalid_request", "prompt_none_not_alone")),
            ("response_type=code&prompt=sometimes", ("invalid_request", "prompt_unsupported")),
            ("response_type=code&max_age=-1", ("invalid_request", "max_age_malformed")),
            ("response_type=code&state=%FF", ("invalid_request", "parameter_encoding")),
            ("response_type=code&resource=https://other.example/", ("invalid_target", "target_unknown")),
            ("response_type=code&resource=https://meet.example.evil.example/", ("invalid_target", "target_unknown")),
        ] {
            assert_eq!(demand(&app, rest), Err(expected), "{rest}");
        }
        let long = format!("response_type=code&state={}", "x".repeat(MAX_REQUEST));
        assert_eq!(demand(&app, &long), Err(("invalid_request", "request_too_long")));
    }

    #[test]
    fn what_is_in_order_says_which_scopes_it_is_about() {
        let app = app(AppStatus::Approved);
        for (rest, expected) in [
            ("response_type=code", "user:read meeting:read"),
            ("response_type=code&scope=", "user:read meeting:read"),
            ("response_type=code&scope=offline_access", "user:read meeting:read"),
            ("response_type=code&scope=offline_access%20user:read", "user:read"),
            ("response_type=code&scope=meeting:read+user:read", "meeting:read user:read"),
            ("response_type=code&unknown=1&unknown=2&response_mode=query", "user:read meeting:read"),
            (
                "response_type=code&resource=https://meet.example&resource=https://meet.example/api",
                "user:read meeting:read",
            ),
        ] {
            assert_eq!(demand(&app, rest).as_deref(), Ok(expected), "{rest}");
        }
    }

    #[test]
    fn a_hint_that_is_none_is_refused() {
        let app = app(AppStatus::Approved);
        assert_eq!(
            demand(&app, "response_type=code&id_token_hint=x"),
            Err(("invalid_request", "id_token_hint_invalid"))
        );
        assert!(demand(&app, "response_type=code&id_token_hint=ada").is_ok());
    }

    #[test]
    fn openid_and_other_resources_are_asked_for_by_name() {
        let mut app = app(AppStatus::Approved);
        app.scopes = ScopeSet::parse("email files:read gone:since openid user:read").unwrap();
        for (rest, expected) in [
            ("", Ok("user:read files:read")),
            ("&scope=openid%20files:read", Ok("openid files:read")),
            ("&resource=https://files.example", Ok("files:read")),
            ("&resource=https://files.example&scope=openid%20email%20user:read", Ok("openid email")),
            ("&resource=https://files.example&scope=user:read", Err(("invalid_target", "target_without_scope"))),
            ("&resource=https://files.example&resource=https://meet.example", Ok("user:read files:read")),
            ("&scope=gone:since", Err(("invalid_scope", "scope_not_registered"))),
        ] {
            let found = demand(&app, &format!("response_type=code{rest}"));
            assert_eq!(found, expected.map(str::to_owned), "{rest}");
        }
        app.scopes = ScopeSet::parse("openid email").unwrap();
        assert_eq!(demand(&app, "response_type=code"), Err(("invalid_scope", "scope_not_registered")));
    }

    #[test]
    fn an_app_without_scopes_can_ask_for_nothing() {
        let mut app = app(AppStatus::Approved);
        app.scopes = ScopeSet::new();
        assert_eq!(demand(&app, "response_type=code"), Err(("invalid_scope", "scope_not_registered")));
    }

    #[test]
    fn pkce_is_demanded_of_public_apps_and_by_switch_of_others() {
        let refused = Err(("invalid_request", "pkce_required"));
        let catalogue = with_files();
        let with_challenge = format!("response_type=code&{CHALLENGE}");
        for (kind, switch, config, demanded) in [
            (ClientKind::Confidential, false, false, false),
            (ClientKind::Confidential, true, false, true),
            (ClientKind::Confidential, false, true, true),
            (ClientKind::PublicBrowser, false, false, true),
            (ClientKind::PublicNative, false, false, true),
        ] {
            let app = ServingApp { kind, pkce_required: switch, ..app(AppStatus::Approved) };
            let ask = |rest: &str| {
                let demand = trusted(&app, rest)
                    .demand(&app, Settings { require_pkce: config, catalogue: &catalogue, hints: &OneHint });
                demand.map(drop).map_err(|error| (error.code.as_str(), error.fault.code))
            };
            assert_eq!(
                ask("response_type=code"),
                if demanded { refused } else { Ok(()) },
                "{kind:?} {switch} {config}"
            );
            assert_eq!(ask(&with_challenge), Ok(()), "{kind:?}");
        }
    }

    #[test]
    fn an_app_that_must_push_is_refused_what_a_browser_could_have_changed() {
        let keen = ServingApp { push_required: true, ..app(AppStatus::Approved) };
        assert_eq!(demand(&keen, "response_type=code"), Err(("invalid_request", "push_required")));
        let query = "client_id=c1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code";
        let pushed = Asked::read(query, true).unwrap();
        let Zone::Two(trusted) = enter(&keen, &pushed, Access::SignedOut) else { panic!("not trusted") };
        let catalogue = with_files();
        assert!(
            trusted.demand(&keen, Settings { require_pkce: false, catalogue: &catalogue, hints: &OneHint }).is_ok()
        );
    }

    proptest! {
        /// Whatever comes, an answer goes to the very bytes of a registered address or nowhere.
        #[test]
        fn no_request_is_answered_elsewhere(
            uri in prop_oneof!["\\PC{0,40}", "https://app\\.example(/cb)?[/.?#@:%;a-z]{0,3}", Just("https://app.example/cb".to_owned())],
            names in proptest::collection::vec("(clientId|client_id|redirect_uri|state|scope|prompt|[a-z]{0,4})", 0..4),
            text in "\\PC{0,20}",
        ) {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("client_id", "c1").append_pair("redirect_uri", &uri);
            for name in &names {
                query.append_pair(name, &text);
            }
            let app = app(AppStatus::Approved);
            if let Ok(asked) = Asked::read(&query.finish(), false)
                && let Zone::Two(trusted) = enter(&app, &asked, Access::SignedOut)
            {
                prop_assert!(app.callback_urls.iter().any(|url| url == trusted.destination.redirect_uri()));
                prop_assert!(!names.iter().any(|name| name == "redirect_uri"));
                let catalogue = with_files();
                let _ = trusted.demand(&app, Settings { require_pkce: false, catalogue: &catalogue, hints: &OneHint });
            }
        }
    }
}
