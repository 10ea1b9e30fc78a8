//! Blocklists and the set of approved apps: read at the start of a worker, and again from time to time.

use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ::screening::blocklist::{Blocklist, Blocklists};
use ::screening::lookalike::{KnownApp, KnownApps};
use ::screening::net::allow::AddressPolicy;
use ::screening::net::fetch::{FetchLimits, Fetcher, Oversize, Request};
use ::screening::net::resolve::SystemResolver;
use ::screening::net::tls::Trust;
use http::{HeaderValue, Method};
use sql::DbError;
use tokio::time::Instant;
use tracing::{info, warn};
use url::Url;

use super::run::jiff_time;
use super::setup::extra_roots;
use super::store;
use crate::app::SharedApp;

/// Bytes of a list that is fetched.
const MAX_LIST_BYTES: usize = 128 * 1024 * 1024;

/// The end of fetching one list.
const LIST_DEADLINE: Duration = Duration::from_secs(120);

/// Approved apps that are read at once.
const PAGE: i64 = 1000;

/// Reads every configured list again. One that fails is named in the log and stays as it was.
pub(super) async fn refresh_blocklists(app: &SharedApp) {
    for source in &app.screening.settings.blocklists {
        match read_list(app, source).await {
            Ok(list) => {
                let (entries, unreadable) = (list.summary().entries, list.summary().unreadable);
                info!(source, entries, unreadable, "read a blocklist");
                app.screening.lists.lock().unwrap_or_else(PoisonError::into_inner).insert(source.clone(), list);
            }
            Err(error) => warn!(source, error, "a blocklist was not read; what was read of it before stays in use"),
        }
    }
    let lists = app.screening.lists.lock().unwrap_or_else(PoisonError::into_inner);
    let in_order = app.screening.settings.blocklists.iter().filter_map(|source| lists.get(source).cloned());
    app.screening.screener.replace_blocklists(Blocklists::new(in_order.collect()));
}

async fn read_list(app: &SharedApp, source: &str) -> Result<Blocklist, String> {
    let source = source.to_owned();
    let work: Box<dyn FnOnce() -> Result<Blocklist, String> + Send> = match Url::parse(&source) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            let bytes = fetch_list(app, &url).await?;
            let dated = Some(jiff_time(app.clock.now()));
            Box::new(move || Blocklist::read(&source, dated, Cursor::new(bytes)).map_err(|error| error.to_string()))
        }
        _ => Box::new(move || {
            let path = Path::new(&source);
            let name = path.file_name().map_or_else(|| source.clone(), |name| name.to_string_lossy().into_owned());
            Blocklist::open(&name, path).map_err(|error| error.to_string())
        }),
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

async fn fetch_list(app: &SharedApp, url: &Url) -> Result<bytes::Bytes, String> {
    let settings = &app.screening.settings;
    if !settings.online {
        return Err("screening.online is false, so nothing is fetched".to_owned());
    }
    let policy = AddressPolicy::new(&settings.allow_hosts, &settings.deny_hosts).map_err(|error| error.to_string())?;
    let limits = FetchLimits {
        answer: Duration::from_secs(30),
        body: Duration::from_secs(15),
        total: LIST_DEADLINE,
        ..FetchLimits::default()
    };
    let trust = Trust::new(true, &extra_roots(settings)?);
    let agent =
        HeaderValue::from_str(&app.screening.screener.config().user_agent).map_err(|error| error.to_string())?;
    let fetcher = Fetcher::new(true, policy, Arc::new(SystemResolver::new(1)), trust, limits, agent);
    let request = Request {
        method: Method::GET,
        url,
        accept: "text/plain,text/csv,*/*;q=0.8",
        max_bytes: MAX_LIST_BYTES,
        oversize: Oversize::Refuse,
        follow: true,
        deadline: Instant::now() + LIST_DEADLINE,
        now: jiff_time(app.clock.now()),
    };
    let fetched = fetcher.fetch(request).await.map_err(|failed| failed.fault.to_string())?;
    if !fetched.status.is_success() {
        return Err(format!("it answers with HTTP status {}", fetched.status));
    }
    Ok(fetched.body)
}

/// Reads the approved apps again, if anything was decided since the last time: what a new app must not be mistaken for.
pub(super) async fn refresh_known_apps(app: &SharedApp) -> Result<(), DbError> {
    let latest = app.db.read(store::find_latest_decision).await?;
    let known_until = *app.screening.known_until.lock().unwrap_or_else(PoisonError::into_inner);
    if latest.is_none() || latest == known_until {
        return Ok(());
    }
    let mut known: Vec<KnownApp> = Vec::new();
    loop {
        let after = known.last().map(|app| app.id.clone()).unwrap_or_default();
        let page = app.db.read(move |tx| store::list_known_apps(tx, &after, PAGE)).await?;
        let is_last = page.is_empty();
        known.extend(page);
        if is_last {
            break;
        }
    }
    let indexed = tokio::task::spawn_blocking(move || KnownApps::new(known)).await;
    match indexed {
        Ok(known) => app.screening.screener.replace_known_apps(known),
        Err(error) => return Err(DbError::Broken(format!("the approved apps could not be indexed: {error}"))),
    }
    *app.screening.known_until.lock().unwrap_or_else(PoisonError::into_inner) = latest;
    Ok(())
}
