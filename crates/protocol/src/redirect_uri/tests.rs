use super::*;
use proptest::prelude::*;

const REGISTERED: &[&str] = &["https://app.example.com/cb", "https://app.example.com/other?tenant=1"];

fn refused_for_every_kind(requested: &str, registered: &[&str]) {
    for kind in ClientKind::ALL {
        assert!(!match_registered(requested, registered, *kind), "{requested} for {kind:?}");
        assert_eq!(RedirectUri::matching(requested, registered, *kind), None);
    }
}

#[test]
fn the_registered_uris_themselves_match() {
    for kind in ClientKind::ALL {
        for uri in REGISTERED {
            assert_eq!(RedirectUri::matching(uri, REGISTERED, *kind).unwrap().as_str(), *uri);
        }
        assert!(!match_registered::<&str>("https://app.example.com/cb", &[], *kind));
    }
}

/// Lessons S1 to S4: what other servers took for equal.
#[test]
fn nothing_else_matches() {
    for requested in [
        "",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/c",
        "https://app.example.com/cb/",
        "https://app.example.com/cb//",
        "https://app.example.com//cb",
        "https://app.example.com/cb/x",
        "https://app.example.com/cb?",
        "https://app.example.com/cb?x=1",
        "https://app.example.com/cb#",
        "https://app.example.com/cb#x",
        "https://app.example.com/cb;x",
        "https://app.example.com/cb/..;/x",
        "https://app.example.com/cb/../x",
        "https://app.example.com/x/../cb",
        "https://app.example.com/./cb",
        "https://app.example.com/cb/%2e%2e/x",
        "https://app.example.com/%63b",
        "https://app.example.com/CB",
        "https://APP.example.com/cb",
        "HTTPS://app.example.com/cb",
        "http://app.example.com/cb",
        "https://app.example.com:443/cb",
        "https://app.example.com:8443/cb",
        "https://app.example.com./cb",
        "https://app.example.com.evil.tld/cb",
        "https://appXexample.com/cb",
        "https://evil.tld/https://app.example.com/cb",
        "https://user@app.example.com/cb",
        "https://app.example.com@evil.tld/cb",
        "https://a@b@app.example.com/cb",
        "https://evil.tld%40app.example.com/cb",
        r"https://evil.tld\@app.example.com/cb",
        r"https://app.example.com\@evil.tld/cb",
        " https://app.example.com/cb",
        "https://app.example.com/cb ",
        "https://app.example.com/cb\n",
        "https://app.example.com/\tcb",
        "https://app.example.com/cb\0",
        "https://app.example.com/cb,https://evil.tld",
        "https://app.example.com/cb https://app.example.com/other?tenant=1",
        "https://app.example.com/other",
        "https://app.example.com/other?tenant=2",
        "https://app.example.com/other?tenant=1&x=2",
        "javascript:alert(1)",
        "//app.example.com/cb",
        "/cb",
    ] {
        refused_for_every_kind(requested, REGISTERED);
    }
}

/// RFC 8252 7.3.
#[test]
fn native_apps_may_vary_the_port_of_a_loopback_address() {
    let registered = &["http://127.0.0.1/cb", "http://[::1]:8080/cb?x=1"];
    for requested in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]/cb?x=1",
        "http://[::1]:8080/cb?x=1",
        "http://[::1]:9/cb?x=1",
    ] {
        assert!(match_registered(requested, registered, ClientKind::PublicNative), "{requested}");
    }
    for kind in [ClientKind::Confidential, ClientKind::PublicBrowser] {
        assert!(!match_registered("http://127.0.0.1:1/cb", registered, kind));
        assert!(!match_registered("http://[::1]:9/cb?x=1", registered, kind));
    }
    // The whole URI but the port is still compared, and the port must be one.
    for requested in [
        "http://127.0.0.1:1/",
        "http://127.0.0.1:1/cb/",
        "http://127.0.0.1:1/CB",
        "http://127.0.0.1:1/cb?x=1",
        "http://127.0.0.1:1/cb#x",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:01/cb",
        "http://127.0.0.1:+1/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:1:2/cb",
        "http://127.0.0.1:1@evil.tld/cb",
        "http://127.0.0.1:1.evil.tld/cb",
        "http://127.0.0.1.evil.tld/cb",
        "http://127.0.0.1@evil.tld/cb",
        r"http://127.0.0.1:1\@evil.tld/cb",
        "http://127.0.0.1:１/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://0x7f.1/cb",
        "http://2130706433/cb",
        "https://127.0.0.1:1/cb",
        "http://[::1]:9/cb",
        "http://[0:0:0:0:0:0:0:1]:9/cb?x=1",
        // A name is not an address.
        "http://localhost/cb",
        "http://localhost:1/cb",
    ] {
        refused_for_every_kind(requested, registered);
    }
}

