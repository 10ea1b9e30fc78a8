//! The server under load: the built program's `demo`, in a folder of its own, and what its processes use.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::Fallible;
use crate::cores::Cores;
use crate::process::{Memory, SyncCounter, Syncs, Tree, forget_peak};

/// A running server; stopped when dropped.
pub struct Deployment {
    nodes: Vec<Child>,
    /// Where it is called and what it uses.
    pub target: Target,
    /// What `demo` says about itself.
    pub report: Report,
}

/// What is called, and the processes whose use is measured: several where several nodes share a database.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where they listen; connections are spread over them.
    pub nodes: Vec<SocketAddr>,
    /// The processes; those that they start count with them.
    pub pids: Vec<u32>,
    /// The database's first process, where it has processes of its own.
    pub database: Option<u32>,
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
    nodes: Vec<(Tree, Memory)>,
    database: Option<(Tree, Memory)>,
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
        Deployment::start_on(setting, None)
    }

    /// Starts the server, on those of its cores if any are named, and waits until it serves.
    pub fn start_on(setting: &Setting<'_>, cores: Option<&Cores>) -> Fallible<Deployment> {
        let log = std::fs::File::create(setting.folder.join("server.log"))?;
        let mut command = cores.map_or_else(|| Command::new(setting.program), |cores| cores.server(setting.program));
        command
            .args(["demo", "--json", "--listen", "127.0.0.1:0", "--client-listen", "127.0.0.1:0", "--data-dir"])
            .arg(setting.folder.join("data"))
            .env("JIOMEET_OAUTH_KEYS__SIGNING_ALGORITHM", setting.algorithm)
            // This machine's clock is right, and sweeping is among what is measured.
            .env("JIOMEET_OAUTH_SERVER__CLOCK_SETTLES_AFTER", "1s")
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
        let target = Target { nodes: vec![node], pids: vec![process.id()], database: None, syncs };
        Ok(Deployment { nodes: vec![process], target, report })
    }

    /// Starts one more node over the database of the first: another `serve`, as behind a proxy.
    pub fn join(&mut self, setting: &Setting<'_>) -> Fallible<()> {
        let url = setting.database_url.ok_or("nodes need a database to share")?;
        let address = free_address()?;
        let log = std::fs::File::create(setting.folder.join(format!("node-{}.log", self.nodes.len() + 1)))?;
        let process = Command::new(setting.program)
            .arg("serve")
            .env("JIOMEET_OAUTH_SERVER__ISSUER", &self.report.issuer)
            .env("JIOMEET_OAUTH_SERVER__LISTEN", address.to_string())
            .env("JIOMEET_OAUTH_DATABASE__URL", url)
            .env("JIOMEET_OAUTH_KEYS__SIGNING_ALGORITHM", setting.algorithm)
            .env("JIOMEET_OAUTH_SCREENING__ONLINE", "false")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.target.pids.push(process.id());
        self.target.nodes.push(address);
        self.nodes.push(process);
        wait_for(address)
    }
}

/// A free port of the loopback, for whoever cannot pick one.
pub fn free_address() -> Fallible<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until somebody listens there.
pub fn wait_for(address: SocketAddr) -> Fallible<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(format!("nobody listens on {address}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

impl Deployment {
    /// Asks the servers to end, and waits until they have closed their database.
    pub fn stop(&mut self) -> Fallible<()> {
        for node in &mut self.nodes {
            if !Command::new("kill").arg(node.id().to_string()).status()?.success() {
                return Err("the server could not be asked to end".into());
            }
            node.wait()?;
        }
        Ok(())
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

impl Target {
    /// Where that connection goes.
    pub fn node(&self, connection: usize) -> SocketAddr {
        self.nodes[connection % self.nodes.len()]
    }

    /// What it has used so far.
    pub fn usage(&self) -> Fallible<Usage> {
        let read = |&pid: &u32| {
            let tree = Tree::of(pid)?;
            let memory = tree.memory()?;
            Fallible::Ok((tree, memory))
        };
        Ok(Usage {
            nodes: self.pids.iter().map(read).collect::<Fallible<_>>()?,
            database: self.database.as_ref().map(read).transpose()?,
            syncs: self.syncs.as_ref().map(SyncCounter::read).transpose()?,
        })
    }

    /// Lets the peak of its memory begin anew.
    pub fn forget_peak(&self) -> Fallible<()> {
        self.pids.iter().try_for_each(|&pid| forget_peak(pid))
    }
}

impl Usage {
    /// CPU time of the server since an earlier reading, in nanoseconds.
    pub fn cpu_since(&self, earlier: &Usage) -> u64 {
        self.nodes.iter().zip(&earlier.nodes).map(|((now, _), (then, _))| now.since(then)).sum()
    }

    /// CPU time of the database since an earlier reading, in nanoseconds, where it has processes of its own.
    pub fn database_cpu_since(&self, earlier: &Usage) -> Option<u64> {
        self.database.as_ref().zip(earlier.database.as_ref()).map(|((now, _), (then, _))| now.since(then))
    }

    /// What the server holds, in MiB; several nodes together.
    pub fn memory_mib(&self) -> f64 {
        mib(self.nodes.iter().map(|(_, memory)| memory.resident_kib).sum())
    }

    /// The most that the server held, in MiB; several nodes together.
    pub fn peak_mib(&self) -> f64 {
        mib(self.nodes.iter().map(|(_, memory)| memory.peak_kib).sum())
    }

    /// What the database's own processes hold, in MiB.
    pub fn database_mib(&self) -> Option<f64> {
        self.database.as_ref().map(|(_, memory)| mib(memory.resident_kib))
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
