//! The screener: what is shared by all screenings, and the order of one.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::blocklist::Blocklists;
use crate::checks;
use crate::config::{AppUrls, ConfigError, MAX_CALLBACKS, ScreenerConfig};
use crate::lookalike::KnownApps;
use crate::net::allow::AddressPolicy;
use crate::net::fault::Fault;
use crate::net::fetch::{Failed, Fetched, Fetcher, Request};
use crate::net::resolve::{Resolve, SystemResolver};
use crate::net::tls::Trust;
use crate::rdap::bootstrap::Bootstrap;
use crate::rdap::{Lookup, Rdap};
use crate::report::{Check, Field, Finding, Report, Severity};
use crate::work::Work;

/// Logos decoded at once; each may take some 100 MB while it lasts.
const DECODERS: usize = 2;

/// Screens apps. Cheap to clone; all clones share lists, memory and bounds.
#[derive(Clone)]
pub struct Screener {
    shared: Arc<Shared>,
}

struct Shared {
    config: ScreenerConfig,
    fetcher: Fetcher,
    rdap: Rdap,
    blocklists: RwLock<Arc<Blocklists>>,
    known_apps: RwLock<Arc<KnownApps>>,
    decoders: Arc<Semaphore>,
}

impl Screener {
    /// A screener with the system's resolver. Reads the system's certificate authorities, so make one and keep it.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be used.
    pub fn new(config: ScreenerConfig) -> Result<Self, ConfigError> {
        let resolver = Arc::new(SystemResolver::new(config.resolvers));
        Self::with_resolver(config, resolver)
    }

    /// A screener with another resolver.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be used.
    pub fn with_resolver(config: ScreenerConfig, resolver: Arc<dyn Resolve>) -> Result<Self, ConfigError> {
        // Which list was wrong is told apart here, because entries do not know it.
        AddressPolicy::new(&[], &config.deny_hosts).map_err(ConfigError::DenyHosts)?;
        let policy = AddressPolicy::new(&config.allow_hosts, &config.deny_hosts).map_err(ConfigError::AllowHosts)?;
        let agent = HeaderValue::from_str(&config.user_agent).map_err(|_| ConfigError::UserAgent)?;
        let trust = Trust::new(config.system_roots, &config.extra_roots);
        let fetcher = Fetcher::new(config.online, policy, resolver, trust, config.fetch.clone(), agent);
        let rdap = Rdap::new(config.rdap.clone(), Bootstrap::built_in());
        let shared = Shared {
            config,
            fetcher,
            rdap,
            blocklists: RwLock::default(),
            known_apps: RwLock::default(),
            decoders: Arc::new(Semaphore::new(DECODERS)),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes other blocklists into use; running screenings go on with the old ones.
    pub fn replace_blocklists(&self, lists: Blocklists) {
        *self.shared.blocklists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
    }

    /// Takes another set of approved apps into use.
    pub fn replace_known_apps(&self, apps: KnownApps) {
        *self.shared.known_apps.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(apps);
    }

    /// Takes another RDAP bootstrap file into use.
    pub fn replace_bootstrap(&self, bootstrap: Bootstrap) {
        self.shared.rdap.replace_bootstrap(bootstrap);
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &ScreenerConfig {
        &self.shared.config
    }

    pub(crate) fn policy(&self) -> &AddressPolicy {
        self.shared.fetcher.policy()
    }

    pub(crate) fn blocklists(&self) -> Arc<Blocklists> {
        Arc::clone(&self.shared.blocklists.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn known_apps(&self) -> Arc<KnownApps> {
        Arc::clone(&self.shared.known_apps.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn bootstrap_date(&self) -> String {
        self.shared.rdap.bootstrap().publication().to_owned()
    }

    /// Begins a look: the checks that need the network take it. Its deadline is the configured one, from now on.
    #[must_use]
    pub fn begin(&self, now: Timestamp) -> Run {
        Run { screener: self.clone(), now, deadline: Instant::now() + self.shared.config.deadline }
    }

    /// Screens an app: every check, at most until the deadline. What could not be looked at says so.
    pub async fn screen(&self, app: &AppUrls, now: Timestamp) -> Report {
        let start = Instant::now();
        let run = self.begin(now);
        let mut findings = local_findings(app, self);
        let mut work = Work::default();
        work.pages(app, &run);
        work.logo(app, &run);
        work.callbacks(app, &run);
        work.ages(app, &run);
        let (more, logo) = work.finish(run.deadline).await;
        findings.extend(more);
        findings.sort_by_key(|finding| (finding.field, finding.check));
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Report { screened_at: now, milliseconds, findings, logo }
    }
}

fn local_findings(app: &AppUrls, screener: &Screener) -> Vec<Finding> {
    let app_id = app.app_id.as_deref();
    let mut findings = vec![checks::app_name(&app.name, app_id, screener), checks::one_site(app)];
    for (field, typed) in app.urls() {
        if field.place() >= MAX_CALLBACKS {
            continue;
        }
        findings.extend(checks::local(field, typed, app_id, app.native, screener));
    }
    let lists = [
        (app.callbacks.len(), "callback URLs", Field::Callback(MAX_CALLBACKS)),
        (app.post_logouts.len(), "URLs after signing out", Field::PostLogout(MAX_CALLBACKS)),
    ];
    for (count, what, field) in lists.into_iter().filter(|(count, ..)| *count > MAX_CALLBACKS) {
        let sentence = format!(
            "There are {count} {what}, more than {MAX_CALLBACKS}; only the first {MAX_CALLBACKS} were looked at."
        );
        let mend = format!("Remove {what} that are not in use.");
        findings.push(Finding::new(field, Check::UrlForm, "", Severity::Invalid, sentence, mend));
    }
    findings
}

/// One look at an app or a URL: a screener with the time and the deadline.
#[derive(Clone)]
pub struct Run {
    screener: Screener,
    now: Timestamp,
    deadline: Instant,
}

impl Run {
    pub(crate) fn screener(&self) -> &Screener {
        &self.screener
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) async fn fetch(&self, request: Request<'_>) -> Result<Fetched, Box<Failed>> {
        self.screener.shared.fetcher.fetch(request).await
    }

    pub(crate) async fn lookup_domain(&self, domain: &str) -> Lookup {
        let shared = &self.screener.shared;
        shared.rdap.lookup(&shared.fetcher, domain, self.now, self.deadline).await
    }

    /// Decodes a logo off the async threads, a few at once.
    pub(crate) async fn convert_logo(&self, bytes: Bytes) -> Result<checks::Converted, Fault> {
        let decoders = Arc::clone(&self.screener.shared.decoders);
        let work = async {
            let place = decoders.acquire_owned().await.map_err(|_| Fault::Busy)?;
            let task = tokio::task::spawn_blocking(move || {
                let converted = checks::convert_safely(&bytes);
                drop(place);
                converted
            });
            task.await.map_err(|_| Fault::Busy)
        };
        timeout_at(self.deadline, work).await.unwrap_or(Err(Fault::OutOfTime))
    }
}
