use std::sync::LazyLock;

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::scope::ScopeSet;
use crate::secret::{base64url_decode, base64url_encode};

const CLAIMS: &[u8] = br#"{"sub":"u1"}"#;

struct Keys {
    rs256: SigningKey,
    es256: SigningKey,
    eddsa: SigningKey,
    set: KeySet,
}

/// Keys are made once: RSA takes its time.
static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let generate = |algorithm| SigningKey::generate(algorithm).unwrap();
    let (rs256, es256, eddsa) = (generate(Algorithm::Rs256), generate(Algorithm::Es256), generate(Algorithm::EdDsa));
    let set = KeySet::new([&rs256, &es256, &eddsa].map(|key| key.verifying_key().clone()));
    Keys { rs256, es256, eddsa, set }
});

fn each_key() -> [&'static SigningKey; 3] {
    [&KEYS.rs256, &KEYS.es256, &KEYS.eddsa]
}

fn verify(token: &str) -> Result<Vec<u8>, JwtFault> {
    KEYS.set.verify(token, TokenType::AccessToken).map(|verified| verified.claims)
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn part_as_json(part: &str) -> Value {
    serde_json::from_slice(&base64url_decode(part).unwrap()).unwrap()
}

/// Signs under a header of the test's choice, as someone who has the key might.
fn signed_under(key: &SigningKey, header: &Value) -> String {
    let typ = TokenType::AccessToken;
    let own = parts(&key.sign(typ, CLAIMS).unwrap());
    // The signature covers the header, so it has to be made anew: sign a token whose first two parts
    // are the wanted ones, by means of the key's own bytes.
    let signed = format!("{}.{}", base64url_encode(header.to_string().as_bytes()), own[1]);
    let der = key.to_pkcs8().unwrap();
    let signature = sign_raw(key.algorithm(), der.expose(), signed.as_bytes());
    format!("{signed}.{}", base64url_encode(&signature))
}

fn sign_raw(algorithm: Algorithm, der: &[u8], message: &[u8]) -> Vec<u8> {
    use aws_lc_rs::{rand::SystemRandom, signature};
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::Rs256 => {
            let pair = signature::RsaKeyPair::from_pkcs8(der).unwrap();
            let mut out = vec![0; pair.public_modulus_len()];
            pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut out).unwrap();
            out
        }
        Algorithm::Es256 => {
            let pair = signature::EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, der).unwrap();
            pair.sign(&random, message).unwrap().as_ref().to_vec()
        }
        Algorithm::EdDsa => {
            signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).unwrap().sign(message).as_ref().to_vec()
        }
    }
}

#[test]
fn tokens_of_every_algorithm_and_type_verify() {
    for key in each_key() {
        for typ in TokenType::ALL {
            let token = key.sign(*typ, CLAIMS).unwrap();
            let [header, claims, _] = parts(&token);
            assert_eq!(
                part_as_json(&header),
                json!({"alg": key.algorithm().as_str(), "typ": typ.as_str(), "kid": key.kid()})
            );
            assert_eq!(base64url_decode(&claims).unwrap(), CLAIMS);
            let verified = KEYS.set.verify(&token, *typ).unwrap();
            assert_eq!((verified.claims.as_slice(), verified.kid.as_str()), (CLAIMS, key.kid()));
            assert_eq!(token.len(), token.capacity(), "the first allocation must be enough and tight");
        }
    }
}

/// RFC 8725 3.11.
#[test]
fn one_type_never_passes_for_another() {
    for made in TokenType::ALL {
        let token = KEYS.es256.sign(*made, CLAIMS).unwrap();
        for expected in TokenType::ALL {
            let result = KEYS.set.verify(&token, *expected);
            assert_eq!(result.is_ok(), made == expected);
            assert!(made == expected || result == Err(JwtFault::WrongType));
        }
    }
    let header = |typ: Value| json!({"alg": "ES256", "kid": KEYS.es256.kid(), "typ": typ});
    for typ in ["AT+JWT", "application/at+jwt", "at+jwt ", ""] {
        assert_eq!(verify(&signed_under(&KEYS.es256, &header(typ.into()))), Err(JwtFault::WrongType));
    }
    let untyped = json!({"alg": "ES256", "kid": KEYS.es256.kid()});
    assert_eq!(verify(&signed_under(&KEYS.es256, &untyped)), Err(JwtFault::WrongType));
}

