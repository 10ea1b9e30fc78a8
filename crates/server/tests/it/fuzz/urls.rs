//! Redirect URIs and the rules for URLs.

use proptest::prelude::*;
use protocol::redirect_uri::{ClientKind, RedirectUri, closest, first_difference, match_registered, response_url};
use protocol::url_rules::{check_callback_url, check_page_url};
use url::Url;

use super::{almost, fuzz};

const URLS: &[&str] = &[
    "https://app.example/cb",
    "https://app.example:8443/cb?x=1&y=%2F",
    "http://localhost:3000/cb",
    "http://127.0.0.1/cb",
    "http://127.0.0.1:51004/cb",
    "http://[::1]:51004/cb?x",
    "com.example.app:/cb",
    "https://b\u{fc}cher.example/cb",
    "https://a@b@app.example/cb",
    "https://app.example/..;/cb#x",
];

/// The oracle is equality of bytes; for a native app's loopback, of all but the port.
#[test]
fn matching_is_equality_of_bytes() {
    fuzz("redirect URIs", (almost(URLS), almost(URLS), any::<bool>()), |(one, other, same)| {
        let requested = if same { one.clone() } else { other };
        let registered = [one];
        for kind in ClientKind::ALL.iter().copied() {
            let matched = match_registered(&requested, &registered, kind);
            prop_assert_eq!(RedirectUri::matching(&requested, &registered, kind).is_some(), matched);
            if kind == ClientKind::PublicNative {
                prop_assert!(matched || requested != registered[0]);
                if matched && requested != registered[0] {
                    let without_port = |text: &str| {
                        let start = text.find(['1', ']']).unwrap_or(0);
                        let origin = if text.starts_with("http://[::1]") { "http://[::1]" } else { "http://127.0.0.1" };
                        assert!(text.starts_with(origin) && start > 0, "{text} is on no loopback");
                        let rest = &text[origin.len()..];
                        let rest = rest
                            .strip_prefix(':')
                            .map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
                        (origin, rest.to_owned())
                    };
                    prop_assert_eq!(without_port(&requested), without_port(&registered[0]));
                }
            } else {
                prop_assert_eq!(matched, requested == registered[0]);
            }
        }
        prop_assert_eq!(first_difference(&requested, &registered[0]).is_none(), requested == registered[0]);
        let _ = closest(&requested, &registered);
        Ok(())
    });
}

/// What is accepted is where a browser goes, and stays so with the answer's parameters behind it.
#[test]
fn what_the_rules_accept_is_where_a_browser_goes() {
    fuzz("URL rules", (almost(URLS), any::<String>()), |(text, state)| {
        for kind in ClientKind::ALL.iter().copied() {
            let Ok(accepted) = check_callback_url(&text, kind) else { continue };
            let answer = response_url(accepted.as_str(), &[("code", "c"), ("state", &*state)]);
            prop_assert!(
                answer.starts_with(&text) && answer.bytes().all(|byte| (0x21..0x7f).contains(&byte)),
                "{}",
                answer
            );
            let (before, after) = (Url::parse(&text).unwrap(), Url::parse(&answer).unwrap());
            prop_assert_eq!(
                (before.scheme(), before.host_str(), before.port(), before.path()),
                (after.scheme(), after.host_str(), after.port(), after.path())
            );
            prop_assert!(after.fragment().is_none() && after.username().is_empty() && after.password().is_none());
            let came: Vec<String> =
                after.query_pairs().filter(|(name, _)| name == "state").map(|(_, value)| value.into_owned()).collect();
            prop_assert_eq!(came.last(), Some(&state));
        }
        if let Ok(accepted) = check_page_url(&text) {
            prop_assert!(accepted.as_str().starts_with("https://") || accepted.host() == Some("localhost"), "{}", text);
        }
        Ok(())
    });
}
