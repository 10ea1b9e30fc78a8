//! The parts of the floor, each alone in a process of its own, as the server is: `bench worker`.
//!
//! It is told what to do by lines on its standard input and answers each with a line of JSON when it is done. Setting up
//! is a line of its own, so that the one who measures can leave it out.

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use sql::{DatabaseUrl, Db, DbError, Migration, Options, params};
use tokio::net::TcpListener;

use crate::Fallible;

/// A line to the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// Serve HTTP that sends back what comes, until the worker ends.
    Echo,
    /// Open this database and put so many codes into it.
    Fill(String, u64),
    /// Redeem so many of them by so many callers.
    Units(u64, usize),
    /// Make a key of that algorithm.
    MakeKey(String),
    /// Make so many signatures, one after the other.
    Sign(u64),
    /// Append and sync 4 KiB to that file so many times.
    Sync(PathBuf, u32),
}

/// What the worker answers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Done {
    /// How long it took.
    pub seconds: f64,
    /// Where it serves.
    pub address: Option<SocketAddr>,
    /// Half of the steps took no longer, in microseconds, where steps were timed.
    pub p50_us: Option<f64>,
}

/// Works until standard input ends.
pub fn work() -> Fallible<()> {
    // The runtime of the server.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut worker = Worker::default();
    for line in std::io::stdin().lock().lines() {
        let task: Task = serde_json::from_str(&line?)?;
        let started = Instant::now();
        let mut done = worker.run(&runtime, task)?;
        done.seconds = started.elapsed().as_secs_f64();
        println!("{}", serde_json::to_string(&done)?);
    }
    Ok(())
}

#[derive(Default)]
struct Worker {
    database: Option<Db>,
    redeemed: Arc<AtomicU64>,
    key: Option<Key>,
}

impl Worker {
    fn run(&mut self, runtime: &tokio::runtime::Runtime, task: Task) -> Fallible<Done> {
        let mut done = Done::default();
        match task {
            Task::Echo => {
                let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
                done.address = Some(listener.local_addr()?);
                runtime.spawn(serve_echo(listener));
            }
            Task::Fill(url, codes) => self.database = Some(runtime.block_on(fill(&url, codes))?),
            Task::Units(count, callers) => {
                let database = self.database.clone().ok_or("no database was opened")?;
                let redeemed = Arc::clone(&self.redeemed);
                runtime.block_on(async move { tokio::spawn(redeem(database, redeemed, count, callers)).await })??;
            }
            Task::MakeKey(algorithm) => self.key = Some(Key::make(&algorithm)?),
            Task::Sign(count) => {
                let key = self.key.as_ref().ok_or("no key was made")?;
                (0..count).try_for_each(|_| key.sign())?;
            }
            Task::Sync(file, count) => done.p50_us = Some(sync_often(&file, count)?),
        }
        Ok(done)
    }
}

/// The server's HTTP stack without the server: the same library, the same settings, no router, no layer.
async fn serve_echo(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(TokioIo::new(stream), service_fn(echo));
        tokio::spawn(connection);
    }
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<bytes::Bytes>>, hyper::Error> {
    Ok(Response::new(Full::new(request.into_body().collect().await?.to_bytes())))
}

/// The least that codes and grants can be kept in, whatever the product's own tables look like, so that a wasteful table
/// of the product cannot raise the floor: rows as wide as their facts, a key each, one more index.
const MIGRATIONS: &[Migration] = &[Migration::common(
    1,
    "codes",
    "CREATE TABLE codes (hash BYTEA PRIMARY KEY, app TEXT NOT NULL, person TEXT NOT NULL, redirect_uri TEXT NOT NULL,
        scopes TEXT NOT NULL, expires_at BIGINT NOT NULL, redeemed_at BIGINT, became TEXT);
     CREATE TABLE grants (id TEXT PRIMARY KEY, app TEXT NOT NULL, person TEXT NOT NULL, scopes TEXT NOT NULL,
        secret_hash BYTEA NOT NULL, generation BIGINT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL);
     CREATE INDEX grants_by_person ON grants (person, app);",
)];

