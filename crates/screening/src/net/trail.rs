//! The evidence of a fetch.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::tls::CertificateEvidence;

/// What happened on the wire, hop by hop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchEvidence {
    /// `GET` or `HEAD`.
    pub method: String,
    /// Each request in order; the last one gave the answer below, or failed.
    pub hops: Vec<Hop>,
    /// Final HTTP status.
    pub status: Option<u16>,
    /// `Content-Type` as declared.
    pub content_type: Option<String>,
    /// `Content-Encoding` as declared, though none was asked for; such a body is never decoded.
    pub content_encoding: Option<String>,
    /// `Content-Length` as declared.
    pub declared_bytes: Option<u64>,
    /// Bytes of the body that were read.
    pub bytes: u64,
    /// Whether reading stopped at the size limit.
    pub cut: bool,
    /// SHA-256 of what was read, in hex.
    pub sha256: Option<String>,
    /// Time from start to end, milliseconds.
    pub milliseconds: u64,
}

impl FetchEvidence {
    /// Whether some hop went from https to http.
    #[must_use]
    pub fn downgrades(&self) -> bool {
        let secure = |hop: &Hop| hop.url.starts_with("https:");
        self.hops.windows(2).any(|pair| matches!(pair, [from, to] if secure(from) && !secure(to)))
    }
}

/// One request of a fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// What was asked for.
    pub url: String,
    /// The address that was dialled, once connected.
    pub peer: Option<SocketAddr>,
    /// The certificate that was shown, even when it was refused.
    pub certificate: Option<CertificateEvidence>,
    /// HTTP status of this hop.
    pub status: Option<u16>,
    /// `Location` of a redirect, as sent.
    pub location: Option<String>,
}
