//! Asking, within bounds, and remembering.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::Instant;
use url::Url;

use super::answer::{self, BadAnswer, Registration};
use super::bootstrap::Bootstrap;
use super::pace::Pace;
use crate::net::fault::Fault;
use crate::net::fetch::{FetchEvidence, Fetched, Fetcher, Oversize, Request};

const ACCEPT: &str = "application/rdap+json, application/json;q=0.9";
const MAX_ANSWER: usize = 512 * 1024;
/// Silence after a 429 that names no time, in seconds.
const SILENCE: u64 = 60;

/// How often registries are asked and how long their answers hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RdapConfig {
    /// Questions to one server at once.
    pub burst: u32,
    /// Questions to one server per second after that.
    pub per_second: f64,
    /// How long a registration is remembered, in seconds.
    pub remember_seconds: u32,
    /// How long a question without an answer is not asked again, in seconds.
    pub retry_seconds: u32,
    /// Domains that are remembered.
    pub max_remembered: usize,
}

impl Default for RdapConfig {
    fn default() -> Self {
        Self { burst: 10, per_second: 1.0, remember_seconds: 86_400, retry_seconds: 300, max_remembered: 10_000 }
    }
}

/// What a registry said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// The domain is registered.
    Registered(Registration),
    /// The registry knows no such domain.
    NotRegistered,
}

/// Why nothing was learned.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unknown {
    /// No server is known for this ending.
    #[error("its registry has no RDAP server that this server knows of")]
    NoServer,
    /// Asked too often of late, by our own measure.
    #[error("its registry was asked too often just now")]
    Paced,
    /// The registry said 429.
    #[error("its registry takes no more questions just now")]
    Refused,
    /// Fetching failed.
    #[error("its registry could not be asked: {0}")]
    Fetch(Fault),
    /// Another HTTP status.
    #[error("its registry answered with HTTP status {0}")]
    Status(u16),
    /// An answer that is not about this domain, or not RDAP.
    #[error("its registry's answer could not be read")]
    Unreadable,
    /// A record without a date of registration, there and at the registrar.
    #[error("its registry does not tell when it was registered")]
    NoDate,
}

/// The outcome of one question, with the trail when one was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// What was learned, or why nothing was.
    pub outcome: Result<Known, Unknown>,
    /// The server that was asked.
    pub server: Option<String>,
    /// When it was asked; earlier than now for a remembered answer.
    pub asked_at: Timestamp,
    /// The fetch that gave the answer.
    pub trail: Option<FetchEvidence>,
}

struct Remembered {
    lookup: Lookup,
    until: Timestamp,
}

/// Asks registries.
pub struct Rdap {
    config: RdapConfig,
    bootstrap: RwLock<Arc<Bootstrap>>,
    pace: Mutex<Pace>,
    memory: Mutex<HashMap<String, Remembered>>,
}

impl Rdap {
    /// A client without memories.
    #[must_use]
    pub fn new(config: RdapConfig, bootstrap: Bootstrap) -> Self {
        let pace = Mutex::new(Pace::new(config.burst, config.per_second));
        Self { config, bootstrap: RwLock::new(Arc::new(bootstrap)), pace, memory: Mutex::default() }
    }

