//! A developer's site on this machine, and an app that declares it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use jiomeet_oauth::apps::{Creation, Declaration};
use jiomeet_oauth::audit::{Actor, Record};
use jiomeet_oauth::ids::{AppId, RevisionId};
use jiomeet_oauth::random::Random;
use jiomeet_oauth::screening::{Findings, findings};
use protocol::redirect_uri::ClientKind;
use protocol::scope::Scope;
use tokio::net::TcpListener;

use crate::support::World;

/// A picture of 256 by 256 pixels.
pub const LOGO: &[u8] = include_bytes!("../../../../../examples/sample-client/assets/logo.png");

/// A site with a homepage, a policy and a logo; it counts how often it was asked.
pub struct Site {
    pub port: u16,
    asked: Arc<AtomicUsize>,
}

impl Site {
    pub async fn start() -> Site {
        let asked = Arc::new(AtomicUsize::new(0));
        let words = "A planner for teams that meet every day and want to find the notes again. ".repeat(20);
        let home = format!("<!doctype html><title>Planner</title><p>{words}<a href=/policy>Privacy policy</a>");
        let policy = format!("<!doctype html><title>Policy</title><h1>Privacy policy</h1><p>{words}");
        let html = |text: String| {
            get(move |State(asked): State<Arc<AtomicUsize>>| async move {
                asked.fetch_add(1, Ordering::SeqCst);
                ([(CONTENT_TYPE, "text/html; charset=utf-8")], text)
            })
        };
        let router = Router::new()
            .route("/", html(home))
            .route("/policy", html(policy))
            .route("/logo.png", get(|| async { ([(CONTENT_TYPE, "image/png")], LOGO).into_response() }))
            .route("/harmful.txt", get(|| async { "127.0.0.1 prize-login.example\n" }))
            .route("/callback", get(|| async { (http::StatusCode::BAD_REQUEST, "no code") }))
            .with_state(Arc::clone(&asked));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Site { port, asked }
    }

    /// How often a page of it was asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A server that may look at this site.
    pub async fn world(&self) -> World {
        World::with(&self.settings()).await
    }

    /// What that server is configured with.
    pub fn settings(&self) -> String {
        format!(
            "screening.online = true\nscreening.ask_registries = false\nscreening.allow_hosts = [\"localhost:{}\"]\n",
            self.port
        )
    }

    /// What an app on this site declares.
    pub fn declared(&self) -> Declaration {
        declared(&format!("http://localhost:{}", self.port))
    }
}

/// What an app on that site declares.
pub fn declared(site: &str) -> Declaration {
    Declaration {
        name: "Day Planner".to_owned(),
        homepage_url: format!("{site}/"),
        policy_url: format!("{site}/policy"),
        logo_url: format!("{site}/logo.png"),
        use_case: "Other".to_owned(),
        callback_urls: vec![format!("{site}/callback")],
        scopes: vec![(Scope::parse("user:read").unwrap(), None)],
        ..Declaration::default()
    }
}

/// A draft with its owner.
pub struct Draft {
    pub app: AppId,
    pub revision: RevisionId,
}

impl World {
    /// A draft of `dev@example.com`.
    pub async fn draft(&self, declared: Declaration) -> Draft {
        let owner = self.person("dev@example.com").await;
        let actor = Actor::User(owner.clone());
        let kind = ClientKind::Confidential;
        let creation = Creation::prepare(&Random::default(), owner, kind, declared, actor, self.now()).unwrap();
        let draft = Draft { app: creation.app.id.clone(), revision: creation.app.revision_id.clone() };
        self.write(move |tx| creation.write(tx)).await;
        draft
    }

    /// Hands an app in.
    pub async fn submit(&self, app: &AppId) {
        let (app, now) = (app.clone(), self.now());
        let record = Record::new(&Random::default(), now, Actor::Operator, "app.submitted");
        let change = self.write(move |tx| jiomeet_oauth::apps::submit(tx, &app, now, &record)).await;
        assert_eq!(change, jiomeet_oauth::apps::Change::Done);
    }

    /// Does the background's work.
    pub async fn screen(&self) -> usize {
        jiomeet_oauth::screening::run_due(&self.app).await.unwrap()
    }

    /// What was found about a revision.
    pub async fn findings(&self, revision: &RevisionId) -> Findings {
        let revision = revision.clone();
        self.write(move |tx| findings(tx, &revision)).await
    }
}
