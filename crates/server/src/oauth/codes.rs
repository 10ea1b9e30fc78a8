//! The authorization code: what it is bound to, and what its redemption meets (RFC 6749 section 4.1.3).
//!
//! The order is fixed: known, ours, alive, not expired, redirect URI, verifier. A wrong redirect URI or verifier spends
//! the code. A spent code ends the grant that came of it only when the request would otherwise have succeeded, expiry
//! apart: then whoever asks holds all that the first one held (RFC 9700 section 4.5).

use protocol::fault::{self, Fault};
use protocol::jwt::Thumbprint;
use protocol::pkce::{CodeChallenge, CodeVerifier, check_verifier};
use protocol::scope::ScopeSet;
use protocol::secret::{Secret, mint};
use sql::{DbError, Tx};

use super::grant::{Account, Dead, check_alive};
use super::store;
use crate::apps::TokenApp;
use crate::catalogue::Targets;
use crate::ids::{AppId, GrantId, SessionId, UserId};
use crate::random::Random;
use crate::time::Timestamp;

/// What every code begins with: secret scanners and the log's filter know it.
pub const PREFIX: &str = "jmac_";

/// A fresh code: 256 random bits.
pub fn mint_code(random: &Random) -> Secret {
    mint(PREFIX, &random.bytes())
}

/// A code that is about to be issued.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// The code itself; only its hash is kept.
    pub code: Secret,
    /// The authorization request that it answers; each is answered once.
    pub request_id: String,
    /// Who may redeem it.
    pub app_id: AppId,
    /// Who gave it.
    pub user_id: UserId,
    /// The session in which it was given.
    pub session_id: SessionId,
    /// The redirect URI of the request, byte for byte.
    pub redirect_uri: String,
    /// What was ticked.
    pub scopes: ScopeSet,
    /// The resources that the request restricted it to.
    pub targets: Targets,
    /// PKCE (RFC 7636).
    pub code_challenge: Option<CodeChallenge>,
    /// OpenID Connect's nonce.
    pub nonce: Option<String>,
    /// The key that the request named (RFC 9449 section 10).
    pub dpop_jkt: Option<Thumbprint>,
    /// When the person had last proved who they are.
    pub authenticated_at: Timestamp,
    /// Now.
    pub created_at: Timestamp,
    /// `tokens.authorization_code_ttl` later.
    pub expires_at: Timestamp,
}

/// What became of a new code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It can be redeemed.
    Issued,
    /// The request had been answered before; this code is nothing.
    AlreadyAnswered,
}

/// Keeps a new code.
///
/// # Errors
/// When the database refuses.
pub fn insert(tx: &mut Tx<'_>, code: &NewCode) -> Result<Inserted, DbError> {
    Ok(if store::insert_code(tx, code)? { Inserted::Issued } else { Inserted::AlreadyAnswered })
}

/// A code's row.
#[derive(Debug, Clone)]
pub struct Code {
    /// Who may redeem it.
    pub app_id: AppId,
    /// Who gave it.
    pub user_id: UserId,
    /// The session in which it was given.
    pub session_id: SessionId,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    /// What was ticked.
    pub scopes: ScopeSet,
    /// The resources that the request restricted it to.
    pub targets: Targets,
    /// PKCE.
    pub code_challenge: Option<CodeChallenge>,
    /// OpenID Connect's nonce.
    pub nonce: Option<String>,
    /// The key that the request named.
    pub dpop_jkt: Option<Thumbprint>,
    /// When the person had last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it was issued.
    pub created_at: Timestamp,
    /// The first moment at which it is too late.
    pub expires_at: Timestamp,
    /// It was used before.
    pub spent: bool,
    /// The grant that it became, if it did.
    pub grant_id: Option<GrantId>,
    /// The person's consent to the app still stands.
    pub consented: bool,
}

/// What came with the code.
#[derive(Debug, Clone)]
pub struct Proof {
    /// `redirect_uri`: may be left out, but must be right when it is sent.
    pub redirect_uri: Option<String>,
    /// `code_verifier`.
    pub verifier: Option<CodeVerifier>,
    /// The key that a DPoP proof proves.
    pub key: Option<Thumbprint>,
}

