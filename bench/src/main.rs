//! The load run: code exchange, refresh, bearer check, introspection and authorization over HTTP against the built
//! server, and the floor that they are measured against. `bench.sh` at the root of the repository runs it.
//!
//! [`plan`] says what is measured in which order; [`deployment`] is the server, on what [`cores`] it runs, [`browser`] a
//! person who signs in and consents, [`calls`] the operations, [`subject`] all of them in order; [`load`] drives them as fast
//! as it goes, [`steady`] as they come; [`process`] reads what they cost; [`floor`] asks [`worker`]s for the parts alone;
//! [`report`] writes the tables.

mod breakdown;
mod browser;
mod calls;
mod cores;
mod deployment;
mod floor;
mod http;
mod load;
mod peers;
mod plan;
mod postgres;
mod process;
mod profile;
mod report;
mod scale;
mod steady;
mod subject;
mod unit;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use plan::{Plan, Sizes};
use report::{CriterionPart, Machine};

/// What can go wrong here ends the run with one line.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The load run.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything and print the tables.
    Run(Run),
    /// Run one operation alone, under `perf record` if wished.
    Profile(Profile),
    /// The same calls against this server and against peers from the registries.
    Peers(Peers),
    /// The server on a large data set.
    Scale(scale::Scale),
    /// A part of the floor; started by `run`.
    #[command(hide = true)]
    Worker,
}

#[derive(Debug, Args)]
struct Run {
    /// The built server.
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// A folder on the disk to be measured.
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    scratch: PathBuf,
    /// Another database than the embedded one: postgres://… It must be empty.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Algorithms to sign with; the first one also signs while memory is watched.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "ES256,RS256")]
    algorithms: Vec<String>,
    /// Fewer calls.
    #[arg(long)]
    quick: bool,
    /// Where criterion left what it measured.
    #[arg(long, value_name = "FOLDER")]
    criterion: Option<PathBuf>,
    /// Write everything as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Put the tables into this page, between its marks `<!-- figures -->` and `<!-- /figures -->`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Profile {
    /// The built server.
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// A folder on the disk to be measured.
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    scratch: PathBuf,
    /// authorize, exchange, refresh, bearer or introspect.
    #[arg(long, value_name = "NAME", default_value = "exchange")]
    operation: String,
    /// What signs.
    #[arg(long, value_name = "NAME", default_value = "ES256")]
    algorithm: String,
    /// How many connections call at once.
    #[arg(long, value_name = "NUMBER", default_value = "32")]
    connections: usize,
    /// How many calls, after as many to warm up.
    #[arg(long, value_name = "NUMBER", default_value = "20000")]
    calls: usize,
    /// Where perf's samples go: then a table of its parts follows. Without it the operation is only measured.
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// A shell command to run before the measured calls, such as `callgrind_control -i on $PID`.
    #[arg(long, value_name = "COMMAND")]
    before: Option<String>,
    /// A shell command to run after them.
    #[arg(long, value_name = "COMMAND")]
    after: Option<String>,
}

#[derive(Debug, Args)]
struct Peers {
    /// The built server.
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// A folder on the disk to be measured; peers are installed into it.
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    scratch: PathBuf,
    /// This repository.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    repository: PathBuf,
    /// Only servers whose names contain this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Fewer calls.
    #[arg(long)]
    quick: bool,
    /// Write everything as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Put the tables into this page, between its marks `<!-- peers -->` and `<!-- /peers -->`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

fn main() -> ExitCode {
    let ended = match CommandLine::parse().command {
        Command::Run(run) => run.run(),
        Command::Profile(profile) => profile.run(),
        Command::Peers(peers) => peers.run(),
        Command::Scale(scale) => scale.run(),
        Command::Worker => worker::work(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Run {
    fn run(self) -> Fallible<()> {
        let engine = match &self.database_url {
            Some(_) => "PostgreSQL",
            None => "SQLite",
        };
        let machine = Machine::here(engine);
        let plan = Plan {
            program: self.server,
            scratch: self.scratch,
            database_url: self.database_url,
            algorithms: self.algorithms,
            sizes: if self.quick { Sizes::quick() } else { Sizes::full() },
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let measured = tokio::task::LocalSet::new().block_on(&runtime, plan.run())?;
        let parts = self.criterion.as_deref().map(read_criterion).transpose()?.unwrap_or_default();
        let tables = report::markdown(&machine, &measured, &parts);
        println!("{tables}");
        if let Some(file) = &self.json {
            let parts: Vec<_> = parts.iter().map(|(name, ns)| serde_json::json!({"part": name, "ns": ns})).collect();
            let all = serde_json::json!({
                "machine": machine, "measured": measured, "aims": report::aims(&measured), "parts": parts,
            });
            std::fs::write(file, serde_json::to_vec_pretty(&all)?)?;
        }
        self.record.as_deref().map_or(Ok(()), |page| record(page, "figures", &tables))
    }
}

impl Peers {
    fn run(self) -> Fallible<()> {
        let plan = peers::Plan {
            program: self.server,
            scratch: self.scratch,
            repository: self.repository,
            only: self.only,
            quick: self.quick,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let comparison = tokio::task::LocalSet::new().block_on(&runtime, plan.run())?;
        let tables = comparison.markdown();
        println!("{tables}");
        if let Some(file) = &self.json {
            std::fs::write(file, serde_json::to_vec_pretty(&comparison)?)?;
        }
        self.record.as_deref().map_or(Ok(()), |page| record(page, "peers", &tables))
    }
}

impl Profile {
    fn run(self) -> Fallible<()> {
        let watch = profile::Watch {
            operation: &self.operation,
            connections: self.connections,
            calls: self.calls,
            samples: self.samples.as_deref(),
            around: [self.before.as_deref(), self.after.as_deref()],
        };
        let plan = Plan {
            program: self.server,
            scratch: self.scratch,
            database_url: None,
            algorithms: Vec::new(),
            sizes: Sizes::quick(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let phases = tokio::task::LocalSet::new().block_on(&runtime, watch.run(&plan, &self.algorithm))?;
        for phase in &phases {
            println!("{}", serde_json::to_string(phase)?);
        }
        // The first phase ran without perf, which costs something itself.
        if let (Some(samples), Some(phase)) = (&self.samples, phases.first()) {
            println!("\n{}", breakdown::markdown(samples, phase.server_cpu_us)?);
        }
        Ok(())
    }
}

/// The means of criterion's last run.
fn read_criterion(folder: &Path) -> Fallible<Vec<CriterionPart>> {
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let folder = entry?.path().join("new");
        let Ok(estimates) = std::fs::read(folder.join("estimates.json")) else { continue };
        let estimates: serde_json::Value = serde_json::from_slice(&estimates)?;
        let benchmark: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("benchmark.json"))?)?;
        let name = benchmark["title"].as_str().unwrap_or_default().to_owned();
        parts.push((name, estimates["mean"]["point_estimate"].as_f64().unwrap_or_default()));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(parts)
}

/// Puts the tables between the page's marks of that name.
fn record(page: &Path, name: &str, tables: &str) -> Fallible<()> {
    let begin = format!("<!-- {name} -->\n");
    let end = format!("<!-- /{name} -->");
    let text = std::fs::read_to_string(page)?;
    let parts = text.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let (head, tail) = parts.ok_or_else(|| format!("{} has no marks for the {name}", page.display()))?;
    Ok(std::fs::write(page, format!("{head}{begin}\n{tables}{end}{tail}"))?)
}
