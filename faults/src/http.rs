//! What clients ask and what they are told. Whatever no client should ever be told is written down as a complaint.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE};
use reqwest::{Method, RequestBuilder, redirect::Policy};
use serde_json::Value as Json;

use crate::Fallible;
use crate::front::Front;
use crate::stage::Stage;

/// How long a client waits. Nothing takes longer, whatever is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// What clients may see now: the number of changes; odd while a clock is wrong.
#[derive(Debug, Clone, Default)]
pub struct Expectation(Arc<AtomicU64>);

tokio::task_local! {
    /// What the expectation was when the client began what it is doing.
    static AT_FIRST: u64;
}

impl Expectation {
    /// A server's clock is wrong: what is alive may seem expired, and the other way round.
    pub fn clock_is_wrong(&self, wrong: bool) {
        if wrong == self.0.load(Ordering::SeqCst).is_multiple_of(2) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Whether what a token opens may be judged now, by what has happened since the client's step began.
    pub fn is_exact(&self) -> bool {
        let now = self.0.load(Ordering::SeqCst);
        now.is_multiple_of(2) && AT_FIRST.try_with(|first| *first == now).unwrap_or(true)
    }

    /// Takes a client's step.
    pub async fn during<T>(&self, step: impl Future<Output = T>) -> T {
        AT_FIRST.scope(self.0.load(Ordering::SeqCst), step).await
    }
}

/// What a client was told.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Where it is sent.
    pub location: String,
    /// The cookies that were set.
    pub cookies: Vec<String>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A text of the body's JSON, empty when it is not there.
    pub fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// The code in the redirect.
    pub fn code(&self) -> Option<String> {
        parameter(&self.location, "code")
    }
}

/// A parameter of an address.
pub fn parameter(address: &str, wanted: &str) -> Option<String> {
    let url = reqwest::Url::parse(address).ok()?;
    url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

/// How a request ended.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With an answer.
    Told(Reply),
    /// With "come back later": what it asked for may have been done or not.
    Later,
    /// Without an answer.
    Silence,
}

impl Answer {
    /// The answer, where there was one.
    pub fn told(self) -> Option<Reply> {
        match self {
            Answer::Told(reply) => Some(reply),
            Answer::Later | Answer::Silence => None,
        }
    }
}

/// How many requests ended how.
#[derive(Debug, Default)]
pub struct Counts {
    /// With an answer.
    pub told: AtomicU64,
    /// With 503 and a time.
    pub later: AtomicU64,
    /// Without an answer.
    pub silence: AtomicU64,
    /// The slowest, in milliseconds.
    pub slowest: AtomicU64,
}

