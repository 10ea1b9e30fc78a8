//! For tests: a database of its own for each, and the plans of statements.
//!
//! `TEST_ENGINE=sqlite` (the default) or `postgres` chooses the engine of a test run. PostgreSQL
//! needs `TEST_POSTGRES_URL`, which `tools/with-postgres` sets. These functions panic with what to
//! do when something is missing: a test is never skipped.
#![expect(clippy::panic, clippy::expect_used, reason = "tests fail by panicking")]

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::{DatabaseUrl, Db, Engine, Migration, Options, Statement};

/// A database that is gone when this is dropped.
pub struct Scratch {
    place: Place,
}

enum Place {
    Folder(#[expect(dead_code, reason = "held for its drop")] TempDir),
    Database { name: String },
}

impl Scratch {
    /// An empty database on that engine.
    pub fn new(engine: Engine) -> (DatabaseUrl, Scratch) {
        match engine {
            Engine::Sqlite => folder(|_| ()),
            Engine::Postgres => database("template0"),
        }
    }

    /// A database that has those migrations; they run once in a process, or once on a server, and
    /// are copied from then on.
    pub fn migrated(engine: Engine, migrations: &[Migration]) -> (DatabaseUrl, Scratch) {
        let mut hasher = DefaultHasher::new();
        for Migration { number, name, sqlite, postgres } in migrations {
            (number, name, sqlite, postgres).hash(&mut hasher);
        }
        let key = hasher.finish();
        match engine {
            Engine::Sqlite => {
                let bytes = sqlite_template(key, migrations);
                folder(|path| std::fs::write(path, bytes).expect("a temporary folder that can be written"))
            }
            Engine::Postgres => database(&postgres_template(key, migrations)),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Place::Database { name } = &self.place {
            admin(vec![format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
        }
    }
}

/// The engine of this test run, from `TEST_ENGINE`.
pub fn engine() -> Engine {
    match std::env::var("TEST_ENGINE").as_deref() {
        Err(_) | Ok("sqlite") => Engine::Sqlite,
        Ok("postgres") => Engine::Postgres,
        Ok(other) => panic!("TEST_ENGINE is sqlite or postgres, not {other:?}"),
    }
}

fn folder(fill: impl FnOnce(&Path)) -> (DatabaseUrl, Scratch) {
    let folder = TempDir::with_prefix("sql-test-").expect("a temporary folder");
    let path = folder.path().join("test.db");
    fill(&path);
    (DatabaseUrl::Sqlite(path), Scratch { place: Place::Folder(folder) })
}

fn database(template: &str) -> (DatabaseUrl, Scratch) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    admin(vec![
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name} TEMPLATE {template}"),
    ]);
    (DatabaseUrl::Postgres(server_url(&name)), Scratch { place: Place::Database { name } })
}

/// The URL of the test server, naming that database.
fn server_url(database: &str) -> String {
    let url = std::env::var("TEST_POSTGRES_URL")
        .unwrap_or_else(|_| panic!("TEST_POSTGRES_URL is not set: run the tests by tools/with-postgres COMMAND"));
    let (server, _) = url.rsplit_once('/').expect("TEST_POSTGRES_URL ends in /DATABASE");
    format!("{server}/{database}")
}

fn sqlite_template(key: u64, migrations: &[Migration]) -> Vec<u8> {
    static TEMPLATES: Mutex<Option<HashMap<u64, Vec<u8>>>> = Mutex::new(None);
    let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    let templates = templates.get_or_insert_default();
    let build = || {
        let (url, _scratch) = Scratch::new(Engine::Sqlite);
        migrate(url.clone(), migrations.to_vec());
        let DatabaseUrl::Sqlite(path) = url else { panic!("asked for SQLite") };
        std::fs::read(path).expect("the template's file")
    };
    templates.entry(key).or_insert_with(build).clone()
}

fn postgres_template(key: u64, migrations: &[Migration]) -> String {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one_thread = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("template_{key:x}");
    let (template, migrations) = (name.clone(), migrations.to_vec());
    blocking(async move {
        let client = connect(&server_url("postgres")).await;
        // Held by this session: other test programs wait until the template stands.
        client.batch_execute("SELECT pg_advisory_lock(1)").await.expect("the lock on templates");
        let found = client.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&template]).await;
        if found.expect("the list of databases").is_empty() {
            let half = format!("{template}_half");
            for sql in [
                format!("DROP DATABASE IF EXISTS {half} WITH (FORCE)"),
                format!("CREATE DATABASE {half} TEMPLATE template0"),
            ] {
                client.batch_execute(&sql).await.expect("a new database");
            }
            migrate_async(DatabaseUrl::Postgres(server_url(&half)), migrations).await;
            // The server may need a moment to see that the migrating session has gone.
            let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{half}'");
            client.batch_execute(&end).await.expect("the end of its sessions");
            let rename = format!("ALTER DATABASE {half} RENAME TO {template}");
            client.batch_execute(&rename).await.expect("the template");
        }
    });
    name
}

