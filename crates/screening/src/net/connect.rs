//! From a URL to an open connection: resolve, check every address, dial a checked one.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use url::{Host, Url};

use super::fault::{Fault, Step};
use super::fetch::{Fetcher, within};
use super::resolve::ResolveError;
use super::tls::{CertificateEvidence, TlsFault};
use crate::host;

/// Addresses of one host that are tried, one after the other.
const TRIES: usize = 4;
/// Addresses of one host that are looked at; a host with more is refused.
const ADDRESSES: usize = 64;

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What became of one attempt to connect; filled in as far as it got.
#[derive(Default)]
pub(super) struct Contact {
    pub(super) peer: Option<SocketAddr>,
    pub(super) certificate: Option<CertificateEvidence>,
}

/// Opens a connection to the host of `url`, with TLS for https.
pub(super) async fn connect(
    fetcher: &Fetcher,
    url: &Url,
    deadline: Instant,
    now: Timestamp,
    contact: &mut Contact,
) -> Result<Box<dyn Stream>, Fault> {
    let port = url.port_or_known_default().ok_or(Fault::Malformed)?;
    let addresses = checked_addresses(fetcher, url, port, deadline).await?;
    let tcp = dial(fetcher, &addresses, port, deadline).await?;
    contact.peer = tcp.peer_addr().ok();
    if url.scheme() != "https" {
        return Ok(Box::new(tcp));
    }
    let name = server_name(url)?;
    let limit = fetcher.limits().connect;
    let outcome = within(deadline, limit, Step::Tls, fetcher.trust().handshake(tcp, name, now)).await?;
    match outcome {
        Ok((stream, certificate)) => {
            contact.certificate = certificate;
            Ok(Box::new(stream))
        }
        Err((fault, certificate)) => {
            contact.certificate = certificate;
            Err(match fault {
                TlsFault::NoTrustAnchors => Fault::NoTrustAnchors,
                fault => Fault::Tls(fault),
            })
        }
    }
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Fault> {
    match url.host().ok_or(Fault::Malformed)? {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_owned();
            ServerName::try_from(name).map_err(|_| Fault::Malformed)
        }
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(address))),
    }
}

/// The addresses to dial. One that is forbidden condemns the host: a public name has no business there, and an
/// answer that mixes both is how a name is made to change its meaning between check and use.
async fn checked_addresses(fetcher: &Fetcher, url: &Url, port: u16, deadline: Instant) -> Result<Vec<IpAddr>, Fault> {
    let name = host::key_of(url).ok_or(Fault::Malformed)?;
    let found = match url.host().ok_or(Fault::Malformed)? {
        Host::Ipv4(address) => vec![IpAddr::V4(address)],
        Host::Ipv6(address) => vec![IpAddr::V6(address)],
        Host::Domain(_) => {
            let asked = fetcher.resolver().resolve(&name);
            match within(deadline, fetcher.limits().resolve, Step::Resolve, asked).await? {
                Ok(found) => found,
                Err(ResolveError::NoSuchHost) => return Err(Fault::NoSuchHost),
                Err(ResolveError::Unavailable(why)) => {
                    tracing::debug!(host = %name, why, "name resolution failed");
                    return Err(Fault::ResolverUnavailable);
                }
            }
        }
    };
    if found.is_empty() {
        return Err(Fault::NoSuchHost);
    }
    if found.len() > ADDRESSES {
        return Err(Fault::TooManyAddresses);
    }
    let check = |address: &IpAddr| {
        fetcher
            .policy()
            .check(&name, port, *address)
            .map_err(|refusal| Fault::Forbidden { host: name.clone(), refusal })
    };
    found.iter().map(check).collect()
}

async fn dial(fetcher: &Fetcher, addresses: &[IpAddr], port: u16, deadline: Instant) -> Result<TcpStream, Fault> {
    let mut last = Fault::Unreachable;
    for address in addresses.iter().take(TRIES) {
        let attempt = TcpStream::connect(SocketAddr::new(*address, port));
        match within(deadline, fetcher.limits().connect, Step::Connect, attempt).await {
            Ok(Ok(stream)) => return Ok(stream),
            // A real answer from one address says more than a missing route to another (IPv6 on many machines).
            Ok(Err(error)) if is_our_side(error.kind()) && last != Fault::Unreachable => {}
            Ok(Err(error)) if is_our_side(error.kind()) => last = Fault::NoRoute,
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => last = Fault::Refused,
            Ok(Err(_)) => last = Fault::Unreachable,
            Err(fault) => last = fault,
        }
    }
    Err(last)
}

/// Errors that are about this machine's network, not about the site.
fn is_our_side(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied
    )
}
