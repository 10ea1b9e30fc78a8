//! Everything that can go wrong with a fetch, in words for the developer whose URL it was.

use thiserror::Error;

use super::address::Refusal;
use super::tls::TlsFault;
use crate::report::Severity;

/// The steps of a fetch that have a time limit of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking up the name.
    Resolve,
    /// Opening the connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Waiting for status and headers.
    Answer,
    /// Waiting for the next piece of the body.
    Body,
    /// The fetch, or the whole screening, as one.
    Whole,
}

/// Why a fetch gave no usable answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// Screening was told to stay off the network.
    #[error("this server screens without network access")]
    Offline,
    /// Not a URL that can be fetched.
    #[error("it is not an http or https URL with a host")]
    Malformed,
    /// The host has an address that must not be dialled.
    #[error("{}", forbidden(.host, *.refusal))]
    Forbidden {
        /// The host of this hop.
        host: String,
        /// What kind of address; the address itself is not told, it may be known inside only.
        refusal: Refusal,
    },
    /// No such name.
    #[error("its host name does not exist")]
    NoSuchHost,
    /// More addresses than a site has.
    #[error("its host name has too many addresses")]
    TooManyAddresses,
    /// The resolver gave no answer about the name.
    #[error("the host name could not be looked up just now")]
    ResolverUnavailable,
    /// The connection was refused.
    #[error("its server refused the connection")]
    Refused,
    /// No connection for another reason on the other side.
    #[error("its server could not be reached")]
    Unreachable,
    /// No route from here.
    #[error("this server has no route to it")]
    NoRoute,
    /// The certificate or the handshake.
    #[error("{0}")]
    Tls(TlsFault),
    /// Nothing can be verified here.
    #[error("this server has no trusted certificate authorities to verify it with")]
    NoTrustAnchors,
    /// The answer is not HTTP, is cut short, or has headers beyond the bounds.
    #[error("its server did not send a proper HTTP answer")]
    BadAnswer,
    /// A redirect to nowhere.
    #[error("it redirects to something that is not an http or https URL")]
    BadRedirect,
    /// More redirects than are followed.
    #[error("it redirects more than {0} times")]
    TooManyRedirects(u8),
    /// The answer is larger than anything of its kind needs to be.
    #[error("its answer is larger than {0} bytes")]
    TooLarge(usize),
    /// A step took too long.
    #[error("{}", late(*.0))]
    Late(Step),
    /// Too many other fetches at once, for too long.
    #[error("this server was too busy to fetch it")]
    Busy,
    /// The deadline of the whole screening came first.
    #[error("the time for the whole screening ran out first")]
    OutOfTime,
}

fn forbidden(host: &str, refusal: Refusal) -> String {
    match refusal {
        Refusal::Port => format!("it leads to a port of '{host}' that no web site uses"),
        Refusal::ClosedByOperator => format!("'{host}' leads to an address that this server's operator has closed"),
        inner => format!("'{host}' leads to {inner}, which is not on the public Internet"),
    }
}

fn late(step: Step) -> &'static str {
    match step {
        Step::Resolve => "looking up its host name took too long",
        Step::Connect => "its server did not accept the connection in time",
        Step::Tls => "its server did not finish the TLS handshake in time",
        Step::Answer => "its server did not answer in time",
        Step::Body => "its server stopped sending in the middle of the answer",
        Step::Whole => "its server took too long to send the whole answer",
    }
}

impl Fault {
    /// What the fault says of the URL: `Invalid` when it is the site's, `NotChecked` when it is ours.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Offline
            | Self::ResolverUnavailable
            | Self::NoRoute
            | Self::NoTrustAnchors
            | Self::Busy
            | Self::OutOfTime
            | Self::Late(Step::Resolve) => Severity::NotChecked,
            _ => Severity::Invalid,
        }
    }

    /// What the developer can do.
    #[must_use]
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Offline => "Nothing to do: a reviewer will look at it by hand.",
            Self::ResolverUnavailable | Self::NoRoute | Self::Busy | Self::OutOfTime | Self::Late(Step::Resolve) => {
                "Check again in a few minutes; if it stays like this, ask the operator of this server."
            }
            Self::NoTrustAnchors => {
                "Ask the operator to install the system's certificate authorities (ca-certificates)."
            }
            Self::Malformed => "Give a full URL that begins with https:// and has a host name.",
            Self::Forbidden { refusal: Refusal::Port, .. } => "Serve it on the usual port for https, 443.",
            Self::Forbidden { .. } => {
                "Use a host that everyone on the Internet can reach, and redirect to such hosts only."
            }
            Self::NoSuchHost => "Check the spelling, or set up DNS for the host.",
            Self::TooManyAddresses => "Give the host name fewer DNS addresses.",
            Self::Refused | Self::Unreachable => "Start the web server and open it to the Internet.",
            Self::Tls(TlsFault::Expired) => "Renew the certificate.",
            Self::Tls(TlsFault::NotYetValid) => "Install a certificate that is valid now.",
            Self::Tls(TlsFault::WrongHost) => "Install a certificate that names this host.",
            Self::Tls(TlsFault::UnknownIssuer) => {
                "Install a certificate from a public authority, together with its intermediate certificates."
            }
            Self::Tls(_) => "Set up https with TLS 1.2 or 1.3 and a valid certificate.",
            Self::BadAnswer => "Make the server answer with HTTP/1.1 and headers of less than 64 kB.",
            Self::BadRedirect | Self::TooManyRedirects(_) => "Give the URL that the redirects should end at.",
            Self::TooLarge(_) => "Make the answer smaller.",
            Self::Late(_) => "Make the page answer within a few seconds.",
        }
    }
}
