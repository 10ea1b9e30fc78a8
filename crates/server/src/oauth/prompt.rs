//! Why a person is asked to sign in or to consent, each reason with a name: pure decisions.
//!
//! `prompt` and `max_age` mean what OpenID Connect Core 3.1.2.1 says. What they ask of sign-in is met by a sign-in that
//! is not older than the request itself.

use std::time::Duration;

use protocol::authorize_request::Prompt;
use protocol::error::{OAuthError, OAuthErrorCode};
use protocol::fault;
use protocol::scope::ScopeSet;

use super::consent::Consent;
use crate::ids::{SessionId, UserId};
use crate::time::Timestamp;

/// What the request says about sign-in, and how far it has come.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// What to show or not to show.
    pub prompt: Prompt,
    /// How many seconds ago the person may have signed in, at most.
    pub max_age: Option<u32>,
    /// When the request came.
    pub created_at: Timestamp,
    /// It came just now: no sign-in can have answered it.
    pub is_fresh: bool,
    /// The session that the person chose for this request.
    pub chosen: Option<&'a SessionId>,
    /// Whom the app expects: the one of its `id_token_hint`.
    pub expected: Option<&'a UserId>,
}

/// What counts of a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionFacts<'a> {
    /// Which one.
    pub id: &'a SessionId,
    /// Whose.
    pub user: &'a UserId,
    /// When the person last proved who they are.
    pub authenticated_at: Timestamp,
}

/// Why the sign-in page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInReason {
    /// Nobody is signed in.
    SignedOut,
    /// `prompt=login`: the app wants the password again.
    PromptLogin,
    /// `prompt=select_account`, or the person wants another account.
    SelectAccount,
    /// `max_age`: the sign-in is too old for the app.
    TooOld,
}

/// Why the consent page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentReason {
    /// The person was never asked about this app.
    NeverAsked,
    /// `prompt=consent`: the app wants the person to be asked again.
    PromptConsent,
    /// Not every scope was granted.
    NotAllGranted,
    /// The app has other scopes, another name, logo or host since.
    AppChanged,
    /// Any program on the device can take the answer, so a person says each time that they began this (RFC 8252 8.6).
    AnyProgramOnTheDevice,
}

/// What comes next for a request without fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The sign-in page.
    SignIn(SignInReason),
    /// The consent page.
    Consent(ConsentReason),
    /// A code, without a page.
    Issue,
    /// Back to the app with an error: the person signed in, or chose to go on, as somebody else than it expects.
    SomebodyElse,
}

impl Next {
    /// What a request with `prompt=none` gets where a page would have to be shown (OpenID Connect Core 3.1.2.6).
    ///
    /// # Errors
    /// `login_required` or `consent_required`.
    pub fn without_a_page(self) -> Result<(), OAuthError> {
        match self {
            Next::SignIn(_) => Err(OAuthError::login_required()),
            Next::Consent(_) => Err(OAuthError::consent_required()),
            Next::SomebodyElse => Err(OAuthError::new(OAuthErrorCode::LoginRequired, &fault::OTHER_PERSON_SIGNED_IN)),
            Next::Issue => Ok(()),
        }
    }
}

/// Whether the person has to sign in first, and why.
pub fn sign_in_reason(asking: &Asking<'_>, session: Option<SessionFacts<'_>>) -> Option<SignInReason> {
    let Some(session) = session else { return Some(SignInReason::SignedOut) };
    let signed_in_since = !asking.is_fresh && session.authenticated_at >= asking.created_at;
    if signed_in_since {
        return None;
    }
    if asking.prompt.login {
        return Some(SignInReason::PromptLogin);
    }
    let age = asking.created_at.since(session.authenticated_at);
    if asking.max_age.is_some_and(|seconds| age > Duration::from_secs(seconds.into()) || seconds == 0) {
        return Some(SignInReason::TooOld);
    }
    let chosen = asking.chosen == Some(session.id);
    // Whom the app expects may be another one of the person's accounts; without a page nobody can choose.
    let choose = asking.prompt.select_account || (is_somebody_else(asking, Some(session)) && !asking.prompt.none);
    (choose && !chosen).then_some(SignInReason::SelectAccount)
}

