//! A server for one test, and the people and apps in it.

mod answer;
mod browser;
mod jar;
mod page;
mod probe;
mod seed;
pub mod smtp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::HOST;
use jiomeet_oauth::app::{App, SharedApp};
use jiomeet_oauth::config::{Config, Issuer};
use jiomeet_oauth::migrations::MIGRATIONS;
use jiomeet_oauth::random::Random;
use jiomeet_oauth::serve::{Bounds, serve};
use jiomeet_oauth::time::{Clock, Timestamp};
use sql::testing::{Scratch, engine};
use sql::{DatabaseUrl, DbError, Tx};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use answer::{Answer, Tokens};
pub use browser::Browser;
pub use page::{Form, Page};
pub use seed::{ALL_SCOPES, CHALLENGE, TestApp, VERIFIER};

/// Monday, 5 January 2026, 10:00:00 UTC: when every test begins.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// The password of everybody who signs in.
pub const PASSWORD: &str = "monsoon bus stop";

/// A server on a loopback port (one node of several, perhaps), its database, its clock.
pub struct World {
    /// What the handlers see.
    pub app: SharedApp,
    /// Stands still until a test moves it.
    pub clock: Clock,
    /// Never follows a redirect.
    pub http: reqwest::Client,
    /// The database, which nodes share.
    pub database: DatabaseUrl,
    overrides: String,
    /// Where this node listens: its own place, whatever the issuer is.
    address: SocketAddr,
    running: Option<Running>,
    _scratch: Arc<Scratch>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl World {
    /// A server with the default configuration (but ES256, which is quick to make keys for).
    pub async fn new() -> World {
        World::with("").await
    }

    /// A server with some keys of the configuration set otherwise, in TOML.
    pub async fn with(overrides: &str) -> World {
        let (database, scratch) = Scratch::migrated(engine(), MIGRATIONS);
        let (clock, overrides) = (Clock::manual(BEGINNING), overrides.to_owned());
        World::join(database, Arc::new(scratch), clock, overrides, None).await
    }

    /// Another node: the same database, issuer, clock and configuration, another process as far as a test can have one.
    pub async fn second_node(&self) -> World {
        let World { database, _scratch: scratch, clock, overrides, .. } = self;
        let issuer = Some(self.app.issuer.as_str());
        World::join(database.clone(), Arc::clone(scratch), clock.clone(), overrides.clone(), issuer).await
    }

    async fn join(
        database: DatabaseUrl,
        scratch: Arc<Scratch>,
        clock: Clock,
        overrides: String,
        issuer: Option<&str>,
    ) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = issuer.map_or_else(|| format!("http://{address}"), str::to_owned);
        let (app, running) = start(listener, &issuer, &database, &overrides, &clock).await;
        // Each node answers for the issuer alone, as behind a load balancer.
        let host = HeaderValue::from_str(app.issuer.authority()).unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let http = http.default_headers([(HOST, host)].into_iter().collect()).build().unwrap();
        World { app, clock, http, database, overrides, address, running: Some(running), _scratch: scratch }
    }

    /// Stops the server in order and starts it anew on the same database and address.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Lets the server fall over, whatever it was about to do, and starts it anew. (A real `kill -9` is in `program`.)
    pub async fn crash(&mut self) {
        if let Some(Running { task, .. }) = self.running.take() {
            task.abort();
            let _ = task.await;
        }
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        let issuer = self.app.issuer.as_str().to_owned();
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (app, running) = start(listener, &issuer, &self.database, &self.overrides, &self.clock).await;
        self.app = app;
        self.running = Some(running);
    }

    /// As [`World::restart`], with other keys of the configuration.
    pub async fn restart_with(&mut self, overrides: &str) {
        self.overrides = overrides.to_owned();
        self.restart().await;
    }

    /// Sends what waits in the outbox.
    pub async fn post_mail(&self) {
        jiomeet_oauth::mail::run_once(&self.app).await.unwrap();
    }

    async fn stop(&mut self) {
        if let Some(Running { stop, task }) = self.running.take() {
            let _ = stop.send(());
            task.await.unwrap();
        }
        self.app.db.close().await;
    }

    /// The absolute URL of a path, on this node.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn wait(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// Runs a unit of work on the server's database.
    pub async fn write<T: Send + 'static>(
        &self,
        unit: impl Fn(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        self.app.db.write(unit).await.unwrap()
    }

    /// Runs a statement of the test's own on the server's database; gives the number of rows.
    pub async fn execute(&self, statement: &'static str, values: &[&str]) -> u64 {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        self.write(move |tx| {
            let values: Vec<sql::Value<'_>> = values.iter().map(|value| sql::Value::Text(value)).collect();
            tx.execute(&sql::Statement::new("TEST", statement), &values)
        })
        .await
    }

    /// The number that a statement of the test's own answers.
    pub async fn count(&self, statement: &'static str, values: &[&str]) -> i64 {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        self.write(move |tx| {
            let values: Vec<sql::Value<'_>> = values.iter().map(|value| sql::Value::Text(value)).collect();
            tx.one(&sql::Statement::new("TEST", statement), &values, |row| row.get(0))
        })
        .await
    }
}

async fn start(
    listener: TcpListener,
    issuer: &str,
    database: &DatabaseUrl,
    overrides: &str,
    clock: &Clock,
) -> (SharedApp, Running) {
    let url = database.with_password();
    let base = format!("server.issuer = {issuer:?}\ndatabase.url = {url:?}\n");
    // Nothing leaves the machine, keys are quickly made, and a test that does not race needs few connections, each of
    // which costs it time.
    let usual = ["screening.online = false\n", "database.connections = 2\n", "keys.signing_algorithm = \"ES256\"\n"];
    let unsaid = usual.iter().filter(|line| !overrides.contains(line.split(' ').next().unwrap()));
    let config =
        Config::without_environment(&format!("{base}{}{overrides}", unsaid.copied().collect::<String>())).unwrap();
    let issuer = Issuer::parse(issuer).unwrap();
    let app = Arc::new(App::start(config, issuer, clock.clone(), Random::default()).await.unwrap());
    let router = router(Arc::clone(&app));
    let (stop, stopped) = oneshot::channel::<()>();
    let bounds = Bounds { max_connections: 1024, shutdown_grace: Duration::from_secs(5) };
    let task = tokio::spawn(serve(listener, router, bounds, async {
        let _ = stopped.await;
    }));
    (app, Running { stop, task })
}

fn router(app: SharedApp) -> axum::Router {
    jiomeet_oauth::middleware::around(jiomeet_oauth::routes::all().merge(probe::routes()), app)
}
