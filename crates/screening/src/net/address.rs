//! Which IP addresses belong to the public Internet.
//!
//! IPv4 follows the IANA special-purpose registry (RFC 6890 and its successors). IPv6 is the other way round:
//! only `2000::/3` is global unicast, and what is special inside it is taken out. Forms that carry an IPv4
//! address are judged by it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Why an address is not dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// `0.0.0.0/8`, `::`.
    ThisNetwork,
    /// RFC 1918, RFC 4193.
    Private,
    /// The server itself.
    Loopback,
    /// RFC 3927, RFC 4291.
    LinkLocal,
    /// Carrier-grade NAT, `100.64.0.0/10` (RFC 6598).
    Shared,
    /// Multicast and broadcast.
    Multicast,
    /// RFC 5737, RFC 3849, RFC 9637.
    Documentation,
    /// RFC 2544, RFC 5180.
    Benchmark,
    /// A cloud provider's service that hands out the machine's own credentials.
    Metadata,
    /// Teredo, 6to4, IPv4-compatible and other forms that no web site is reached by.
    Transition,
    /// Not assigned to anything one could visit.
    Reserved,
    /// A port of another service than the web, on a public address.
    Port,
    /// Closed by the operator.
    ClosedByOperator,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ThisNetwork => "an unspecified address",
            Self::Private => "a private network address",
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Shared => "a carrier-internal address",
            Self::Multicast => "a multicast address",
            Self::Documentation => "an address reserved for documentation",
            Self::Benchmark => "an address reserved for benchmarks",
            Self::Metadata => "a cloud metadata address",
            Self::Transition => "an obsolete transition address",
            Self::Reserved => "a reserved address",
            Self::Port => "a port that no web site uses",
            Self::ClosedByOperator => "an address that this server's operator has closed",
        })
    }
}

/// Metadata services that sit on addresses of their own. Most are also link-local or shared; Azure's is public.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 169, 253),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// The address that would really be dialled: an IPv4-mapped IPv6 address is the IPv4 address in it.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Why this address is not a public one, or None when it is.
#[must_use]
pub fn refusal(address: IpAddr) -> Option<Refusal> {
    match canonical(address) {
        IpAddr::V4(v4) => refusal_v4(v4),
        IpAddr::V6(v6) => refusal_v6(v6),
    }
}

