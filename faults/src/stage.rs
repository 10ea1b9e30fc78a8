//! Everything that a round plays on: the server, its database, the wires between them.

use std::path::{Path, PathBuf};

use crate::Fallible;
use crate::http::Expectation;
use crate::postgres::{Postgres, Programs, free_port};
use crate::server::Server;
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
    /// Wires to the first and the second of the two ports.
    pub wires: [Wire; 2],
    /// How the server finds the primary.
    pub finding: Finding,
    ports: [u16; 2],
    folder: PathBuf,
}

/// The stage.
pub struct Stage {
    /// The server.
    pub server: Server,
    /// PostgreSQL, where that is the engine.
    pub cluster: Option<Cluster>,
    /// What clients may see now.
    pub expectation: Expectation,
}

impl Stage {
    /// Sets everything up in a folder.
    pub async fn set(program: &Path, folder: &Path, engine: Engine, finding: Finding) -> Fallible<Stage> {
        let server_shim = Shim::make(folder, "server.controls", ["jiomeet-oauth.db"; 2])?;
        let (url, cluster) = match engine {
            Engine::Sqlite => (format!("sqlite://{}", folder.join("jiomeet-oauth.db").display()), None),
            Engine::Postgres => {
                let cluster = Cluster::set(folder, finding).await?;
                (cluster.url(), Some(cluster))
            }
        };
        let server = Server::start(program, folder, &url, server_shim).await?;
        Ok(Stage { server, cluster, expectation: Expectation::default() })
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
        let wires = [Wire::lay(far(ports[0])).await?, Wire::lay(far(ports[1])).await?];
        Ok(Cluster { primary, replica: None, wires, finding, ports, folder: folder.to_owned() })
    }

    /// What the server is told.
    pub fn url(&self) -> String {
        let [first, second] = &self.wires;
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

    /// The wire that leads to the primary.
    pub fn wire(&self) -> &Wire {
        match self.finding {
            Finding::Address => &self.wires[0],
            Finding::TwoHosts => &self.wires[self.place_of(&self.primary)],
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