/// What a code gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// All is right: claim it, make the grant.
    Redeem,
    /// All would be right but that it was used before: end the grant that it became.
    Replay,
    /// Refused, and the code is spent.
    Spend(&'static Fault),
    /// Refused, and nothing changes.
    Refuse(&'static Fault),
}

/// Decides what `code` gets that `app` presents with `proof`.
pub fn decide(code: &Code, app: &TokenApp, account: Option<&Account>, proof: &Proof, now: Timestamp) -> Decision {
    if code.app_id != app.id {
        return Decision::Refuse(&fault::CODE_UNKNOWN);
    }
    if let Err(fault) = check_standing(code, app, account) {
        return Decision::Refuse(fault);
    }
    if !code.spent && now >= code.expires_at {
        return Decision::Refuse(&fault::CODE_EXPIRED);
    }
    match (check_proof(code, app, proof), code.spent) {
        (Ok(()), false) => Decision::Redeem,
        (Ok(()), true) => Decision::Replay,
        (Err(fault), false) => Decision::Spend(fault),
        (Err(_), true) => Decision::Refuse(&fault::CODE_SPENT),
    }
}

fn check_standing(code: &Code, app: &TokenApp, account: Option<&Account>) -> Result<(), &'static Fault> {
    let account = account.ok_or(&fault::CODE_REVOKED)?;
    check_alive(app, account, code.created_at).map_err(|dead| match dead {
        Dead::App => &fault::CLIENT_INACTIVE,
        Dead::Outsider => &fault::CLIENT_NOT_APPROVED,
        Dead::Account | Dead::Ended => &fault::CODE_REVOKED,
    })?;
    // An app that was narrowed to nothing of what was ticked has nothing to get.
    if !code.consented || code.scopes.intersection(&app.scopes).is_empty() {
        return Err(&fault::CODE_REVOKED);
    }
    Ok(())
}

fn check_proof(code: &Code, app: &TokenApp, proof: &Proof) -> Result<(), &'static Fault> {
    if proof.redirect_uri.as_ref().is_some_and(|uri| *uri != code.redirect_uri) {
        return Err(&fault::REDIRECT_URI_MISMATCH);
    }
    if code.dpop_jkt.is_some() && code.dpop_jkt != proof.key {
        return Err(&fault::DPOP_KEY_MISMATCH);
    }
    // A public client without PKCE gets no code; should one exist, it is worth nothing.
    if app.kind.is_public() && code.code_challenge.is_none() {
        return Err(&fault::PKCE_REQUIRED);
    }
    check_verifier(code.code_challenge.as_ref(), proof.verifier.as_ref()).map_err(|error| error.fault)
}

#[cfg(test)]
mod tests {
    use protocol::redirect_uri::ClientKind;

    use super::*;
    use crate::ids::ClientId;

    const MADE: i64 = 1_000_000;
    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const OTHER_KEY: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    fn code() -> Code {
        Code {
            app_id: AppId::from_text("app-1"),
            user_id: UserId::from_text("u-1"),
            session_id: SessionId::from_text("ses-1"),
            redirect_uri: "https://app.example/cb".into(),
            scopes: scopes("user:read meeting:read"),
            targets: Targets::default(),
            code_challenge: Some(CodeChallenge::of(&CodeVerifier::new(VERIFIER))),
            nonce: None,
            dpop_jkt: None,
            authenticated_at: at(MADE),
            created_at: at(MADE),
            expires_at: at(MADE + 300_000),
            spent: false,
            grant_id: None,
            consented: true,
        }
    }

    fn app() -> TokenApp {
        TokenApp {
            id: AppId::from_text("app-1"),
            client_id: ClientId::from_text("c1"),
            kind: ClientKind::Confidential,
            serves: true,
            epoch: at(0),
            scopes: scopes("user:read meeting:read meeting:join"),
            test_mode: false,
            pkce_required: false,
            expires_in_as_time: false,
            assertions_only: false,
            dpop_required: false,
            secrets: Vec::new(),
        }
    }

    fn account() -> Account {
        Account { is_open: true, epoch: at(0), may_use_app: true }
    }

    fn proof() -> Proof {
        Proof { redirect_uri: None, verifier: Some(CodeVerifier::new(VERIFIER)), key: None }
    }

