//! Nodes, their database and the proxy before them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use jiomeet_oauth::migrations::MIGRATIONS;
use sql::testing::{Scratch, engine};
use sql::{DatabaseUrl, Db, Engine, Options, Statement, Value};
use tempfile::TempDir;

use crate::proxy::Proxy;

/// Far longer than anything takes on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Nodes on one database, and the proxy that makes them one server.
pub struct Cluster {
    pub proxy: Proxy,
    pub nodes: Vec<Node>,
    pub database: DatabaseUrl,
    /// The test's own view of the database.
    pub db: Db,
    folder: TempDir,
    _scratch: Scratch,
}

/// A running `serve`; killed when dropped.
pub struct Node {
    pub address: SocketAddr,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// A command of the built program, with nothing of this machine's configuration.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jiomeet-oauth"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("JIOMEET_OAUTH_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// Runs an operator's verb on that database.
pub fn verb_on(database: &str, arguments: &[&str]) -> Output {
    let mut command = program(arguments);
    command.args(["--database-url", database]).env("JIOMEET_OAUTH_DATABASE__CONNECTIONS", "1");
    command.stdin(Stdio::null()).output().unwrap()
}

impl Cluster {
    /// So many nodes, ready to serve, on a database that has its schema. `overrides` are lines of configuration.
    pub async fn start(nodes: usize, overrides: &str) -> Cluster {
        let (database, scratch) = Scratch::migrated(engine(), MIGRATIONS);
        let mut cluster = Cluster::on(database, scratch, overrides).await;
        cluster.add_nodes(nodes).await;
        cluster
    }

    /// No node yet, on that database.
    pub async fn on(database: DatabaseUrl, scratch: Scratch, overrides: &str) -> Cluster {
        let proxy = Proxy::start().await;
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "server.issuer = \"http://{}\"\nserver.listen = \"127.0.0.1:0\"\nserver.trusted_proxies = [\"127.0.0.1\"]\n\
             database.url = {:?}\ndatabase.connections = 6\nkeys.signing_algorithm = \"ES256\"\n\
             log.format = \"json\"\nlog.filter = \"warn,jiomeet_oauth::cli=info,sql=info\"\n{overrides}\n{}",
            proxy.address,
            database.with_password(),
            if overrides.contains("screening.online") { "" } else { "screening.online = false\n" },
        );
        std::fs::write(folder.path().join("node.toml"), config).unwrap();
        let db = Db::open(&database, Options { connections: 2, ..Options::default() }).await.unwrap();
        Cluster { proxy, nodes: Vec::new(), database, db, folder, _scratch: scratch }
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("node.toml")
    }

    /// Starts so many more nodes at the same moment, and waits until each is ready.
    pub async fn add_nodes(&mut self, count: usize) {
        let starting: Vec<Starting> = (0..count).map(|_| self.launch(&[])).collect();
        self.admit(starting).await;
    }

    /// Starts one more that has these variables in its environment.
    pub async fn add_node_with(&mut self, environment: &[(&str, &str)]) {
        let starting = vec![self.launch(environment)];
        self.admit(starting).await;
    }

    fn launch(&self, environment: &[(&str, &str)]) -> Starting {
        let mut command = program(&["serve", "--config"]);
        command.arg(self.config()).envs(environment.iter().copied());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let (found, address) = mpsc::channel();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("\"listen\":\"") {
                    let _ = found.send(rest.split('"').next().unwrap().parse().unwrap());
                }
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Starting { process, log, address }
    }

    async fn admit(&mut self, starting: Vec<Starting>) {
        for Starting { process, log, address } in starting {
            let address = tokio::task::spawn_blocking(move || address.recv_timeout(PATIENCE)).await.unwrap();
            let address = address.unwrap_or_else(|_| panic!("a node did not start: {:#?}", log.lock().unwrap()));
            self.nodes.push(Node { address, process, log });
        }
        for node in &self.nodes {
            let ready = format!("http://{}/readyz", node.address);
            eventually("a node is ready", async || {
                reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200)
            })
            .await;
        }
        self.publish();
    }

    /// Tells the proxy who serves.
    pub fn publish(&self) {
        let addresses: Vec<SocketAddr> = self.nodes.iter().map(|node| node.address).collect();
        self.proxy.serve(&addresses);
    }

    /// Ends a node at once, as a power cut would; the proxy finds out by itself.
    pub fn kill(&mut self, number: usize) {
        drop(self.nodes.remove(number));
    }

    /// Runs an operator's verb while the nodes serve.
    pub fn verb(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = program(arguments);
        command.arg("--config").arg(self.config());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The same verb from so many processes at the same moment; how many of them were told that it is done.
    pub async fn verbs_at_once(self: &Arc<Self>, verbs: &[&[&str]]) -> Vec<Output> {
        let mut running = Vec::new();
        for arguments in verbs {
            let cluster = Arc::clone(self);
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            running.push(tokio::task::spawn_blocking(move || {
                cluster.verb(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "")
            }));
        }
        let mut outputs = Vec::new();
        for output in running {
            outputs.push(output.await.unwrap());
        }
        outputs
    }

    /// A statement of the test's own; gives the number of rows.
    pub async fn execute(&self, text: &'static str, values: &[&str]) -> u64 {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let unit = move |tx: &mut sql::Tx<'_>| {
            let values: Vec<Value<'_>> = values.iter().map(|value| Value::Text(value)).collect();
            tx.execute(&Statement::new("TEST", text), &values)
        };
        self.db.write(unit).await.unwrap()
    }

    /// The number that a statement of the test's own answers.
    pub async fn count(&self, text: &'static str, values: &[&str]) -> i64 {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let unit = move |tx: &mut sql::Tx<'_>| {
            let values: Vec<Value<'_>> = values.iter().map(|value| Value::Text(value)).collect();
            tx.one(&Statement::new("TEST", text), &values, |row| row.get(0))
        };
        self.db.write(unit).await.unwrap()
    }

    /// Stops every node in order, then looks back: nobody was answered what nobody should be, and on PostgreSQL no two
    /// transactions ever waited for each other.
    pub async fn finish(mut self) {
        for node in &mut self.nodes {
            node.stop();
        }
        if self.db.engine() == Engine::Postgres {
            // What a session counted is in the statistics once it has ended.
            const GONE: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
                AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
            // The test's own handle may hold another connection.
            eventually("the nodes' sessions are gone", async || self.count(GONE, &[]).await <= 2).await;
            let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
            assert_eq!(self.count(deadlocks, &[]).await, 0, "deadlocks: {:#?}", self.logs());
        }
        let scandals = self.proxy.scandals();
        assert!(scandals.is_empty(), "{scandals:#?}\n{:#?}", self.logs());
    }

    /// Lines of all nodes' logs with these words.
    pub fn log_lines(&self, words: &str) -> Vec<String> {
        self.logs().into_iter().flatten().filter(|line| line.contains(words)).collect()
    }

    fn logs(&self) -> Vec<Vec<String>> {
        self.nodes.iter().map(|node| node.log.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }
}

struct Starting {
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    address: mpsc::Receiver<SocketAddr>,
}

impl Node {
    /// Asks it to stop, and waits until it has.
    fn stop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let start = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "a node does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until it holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
