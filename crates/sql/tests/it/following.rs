//! Announcements: what one process commits, another hears within a second; one's own before the answer.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sql::{
    DatabaseUrl, Db, DbError, Engine, FRESHNESS, Follower, Migration, Statement, Tx, params, testing, testing::Scratch,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
};

use crate::support::{hold, small};

const MIGRATIONS: &[Migration] = &[Migration::twin(
    1,
    "things",
    "CREATE TABLE things (id TEXT PRIMARY KEY, state TEXT NOT NULL);
     CREATE TRIGGER things_announced AFTER INSERT ON things BEGIN
         INSERT INTO announcements (subject) VALUES (NEW.id);
     END;",
    "CREATE TABLE things (id TEXT PRIMARY KEY, state TEXT NOT NULL);
     CREATE FUNCTION announce_thing() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN PERFORM announce(NEW.id); RETURN NULL; END $$;
     CREATE TRIGGER things_announced AFTER INSERT ON things FOR EACH ROW EXECUTE FUNCTION announce_thing();",
)];

const INSERT: Statement = Statement::new("INSERT", "INSERT INTO things (id, state) VALUES ($1, 'new')");
const LIST: Statement = Statement::new("LIST", "SELECT id FROM things");
const FIND: Statement = Statement::new("FIND", "SELECT state FROM things WHERE id = $1");

/// Keeps the ids of all things.
#[derive(Default)]
struct Names {
    known: Mutex<BTreeSet<String>>,
    loads: AtomicUsize,
    is_broken: AtomicBool,
}

impl Names {
    fn knows(&self, id: &str) -> bool {
        self.known.lock().unwrap().contains(id)
    }
}

impl Follower for Names {
    fn load(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let all: Vec<String> = tx.list(&LIST, params![], |row| row.get(0))?;
        *self.known.lock().unwrap() = all.into_iter().collect();
        Ok(())
    }

    fn hear(&self, tx: &mut Tx<'_>, subjects: &BTreeSet<String>) -> Result<(), DbError> {
        assert!(!self.is_broken.swap(false, Ordering::SeqCst), "a follower that panics");
        for id in subjects {
            // It is there: what is announced has been committed.
            tx.one(&FIND, params![id], |row| row.get::<String>(0))?;
            self.known.lock().unwrap().insert(id.clone());
        }
        Ok(())
    }
}

struct Node {
    db: Db,
    names: Arc<Names>,
}

