//! `private_key_jwt`: a client says who it is with a JWT that it signed (RFC 7523 3, OpenID Connect Core 9).
//!
//! 1. [`ClientAssertion::read`] reads the form and whom it claims to be, so that the app's keys can be looked up.
//! 2. [`ClientAssertion::verify`] checks the signature with a key of that app, by that key's algorithm, and then every claim.
//! 3. Whoever calls makes sure that the [`Proven::id`] is used once, until [`Proven::until`].

use serde::{Deserialize, Deserializer};

use crate::fault::{self, Fault};
use crate::jwt::{Audience, ClientKey, PresentedJwt};
use crate::secret::{Secret, Sha256Digest};

/// The only `client_assertion_type` (RFC 7523 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead `exp` may be, in seconds.
pub const MAX_LIFETIME: i64 = 5 * 60;

/// How far the client's clock may be off, in seconds.
pub const CLOCK_SKEW: i64 = 60;

/// The longest `jti`.
const MAX_ID: usize = 512;

/// An assertion whose form is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAssertion {
    text: Secret,
    client_id: String,
}

/// An assertion that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Stands for client and `jti`: may be seen once.
    pub id: Sha256Digest,
    /// The second from which on nobody takes the assertion any more.
    pub until: i64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(default, deserialize_with = "maybe_seconds")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "maybe_seconds")]
    iat: Option<i64>,
    jti: String,
}

#[derive(Deserialize)]
struct Subject {
    sub: String,
}

impl ClientAssertion {
    /// Reads an assertion's form and the client that it claims to be.
    ///
    /// # Errors
    /// It is no JWT, or names nobody.
    pub fn read(text: &str) -> Result<Self, &'static Fault> {
        let malformed = |_| &fault::ASSERTION_MALFORMED;
        let jwt = PresentedJwt::read(text).map_err(malformed)?;
        // RFC 8725 3.11: a JWT that was made to be something else is not taken for an assertion.
        let is_assertion = jwt
            .typ()
            .is_none_or(|typ| typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("client-authentication+jwt"));
        let Subject { sub } = jwt.unverified_claims().map_err(malformed)?;
        if is_assertion {
            Ok(Self { text: Secret::new(text), client_id: sub })
        } else {
            Err(&fault::ASSERTION_MALFORMED)
        }
    }

    /// Whom it claims to be. Nobody has vouched for it.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The key among `keys` that the header names: by its `kid`, or the only one there is.
    ///
    /// # Errors
    /// There is no such key.
    pub fn choose<'k, K>(&self, keys: &'k [K], key_of: impl Fn(&K) -> &ClientKey) -> Result<&'k K, &'static Fault> {
        let jwt = PresentedJwt::read(self.text.expose()).map_err(|_| &fault::ASSERTION_MALFORMED)?;
        let found = match (jwt.kid(), keys) {
            (Some(kid), keys) => keys.iter().find(|key| key_of(key).kid == kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        found.ok_or(&fault::ASSERTION_WRONG)
    }

    /// Checks signature and claims. `audiences` are the names of this server that an assertion may be for; `now` is in
    /// milliseconds.
    ///
    /// # Errors
    /// The first fault; about the claims only once the signature is right.
    pub fn verify(&self, key: &ClientKey, audiences: &[&str], now: i64) -> Result<Proven, &'static Fault> {
        let jwt = PresentedJwt::read(self.text.expose()).map_err(|_| &fault::ASSERTION_MALFORMED)?;
        let claims: Claims = jwt.verify(&key.material, key.algorithm).map_err(|error| match error {
            crate::jwt::JwtFault::MalformedClaims => &fault::ASSERTION_MALFORMED,
            _ => &fault::ASSERTION_WRONG,
        })?;
        check_claims(&claims, audiences, now.div_euclid(1000))?;
        let mut id = Vec::with_capacity(claims.sub.len() + claims.jti.len() + 32);
        for part in ["client_assertion", &claims.sub, &claims.jti] {
            id.extend_from_slice(&(part.len() as u64).to_be_bytes());
            id.extend_from_slice(part.as_bytes());
        }
        Ok(Proven { id: Sha256Digest::of(&id), until: claims.exp.saturating_add(CLOCK_SKEW) })
    }
}

