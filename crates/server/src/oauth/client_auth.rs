//! Client authentication at the token, revocation and introspection endpoints (RFC 6749 section 2.3).
//!
//! An unknown client and a wrong secret cannot be told apart: the same words, the same look-up, the same comparison.
//! Failures alone are counted, per client and block of addresses; the right secret always passes, so nobody can lock an
//! app out.

use std::time::Duration;

use protocol::error::OAuthError;
use protocol::fault::{self, Fault};
use protocol::jwt::Thumbprint;
use protocol::secret::{Secret, Sha256Digest};
use protocol::token_request::ClientCredentials;
use sql::{DbError, Tx};

use super::assertion::{self, KeyProof};
use super::dpop::TokenProof;
use crate::app::SharedApp;
use crate::apps::{SecretHash, TokenApp};
use crate::catalogue::ResourceServer;
use crate::ids::{ClientId, SecretId};
use crate::time::Timestamp;
use crate::users::{Admission, FailureLimit};

/// Longer texts are no client ids and are not looked up.
const MAX_CLIENT_ID: usize = 64;

/// Who asks, from where, and when: what every request to these endpoints has.
#[derive(Clone)]
pub struct Ask {
    /// The application.
    pub app: SharedApp,
    /// What came as client authentication.
    pub credentials: ClientCredentials,
    /// What became of its assertion, where it sent one.
    pub key_proof: Option<Result<KeyProof, &'static Fault>>,
    /// The DPoP proof that came with a request for tokens.
    pub proof: Option<TokenProof>,
    /// The block of addresses that the request came from.
    pub address_block: String,
    /// Its address, for the audit log.
    pub address: String,
    /// Now.
    pub now: Timestamp,
}

impl Ask {
    /// The client id that came.
    pub fn client_id(&self) -> ClientId {
        ClientId::from_text(self.credentials.client_id())
    }

    /// The key that the request proves.
    pub fn key(&self) -> Option<Thumbprint> {
        self.proof.as_ref().map(TokenProof::key)
    }

    /// Refuses what cannot be a client id, before anything is looked up.
    ///
    /// # Errors
    /// `invalid_client`.
    pub fn check_shape(&self) -> Result<(), OAuthError> {
        let id = self.credentials.client_id();
        if id.len() <= MAX_CLIENT_ID && id.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(())
        } else {
            Err(OAuthError::invalid_client(&fault::CLIENT_CREDENTIALS_WRONG))
        }
    }
}

/// A client that said who it is, and was believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The secret that it used.
    pub secret: Option<UsedSecret>,
    /// It signed an assertion.
    pub by_key: bool,
}

impl Authenticated {
    /// It said who it is, no more: a public client has nothing to prove it with.
    pub const NAMED: Authenticated = Authenticated { secret: None, by_key: false };

    /// Whether it proved who it is.
    pub const fn is_proven(&self) -> bool {
        self.by_key || self.secret.is_some()
    }
}

/// A secret that was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedSecret {
    /// Which one.
    pub id: SecretId,
    /// When it was last used before, as far as written.
    pub last_used_at: Option<Timestamp>,
}

/// A client that was not believed.
#[derive(Debug, Clone)]
pub enum ClientRefusal {
    /// What came is wrong.
    Failed(OAuthError),
    /// Too much came that was wrong: come back later.
    Limited(Duration),
}

