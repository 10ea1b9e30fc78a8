//! A plain reverse proxy: each request goes to the next node; one that cannot be reached is passed over. It writes
//! `X-Forwarded-For` as proxies do, and remembers what no client may ever be answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONNECTION, CONTENT_LENGTH, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A test's client says here which address it comes from; the proxy believes it, as it would believe the connection.
pub const COMES_FROM: HeaderName = HeaderName::from_static("x-test-comes-from");

/// Where clients come from that say nothing.
const SOMEWHERE: HeaderValue = HeaderValue::from_static("198.51.100.7");

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxy; it ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    http: reqwest::Client,
    nodes: Mutex<Vec<Target>>,
    turn: AtomicUsize,
    scandals: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct Target {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
}

impl Proxy {
    pub async fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let shared =
            Arc::new(Shared { http, nodes: Mutex::default(), turn: AtomicUsize::new(0), scandals: Mutex::default() });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Proxy { address, shared, task }
    }

    /// These are the nodes from now on.
    pub fn serve(&self, nodes: &[SocketAddr]) {
        let target = |&address: &SocketAddr| Target { address, served: Arc::default() };
        *self.shared.nodes.lock().unwrap_or_else(PoisonError::into_inner) = nodes.iter().map(target).collect();
    }

    /// How many requests each node has answered.
    pub fn served(&self) -> Vec<usize> {
        self.shared.targets().iter().map(|target| target.served.load(Ordering::SeqCst)).collect()
    }

    /// The next request goes to the node after the next.
    pub fn skip(&self) {
        self.shared.turn.fetch_add(1, Ordering::SeqCst);
    }

    /// Answers that no client should have seen: 5xx, but for 503 with `Retry-After`.
    pub fn scandals(&self) -> Vec<String> {
        self.shared.scandals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn targets(&self) -> Vec<Target> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, what: &str, status: StatusCode, body: &Bytes) {
        let text = format!("{what}: {status} {}", String::from_utf8_lossy(&body[..body.len().min(400)]));
        self.scandals.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
}

async fn pass(State(proxy): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    for hop in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        parts.headers.remove(hop);
    }
    let client = parts.headers.remove(COMES_FROM).unwrap_or(SOMEWHERE);
    parts.headers.append(FORWARDED_FOR, client);
    let what = format!("{} {}", parts.method, parts.uri.path());
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let targets = proxy.targets();
    let first = proxy.turn.fetch_add(1, Ordering::SeqCst);
    for number in 0..targets.len() {
        let target = &targets[(first + number) % targets.len()];
        let url = format!("http://{}{path}", target.address);
        let asked = proxy.http.request(parts.method.clone(), url).headers(parts.headers.clone()).body(body.clone());
        match asked.send().await {
            Ok(answer) => {
                target.served.fetch_add(1, Ordering::SeqCst);
                return answered(&proxy, &what, answer).await;
            }
            // Nothing was sent: the next node may have it.
            Err(error) if error.is_connect() => {}
            Err(_) => break,
        }
    }
    StatusCode::BAD_GATEWAY.into_response()
}

async fn answered(proxy: &Shared, what: &str, answer: reqwest::Response) -> Response {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let may_come_back = status == StatusCode::SERVICE_UNAVAILABLE && headers.contains_key(RETRY_AFTER);
    if status.is_server_error() && !may_come_back {
        proxy.note(what, status, &body);
    }
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONNECTION);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
