//! `demo`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

use super::serve::{run, stop_signal};
use super::{Failure, logging, toml_text};
use crate::app::App;
use crate::config::{Config, Issuer};
use crate::demo::{quiet_resolver, report, seed, write_blocklist};
use crate::mail::{DemoOutbox, Outlet};
use crate::random::Random;
use crate::screening::Screening;
use crate::time::Clock;

/// Try it: the whole system on loopback with made-up people and apps, and the sample client beside it.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the server listens; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the sample client listens; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    client_listen: SocketAddr,
    /// Where to keep everything; without it a fresh temporary folder that is gone at exit.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Another database than the embedded one in the data folder.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// One line of JSON on standard output once everything is ready, the log on standard error.
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub async fn run(self) -> Result<(), Failure> {
        let temporary = match &self.data_dir {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|error| Failure(format!("--data-dir {}: {error}", folder.display())))?;
                None
            }
            None => Some(tempfile::Builder::new().prefix("jiomeet-oauth-demo-").tempdir()?),
        };
        let folder = match (&self.data_dir, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(temporary)) => temporary.path().to_path_buf(),
            (None, None) => return super::refuse("there is no data folder"),
        };
        let listener = listen(self.listen, "--listen").await?;
        let client_listener = listen(self.client_listen, "--client-listen").await?;
        let client_address = client_listener.local_addr()?;
        let config = self.config(&folder, listener.local_addr()?, client_address)?;
        logging::start(&config.log)?;
        // Two hosts, so that no cookie is shared: the server by address, the client by name.
        let issuer = Issuer::parse(&format!("http://{}", listener.local_addr()?)).map_err(Failure)?;
        let client_url = format!("http://localhost:{}", client_address.port());
        let database_url = config.database_url().map_err(Failure)?.with_password();
        let mut app = App::start(config, issuer, Clock::system(), Random::default()).await?;
        // Whatever is configured: no mail leaves the demo.
        app.outlet = Outlet::Demo(DemoOutbox::default());
        let resolver = quiet_resolver(client_address.ip());
        app.screening = Screening::with_resolver(&app.config.screening, &app.issuer, resolver).map_err(Failure)?;
        let app = Arc::new(app);
        let seeded = seed(&app, &folder, &client_url).await?;
        let client = client_config(&app, &seeded.apps[seeded.sample_client])?;

        let (stopping, stopped) = watch::channel(false);
        let client = tokio::spawn(sample_client::serve(client_listener, client, stop(stopped.clone())));
        let server = tokio::spawn(run(Arc::clone(&app), listener, stop(stopped)));
        let signal = stop_signal()?;
        let text = report(&app, &seeded, &database_url, &client_url, self.json);
        println!("{}", text.trim_end_matches('\n'));
        drop(app);
        signal.await;
        let _ = stopping.send(true);
        server.await?;
        client.await??;
        Ok(())
    }

    fn config(&self, folder: &Path, listen: SocketAddr, client: SocketAddr) -> Result<Config, Failure> {
        let database = match &self.database_url {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", folder.join("jiomeet-oauth.db").display()),
        };
        let log = if self.json { "[log]\nformat = \"json\"\n" } else { "[log]\nfilter = \"warn\"\n" };
        let listen = toml_text(&listen.to_string());
        let blocklist = toml_text(&write_blocklist(folder)?.display().to_string());
        let client = toml_text(&format!("localhost:{}", client.port()));
        Ok(Config::with(&format!(
            "[server]\nlisten = {listen}\n[database]\nurl = {}\n[screening]\nallow_hosts = [{client}]\n\
             blocklists = [{blocklist}]\nask_registries = false\n{log}",
            toml_text(&database)
        ))?)
    }
}

async fn listen(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure(format!(
            "cannot listen on {address}: {error}; choose another address with {option}, port 0 picks a free one"
        ))
    })
}

fn client_config(app: &App, client: &crate::demo::SeededApp) -> Result<sample_client::Config, Failure> {
    Ok(sample_client::Config {
        issuer: Url::parse(app.issuer.as_str())?,
        client_id: client.client_id.clone(),
        client_secret: client.client_secret.clone().unwrap_or_default(),
        redirect_uri: Url::parse(client.redirect_uris.first().map_or("", String::as_str))?,
        scopes: client.scopes.clone(),
    })
}

async fn stop(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the reason to go on.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