    /// The bootstrap file in use.
    #[must_use]
    pub fn bootstrap(&self) -> Arc<Bootstrap> {
        Arc::clone(&self.bootstrap.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a fresher bootstrap file into use.
    pub fn replace_bootstrap(&self, bootstrap: Bootstrap) {
        *self.bootstrap.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(bootstrap);
    }

    /// Asks about a registrable domain (ASCII, lower case), or remembers.
    pub async fn lookup(&self, fetcher: &Fetcher, domain: &str, now: Timestamp, deadline: Instant) -> Lookup {
        if let Some(lookup) = self.remembered(domain, now) {
            return lookup;
        }
        let bootstrap = self.bootstrap();
        let Some(server) = bootstrap.server_for(domain) else {
            return Lookup { outcome: Err(Unknown::NoServer), server: None, asked_at: now, trail: None };
        };
        let mut asked = Asked { rdap: self, fetcher, domain, now, deadline, trail: None };
        let outcome = asked.ask(server).await;
        let lookup = Lookup { outcome, server: Some(server.to_string()), asked_at: now, trail: asked.trail };
        self.remember(domain, &lookup, now);
        lookup
    }

    fn remembered(&self, domain: &str, now: Timestamp) -> Option<Lookup> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memory.get(domain).filter(|known| now < known.until && now >= known.lookup.asked_at);
        known.map(|known| known.lookup.clone())
    }

    fn remember(&self, domain: &str, lookup: &Lookup, now: Timestamp) {
        let seconds = match &lookup.outcome {
            Ok(Known::Registered(_)) => self.config.remember_seconds,
            // Our own haste and our own network say nothing of the domain.
            Err(Unknown::Paced) => return,
            Err(Unknown::Fetch(fault)) if fault.severity() == crate::report::Severity::NotChecked => {
                return;
            }
            Ok(Known::NotRegistered) | Err(_) => self.config.retry_seconds,
        };
        let until = now.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(now);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= self.config.max_remembered && !memory.contains_key(domain) {
            memory.retain(|_, known| now < known.until);
            if memory.len() >= self.config.max_remembered {
                return;
            }
        }
        memory.insert(domain.to_owned(), Remembered { lookup: lookup.clone(), until });
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One question on its way.
struct Asked<'a> {
    rdap: &'a Rdap,
    fetcher: &'a Fetcher,
    domain: &'a str,
    now: Timestamp,
    deadline: Instant,
    trail: Option<FetchEvidence>,
}

impl Asked<'_> {
    /// Asks the registry and, if that leaves the date to the registrar, the registrar. HTTP redirects are
    /// referrals too; the fetcher follows them.
    async fn ask(&mut self, server: &Url) -> Result<Known, Unknown> {
        let url = server.join(&format!("domain/{}", self.domain)).map_err(|_| Unknown::NoServer)?;
        let Some(answer) = self.fetch(&url).await? else {
            return Ok(Known::NotRegistered);
        };
        if answer.registration.registered.is_some() {
            return self.judge(answer.registration);
        }
        let related = answer.related.ok_or(Unknown::NoDate)?;
        let registrar = self.fetch(&related).await?.ok_or(Unknown::NoDate)?;
        let registered = registrar.registration.registered;
        self.judge(Registration { registered, ..answer.registration })
    }

    fn judge(&self, registration: Registration) -> Result<Known, Unknown> {
        match registration.registered {
            // Clocks differ by seconds, not by days.
            Some(date) if date.duration_since(self.now) > SignedDuration::from_hours(24) => Err(Unknown::Unreadable),
            Some(_) => Ok(Known::Registered(registration)),
            None => Err(Unknown::NoDate),
        }
    }

    /// None is the registry's 'no such domain' (RFC 9082: 404).
    async fn fetch(&mut self, url: &Url) -> Result<Option<answer::Answer>, Unknown> {
        let host = crate::host::key_of(url).unwrap_or_default();
        if !self.rdap.pace().claim(&host, self.now) {
            return Err(Unknown::Paced);
        }
        let fetched = self.fetcher.fetch(Request {
            method: Method::GET,
            url,
            accept: ACCEPT,
            max_bytes: MAX_ANSWER,
            oversize: Oversize::Refuse,
            follow: true,
            deadline: self.deadline,
            now: self.now,
        });
        let fetched = match fetched.await {
            Ok(fetched) => fetched,
            Err(failed) => {
                self.trail = Some(failed.evidence);
                return Err(Unknown::Fetch(failed.fault));
            }
        };
        self.trail = Some(fetched.evidence.clone());
        self.read(&fetched, &host)
    }

    fn read(&self, fetched: &Fetched, host: &str) -> Result<Option<answer::Answer>, Unknown> {
        match fetched.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = fetched.retry_after.unwrap_or(SILENCE).max(1);
                self.rdap.pace().silence(host, self.now, seconds);
                return Err(Unknown::Refused);
            }
            status => return Err(Unknown::Status(status.as_u16())),
        }
        if fetched.evidence.content_encoding.is_some() {
            return Err(Unknown::Unreadable);
        }
        match answer::parse(&fetched.body, self.domain) {
            Ok(answer) => Ok(Some(answer)),
            Err(BadAnswer::NotJson | BadAnswer::NotADomain | BadAnswer::OtherDomain) => Err(Unknown::Unreadable),
        }
    }
}
