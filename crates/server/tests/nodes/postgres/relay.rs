//! A cable between a node and PostgreSQL that a test can cut for the listening connection alone: it stays open, and nothing
//! comes through. So does a connection whose packets a broken network drops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sql::DatabaseUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const LISTENS: &[u8] = b"LISTEN announcements";

/// The cable.
pub struct Relay {
    address: SocketAddr,
    is_silent: Arc<AtomicBool>,
    listeners: Arc<AtomicUsize>,
}

impl Relay {
    pub async fn to(database: &DatabaseUrl) -> Relay {
        let server = host_of(&database.with_password());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_silent, listeners) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (silent, counted) = (Arc::clone(&is_silent), Arc::clone(&listeners));
        tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let listens = Arc::new(AtomicBool::new(false));
                let ((from_node, to_node), (from_server, to_server)) = (node.into_split(), server.into_split());
                tokio::spawn(asking(from_node, to_server, Arc::clone(&listens), Arc::clone(&counted)));
                tokio::spawn(answering(from_server, to_node, listens, Arc::clone(&silent)));
            }
        });
        Relay { address, is_silent, listeners }
    }

    /// The database by way of this cable.
    pub fn url(&self, database: &DatabaseUrl) -> String {
        let url = database.with_password();
        url.replace(&host_of(&url), &self.address.to_string())
    }

    /// From now on the listening connection hears nothing, and is told nothing about that.
    pub fn silence(&self) {
        assert!(self.listeners.load(Ordering::SeqCst) > 0, "a connection listens");
        self.is_silent.store(true, Ordering::SeqCst);
    }

    pub fn speak_again(&self) {
        self.is_silent.store(false, Ordering::SeqCst);
    }
}

fn host_of(url: &str) -> String {
    url.rsplit('@').next().unwrap().split(['/', '?']).next().unwrap().to_owned()
}

async fn asking(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    listens: Arc<AtomicBool>,
    listeners: Arc<AtomicUsize>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let sent = &buffer[..read];
        if sent.windows(LISTENS.len()).any(|window| window == LISTENS) && !listens.swap(true, Ordering::SeqCst) {
            listeners.fetch_add(1, Ordering::SeqCst);
        }
        if to.write_all(sent).await.is_err() {
            return;
        }
    }
}

async fn answering(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    listens: Arc<AtomicBool>,
    is_silent: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        while listens.load(Ordering::SeqCst) && is_silent.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
