//! The accept loop: HTTP/1.1 on a TCP listener, bounded, with a graceful end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

/// How long a client may take to send a request's head; also the longest that an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The longest request line and headers: an authorization request of 8 KiB, sealed and carried in the query, fits.
const HEAD_LIMIT: usize = 64 * 1024;

/// Bounds of the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections served at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long running requests may take once a stop was asked for.
    pub shutdown_grace: Duration,
}

/// Serves until `shutdown` resolves, then lets running requests finish.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds, shutdown: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(bounds.max_connections));
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            () = &mut shutdown => break,
        };
        let Ok(slot) = slot else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come back rather than spin.
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let connection = graceful.watch(connection(stream, peer, router.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%peer, %error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    let running = graceful.count();
    if running > 0 {
        info!(connections = running, "finishing what is running");
    }
    if tokio::time::timeout(bounds.shutdown_grace, graceful.shutdown()).await.is_err() {
        warn!("gave up waiting for running requests");
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> http1::Connection<
    TokioIo<TcpStream>,
    TowerToHyperService<
        impl tower::Service<
            http::Request<hyper::body::Incoming>,
            Response = axum::response::Response,
            Error = std::convert::Infallible,
            Future: Send,
        > + Clone,
    >,
> {
    // Answers are small and whole: waiting for more to send only adds latency. A failure to say so is no reason to hang up.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(axum::body::Body::new)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
}
