//! What the operator opened (hosts and networks of a closed network, of tests) and closed on top.

use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use super::address::{self, Refusal};

/// An entry of `allow_hosts` or `deny_hosts` that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "'{entry}' is not a host: write a name (intranet.example), names below it (*.intranet.example), an address, or a network (10.0.0.0/8), each with an optional :port"
)]
pub struct BadEntry {
    /// The entry as it was written.
    pub entry: String,
}

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix);
                base.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(base), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.prefix);
                base.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }

    fn is_single_address(self) -> bool {
        self.prefix == if self.base.is_ipv4() { 32 } else { 128 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Host(String),
    Below(String),
    Network(Network),
}

/// One entry: a place and, if given, the only port it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    place: Place,
    port: Option<u16>,
}

impl FromStr for Entry {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        parse_entry(text.trim()).ok_or_else(|| BadEntry { entry: text.to_owned() })
    }
}

fn parse_entry(text: &str) -> Option<Entry> {
    if let Some(place) = parse_address(text) {
        return Some(Entry { place, port: None });
    }
    let (place, port) = match text.rsplit_once(':') {
        Some((place, port)) => (place, Some(port.parse().ok().filter(|&port| port != 0)?)),
        None => (text, None),
    };
    let bare = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let place = match parse_address(bare.unwrap_or(place)) {
        // Without brackets, the last group of an IPv6 address and a port cannot be told apart.
        Some(Place::Network(network)) if network.base.is_ipv6() && bare.is_none() => return None,
        Some(place) => place,
        None if bare.is_some() => return None,
        None => parse_name(place)?,
    };
    Some(Entry { place, port })
}

fn parse_address(text: &str) -> Option<Place> {
    let (base, prefix) = match text.split_once('/') {
        Some((base, prefix)) => (base.parse::<IpAddr>().ok()?, Some(prefix.parse::<u8>().ok()?)),
        None => (text.parse::<IpAddr>().ok()?, None),
    };
    let longest = if base.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(longest);
    // Addresses are judged in their IPv4 form, so an IPv4-mapped network has to be one too.
    let (base, prefix) = match base.to_canonical() {
        mapped if mapped.is_ipv4() && base.is_ipv6() => (mapped, prefix.checked_sub(96)?),
        _ => (base, prefix),
    };
    (prefix <= longest).then_some(Place::Network(Network { base, prefix }))
}

fn parse_name(text: &str) -> Option<Place> {
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    let name = idna::domain_to_ascii_strict(name.trim_end_matches('.')).ok()?;
    let fits = !name.is_empty() && name.len() <= 253 && name.parse::<IpAddr>().is_err();
    fits.then_some(if below { Place::Below(name) } else { Place::Host(name) })
}

impl Entry {
    fn is_about(&self, host: &str, port: u16, address: IpAddr) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match &self.place {
            Place::Host(name) => name == host,
            Place::Below(name) => host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.')),
            Place::Network(network) => network.contains(address),
        }
    }

    fn names(&self, address: IpAddr) -> bool {
        matches!(self.place, Place::Network(network) if network.is_single_address() && network.base == address)
    }
}

/// Ports above 1023 where another protocol listens that a forged request could speak to (as browsers refuse them).
const FOREIGN_PORTS: [u16; 17] =
    [1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6667, 6697, 9200, 10080, 11211];

fn is_web_port(port: u16) -> bool {
    matches!(port, 80 | 443) || (port >= 1024 && !FOREIGN_PORTS.contains(&port))
}

/// Decides for each address of each hop whether it may be dialled.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    allowed: Vec<Entry>,
    denied: Vec<Entry>,
}

impl AddressPolicy {
    /// Reads the operator's entries: `localhost:8443`, `*.intranet.example`, `10.0.0.0/8`, `[::1]:8443`.
    ///
    /// # Errors
    /// [`BadEntry`] names the first entry that is neither a host nor a network.
    pub fn new(allow: &[String], deny: &[String]) -> Result<Self, BadEntry> {
        let parse = |entries: &[String]| -> Result<Vec<Entry>, BadEntry> {
            entries.iter().map(|entry| entry.parse()).collect()
        };
        Ok(Self { allowed: parse(allow)?, denied: parse(deny)? })
    }

    /// The address to dial for this host, or why it is refused. A denied entry beats an allowed one, and a
    /// metadata address is opened by nothing but that very address as an entry.
    ///
    /// # Errors
    /// The [`Refusal`] says what kind of address it is.
    pub fn check(&self, host: &str, port: u16, address: IpAddr) -> Result<IpAddr, Refusal> {
        let address = address::canonical(address);
        if self.denied.iter().any(|entry| entry.is_about(host, port, address)) {
            return Err(Refusal::ClosedByOperator);
        }
        let allowed = || self.allowed.iter().filter(|entry| entry.is_about(host, port, address));
        match address::refusal(address) {
            None if is_web_port(port) || allowed().next().is_some() => Ok(address),
            None => Err(Refusal::Port),
            Some(Refusal::Metadata) if allowed().any(|entry| entry.names(address)) => Ok(address),
            Some(Refusal::Metadata) => Err(Refusal::Metadata),
            Some(_) if allowed().next().is_some() => Ok(address),
            Some(refusal) => Err(refusal),
        }
    }

