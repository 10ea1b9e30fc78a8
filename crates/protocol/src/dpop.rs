//! DPoP: a proof, with each request, that the client holds the private key which its tokens are bound to (RFC 9449).
//!
//! [`Proof::read`] checks form and signature (section 4.3, steps 2 to 7), [`Proof::check`] what the proof is about (8, 9 and
//! 11), [`Proof::covers`] whether it goes with an access token (12). Whoever calls compares the key, and makes sure that the
//! [`Proof::id`] is seen once for as long as the proof is young.

use serde::Deserialize;
use url::Url;

use crate::fault::{self, Fault};
use crate::jwt::{JwtFault, PresentedJwt, Thumbprint};
use crate::secret::{Sha256Digest, base64url_encode};

/// How old a proof may be, in seconds.
pub const MAX_AGE: i64 = 120;

/// How far ahead the client's clock may be, in seconds.
pub const CLOCK_SKEW: i64 = 60;

/// The longest `jti`.
const MAX_ID: usize = 512;

/// A proof that the key it brings has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The key.
    pub key: Thumbprint,
    /// Stands for key, target and `jti`: may be seen once.
    pub id: Sha256Digest,
    issued_at: i64,
    method: String,
    url: String,
    token_hash: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: serde_json::Number,
    ath: Option<String>,
}

impl Proof {
    /// Reads a `DPoP` header.
    ///
    /// # Errors
    /// It is no proof, or its key did not sign it.
    pub fn read(text: &str) -> Result<Self, &'static Fault> {
        let malformed = |_| &fault::DPOP_PROOF_MALFORMED;
        let jwt = PresentedJwt::read(text).map_err(malformed)?;
        if jwt.typ() != Some("dpop+jwt") {
            return Err(&fault::DPOP_PROOF_MALFORMED);
        }
        let algorithm = jwt.algorithm().ok_or(&fault::DPOP_PROOF_MALFORMED)?;
        let material = jwt.key().map_err(malformed)?;
        let claims: Claims = jwt.verify(&material, algorithm).map_err(|error| match error {
            JwtFault::BadSignature | JwtFault::WrongAlgorithm => &fault::DPOP_PROOF_SIGNATURE,
            _ => &fault::DPOP_PROOF_MALFORMED,
        })?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_ID {
            return Err(&fault::DPOP_PROOF_MALFORMED);
        }
        let key = material.checked_thumbprint().map_err(malformed)?;
        Ok(Self {
            id: id_of(&key, &claims),
            key,
            issued_at: seconds(&claims.iat).ok_or(&fault::DPOP_PROOF_MALFORMED)?,
            method: claims.htm,
            url: claims.htu,
            token_hash: claims.ath,
        })
    }

    /// Checks that the proof is about this request, and young. `url` is the request's, without query; `now` is in
    /// milliseconds.
    ///
    /// # Errors
    /// It is about another one, or too old, or made in the future.
    pub fn check(&self, method: &str, url: &str, now: i64) -> Result<(), &'static Fault> {
        if self.method != method || !same_target(&self.url, url) {
            return Err(&fault::DPOP_PROOF_TARGET);
        }
        let now = now.div_euclid(1000);
        let young = now < self.until() && self.issued_at <= now.saturating_add(CLOCK_SKEW);
        if young { Ok(()) } else { Err(&fault::DPOP_PROOF_STALE) }
    }

    /// The second from which on nobody takes the proof any more.
    pub const fn until(&self) -> i64 {
        self.issued_at.saturating_add(MAX_AGE)
    }

    /// Whether the proof was made for this access token.
    pub fn covers(&self, access_token: &str) -> bool {
        let hash = base64url_encode(Sha256Digest::of(access_token.as_bytes()).as_bytes());
        self.token_hash.as_ref() == Some(&hash)
    }
}

fn id_of(key: &Thumbprint, claims: &Claims) -> Sha256Digest {
    let mut id = b"dpop".to_vec();
    for part in [key.as_bytes().as_slice(), claims.htu.as_bytes(), claims.jti.as_bytes()] {
        id.extend_from_slice(&(part.len() as u64).to_be_bytes());
        id.extend_from_slice(part);
    }
    Sha256Digest::of(&id)
}

/// RFC 9449 4.3: compared without query and fragment, after the normalisation of RFC 3986 6.2.2 and 6.2.3.
fn same_target(proven: &str, asked: &str) -> bool {
    let read = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    match (read(proven), read(asked)) {
        (Some(proven), Some(asked)) => proven == asked,
        _ => false,
    }
}

