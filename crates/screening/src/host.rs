//! Host names as people and registries see them: the registrable domain, the site, the two spellings of an
//! internationalised name. Pure; the public suffix list is the one that was compiled in.

use psl::{Psl as _, Type};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Version of the `psl` crate whose public suffix list is compiled in; it dates the list in a finding.
pub const PUBLIC_SUFFIX_LIST: &str = "psl 2.1.247";

/// A host name in both spellings of IDNA (RFC 5890).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostName {
    /// The A-label form, all ASCII, as it goes on the wire (`xn--…`).
    pub ascii: String,
    /// The U-label form, as a browser may show it.
    pub unicode: String,
}

impl HostName {
    /// Both spellings of a host in its ASCII form; what does not decode stays as it is.
    #[must_use]
    pub fn new(ascii: &str) -> Self {
        let ascii = ascii.trim_end_matches('.').to_ascii_lowercase();
        let (unicode, _) = idna::domain_to_unicode(&ascii);
        Self { ascii, unicode }
    }

    /// Whether the two spellings differ.
    #[must_use]
    pub fn is_internationalised(&self) -> bool {
        self.ascii != self.unicode
    }
}

/// The host of a URL as a plain key: lower case, no trailing dot, no brackets around IPv6.
#[must_use]
pub fn key_of(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
    .filter(|name| !name.is_empty())
}

/// Whether this is `localhost` or a name below it (RFC 6761, section 6.3): the visitor's own machine.
#[must_use]
pub fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let tail = host.rsplit('.').next().unwrap_or(host);
    tail.eq_ignore_ascii_case("localhost")
}

/// The site a host belongs to: its registrable domain, with privately run suffixes (`github.io`) counted as
/// suffixes, because what stands below them belongs to different people. A host without one is its own site.
#[must_use]
pub fn site_of(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    if is_address(host) {
        return host;
    }
    psl::domain_str(host).unwrap_or(host)
}

/// The registrable domain as a registry knows it (privately run suffixes are ordinary registrations there).
/// None for addresses, for suffixes themselves and for top-level names that are not on the public suffix list.
#[must_use]
pub fn registered_domain_of(host: &str) -> Option<&str> {
    let mut rest = host.trim_end_matches('.');
    if is_address(rest) {
        return None;
    }
    let mut below = None;
    loop {
        match psl::List.suffix(rest.as_bytes())?.typ()? {
            // Either an ordinary domain, or the suffix under which the privately run one was registered.
            Type::Icann => return psl::domain_str(rest).or(below),
            Type::Private => {
                below = Some(rest);
                rest = rest.split_once('.')?.1;
            }
        }
    }
}

/// Whether the host itself is a public suffix, such as `co.uk` or `github.io`.
#[must_use]
pub fn is_public_suffix(host: &str) -> bool {
    psl::suffix_str(host).is_some_and(|suffix| suffix == host)
}

/// The privately run suffix below which a host stands, if any: `github.io` for `someone.github.io`.
#[must_use]
pub fn shared_suffix_of(host: &str) -> Option<&str> {
    let host = host.trim_end_matches('.');
    let suffix = psl::List.suffix(host.as_bytes())?;
    (suffix.typ() == Some(Type::Private)).then(|| psl::suffix_str(host))?
}

/// A host and the domains above it, the longest first, without public suffixes: those belong to everybody.
pub fn with_parents(host: &str) -> impl Iterator<Item = &str> {
    let stop = if is_address(host) { host.len() } else { site_of(host).len() };
    std::iter::successors(Some(host), move |name| {
        let (_, rest) = name.split_once('.')?;
        (rest.len() >= stop).then_some(rest)
    })
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_the_registrable_domain() {
        assert_eq!(site_of("www.app.example.co.uk"), "example.co.uk");
        assert_eq!(site_of("someone.github.io"), "someone.github.io");
        assert_eq!(site_of("localhost"), "localhost");
        assert_eq!(site_of("192.0.2.1"), "192.0.2.1");
        assert_eq!(site_of("a.xn--fiq228c5hs"), "a.xn--fiq228c5hs");
    }

    #[test]
    fn registries_know_shared_hosts_by_their_owner() {
        assert_eq!(registered_domain_of("someone.github.io"), Some("github.io"));
        assert_eq!(registered_domain_of("github.io"), Some("github.io"));
        assert_eq!(registered_domain_of("bucket.s3.amazonaws.com"), Some("amazonaws.com"));
        assert_eq!(registered_domain_of("www.example.co.in"), Some("example.co.in"));
        assert_eq!(registered_domain_of("a.b.xn--p1ai"), Some("b.xn--p1ai"));
        for nobody in ["co.uk", "localhost", "intranet", "10.0.0.1", "::1", "", ".", "x.invalidtld"] {
            assert_eq!(registered_domain_of(nobody), None, "{nobody}");
        }
        assert_eq!(shared_suffix_of("someone.github.io"), Some("github.io"));
        assert_eq!(shared_suffix_of("www.example.com"), None);
    }

    #[test]
    fn parents_end_at_the_site() {
        let chain: Vec<_> = with_parents("a.b.example.co.uk").collect();
        assert_eq!(chain, ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"]);
        assert_eq!(with_parents("192.0.2.1").collect::<Vec<_>>(), ["192.0.2.1"]);
        assert_eq!(with_parents("github.io").collect::<Vec<_>>(), ["github.io"]);
    }

    #[test]
    fn both_spellings_of_an_international_name() {
        let name = HostName::new("XN--Bcher-kva.example.");
        assert_eq!((name.ascii.as_str(), name.unicode.as_str()), ("xn--bcher-kva.example", "bücher.example"));
        assert!(name.is_internationalised());
        assert!(!HostName::new("example.com").is_internationalised());
    }

    #[test]
    fn the_dated_list_is_the_one_that_is_compiled_in() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
        let version = lock.split("name = \"psl\"\nversion = \"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(PUBLIC_SUFFIX_LIST, format!("psl {version}"));
    }
}