/// Whether another person is signed in than the app expects (OpenID Connect Core 3.1.2.1, `id_token_hint`).
pub fn is_somebody_else(asking: &Asking<'_>, session: Option<SessionFacts<'_>>) -> bool {
    session.is_some_and(|session| asking.expected.is_some_and(|expected| expected != session.user))
}

/// Whether the person has to consent, and why.
pub fn consent_reason(
    prompt: Prompt,
    scopes: &ScopeSet,
    consent: Option<&Consent>,
    consent_version: i64,
    any_program: bool,
) -> Option<ConsentReason> {
    let Some(consent) = consent else { return Some(ConsentReason::NeverAsked) };
    if prompt.consent {
        Some(ConsentReason::PromptConsent)
    } else if !scopes.is_subset(&consent.granted) {
        Some(ConsentReason::NotAllGranted)
    } else if consent.version < consent_version {
        Some(ConsentReason::AppChanged)
    } else if any_program {
        Some(ConsentReason::AnyProgramOnTheDevice)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn prompt(text: &str) -> Prompt {
        Prompt::parse(text).unwrap()
    }

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    /// The session was made `age` seconds before the request; negative is after it.
    fn reason(text: &str, max_age: Option<u32>, is_fresh: bool, age: i64) -> Option<SignInReason> {
        let id = SessionId::from_text("ses-1");
        let asking = Asking { prompt: prompt(text), max_age, created_at: NOW, is_fresh, chosen: None, expected: None };
        let authenticated_at = Timestamp::from_millis(NOW.as_millis() - age * 1000);
        let user = UserId::from_text("u-1");
        sign_in_reason(&asking, Some(SessionFacts { id: &id, user: &user, authenticated_at }))
    }

    #[test]
    fn each_reason_to_sign_in() {
        use SignInReason::{PromptLogin, SelectAccount, TooOld};
        let fresh = true;
        for (text, max_age, is_fresh, age, expected, why) in [
            ("", None, fresh, 10, None, "signed in, nothing asked for"),
            ("consent", None, fresh, 10, None, "consent asks nothing of sign-in"),
            ("login", None, fresh, 10, Some(PromptLogin), "the password again"),
            ("login", None, fresh, 0, Some(PromptLogin), "a sign-in of the same moment came before the request"),
            ("login", None, !fresh, 10, Some(PromptLogin), "not signed in since the request"),
            ("login", None, !fresh, 0, None, "signed in since the request"),
            ("login", None, !fresh, -5, None, "signed in since the request, some time ago"),
            ("login consent", None, fresh, 1, Some(PromptLogin), "sign-in comes before consent"),
            ("", Some(60), fresh, 60, None, "just young enough"),
            ("", Some(60), fresh, 61, Some(TooOld), "too old"),
            ("", Some(60), !fresh, 61, Some(TooOld), "still too old"),
            ("", Some(60), !fresh, -1, None, "signed in since"),
            ("", Some(0), fresh, 0, Some(TooOld), "max_age=0 is prompt=login"),
            ("", Some(0), !fresh, -1, None, "max_age=0 met"),
            ("select_account", None, fresh, 10, Some(SelectAccount), "let the person choose"),
            ("select_account", None, !fresh, 10, Some(SelectAccount), "not chosen yet"),
            ("select_account", None, !fresh, -1, None, "chosen by signing in"),
            ("none", None, fresh, 10, None, "nothing stands in the way"),
        ] {
            assert_eq!(reason(text, max_age, is_fresh, age), expected, "{why}");
        }
    }

    #[test]
    fn nobody_signed_in_is_reason_enough() {
        let asking = Asking {
            prompt: prompt("none"),
            max_age: None,
            created_at: NOW,
            is_fresh: true,
            chosen: None,
            expected: None,
        };
        assert_eq!(sign_in_reason(&asking, None), Some(SignInReason::SignedOut));
    }

    #[test]
    fn choosing_a_session_answers_select_account_for_that_session_alone() {
        let (one, other) = (SessionId::from_text("ses-1"), SessionId::from_text("ses-2"));
        let asking = Asking {
            prompt: prompt("select_account"),
            max_age: None,
            created_at: NOW,
            is_fresh: false,
            chosen: Some(&one),
            expected: None,
        };
        let user = UserId::from_text("u-1");
        let at = NOW.minus(Duration::from_secs(9));
        let reason_for = |id| sign_in_reason(&asking, Some(SessionFacts { id, user: &user, authenticated_at: at }));
        assert_eq!(reason_for(&one), None);
        assert_eq!(reason_for(&other), Some(SignInReason::SelectAccount));
    }

    #[test]
    fn each_reason_to_consent() {
        use ConsentReason::{AppChanged, NeverAsked, NotAllGranted, PromptConsent};
        let consent = Consent {
            granted: scopes("user:read meeting:read"),
            declined: scopes("meeting:delete"),
            version: 2,
            first_granted_at: NOW,
        };
        let some = Some(&consent);
        for (text, asked, consent, version, expected, why) in [
            ("", "user:read", None, 2, Some(NeverAsked), "a new app"),
            ("", "user:read", some, 2, None, "part of what was granted"),
            ("", "meeting:read user:read", some, 2, None, "all that was granted"),
            ("", "user:read meeting:join", some, 2, Some(NotAllGranted), "one more"),
            ("", "meeting:delete", some, 2, Some(NotAllGranted), "unticked once"),
            ("", "user:read", some, 3, Some(AppChanged), "the app has changed"),
            ("consent", "user:read", some, 2, Some(PromptConsent), "the app wants it so"),
        ] {
            assert_eq!(consent_reason(prompt(text), &scopes(asked), consent, version, false), expected, "{why}");
        }
    }

    #[test]
    fn without_a_page_each_reason_is_an_error_of_its_own() {
        let code = |next: Next| next.without_a_page().map_err(|error| error.code.as_str());
        assert_eq!(code(Next::SignIn(SignInReason::TooOld)), Err("login_required"));
        assert_eq!(code(Next::Consent(ConsentReason::AppChanged)), Err("consent_required"));
        assert_eq!(code(Next::SomebodyElse), Err("login_required"));
        assert_eq!(code(Next::Issue), Ok(()));
    }

    #[test]
    fn whom_the_app_expects_signs_in_or_nobody_goes_on() {
        let (ada, ben, id) = (UserId::from_text("u-1"), UserId::from_text("u-2"), SessionId::from_text("ses-1"));
        let asking = |text: &str, is_fresh, chosen| Asking {
            prompt: prompt(text),
            max_age: None,
            created_at: NOW,
            is_fresh,
            chosen,
            expected: Some(&ada),
        };
        let session = |user, age: u64| {
            Some(SessionFacts { id: &id, user, authenticated_at: NOW.minus(Duration::from_secs(age)) })
        };
        let fresh = asking("", true, None);
        assert_eq!(sign_in_reason(&fresh, session(&ada, 9)), None);
        assert!(!is_somebody_else(&fresh, session(&ada, 9)));
        assert_eq!(sign_in_reason(&fresh, session(&ben, 9)), Some(SignInReason::SelectAccount));
        for gone_on in [asking("none", true, None), asking("", false, Some(&id))] {
            assert_eq!(sign_in_reason(&gone_on, session(&ben, 9)), None);
            assert!(is_somebody_else(&gone_on, session(&ben, 9)));
        }
    }
}
