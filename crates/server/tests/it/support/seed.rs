//! People, apps and codes, put into the database as the product's own rooms would.

use jiomeet_oauth::apps::{Creation, Declaration};
use jiomeet_oauth::audit::{Actor, Record};
use jiomeet_oauth::catalogue::Targets;
use jiomeet_oauth::ids::{AppId, DecisionId, SessionId, UserId};
use jiomeet_oauth::oauth::codes::{self, Inserted, NewCode, mint_code};
use jiomeet_oauth::random::Random;
use jiomeet_oauth::review::{Decider, Decision, Reason, Verdict, decide};
use jiomeet_oauth::users::{self, Created, Email, NewUser, Roles};
use protocol::pkce::{CodeChallenge, CodeVerifier};
use protocol::redirect_uri::ClientKind;
use protocol::scope::{Scope, ScopeSet};
use sql::{Statement, params};

use super::World;

/// An app as its developer knows it.
#[derive(Debug, Clone)]
pub struct TestApp {
    pub id: AppId,
    pub client_id: String,
    /// Empty for a public client.
    pub client_secret: String,
    pub redirect_uri: String,
    pub owner: UserId,
}

/// The six scopes of the platform.
pub const ALL_SCOPES: &str = "user:read meeting:create meeting:delete meeting:read meeting:update meeting:join";

/// A verifier, for codes that are asked for with PKCE.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Its challenge, as the parameters of an authorization request.
pub const CHALLENGE: [(&str, &str); 2] =
    [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];

const REMEMBER_CONSENT: Statement = Statement::new(
    "REMEMBER_CONSENT",
    "INSERT INTO consents (user_id, app_id, granted_scopes, declined_scopes, consent_version, first_granted_at, answered_at)
    VALUES ($1, $2, $3, '', 1, $4, $4) ON CONFLICT (user_id, app_id) DO UPDATE SET answered_at = $4",
);

impl World {
    /// An account that nobody has signed in to.
    pub async fn person(&self, email: &str) -> UserId {
        let id = UserId::mint(&Random::default());
        let user = NewUser {
            id: id.clone(),
            email: Email::parse(email).unwrap(),
            name: email.split('@').next().unwrap().to_owned(),
            lname: "Tester".to_owned(),
            roles: Roles::default(),
            password_hash: "none".to_owned(),
            created_at: self.now(),
            email_verified_at: Some(self.now()),
            oauth_granted_at: Some(self.now()),
        };
        assert_eq!(self.write(move |tx| users::create(tx, &user)).await, Created::Created);
        id
    }

    /// An approved confidential app that may ask for every scope, with a developer of its own.
    pub async fn approved_app(&self, name: &str) -> TestApp {
        let app = self.draft_app(name, ClientKind::Confidential).await;
        self.decide(&app, Decision::Approve).await;
        app
    }

    /// An approved public app.
    pub async fn public_app(&self, name: &str) -> TestApp {
        let app = self.draft_app(name, ClientKind::PublicBrowser).await;
        self.decide(&app, Decision::Approve).await;
        app
    }

    /// An approved native app that listens on the loopback interface, on whichever port is free.
    pub async fn native_app(&self, name: &str) -> TestApp {
        let callback_urls = [
            "http://127.0.0.1/callback".to_owned(),
            "http://[::1]/callback".to_owned(),
            "http://localhost:7777/callback".to_owned(),
            format!("example.{name}:/callback"),
            format!("https://{name}.example/callback"),
        ];
        let app = self.draft_app_at(name, ClientKind::PublicNative, &callback_urls).await;
        self.decide(&app, Decision::Approve).await;
        app
    }

    /// An approved confidential app that may ask for these scopes.
    pub async fn approved_app_for(&self, name: &str, scopes: &str) -> TestApp {
        let callback_urls = [format!("https://{name}.example/callback")];
        let app = self.draft_app_for(name, ClientKind::Confidential, &callback_urls, scopes).await;
        self.decide(&app, Decision::Approve).await;
        app
    }

    /// An app that was handed in and waits for its review: in test mode.
    pub async fn draft_app(&self, name: &str, kind: ClientKind) -> TestApp {
        self.draft_app_at(name, kind, &[format!("https://{name}.example/callback")]).await
    }

    /// As [`World::draft_app`], with these callback URLs.
    pub async fn draft_app_at(&self, name: &str, kind: ClientKind, callback_urls: &[String]) -> TestApp {
        self.draft_app_for(name, kind, callback_urls, ALL_SCOPES).await
    }

