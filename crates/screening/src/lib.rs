//! The screening of an app's URLs and name, as a room of its own: it knows nothing of the server around it.
//!
//! A [`Screener`] is made once from a [`ScreenerConfig`]. [`Screener::screen`] takes what a developer declared,
//! [`AppUrls`], and gives a [`Report`]: one [`Finding`] per check and field, passed ones included, each with a
//! sentence, the mend, and the [`evidence`] it rests on. Single checks for a form that is being filled in are in
//! [`checks`]: those without the network need the screener only, the others a [`Run`].
//!
//! What a verdict means:
//! - *Malicious*: on an imported [`blocklist`], or redirecting to what is.
//! - *Invalid*: against the URL rules, unreachable, an error status, a logo that is no image.
//! - *Suspicious*: something for a reviewer to look at: a young domain ([`rdap`]), a name that reads like another
//!   ([`lookalike`]), a link shortener, several sites, a redirect to another site, a password form on a bare page.
//! - *Not checked*: not looked at, with the reason. Off-line, everything that needs the network says so.
//! - *Passed*: looked at, and in order.
//!
//! Fetching ([`net`]) refuses every address that is not public, for each hop and each answer of the resolver,
//! and is bounded in bytes, headers, redirects and time.

pub mod blocklist;
pub mod checks;
mod config;
pub mod evidence;
pub mod host;
pub mod html;
pub mod logo;
pub mod lookalike;
pub mod net;
pub mod rdap;
mod report;
mod screener;
mod work;

pub use config::{AppUrls, ConfigError, ScreenerConfig};
pub use report::{Check, Field, Finding, Report, Severity};
pub use screener::{Run, Screener};
