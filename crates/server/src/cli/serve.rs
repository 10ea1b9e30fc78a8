//! `serve`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::{Failure, logging, refuse};
use crate::app::App;
use crate::config::{Config, Issuer};
use crate::random::Random;
use crate::serve::{Bounds, serve};
use crate::time::Clock;
use crate::{mail, routes, screening, upkeep};

/// Run the server.
#[derive(Debug, Args)]
pub struct Serve {
    /// The config file; `config print` shows every key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Serve {
    pub async fn run(self) -> Result<(), Failure> {
        let config = Config::load(self.config.as_deref())?;
        logging::start(&config.log)?;
        let Some(issuer) = &config.server.issuer else {
            return refuse(
                "server.issuer is not set; name the origin that browsers and apps use, such as https://meet.example.com",
            );
        };
        let issuer = Issuer::parse(issuer).map_err(|fault| Failure(format!("server.issuer {fault}")))?;
        let listener = listen(&config).await?;
        let app = Arc::new(App::start(config, issuer, Clock::system(), Random::default()).await?);
        info!(issuer = %app.issuer, listen = %listener.local_addr()?, engine = ?app.db.engine(), "serving");
        run(app, listener, stop_signal()?).await;
        Ok(())
    }
}

async fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let address = config.server.listen;
    TcpListener::bind(address).await.map_err(|error| {
        Failure(format!("cannot listen on {address}: {error}; choose another address in server.listen"))
    })
}

/// Serves the app until the signal comes, then ends everything in order.
pub async fn run(app: Arc<App>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let upkeep = upkeep::start(Arc::clone(&app));
    let postman = mail::start(Arc::clone(&app));
    let screening = screening::start(Arc::clone(&app));
    let bounds = Bounds {
        max_connections: app.config.server.max_connections,
        shutdown_grace: app.config.server.shutdown_grace.get(),
    };
    serve(listener, routes::router(Arc::clone(&app)), bounds, shutdown).await;
    postman.stop().await;
    screening.stop().await;
    upkeep.stop().await;
    app.db.close().await;
    info!("stopped");
}

/// Resolves at SIGTERM or SIGINT.
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
