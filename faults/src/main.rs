//! The fault runs: `faults.sh` at the root of the repository builds and starts them. docs/faults.md says what is promised
//! and what came of it.
//!
//! A round: the load ([`load`]) runs, a blow ([`blows`]) falls and is made good, the load goes on for a moment and stops;
//! then every client compares what it was told with what is there. [`stage`] is what is played on: the built server
//! ([`server`], one or two behind a [`front`]), PostgreSQL ([`postgres`]) behind a wire ([`wire`]), disks and clocks that can be broken ([`shim`], [`undo`]).

mod blows;
mod dice;
mod front;
mod http;
mod load;
mod postgres;
mod rounds;
mod server;
mod shim;
mod stage;
mod undo;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use stage::Engine;

/// What can go wrong here ends the run with one line.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Breaks what the server stands on, and compares what clients were told with what is there.
#[derive(Debug, Parser)]
#[command(name = "faults")]
pub struct Plan {
    /// How many rounds, of all engines together.
    #[arg(default_value_t = 40)]
    rounds: usize,
    /// Only this engine.
    #[arg(long)]
    engine: Option<Engine>,
    /// Only these faults; may be repeated.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<String>,
    /// What chance begins with: the same seed breaks the same things in the same order.
    #[arg(long)]
    seed: Option<u64>,
    /// Each fault once on each engine; `rounds` does not count.
    #[arg(long)]
    once: bool,
    /// On each engine no round begins after this many seconds. A fault that was not played for that is a failure.
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
    /// In rounds of `power-cut` syncs answer and keep nothing safe: the checker must complain.
    #[arg(long)]
    disk_lies: bool,
    /// The built server.
    #[arg(long, value_name = "FILE", default_value = "target/debug/jiomeet-oauth")]
    server: PathBuf,
    /// Where databases and logs go; they are kept when a round fails.
    #[arg(long, value_name = "FOLDER")]
    scratch: Option<PathBuf>,
    /// Keeps nothing of a round that fails.
    #[arg(long)]
    forget: bool,
    /// Adds what was counted to this file, a line of JSON for each round.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let plan = Plan::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("faults: {error}");
            return ExitCode::from(2);
        }
    };
    let outcome = runtime.block_on(rounds::run(&plan));
    runtime.shutdown_timeout(Duration::from_secs(1));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("faults: {error}");
            ExitCode::from(2)
        }
    }
}