fn refusal_v4(address: Ipv4Addr) -> Option<Refusal> {
    if METADATA_V4.contains(&address) {
        return Some(Refusal::Metadata);
    }
    match address.octets() {
        [0, ..] => Some(Refusal::ThisNetwork),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some(Refusal::Private),
        [127, ..] => Some(Refusal::Loopback),
        [169, 254, ..] => Some(Refusal::LinkLocal),
        [100, 64..=127, ..] => Some(Refusal::Shared),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some(Refusal::Documentation),
        [198, 18 | 19, ..] => Some(Refusal::Benchmark),
        [192, 88, 99, _] => Some(Refusal::Transition),
        // Protocol assignments, AS112 sinks and automatic multicast tunnelling: no web site lives there.
        [192, 0, 0, _] | [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => Some(Refusal::Reserved),
        [224..=239, ..] | [255, 255, 255, 255] => Some(Refusal::Multicast),
        [240..=255, ..] => Some(Refusal::Reserved),
        _ => None,
    }
}

fn refusal_v6(address: Ipv6Addr) -> Option<Refusal> {
    if METADATA_V6.contains(&address) {
        return Some(Refusal::Metadata);
    }
    let s = address.segments();
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => return Some(Refusal::ThisNetwork),
        [0, 0, 0, 0, 0, 0, 0, 1] => return Some(Refusal::Loopback),
        // NAT64 (RFC 6052): the translator dials the IPv4 address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => return refusal_v4(embedded(high, low)),
        // A network's own NAT64 prefix (RFC 8215), and IPv4-compatible or -translated forms.
        [0x64, 0xff9b, 1, ..] | [0, 0, 0, 0, ..] => return Some(Refusal::Transition),
        [0xfc00..=0xfdff, ..] => return Some(Refusal::Private),
        [0xfe80..=0xfebf, ..] => return Some(Refusal::LinkLocal),
        // Site-local, deprecated by RFC 3879 but still routed inside some networks.
        [0xfec0..=0xfeff, ..] => return Some(Refusal::Private),
        [0xff00..=0xffff, ..] => return Some(Refusal::Multicast),
        _ => {}
    }
    match s {
        [0x2001, 2, 0, ..] => Some(Refusal::Benchmark),
        [0x2001, 0, ..] | [0x2002, ..] => Some(Refusal::Transition),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Some(Refusal::Documentation),
        // 2001::/23 is for protocols; 2620:4f:8000::/48 is an AS112 sink.
        [0x2001, 0..=0x01ff, ..] | [0x2620, 0x4f, 0x8000, ..] => Some(Refusal::Reserved),
        // ISATAP (RFC 5214): the tunnel's end is the IPv4 address inside.
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => refusal_v4(embedded(high, low)),
        [0x2000..=0x3fff, ..] => None,
        _ => Some(Refusal::Reserved),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(text: &str) -> Option<Refusal> {
        refusal(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_pass() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "3ffe::1",
        ] {
            assert_eq!(judge(public), None, "{public}");
        }
    }

    #[test]
    fn special_addresses_are_refused_by_their_kind() {
        for (special, kind) in [
            ("0.0.0.0", Refusal::ThisNetwork),
            ("0.1.2.3", Refusal::ThisNetwork),
            ("10.1.2.3", Refusal::Private),
            ("172.16.0.1", Refusal::Private),
            ("172.31.255.255", Refusal::Private),
            ("192.168.1.1", Refusal::Private),
            ("127.0.0.1", Refusal::Loopback),
            ("127.255.255.254", Refusal::Loopback),
            ("169.254.1.1", Refusal::LinkLocal),
            ("169.254.169.254", Refusal::Metadata),
            ("168.63.129.16", Refusal::Metadata),
            ("100.100.100.200", Refusal::Metadata),
            ("100.64.0.1", Refusal::Shared),
            ("100.127.255.255", Refusal::Shared),
            ("192.0.0.8", Refusal::Reserved),
            ("192.0.2.1", Refusal::Documentation),
            ("198.51.100.7", Refusal::Documentation),
            ("203.0.113.9", Refusal::Documentation),
            ("198.18.0.1", Refusal::Benchmark),
            ("198.19.255.255", Refusal::Benchmark),
            ("192.88.99.1", Refusal::Transition),
            ("224.0.0.1", Refusal::Multicast),
            ("239.255.255.255", Refusal::Multicast),
            ("240.0.0.1", Refusal::Reserved),
            ("255.255.255.255", Refusal::Multicast),
            ("::", Refusal::ThisNetwork),
            ("::1", Refusal::Loopback),
            ("::127.0.0.1", Refusal::Transition),
            ("::ffff:127.0.0.1", Refusal::Loopback),
            ("::ffff:10.0.0.1", Refusal::Private),
            ("::ffff:169.254.169.254", Refusal::Metadata),
            ("::ffff:0:10.0.0.1", Refusal::Transition),
            ("64:ff9b::127.0.0.1", Refusal::Loopback),
            ("64:ff9b::169.254.169.254", Refusal::Metadata),
            ("64:ff9b:1::1", Refusal::Transition),
            ("100::1", Refusal::Reserved),
            ("2001::1", Refusal::Transition),
            ("2001:2::1", Refusal::Benchmark),
            ("2001:20::1", Refusal::Reserved),
            ("2001:db8::1", Refusal::Documentation),
            ("3fff::1", Refusal::Documentation),
            ("2002:7f00:1::1", Refusal::Transition),
            ("2a00:1450::5efe:10.0.0.1", Refusal::Private),
            ("2a00:1450::200:5efe:127.0.0.1", Refusal::Loopback),
            ("5f00::1", Refusal::Reserved),
            ("fc00::1", Refusal::Private),
            ("fd00:ec2::254", Refusal::Metadata),
            ("fe80::1", Refusal::LinkLocal),
            ("fec0::1", Refusal::Private),
            ("ff02::1", Refusal::Multicast),
        ] {
            assert_eq!(judge(special), Some(kind), "{special}");
        }
    }

    proptest! {
        /// The standard library's own predicates never call an address private that we would dial.
        #[test]
        fn nothing_that_std_knows_as_special_passes(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_multicast() || v4.is_unspecified();
            prop_assert!(!special || refusal(v4.into()).is_some());
        }

        /// A wrapped IPv4 address never fares better than the address itself.
        #[test]
        fn wrapping_an_address_opens_nothing(bits: u32, prefix: u64) {
            let v4 = Ipv4Addr::from_bits(bits);
            if refusal(v4.into()).is_some() {
                let [a, b, c, d] = v4.octets();
                let low = u128::from(bits);
                let wrapped = [
                    u128::from(v4.to_ipv6_mapped()),
                    u128::from(v4.to_ipv6_compatible()),
                    (0x0064_ff9b_u128 << 96) | low,
                    (0x2002_u128 << 112) | (low << 80) | u128::from(prefix),
                    (0x2001_u128 << 112) | u128::from(!bits),
                    (0x2a00_1450_u128 << 96) | (0x5efe_u128 << 32) | low,
                ];
                for form in wrapped {
                    let v6 = Ipv6Addr::from_bits(form);
                    prop_assert!(refusal(v6.into()).is_some(), "{a}.{b}.{c}.{d} as {v6}");
                }
            }
        }

        #[test]
        fn outside_global_unicast_nothing_passes_but_nat64_and_mapped(bits: u128) {
            let v6 = Ipv6Addr::from_bits(bits);
            let global = (0x2000..=0x3fff).contains(&v6.segments()[0]);
            let carries_v4 = v6.to_ipv4_mapped().is_some() || v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
            prop_assert!(global || carries_v4 || refusal(v6.into()).is_some());
            prop_assert!(!(v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast()
                || v6.is_loopback()) || refusal(v6.into()).is_some());
        }
    }
}
