//! Web servers that behave as a test wants, down to the byte.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::OUTSIDE;

/// What a server does with a request.
#[derive(Clone)]
pub enum Reply {
    /// Sends these bytes and closes.
    Raw(Vec<u8>),
    /// Sends the first bytes, then one more byte at each tick, for ever.
    Drip(Vec<u8>, Duration),
    /// Sends the first bytes, then as much as the other side takes.
    Flood(Vec<u8>),
    /// Says nothing and holds the line.
    Hang,
}

impl Reply {
    pub fn new(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut bytes = format!("HTTP/1.1 {status} Said so\r\nContent-Length: {}\r\n", body.len()).into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        Self::Raw(bytes)
    }

    pub fn html(body: &str) -> Self {
        Self::new(200, &[("Content-Type", "text/html; charset=utf-8")], body.as_bytes())
    }

    pub fn png(body: &[u8]) -> Self {
        Self::new(200, &[("Content-Type", "image/png")], body)
    }

    pub fn json(body: &str) -> Self {
        Self::new(200, &[("Content-Type", "application/rdap+json")], body.as_bytes())
    }

    pub fn status(status: u16) -> Self {
        Self::new(status, &[("Content-Type", "text/html")], b"<p>Said so</p>")
    }

    pub fn redirect(to: &str) -> Self {
        Self::new(302, &[("Location", to)], b"")
    }
}

#[derive(Default)]
struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    requests: Mutex<Vec<String>>,
}

/// A server on the outside. Paths that have no reply answer 404.
pub struct Site {
    shared: Arc<Shared>,
    port: u16,
    scheme: &'static str,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    pub async fn http() -> Self {
        Self::start(None).await
    }

    pub async fn https(config: Arc<ServerConfig>) -> Self {
        Self::start(Some(TlsAcceptor::from(config))).await
    }

    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((OUTSIDE, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Self { shared, port, scheme, task }
    }

    pub fn on(&self, path: &str, reply: Reply) -> &Self {
        self.shared.replies.lock().unwrap().insert(path.to_owned(), reply);
        self
    }

    /// The base URL under a name, without a slash at the end.
    pub fn at(&self, name: &str) -> String {
        format!("{}://{name}:{}", self.scheme, self.port)
    }

    /// The requests that came, as `GET host/path`.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, &shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, &shared).await;
                    }
                }
            }
        });
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or("?");
    let host = host.split(':').next().unwrap_or(host);
    assert!(head.contains("accept-encoding: identity"), "{head}");
    shared.requests.lock().unwrap().push(format!("{method} {host}{path}"));
    let reply = shared.replies.lock().unwrap().get(path).cloned().unwrap_or_else(|| Reply::status(404));
    send(&mut stream, method, reply).await;
    let _ = stream.shutdown().await;
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), method: &str, reply: Reply) {
    match reply {
        Reply::Raw(mut bytes) => {
            if method == "HEAD" {
                let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
                bytes.truncate(end);
            }
            let _ = stream.write_all(&bytes).await;
        }
        Reply::Drip(first, every) => {
            let mut sent = stream.write_all(&first).await;
            while sent.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(every).await;
                sent = stream.write_all(b"x").await;
            }
        }
        Reply::Flood(first) => {
            let chunk = vec![b'x'; 64 * 1024];
            let mut sent = stream.write_all(&first).await;
            while sent.is_ok() {
                sent = stream.write_all(&chunk).await;
            }
        }
        Reply::Hang => std::future::pending().await,
    }
}

/// A listener that nobody must touch.
pub struct Trap {
    touched: Arc<AtomicUsize>,
    address: std::net::SocketAddr,
    task: JoinHandle<()>,
}

impl Trap {
    pub async fn at(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let touched = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&touched);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret").await;
            }
        });
        Self { touched, address, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn touched(&self) -> usize {
        self.touched.load(Ordering::SeqCst)
    }

    /// Fails if the listener was touched. It is alive: touching it now is counted.
    pub async fn assert_untouched(self) {
        assert_eq!(self.touched(), 0, "a forbidden address was dialled");
        let mut stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let _ = stream.read(&mut [0; 16]).await;
        assert_eq!(self.touched(), 1, "the trap itself does not work");
        self.task.abort();
    }
}
