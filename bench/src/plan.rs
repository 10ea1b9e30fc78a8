//! What is measured, how often, and in which order.

use std::path::PathBuf;

use serde::Serialize;

use crate::Fallible;
use crate::browser::Browser;
use crate::calls::{Caller, Service};
use crate::cores::Cores;
use crate::deployment::{self, Deployment};
use crate::floor::Floor;
use crate::load::Phase;
use crate::steady::{self, SigningIn};
use crate::subject::{Operations, Subject};

/// How much is done.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// Calls of each operation at that many connections.
    pub calls: Vec<(usize, usize)>,
    /// Signatures of each algorithm.
    pub signatures: Vec<(&'static str, u64)>,
    /// Syncs of the disk alone.
    pub syncs: u32,
    /// Exchanges of the run that watches memory.
    pub exchanges: usize,
    /// How long calls come at half of the top rate, in seconds.
    pub seconds: f64,
    /// How often everything but memory is measured. Neighbours on the machine only ever add, so the round in which a thing
    /// cost the least CPU counts.
    pub rounds: usize,
}

impl Sizes {
    /// A few minutes: figures to keep.
    pub fn full() -> Sizes {
        Sizes {
            calls: vec![(1, 1_500), (8, 5_000), (32, 10_000)],
            signatures: vec![("RS256", 2_000), ("ES256", 20_000), ("EdDSA", 20_000)],
            syncs: 500,
            exchanges: 100_000,
            seconds: 2.0,
            rounds: 3,
        }
    }

    /// Less than a minute: figures to look at.
    pub fn quick() -> Sizes {
        Sizes {
            calls: vec![(1, 800), (8, 2_500), (32, 5_000)],
            signatures: vec![("RS256", 1_000), ("ES256", 10_000), ("EdDSA", 10_000)],
            syncs: 200,
            exchanges: 20_000,
            seconds: 1.0,
            rounds: 2,
        }
    }
}

/// What to run, and where.
#[derive(Debug)]
pub struct Plan {
    /// The built server.
    pub program: PathBuf,
    /// A folder on the disk to be measured.
    pub scratch: PathBuf,
    /// Another database than the embedded one.
    pub database_url: Option<String>,
    /// Algorithms to sign with.
    pub algorithms: Vec<String>,
    /// How much.
    pub sizes: Sizes,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// The parts of an exchange alone.
    pub floor: Floor,
    /// The operations, an entry for each algorithm.
    pub runs: Vec<Run>,
    /// Memory over many exchanges.
    pub memory: MemoryRun,
}

/// The operations with one algorithm.
#[derive(Debug, Serialize)]
pub struct Run {
    /// What signed.
    pub algorithm: String,
    /// Server and client share all cores.
    pub together: Setting,
    /// Each has its own, as on two machines, where there is more than one.
    pub apart: Option<Setting>,
    /// The most that the server held from start to end, in MiB.
    pub peak_mib: f64,
}

/// What was measured in one setting.
#[derive(Debug, Serialize)]
pub struct Setting {
    /// As many calls as go.
    pub phases: Vec<Phase>,
    /// At half of the top rates.
    pub steady: Vec<Phase>,
    /// Exchanges while people sign in.
    pub signing_in: SigningIn,
}

/// Memory over many exchanges.
#[derive(Debug, Serialize)]
pub struct MemoryRun {
    /// Exchanges so far, and the server's memory then, in MiB.
    pub samples: Vec<(usize, f64)>,
    /// The most that the server held during the run.
    pub peak_mib: f64,
}

impl Plan {
    /// Runs all of it. Must run on a `LocalSet`.
    pub async fn run(&self) -> Fallible<Measured> {
        let folder = tempfile::Builder::new().prefix("jiomeet-oauth-bench-").tempdir_in(&self.scratch)?;
        eprintln!("the floor: signature, SQL unit, echo");
        let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        let (product, bare) = match &self.database_url {
            // One database cannot hold both kinds of tables.
            Some(url) => (url.clone(), None),
            None => (file("unit.db"), Some(file("bare-unit.db"))),
        };
        let floor = Floor::measure(&self.sizes, folder.path(), product, bare).await?;
        let mut runs = Vec::new();
        for algorithm in &self.algorithms {
            runs.push(self.run_operations(algorithm).await?);
        }
        let algorithm = self.algorithms.first().ok_or("no algorithm to sign with")?;
        Ok(Measured { floor, runs, memory: self.watch_memory(algorithm).await? })
    }

