//! The log: lines on standard error, as the configuration says.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::{Failure, refuse};
use crate::config::{Log, LogFormat};

/// Starts logging; once per process.
pub fn start(log: &Log) -> Result<(), Failure> {
    let filter = match EnvFilter::try_new(&log.filter) {
        Ok(filter) => filter,
        Err(error) => return refuse(format!("log.filter: {error}; write levels such as info or info,sql=debug")),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let started = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
    };
    started.map_err(|error| Failure(format!("the log cannot be started: {error}")))
}