/// RFC 7523 3. `now` is in seconds.
fn check_claims(claims: &Claims, audiences: &[&str], now: i64) -> Result<(), &'static Fault> {
    if claims.iss != claims.sub {
        return Err(&fault::ASSERTION_SUBJECT);
    }
    // An audience beside us could use the assertion to pass for the client here.
    let ours = |audience: &str| audiences.contains(&audience);
    let all_ours = match &claims.aud {
        Audience::One(one) => ours(one),
        Audience::Many(many) => !many.is_empty() && many.iter().all(|one| ours(one)),
    };
    if !all_ours {
        return Err(&fault::ASSERTION_AUDIENCE);
    }
    let is_early = |at: Option<i64>| at.is_some_and(|at| at > now.saturating_add(CLOCK_SKEW));
    if now >= claims.exp.saturating_add(CLOCK_SKEW) || is_early(claims.nbf) || is_early(claims.iat) {
        return Err(&fault::ASSERTION_EXPIRED);
    }
    if claims.exp > now.saturating_add(MAX_LIFETIME + CLOCK_SKEW) {
        return Err(&fault::ASSERTION_LIFETIME);
    }
    if claims.jti.is_empty() || claims.jti.len() > MAX_ID {
        return Err(&fault::ASSERTION_MALFORMED);
    }
    Ok(())
}

/// RFC 7519 2: a NumericDate may have a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and no such time passes the checks")]
    let whole = number.as_i64().or_else(|| number.as_f64().map(|float| float.floor() as i64));
    whole.ok_or_else(|| serde::de::Error::custom("not a time"))
}

