//! The command line: one file per noun.
//!
//! Exit status: 0 done, 1 refused or failed (one line on standard error says why and what to do), 2 wrong usage.

mod app;
mod audit;
mod config;
mod database;
mod demo;
mod key;
mod logging;
mod pages;
mod serve;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use sql::Db;

use crate::app::open_database;
use crate::config::Config;
use crate::migrations::MIGRATIONS;
use crate::random::Random;
use crate::time::Clock;

/// The OAuth 2.0 platform that opens a meeting service to third-party apps.
#[derive(Debug, Parser)]
#[command(name = "jiomeet-oauth", version, propagate_version = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: the whole system on loopback with made-up people and apps, and the sample client beside it.
    Demo(demo::Demo),
    /// Run the server.
    Serve(serve::Serve),
    /// Accounts.
    #[command(subcommand)]
    User(user::User),
    /// Apps (OAuth clients).
    #[command(subcommand)]
    App(app::App),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Signing keys.
    #[command(subcommand)]
    Key(key::Key),
    /// The database.
    #[command(subcommand)]
    Db(database::Database),
    /// The configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Write every page in every variation, to look at them.
    #[command(hide = true)]
    Pages(pages::Pages),
}

/// Why a command failed: one line for a person.
#[derive(Debug)]
pub struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(error.to_string())
    }
}

/// Stops a command with a sentence that says why and what to do.
fn refuse<T>(why: impl Into<String>) -> Result<T, Failure> {
    Err(Failure(why.into()))
}

/// Which database an operator's verb works on.
#[derive(Debug, Clone, Args)]
struct Where {
    /// The config file whose database is meant.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database itself: sqlite:FILE or postgres://…
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    database_url: Option<String>,
}

impl Where {
    fn config(&self) -> Result<Config, Failure> {
        match &self.database_url {
            Some(url) => Ok(Config::with(&format!("[database]\nurl = {}", toml_text(url)))?),
            None => Ok(Config::load(self.config.as_deref())?),
        }
    }

    /// The database with its schema up to date.
    async fn open(&self) -> Result<(Config, Db), Failure> {
        let config = self.config()?;
        let db = open_database(&config).await?;
        db.migrate(MIGRATIONS).await?;
        Ok((config, db))
    }
}

/// What verbs that write need besides the database.
struct Tools {
    clock: Clock,
    random: Random,
}

impl Tools {
    fn new() -> Tools {
        Tools { clock: Clock::system(), random: Random::default() }
    }
}

/// A text as a TOML string.
fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let command = CommandLine::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure(format!("the system refused to start threads: {error}"))),
    };
    match runtime.block_on(command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    let line = failure.0.trim().replace('\n', " ");
    eprintln!("jiomeet-oauth: {line}");
    ExitCode::FAILURE
}

impl Command {
    async fn run(self) -> Result<(), Failure> {
        match self {
            Command::Demo(demo) => demo.run().await,
            Command::Serve(serve) => serve.run().await,
            Command::User(user) => user.run().await,
            Command::App(app) => app.run().await,
            Command::Audit(audit) => audit.run().await,
            Command::Key(key) => key.run().await,
            Command::Db(database) => database.run().await,
            Command::Config(config) => config.run(),
            Command::Pages(pages) => pages.run(),
        }
    }
}
