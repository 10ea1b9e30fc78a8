//! Where a request comes from. Forwarded headers count only when a configured proxy sent them.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, HeaderMap};

use crate::app::{App, SharedApp};
use crate::config::AddressBlock;

/// The address that a request comes from, as an extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<SharedApp> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<ClientAddress, Infallible> {
        Ok(ClientAddress(client_address(app, &parts.extensions, &parts.headers)))
    }
}

/// The address that a request comes from: the connection's own, or what a trusted proxy says of it.
pub fn client_address(app: &App, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    let peer =
        extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    behind_proxies(peer.to_canonical(), headers, &app.config.server.trusted_proxies)
}

/// Walks `X-Forwarded-For` from its end, as long as the hop that wrote the entry is trusted. An entry that is no address
/// ends the walk: what lies before it was not written by a proxy of ours.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[AddressBlock]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
    if trusted.is_empty() || !is_trusted(peer) {
        return peer;
    }
    let mut client = peer;
    for line in headers.get_all("x-forwarded-for").iter().rev() {
        let Ok(line) = line.to_str() else { return client };
        for entry in line.rsplit(',') {
            let Ok(address) = entry.trim().parse::<IpAddr>() else { return client };
            client = address.to_canonical();
            if !is_trusted(client) {
                return client;
            }
        }
    }
    client
}

/// The neighbourhood of an address, for limits: an IPv4 /24, an IPv6 /56, which one person can move about in at will.
pub fn address_block(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let base = u128::from(address) >> 72 << 72;
            format!("{}/56", Ipv6Addr::from(base))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        behind_proxies(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn the_last_address_that_no_proxy_of_ours_has_is_the_client() {
        assert_eq!(seen("127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["192.0.2.1, 198.51.100.1, 10.1.1.1"]), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["192.0.2.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn garbage_is_nobodys_address() {
        assert_eq!(seen("127.0.0.1", &["198.51.100.1, garbage"]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["garbage, 10.1.1.1"]), "10.1.1.1");
        assert_eq!(seen("127.0.0.1", &[""]), "127.0.0.1");
    }

    #[test]
    fn neighbours_share_a_block() {
        assert_eq!(address_block("203.0.113.9".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(address_block("::ffff:203.0.113.9".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(address_block("2001:db8:1:2ff::1".parse().unwrap()), "2001:db8:1:200::/56");
    }
}
