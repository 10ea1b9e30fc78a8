//! One bounded request over HTTP/1.1, with its redirects, and the evidence of every hop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

use super::allow::AddressPolicy;
use super::connect::{Contact, connect};
use super::fault::{Fault, Step};
use super::resolve::Resolve;
use super::tls::Trust;
pub use super::trail::{FetchEvidence, Hop};

const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Longest header value that is kept as evidence, in characters.
const MAX_EVIDENCE: usize = 512;
/// Longest URL that is fetched, in bytes.
pub(crate) const MAX_URL: usize = 2048;

/// Bounds of every fetch. Times are per step, and `total` is for all hops together.
#[derive(Clone, Debug)]
pub struct FetchLimits {
    /// Looking up one name.
    pub resolve: Duration,
    /// Connecting to one address; also the TLS handshake.
    pub connect: Duration,
    /// From the request to status and headers.
    pub answer: Duration,
    /// Longest silence within a body.
    pub body: Duration,
    /// The whole fetch, redirects included.
    pub total: Duration,
    /// Redirects that are followed.
    pub redirects: u8,
    /// Fetches at once, over all screenings of this process.
    pub parallel: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(4),
            connect: Duration::from_secs(4),
            answer: Duration::from_secs(6),
            body: Duration::from_secs(3),
            total: Duration::from_secs(12),
            redirects: 5,
            parallel: 16,
        }
    }
}

/// What to do with a body beyond the size limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversize {
    /// Keep the beginning.
    Cut,
    /// Give up, before reading when the declared length already says so.
    Refuse,
}

/// A request to make.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// `GET` or `HEAD`.
    pub method: Method,
    /// Where to begin.
    pub url: &'a Url,
    /// The `Accept` header.
    pub accept: &'static str,
    /// Bytes of body that are read at most.
    pub max_bytes: usize,
    /// What happens beyond them.
    pub oversize: Oversize,
    /// Whether redirects are followed at all.
    pub follow: bool,
    /// The end of the whole screening.
    pub deadline: Instant,
    /// The time of the screening, for certificates.
    pub now: Timestamp,
}

/// An answer, of whatever status.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where the redirects ended.
    pub url: Url,
    /// Final status.
    pub status: StatusCode,
    /// The body as sent, up to the limit.
    pub body: Bytes,
    /// `Retry-After` in seconds, when given in that form.
    pub retry_after: Option<u64>,
    /// The `Refresh` header, which browsers follow although no standard has it.
    pub refresh: Option<String>,
    /// The trail.
    pub evidence: FetchEvidence,
}

/// No answer, and the trail up to there.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Why.
    pub fault: Fault,
    /// The trail.
    pub evidence: FetchEvidence,
}

/// Makes requests within one policy and one set of bounds.
pub struct Fetcher {
    online: bool,
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    trust: Trust,
    limits: FetchLimits,
    user_agent: HeaderValue,
    places: Semaphore,
}

impl Fetcher {
    /// A fetcher; with `online` false it answers every request with [`Fault::Offline`].
    #[must_use]
    pub fn new(
        online: bool,
        policy: AddressPolicy,
        resolver: Arc<dyn Resolve>,
        trust: Trust,
        limits: FetchLimits,
        user_agent: HeaderValue,
    ) -> Self {
        let places = Semaphore::new(limits.parallel.max(1));
        Self { online, policy, resolver, trust, limits, user_agent, places }
    }

    /// The address policy.
    #[must_use]
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    pub(super) fn resolver(&self) -> &dyn Resolve {
        self.resolver.as_ref()
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(super) fn limits(&self) -> &FetchLimits {
        &self.limits
    }

    /// Makes the request and follows its redirects, checking the address anew at each.
    ///
    /// # Errors
    /// [`Failed`] says which step failed and what was seen before it.
    pub async fn fetch(&self, request: Request<'_>) -> Result<Fetched, Box<Failed>> {
        let start = Instant::now();
        let mut evidence = FetchEvidence { method: request.method.to_string(), ..FetchEvidence::default() };
        let outcome = self.fetch_in_turn(&request, &mut evidence).await;
        evidence.milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Ok(Answer { url, head, body }) => Ok(Fetched {
                url,
                status: head.status,
                body,
                retry_after: number_of(&head.headers, &header::RETRY_AFTER),
                refresh: text_of(&head.headers, &header::REFRESH),
                evidence,
            }),
            Err(fault) => Err(Box::new(Failed { fault, evidence })),
        }
    }

    async fn fetch_in_turn(&self, request: &Request<'_>, evidence: &mut FetchEvidence) -> Result<Answer, Fault> {
        if !self.online {
            return Err(Fault::Offline);
        }
        let place = timeout_at(request.deadline, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(Fault::Busy);
        };
        let own = Instant::now() + self.limits.total;
        let outcome = self.follow(request, own.min(request.deadline), evidence).await;
        match outcome {
            Err(Fault::Late(Step::Whole)) if request.deadline < own => Err(Fault::OutOfTime),
            outcome => outcome,
        }
    }

    async fn follow(
        &self,
        request: &Request<'_>,
        deadline: Instant,
        evidence: &mut FetchEvidence,
    ) -> Result<Answer, Fault> {
        let mut url = request.url.clone();
        url.set_fragment(None);
        for redirects_left in (0..=self.limits.redirects).rev() {
            let (answer, driver) = self.hop(request, &url, deadline, evidence).await?;
            match redirect_of(&answer.status(), answer.headers(), &url) {
                Some(target) if request.follow => {
                    if redirects_left == 0 {
                        return Err(Fault::TooManyRedirects(self.limits.redirects));
                    }
                    url = target?;
                }
                _ => {
                    return self.finish(request, url, answer, driver, deadline, evidence).await;
                }
            }
        }
        Err(Fault::TooManyRedirects(self.limits.redirects))
    }

