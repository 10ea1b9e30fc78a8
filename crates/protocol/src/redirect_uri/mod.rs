//! Where the answer to an authorization request may go.
//!
//! The one rule that keeps codes from thieves: the `redirect_uri` of a request must be one of the
//! app's registered ones, byte for byte (RFC 9700 2.1, RFC 6749 3.1.2.3). No prefix, no pattern, no
//! normalising; two spellings of one address are two addresses. The single exception is RFC 8252
//! 7.3: a native app that listens on the loopback interface gets its port from the operating
//! system, so the port of `http://127.0.0.1` and `http://[::1]` may vary. `localhost` is a name, not
//! an address, and is never equated with either.
//!
//! A [`RedirectUri`] can only be had by such a match. The address of the answer is then the
//! registered text with our parameters behind it, none of its own bytes touched.

#[cfg(test)]
mod tests;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What kind of program an app is (RFC 6749 2.1, RFC 8252).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// Runs on a server and can keep a secret.
    Confidential,
    /// Runs in a browser and can not keep a secret.
    PublicBrowser,
    /// Is installed on a phone or desktop and can not keep a secret.
    PublicNative,
}

impl ClientKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Confidential, Self::PublicBrowser, Self::PublicNative];

    /// The name under which the kind is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::PublicBrowser => "public_browser",
            Self::PublicNative => "public_native",
        }
    }

    /// Finds a kind by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// The name that people type and read: `confidential`, `browser` or `native`.
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::PublicBrowser => "browser",
            Self::PublicNative => "native",
        }
    }

    /// Finds a kind by either of its names.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.short_name() == name || kind.as_str() == name)
    }

    /// Whether the app has no secret, and so must use PKCE.
    pub const fn is_public(self) -> bool {
        match self {
            Self::Confidential => false,
            Self::PublicBrowser | Self::PublicNative => true,
        }
    }
}

/// A redirect URI that matched a registered one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Matches what a request asked for against what the app registered.
    pub fn matching<S: AsRef<str>>(requested: &str, registered: &[S], kind: ClientKind) -> Option<Self> {
        match_registered(requested, registered, kind).then(|| Self(requested.to_owned()))
    }

    /// The URI as it was requested.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of an answer with these parameters.
    pub fn response_url<V: AsRef<str>>(&self, params: &[(&str, V)]) -> String {
        response_url(&self.0, params)
    }
}

/// Whether a requested redirect URI is one of the registered ones (RFC 9700 2.1, RFC 8252 7.3).
pub fn match_registered<S: AsRef<str>>(requested: &str, registered: &[S], kind: ClientKind) -> bool {
    registered.iter().any(|registered| {
        let registered = registered.as_ref();
        requested == registered
            || (kind == ClientKind::PublicNative && same_but_for_loopback_port(requested, registered))
    })
}

fn same_but_for_loopback_port(requested: &str, registered: &str) -> bool {
    match (split_loopback(requested), split_loopback(registered)) {
        (Some(requested), Some(registered)) => requested == registered,
        _ => false,
    }
}

/// Takes the port out of a loopback URI: gives what stands before it and what follows.
fn split_loopback(uri: &str) -> Option<(&str, &str)> {
    for origin in ["http://127.0.0.1", "http://[::1]"] {
        let Some(rest) = uri.strip_prefix(origin) else {
            continue;
        };
        let after_port = match rest.strip_prefix(':') {
            None => rest,
            Some(digits) => {
                let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
                let port = &digits[..end];
                if port.starts_with('0') || port.parse::<u16>().is_err() {
                    return None;
                }
                &digits[end..]
            }
        };
        // What follows must end the authority, or the host would be another one.
        return matches!(after_port.as_bytes().first(), None | Some(b'/' | b'?')).then_some((origin, after_port));
    }
    None
}

