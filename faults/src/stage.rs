//! Everything that a round plays on: the server, its database, the wires between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::Fallible;
use crate::front::Front;
use crate::http::{Counts, Expectation};
use crate::postgres::{Postgres, Programs, free_port};
use crate::server::{self, Place, Report, Server};
use crate::shim::Shim;
use crate::wire::Wire;

/// Which database is under the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// A server.
    Postgres,
}

/// SQLite's file, whose name those beside it begin with too.
const SQLITE_FILE: &str = "jiomeet-oauth.db";

/// Tables and indexes are written; these and the log are synced.
const POSTGRES_FILES: [&str; 2] = ["/base/", "/node-"];

/// How the server finds a primary that has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// One address, which leads to whoever is the primary.
    Address,
    /// Two addresses in its URL.
    TwoHosts,
}

/// PostgreSQL under the server.
pub struct Cluster {
    /// The one that takes writes.
    pub primary: Postgres,
    /// One that follows it, while there is one.
    pub replica: Option<Postgres>,
    /// Of each of two servers, wires to the first and the second of the two ports.
    wires: [[Wire; 2]; 2],
    /// How the server finds the primary.
    pub finding: Finding,
    ports: [u16; 2],
    folder: PathBuf,
}

/// The stage.
pub struct Stage {
    /// The servers that run: one mostly, two where a fault is about one of them.
    pub servers: Vec<Server>,
    /// What stands before them.
    pub front: Front,
    /// Who and what is in the database.
    pub report: Report,
    /// PostgreSQL, where that is the engine.
    pub cluster: Option<Cluster>,
    /// What clients may see now.
    pub expectation: Expectation,
    /// How requests ended.
    pub counts: Arc<Counts>,
    /// Whether syncs answer without having done anything, in rounds about that.
    pub disk_lies: bool,
    /// Where everything is.
    pub folder: PathBuf,
    program: PathBuf,
}

impl Stage {
    /// Fills an empty database of that engine with the demo's people and apps, and serves it.
    pub async fn set(program: &Path, folder: &Path, engine: Engine, finding: Finding) -> Fallible<Stage> {
        let cluster = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Cluster::set(folder, finding).await?),
        };
        let front = Front::open().await?;
        let mut stage = Stage {
            servers: Vec::new(),
            front,
            report: Report::default(),
            cluster,
            expectation: Expectation::default(),
            counts: Arc::default(),
            disk_lies: false,
            folder: folder.to_owned(),
            program: program.to_owned(),
        };
        stage.report = server::seed(program, folder, &stage.database_url(0))?;
        stage.have(1).await?;
        Ok(stage)
    }

    /// Where clients come in.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.front.address)
    }

    fn database_url(&self, server: usize) -> String {
        match &self.cluster {
            Some(cluster) => cluster.url(server),
            None => format!("sqlite://{}", self.folder.join(SQLITE_FILE).display()),
        }
    }

    /// Starts or stops servers until there are so many, all ready.
    pub async fn have(&mut self, count: usize) -> Fallible<()> {
        while self.servers.len() > count {
            if let Some(server) = self.servers.pop() {
                self.lead();
                server.stop_in_order().await?;
            }
        }
        for number in self.servers.len()..count {
            let name = format!("server-{number}");
            let place = Place {
                program: self.program.clone(),
                log: self.folder.join(format!("{name}.log")),
                issuer: self.issuer(),
                database_url: self.database_url(number),
                shim: Shim::make(&self.folder, &format!("{name}.controls"), [SQLITE_FILE; 2])?,
            };
            let mut server = Server::new(place)?;
            server.launch()?;
            server.wait_until_ready(Duration::from_secs(30)).await?;
            self.servers.push(server);
        }
        self.lead();
        Ok(())
    }

    fn lead(&self) {
        self.front.lead_to(self.servers.iter().map(|server| server.address).collect());
    }

    /// The disk under the database, as the process knows it that has the files open.
    pub fn disk(&self) -> &Shim {
        self.cluster.as_ref().map_or(&self.servers[0].place.shim, |cluster| &cluster.primary.shim)
    }

    /// PostgreSQL.
    pub fn cluster(&mut self) -> Fallible<&mut Cluster> {
        self.cluster.as_mut().ok_or_else(|| "this fault needs PostgreSQL".into())
    }
}

impl Cluster {
    async fn set(folder: &Path, finding: Finding) -> Fallible<Cluster> {
        let programs = Programs::find()?;
        let place = folder.join("postgres");
        programs.make_folder(&place)?;
        let ports = [free_port()?, free_port()?];
        let shim = Shim::make(folder, "postgres-0.controls", POSTGRES_FILES)?;
        let mut primary = Postgres::init(&programs, &place, "node-0", ports[0], shim)?;
        primary.start().await?;
        let far = |port| ([127, 0, 0, 1], port).into();
        let first = [Wire::lay(far(ports[0])).await?, Wire::lay(far(ports[1])).await?];
        let second = [Wire::lay(far(ports[0])).await?, Wire::lay(far(ports[1])).await?];
        let wires = [first, second];
        Ok(Cluster { primary, replica: None, wires, finding, ports, folder: folder.to_owned() })
    }

    /// What that server is told.
    fn url(&self, server: usize) -> String {
        let [first, second] = &self.wires[server];
        match self.finding {
            Finding::Address => format!("postgres://test@{}/postgres", first.address),
            Finding::TwoHosts => {
                format!("postgres://test@{},{}/postgres?target_session_attrs=read-write", first.address, second.address)
            }
        }
    }

    /// Which of the two ports that server has.
    pub fn place_of(&self, server: &Postgres) -> usize {
        usize::from(server.address.port() == self.ports[1])
    }

    /// That server's wire to the primary.
    pub fn wire(&self, server: usize) -> &Wire {
        match self.finding {
            Finding::Address => &self.wires[server][0],
            Finding::TwoHosts => &self.wires[server][self.place_of(&self.primary)],
        }
    }

    /// The address that is the primary's moves to that server.
    pub async fn move_address(&self, to: std::net::SocketAddr) {
        for [wire, _] in &self.wires {
            wire.lead_to(to);
            wire.shake().await;
        }
    }

    /// Puts a replica beside the primary, and lets no commit be answered before it has it too.
    pub async fn follow(&mut self) -> Fallible<()> {
        let place = 1 - self.place_of(&self.primary);
        let name = format!("node-{place}");
        let shim = Shim::make(&self.folder, &format!("postgres-{place}.controls"), POSTGRES_FILES)?;
        let mut replica = self.primary.copy(&name, self.ports[place], shim)?;
        replica.start().await?;
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
        self.primary.ask("SELECT pg_reload_conf()").await?;
        self.primary.wait_for("SELECT sync_state FROM pg_stat_replication", "sync").await?;
        self.replica = Some(replica);
        Ok(())
    }
}
