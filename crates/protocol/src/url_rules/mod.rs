//! Which URLs an app may register.
//!
//! A callback URL is where codes are sent, so it must mean the same to everyone who reads it: to the
//! reviewer, to this server, which compares bytes, and to the browser, which follows the WHATWG URL
//! standard and forgives a great deal. These rules let through only texts on which all three agree:
//! `https`, a host name spelt as a browser spells it, nothing hidden (RFC 3986 7.6, RFC 9700 4.1).
//! The homepage, policy, logo and terms URLs obey the same rules.
//!
//! Every fault is reported at once, each with its rule, so that a form can show them all.

mod check;
#[cfg(test)]
mod tests;

use std::fmt;

use url::Url;

use self::check::Check;
use crate::redirect_uri::ClientKind;

/// The most bytes in a registered URL.
pub const MAX_URL_LENGTH: usize = 2048;

/// Query parameters that no registered URL may have, in any case (integration guide).
pub const FORBIDDEN_PARAMETERS: &[&str] = &["sessionId", "token", "success", "redirect_uri", "clientId"];

/// Query parameters that the answer brings (RFC 6749 4.1.2, RFC 9207). A callback URL that had one
/// already would make the answer carry it twice, which RFC 6749 3.1 forbids.
pub const ANSWER_PARAMETERS: &[&str] = &["code", "state", "iss", "error", "error_description", "error_uri"];

/// What a URL breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UrlRule {
    /// At most [`MAX_URL_LENGTH`] bytes.
    Length,
    /// Scheme, host and path in full.
    Absolute,
    /// `https`, but for `localhost` and native apps.
    Scheme,
    /// No white space, control or non-ASCII character, and none that URLs must encode.
    Characters,
    /// Every `%` begins a percent-encoded byte.
    PercentEncoding,
    /// No backslash.
    Backslash,
    /// No user name or password.
    UserInfo,
    /// A well-formed host name.
    Host,
    /// A host name, not an address.
    IpAddress,
    /// A port that is a port.
    Port,
    /// No `.` and `..` in the path.
    Path,
    /// No `*`.
    Wildcard,
    /// No `#`.
    Fragment,
    /// None of [`FORBIDDEN_PARAMETERS`] or [`ANSWER_PARAMETERS`].
    Parameter,
    /// Spelt as a browser spells it.
    Spelling,
}

impl UrlRule {
    /// A stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "url_length",
            Self::Absolute => "url_absolute",
            Self::Scheme => "url_scheme",
            Self::Characters => "url_characters",
            Self::PercentEncoding => "url_percent_encoding",
            Self::Backslash => "url_backslash",
            Self::UserInfo => "url_user_info",
            Self::Host => "url_host",
            Self::IpAddress => "url_ip_address",
            Self::Port => "url_port",
            Self::Path => "url_path",
            Self::Wildcard => "url_wildcard",
            Self::Fragment => "url_fragment",
            Self::Parameter => "url_parameter",
            Self::Spelling => "url_spelling",
        }
    }
}

/// One rule that a URL breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlFault {
    /// The rule.
    pub rule: UrlRule,
    /// What is wrong and what to do, as full sentences.
    pub sentence: String,
    /// The URL, as it was typed.
    pub url: String,
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.url.chars().take(100).collect();
        let cut = if shown.len() < self.url.len() { "…" } else { "" };
        write!(f, "{shown}{cut}: {}", self.sentence)
    }
}

/// A callback URL that obeys the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackUrl(Checked);

/// A homepage, policy, logo or terms URL that obeys the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl(Checked);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Checked {
    text: String,
    url: Url,
}

impl CallbackUrl {
    /// The URL as it was typed, which is what requests are compared with.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The URL as a browser reads it.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// The host, in lower case; a private-use scheme may have none.
    pub fn host(&self) -> Option<&str> {
        self.0.url.host_str()
    }

    /// Where a person is sent, for a person: host and port, or the private-use scheme.
    pub fn destination(&self) -> String {
        let url = &self.0.url;
        match (url.scheme(), url.host_str(), url.port()) {
            ("http" | "https", Some(host), Some(port)) => format!("{host}:{port}"),
            ("http" | "https", Some(host), None) => host.to_owned(),
            (scheme, ..) => format!("the app that opens {scheme}: links on this device"),
        }
    }
}

impl PageUrl {
    /// The URL as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The URL as a browser reads it.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// The host, in lower case.
    pub fn host(&self) -> Option<&str> {
        self.0.url.host_str()
    }
}

/// Checks a callback URL for an app of this kind.
///
/// # Errors
/// Every rule that the URL breaks, in the order in which they are listed in [`UrlRule`].
pub fn check_callback_url(text: &str, kind: ClientKind) -> Result<CallbackUrl, Vec<UrlFault>> {
    Check::new(text, Some(kind)).run().map(CallbackUrl)
}

/// Checks a homepage, policy, logo or terms URL.
///
/// # Errors
/// Every rule that the URL breaks.
pub fn check_page_url(text: &str) -> Result<PageUrl, Vec<UrlFault>> {
    Check::new(text, None).run().map(PageUrl)
}