    /// One connection, one request; status and headers only.
    async fn hop(
        &self,
        request: &Request<'_>,
        url: &Url,
        deadline: Instant,
        evidence: &mut FetchEvidence,
    ) -> Result<(http::Response<Incoming>, Driver), Fault> {
        if !matches!(url.scheme(), "http" | "https") || url.as_str().len() > MAX_URL {
            return Err(if evidence.hops.is_empty() { Fault::Malformed } else { Fault::BadRedirect });
        }
        let mut contact = Contact::default();
        let connected = connect(self, url, deadline, request.now, &mut contact).await;
        evidence.hops.push(Hop {
            url: url.to_string(),
            peer: contact.peer,
            certificate: contact.certificate,
            status: None,
            location: None,
        });
        let message = self.message(request, url)?;
        let (answer, driver) =
            within(deadline, self.limits.answer, Step::Answer, exchange(connected?, message)).await??;
        if let Some(hop) = evidence.hops.last_mut() {
            hop.status = Some(answer.status().as_u16());
            hop.location = text_of(answer.headers(), &header::LOCATION);
        }
        Ok((answer, driver))
    }

    fn message(&self, request: &Request<'_>, url: &Url) -> Result<http::Request<Empty<Bytes>>, Fault> {
        let path = &url[Position::BeforePath..Position::AfterQuery];
        let host = &url[Position::BeforeHost..Position::AfterPort];
        http::Request::builder()
            .method(request.method.clone())
            .uri(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, self.user_agent.clone())
            .header(header::ACCEPT, request.accept)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::CONNECTION, "close")
            .body(Empty::new())
            .map_err(|_| Fault::Malformed)
    }

    async fn finish(
        &self,
        request: &Request<'_>,
        url: Url,
        answer: http::Response<Incoming>,
        driver: Driver,
        deadline: Instant,
        evidence: &mut FetchEvidence,
    ) -> Result<Answer, Fault> {
        let (head, body) = answer.into_parts();
        evidence.status = Some(head.status.as_u16());
        evidence.content_type = text_of(&head.headers, &header::CONTENT_TYPE);
        evidence.content_encoding = text_of(&head.headers, &header::CONTENT_ENCODING);
        evidence.declared_bytes = number_of(&head.headers, &header::CONTENT_LENGTH);
        let declared = evidence.declared_bytes.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if request.method != Method::HEAD && request.oversize == Oversize::Refuse && declared > request.max_bytes {
            return Err(Fault::TooLarge(request.max_bytes));
        }
        let read = self.read_body(request, body, deadline, evidence).await;
        drop(driver);
        Ok(Answer { url, head, body: read? })
    }

    async fn read_body(
        &self,
        request: &Request<'_>,
        mut body: Incoming,
        deadline: Instant,
        evidence: &mut FetchEvidence,
    ) -> Result<Bytes, Fault> {
        let mut kept = BytesMut::new();
        while let Some(frame) = within(deadline, self.limits.body, Step::Body, body.frame()).await? {
            let Ok(data) = frame.map_err(|_| Fault::BadAnswer)?.into_data() else {
                continue;
            };
            let room = request.max_bytes - kept.len();
            kept.extend_from_slice(data.get(..room).unwrap_or(&data));
            evidence.bytes = kept.len() as u64;
            if data.len() > room {
                evidence.cut = true;
                if request.oversize == Oversize::Refuse {
                    return Err(Fault::TooLarge(request.max_bytes));
                }
                break;
            }
        }
        if request.method != Method::HEAD {
            evidence.sha256 = Some(sha256_hex(&kept));
        }
        Ok(kept.freeze())
    }
}

/// The answer of the last hop.
struct Answer {
    url: Url,
    head: http::response::Parts,
    body: Bytes,
}

/// The task that drives a connection; it ends with the one who reads from it.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn exchange(
    stream: Box<dyn super::connect::Stream>,
    message: http::Request<Empty<Bytes>>,
) -> Result<(http::Response<Incoming>, Driver), Fault> {
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Fault::BadAnswer)?;
    let driver = Driver(tokio::spawn(async move {
        // Whatever goes wrong is told to the one who waits for the answer.
        let _ = connection.await;
    }));
    let answer = sender.send_request(message).await.map_err(|_| Fault::BadAnswer)?;
    Ok((answer, driver))
}

/// Where an answer redirects to, if it does (RFC 9110, section 15.4).
fn redirect_of(status: &StatusCode, headers: &HeaderMap, from: &Url) -> Option<Result<Url, Fault>> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = String::from_utf8_lossy(headers.get(header::LOCATION)?.as_bytes());
    Some(from.join(&location).map_err(|_| Fault::BadRedirect).map(|mut target| {
        target.set_fragment(None);
        target
    }))
}

fn text_of(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text.chars().filter(|c| !c.is_control()).take(MAX_EVIDENCE).collect())
}

fn number_of(headers: &HeaderMap, name: &header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

pub(crate) fn sha256_hex(data: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Waits for `work` no longer than `limit`, nor beyond `deadline`; the fault tells which of them came first.
pub(super) async fn within<T>(
    deadline: Instant,
    limit: Duration,
    step: Step,
    work: impl Future<Output = T>,
) -> Result<T, Fault> {
    let own = Instant::now() + limit;
    let (end, step) = if deadline < own { (deadline, Step::Whole) } else { (own, step) };
    timeout_at(end, work).await.map_err(|_| Fault::Late(step))
}