/// Judges the secret of the app that the client id named, if there is one, or that it needs none.
///
/// # Errors
/// What is wrong, in words that say nothing of whether the app exists when a secret was sent.
pub fn authenticate(
    app: Option<&TokenApp>,
    credentials: &ClientCredentials,
    now: Timestamp,
) -> Result<Authenticated, &'static Fault> {
    match (app, credentials.client_secret()) {
        (Some(app), None) if app.kind.is_public() => Ok(Authenticated::NAMED),
        (Some(_) | None, None) => Err(&fault::CLIENT_SECRET_MISSING),
        (Some(app), Some(_)) if app.kind.is_public() => Err(&fault::CLIENT_SECRET_UNEXPECTED),
        (Some(app), Some(secret)) => match matching(&app.secrets, secret, now) {
            Some(_) if app.assertions_only => Err(&fault::CLIENT_SECRET_REFUSED),
            Some(used) => Ok(Authenticated { secret: Some(used), by_key: false }),
            None => Err(&fault::CLIENT_CREDENTIALS_WRONG),
        },
        (None, Some(secret)) => {
            // The same work as for a known client.
            let nobody = SecretHash {
                id: SecretId::from_text(""),
                hash: Sha256Digest::from_bytes([0; 32]),
                expires_at: None,
                last_used_at: None,
            };
            let _ = matching(&[nobody], secret, now);
            Err(&fault::CLIENT_CREDENTIALS_WRONG)
        }
    }
}

/// The living secret of that text. Digests are compared in constant time, and each of them.
fn matching(secrets: &[SecretHash], presented: &Secret, now: Timestamp) -> Option<UsedSecret> {
    let digest = presented.digest();
    let mut found = None;
    for secret in secrets {
        let lives = secret.expires_at.is_none_or(|end| now < end);
        if secret.hash == digest && lives {
            found = Some(UsedSecret { id: secret.id.clone(), last_used_at: secret.last_used_at });
        }
    }
    found
}

/// Judges the credentials and counts a failure, in the caller's unit of work.
///
/// # Errors
/// When the database refuses.
pub fn admit(
    tx: &mut Tx<'_>,
    ask: &Ask,
    app: Option<&TokenApp>,
) -> Result<Result<Authenticated, ClientRefusal>, DbError> {
    let judged = match (&ask.key_proof, app) {
        (None, app) => authenticate(app, &ask.credentials, ask.now),
        (Some(Ok(proof)), Some(app)) => assertion::admit(tx, app, proof, ask.now)?,
        (Some(Ok(_)), None) => Err(&fault::ASSERTION_WRONG),
        (Some(Err(fault)), _) => Err(*fault),
    };
    match judged {
        Ok(client) => Ok(Ok(client)),
        Err(fault) => count_failure(tx, ask, fault).map(Err),
    }
}

/// Judges the credentials of a declared resource server, and counts a failure.
///
/// # Errors
/// When the database refuses.
pub fn admit_server(tx: &mut Tx<'_>, ask: &Ask, server: &ResourceServer) -> Result<Result<(), ClientRefusal>, DbError> {
    match ask.credentials.client_secret() {
        // Digests are compared in constant time.
        Some(secret) if secret.digest() == server.secret => Ok(Ok(())),
        Some(_) => count_failure(tx, ask, &fault::CLIENT_CREDENTIALS_WRONG).map(Err),
        None => count_failure(tx, ask, &fault::CLIENT_SECRET_MISSING).map(Err),
    }
}

fn count_failure(tx: &mut Tx<'_>, ask: &Ask, fault: &'static Fault) -> Result<ClientRefusal, DbError> {
    let limits = &ask.app.config.limits;
    let parts = [ask.credentials.client_id().as_bytes(), ask.address_block.as_bytes()];
    let limit = FailureLimit::new("client", &parts, limits.client_burst, limits.client_interval);
    Ok(match limit.reserve(tx, ask.now)? {
        Admission::Admitted => ClientRefusal::Failed(OAuthError::invalid_client(fault)),
        Admission::Refused(wait) => ClientRefusal::Limited(wait),
    })
}

#[cfg(test)]
mod tests {
    use protocol::redirect_uri::ClientKind;
    use protocol::scope::ScopeSet;

    use super::*;
    use crate::ids::AppId;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn secret(id: &str, text: &str, expires_at: Option<i64>) -> SecretHash {
        SecretHash {
            id: SecretId::from_text(id),
            hash: Secret::new(text).digest(),
            expires_at: expires_at.map(Timestamp::from_millis),
            last_used_at: None,
        }
    }