fn maybe_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jwt::testing::ClientSigner;
    use crate::jwt::{ClientAlgorithm, ClientKey};

    const NOW: i64 = 1_800_000_000;
    const AUDIENCES: &[&str] = &["https://meet.example", "https://meet.example/api/oauth2/v2/token"];

    fn claims() -> Value {
        json!({"iss": "c1", "sub": "c1", "aud": AUDIENCES[0], "exp": NOW + 60, "jti": "one"})
    }

    fn but(name: &str, value: Value) -> Value {
        let mut claims = claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        claims
    }

    fn judge(text: &str, key: &ClientKey) -> Result<Proven, &'static str> {
        let assertion = ClientAssertion::read(text).map_err(|fault| fault.code)?;
        let key = assertion.choose(std::slice::from_ref(key), |key| key).map_err(|fault| fault.code)?;
        assertion.verify(key, AUDIENCES, NOW * 1000).map_err(|fault| fault.code)
    }

    #[test]
    fn an_assertion_of_every_algorithm_is_believed() {
        for algorithm in ClientAlgorithm::ALL {
            let signer = ClientSigner::new(*algorithm);
            let key = signer.key("k");
            let text = signer.sign(&json!({"alg": algorithm.as_str(), "kid": "k", "typ": "JWT"}), &claims());
            assert_eq!(ClientAssertion::read(&text).unwrap().client_id(), "c1");
            let proven = judge(&text, &key).unwrap();
            assert_eq!(proven.until, NOW + 120);
            let again = signer.sign(&json!({"alg": algorithm.as_str()}), &claims());
            assert_eq!(judge(&again, &key), Ok(proven.clone()), "the same jti, whatever the header");
            let other = signer.sign(&json!({"alg": algorithm.as_str()}), &but("jti", json!("two")));
            assert_ne!(judge(&other, &key).unwrap(), proven);
        }
    }

    /// RFC 7523 3, claim by claim.
    #[test]
    fn every_claim_is_checked() {
        let signer = ClientSigner::new(ClientAlgorithm::Es256);
        let key = signer.key("k");
        let issuer = AUDIENCES[0];
        #[rustfmt::skip]
        let table: &[(&str, Value, &str)] = &[
            ("iss", json!("c2"), "assertion_subject"),
            ("iss", Value::Null, "assertion_malformed"),
            ("sub", Value::Null, "assertion_malformed"),
            ("aud", Value::Null, "assertion_malformed"),
            ("aud", json!(AUDIENCES[1]), ""),
            ("aud", json!([issuer]), ""),
            ("aud", json!([issuer, AUDIENCES[1]]), ""),
            ("aud", json!([issuer, "https://other.example"]), "assertion_audience"),
            ("aud", json!([]), "assertion_audience"),
            ("aud", json!("https://meet.example/"), "assertion_audience"),
            ("aud", json!("https://meet.example.evil.example"), "assertion_audience"),
            ("exp", Value::Null, "assertion_malformed"),
            ("exp", json!("1800000060"), "assertion_malformed"),
            ("exp", json!(NOW - 59), ""),
            ("exp", json!(NOW - 60), "assertion_expired"),
            ("exp", json!(1_800_000_060.5), ""),
            ("exp", json!(NOW + 360), ""),
            ("exp", json!(NOW + 361), "assertion_lifetime"),
            ("exp", json!(1e300), "assertion_lifetime"),
            ("exp", json!(-1e300), "assertion_expired"),
            ("nbf", json!(NOW + 60), ""),
            ("nbf", json!(NOW + 61), "assertion_expired"),
            ("iat", json!(NOW + 61), "assertion_expired"),
            ("iat", json!(NOW - 10_000), ""),
            ("jti", Value::Null, "assertion_malformed"),
            ("jti", json!(""), "assertion_malformed"),
            ("jti", json!(7), "assertion_malformed"),
            ("jti", json!("x".repeat(513)), "assertion_malformed"),
        ];
        for (name, value, expected) in table {
            let text = signer.sign(&json!({"alg": "ES256", "kid": "k"}), &but(name, value.clone()));
            assert_eq!(judge(&text, &key).err().unwrap_or_default(), *expected, "{name} {value}");
        }
    }

    #[test]
    fn the_algorithm_is_the_keys_and_the_key_is_the_apps() {
        let rsa = ClientSigner::new(ClientAlgorithm::Rs256);
        let key = rsa.key("k");
        let header = |alg: &str| json!({"alg": alg, "kid": "k"});
        assert!(judge(&rsa.sign(&header("RS256"), &claims()), &key).is_ok());
        let pss = ClientSigner { algorithm: ClientAlgorithm::Ps256, ..rsa };
        assert_eq!(judge(&pss.sign(&header("PS256"), &claims()), &key), Err("assertion_wrong"), "another padding");
        for alg in ["none", "HS256", "ES256", "RS512", "rs256"] {
            assert_eq!(judge(&pss.sign(&header(alg), &claims()), &key), Err("assertion_wrong"), "{alg}");
        }
        let stranger = ClientSigner::new(ClientAlgorithm::Es256);
        let own = ClientSigner::new(ClientAlgorithm::Es256);
        let text = stranger.sign(&json!({"alg": "ES256", "kid": "k", "jwk": stranger.jwk()}), &claims());
        assert_eq!(judge(&text, &own.key("k")), Err("assertion_wrong"), "a key that comes along is nobody's");
        assert_eq!(judge(&own.sign(&header("ES256"), &claims()), &own.key("other")), Err("assertion_wrong"));
        let [a, b] = [own.key("a"), own.key("b")];
        let unnamed = ClientAssertion::read(&own.sign(&json!({"alg": "ES256"}), &claims())).unwrap();
        assert_eq!(unnamed.choose(&[a, b], |key| key), Err(&fault::ASSERTION_WRONG), "one of two must be named");
    }

    #[test]
    fn what_was_made_to_be_something_else_is_no_assertion() {
        let signer = ClientSigner::new(ClientAlgorithm::EdDsa);
        for typ in ["at+jwt", "dpop+jwt", "logout+jwt", ""] {
            let text = signer.sign(&json!({"alg": "EdDSA", "typ": typ}), &claims());
            assert_eq!(ClientAssertion::read(&text), Err(&fault::ASSERTION_MALFORMED), "{typ}");
        }
        let critical = signer.sign(&json!({"alg": "EdDSA", "crit": ["x"]}), &claims());
        for text in ["", "a.b", "a.b.c", "a.b.c.d", &critical, &"x".repeat(10_000)] {
            assert_eq!(ClientAssertion::read(text), Err(&fault::ASSERTION_MALFORMED), "{text}");
        }
    }
}