fn migrate(url: DatabaseUrl, migrations: Vec<Migration>) {
    blocking(migrate_async(url, migrations));
}

async fn migrate_async(url: DatabaseUrl, migrations: Vec<Migration>) {
    let options = Options { connections: 1, readers: 1, ..Options::default() };
    let db = Db::open(&url, options).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    db.migrate(&migrations).await.unwrap_or_else(|error| panic!("migrations on {url}: {error}"));
    db.close().await;
}

fn admin(statements: Vec<String>) {
    blocking(async move {
        let client = connect(&server_url("postgres")).await;
        for sql in statements {
            client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
    });
}

async fn connect(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.unwrap_or_else(|error| panic!("TEST_POSTGRES_URL: {error}"));
    tokio::spawn(connection);
    client
}

/// Runs async work to its end from anywhere, a test's own runtime included.
fn blocking<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
        runtime.block_on(work)
    };
    std::thread::spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// How an engine means to run a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The statement's name.
    pub name: &'static str,
    /// The engine's own words.
    pub lines: Vec<String>,
    bounded: bool,
}

impl Plan {
    /// The tables that the statement reads from one end to the other: by a scan of the table, or of
    /// an index without a condition where no `LIMIT` ends it.
    pub fn full_scans(&self) -> Vec<String> {
        let mut tables = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word == "->").collect();
            let by_index = words.contains(&"INDEX") || words.contains(&"Index");
            let narrowed = self.lines.get(at + 1).is_some_and(|next| next.trim_start().starts_with("Index Cond"));
            let table = match words.as_slice() {
                // What the statement itself has gathered is as much as it wants.
                ["SCAN", gathered, ..] if self.lines.contains(&format!("CO-ROUTINE {gathered}")) => None,
                ["SCAN", table, ..] => Some(*table),
                ["Seq" | "Index" | "Bitmap", ..] | ["Parallel", "Seq", ..] if !narrowed => {
                    words.iter().position(|word| *word == "on").and_then(|on| words.get(on + 1)).copied()
                }
                _ => None,
            };
            let part = by_index && self.bounded || line.contains("Bitmap Heap Scan");
            tables.extend(table.filter(|_| !part).map(str::to_owned));
        }
        tables
    }
}

/// Prepares every statement on the database and asks for its plan, with sequential scans made
/// unattractive where there is an index at all.
///
/// Panics with the statement's name when the engine refuses one.
pub fn plans(url: &DatabaseUrl, statements: &[Statement]) -> Vec<Plan> {
    let plan = |statement: &Statement, lines, text: &str| Plan {
        name: statement.name(),
        lines,
        bounded: text.to_ascii_uppercase().contains("LIMIT"),
    };
    match url.clone() {
        DatabaseUrl::Sqlite(path) => {
            let file = rusqlite::Connection::open(&path).expect("the database");
            file.create_collation("C", |left: &str, right: &str| left.cmp(right)).expect("a collation");
            let explain = |statement: &Statement| {
                let text = statement.text(Engine::Sqlite);
                let lines = file.prepare(&format!("EXPLAIN QUERY PLAN {text}")).and_then(|mut explain| {
                    let mut lines = Vec::new();
                    let mut rows = explain.raw_query();
                    while let Some(row) = rows.next()? {
                        lines.push(row.get("detail")?);
                    }
                    Ok(lines)
                });
                plan(statement, lines.unwrap_or_else(|error| panic!("{}: {error}", statement.name())), text)
            };
            statements.iter().map(explain).collect()
        }
        DatabaseUrl::Postgres(url) => {
            let statements = statements.to_vec();
            let explained = blocking(async move {
                let client = connect(&url).await;
                client
                    .batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
                    .await
                    .expect("settings");
                let mut explained = Vec::new();
                for statement in statements {
                    explained.push((statement, explain_on_postgres(&client, &statement).await));
                }
                explained
            });
            let text = |statement: &Statement| statement.text(Engine::Postgres);
            explained.into_iter().map(|(statement, lines)| plan(&statement, lines, text(&statement))).collect()
        }
    }
}

async fn explain_on_postgres(client: &Client, statement: &Statement) -> Vec<String> {
    let (name, text) = (statement.name(), statement.text(Engine::Postgres));
    let prepared = client.prepare(text).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let nulls = vec!["NULL"; prepared.params().len()].join(", ");
    let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    let sql = format!("PREPARE asked AS {text}; EXPLAIN EXECUTE asked{arguments}; DEALLOCATE asked");
    let answer = client.simple_query(&sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.collect()
}
