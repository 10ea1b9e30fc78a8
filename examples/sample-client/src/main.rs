//! Runs the sample client by itself, configured by environment variables.

use std::process::ExitCode;

use sample_client::Config;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("sample_client=info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let config = match Config::from_vars(|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(faults) => {
            for fault in faults {
                eprintln!("{fault}");
            }
            return ExitCode::from(2);
        }
    };
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8081".to_owned());
    let listener = match TcpListener::bind(&address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("Cannot listen on {address} ({error}): set LISTEN to a free ADDRESS:PORT.");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("Calendar Companion listens on {address}; open {}", config.redirect_uri.origin().ascii_serialization());
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a signal handler the app simply runs until it is ended from outside.
            std::future::pending::<()>().await;
        }
    };
    match sample_client::serve(listener, config, interrupted).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Calendar Companion stopped: {error}");
            ExitCode::FAILURE
        }
    }
}