    /// As [`World::draft_app`], with these callback URLs and scopes.
    pub async fn draft_app_for(&self, name: &str, kind: ClientKind, callback_urls: &[String], scopes: &str) -> TestApp {
        let owner = self.person(&format!("{name}-dev@example.com")).await;
        let random = Random::default();
        let declared = Declaration {
            name: name.to_owned(),
            homepage_url: format!("https://{name}.example/"),
            policy_url: format!("https://{name}.example/policy"),
            logo_url: format!("https://{name}.example/logo.png"),
            use_case: "Other".to_owned(),
            callback_urls: callback_urls.to_vec(),
            scopes: scopes.split(' ').map(|scope| (Scope::parse(scope).unwrap(), None)).collect(),
            ..Declaration::default()
        };
        let creation = Creation::prepare(&random, owner.clone(), kind, declared, Actor::Operator, self.now()).unwrap();
        let app = TestApp {
            id: creation.app.id.clone(),
            client_id: creation.app.client_id.to_string(),
            client_secret: creation.secret.as_ref().map_or_else(String::new, |secret| secret.text.expose().to_owned()),
            redirect_uri: callback_urls[0].clone(),
            owner,
        };
        self.write(move |tx| creation.write(tx)).await;
        let record = Record::new(&random, self.now(), Actor::Operator, "app.submitted");
        let (id, now) = (app.id.clone(), self.now());
        self.write(move |tx| jiomeet_oauth::apps::submit(tx, &id, now, &record)).await;
        app
    }

    /// A reviewer's decision.
    pub async fn decide(&self, app: &TestApp, decision: Decision) {
        let random = Random::default();
        let verdict = Verdict {
            id: DecisionId::mint(&random),
            decision,
            reasons: vec![Reason::written("Seen in a test.")],
            by: Decider::Operator,
            seen: None,
            at: self.now(),
            record: Record::new(&random, self.now(), Actor::Operator, decision.action()),
        };
        let id = app.id.clone();
        let change = self.write(move |tx| decide(tx, &id, &verdict)).await;
        assert_eq!(change, jiomeet_oauth::apps::Change::Done);
    }

    /// The person answers the consent page as if they had ticked every scope, and the app gets its code.
    pub async fn code(&self, app: &TestApp, user: &UserId) -> String {
        self.code_of(app, user).issue().await
    }

    /// As [`World::code`], with what the request and the answer had in particular.
    pub fn code_of<'a>(&'a self, app: &TestApp, user: &UserId) -> CodeOf<'a> {
        let random = Random::default();
        let now = self.now();
        let code = NewCode {
            code: mint_code(&random),
            request_id: random.uuid(),
            app_id: app.id.clone(),
            user_id: user.clone(),
            session_id: SessionId::mint(&random),
            redirect_uri: app.redirect_uri.clone(),
            scopes: ScopeSet::parse(ALL_SCOPES).unwrap(),
            targets: Targets::default(),
            code_challenge: None,
            nonce: None,
            dpop_jkt: None,
            authenticated_at: now,
            created_at: now,
            expires_at: now.plus(self.app.config.tokens.authorization_code_ttl.get()),
        };
        CodeOf { world: self, code }
    }
}

/// A code that is about to be issued.
pub struct CodeOf<'a> {
    world: &'a World,
    code: NewCode,
}

impl CodeOf<'_> {
    /// The person ticked these scopes alone.
    pub fn scopes(mut self, scopes: &str) -> Self {
        self.code.scopes = ScopeSet::parse(scopes).unwrap();
        self
    }

    /// The request had the challenge of [`VERIFIER`].
    pub fn with_pkce(mut self) -> Self {
        self.code.code_challenge = Some(CodeChallenge::of(&CodeVerifier::new(VERIFIER)));
        self
    }

    /// Issues it, and remembers the consent.
    pub async fn issue(self) -> String {
        let CodeOf { world, code } = self;
        let text = code.code.expose().to_owned();
        let (user, app, scopes, now) =
            (code.user_id.clone(), code.app_id.clone(), code.scopes.to_string(), world.now());
        world.write(move |tx| tx.execute(&REMEMBER_CONSENT, params![user, app, scopes, now])).await;
        assert_eq!(world.write(move |tx| codes::insert(tx, &code)).await, Inserted::Issued);
        text
    }
}
