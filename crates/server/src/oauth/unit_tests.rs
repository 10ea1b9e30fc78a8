//! Units of work on a real database: what no HTTP call can bring about.

use std::sync::Arc;
use std::time::Duration;

use protocol::scope::ScopeSet;
use protocol::secret::Secret;
use protocol::token_request::ClientCredentials;
use sql::testing::{Scratch, engine};
use sql::{Statement, params};

use super::access_token::TokenId;
use super::client_auth::Ask;
use super::codes::{self, NewCode, Proof, mint_code};
use super::grant::Generation;
use super::issue::{Issued, Outcome};
use super::redeem::{Redemption, redeem};
use super::refresh::{Refresh, refresh};
use super::refresh_token::RefreshToken;
use super::{SWEEPERS, ends, store};
use crate::app::{App, SharedApp};
use crate::catalogue::Targets;
use crate::config::{Config, Issuer};
use crate::ids::{AppId, SessionId, UserId};
use crate::migrations::MIGRATIONS;
use crate::random::Random;
use crate::time::{Clock, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);
const CLIENT: &str = "0123456789abcdef01234567";
const SECRET: &str = "jmcs_secret";

/// An application on a database with one person and one approved app.
struct Stage {
    app: SharedApp,
    _scratch: Scratch,
}

const PERSON: Statement = Statement::new(
    "PERSON",
    "INSERT INTO users (id, email, name, lname, password_hash, created_at, password_changed_at)
    VALUES ('u-1', 'ada@example.com', 'Ada', 'L', '', 0, 0)",
);
const APP: Statement = Statement::new(
    "APP",
    "INSERT INTO apps (id, client_id, owner_id, kind, created_at, approved_revision_id, working_revision_id, serving_scopes)
    VALUES ('app-1', $1, 'u-1', 'confidential', 0, 'rev-1', 'rev-1', 'user:read')",
);
const APP_SECRET: Statement = Statement::new(
    "APP_SECRET",
    "INSERT INTO app_secrets (id, app_id, secret_hash, last_four, created_at) VALUES ('sec-1', 'app-1', $1, 'cret', 0)",
);
const SECOND_KEY: Statement = Statement::new(
    "SECOND_KEY",
    "INSERT INTO server_keys (number, secret, created_at, active_at) VALUES (2, $1, 0, 0)",
);
const CONSENT: Statement = Statement::new(
    "CONSENT",
    "INSERT INTO consents (user_id, app_id, granted_scopes, declined_scopes, consent_version, first_granted_at, answered_at)
    VALUES ('u-1', 'app-1', 'user:read', '', 1, 0, 0)",
);

impl Stage {
    async fn set() -> Stage {
        let (url, scratch) = Scratch::migrated(engine(), MIGRATIONS);
        let text = url.with_password();
        let config = format!("database.url = {text:?}\nkeys.signing_algorithm = \"ES256\"");
        let config = Config::without_environment(&config).unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_767_607_200_000));
        let issuer = Issuer::parse("https://meet.example").unwrap();
        let app = Arc::new(App::start(config, issuer, clock, Random::default()).await.unwrap());
        let stage = Stage { app, _scratch: scratch };
        let hash = Secret::new(SECRET).digest();
        stage.unit(|tx| tx.execute(&PERSON, params![])).await;
        stage.unit(|tx| tx.execute(&APP, params![CLIENT])).await;
        stage.unit(move |tx| tx.execute(&APP_SECRET, params![hash.as_bytes()])).await;
        stage.unit(|tx| tx.execute(&CONSENT, params![])).await;
        stage
    }

    async fn unit<T: Send + 'static>(
        &self,
        unit: impl Fn(&mut sql::Tx<'_>) -> Result<T, sql::DbError> + Send + 'static,
    ) -> T {
        self.app.db.write(unit).await.unwrap()
    }

    async fn count(&self, statement: &'static str) -> i64 {
        self.unit(move |tx| tx.one(&Statement::new("COUNT", statement), params![], |row| row.get(0))).await
    }

    fn ask(&self) -> Ask {
        let client_secret = Secret::new(SECRET);
        Ask {
            app: Arc::clone(&self.app),
            credentials: ClientCredentials::Basic { client_id: CLIENT.to_owned(), client_secret },
            key_proof: None,
            proof: None,
            address_block: "192.0.2.0/24".to_owned(),
            address: "192.0.2.1".to_owned(),
            now: self.app.clock.now(),
        }
    }

    /// A fresh code, and the request to redeem it.
    async fn redemption(&self) -> Redemption {
        let random = Random::default();
        let now = self.app.clock.now();
        let code = mint_code(&random);
        let hash = code.digest();
        let code = NewCode {
            code,
            request_id: random.uuid(),
            app_id: AppId::from_text("app-1"),
            user_id: UserId::from_text("u-1"),
            session_id: SessionId::mint(&random),
            redirect_uri: "https://app.example/cb".to_owned(),
            scopes: ScopeSet::parse("user:read").unwrap(),
            targets: Targets::default(),
            code_challenge: None,
            nonce: None,
            dpop_jkt: None,
            authenticated_at: now,
            created_at: now,
            expires_at: now.plus(Duration::from_secs(300)),
        };
        self.unit(move |tx| codes::insert(tx, &code)).await;
        Redemption {
            ask: self.ask(),
            code: hash,
            targets: Targets::default(),
            proof: Proof { redirect_uri: None, verifier: None, key: None },
            grant_seed: random.timed_uuid(now),
            refresh_secret: random.bytes(),
        }
    }

    async fn redeem(&self, asked: &Redemption) -> Outcome {
        let asked = asked.clone();
        self.unit(move |tx| redeem(tx, &asked)).await
    }

    async fn refresh(&self, asked: &Refresh) -> Outcome {
        let asked = asked.clone();
        self.unit(move |tx| refresh(tx, &asked)).await
    }

    async fn sweep(&self, limit: i64) -> Vec<u64> {
        let now = self.app.clock.now();
        let mut swept = Vec::new();
        for sweeper in SWEEPERS {
            swept.push(self.unit(move |tx| sweeper(tx, now, limit)).await);
        }
        swept
    }
}

