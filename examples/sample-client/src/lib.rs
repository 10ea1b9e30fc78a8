//! Calendar Companion: a small web app that signs in with JioMeet and works with a person's
//! meetings. It is written to be copied, so it depends on published libraries only and knows of
//! the server nothing but its address.
//!
//! Read it in the order in which a sign-in happens:
//!
//! 1. [`config`]: what the app must be told, four values from the console and its own address.
//! 2. `oauth`: finds the server's endpoints, builds the authorization request, exchanges the code,
//!    refreshes and revokes (RFC 6749, 7009, 7636, 8414, 9207).
//! 3. `state`: the `state` parameter, base64 of JSON, made and checked.
//! 4. `session`: what is kept on this side for a browser, and the lock that makes refreshing safe.
//! 5. `api`: the user and meeting calls, with one refresh and one retry when a token has ended.
//! 6. `pages`: what people see. `problem` holds every error in words.

mod api;
pub mod config;
mod cookies;
mod http;
mod meeting_form;
mod oauth;
mod pages;
mod problem;
mod scopes;
mod session;
mod state;
mod times;
mod web;

use std::future::{Future, IntoFuture};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

pub use config::Config;

use api::Api;
use oauth::Provider;
use session::{Session, SignIn, Store};

/// Where the app takes the time from; tests pass one that they can move.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How many browsers can be signed in, and how many can be on their way, before the oldest are
/// forgotten. Both are kept apart so that a flood of sign-ins cannot push anyone out.
const MAX_SESSIONS: usize = 10_000;
/// A session that nobody used for so long is forgotten.
const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(12);
/// People may take their time on the sign-in page, but not for ever.
const SIGN_IN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Who has not sent a whole request by then does not keep the app from ending.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Everything a page needs.
pub(crate) struct App {
    pub(crate) config: Arc<Config>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) api: Api,
    pub(crate) sessions: Store<Session>,
    pub(crate) sign_ins: Store<SignIn>,
    pub(crate) clock: Clock,
}

impl App {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// Serves the app on `listener` until `shutdown` completes, then lets requests in flight finish, for
/// five seconds at most.
///
/// The server at [`Config::issuer`] need not be up yet: its endpoints are looked up at first use.
///
/// # Errors
/// When the configuration cannot work (see [`Config::check`]), when the TLS library cannot be set
/// up, or when the listener fails.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the real time enters; everything else takes the Clock"
    )]
    let clock: Clock = Arc::new(Timestamp::now);
    serve_with_clock(listener, config, clock, shutdown).await
}

/// As [`serve`], with the time taken from `clock`.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with_clock(
    listener: TcpListener,
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    config.check().map_err(|faults| io::Error::new(io::ErrorKind::InvalidInput, faults.join("\n")))?;
    let http = http::Http::new(&config.issuer).map_err(io::Error::other)?;
    let config = Arc::new(config);
    let provider = Arc::new(Provider::new(config.clone(), http.clone(), clock.clone()));
    let app = Arc::new(App {
        api: Api::new(&config.issuer, http, provider.clone()),
        sessions: Store::new(MAX_SESSIONS, SESSION_IDLE),
        sign_ins: Store::new(MAX_SESSIONS, SIGN_IN_LIFETIME),
        config,
        provider,
        clock,
    });
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        let _ = stopping.send(());
    };
    let server = axum::serve(listener, pages::router(app)).with_graceful_shutdown(shutdown);
    let patience_is_over = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(SHUTDOWN_PATIENCE).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = patience_is_over => Ok(()),
    }
}
