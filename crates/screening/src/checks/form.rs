//! The URL rules: what can be told from the text alone.
//!
//! The rules are those of the integration guide ('URL best practices'). They are applied to the text as typed,
//! before any parser has tidied it: parsers drop tabs, turn backslashes and decode hosts.

use url::{Host, Url};

use crate::host;
use crate::net::fetch::MAX_URL;
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Screener;

/// Query parameters that a URL of an app must not carry, lower case.
const FORBIDDEN_PARAMETERS: [&str; 5] = ["sessionid", "token", "success", "redirect_uri", "clientid"];

/// A rule that a URL breaks: what is wrong, and what to do.
struct Broken(String, &'static str);

/// Judges the form of a URL. All broken rules are told at once.
#[must_use]
pub fn url_form(field: Field, typed: &str, native: bool, screener: &Screener) -> Finding {
    let broken = broken_rules(field, typed, native, screener);
    if broken.is_empty() {
        return Finding::passed(field, Check::UrlForm, typed, "The URL is well formed.");
    }
    let sentences: Vec<&str> = broken.iter().map(|Broken(what, _)| what.as_str()).collect();
    let mends: Vec<&str> = broken.iter().map(|Broken(_, mend)| *mend).collect();
    Finding::new(field, Check::UrlForm, typed, Severity::Invalid, sentences.join(" "), mends.join(" "))
}

/// The URL, if it keeps all the rules and can be fetched.
#[must_use]
pub fn fetchable(field: Field, typed: &str, screener: &Screener) -> Option<Url> {
    let url = Url::parse(typed).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    broken_rules(field, typed, false, screener).is_empty().then_some(url)
}

fn broken_rules(field: Field, typed: &str, native: bool, screener: &Screener) -> Vec<Broken> {
    if typed.is_empty() {
        return vec![Broken("The URL is missing.".to_owned(), "Enter a full URL that begins with https://.")];
    }
    if typed.len() > MAX_URL {
        return vec![Broken(format!("The URL has more than {MAX_URL} characters."), "Use a shorter URL.")];
    }
    let mut broken = characters(typed);
    let Ok(url) = Url::parse(typed) else {
        if broken.is_empty() {
            let mend = "Enter a full URL that begins with https://, such as https://www.example.com/page.";
            broken.push(Broken("This is not a URL.".to_owned(), mend));
        }
        return broken;
    };
    let to_the_device = native && field.is_sent_to() && leads_to_the_device(&url);
    if !to_the_device {
        broken.extend(scheme(field, typed, &url, screener));
        broken.extend(host_rule(&url));
    }
    broken.extend(parameters(&url));
    broken
}

fn characters(typed: &str) -> Vec<Broken> {
    let lower = typed.to_ascii_lowercase();
    let mut broken = Vec::new();
    if typed.chars().any(|c| c.is_whitespace() || c.is_control() || crate::lookalike::is_invisible(c)) {
        broken.push(Broken("The URL contains spaces or invisible characters.".to_owned(), "Remove them."));
    }
    if typed.contains('\\') {
        broken.push(Broken("The URL contains a backslash.".to_owned(), "Use forward slashes."));
    }
    if typed.contains('*') || lower.contains("%2a") {
        let mend = "Write out each URL in full; there are no wildcards.";
        broken.push(Broken("The URL contains a wildcard ('*').".to_owned(), mend));
    }
    if typed.contains('#') || lower.contains("%23") {
        let mend = "Leave out the '#' and what follows it.";
        broken.push(Broken("The URL contains a fragment ('#').".to_owned(), mend));
    }
    broken.extend(authority(&lower));
    broken
}

/// What stands between the slashes and the path. An '@' there, encoded or not, makes a host of what looks like a
/// path; without anything there, parsers take the path for the host.
fn authority(lower: &str) -> Option<Broken> {
    let (_, rest) = lower.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    if authority.contains('@') || authority.contains("%40") {
        let mend = "Leave out everything up to the '@'.";
        Some(Broken("The URL has a user name before its host.".to_owned(), mend))
    } else if authority.is_empty() {
        Some(Broken("The URL has no host name.".to_owned(), "Add the host name of your site."))
    } else {
        None
    }
}

/// RFC 8252, sections 7.1 and 7.3: a loopback address, or a private-use scheme with a dot in it.
fn leads_to_the_device(url: &Url) -> bool {
    match url.scheme() {
        "http" => match url.host() {
            Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
            Some(Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        },
        scheme => scheme.contains('.'),
    }
}

fn scheme(field: Field, typed: &str, url: &Url, screener: &Screener) -> Option<Broken> {
    let local = url.host_str().is_some_and(|name| name == "localhost");
    // A closed network may have no https of its own; callbacks carry codes, so they, and what is judged by their rules, get
    // no such exception.
    let opened = !field.is_sent_to() && is_opened(url, screener);
    let plain = typed.starts_with("http://") && (local || opened);
    (!typed.starts_with("https://") && !plain).then(|| {
        Broken("The URL does not begin with https://.".to_owned(), "Use https://; plain http:// is for localhost only.")
    })
}

fn is_opened(url: &Url, screener: &Screener) -> bool {
    let port = url.port_or_known_default().unwrap_or(443);
    host::key_of(url).is_some_and(|name| screener.policy().allows_name(&name, port))
}

fn host_rule(url: &Url) -> Option<Broken> {
    match url.host() {
        Some(Host::Domain(name)) if !name.trim_matches('.').is_empty() => None,
        None | Some(Host::Domain(_)) => {
            Some(Broken("The URL has no host name.".to_owned(), "Add the host name of your site."))
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => {
            Some(Broken("The host is a raw IP address.".to_owned(), "Use a host name."))
        }
    }
}

fn parameters(url: &Url) -> Option<Broken> {
    let forbidden = |name: &str| FORBIDDEN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str());
    let found: Vec<String> =
        url.query_pairs().filter(|(name, _)| forbidden(name)).map(|(name, _)| format!("'{name}'")).collect();
    (!found.is_empty()).then(|| {
        let what = format!("The URL has a query parameter that is not allowed: {}.", found.join(", "));
        Broken(what, "Remove it from the URL; use 'state' for what your app has to remember.")
    })
}
