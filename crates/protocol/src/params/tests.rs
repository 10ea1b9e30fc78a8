use super::*;
use proptest::prelude::*;

fn form(text: &str) -> Params {
    Params::from_form(text.as_bytes()).unwrap()
}

fn json(text: &str) -> Params {
    Params::from_json(text.as_bytes()).unwrap()
}

fn fault_of(params: &Params, name: &str) -> &'static str {
    params.get(name).unwrap_err().fault.code
}

#[test]
fn values_are_decoded() {
    let params = form("client_id=a%2Db&scope=user%3Aread+meeting:join&state=%E2%82%AC%00x&flag&e=a=b&plus=%2B");
    assert_eq!(params.get("client_id"), Ok(Some("a-b")));
    assert_eq!(params.get("scope"), Ok(Some("user:read meeting:join")));
    assert_eq!(params.get("e"), Ok(Some("a=b")));
    assert_eq!(params.get("plus"), Ok(Some("+")));
    assert_eq!(params.get("Client_Id"), Ok(None), "names have case");
}

/// RFC 6749 3.1: sent without a value is left out.
#[test]
fn empty_parameters_count_as_left_out() {
    let params = form("scope=&state&&=x&");
    assert_eq!(params.get("scope"), Ok(None));
    assert_eq!(params.get("state"), Ok(None));
    assert_eq!(json(r#"{"scope":""}"#).get("scope"), Ok(None));
}

/// RFC 6749 3.1: not more than once.
#[test]
fn repeated_parameters_are_seen_even_when_equal_or_empty() {
    for text in ["a=1&a=1", "a=1&a=2", "a=1&b=3&%61=1", "a=&a=1", "a&a", "a=1&a=%ff"] {
        assert_eq!(fault_of(&form(text), "a"), "parameter_repeated", "{text}");
    }
    let params = json(r#"{"a":"1","b":"2","\u0061":"1"}"#);
    assert_eq!(fault_of(&params, "a"), "parameter_repeated");
    assert_eq!(params.get("b"), Ok(Some("2")));
}

#[test]
fn faults_of_parameters_that_nobody_asks_for_disturb_nobody() {
    let params = form("x=1&x=2&y=%ff&%ff=3&z=%00&state=kept");
    assert_eq!(params.get("state"), Ok(Some("kept")));
    let params = json(r#"{"x":[1,{"y":null}],"z":{"a":{"b":[]}},"n":null,"state":"kept"}"#);
    assert_eq!(params.get("state"), Ok(Some("kept")));
}

#[test]
fn values_that_are_no_text_are_faults() {
    for text in ["a=%ff", "a=%C3", "a=%ED%A0%80", "a=x%00y"] {
        assert_eq!(fault_of(&form(text), "a"), "parameter_encoding", "{text}");
    }
    assert_eq!(fault_of(&json(r#"{"a":"x\u0000y"}"#), "a"), "parameter_encoding");
    for value in ["null", "[]", r#"["x"]"#, "{}", r#"{"b":"c"}"#] {
        assert_eq!(fault_of(&json(&format!(r#"{{"a":{value}}}"#)), "a"), "parameter_type", "{value}");
    }
}

#[test]
fn json_numbers_and_booleans_are_taken_as_their_text() {
    let params = json(r#"{"max_age":3600,"negative":-1,"yes":true,"half":0.5}"#);
    assert_eq!(params.get("max_age"), Ok(Some("3600")));
    assert_eq!(params.get("negative"), Ok(Some("-1")));
    assert_eq!(params.get("yes"), Ok(Some("true")));
    assert_eq!(params.get("half"), Ok(Some("0.5")));
}

#[test]
fn bodies_that_are_no_json_object_are_refused() {
    for (body, code) in [
        ("", "json_malformed"),
        ("{", "json_malformed"),
        (r#"{"a":"b"} x"#, "json_malformed"),
        (r#"{"a":"b",}"#, "json_malformed"),
        (r#"{"a":"\ud800"}"#, "json_malformed"),
        (r#"{a:"b"}"#, "json_malformed"),
        ("grant_type=x", "json_malformed"),
        ("[]", "json_not_object"),
        (r#"[{"a":"b"}]"#, "json_not_object"),
        ("null", "json_not_object"),
        ("1", "json_not_object"),
        ("-1", "json_not_object"),
        ("1.5", "json_not_object"),
        ("true", "json_not_object"),
        (r#""text""#, "json_not_object"),
    ] {
        let error = Params::from_json(body.as_bytes()).unwrap_err();
        assert_eq!(error.code.as_str(), "invalid_request");
        assert_eq!(error.fault.code, code, "{body}");
    }
    assert_eq!(Params::from_json(b"{\"a\":\"\xff\"}").unwrap_err().fault.code, "json_malformed");
}

#[test]
fn deep_json_is_no_danger() {
    let deep = |open: &str, close: &str| format!(r#"{{"a":{}{}}}"#, open.repeat(20_000), close.repeat(20_000));
    // Accepted or refused, but read to the end or stopped.
    for body in [deep("[", "]"), deep(r#"{"a":"#, "1}"), "[".repeat(60_000)] {
        let _ = Params::from_json(body.as_bytes());
    }
}

#[test]
fn number_and_size_of_parameters_are_bounded() {
    let many = |count: usize| (0..count).map(|i| format!("p{i}=1")).collect::<Vec<_>>().join("&");
    assert!(Params::from_form(many(MAX_PARAMS).as_bytes()).is_ok());
    let refused = Params::from_form(many(MAX_PARAMS + 1).as_bytes()).unwrap_err();
    assert_eq!(refused.fault.code, "parameters_too_many");

    let long = format!("a={}", "x".repeat(MAX_BYTES));
    assert_eq!(Params::from_form(long.as_bytes()).unwrap_err().fault.code, "request_too_long");
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_BYTES));
    assert_eq!(Params::from_json(long.as_bytes()).unwrap_err().fault.code, "request_too_long");
}

#[test]
fn repeatable_parameters_give_all_their_values() {
    let params = form("resource=a&resource=&resource=b");
    assert_eq!(params.get_all("resource"), Ok(vec!["a", "b"]));
    assert_eq!(form("resource=a&resource=%ff").get_all("resource").unwrap_err().fault.code, "parameter_encoding");
}

#[test]
fn debug_output_shows_no_values() {
    let shown = format!("{:?}", form("client_secret=hush&code=hush"));
    assert!(shown.contains("client_secret") && !shown.contains("hush"), "{shown}");
}

#[test]
fn a_fault_names_its_parameter() {
    let error = OAuthError::from(form("scope=a&scope=b").get("scope").unwrap_err());
    assert_eq!(error.code.as_str(), "invalid_request");
    assert!(error.description().contains("It is scope."));
}

proptest! {
    #[test]
    fn forms_are_read_as_the_url_standard_reads_them(
        pairs in prop::collection::vec(("[a-z%+é ]{1,4}", "[^\0]{0,8}"), 0..8),
    ) {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let params = form(&encoded);
        for (name, value) in &pairs {
            let count = pairs.iter().filter(|(other, _)| other == name).count();
            match params.get(name) {
                Ok(found) => {
                    prop_assert_eq!(count, 1);
                    prop_assert_eq!(found.unwrap_or_default(), value);
                }
                Err(bad) => {
                    prop_assert!(count > 1);
                    prop_assert!(bad.is_repeated());
                }
            }
        }
    }

    #[test]
    fn any_bytes_read_as_the_url_standard_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let params = Params::from_form(&bytes).unwrap();
        let oracle: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
        for (name, value) in &oracle {
            if let Ok(Some(found)) = params.get(name) {
                prop_assert_eq!(found, value);
            }
        }
        let _ = Params::from_json(&bytes);
    }

    #[test]
    fn json_and_form_say_the_same(pairs in prop::collection::btree_map("[a-z_]{1,8}", "[^\0]{0,12}", 0..8)) {
        let as_json = Params::from_json(&serde_json::to_vec(&pairs).unwrap()).unwrap();
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let as_form = form(&encoded);
        for name in pairs.keys() {
            prop_assert_eq!(as_json.get(name), as_form.get(name));
        }
    }

    #[test]
    fn no_json_is_too_strange_to_be_judged(text in r#"[\[\]{}",:a0\\u-]{0,60}"#) {
        let _ = Params::from_json(text.as_bytes());
    }
}

#[test]
fn parameters_become_the_same_form_again_without_what_is_left_out() {
    let params = Params::from_form(b"a=1+2&client_secret=x&a=%26%3D&%C3%A9=%F0%9F%98%80&b=").unwrap();
    let form = params.to_form(&["client_secret"]).unwrap();
    assert_eq!(form, "a=1%202&a=%26%3D&%C3%A9=%F0%9F%98%80&b=");
    let again = Params::from_form(form.as_bytes()).unwrap();
    assert_eq!(again.get_all("a").unwrap(), ["1 2", "&="]);
    assert_eq!(again.get("\u{e9}").unwrap(), Some("\u{1f600}"));
    assert_eq!(again.get("client_secret").unwrap(), None);
    let bad = Params::from_form(b"a=%FF").unwrap();
    assert_eq!(bad.to_form(&[]).unwrap_err().name, "a");
    assert!(bad.to_form(&["a"]).is_ok());
}