#[track_caller]
fn issued(outcome: Outcome) -> Issued {
    match outcome {
        Outcome::Issued(issued) => *issued,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_redemption_whose_commit_nobody_saw_runs_again_and_knows_its_own_grant() {
    let stage = Stage::set().await;
    let asked = stage.redemption().await;

    let first = issued(stage.redeem(&asked).await);
    let again = issued(stage.redeem(&asked).await);

    assert_eq!(first.access.id, again.access.id);
    assert_eq!(first.refresh.secret_hash(), again.refresh.secret_hash());
    assert_eq!(stage.count("SELECT COUNT(*) FROM grants WHERE ended_at IS NULL").await, 1);
    // Anyone else comes with a seed of their own.
    let other = Redemption { grant_seed: Random::default().bytes(), ..asked };
    assert!(matches!(stage.redeem(&other).await, Outcome::Refused(_)));
    assert_eq!(stage.count("SELECT COUNT(*) FROM grants WHERE ended_at IS NULL").await, 0);
}

#[tokio::test]
async fn a_refresh_whose_commit_nobody_saw_runs_again_and_gives_the_same_answer() {
    let stage = Stage::set().await;
    let grant = issued(stage.redeem(&stage.redemption().await).await);
    let asked = Refresh { ask: stage.ask(), token: grant.refresh.clone(), scope: None, targets: Targets::default() };

    let first = issued(stage.refresh(&asked).await);
    let again = issued(stage.refresh(&asked).await);

    assert_eq!(first.access.id, again.access.id);
    assert_eq!(first.refresh.secret_hash(), again.refresh.secret_hash());
}

/// A new root key while a refresh is repeated: the successor is the one that the old key made.
#[tokio::test]
async fn a_new_server_key_breaks_no_chain() {
    let stage = Stage::set().await;
    let app = &stage.app;
    let grant = issued(stage.redeem(&stage.redemption().await).await);
    let present = |token: &RefreshToken| Refresh {
        ask: stage.ask(),
        token: token.clone(),
        scope: None,
        targets: Targets::default(),
    };
    let first = issued(stage.refresh(&present(&grant.refresh)).await);
    assert_eq!(first.key.number, 1);

    stage.unit(|tx| tx.execute(&SECOND_KEY, params![[7_u8; 32]])).await;
    let now = app.clock.now();
    crate::keys::reload(&app.db, &app.config.keys, now, &app.keys, &app.signer).await.unwrap();
    assert_eq!(app.keys.current().number, 2);

    let again = issued(stage.refresh(&present(&grant.refresh)).await);
    assert_eq!((again.refresh.secret_hash(), again.key.number), (first.refresh.secret_hash(), 1));
    let second = issued(stage.refresh(&present(&first.refresh)).await);
    assert_eq!(second.key.number, 2);
    // Held up on its way: its successor was derived by the old key, the current one by the new.
    let held_up = stage.refresh(&present(&grant.refresh)).await;
    assert!(matches!(&held_up, Outcome::Refused(error) if error.fault.code == "refresh_token_replaced"), "{held_up:?}");
    assert_eq!(issued(stage.refresh(&present(&second.refresh)).await).key.number, 2);
}

#[tokio::test]
async fn a_grant_begins_when_the_person_gave_it_so_that_a_later_epoch_covers_it() {
    let stage = Stage::set().await;
    let asked = stage.redemption().await;
    let given_at = stage.app.clock.now();
    stage.app.clock.advance(Duration::from_secs(60));
    let asked = Redemption { ask: stage.ask(), ..asked };
    let grant = issued(stage.redeem(&asked).await);
    assert_eq!(grant.access.id.grant.created_at(), given_at);
    assert_eq!(stage.count("SELECT created_at FROM grants").await, given_at.as_millis());
}

#[tokio::test]
async fn a_grant_whose_token_could_not_be_signed_is_over() {
    let stage = Stage::set().await;
    let grant = issued(stage.redeem(&stage.redemption().await).await);

    let words = ends::end_unsigned(&stage.app, &grant.access, stage.app.clock.now()).await;

    assert!(words.contains("was ended: true"), "{words}");
    assert_eq!(stage.count("SELECT COUNT(*) FROM grants WHERE end_reason = 'signing_failed'").await, 1);
    assert_eq!(stage.count("SELECT COUNT(*) FROM revocations WHERE generation = -1").await, 1);
    let asked = Refresh { ask: stage.ask(), token: grant.refresh.clone(), scope: None, targets: Targets::default() };
    assert!(matches!(stage.refresh(&asked).await, Outcome::Refused(_)));
}

#[tokio::test]
async fn an_access_token_never_outlives_what_the_grants_row_says() {
    let stage = Stage::set().await;
    let grant = issued(stage.redeem(&stage.redemption().await).await);
    let until = |issued: &Issued| issued.access.access_until.as_millis();
    assert_eq!(stage.count("SELECT access_until FROM grants").await, until(&grant));

    stage.app.clock.advance(Duration::from_secs(10));
    let asked = Refresh { ask: stage.ask(), token: grant.refresh.clone(), scope: None, targets: Targets::default() };
    let first = issued(stage.refresh(&asked).await);
    let now = stage.app.clock.now();
    assert_eq!(first.access.access_until, now.plus(Duration::from_secs(60) + DAY), "grace and lifetime");
    assert_eq!(stage.count("SELECT access_until FROM grants").await, until(&first));

    // A clock that was set back, or a shorter lifetime since, must not let the row fall behind a token that lives.
    stage.app.clock.set(now.minus(DAY));
    let asked = Refresh { ask: stage.ask(), token: first.refresh.clone(), scope: None, targets: Targets::default() };
    issued(stage.refresh(&asked).await);
    assert_eq!(stage.count("SELECT access_until FROM grants").await, until(&first));
}

#[tokio::test]
async fn what_nobody_can_use_any_more_goes_and_nothing_before() {
    let stage = Stage::set().await;
    let redeemed = stage.redemption().await;
    let grant = issued(stage.redeem(&redeemed).await);
    stage.redemption().await;
    let ended = grant.access.id.grant;
    let now = stage.app.clock.now();
    stage.unit(move |tx| store::claim_end(tx, ended, super::grant::EndReason::RevokedByApp, now)).await;

    assert_eq!(stage.sweep(100).await, [0, 0, 0, 0, 0]);
    stage.app.clock.advance(DAY + Duration::from_secs(1));
    assert_eq!(stage.sweep(100).await, [0, 0, 0, 0, 0], "another node's clock may be a little behind");
    stage.app.clock.advance(Duration::from_secs(300));
    assert_eq!(stage.sweep(100).await, [1, 0, 1, 0, 0], "a code that nobody redeemed; a revocation of expired tokens");
    // A second use of the code still finds out that it is one.
    assert_eq!(stage.count("SELECT COUNT(*) FROM authorization_codes").await, 1);
    stage.app.clock.advance(60 * DAY);
    assert_eq!(stage.sweep(100).await, [0, 1, 0, 0, 0]);
    assert_eq!(stage.count("SELECT COUNT(*) FROM authorization_codes").await, 0, "the code goes with its grant");
    assert_eq!(stage.count("SELECT COUNT(*) FROM grants").await, 0);
}

#[tokio::test]
async fn sweeping_takes_no_more_than_it_was_told() {
    let stage = Stage::set().await;
    for _ in 0..5 {
        stage.redeem(&stage.redemption().await).await;
        stage.redemption().await;
    }
    stage.app.clock.advance(90 * DAY);
    assert_eq!(stage.sweep(2).await, [2, 2, 0, 0, 0]);
    assert_eq!(stage.sweep(2).await, [2, 2, 0, 0, 0]);
    assert_eq!(stage.sweep(2).await, [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn use_is_remembered_only_of_the_current_generation_of_a_living_grant() {
    let stage = Stage::set().await;
    let grant = issued(stage.redeem(&stage.redemption().await).await);
    let asked = Refresh { ask: stage.ask(), token: grant.refresh.clone(), scope: None, targets: Targets::default() };
    let TokenId { grant: id, generation } = issued(stage.refresh(&asked).await).access.id;
    let now = stage.app.clock.now();
    let claim = |generation| stage.unit(move |tx| store::claim_use(tx, id, generation, now));
    assert!(!claim(Generation::FIRST).await);
    assert!(claim(generation).await);
    assert!(!claim(generation).await, "once");
}