    async fn run_operations(&self, algorithm: &str) -> Fallible<Run> {
        let server = Server::start(self, algorithm, None).await?;
        let together = self.measure(&server, algorithm, &self.sizes.calls).await?;
        let mut peak_mib = server.subject.target.usage()?.peak_mib();
        drop(server);
        let apart = match Cores::apart() {
            Ok(cores) => {
                let _kept = cores.keep_client()?;
                let server = Server::start(self, algorithm, Some(&cores)).await?;
                let several: Vec<_> =
                    self.sizes.calls.iter().copied().filter(|(connections, _)| *connections > 1).collect();
                eprintln!("{algorithm}: the same with server and client on cores of their own");
                let apart = self.measure(&server, algorithm, &several).await?;
                peak_mib = peak_mib.max(server.subject.target.usage()?.peak_mib());
                Some(apart)
            }
            Err(error) => {
                eprintln!("{error}");
                None
            }
        };
        Ok(Run { algorithm: algorithm.to_owned(), together, apart, peak_mib })
    }

    async fn measure(&self, server: &Server, algorithm: &str, sizes: &[(usize, usize)]) -> Fallible<Setting> {
        let (subject, rounds) = (&server.subject, self.sizes.rounds);
        // Once around before anything is counted: statements are prepared, pages are touched.
        subject.go_around(Operations::AllAndFirstUse, 8, 500).await?;
        let mut phases = Vec::new();
        for &(connections, calls) in sizes {
            eprintln!("{algorithm}: {calls} calls of each operation over {connections} connections");
            let mut best = subject.go_around(Operations::AllAndFirstUse, connections, calls).await?;
            for _ in 1..rounds {
                let round = subject.go_around(Operations::AllAndFirstUse, connections, calls).await?;
                for (best, phase) in best.iter_mut().zip(round) {
                    if phase.server_cpu_us < best.server_cpu_us {
                        *best = phase;
                    }
                }
            }
            phases.extend(best);
        }
        eprintln!("{algorithm}: half of the top rates; four people who sign in beside exchanges");
        let steady = steady::at_half_rate(subject, &self.sizes, &phases).await?;
        let calls = sizes.iter().find(|(connections, _)| *connections == 8).map_or(2_000, |(_, calls)| *calls);
        let signing_in = steady::while_signing_in(server, calls, rounds).await?;
        Ok(Setting { phases, steady, signing_in })
    }

    /// Exchanges codes in portions, for a code lives five minutes only, and looks at the server's memory after each.
    async fn watch_memory(&self, algorithm: &str) -> Fallible<MemoryRun> {
        let Server { deployment: _running, subject, _folder } = Server::start(self, algorithm, None).await?;
        subject.target.forget_peak()?;
        let portion = self.sizes.exchanges / 20;
        eprintln!("{algorithm}: memory over {} exchanges", self.sizes.exchanges);
        let mut samples = vec![(0, subject.target.usage()?.memory_mib())];
        for done in 1..=20 {
            let (_, codes) = subject.run(32, subject.caller.authorize(), vec![(); portion]).await?;
            subject.run(32, subject.caller.exchange(), codes).await?;
            samples.push((done * portion, subject.target.usage()?.memory_mib()));
        }
        Ok(MemoryRun { samples, peak_mib: subject.target.usage()?.peak_mib() })
    }
}

/// A running server, and an app and a person who know each other.
pub struct Server {
    /// The server.
    pub deployment: Deployment,
    /// What is put under load.
    pub subject: Subject,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts it, on all cores or its own, signs the person in and lets them consent.
    pub async fn start(plan: &Plan, algorithm: &str, cores: Option<&Cores>) -> Fallible<Server> {
        let folder = tempfile::Builder::new().prefix("jiomeet-oauth-bench-").tempdir_in(&plan.scratch)?;
        let setting = deployment::Setting {
            program: &plan.program,
            folder: folder.path(),
            algorithm,
            database_url: plan.database_url.as_deref(),
        };
        let deployment = Deployment::start_on(&setting, cores)?;
        let user =
            deployment.report.users.iter().find(|user| user.roles == ["user"]).ok_or("nobody is a plain user")?;
        let mut browser = Browser::open(&deployment).await?;
        browser.sign_in_and_allow(user, &deployment.report.client).await?;
        let caller = Caller::new(Service::ours(&deployment, browser.cookies()))?;
        let subject = Subject { caller, target: deployment.target.clone() };
        Ok(Server { deployment, subject, _folder: folder })
    }
}
