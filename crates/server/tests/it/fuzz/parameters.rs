//! Parameters in forms and in JSON, and what is made of them: authorization and token requests, scopes, PKCE.

use proptest::prelude::*;
use protocol::authorize_request::{AuthorizeRequest, ClientPart, state_of};
use protocol::params::{MAX_PARAMS, Params};
use protocol::pkce::{CodeChallenge, CodeVerifier, check_verifier, read_challenge};
use protocol::scope::{Scope, ScopeSet};
use protocol::token_request::{ClientCredentials, PresentedToken, TokenRequest};

use serde::de::IgnoredAny;

use super::{almost, bytes, fuzz};

const FORMS: &[&str] = &[
    "client_id=c1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&state=eyJuIjoxfQ%3D%3D&scope=user%3Aread+meeting%3Aread",
    "clientId=c1&response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
    "response_type=code&prompt=login+consent&max_age=0&login_hint=ada%40example.com&nonce=n&resource=https://api.example",
    "grant_type=authorization_code&code=jmac_x&redirect_uri=https://app.example/cb&code_verifier=v",
    "grant_type=refresh_token&refresh_token=jmrt_x&scope=user:read&client_id=c1&client_secret=jmcs_x",
    "token=jmrt_x&token_type_hint=refresh_token",
    "a=b&a=c&&=&=x&x&%00=1&%ff=1&a%3db=c",
];

const JSONS: &[&str] = &[
    r#"{"grant_type":"authorization_code","code":"jmac_x","redirect_uri":"https://app.example/cb"}"#,
    r#"{"grant_type":"refresh_token","refresh_token":"jmrt_x","scope":"user:read","n":1,"b":true,"f":1.5e3}"#,
    r#"{"a":null,"b":[1,[2,{"c":3}]],"c":{"d":{}},"a":"twice","\u0000":"","e":"\ud83d\ude00"}"#,
    r#"[{"grant_type":"x"}]"#,
    "{}",
];

/// The oracle is the WHATWG's parser: what we read of a form is what it reads, but for names and values that are no text.
#[test]
fn forms_are_read_as_the_url_standard_reads_them() {
    fuzz("forms", bytes(FORMS), |body| {
        let Ok(params) = Params::from_form(&body) else {
            let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).count();
            prop_assert!(pairs > MAX_PARAMS);
            return Ok(());
        };
        let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        for (name, _) in &pairs {
            let values: Vec<&str> =
                pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect();
            let whole = !name.contains('\u{fffd}') && values.iter().all(|value| !value.contains(['\u{fffd}', '\0']));
            if whole {
                match params.get(name) {
                    Ok(value) => prop_assert_eq!(value.unwrap_or_default(), values[0]),
                    Err(fault) => prop_assert!(fault.is_repeated() && values.len() > 1, "{}: {:?}", name, values),
                }
            }
        }
        Ok(())
    });
}

/// The oracle is the JSON library's own map, where no name comes twice.
#[test]
fn json_is_read_as_json() {
    fuzz("JSON", bytes(JSONS), |body| {
        let read = Params::from_json(&body);
        let Ok(serde_json::Value::Object(map)) = serde_json::from_slice(&body) else {
            // What is skipped (a number beyond all bounds in an array) is held to the grammar alone.
            let skipped =
                serde_json::from_slice::<IgnoredAny>(&body).is_ok() && body.trim_ascii_start().starts_with(b"{");
            prop_assert!(read.is_err() || skipped);
            return Ok(());
        };
        let Ok(params) = read else {
            return Ok(()); // Too many members, or nested too deeply to be parameters.
        };
        for (name, value) in map {
            match (params.get(&name), value) {
                (Ok(Some(text)), serde_json::Value::String(same)) => prop_assert_eq!(text, same),
                (Ok(None), serde_json::Value::String(same)) => prop_assert_eq!(same, ""),
                (Ok(Some(_)), value) => prop_assert!(value.is_number() || value.is_boolean(), "{value}"),
                (Ok(None), value) => prop_assert!(false, "{} = {}", name, value),
                (Err(_), _) => {}
            }
        }
        Ok(())
    });
}

#[test]
fn requests_are_read_or_refused() {
    fuzz(
        "authorization and token requests",
        (bytes(FORMS), prop::option::of(bytes(&["Basic YTpi", "Bearer x"]))),
        |(body, header)| {
            let Ok(params) = Params::from_form(&body) else { return Ok(()) };
            if let Ok(part) = ClientPart::read(&params) {
                prop_assert!(!part.client_id.is_empty());
            }
            if let Ok(request) = AuthorizeRequest::read(&params) {
                prop_assert_eq!(request.state.as_deref(), state_of(&params));
                // A challenge that was taken is one that some verifier could meet.
                let challenge = read_challenge(
                    params.get("code_challenge").ok().flatten(),
                    params.get("code_challenge_method").ok().flatten(),
                );
                prop_assert_eq!(challenge.ok().flatten().is_some(), request.code_challenge.is_some());
            }
            let _ = (TokenRequest::read(&params), PresentedToken::read(&params));
            if let Ok(credentials) = ClientCredentials::read(header.as_deref(), &params) {
                prop_assert!(!credentials.client_id().is_empty());
            }
            Ok(())
        },
    );
}

#[test]
fn scopes_come_out_as_they_went_in() {
    let seeds =
        ["user:read meeting:read", "openid profile email offline_access", "meeting:create meeting:create  user:read"];
    fuzz("scopes", almost(&seeds), |text| {
        if let Ok(set) = ScopeSet::parse(&text) {
            prop_assert_eq!(ScopeSet::parse(&set.text()).unwrap(), set.clone());
            for word in text.split(' ').filter(|word| !word.is_empty() && *word != "offline_access") {
                prop_assert!(set.contains(word), "{} of {:?}", word, text);
            }
            prop_assert!(set.is_subset(&set.union(&set)) && set.difference(&set).is_empty());
        } else {
            prop_assert!(text.split(' ').any(|word| Scope::parse(word).is_err()));
        }
        Ok(())
    });
}

/// RFC 7636: nothing but the verifier of a challenge meets it.
#[test]
fn a_challenge_is_met_by_its_verifier_alone() {
    let seeds = ["dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"];
    fuzz("PKCE", (almost(&seeds), almost(&seeds)), |(one, other)| {
        let verifier = CodeVerifier::new(one.clone());
        let challenge = CodeChallenge::of(&verifier);
        prop_assert_eq!(check_verifier(Some(&challenge), Some(&verifier)).is_ok(), verifier.is_well_formed());
        prop_assert_eq!(challenge.verify(&CodeVerifier::new(other.clone())), one == other);
        prop_assert!(check_verifier(Some(&challenge), None).is_err());
        prop_assert!(check_verifier(None, Some(&verifier)).is_err());
        let _ = (CodeChallenge::parse(&other), read_challenge(Some(&one), Some(&other)));
        Ok(())
    });
}