    #[test]
    fn what_a_code_meets_in_order() {
        use Decision::{Redeem, Refuse, Replay, Spend};
        let now = MADE + 1000;
        let spent = Code { spent: true, ..code() };
        let other_app = TokenApp { id: AppId::from_text("app-2"), ..app() };
        let public = TokenApp { kind: ClientKind::PublicBrowser, ..app() };
        let plain = Code { code_challenge: None, ..code() };
        let uri = |uri: &str| Proof { redirect_uri: Some(uri.into()), ..proof() };
        let verifier = |text: &str| Proof { verifier: Some(CodeVerifier::new(text)), ..proof() };
        let bare = Proof { redirect_uri: None, verifier: None, key: None };
        let wrong = &"x".repeat(43);
        let keyed = |key: &str| Proof { key: Thumbprint::parse(key), ..proof() };
        let bound = Code { dpop_jkt: Thumbprint::parse(KEY), ..code() };
        #[rustfmt::skip]
        let table: &[(&str, Code, TokenApp, Proof, i64, Decision)] = &[
            ("all is right", code(), app(), proof(), now, Redeem),
            ("at the last moment", code(), app(), proof(), MADE + 299_999, Redeem),
            ("a moment later", code(), app(), proof(), MADE + 300_000, Refuse(&fault::CODE_EXPIRED)),
            ("the redirect URI of the request", code(), app(), uri("https://app.example/cb"), now, Redeem),
            ("another redirect URI", code(), app(), uri("https://app.example/cb/"), now, Spend(&fault::REDIRECT_URI_MISMATCH)),
            ("another redirect URI, expired", code(), app(), uri("x"), MADE + 300_000, Refuse(&fault::CODE_EXPIRED)),
            ("another app's code", code(), other_app.clone(), proof(), now, Refuse(&fault::CODE_UNKNOWN)),
            ("another app's spent code", spent.clone(), other_app, proof(), now, Refuse(&fault::CODE_UNKNOWN)),
            ("a wrong verifier", code(), app(), verifier(wrong), now, Spend(&fault::VERIFIER_MISMATCH)),
            ("a malformed verifier", code(), app(), verifier("short"), now, Spend(&fault::VERIFIER_MALFORMED)),
            ("downgrade: challenge without verifier", code(), app(), bare.clone(), now, Spend(&fault::VERIFIER_MISSING)),
            ("downgrade: verifier without challenge", plain.clone(), app(), proof(), now, Spend(&fault::VERIFIER_UNEXPECTED)),
            ("without PKCE at all", plain.clone(), app(), bare.clone(), now, Redeem),
            ("a public client without PKCE", plain, public, bare.clone(), now, Spend(&fault::PKCE_REQUIRED)),
            ("the key that the request named", bound.clone(), app(), keyed(KEY), now, Redeem),
            ("another key", bound.clone(), app(), keyed(OTHER_KEY), now, Spend(&fault::DPOP_KEY_MISMATCH)),
            ("no proof of the key that the request named", bound, app(), proof(), now, Spend(&fault::DPOP_KEY_MISMATCH)),
            ("a key that the request did not name", code(), app(), keyed(KEY), now, Redeem),
            ("a second time", spent.clone(), app(), proof(), now, Replay),
            ("a second time, expired by now", spent.clone(), app(), proof(), MADE + 900_000_000, Replay),
            ("a second time without the verifier", spent.clone(), app(), bare, now, Refuse(&fault::CODE_SPENT)),
            ("a second time with another redirect URI", spent, app(), uri("x"), now, Refuse(&fault::CODE_SPENT)),
        ];
        for (what, code, app, proof, now, expected) in table {
            assert_eq!(decide(code, app, Some(&account()), proof, at(*now)), *expected, "{what}");
        }
    }

    #[test]
    fn what_has_lost_its_ground_is_refused_and_stays_as_it_is() {
        type Ground = (Code, TokenApp, Option<Account>);
        let alive = (code(), app(), Some(account()));
        let epoch = at(MADE + 1);
        #[rustfmt::skip]
        let table: &[(&str, Ground, &'static Fault)] = &[
            ("consent withdrawn", (Code { consented: false, ..code() }, app(), Some(account())), &fault::CODE_REVOKED),
            ("app suspended or deleted", (code(), TokenApp { serves: false, ..app() }, Some(account())), &fault::CLIENT_INACTIVE),
            ("all of the app's tokens ended", (code(), TokenApp { epoch, ..app() }, Some(account())), &fault::CODE_REVOKED),
            ("app narrowed to other scopes", (code(), TokenApp { scopes: scopes("meeting:join"), ..app() }, Some(account())), &fault::CODE_REVOKED),
            ("account locked or deleted", (code(), app(), Some(Account { is_open: false, ..account() })), &fault::CODE_REVOKED),
            ("account gone", (code(), app(), None), &fault::CODE_REVOKED),
            ("all of the account's tokens ended", (code(), app(), Some(Account { epoch, ..account() })), &fault::CODE_REVOKED),
            ("tester no more", (code(), app(), Some(Account { may_use_app: false, ..account() })), &fault::CLIENT_NOT_APPROVED),
        ];
        let ask = |(code, app, account): &Ground| decide(code, app, account.as_ref(), &proof(), at(MADE + 1000));
        assert_eq!(ask(&alive), Decision::Redeem);
        for (what, asked, fault) in table {
            assert_eq!(ask(asked), Decision::Refuse(fault), "{what}");
            let spent = (Code { spent: true, ..asked.0.clone() }, asked.1.clone(), asked.2.clone());
            assert_eq!(
                ask(&spent),
                Decision::Refuse(fault),
                "{what}, spent: no replay, for it would not have succeeded"
            );
        }
    }

    #[test]
    fn a_code_says_what_it_is_and_is_never_the_same() {
        let random = Random::default();
        let code = mint_code(&random);
        assert!(code.expose().starts_with(PREFIX));
        assert_eq!(code.expose().len(), PREFIX.len() + 43);
        assert_ne!(code, mint_code(&random));
    }
}
