//! The load: clients who do what clients do and write down what they were told. Each keeps its own ledger, and can check
//! it against the server once that is well again.

mod consents;
mod grants;
mod meetings;
mod reviews;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HOST;

use crate::Fallible;
use crate::dice::Dice;
use crate::http::{Answer, Caller, Expectation, Reply};
use crate::server::{Client, Report, Server};
use consents::Consents;
use grants::Grants;
use meetings::Meetings;
use reviews::Reviews;
use sessions::Sessions;

/// How many clients ask for tokens at once.
const GRANT_CLIENTS: u64 = 6;

/// One client, or person, with its ledger.
pub enum Worker {
    /// An app's server that gets, refreshes, uses and revokes tokens.
    Grants(Grants),
    /// An app that schedules meetings.
    Meetings(Meetings),
    /// A person who answers the consent page.
    Consents(Consents),
    /// A developer and a reviewer.
    Reviews(Box<Reviews>),
    /// A person who signs in and out.
    Sessions(Sessions),
}

impl Worker {
    /// Everybody.
    pub async fn all(caller: &Caller, report: &Report, dice: &Dice) -> Fallible<Vec<Worker>> {
        let mut workers = Vec::new();
        for number in 0..GRANT_CLIENTS {
            let dice = dice.branch(number);
            workers.push(Worker::Grants(Grants::begin(caller, report, dice).await?));
        }
        workers.push(Worker::Meetings(Meetings::begin(caller, report, dice.branch(100)).await?));
        workers.push(Worker::Consents(Consents::begin(caller, report, dice.branch(101)).await?));
        workers.push(Worker::Reviews(Box::new(Reviews::begin(caller, report, dice.branch(102)).await?)));
        workers.push(Worker::Sessions(Sessions::begin(caller, report, dice.branch(103))?));
        Ok(workers)
    }

    /// Works until it is told to stop.
    pub async fn work(mut self, expectation: Expectation, stop: Arc<AtomicBool>) -> Worker {
        while !stop.load(Ordering::SeqCst) {
            let step = async {
                match &mut self {
                    Worker::Grants(grants) => grants.step().await,
                    Worker::Meetings(meetings) => meetings.step().await,
                    Worker::Consents(consents) => consents.step().await,
                    Worker::Reviews(reviews) => reviews.step().await,
                    Worker::Sessions(sessions) => sessions.step().await,
                }
            };
            let went_well = expectation.during(step).await;
            if went_well.is_none() {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        }
        self
    }

    /// Compares its ledger with the server, which is well: what disagrees.
    pub async fn check(&mut self, server: &Server) -> Fallible<Vec<String>> {
        match self {
            Worker::Grants(grants) => grants.check().await,
            Worker::Meetings(meetings) => meetings.check().await,
            Worker::Consents(consents) => consents.check().await,
            Worker::Reviews(reviews) => reviews.check(server).await,
            Worker::Sessions(sessions) => sessions.check().await,
        }
    }

    /// How many things it knows of.
    pub fn entries(&self) -> usize {
        match self {
            Worker::Grants(grants) => grants.entries(),
            Worker::Meetings(meetings) => meetings.entries(),
            Worker::Consents(_) | Worker::Reviews(_) | Worker::Sessions(_) => 1,
        }
    }
}

/// Asks again until there is an answer: the server is well, so that is soon.
async fn insist(caller: &Caller, what: &str, request: impl Fn() -> reqwest::RequestBuilder) -> Fallible<Reply> {
    for _ in 0..100 {
        if let Answer::Told(reply) = caller.send(what, request()).await {
            return Ok(reply);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("{what}: no answer, although the server says that it is ready").into())
}

/// For how long another server than the one that ended a token may take it.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// Makes sure that no server takes a token which was ended, as the client has just been told: of several, the one that was
/// not asked to has a second.
async fn complain_if_taken(caller: &Caller, what: &str, access: &str) {
    let told = tokio::time::Instant::now();
    let servers = caller.front.servers();
    for server in &servers {
        let path = format!("http://{server}/api/user/profile");
        let opens = async || {
            // As whoever stands before it would ask.
            let host = caller.front.address.to_string();
            let request = caller.request(Method::GET, &path).header(HOST, host).bearer_auth(access);
            caller.ask("the profile", request).await.told().is_some_and(|reply| reply.status != 401)
        };
        let mut is_taken = opens().await;
        if is_taken && servers.len() > 1 {
            tokio::time::sleep_until(told + HEARD_WITHIN).await;
            is_taken = opens().await;
        }
        if is_taken {
            caller.complain(format!("a token just ended ({what}) was taken by {server}: {}", short(access)));
        }
    }
}

/// The token endpoint's three calls.
fn token_request(caller: &Caller, client: &Client, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let request = caller.request(Method::POST, &format!("/api/oauth2/v2/{path}"));
    request.basic_auth(&client.client_id, Some(&client.client_secret)).form(fields)
}

/// The authorization request of an app.
fn authorize_path(client: &Client, scopes: &[&str], more: &[(&str, &str)]) -> String {
    let mut url = match reqwest::Url::parse("http://unused/oauth2/authorize") {
        Ok(url) => url,
        Err(_) => return String::new(),
    };
    url.query_pairs_mut()
        .append_pair("client_id", &client.client_id)
        .append_pair("redirect_uri", &client.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("scope", &scopes.join(" "))
        .extend_pairs(more);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// Whether an access token has expired by the right clock: one that was signed by a clock that was behind may have, as the
/// answer that it came in said.
#[expect(clippy::disallowed_methods, reason = "the right clock is the system's; the server's is moved")]
fn is_over(access: &str) -> bool {
    use base64::Engine as _;
    let claims = access.split('.').nth(1).unwrap_or_default();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap_or_default();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    claims["exp"].as_u64().is_some_and(|exp| exp <= now)
}

/// The start of a secret, enough to find it in a log of ours.
fn short(secret: &str) -> &str {
    secret.get(..24).unwrap_or(secret)
}
