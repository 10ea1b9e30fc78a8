//! Somebody who is compared, running: the processes, the database and the files.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use form_urlencoded::Serializer;
use serde::Deserialize;
use tempfile::TempDir;

use super::Plan;
use super::contestants::Database;
use crate::Fallible;
use crate::calls::{Caller, Service};
use crate::deployment::{Client, Deployment, Target};
use crate::postgres::Postgres;
use crate::process::SyncCounter;
use crate::subject::Subject;

/// The challenge of [`VERIFIER`], as in RFC 7636, appendix B.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// What every app proves itself with.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The query of an authorization request, as a peer's client sends it.
pub fn code_request(client: &Client, scope: &str) -> String {
    Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.client_id)
        .append_pair("redirect_uri", &client.redirect_uri)
        .append_pair("scope", scope)
        .append_pair("state", "eyJ0byI6Ii9jYWxlbmRhciIsIm4iOiJrM2Q4In0")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .finish()
}

/// A server that runs. Its fields are dropped in this order: the server before its database and its files.
pub struct Competitor {
    /// What is put under load.
    pub subject: Subject,
    _processes: Processes,
    _home: Home,
}

/// What runs until the competitor is dropped.
pub enum Processes {
    /// Our nodes.
    Ours { _nodes: Box<Deployment> },
    /// A peer's first process.
    Peer { _first: Running },
}

impl Competitor {
    /// One that runs.
    pub fn new(service: Service, target: Target, processes: Processes, home: Home) -> Fallible<Competitor> {
        let subject = Subject { caller: Caller::new(service)?, target };
        Ok(Competitor { subject, _processes: processes, _home: home })
    }
}

/// A database, and a folder for files.
pub struct Home {
    /// PostgreSQL, where that is the database.
    pub postgres: Option<Postgres>,
    /// A folder that is removed at the end.
    pub folder: TempDir,
}

impl Home {
    /// An empty one.
    pub fn make(plan: &Plan, database: Database) -> Fallible<Home> {
        let folder = tempfile::Builder::new().prefix("jiomeet-oauth-peers-").tempdir_in(&plan.scratch)?;
        let postgres = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(Postgres::start(&plan.repository.join("tools"), &plan.scratch, folder.path())?),
        };
        Ok(Home { postgres, folder })
    }

    /// The database's URL; the embedded one is a file of that name in the folder.
    pub fn database_url(&self, file: &str) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url.clone(),
            None => format!("sqlite:{}", self.folder.path().join(file).display()),
        }
    }

    /// The counter of whoever syncs: PostgreSQL's, or one with which the server must be started.
    pub fn sync_counter(&self) -> Fallible<SyncCounter> {
        match &self.postgres {
            Some(postgres) => Ok(postgres.syncs.clone()),
            None => SyncCounter::make(self.folder.path()),
        }
    }

    /// The target whose first process is that one.
    pub fn target(&self, origin: &str, pid: u32, syncs: SyncCounter) -> Fallible<Target> {
        Ok(Target {
            nodes: vec![origin.trim_start_matches("http://").parse()?],
            pids: vec![pid],
            database: self.postgres.as_ref().map(|postgres| postgres.pid),
            syncs: Some(syncs),
        })
    }
}

/// What a peer says about itself in one line of JSON when it is set up.
#[derive(Debug, Deserialize)]
pub struct PeerReport {
    /// Its origin.
    pub issuer: String,
    /// An app.
    pub client: Client,
    /// The cookies of somebody who is signed in, where it is set up without pages.
    #[serde(default)]
    pub cookies: String,
}

/// A process that is told to end when dropped.
pub struct Running(Child);

impl Running {
    /// Starts it; what it complains about goes to a log.
    pub fn start(command: &mut Command, log: &Path) -> Fallible<Running> {
        let log_file = std::fs::File::create(log)?;
        let program = command.get_program().to_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).spawn();
        Ok(Running(child.map_err(|error| format!("{}: {error}", program.display()))?))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Reads what it says when it is ready. What it says later nobody reads.
    pub fn report(&mut self, log: &Path) -> Fallible<PeerReport> {
        let mut line = String::new();
        if let Some(output) = self.0.stdout.as_mut() {
            BufReader::new(output).read_line(&mut line)?;
        }
        serde_json::from_str(&line).map_err(|error| {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            format!("it did not start ({error}): {line:?}\n{log}").into()
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Those with workers end them in order; who does not within five seconds is ended.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