sql::statements! {
    INSERT_CODE = "INSERT INTO codes (hash, app, person, redirect_uri, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND_CODE = "SELECT app, person, redirect_uri, scopes, expires_at, redeemed_at FROM codes WHERE hash = $1";
    CLAIM_CODE = "UPDATE codes SET redeemed_at = $2, became = $3 WHERE hash = $1 AND redeemed_at IS NULL";
    INSERT_GRANT = "INSERT INTO grants (id, app, person, scopes, secret_hash, generation, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
}

const APP: &str = "7c1f4b0e9d2a4c6f8e3b5a7d";
const PERSON: &str = "0197a4c21b7e7d5f8a3c6e9b";
const CALLBACK: &str = "http://localhost:8081/callback";
const SCOPES: &str = "user:read meeting:create meeting:delete meeting:read meeting:update meeting:join";
const NOW: i64 = 1_767_607_200_000;

/// Spread over the tree, as real hashes are.
fn hash(number: u64) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    hash
}

async fn fill(url: &str, codes: u64) -> Fallible<Db> {
    let url: DatabaseUrl = url.parse()?;
    let database = Db::open(&url, Options::default()).await?;
    database.migrate(MIGRATIONS).await?;
    for from in (0..codes).step_by(5_000) {
        let insert = move |tx: &mut sql::Tx<'_>| {
            for number in from..codes.min(from + 5_000) {
                tx.execute(&INSERT_CODE, params![hash(number), APP, PERSON, CALLBACK, SCOPES, NOW])?;
            }
            Ok::<_, DbError>(())
        };
        database.write(insert).await?;
    }
    Ok(database)
}

async fn redeem(database: Db, redeemed: Arc<AtomicU64>, count: u64, callers: usize) -> Fallible<()> {
    let until = redeemed.load(Ordering::Relaxed) + count;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (database, redeemed) = (database.clone(), Arc::clone(&redeemed));
        tasks.spawn(async move {
            loop {
                let number = redeemed.fetch_add(1, Ordering::Relaxed);
                if number >= until {
                    return Ok::<_, DbError>(());
                }
                database.write(move |tx| redeem_one(tx, number)).await?;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    redeemed.store(until, Ordering::Relaxed);
    Ok(())
}

/// The unit of the floor: a look-up, a claim and an insert.
fn redeem_one(tx: &mut sql::Tx<'_>, number: u64) -> Result<(), DbError> {
    let hash = hash(number);
    let (app, person, scopes) = tx.one(&FIND_CODE, params![hash], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(3)?))
    })?;
    // Grants are made in the order of their ids, near enough.
    let id = format!("0197a4c2-{number:012x}-8a3c6e9b0d1f2a3c");
    if tx.execute(&CLAIM_CODE, params![hash, NOW, id])? != 1 {
        return Err(DbError::Broken("a code was spent before".to_owned()));
    }
    tx.execute(&INSERT_GRANT, params![id, app, person, scopes, hash, 0_i64, NOW, NOW]).map(drop)
}

enum Key {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Key {
    fn make(algorithm: &str) -> Fallible<Key> {
        Ok(match algorithm {
            "RS256" => Key::Rs256(RsaKeyPair::generate(KeySize::Rsa2048)?),
            "ES256" => Key::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            "EdDSA" => Key::EdDsa(Ed25519KeyPair::generate()?),
            other => return Err(format!("no algorithm is called {other}").into()),
        })
    }

    /// Signs a message as long as the header and claims of an access token.
    fn sign(&self) -> Fallible<()> {
        let message = std::hint::black_box([b'x'; 900]);
        let random = SystemRandom::new();
        match self {
            Key::Rs256(pair) => {
                let mut signature = [0; 256];
                pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?;
                std::hint::black_box(signature);
            }
            Key::Es256(pair) => drop(std::hint::black_box(pair.sign(&random, &message)?)),
            Key::EdDsa(pair) => drop(std::hint::black_box(pair.sign(&message))),
        }
        Ok(())
    }
}

fn sync_often(file: &std::path::Path, count: u32) -> Fallible<f64> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(file)?;
    let mut times = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().ok_or_else(|| "nothing was synced".into())
}