    /// Whether the operator opened this host by name, on this port.
    #[must_use]
    pub fn allows_name(&self, host: &str, port: u16) -> bool {
        self.allowed.iter().any(|entry| {
            !matches!(entry.place, Place::Network(_))
                && entry.is_about(host, port, IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(allow: &[&str], deny: &[&str]) -> AddressPolicy {
        let owned = |entries: &[&str]| entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>();
        AddressPolicy::new(&owned(allow), &owned(deny)).unwrap()
    }

    fn check(policy: &AddressPolicy, host: &str, port: u16, address: &str) -> Result<IpAddr, Refusal> {
        policy.check(host, port, address.parse().unwrap())
    }

    #[test]
    fn without_entries_only_public_addresses_pass() {
        let closed = AddressPolicy::default();
        assert!(check(&closed, "example.com", 443, "8.8.8.8").is_ok());
        assert_eq!(check(&closed, "localhost", 443, "127.0.0.1"), Err(Refusal::Loopback));
        assert_eq!(check(&closed, "a.example", 443, "::ffff:192.168.0.1"), Err(Refusal::Private));
    }

    #[test]
    fn ports_of_other_services_are_refused() {
        let closed = AddressPolicy::default();
        for port in [22, 25, 53, 389, 6379, 11211] {
            assert_eq!(check(&closed, "example.com", port, "8.8.8.8"), Err(Refusal::Port), "{port}");
        }
        for port in [80, 443, 3000, 8080, 8443] {
            assert!(check(&closed, "example.com", port, "8.8.8.8").is_ok(), "{port}");
        }
        assert!(check(&policy(&["8.8.8.8:25"], &[]), "example.com", 25, "8.8.8.8").is_ok());
    }

    #[test]
    fn an_allowed_host_counts_on_its_port_only() {
        let open = policy(&["LocalHost:8443", "*.intranet.example"], &[]);
        assert!(check(&open, "localhost", 8443, "127.0.0.1").is_ok());
        assert!(check(&open, "localhost", 8444, "127.0.0.1").is_err());
        assert!(check(&open, "evil.example", 8443, "127.0.0.1").is_err());
        assert!(check(&open, "a.intranet.example", 443, "10.0.0.1").is_ok());
        assert!(check(&open, "intranet.example", 443, "10.0.0.1").is_err());
        assert!(check(&open, "aintranet.example", 443, "10.0.0.1").is_err());
        assert!(open.allows_name("localhost", 8443) && !open.allows_name("localhost", 80));
    }

    #[test]
    fn an_allowed_network_counts_for_any_name() {
        let open = policy(&["10.1.0.0/16", "fd00::/8", "[::1]:8443", "::ffff:192.168.7.0/120"], &[]);
        assert!(check(&open, "x.example", 443, "10.1.255.1").is_ok());
        assert!(check(&open, "x.example", 443, "10.2.0.1").is_err());
        assert!(check(&open, "x.example", 443, "fd12::1").is_ok());
        assert!(check(&open, "x.example", 8443, "::1").is_ok());
        assert!(check(&open, "x.example", 443, "::1").is_err());
        assert!(check(&open, "x.example", 443, "192.168.7.9").is_ok());
        assert!(check(&open, "x.example", 443, "192.168.8.9").is_err());
    }

    #[test]
    fn denied_beats_allowed_and_metadata_stays_shut() {
        let open = policy(&["0.0.0.0/0", "::/0", "meta.example"], &["10.9.0.0/16", "8.8.4.4"]);
        assert!(check(&open, "x.example", 443, "10.1.0.1").is_ok());
        assert_eq!(check(&open, "x.example", 443, "10.9.0.1"), Err(Refusal::ClosedByOperator));
        assert_eq!(check(&open, "x.example", 443, "8.8.4.4"), Err(Refusal::ClosedByOperator));
        assert_eq!(check(&open, "meta.example", 80, "169.254.169.254"), Err(Refusal::Metadata));
        assert_eq!(check(&open, "meta.example", 80, "::ffff:169.254.169.254"), Err(Refusal::Metadata));
        assert!(check(&policy(&["169.254.169.254"], &[]), "x", 80, "169.254.169.254").is_ok());
    }

    #[test]
    fn entries_that_mean_nothing_are_named() {
        for bad in
            ["", " ", "a b", "host:", "host:0", "host:99999", "10.0.0.0/33", "[::1", "http://x", "*.", "::1:8443x"]
        {
            let error = AddressPolicy::new(&[bad.to_owned()], &[]).unwrap_err();
            assert_eq!(error.entry, bad);
        }
    }

    proptest! {
        #[test]
        fn entries_never_panic_and_metadata_never_opens_by_a_wider_entry(text in "\\PC{0,40}") {
            if let Ok(open) = AddressPolicy::new(std::slice::from_ref(&text), &[]) {
                let metadata: IpAddr = "169.254.169.254".parse().unwrap();
                prop_assert!(open.check("x.example", 80, metadata).is_err() || text.contains("169.254.169.254"));
            }
        }
    }
}