#[test]
fn a_host_that_begins_like_a_loopback_address_is_none() {
    refused_for_every_kind("http://127.0.0.1:80.evil.tld/cb", &["http://127.0.0.1.evil.tld/cb"]);
    refused_for_every_kind("http://[::1]:80@evil.tld/cb", &["http://[::1]@evil.tld/cb"]);
}

/// Lesson S6.
#[test]
fn localhost_is_compared_like_any_other_host() {
    let registered = &["http://localhost:8081/cb"];
    for requested in [
        "http://localhost:8082/cb",
        "http://localhost/cb",
        "http://localhost:8081/cb?x=1",
        "http://localhost:8081.evil.tld/cb",
        "http://localhost.evil.tld:8081/cb",
        "http://localhost@evil.tld/cb",
        "http://127.0.0.1:8081/cb",
        "http://[::1]:8081/cb",
        "http://127.1:8081/cb",
        "http://LOCALHOST:8081/cb",
    ] {
        refused_for_every_kind(requested, registered);
    }
}

#[test]
fn answers_are_appended_to_the_registered_bytes() {
    let params = &[("code", "a-b_c"), ("state", "x y&z=é+/%\"<")];
    let ours = "code=a-b_c&state=x%20y%26z%3D%C3%A9%2B%2F%25%22%3C";
    for (uri, expected) in [
        ("https://app.example.com/cb", format!("https://app.example.com/cb?{ours}")),
        ("https://app.example.com", format!("https://app.example.com?{ours}")),
        ("https://app.example.com/cb?", format!("https://app.example.com/cb?{ours}")),
        ("https://app.example.com/cb??", format!("https://app.example.com/cb??&{ours}")),
        ("https://app.example.com/cb?a=?", format!("https://app.example.com/cb?a=?&{ours}")),
        ("https://app.example.com/cb?a=b", format!("https://app.example.com/cb?a=b&{ours}")),
        ("https://app.example.com/cb?a=b&", format!("https://app.example.com/cb?a=b&{ours}")),
        ("https://app.example.com:443/a/?x=%2f+", format!("https://app.example.com:443/a/?x=%2f+&{ours}")),
        ("com.example.app:/cb", format!("com.example.app:/cb?{ours}")),
        ("https://app.example.com/cb#top", format!("https://app.example.com/cb?{ours}#top")),
    ] {
        assert_eq!(response_url(uri, params), expected);
    }
    assert_eq!(response_url::<&str>("https://app.example.com/cb", &[]), "https://app.example.com/cb");
}

#[test]
fn differences_are_explained() {
    use DifferenceReason::*;
    let registered = "https://app.example.com/cb";
    for (requested, at, reason) in [
        ("https://app.example.com/cb/", 26, TrailingSlash),
        ("https://app.example.com/CB", 24, Case),
        ("https://App.example.com/cb", 8, Case),
        ("https://app.example.com/%63b", 24, Encoding),
        ("http://app.example.com/cb", 4, Scheme),
        ("https://app.example.com:8443/cb", 23, Port),
        ("https://app.example.com/cb?x=1", 26, Query),
        ("https://evil.example.com/cb", 8, Host),
        ("https://app.example.com.evil.tld/cb", 23, Host),
        ("https://app.example.com/callback", 25, Other),
        ("http://app.example.com:80/callback", 4, Other),
        ("https://app.example.com/é", 24, Other),
        ("", 0, Host),
    ] {
        let difference = first_difference(requested, registered).unwrap();
        assert_eq!((difference.at, difference.reason), (at, reason), "{requested}");
        assert!(difference.reason.sentence().ends_with('.'));
    }
    assert_eq!(first_difference(registered, registered), None);
}