    fn app(kind: ClientKind, secrets: Vec<SecretHash>) -> TokenApp {
        TokenApp {
            id: AppId::from_text("app-1"),
            client_id: ClientId::from_text("c1"),
            kind,
            serves: true,
            epoch: Timestamp::from_millis(0),
            scopes: ScopeSet::new(),
            test_mode: false,
            pkce_required: false,
            expires_in_as_time: false,
            assertions_only: false,
            dpop_required: false,
            secrets,
        }
    }

    fn basic(secret: &str) -> ClientCredentials {
        ClientCredentials::Basic { client_id: "c1".into(), client_secret: Secret::new(secret) }
    }

    fn none() -> ClientCredentials {
        ClientCredentials::None { client_id: "c1".into() }
    }

    #[test]
    fn an_unknown_client_and_a_wrong_secret_get_the_same_words() {
        let known = app(ClientKind::Confidential, vec![secret("s", "right", None)]);
        assert_eq!(authenticate(Some(&known), &basic("wrong"), NOW), Err(&fault::CLIENT_CREDENTIALS_WRONG));
        assert_eq!(authenticate(None, &basic("wrong"), NOW), Err(&fault::CLIENT_CREDENTIALS_WRONG));
        assert_eq!(authenticate(Some(&known), &none(), NOW), Err(&fault::CLIENT_SECRET_MISSING));
        assert_eq!(authenticate(None, &none(), NOW), Err(&fault::CLIENT_SECRET_MISSING));
    }

    #[test]
    fn the_old_secret_works_until_its_end_and_the_new_one_at_once() {
        let app =
            app(ClientKind::Confidential, vec![secret("old", "old", Some(1_000_001)), secret("new", "new", None)]);
        let used = |text: &str, now| {
            authenticate(Some(&app), &basic(text), now).map(|client| client.secret.unwrap().id.to_string())
        };
        assert_eq!(used("old", NOW), Ok("old".into()));
        assert_eq!(used("old", Timestamp::from_millis(1_000_001)), Err(&fault::CLIENT_CREDENTIALS_WRONG));
        assert_eq!(used("new", NOW), Ok("new".into()));
        for altered in ["ne", "neww", "New", "", "new ", "new="] {
            assert_eq!(used(altered, NOW), Err(&fault::CLIENT_CREDENTIALS_WRONG), "{altered}");
        }
    }

    #[test]
    fn an_app_that_signs_assertions_can_refuse_its_secrets() {
        let keen =
            TokenApp { assertions_only: true, ..app(ClientKind::Confidential, vec![secret("s", "right", None)]) };
        assert_eq!(authenticate(Some(&keen), &basic("right"), NOW), Err(&fault::CLIENT_SECRET_REFUSED));
        assert_eq!(authenticate(Some(&keen), &basic("wrong"), NOW), Err(&fault::CLIENT_CREDENTIALS_WRONG));
        assert_eq!(authenticate(Some(&keen), &none(), NOW), Err(&fault::CLIENT_SECRET_MISSING));
    }

    #[test]
    fn a_public_client_has_no_secret_and_a_confidential_one_cannot_go_without() {
        for kind in [ClientKind::PublicBrowser, ClientKind::PublicNative] {
            assert_eq!(authenticate(Some(&app(kind, vec![])), &none(), NOW), Ok(Authenticated::NAMED));
            let sent = authenticate(Some(&app(kind, vec![])), &basic("x"), NOW);
            assert_eq!(sent, Err(&fault::CLIENT_SECRET_UNEXPECTED));
        }
        let without = app(ClientKind::Confidential, vec![]);
        assert_eq!(authenticate(Some(&without), &basic("x"), NOW), Err(&fault::CLIENT_CREDENTIALS_WRONG));
    }
}
