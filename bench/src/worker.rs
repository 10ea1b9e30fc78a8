//! The parts of the floor, each alone in a process of its own, as the server is: `bench worker`.
//!
//! It is told what to do by lines on its standard input and answers each with a line of JSON when it is done. Setting up
//! is a line of its own, so that the one who measures can leave it out.

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::path::PathBuf;
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
use tokio::net::TcpListener;

use crate::Fallible;
use crate::unit::{Tables, Units};

/// A line to the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// Serve HTTP that sends back what comes, until the worker ends.
    Echo,
    /// Open this database and put so many codes into it, into the product's tables or into the barest.
    Fill(String, u64, Tables),
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
    units: Option<Units>,
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
            Task::Fill(url, codes, tables) => {
                self.units = Some(runtime.block_on(Units::fill(&url, tables, codes))?);
            }
            Task::Units(count, callers) => {
                let units = self.units.clone().ok_or("no database was opened")?;
                runtime.block_on(async move { tokio::spawn(units.redeem(count, callers)).await })??;
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
