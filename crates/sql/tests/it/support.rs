//! A database with a few small tables, and a way to hold its writer.

use std::{
    future::Future,
    sync::{Arc, Mutex, mpsc},
    task::Poll,
};

use sql::{DatabaseUrl, Db, DbError, Migration, Options, params, testing, testing::Scratch};

pub const MIGRATIONS: &[Migration] = &[Migration::common(
    1,
    "users",
    "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, seen BIGINT, hash BYTEA);
     CREATE TABLE grants (
         user_id TEXT NOT NULL REFERENCES users (id), app TEXT NOT NULL, note TEXT NOT NULL,
         UNIQUE (user_id, app));
     CREATE UNIQUE INDEX grants_lower_note ON grants (lower(note));
     CREATE TABLE late (user_id TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
     CREATE TABLE words (word TEXT COLLATE \"C\" NOT NULL);
     CREATE INDEX words_word ON words (word);",
)];

sql::statements! {
    INSERT_USER = "INSERT INTO users (id, email) VALUES ($1, $2)";
    FIND_SEEN = "SELECT seen FROM users WHERE id = $1";
    LIST_USERS = "SELECT id FROM users ORDER BY id";
    CLAIM = "UPDATE users SET seen = $1 WHERE id = $2 AND seen IS NULL";
    MARK = "UPDATE users SET seen = $1 WHERE id = $2";
    INSERT_GRANT = "INSERT INTO grants (user_id, app, note) VALUES ($1, $2, $3)";
    INSERT_LATE = "INSERT INTO late (user_id) VALUES ($1)";
}

/// An open database and its end.
pub struct Fixture {
    pub db: Db,
    pub url: DatabaseUrl,
    _scratch: Scratch,
}

pub fn small() -> Options {
    Options { connections: 4, ..Options::default() }
}

pub async fn fixture() -> Fixture {
    fixture_with(small()).await
}

pub async fn fixture_with(options: Options) -> Fixture {
    let (url, scratch) = Scratch::migrated(testing::engine(), MIGRATIONS);
    let db = Db::open(&url, options).await.unwrap();
    Fixture { db, url, _scratch: scratch }
}

pub async fn insert(db: &Db, id: impl Into<String>) -> Result<(), DbError> {
    let id = id.into();
    db.write(move |tx| tx.execute(&INSERT_USER, params![id, format!("{id}@example.test")]).map(drop)).await
}

pub async fn users(db: &Db) -> Vec<String> {
    db.read(|tx| tx.list(&LIST_USERS, params![], |row| row.get(0))).await.map_err(|error: DbError| error).unwrap()
}

/// A future that has been started and can be asked how it stands.
pub struct Started<T>(tokio::task::JoinHandle<T>);

/// Starts the work on this thread's runtime and lets it go as far as it can.
pub async fn start<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Started<T> {
    let mut work = Box::pin(work);
    // The first poll queues the unit: so units are queued in the order in which they are started.
    let first = std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await;
    Started(tokio::spawn(async move {
        match first {
            Some(done) => done,
            None => work.await,
        }
    }))
}

impl<T> Started<T> {
    pub fn is_done(&self) -> bool {
        self.0.is_finished()
    }

    pub async fn done(self) -> T {
        self.0.await.unwrap()
    }
}

/// Makes units wait inside the database's thread until they are let go.
pub struct Gate {
    arrived: mpsc::Receiver<()>,
    go: mpsc::Sender<()>,
}

/// What a unit calls to wait at its gate.
#[derive(Clone)]
pub struct Latch(Arc<Mutex<(mpsc::Sender<()>, mpsc::Receiver<()>)>>);

pub fn gate() -> (Gate, Latch) {
    let (arrive, arrived) = mpsc::channel();
    let (go, gone) = mpsc::channel();
    (Gate { arrived, go }, Latch(Arc::new(Mutex::new((arrive, gone)))))
}

impl Gate {
    /// Waits until a unit stands at the latch.
    pub fn wait(&self) {
        self.arrived.recv().unwrap();
    }

    pub fn open(&self) {
        self.go.send(()).unwrap();
    }
}

impl Latch {
    pub fn pass(&self) {
        let inner = self.0.lock().unwrap();
        inner.0.send(()).unwrap();
        inner.1.recv().unwrap();
    }
}

/// Starts a unit that holds a writer until its gate is opened.
pub async fn hold(db: &Db) -> (Gate, Started<Result<(), DbError>>) {
    let (gate, latch) = gate();
    let db = db.clone();
    let held = start(async move {
        db.write(move |_| {
            latch.pass();
            Ok(())
        })
        .await
    })
    .await;
    gate.wait();
    (gate, held)
}