#[test]
fn a_header_in_another_spelling_is_read_too() {
    for key in each_key() {
        let header = json!({"typ": "at+jwt", "kid": key.kid(), "alg": key.algorithm().as_str(), "x": [1]});
        assert_eq!(verify(&signed_under(key, &header)), Ok(CLAIMS.to_vec()));
    }
}

/// RFC 8725 2.1 and 3.1: `alg` chooses nothing.
#[test]
fn the_algorithm_belongs_to_the_key() {
    for key in each_key() {
        for alg in ["none", "None", "HS256", "RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA", "eddsa", ""] {
            let header = json!({"alg": alg, "typ": "at+jwt", "kid": key.kid()});
            let expected = match alg == key.algorithm().as_str() {
                true => Ok(CLAIMS.to_vec()),
                false => Err(JwtFault::WrongAlgorithm),
            };
            assert_eq!(verify(&signed_under(key, &header)), expected, "{alg}");
        }
    }
    let [_, claims, _] = parts(&KEYS.rs256.sign(TokenType::AccessToken, CLAIMS).unwrap());
    let none = base64url_encode(json!({"alg": "none", "typ": "at+jwt"}).to_string().as_bytes());
    assert_eq!(verify(&format!("{none}.{claims}.")), Err(JwtFault::UnknownKey));
}

/// The public key as an HMAC secret: the oldest trick.
#[test]
fn a_mac_made_with_the_public_key_is_no_signature() {
    for key in each_key() {
        for alg in ["HS256", key.algorithm().as_str()] {
            let header = json!({"alg": alg, "typ": "at+jwt", "kid": key.kid()}).to_string();
            let signed = format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(CLAIMS));
            let public = serde_json::to_vec(key.verifying_key().jwk()).unwrap();
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), signed.as_bytes());
            assert!(verify(&format!("{signed}.{}", base64url_encode(mac.as_ref()))).is_err());
        }
    }
}

#[test]
fn keys_are_found_by_kid_alone() {
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    assert_eq!(verify(&stranger.sign(TokenType::AccessToken, CLAIMS).unwrap()), Err(JwtFault::UnknownKey));
    let with_kid = |kid: Value| signed_under(&KEYS.es256, &json!({"alg": "ES256", "typ": "at+jwt", "kid": kid}));
    assert_eq!(verify(&with_kid("".into())), Err(JwtFault::UnknownKey));
    assert_eq!(verify(&with_kid(Value::Null)), Err(JwtFault::UnknownKey));
    assert_eq!(verify(&with_kid(7.into())), Err(JwtFault::Malformed));
    // Another's signature under a known kid, and with the stranger's own key offered along.
    let header = json!({
        "alg": "ES256", "typ": "at+jwt", "kid": KEYS.es256.kid(), "jwk": stranger.verifying_key().jwk(),
    });
    assert_eq!(verify(&signed_under(&stranger, &header)), Err(JwtFault::BadSignature));
    assert_eq!(KeySet::default().verify(&with_kid("x".into()), TokenType::AccessToken), Err(JwtFault::UnknownKey));
}

/// RFC 7515 4.1.11.
#[test]
fn critical_extensions_are_refused() {
    for crit in [json!(["b64"]), json!([]), json!(["exp"]), Value::Null, json!("x")] {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": KEYS.eddsa.kid(), "b64": true, "crit": crit});
        assert_eq!(verify(&signed_under(&KEYS.eddsa, &header)), Err(JwtFault::Critical), "{crit}");
    }
}

#[test]
fn headers_are_strict_json() {
    let [_, claims, signature] = parts(&KEYS.eddsa.sign(TokenType::AccessToken, CLAIMS).unwrap());
    let kid = KEYS.eddsa.kid();
    for header in [
        String::new(),
        "{}".into(),
        "[]".into(),
        "null".into(),
        r#"{"alg":"EdDSA""#.into(),
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}} x"#),
        // A member that comes twice (RFC 7515 4: must be refused or the last taken; we refuse).
        format!(r#"{{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"x","kid":"{kid}"}}"#),
    ] {
        let token = format!("{}.{claims}.{signature}", base64url_encode(header.as_bytes()));
        assert_eq!(verify(&token), Err(JwtFault::Malformed), "{header}");
    }
}

