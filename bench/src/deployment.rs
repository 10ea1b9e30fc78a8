//! The server under load: the built program's `demo`, in a folder of its own, and what its processes use.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use crate::Fallible;
use crate::process::{CpuReading, Memory, SyncCounter, Syncs, forget_peak};

/// A running server; stopped when dropped.
pub struct Deployment {
    process: Child,
    /// Where it is called and what it uses.
    pub target: Target,
    /// What `demo` says about itself.
    pub report: Report,
}

/// What is called, and the processes whose use is measured: several where several nodes share a database.
pub struct Target {
    /// Where they listen; connections are spread over them.
    pub nodes: Vec<SocketAddr>,
    /// The processes.
    pub pids: Vec<u32>,
    /// Where syncs can be counted.
    pub syncs: Option<SyncCounter>,
}

/// The part of `demo --json` that is needed here.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// The issuer, an origin.
    pub issuer: String,
    /// The sample client.
    pub client: Client,
    /// The people.
    pub users: Vec<User>,
}

/// An app that may use the server.
#[derive(Debug, Clone, Deserialize)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where codes go.
    pub redirect_uri: String,
}

/// A person.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: String,
    /// What they are.
    pub roles: Vec<String>,
}

/// What the server has used so far.
#[derive(Debug)]
pub struct Usage {
    cpu: Vec<CpuReading>,
    memory: Vec<Memory>,
    /// Where they can be counted.
    pub syncs: Option<Syncs>,
}

/// How the server is started.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// The built program.
    pub program: &'a Path,
    /// A folder for its data and its log.
    pub folder: &'a Path,
    /// RS256, ES256 or EdDSA.
    pub algorithm: &'a str,
    /// Another database than the embedded one.
    pub database_url: Option<&'a str>,
}

impl Deployment {
    /// Starts the server and waits until it serves.
    pub fn start(setting: &Setting<'_>) -> Fallible<Deployment> {
        let log = std::fs::File::create(setting.folder.join("server.log"))?;
        let mut command = Command::new(setting.program);
        command
            .args(["demo", "--json", "--listen", "127.0.0.1:0", "--client-listen", "127.0.0.1:0", "--data-dir"])
            .arg(setting.folder.join("data"))
            .env("JIOMEET_OAUTH_KEYS__SIGNING_ALGORITHM", setting.algorithm)
            .stdout(Stdio::piped())
            .stderr(log);
        let syncs = match setting.database_url {
            Some(url) => {
                command.args(["--database-url", url]);
                None
            }
            None => Some(SyncCounter::make(setting.folder)?),
        };
        if let Some(syncs) = &syncs {
            command.envs(syncs.environment());
        }
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", setting.program.display()))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let report: Result<Report, _> = serde_json::from_str(&line);
        let report = report.map_err(|error| {
            let _ = process.kill();
            format!("the server did not start ({error}): {line:?}, see {}/server.log", setting.folder.display())
        })?;
        let node = report.issuer.strip_prefix("http://").unwrap_or_default().parse()?;
        let target = Target { nodes: vec![node], pids: vec![process.id()], syncs };
        Ok(Deployment { process, target, report })
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Target {
    /// Where that connection goes.
    pub fn node(&self, connection: usize) -> SocketAddr {
        self.nodes[connection % self.nodes.len()]
    }

    /// What it has used so far.
    pub fn usage(&self) -> Fallible<Usage> {
        Ok(Usage {
            cpu: self.pids.iter().map(|&pid| CpuReading::of(pid)).collect::<Fallible<_>>()?,
            memory: self.pids.iter().map(|&pid| Memory::of(pid)).collect::<Fallible<_>>()?,
            syncs: self.syncs.as_ref().map(SyncCounter::read).transpose()?,
        })
    }

    /// Lets the peak of its memory begin anew.
    pub fn forget_peak(&self) -> Fallible<()> {
        self.pids.iter().try_for_each(|&pid| forget_peak(pid))
    }
}

impl Usage {
    /// CPU time since an earlier reading, in nanoseconds.
    pub fn cpu_since(&self, earlier: &Usage) -> u64 {
        self.cpu.iter().zip(&earlier.cpu).map(|(now, then)| now.since(then)).sum()
    }

    /// What is resident, in MiB; of several nodes the largest.
    pub fn memory_mib(&self) -> f64 {
        mib(self.memory.iter().map(|memory| memory.resident_kib).max())
    }

    /// The most that was resident, in MiB; of several nodes the largest.
    pub fn peak_mib(&self) -> f64 {
        mib(self.memory.iter().map(|memory| memory.peak_kib).max())
    }
}

fn mib(kib: Option<u64>) -> f64 {
    kib.unwrap_or(0) as f64 / 1024.0
}