impl Node {
    async fn start(url: &DatabaseUrl) -> Node {
        let db = Db::open(url, small()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let names = Arc::new(Names::default());
        db.follow(names.clone()).await.unwrap();
        Node { db, names }
    }

    async fn insert(&self, id: &str) {
        let id = id.to_owned();
        self.db.write(move |tx| tx.execute(&INSERT, params![id]).map(drop)).await.map_err(|e: DbError| e).unwrap();
    }

    /// Waits until it knows the thing; gives the time that it took.
    async fn learns(&self, id: &str) -> Duration {
        let start = Instant::now();
        while !self.names.knows(id) {
            assert!(start.elapsed() < Duration::from_secs(10), "{id} was not heard");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        start.elapsed()
    }

    async fn recovers(&self) {
        let start = Instant::now();
        while !self.db.hears() {
            assert!(start.elapsed() < Duration::from_secs(10), "it stays deaf");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn two_nodes() -> (Node, Node, DatabaseUrl, Scratch) {
    let (url, scratch) = Scratch::new(testing::engine());
    (Node::start(&url).await, Node::start(&url).await, url, scratch)
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_commits_are_heard_before_the_answer_and_others_within_a_second() {
    let (here, there, _, _scratch) = two_nodes().await;
    for number in 0..20 {
        let id = format!("thing-{number}");
        here.insert(&id).await;
        assert!(here.names.knows(&id), "{id} when its unit is answered");
        assert!(there.learns(&id).await < FRESHNESS);
        assert!(here.db.hears() && there.db.hears());
    }
    assert_eq!(here.names.loads.load(Ordering::SeqCst), 1, "heard, not loaded again");
    assert_eq!(there.names.loads.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_units_at_once_are_all_heard_before_their_answers() {
    let (here, there, _, _scratch) = two_nodes().await;
    let units = (0..200).map(|number| {
        let (db, names) = (here.db.clone(), here.names.clone());
        tokio::spawn(async move {
            let id = format!("thing-{number}");
            let own = id.clone();
            // Every tenth fails and leaves nothing.
            let unit = db.write(move |tx| {
                tx.execute(&INSERT, params![own])?;
                if number % 10 == 0 { Err(DbError::Busy) } else { Ok(()) }
            });
            assert_eq!(unit.await.is_ok(), number % 10 != 0);
            assert_eq!(names.knows(&id), number % 10 != 0, "{id}");
        })
    });
    for unit in units.collect::<Vec<_>>() {
        unit.await.unwrap();
    }
    there.learns("thing-199").await;
    tokio::time::sleep(FRESHNESS).await;
    assert_eq!(there.names.known.lock().unwrap().len(), 180);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_fails_loads_everything_anew() {
    let (here, there, _, _scratch) = two_nodes().await;
    there.names.is_broken.store(true, Ordering::SeqCst);
    here.insert("first").await;
    there.learns("first").await;
    there.recovers().await;
    assert_eq!(there.names.loads.load(Ordering::SeqCst), 2);
    here.insert("second").await;
    assert!(there.learns("second").await < FRESHNESS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_not_used() {
    if testing::engine() != Engine::Sqlite {
        return;
    }
    let (here, there, _, _scratch) = two_nodes().await;
    // A unit that does not end holds the other node's writer.
    let (gate, held) = hold(&there.db).await;
    tokio::time::sleep(FRESHNESS + Duration::from_millis(50)).await;
    assert!(!there.db.hears());
    gate.open();
    held.done().await.unwrap();
    here.insert("late").await;
    assert!(there.learns("late").await < FRESHNESS);
    assert!(there.db.hears());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_far_behind_loads_everything_anew() {
    if testing::engine() != Engine::Sqlite {
        return;
    }
    const MANY: Statement = Statement::new(
        "MANY",
        "INSERT INTO things (id, state) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
         SELECT 'many-' || i, 'new' FROM n",
    );
    const KEPT: Statement = Statement::new("KEPT", "SELECT COUNT(*) FROM announcements");
    let (here, there, _, _scratch) = two_nodes().await;
    here.db.write(|tx| tx.execute(&MANY, params![]).map(drop)).await.map_err(|e: DbError| e).unwrap();
    assert!(here.names.knows("many-10050"));
    there.learns("many-10050").await;
    assert_eq!(there.names.loads.load(Ordering::SeqCst), 2);
    let kept = there.db.read(|tx| tx.one(&KEPT, params![], |row| row.get::<i64>(0))).await;
    assert_eq!(kept, Ok::<_, DbError>(10_000), "the table does not grow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_noticed_and_nothing_is_missed() {
    if testing::engine() != Engine::Postgres {
        return;
    }
    const END: Statement = Statement::new(
        "END",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    let (here, there, url, _scratch) = two_nodes().await;
    for round in 0..3 {
        let other = Db::open(&url, sql::Options { connections: 1, ..small() }).await.unwrap();
        other.read(|tx| tx.list(&END, params![], |_| Ok(()))).await.map_err(|e: DbError| e).unwrap();
        other.close().await;
        let id = format!("thing-{round}");
        here.insert(&id).await;
        assert!(here.names.knows(&id) || !here.db.hears(), "not heard, so not used");
        there.learns(&id).await;
        here.recovers().await;
        there.recovers().await;
        assert!(here.names.knows(&id));
    }
    assert!(there.names.loads.load(Ordering::SeqCst) > 3);
}

/// What stands between forwards everything but what the server says unasked: so does a pooler that gives each transaction
/// another of its sessions.
#[tokio::test(flavor = "multi_thread")]
async fn where_announcements_are_swallowed_the_database_is_asked() {
    if testing::engine() != Engine::Postgres {
        return;
    }
    let (here, _, url, _scratch) = two_nodes().await;
    let pooler = Pooler::before(&url).await;
    let there = Node::start(&pooler.url).await;
    assert!(!there.db.hears(), "what it has in memory is not to be used");
    let begun = Instant::now();
    for number in 0..5 {
        here.insert(&format!("a-{number}")).await;
        there.insert(&format!("b-{number}")).await;
    }
    assert!(begun.elapsed() < FRESHNESS, "nobody waits for an announcement that does not come");
    tokio::time::sleep(2 * FRESHNESS).await;
    assert!(!there.db.hears() && here.db.hears());
    there.db.close().await;
}

/// A session that has stopped to listen is given up for another.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_a_session_that_does_not_listen_is_no_proof() {
    if testing::engine() != Engine::Postgres {
        return;
    }
    let (here, _, url, _scratch) = two_nodes().await;
    let pooler = Pooler::before(&url).await;
    pooler.lets_through.store(true, Ordering::SeqCst);
    let there = Node::start(&pooler.url).await;
    assert!(there.db.hears());
    let loads = there.names.loads.load(Ordering::SeqCst);
    pooler.unlisten.store(true, Ordering::SeqCst);
    tokio::time::timeout(Duration::from_secs(5), async {
        while there.names.loads.load(Ordering::SeqCst) == loads {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("everything is loaded by another session");
    here.insert("after").await;
    there.learns("after").await;
}

/// Stands before PostgreSQL and drops its notifications, unless it lets them through; once it may slip an UNLISTEN to a
/// session that listens.
struct Pooler {
    url: DatabaseUrl,
    lets_through: Arc<AtomicBool>,
    unlisten: Arc<AtomicBool>,
}

impl Pooler {
    async fn before(url: &DatabaseUrl) -> Pooler {
        let text = url.with_password();
        let server = text.rsplit('@').next().unwrap().split(['/', '?']).next().unwrap().to_owned();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = text.replace(&server, &listener.local_addr().unwrap().to_string());
        let (lets_through, unlisten) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (through, slips) = (lets_through.clone(), unlisten.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = tokio::net::TcpStream::connect(&server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(ask(from_client, to_server, slips.clone()));
                tokio::spawn(answer(from_server, to_client, through.clone()));
            }
        });
        Pooler { url: own.parse().unwrap(), lets_through, unlisten }
    }
}

/// The question whether a session listens becomes an order not to.
async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, unlisten: Arc<AtomicBool>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let sent = &buffer[..read];
        let asks = sent.windows(21).any(|window| window == b"pg_listening_channels");
        if asks && unlisten.swap(false, Ordering::SeqCst) {
            let order = b"UNLISTEN *; SELECT 0\0";
            let length = u32::try_from(order.len() + 4).unwrap();
            to.write_all(&[b"Q", &length.to_be_bytes()[..], order].concat()).await.unwrap();
        } else if to.write_all(sent).await.is_err() {
            return;
        }
    }
}

/// Messages of the server, whole: a letter, a length that counts itself, the rest.
async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lets_through: Arc<AtomicBool>) {
    loop {
        let mut head = [0; 5];
        if from.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut rest = vec![0; length - 4];
        if from.read_exact(&mut rest).await.is_err() {
            return;
        }
        let is_dropped = head[0] == b'A' && !lets_through.load(Ordering::SeqCst);
        if !is_dropped && to.write_all(&[&head[..], &rest].concat()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_follower() {
    let (here, _, _, _scratch) = two_nodes().await;
    assert!(here.db.follow(Arc::new(Names::default())).await.is_err());
}