/// Asks the server on behalf of all clients.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    /// The server.
    pub issuer: String,
    /// What clients may see now.
    pub expectation: Expectation,
    /// How requests ended.
    pub counts: Arc<Counts>,
    /// What stands before the servers.
    pub front: Front,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Caller {
    /// Asks whoever serves on that stage.
    pub fn new(stage: &Stage) -> Fallible<Caller> {
        // A connection for each request, so that each goes to the next server.
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE);
        Ok(Caller {
            http: http.pool_max_idle_per_host(0).build()?,
            issuer: stage.issuer(),
            expectation: stage.expectation.clone(),
            counts: Arc::clone(&stage.counts),
            front: stage.front.clone(),
            complaints: Arc::default(),
        })
    }

    /// Something that must never be.
    pub fn complain(&self, what: String) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What has been complained of since the last call.
    pub fn take_complaints(&self) -> Vec<String> {
        std::mem::take(&mut self.complaints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A request to a path, or to a whole address.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.issuer) };
        self.http.request(method, url)
    }

    /// Sends a request; `what` names it in complaints.
    pub async fn send(&self, what: &str, request: RequestBuilder) -> Answer {
        let begun = std::time::Instant::now();
        let answer = self.ask(what, request).await;
        let counter = match &answer {
            Answer::Told(_) => &self.counts.told,
            Answer::Later => &self.counts.later,
            Answer::Silence => &self.counts.silence,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.counts.slowest.fetch_max(millis, Ordering::Relaxed);
        answer
    }

    /// Sends a request that is not counted: one past the front, to a server that may be away.
    pub async fn ask(&self, what: &str, request: RequestBuilder) -> Answer {
        let begun = std::time::Instant::now();
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                if error.is_timeout() {
                    let since = begun.elapsed();
                    self.complain(format!("{what}: no answer within {PATIENCE:?} (asked {since:?} ago): {error:?}"));
                }
                return Answer::Silence;
            }
        };
        let headers = response.headers().clone();
        let status = response.status().as_u16();
        let Ok(body) = response.text().await else { return Answer::Silence };
        let text = |name| headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok());
        let location = text(LOCATION).unwrap_or_default().to_owned();
        let set = headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookies = set.map(str::to_owned).collect();
        match (status, parameter(&location, "error").as_deref()) {
            (503, _) if headers.contains_key(RETRY_AFTER) => Answer::Later,
            (_, Some("temporarily_unavailable")) => Answer::Later,
            (500.., _) | (_, Some("server_error")) => {
                let start: String = body.chars().take(300).collect();
                self.complain(format!("{what} was answered {status} {location} {start}"));
                Answer::Silence
            }
            _ => Answer::Told(Reply { status, location, cookies, body }),
        }
    }
}

/// A person at a browser.
#[derive(Clone)]
pub struct Browser {
    caller: Caller,
    cookies: Vec<String>,
}

impl Browser {
    /// A browser that was never here.
    pub fn new(caller: &Caller) -> Browser {
        Browser { caller: caller.clone(), cookies: Vec::new() }
    }

    /// Asks for a page.
    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.caller.request(Method::GET, path).header(COOKIE, self.cookies.join("; "));
        self.send(path, request).await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        let request = self.caller.request(Method::POST, path).header(COOKIE, self.cookies.join("; "));
        let origin = self.caller.issuer.clone();
        self.send(path, request.header(ORIGIN, origin).form(fields)).await
    }

    async fn send(&mut self, path: &str, request: RequestBuilder) -> Answer {
        let answer = self.caller.send(path.split('?').next().unwrap_or(path), request).await;
        if let Answer::Told(reply) = &answer {
            for cookie in &reply.cookies {
                let name = cookie.split('=').next().unwrap_or_default();
                self.cookies.retain(|held| held.split('=').next() != Some(name));
                self.cookies.push(cookie.clone());
            }
        }
        answer
    }

    /// Signs in.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Option<()> {
        let page = self.get("/sign-in").await.told()?;
        let mut fields = hidden_fields(form_with(&page.body, "type=\"password\"")?);
        fields.push(("email".to_owned(), email.to_owned()));
        fields.push(("password".to_owned(), password.to_owned()));
        let reply = self.post("/sign-in", &fields).await.told()?;
        if reply.status != 303 {
            self.caller.complain(format!("the sign-in of {email} was answered {}", reply.status));
        }
        (reply.status == 303).then_some(())
    }
}

/// The form of a page that holds `mark`.
pub fn form_with<'p>(page: &'p str, mark: &str) -> Option<&'p str> {
    let forms = page.split("<form ").skip(1).map(|form| form.split("</form>").next().unwrap_or_default());
    forms.into_iter().find(|form| form.contains(mark))
}

/// The hidden fields of a form.
pub fn hidden_fields(form: &str) -> Vec<(String, String)> {
    let hidden = |tag: &&str| tag.contains("type=\"hidden\"");
    let pair = |tag: &str| Some((attribute(tag, "name")?, attribute(tag, "value")?));
    form.split("<input ").skip(1).filter(hidden).filter_map(pair).collect()
}

/// The value of an attribute of the first tag.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let value = tag.split_once(&format!("{name}=\""))?.1.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&#38;", "&").replace("&amp;", "&"))
}
