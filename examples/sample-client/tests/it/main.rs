//! The sample client over HTTP: a browser that the test drives, the real app, and a small
//! authorization server and API that the test holds in its hands.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at its first surprise")]

mod browser;
mod fake;
mod meetings;
mod sign_in;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use sample_client::{Clock, Config};
use tokio::net::TcpListener;
use url::Url;

use browser::Browser;
use fake::Fake;

/// The whole arrangement. Everything ends with it.
struct House {
    fake: Fake,
    client: Url,
    clock: Arc<AtomicI64>,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
}

impl House {
    async fn new() -> Self {
        Self::with(Fake::start().await, |_| {}).await
    }

    async fn with(fake: Fake, adjust: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = Url::parse(&format!("http://localhost:{port}/")).unwrap();
        let mut config = Config {
            issuer: Url::parse(&fake.issuer).unwrap(),
            client_id: fake::CLIENT_ID.to_owned(),
            client_secret: fake::CLIENT_SECRET.to_owned(),
            redirect_uri: client.join("/callback").unwrap(),
            scopes: fake::SCOPES.map(str::to_owned).to_vec(),
        };
        adjust(&mut config);
        // 2030-01-02T04:30:00Z
        let clock = Arc::new(AtomicI64::new(1_893_558_600));
        let time: Clock = {
            let clock = clock.clone();
            Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap())
        };
        let (shutdown, until) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            let until = async move {
                let _ = until.await;
            };
            sample_client::serve_with_clock(listener, config, time, until).await.unwrap();
        });
        Self { fake, client, clock, shutdown: Some(shutdown) }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.client)
    }

    /// A browser whose person has signed in and granted everything.
    async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let page = browser.get("/login").await;
        page.expect(200, "Hello, Asha Rao");
        browser
    }

    fn seconds_pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            let _ = shutdown.send(());
        }
    }
}