/// A NumericDate (RFC 7519 2) may have a fraction.
fn seconds(number: &serde_json::Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and no such time passes the checks")]
    number.as_i64().or_else(|| number.as_f64().map(|float| float.floor() as i64))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jwt::ClientAlgorithm;
    use crate::jwt::testing::ClientSigner;

    const NOW: i64 = 1_800_000_000;
    const URL: &str = "https://meet.example/api/oauth2/v2/token";

    fn claims() -> Value {
        json!({"jti": "one", "htm": "POST", "htu": URL, "iat": NOW})
    }

    fn but(name: &str, value: Value) -> Value {
        let mut claims = claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        claims
    }

    fn header(signer: &ClientSigner) -> Value {
        json!({"typ": "dpop+jwt", "alg": signer.algorithm.as_str(), "jwk": signer.jwk()})
    }

    fn judge(text: &str) -> Result<Proof, &'static str> {
        let proof = Proof::read(text).map_err(|fault| fault.code)?;
        proof.check("POST", URL, NOW * 1000).map_err(|fault| fault.code)?;
        Ok(proof)
    }

    #[test]
    fn a_proof_of_every_algorithm_names_its_key() {
        for algorithm in ClientAlgorithm::ALL {
            let signer = ClientSigner::new(*algorithm);
            let proof = judge(&signer.sign(&header(&signer), &claims())).unwrap();
            assert_eq!(proof.key, signer.material.checked_thumbprint().unwrap());
            let again = judge(&signer.sign(&header(&signer), &but("iat", json!(NOW - 1)))).unwrap();
            assert_eq!(again.id, proof.id, "the same jti for the same target");
            assert_ne!(judge(&signer.sign(&header(&signer), &but("jti", json!("two")))).unwrap().id, proof.id);
        }
    }

    /// RFC 9449 4.1: its example, which was made at 1562262616 for `POST https://server.example.com/token`.
    #[test]
    fn the_proof_of_the_rfc_is_read() {
        let text = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0\
            RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.e\
            yJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxN\
            TYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
        let proof = Proof::read(&text.replace(char::is_whitespace, "")).unwrap();
        assert_eq!(proof.key.to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert!(proof.check("POST", "https://server.example.com/token", 1_562_262_616_000).is_ok());
    }

    #[test]
    fn every_claim_is_checked() {
        let signer = ClientSigner::new(ClientAlgorithm::Es256);
        #[rustfmt::skip]
        let table: &[(&str, Value, &str)] = &[
            ("htm", json!("GET"), "dpop_proof_target"),
            ("htm", json!("post"), "dpop_proof_target"),
            ("htm", Value::Null, "dpop_proof_malformed"),
            ("htu", json!(format!("{URL}?x=1#y")), ""),
            ("htu", json!("HTTPS://MEET.example:443/api/./oauth2/v2/token"), ""),
            ("htu", json!("https://meet.example/api/oauth2/v2/token/"), "dpop_proof_target"),
            ("htu", json!("https://meet.example.evil.example/api/oauth2/v2/token"), "dpop_proof_target"),
            ("htu", json!("https://user@meet.example/api/oauth2/v2/token"), "dpop_proof_target"),
            ("htu", json!("http://meet.example/api/oauth2/v2/token"), "dpop_proof_target"),
            ("htu", json!("/api/oauth2/v2/token"), "dpop_proof_target"),
            ("htu", Value::Null, "dpop_proof_malformed"),
            ("iat", json!(NOW - 119), ""),
            ("iat", json!(NOW - 120), "dpop_proof_stale"),
            ("iat", json!(NOW + 60), ""),
            ("iat", json!(NOW + 61), "dpop_proof_stale"),
            ("iat", json!(1_800_000_000.9), ""),
            ("iat", json!("1800000000"), "dpop_proof_malformed"),
            ("iat", Value::Null, "dpop_proof_malformed"),
            ("jti", json!(""), "dpop_proof_malformed"),
            ("jti", Value::Null, "dpop_proof_malformed"),
            ("jti", json!("x".repeat(513)), "dpop_proof_malformed"),
        ];
        for (name, value, expected) in table {
            let text = signer.sign(&header(&signer), &but(name, value.clone()));
            assert_eq!(judge(&text).err().unwrap_or_default(), *expected, "{name} {value}");
        }
    }

    #[test]
    fn the_key_that_comes_along_must_have_signed_and_must_be_public() {
        let (signer, other) = (ClientSigner::new(ClientAlgorithm::Es256), ClientSigner::new(ClientAlgorithm::Es256));
        let with = |name: &str, value: Value| {
            let mut header = header(&signer);
            header[name] = value;
            Proof::read(&signer.sign(&header, &claims())).err().map(|fault| fault.code)
        };
        assert_eq!(with("jwk", other.jwk()), Some("dpop_proof_signature"));
        assert_eq!(with("jwk", json!({"kty": "oct", "k": "AAAA"})), Some("dpop_proof_malformed"));
        assert_eq!(with("jwk", Value::Null), Some("dpop_proof_malformed"));
        let mut private = signer.jwk();
        private["d"] = json!("AAAA");
        assert_eq!(with("jwk", private), Some("dpop_proof_malformed"));
        for alg in ["none", "HS256", "ES384"] {
            assert_eq!(with("alg", json!(alg)), Some("dpop_proof_malformed"), "{alg}");
        }
        assert_eq!(with("alg", json!("RS256")), Some("dpop_proof_signature"), "an alg that does not fit the key");
        for typ in [json!("JWT"), json!("DPOP+JWT"), json!("at+jwt"), Value::Null] {
            assert_eq!(with("typ", typ.clone()), Some("dpop_proof_malformed"), "{typ}");
        }
        assert_eq!(with("crit", json!(["x"])), Some("dpop_proof_malformed"));
    }

    #[test]
    fn a_proof_goes_with_one_access_token() {
        let signer = ClientSigner::new(ClientAlgorithm::EdDsa);
        let covers = |ath: Value| judge(&signer.sign(&header(&signer), &but("ath", ath))).unwrap().covers("token");
        let hash = base64url_encode(Sha256Digest::of(b"token").as_bytes());
        assert!(covers(json!(hash)));
        assert!(!covers(json!(format!("{hash}="))) && !covers(json!("")) && !covers(Value::Null));
    }
}