/// RFC 3986 2.3: all but the unreserved characters is encoded, so that a value comes back byte for
/// byte however the client decodes it (a space is `%20`, never `+`).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Adds parameters to a redirect URI's query (RFC 6749 3.1.2 and 4.1.2) and leaves its own bytes as
/// they are.
pub fn response_url<V: AsRef<str>>(redirect_uri: &str, params: &[(&str, V)]) -> String {
    // Registered URIs have no fragment; should one slip in, parameters must still reach the server.
    let (uri, fragment) = match redirect_uri.find('#') {
        Some(at) => redirect_uri.split_at(at),
        None => (redirect_uri, ""),
    };
    let mut url = String::with_capacity(uri.len() + 256);
    url.push_str(uri);
    // Only the first question mark begins the query; a later one belongs to its text.
    let mut separator = match uri.find('?') {
        None => "?",
        Some(at) if at + 1 == uri.len() || uri.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in params {
        url.push_str(separator);
        url.extend(utf8_percent_encode(name, UNRESERVED));
        url.push('=');
        url.extend(utf8_percent_encode(value.as_ref(), UNRESERVED));
        separator = "&";
    }
    url.push_str(fragment);
    url
}

/// How a requested redirect URI differs from a registered one, for the app's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Where the texts part: a byte offset that is a character boundary in both.
    pub at: usize,
    /// What it most likely is.
    pub reason: DifferenceReason,
}

/// The usual reasons for a redirect URI that almost matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceReason {
    /// One of them ends in a slash.
    TrailingSlash,
    /// Only letters' case differs.
    Case,
    /// Only percent-encoding differs.
    Encoding,
    /// Only the scheme differs, as `http` for `https`.
    Scheme,
    /// Only the port differs.
    Port,
    /// One has a query that the other has not.
    Query,
    /// The hosts differ.
    Host,
    /// Something else.
    Other,
}

impl DifferenceReason {
    /// A sentence for the app's owner.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TrailingSlash => "They differ in a slash at the end.",
            Self::Case => "They differ in upper and lower case.",
            Self::Encoding => "They differ in percent-encoding.",
            Self::Scheme => "They differ in http and https.",
            Self::Port => "They differ in the port.",
            Self::Query => "They differ in the query, the part from the question mark on.",
            Self::Host => "They name different hosts.",
            Self::Other => "They differ from the marked character on.",
        }
    }
}

/// Finds where two redirect URIs part, and why; `None` when they are equal.
pub fn first_difference(requested: &str, registered: &str) -> Option<Difference> {
    if requested == registered {
        return None;
    }
    let at = requested
        .char_indices()
        .zip(registered.chars())
        .find(|((_, a), b)| a != b)
        .map_or(requested.len().min(registered.len()), |((at, _), _)| at);
    Some(Difference { at, reason: reason(requested, registered) })
}

/// The registered URI that a request most likely meant: the one that differs in one thing only, or
/// else agrees with it longest.
pub fn closest<'a, S: AsRef<str>>(requested: &str, registered: &'a [S]) -> Option<&'a str> {
    let likeness = |candidate: &&str| match first_difference(requested, candidate) {
        None => (true, usize::MAX),
        Some(Difference { at, reason: DifferenceReason::Other | DifferenceReason::Host }) => (false, at),
        Some(Difference { at, .. }) => (true, at),
    };
    registered.iter().map(AsRef::as_ref).max_by_key(likeness)
}

fn reason(requested: &str, registered: &str) -> DifferenceReason {
    let without_slash = |uri: &str| uri.strip_suffix('/').unwrap_or(uri).to_owned();
    let decoded = |uri: &str| percent_encoding::percent_decode_str(uri).collect::<Vec<u8>>();
    let (a, b) = (Parts::of(requested), Parts::of(registered));
    if without_slash(requested) == without_slash(registered) {
        DifferenceReason::TrailingSlash
    } else if requested.eq_ignore_ascii_case(registered) {
        DifferenceReason::Case
    } else if decoded(requested) == decoded(registered) {
        DifferenceReason::Encoding
    } else if a.host != b.host {
        DifferenceReason::Host
    } else if (a.port, a.path, a.query) == (b.port, b.path, b.query) {
        DifferenceReason::Scheme
    } else if (a.scheme, a.path, a.query) == (b.scheme, b.path, b.query) {
        DifferenceReason::Port
    } else if (a.scheme, a.port, a.path) == (b.scheme, b.port, b.path) {
        DifferenceReason::Query
    } else {
        DifferenceReason::Other
    }
}

/// A rough cut of a URI, good for an explanation and for nothing else.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Self {
        let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(authority_end);
        let (path, query) = tail.split_at(tail.find('?').unwrap_or(tail.len()));
        let (host, port) = match authority.rfind(':') {
            Some(at) if !authority.ends_with(']') => authority.split_at(at),
            _ => (authority, ""),
        };
        Self { scheme, host, port, path, query }
    }
}
