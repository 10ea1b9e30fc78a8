//! The screener, made once from the configuration.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use ::screening::blocklist::Blocklist;
use ::screening::lookalike::Brand;
use ::screening::net::resolve::Resolve;
use ::screening::net::tls::certificates_from_pem;
use ::screening::rdap::bootstrap::Bootstrap;
use ::screening::{Screener, ScreenerConfig};
use tokio::sync::Semaphore;

use crate::config::{self, Issuer};
use crate::time::Timestamp;

/// The end of a whole screening: well below the time limit of a request, since a developer may wait for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// Developers who wait for a look of their own at once; each look has a set of connections.
const PREFLIGHTS: usize = 4;

/// The screening of this node.
pub struct Screening {
    pub(super) screener: Screener,
    pub(super) settings: config::Screening,
    pub(super) preflights: Semaphore,
    /// The lists in use by their names, so that one that cannot be read again stays as it was.
    pub(super) lists: Mutex<HashMap<String, Blocklist>>,
    /// The latest decision that the set of approved apps takes into account.
    pub(super) known_until: Mutex<Option<Timestamp>>,
}

impl Screening {
    /// Makes the screener. Reads files, and the system's certificate authorities when it is to fetch anything.
    ///
    /// # Errors
    /// Names the key of the configuration and what is wrong with it.
    pub fn new(settings: &config::Screening, issuer: &Issuer) -> Result<Screening, String> {
        let config = screener_config(settings, issuer)?;
        let screener = Screener::new(config).map_err(|error| format!("screening.{error}"))?;
        Screening::around(screener, settings)
    }

    /// As [`Screening::new`], with another resolver of host names.
    ///
    /// # Errors
    /// As [`Screening::new`].
    pub fn with_resolver(
        settings: &config::Screening,
        issuer: &Issuer,
        resolver: std::sync::Arc<dyn Resolve>,
    ) -> Result<Screening, String> {
        let config = screener_config(settings, issuer)?;
        let screener = Screener::with_resolver(config, resolver).map_err(|error| format!("screening.{error}"))?;
        Screening::around(screener, settings)
    }

    fn around(screener: Screener, settings: &config::Screening) -> Result<Screening, String> {
        if let Some(path) = &settings.rdap_bootstrap {
            let fault = |why: String| format!("screening.rdap_bootstrap: {}: {why}", path.display());
            let bytes = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
            screener.replace_bootstrap(Bootstrap::parse(&bytes).map_err(|error| fault(error.to_string()))?);
        }
        Ok(Screening {
            screener,
            settings: settings.clone(),
            preflights: Semaphore::new(PREFLIGHTS),
            lists: Mutex::default(),
            known_until: Mutex::default(),
        })
    }
}

fn screener_config(settings: &config::Screening, issuer: &Issuer) -> Result<ScreenerConfig, String> {
    let brand = Brand { words: settings.brand_words.clone(), sites: settings.brand_sites.clone(), ..Brand::default() };
    Ok(ScreenerConfig {
        online: settings.online,
        allow_hosts: settings.allow_hosts.clone(),
        deny_hosts: settings.deny_hosts.clone(),
        deadline: DEADLINE,
        system_roots: settings.online,
        extra_roots: extra_roots(settings)?,
        user_agent: format!("jiomeet-oauth-screening/{} (+{issuer})", env!("CARGO_PKG_VERSION")),
        ask_registries: settings.ask_registries,
        young_domain_days: settings.young_domain_days,
        brand,
        ..ScreenerConfig::default()
    })
}

/// The operator's own certificate authorities, DER.
pub(super) fn extra_roots(settings: &config::Screening) -> Result<Vec<Vec<u8>>, String> {
    let Some(path) = &settings.extra_authorities else { return Ok(Vec::new()) };
    let fault = |why: String| format!("screening.extra_authorities: {}: {why}", path.display());
    let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    certificates_from_pem(&pem).map_err(fault)
}
