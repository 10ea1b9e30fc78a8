//! A plain HTTP/1.1 client: connections that stay open, one request at a time on each.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Fallible;

/// A request whose body is there.
pub type Call = Request<Full<Bytes>>;

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// The answer if it has that status; otherwise an error that shows what came instead.
    pub fn expect(self, status: StatusCode, what: &str) -> Fallible<Reply> {
        if self.status == status {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        let start: String = body.chars().take(600).collect();
        Err(format!("{what} was answered {} {:?}\n{start}", self.status, self.headers).into())
    }

    /// A header's text, empty when it is not there.
    pub fn header(&self, name: http::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A connection that stays open.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects; must be called on a `LocalSet`.
    pub async fn open(address: SocketAddr) -> Fallible<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its error reaches whoever sends the next request.
        tokio::task::spawn_local(async { drop(connection.await) });
        Ok(Connection { sender })
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&mut self, call: Call) -> Fallible<Reply> {
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(call).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }
}