#[test]
fn tokens_have_three_parts_of_strict_base64url() {
    for key in each_key() {
        let token = key.sign(TokenType::AccessToken, CLAIMS).unwrap();
        let [header, claims, signature] = parts(&token);
        for bad in [
            String::new(),
            ".".into(),
            "..".into(),
            "...".into(),
            header.clone(),
            format!("{header}.{claims}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.{signature}"),
            format!("{header}..{claims}.{signature}"),
            format!("{token}="),
            format!("{token} "),
            format!(" {token}"),
            format!("{token}\n"),
            format!("{header}=.{claims}.{signature}"),
            format!("{header}.{claims} .{signature}"),
        ] {
            assert!(verify(&bad).is_err(), "{bad}");
        }
        assert_eq!(verify(&format!("{header}.{claims}.")), Err(JwtFault::BadSignature));
        assert!(verify(&format!("{header}..{signature}")).is_err());
    }
}

/// The last character of an unpadded text holds bits that decoding drops: four texts would otherwise
/// be one token.
#[test]
fn stray_bits_are_refused() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for key in each_key() {
        let token = key.sign(TokenType::AccessToken, CLAIMS).unwrap();
        let (all_but_last, last) = token.split_at(token.len() - 1);
        let good: Vec<char> = ALPHABET.chars().filter(|c| verify(&format!("{all_but_last}{c}")).is_ok()).collect();
        assert_eq!(good.iter().collect::<String>(), last);
    }
}

#[test]
fn ecdsa_signatures_have_fixed_length() {
    use aws_lc_rs::{rand::SystemRandom, signature};
    let [header, claims, fixed] = parts(&KEYS.es256.sign(TokenType::AccessToken, CLAIMS).unwrap());
    assert_eq!(base64url_decode(&fixed).unwrap().len(), 64);
    // The same key, the same message, but in DER.
    let der = KEYS.es256.to_pkcs8().unwrap();
    let pair = signature::EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, der.expose()).unwrap();
    let asn1 = pair.sign(&SystemRandom::new(), format!("{header}.{claims}").as_bytes()).unwrap();
    let token = format!("{header}.{claims}.{}", base64url_encode(asn1.as_ref()));
    assert_eq!(verify(&token), Err(JwtFault::BadSignature));
}

#[test]
fn long_tokens_are_not_looked_at() {
    let long = vec![b' '; MAX_TOKEN_LENGTH];
    let token = KEYS.eddsa.sign(TokenType::AccessToken, &long).unwrap();
    assert_eq!(verify(&token), Err(JwtFault::TooLong));
}

#[test]
fn keys_survive_storage() {
    for key in each_key() {
        let stored = key.to_pkcs8().unwrap();
        assert_eq!(format!("{stored:?}"), "[secret]");
        let again = SigningKey::from_pkcs8(key.algorithm(), &stored).unwrap();
        assert_eq!((again.kid(), again.algorithm()), (key.kid(), key.algorithm()));
        assert_eq!(verify(&again.sign(TokenType::AccessToken, CLAIMS).unwrap()), Ok(CLAIMS.to_vec()));
        for other in Algorithm::ALL.iter().filter(|other| **other != key.algorithm()) {
            assert!(matches!(SigningKey::from_pkcs8(*other, &stored), Err(JwtFault::KeyRejected)));
        }
        let cut = Pkcs8::new(stored.expose()[..stored.expose().len() - 1].to_vec());
        assert!(matches!(SigningKey::from_pkcs8(key.algorithm(), &cut), Err(JwtFault::KeyRejected)));
    }
}

#[test]
fn debug_output_shows_no_key() {
    for key in each_key() {
        let shown = format!("{key:?}");
        assert!(shown.starts_with("SigningKey { kid: \"") && shown.len() < 120, "{shown}");
    }
}

#[test]
fn public_keys_survive_the_jwks_document() {
    let document = serde_json::to_value(KEYS.set.jwks()).unwrap();
    assert_eq!(document["keys"].as_array().unwrap().len(), 3);
    for key in document["keys"].as_array().unwrap() {
        assert_eq!(key["use"], "sig");
        let members = key.as_object().unwrap();
        // Nothing private (RFC 7518 6.2.2 and 6.3.2).
        assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|name| !members.contains_key(*name)));
    }
    let set: JwkSet = serde_json::from_value(document).unwrap();
    let copy = KeySet::new(set.keys.iter().map(|jwk| VerifyingKey::from_jwk(jwk).unwrap()));
    for key in each_key() {
        let token = key.sign(TokenType::AccessToken, CLAIMS).unwrap();
        assert!(copy.verify(&token, TokenType::AccessToken).is_ok());
    }
    let rsa = KEYS.set.get(KEYS.rs256.kid()).unwrap();
    let KeyMaterial::Rsa { e, n } = &rsa.jwk().material else { panic!("an RSA key") };
    assert_eq!(e, "AQAB");
    let modulus = base64url_decode(n).unwrap();
    assert_eq!(modulus.len(), 256, "no leading zero");
}

