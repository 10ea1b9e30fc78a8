//! TLS as a witness: the certificate is verified like any browser would, and kept as evidence even when it fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What a server's certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateEvidence {
    /// Distinguished name of the subject (RFC 4514); often only `CN=…`.
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// DNS names that the certificate is for, the first 20.
    pub names: Vec<String>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
}

/// What is wrong with a server's certificate or with the handshake.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TlsFault {
    /// The end of validity has passed.
    #[error("its certificate has expired")]
    Expired,
    /// The start of validity is still to come.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// Issued for other names.
    #[error("its certificate is for another host")]
    WrongHost,
    /// Self-signed, an unknown authority, or a missing intermediate certificate.
    #[error("its certificate is not from an authority that is trusted here")]
    UnknownIssuer,
    /// Anything else about the certificate.
    #[error("its certificate is not valid")]
    BadCertificate,
    /// The peers found no common version or algorithm, or the other side does not speak TLS.
    #[error("the TLS handshake failed")]
    Handshake,
    /// No trust anchors on this machine: nothing can be verified.
    #[error("this server has no trusted certificate authorities")]
    NoTrustAnchors,
}

/// The certificates of a PEM file, DER each, for [`crate::ScreenerConfig::extra_roots`].
///
/// # Errors
/// A sentence for the operator when the file is not PEM or has no certificate in it.
pub fn certificates_from_pem(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| format!("the file is not in PEM format: {error}"))?;
    if found.is_empty() {
        return Err("the file has no certificate in it; it should begin with -----BEGIN CERTIFICATE-----".to_owned());
    }
    Ok(found.iter().map(|certificate| certificate.to_vec()).collect())
}

/// The certificate authorities that are trusted.
#[derive(Clone, Debug)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
}

impl Trust {
    /// The system's authorities and the operator's own (DER). Unreadable ones are left out, with a log line.
    #[must_use]
    pub fn new(system: bool, extra: &[Vec<u8>]) -> Self {
        let mut roots = RootCertStore::empty();
        if system {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "a certificate authority of the system could not be read");
            }
            roots.add_parsable_certificates(found.certs);
        }
        let (_, unreadable) =
            roots.add_parsable_certificates(extra.iter().map(|der| CertificateDer::from(der.clone())));
        if unreadable > 0 {
            tracing::warn!(unreadable, "configured certificate authorities are not readable and are left out");
        }
        Self { provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()), roots: Arc::new(roots) }
    }

    /// Handshakes on `stream` with the server that should be `name`, judging its certificate as of `now`.
    ///
    /// # Errors
    /// What is wrong, with the certificate if one was shown.
    pub async fn handshake(
        &self,
        stream: TcpStream,
        name: ServerName<'static>,
        now: Timestamp,
    ) -> Result<(TlsStream<TcpStream>, Option<CertificateEvidence>), (TlsFault, Option<CertificateEvidence>)> {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), Arc::clone(&self.provider))
            .build()
            .map_err(|_| (TlsFault::NoTrustAnchors, None))?;
        let witness = Arc::new(Witness { inner, seen: Mutex::new(None) });
        let config = self.config(Arc::clone(&witness), now).map_err(|_| (TlsFault::Handshake, None))?;
        let outcome = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let evidence = witness.take().as_deref().and_then(read_certificate);
        match outcome {
            Ok(stream) => Ok((stream, evidence)),
            Err(error) => Err((classify(&error), evidence)),
        }
    }

    fn config(&self, witness: Arc<Witness>, now: Timestamp) -> Result<ClientConfig, rustls::Error> {
        let mut config = ClientConfig::builder_with_details(Arc::clone(&self.provider), Arc::new(AsOf::new(now)))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(witness)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session shows no certificate.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }
}

fn classify(error: &std::io::Error) -> TlsFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(fault)) = inner else {
        return TlsFault::Handshake;
    };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFault::WrongHost,
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        _ => TlsFault::BadCertificate,
    }
}

/// Passes every question on to the real verifier and keeps the certificate that was shown.
#[derive(Debug)]
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Vec<u8>>>,
}

impl Witness {
    fn take(&self) -> Option<Vec<u8>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Certificates are judged at the time of the screening, which is a parameter.
#[derive(Debug)]
struct AsOf(UnixTime);

impl AsOf {
    fn new(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        Self(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl TimeProvider for AsOf {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

fn read_certificate(der: &[u8]) -> Option<CertificateEvidence> {
    const NAMES: usize = 20;
    let certificate = x509_cert::Certificate::from_der(der).ok()?.tbs_certificate;
    let time = |time: x509_cert::time::Time| {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
        Timestamp::from_second(seconds).ok()
    };
    let names = match certificate.get::<SubjectAltName>() {
        Ok(Some((_, SubjectAltName(names)))) => names,
        _ => Vec::new(),
    };
    let names = names.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(clip(name.as_str())),
        _ => None,
    });
    Some(CertificateEvidence {
        subject: clip(&certificate.subject.to_string()),
        issuer: clip(&certificate.issuer.to_string()),
        names: names.take(NAMES).collect(),
        not_before: time(certificate.validity.not_before)?,
        not_after: time(certificate.validity.not_after)?,
    })
}

fn clip(text: &str) -> String {
    text.chars().take(256).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn garbage_is_no_certificate(der: Vec<u8>) {
            prop_assert_eq!(read_certificate(&der), None);
            prop_assert!(certificates_from_pem(&der).is_err());
        }
    }

    #[test]
    fn a_pem_file_has_certificates() {
        let pem = b"# our own\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates_from_pem(pem), Ok(vec![vec![1, 2, 3]]));
        assert!(certificates_from_pem(b"-----BEGIN CERTIFICATE-----\n!").is_err());
        assert!(certificates_from_pem(b"nothing").is_err_and(|told| told.contains("no certificate")));
    }
}