#[test]
fn the_likeliest_registered_uri_is_found() {
    let registered = &["https://other.example.com/cb", "https://app.example.com/cb", "http://localhost:3000/cb"];
    assert_eq!(closest("https://app.example.com/cb/", registered), Some(registered[1]));
    assert_eq!(closest("http://app.example.com/cb", registered), Some(registered[1]));
    assert_eq!(closest("http://localhost:4000/cb", registered), Some(registered[2]));
    assert_eq!(closest("https://app.example.com/xyz", registered), Some(registered[1]));
    assert_eq!(closest::<&str>("https://app.example.com/cb", &[]), None);
}

#[test]
fn kinds_have_stored_names() {
    for kind in ClientKind::ALL {
        assert_eq!(ClientKind::parse(kind.as_str()), Some(*kind));
    }
    assert_eq!(ClientKind::parse("native"), None);
    assert!(!ClientKind::Confidential.is_public());
    assert!(ClientKind::PublicBrowser.is_public() && ClientKind::PublicNative.is_public());
}

/// A registered URI after one small change.
fn neighbour() -> impl Strategy<Value = (String, String)> {
    let registered = prop::sample::select(vec![
        "https://app.example.com/cb",
        "https://app.example.com:8443/cb?a=b",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:8080/cb",
        "http://[::1]:8080/",
        "http://localhost:8081/cb",
        "com.example.app:/cb",
    ]);
    (registered, any::<prop::sample::Index>(), 0..3_usize, "[ -~]{0,3}").prop_map(|(registered, at, removed, added)| {
        let at = at.index(registered.len());
        let end = (at + removed).min(registered.len());
        (registered.to_owned(), format!("{}{added}{}", &registered[..at], &registered[end..]))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// The oracle is equality of bytes, and for native apps equality of all but the port as the
    /// URL parser sees it.
    #[test]
    fn matching_is_equality(
        (registered, requested) in neighbour(),
        kind in prop::sample::select(ClientKind::ALL),
    ) {
        let matched = match_registered(&requested, &[&registered], kind);
        if kind != ClientKind::PublicNative || !registered.starts_with("http://") {
            prop_assert_eq!(matched, requested == registered);
        } else if matched {
            let (mut a, mut b) = (url::Url::parse(&requested).unwrap(), url::Url::parse(&registered).unwrap());
            let is_loopback = matches!(b.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)));
            prop_assert!(requested == registered || is_loopback);
            a.set_port(Some(9)).unwrap();
            b.set_port(Some(9)).unwrap();
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn any_two_texts_can_be_compared(a in any::<String>(), b in any::<String>()) {
        match first_difference(&a, &b) {
            None => prop_assert_eq!(a, b),
            Some(difference) => prop_assert_eq!(&a[..difference.at], &b[..difference.at]),
        }
    }

    /// RFC 6749 4.1.2: state comes back as it was sent, whatever it holds.
    #[test]
    fn state_comes_back_byte_for_byte(state in any::<String>()) {
        let url = response_url("https://app.example.com/cb?a=b", &[("state", &state)]);
        let query = url.split_once('?').unwrap().1;
        let form_decoded = form_urlencoded::parse(query.as_bytes()).into_owned().nth(1).unwrap().1;
        prop_assert_eq!(&form_decoded, &state);
        // A client that does not know of plus signs reads the same.
        let raw = query.rsplit_once("state=").unwrap().1;
        let percent_decoded = percent_encoding::percent_decode_str(raw).decode_utf8().unwrap();
        prop_assert_eq!(percent_decoded, state);
    }
}

#[test]
fn a_kind_has_a_stored_name_and_one_that_people_type() {
    for kind in ClientKind::ALL {
        assert_eq!(ClientKind::parse(kind.as_str()), Some(*kind));
        assert_eq!(ClientKind::named(kind.as_str()), Some(*kind));
        assert_eq!(ClientKind::named(kind.short_name()), Some(*kind));
    }
    assert_eq!(ClientKind::named("native"), Some(ClientKind::PublicNative));
    for unknown in ["", "public", "Native", "web"] {
        assert_eq!(ClientKind::named(unknown), None, "{unknown}");
    }
}