#[test]
fn keys_that_do_not_fit_their_algorithm_are_refused() {
    let good = KEYS.es256.verifying_key().jwk().clone();
    let KeyMaterial::Ec { x, y, .. } = &good.material else { panic!("an EC key") };
    let ec = |crv: &str, x: &str, y: &str| KeyMaterial::Ec { crv: crv.into(), x: x.into(), y: y.into() };
    for material in [ec("P-384", x, y), ec("P-256", y, x), ec("P-256", x, "AAAA"), ec("P-256", x, &format!("{y}="))] {
        let jwk = Jwk { material, ..good.clone() };
        assert!(VerifyingKey::from_jwk(&jwk).is_err(), "{jwk:?}");
    }
    let renamed = Jwk { alg: "RS256".into(), ..good };
    assert!(VerifyingKey::from_jwk(&renamed).is_err());
    let short = KeyMaterial::Rsa { e: "AQAB".into(), n: base64url_encode(&[0xff; 128]) };
    let jwk = Jwk { material: short, ..KEYS.rs256.verifying_key().jwk().clone() };
    assert!(VerifyingKey::from_jwk(&jwk).is_err(), "1024 bits are too few");
}

#[test]
fn key_ids_are_the_thumbprints_of_the_rfcs() {
    // RFC 7638 3.1 and RFC 8037 A.3.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
             tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI\
             SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let rsa = KeyMaterial::Rsa { e: "AQAB".into(), n: n.into() };
    assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let okp = KeyMaterial::Okp { crv: "Ed25519".into(), x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into() };
    assert_eq!(okp.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// RFC 8037 A.4, a signature that others made; its header has no type, so only the key is tried.
#[test]
fn a_published_ed25519_signature_verifies() {
    let jwk: Jwk = serde_json::from_value(json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "rfc", "use": "sig", "alg": "EdDSA",
    }))
    .unwrap();
    let (_, key) = jwk.parse().unwrap();
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert!(key.verify_sig(signed.as_bytes(), &base64url_decode(signature).unwrap()).is_ok());
}

const ISSUER: &str = "https://auth.example";

fn claims() -> AccessTokenClaims {
    AccessTokenClaims {
        iss: ISSUER.into(),
        sub: "u1".into(),
        aud: Audience::One(ISSUER.into()),
        exp: 1_000,
        iat: 50,
        auth_time: None,
        jti: "j1".into(),
        client_id: "c1".into(),
        scope: ScopeSet::parse("meeting:create meeting:delete").unwrap(),
        user_id: "u1".into(),
        token_id: "g1.0".into(),
        source: "oauthv2".into(),
        documented_client_id: "c1".into(),
        oauth_source: "oauthv2".into(),
        cnf: None,
    }
}

fn check(claims: &Value, now: i64) -> Result<AccessTokenClaims, JwtFault> {
    check_access_token(claims.to_string().as_bytes(), ISSUER, ISSUER, now)
}

/// RFC 9068 2.2 and the API description.
#[test]
fn claims_have_the_documented_names() {
    let written = serde_json::to_value(claims()).unwrap();
    assert_eq!(
        written,
        json!({
            "iss": ISSUER, "sub": "u1", "aud": ISSUER, "exp": 1000, "iat": 50, "jti": "j1", "client_id": "c1",
            "scope": "meeting:create meeting:delete", "userId": "u1", "tokenId": "g1.0", "source": "oauthv2",
            "clientId": "c1", "oauthSource": "oauthv2",
        })
    );
    assert_eq!(check(&written, 0), Ok(claims()));
}

/// RFC 7519 4.1.4: on or after is too late. No leeway.
#[test]
fn tokens_expire_to_the_millisecond() {
    let written = serde_json::to_value(claims()).unwrap();
    assert!(check(&written, 999_999).is_ok());
    assert_eq!(check(&written, 1_000_000), Err(JwtFault::Expired));
    let mut endless = claims();
    endless.exp = i64::MAX;
    assert!(check(&serde_json::to_value(endless).unwrap(), 1_000_000).is_ok());
    let mut past = claims();
    past.exp = i64::MIN;
    assert_eq!(check(&serde_json::to_value(past).unwrap(), 0), Err(JwtFault::Expired));
}

/// A clock that was ahead and was set right takes back nothing that was signed meanwhile.
#[test]
fn tokens_from_the_future_are_ours_all_the_same() {
    let mut ahead = claims();
    ahead.iat = i64::MAX;
    assert!(check(&serde_json::to_value(&ahead).unwrap(), 100_000).is_ok());
}

