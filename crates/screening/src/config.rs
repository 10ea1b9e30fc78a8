//! What screening needs to be told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::lookalike::Brand;
use crate::net::allow::BadEntry;
use crate::net::fetch::FetchLimits;
use crate::rdap::RdapConfig;
use crate::report::Field;

/// Callbacks that are looked at; an app has at most ten.
pub(crate) const MAX_CALLBACKS: usize = 10;

/// Settings of a [`crate::Screener`]. The defaults suit a server on the public Internet.
#[derive(Clone, Debug)]
pub struct ScreenerConfig {
    /// Whether anything may be fetched at all. Off-line, every check that needs the network says 'not checked'.
    pub online: bool,
    /// Hosts and networks of a closed network that may be dialled although they are not public:
    /// `localhost:8443`, `*.intranet.example`, `10.0.0.0/8`.
    pub allow_hosts: Vec<String>,
    /// Hosts and networks that must not be dialled although they are public, such as this server's own.
    pub deny_hosts: Vec<String>,
    /// Bounds of each fetch.
    pub fetch: FetchLimits,
    /// The end of a whole screening, counted from its start.
    pub deadline: Duration,
    /// Name lookups at once.
    pub resolvers: usize,
    /// Whether the system's certificate authorities are trusted.
    pub system_roots: bool,
    /// Further certificate authorities, DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// The `User-Agent` of every request; a contact address in it is good manners.
    pub user_agent: String,
    /// Bytes of a page that are read.
    pub max_page_bytes: usize,
    /// Bytes that a logo may have.
    pub max_logo_bytes: usize,
    /// Whether registries are asked for the age of domains.
    pub ask_registries: bool,
    /// How registries are asked.
    pub rdap: RdapConfig,
    /// A domain younger than this is suspicious, in days; so is one that moved to another registrar since.
    pub young_domain_days: u32,
    /// The operator's words and sites.
    pub brand: Brand,
    /// Link shorteners beside the built-in ones.
    pub more_shorteners: Vec<String>,
}

impl Default for ScreenerConfig {
    fn default() -> Self {
        Self {
            online: true,
            allow_hosts: Vec::new(),
            deny_hosts: Vec::new(),
            fetch: FetchLimits::default(),
            deadline: Duration::from_secs(30),
            resolvers: 8,
            system_roots: true,
            extra_roots: Vec::new(),
            user_agent: concat!("jiomeet-oauth-screening/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_page_bytes: 512 * 1024,
            max_logo_bytes: 2 * 1024 * 1024,
            ask_registries: true,
            rdap: RdapConfig::default(),
            young_domain_days: 30,
            brand: Brand::default(),
            more_shorteners: Vec::new(),
        }
    }
}

/// Why a [`ScreenerConfig`] cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// An entry of `allow_hosts`.
    #[error("allow_hosts: {0}")]
    AllowHosts(BadEntry),
    /// An entry of `deny_hosts`.
    #[error("deny_hosts: {0}")]
    DenyHosts(BadEntry),
    /// `user_agent` is not the text of a header.
    #[error("user_agent: use printable ASCII characters only")]
    UserAgent,
}

/// What a developer declared about an app, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppUrls {
    /// The server's id of the app, so that it is not compared with itself; None before it has one.
    pub app_id: Option<String>,
    /// App name.
    pub name: String,
    /// Homepage URL.
    pub homepage: String,
    /// Policy URL.
    pub policy: String,
    /// Terms URL, if given.
    pub terms: Option<String>,
    /// Logo URL.
    pub logo: String,
    /// Authorization callback URLs, in order.
    pub callbacks: Vec<String>,
    /// URLs after signing out, in order.
    pub post_logouts: Vec<String>,
    /// Whether this is a public native app, whose callbacks may lead to the device itself (RFC 8252).
    pub native: bool,
}

impl AppUrls {
    /// Every URL with its field.
    pub fn urls(&self) -> impl Iterator<Item = (Field, &str)> {
        let single = [
            (Field::Homepage, Some(self.homepage.as_str())),
            (Field::Policy, Some(self.policy.as_str())),
            (Field::Terms, self.terms.as_deref()),
            (Field::Logo, Some(self.logo.as_str())),
        ];
        let single = single.into_iter().filter_map(|(field, typed)| Some((field, typed?)));
        single.chain(self.sent_to())
    }

    /// The URLs to which people are sent.
    pub(crate) fn sent_to(&self) -> impl Iterator<Item = (Field, &str)> {
        let callbacks = self.callbacks.iter().enumerate();
        let callbacks = callbacks.map(|(index, typed)| (Field::Callback(index), typed.as_str()));
        let post_logouts = self.post_logouts.iter().enumerate();
        callbacks.chain(post_logouts.map(|(index, typed)| (Field::PostLogout(index), typed.as_str())))
    }
}
