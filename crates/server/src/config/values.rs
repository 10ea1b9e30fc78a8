//! Values of the configuration, parsed once into types that cannot be wrong.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Error as _;

/// A length of time, written with its unit: `90s`, `5m`, `1d`, `60d`, `1h 30m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(pub Duration);

impl fmt::Debug for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Ttl {
    /// The length itself.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Ttl {
    type Err = String;

    fn from_str(text: &str) -> Result<Ttl, String> {
        let mend =
            || format!("'{text}' is not a length of time; write a number and a unit, such as 90s, 5m, 12h or 60d");
        let span: jiff::Span = text.parse().map_err(|_| mend())?;
        let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| mend())?;
        Duration::try_from(length).map(Ttl).map_err(|_| mend())
    }
}

impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Ttl, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A text that must not be shown: it prints as `[secret]`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub(super) fn new(text: String) -> Hidden {
        Hidden(text)
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A block of addresses, `10.0.0.0/8` or a single address: whose forwarded headers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressBlock {
    base: IpAddr,
    bits: u8,
}

impl AddressBlock {
    /// Whether the address lies in the block; an IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                u32::from(base) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                u128::from(base) & mask == u128::from(address) & mask
            }
            _ => false,
        }
    }
}

impl FromStr for AddressBlock {
    type Err = String;

    fn from_str(text: &str) -> Result<AddressBlock, String> {
        let mend = || format!("'{text}' is not an address or block; write 10.1.2.3 or 10.0.0.0/8");
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| mend())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(longest), |bits| bits.parse().map_err(|_| mend()))?;
        if bits > longest { Err(mend()) } else { Ok(AddressBlock { base, bits }) }
    }
}

impl<'de> Deserialize<'de> for AddressBlock {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<AddressBlock, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Which algorithm new signing keys use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with 2048 bits and SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    /// The algorithm as the protocol names it.
    pub const fn algorithm(self) -> protocol::jwt::Algorithm {
        match self {
            SigningAlgorithm::RS256 => protocol::jwt::Algorithm::Rs256,
            SigningAlgorithm::ES256 => protocol::jwt::Algorithm::Es256,
            SigningAlgorithm::EdDSA => protocol::jwt::Algorithm::EdDsa,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Lines for a person.
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_needs_its_unit() {
        assert_eq!("5m".parse(), Ok(Ttl(Duration::from_secs(300))));
        assert_eq!("60d".parse(), Ok(Ttl(Duration::from_secs(60 * 86_400))));
        assert_eq!("1h 30m".parse(), Ok(Ttl(Duration::from_secs(5400))));
        for wrong in ["5", "", "five minutes", "-5m", "5 parsecs", "1y"] {
            assert!(wrong.parse::<Ttl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_block_holds_what_shares_its_first_bits() {
        let block: AddressBlock = "10.0.0.0/8".parse().unwrap();
        assert!(block.contains("10.255.1.1".parse().unwrap()));
        assert!(block.contains("::ffff:10.1.1.1".parse().unwrap()));
        assert!(!block.contains("11.0.0.1".parse().unwrap()));
        let all: AddressBlock = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<AddressBlock>().is_err());
    }
}