#[test]
fn issuer_and_audience_must_be_ours() {
    let with = |name: &str, value: Value| {
        let mut written = serde_json::to_value(claims()).unwrap();
        written[name] = value;
        check(&written, 0).err()
    };
    assert_eq!(with("aud", json!(["https://other.example", ISSUER])), None);
    for iss in ["https://auth.example/", "https://AUTH.example", "http://auth.example", ""] {
        assert_eq!(with("iss", iss.into()), Some(JwtFault::WrongIssuer));
    }
    for aud in [json!("https://other.example"), json!([]), json!([format!("{ISSUER}/")]), json!("")] {
        assert_eq!(with("aud", aud), Some(JwtFault::WrongAudience));
    }
}

#[test]
fn claims_of_other_shapes_are_refused() {
    let written = serde_json::to_value(claims()).unwrap();
    for name in written.as_object().unwrap().keys() {
        let mut without = written.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(check(&without, 0), Err(JwtFault::MalformedClaims), "{name}");
        let mut wrong = written.clone();
        wrong[name] = json!({"x": 1});
        assert_eq!(check(&wrong, 0), Err(JwtFault::MalformedClaims), "{name}");
    }
    let mut text = written.clone();
    text["exp"] = "1000".into();
    assert_eq!(check(&text, 0), Err(JwtFault::MalformedClaims));
    for bad in ["", "null", "[]", "{", r#""text""#] {
        assert_eq!(check_access_token(bad.as_bytes(), ISSUER, ISSUER, 0), Err(JwtFault::MalformedClaims));
    }
    let twice = written.to_string().replacen('{', r#"{"exp":99999,"#, 1);
    assert_eq!(check_access_token(twice.as_bytes(), ISSUER, ISSUER, 0), Err(JwtFault::MalformedClaims));
}

#[test]
fn clients_are_told_what_they_can_mend() {
    assert_eq!(JwtFault::Expired.fault().code, "token_expired");
    assert_eq!(JwtFault::WrongType.fault().code, "token_wrong_kind");
    assert_eq!(JwtFault::BadSignature.fault().code, "token_invalid");
    assert_eq!(JwtFault::SigningFailed.fault().code, "signing_failed");
}

proptest! {
    /// Lesson S13: any change, anywhere, and the token is refused.
    #[test]
    fn altered_tokens_are_refused(
        which in 0..3_usize,
        at in any::<prop::sample::Index>(),
        removed in 0..3_usize,
        added in "[A-Za-z0-9_.=+/ -]{0,3}",
    ) {
        let token = each_key()[which].sign(TokenType::AccessToken, br#"{"sub":"u1","scope":"user:read"}"#).unwrap();
        let at = at.index(token.len() + 1);
        let end = (at + removed).min(token.len());
        let altered = format!("{}{added}{}", &token[..at], &token[end..]);
        if altered != token {
            prop_assert!(verify(&altered).is_err());
        }
    }

    #[test]
    fn cut_tokens_are_refused(which in 0..3_usize, at in any::<prop::sample::Index>()) {
        let token = each_key()[which].sign(TokenType::AccessToken, CLAIMS).unwrap();
        let at = at.index(token.len());
        prop_assert!(verify(&token[..at]).is_err());
        prop_assert!(at == 0 || verify(&token[at..]).is_err());
    }

    #[test]
    fn any_claims_come_out_as_they_went_in(claims in prop::collection::vec(any::<u8>(), 0..300)) {
        for key in [&KEYS.es256, &KEYS.eddsa] {
            prop_assert_eq!(verify(&key.sign(TokenType::AccessToken, &claims).unwrap()), Ok(claims.clone()));
        }
    }

    #[test]
    fn any_text_can_be_read_as_a_token(text in r"([A-Za-z0-9_-]{0,20}|[.]|eyJhbGciOiJub25lIn0|.){0,8}") {
        prop_assert!(verify(&text).is_err());
        let _ = check_access_token(text.as_bytes(), ISSUER, ISSUER, 0);
    }

    /// The DER that we read was written by our own library; whatever else comes is no danger.
    #[test]
    fn any_bytes_can_be_read_as_keys(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Jwk::rsa(&[&[0x30][..], &bytes].concat());
        let _ = (Jwk::rsa(&bytes), Jwk::p256(&bytes));
        for algorithm in Algorithm::ALL {
            prop_assert!(SigningKey::from_pkcs8(*algorithm, &Pkcs8::new(bytes.clone())).is_err());
        }
    }
}
