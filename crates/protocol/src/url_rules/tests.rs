use super::*;
use crate::redirect_uri::response_url;
use UrlRule::*;
use proptest::prelude::*;

fn rules(text: &str, kind: ClientKind) -> Vec<UrlRule> {
    match check_callback_url(text, kind) {
        Ok(url) => {
            assert_eq!(url.as_str(), text);
            Vec::new()
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in &faults {
                assert_eq!(fault.url, text, "a fault names its URL");
                assert!(fault.sentence.ends_with('.'), "{}", fault.sentence);
            }
            faults.iter().map(|fault| fault.rule).collect()
        }
    }
}

fn web(text: &str) -> Vec<UrlRule> {
    let rules_of_web_app = rules(text, ClientKind::Confidential);
    assert_eq!(rules(text, ClientKind::PublicBrowser), rules_of_web_app, "{text}");
    rules_of_web_app
}

fn native(text: &str) -> Vec<UrlRule> {
    rules(text, ClientKind::PublicNative)
}

#[test]
fn ordinary_callback_urls_are_accepted_for_every_kind_of_app() {
    for url in [
        "https://app.example.com/oauth/callback",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com:8443/cb",
        "https://app.example.com:443/cb",
        "https://app.example.com/cb?tenant=a%20b&lang=en",
        "https://app.example.com?tenant=1",
        "https://app.example.com/cb?",
        "https://app.example.com/CamelCase/%7Euser/caf%C3%A9",
        "https://app.example.com//double//slash",
        "https://App.Example.COM/cb",
        "https://xn--mnchen-3ya.example/cb",
        "https://my_app.example.com/cb",
        "https://123.example.com/cb",
        "https://localhost/cb",
        "http://localhost",
        "http://localhost/cb",
        "http://localhost:8081/cb",
        "https://app.example.com/cb?tokens=1&my_token=2&successful=1&redirect=3",
        "https://app.example.com/a.b/..c/...",
    ] {
        for kind in ClientKind::ALL {
            assert_eq!(rules(url, *kind), [], "{url}");
        }
    }
}

#[test]
fn urls_must_be_complete_and_https() {
    for (url, expected) in [
        ("", vec![Absolute]),
        ("app.example.com/cb", vec![Absolute]),
        ("app.example.com:8443/cb", vec![Absolute]),
        ("//app.example.com/cb", vec![Absolute]),
        ("/cb", vec![Absolute]),
        // The WHATWG parser would visit app.example.com for all three.
        ("https:/app.example.com/cb", vec![Absolute]),
        ("https:app.example.com/cb", vec![Absolute]),
        ("https:///app.example.com/cb", vec![Absolute]),
        ("https://", vec![Absolute]),
        ("https://?x=1", vec![Absolute]),
        ("http://app.example.com/cb", vec![Scheme]),
        ("HTTPS://app.example.com/cb", vec![Scheme]),
        ("hTTp://localhost/cb", vec![Scheme]),
        ("ftp://app.example.com/cb", vec![Scheme]),
        ("wss://app.example.com/cb", vec![Scheme]),
        ("file:///etc/passwd", vec![Absolute]),
        ("com.example.app:/cb", vec![Absolute]),
        ("com.example.app://cb", vec![Scheme]),
    ] {
        assert_eq!(web(url), expected, "{url}");
    }
}

/// Lesson S5: script in an app's URL, run with a click.
#[test]
fn script_and_data_urls_are_refused_in_any_case() {
    for url in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "javascript://app.example.com/%0aalert(1)",
        "java\tscript:alert(1)",
        "java\nscript://app.example.com/",
        "\tjavascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "DATA:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox(1)",
        "blob:https://app.example.com/1",
        "view-source:https://app.example.com/",
        "ht\ttps://app.example.com/cb",
        "https\n://app.example.com/cb",
        "https:\r//app.example.com/cb",
        "https:/\t/app.example.com/cb",
    ] {
        for kind in ClientKind::ALL {
            assert_ne!(rules(url, *kind), [], "{url}");
        }
        assert!(check_page_url(url).is_err(), "{url}");
    }
}

/// Lesson S1: several `@`, and what parsers disagree about in front of the host.
#[test]
fn user_info_is_refused_however_it_is_hidden() {
    for (url, expected) in [
        ("https://user@host.example/", vec![UserInfo]),
        ("https://user:password@host.example/", vec![UserInfo]),
        ("https://@host.example/", vec![UserInfo]),
        ("https://:@host.example/", vec![UserInfo]),
        ("https://a@b@host/", vec![UserInfo]),
        ("https://host.example%40evil.example/", vec![UserInfo, Host]),
        ("https://host%40evil/", vec![UserInfo, Host]),
        (r"https://host\@evil/", vec![Backslash]),
        (r"https://host.example\.evil.example/", vec![Backslash]),
        ("https://host.example/a%5Cb", vec![Backslash]),
        ("http://localhost@evil.example/", vec![Scheme, UserInfo]),
        ("http://localhost:80@evil.example/", vec![Scheme, UserInfo]),
        ("https://host.example&@evil.example/", vec![UserInfo]),
    ] {
        assert_eq!(web(url), expected, "{url}");
    }
    // After the path has begun, an @ is only a character.
    assert_eq!(web("https://host.example/@name"), []);
}

/// Lesson S6: what looks like localhost, and addresses in every spelling that browsers accept.
#[test]
fn addresses_are_refused_in_every_spelling() {
    for url in [
        "https://127.0.0.1/cb",
        "https://2130706433/cb",
        "https://0x7f000001/cb",
        "https://0x7f.1/cb",
        "https://0X7F.1/cb",
        "https://127.1/cb",
        "https://0177.0.0.1/cb",
        "https://192.0.2.1:8443/cb",
        "https://127.0.0.1./cb",
        "https://[::1]/cb",
        "https://[::ffff:127.0.0.1]/cb",
        "https://[2001:db8::1]:8443/cb",
        "https://0/cb",
        "https://0x/cb",
        // Not addresses, but browsers try to read them as such and fail.
        "https://1.2.3.4.5/cb",
        "https://host.example.42/cb",
    ] {
        assert_eq!(web(url), [IpAddress], "{url}");
    }
    for url in
        ["http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]/cb", "http://0x7f.1/cb", "http://127.1/cb"]
    {
        assert_eq!(web(url), [Scheme, IpAddress], "{url}");
    }
    for url in ["https://１２７.0.0.1/cb", "https://１27。0。0。1/cb", "https://127｡0｡0｡1/cb", "https://②130706433/cb"]
    {
        assert_eq!(web(url), [Characters, IpAddress], "{url}");
    }
}

#[test]
fn only_localhost_itself_is_localhost() {
    for url in [
        "http://localhost.evil.tld/",
        "http://localhost.evil.tld:8080/cb",
        "http://notlocalhost/",
        "http://localhost./cb",
        "http://LOCALHOST/cb",
        "http://app.localhost/cb",
        "http://%6cocalhost/cb",
        "http://localhost%2eevil.tld/",
        "http://localhost%00.evil.tld/",
        "http://localho\u{17f}t/cb",
    ] {
        assert!(web(url).contains(&Scheme), "{url}");
    }
}

#[test]
fn hosts_are_host_names_as_browsers_spell_them() {
    let long_label = format!("https://{}.example/", "a".repeat(64));
    let long_host = format!("https://{}example/", "abcdefgh.".repeat(28));
    for url in [
        "https://host.example./cb",
        "https://host..example/cb",
        "https://.host.example/cb",
        "https://host%2Eexample/cb",
        "https://ho%73t.example/cb",
        "https://host,example/cb",
        "https://host!.example/cb",
        "https://host(1).example/cb",
        &long_label,
        &long_host,
    ] {
        assert_eq!(web(url), [Host], "{url}");
    }
    let with_dot = check_callback_url("https://host.example./cb", ClientKind::Confidential).unwrap_err();
    assert!(with_dot[0].sentence.contains("Remove the dot."));
    for (url, suggestion) in [
        ("https://münchen.example/cb", "https://xn--mnchen-3ya.example/cb"),
        ("https://host。example/cb", "https://host.example/cb"),
        ("https://ｈｏｓｔ.example/cb", "https://host.example/cb"),
        ("https://host.example/caf\u{e9}", "https://host.example/caf%C3%A9"),
    ] {
        let faults = check_callback_url(url, ClientKind::Confidential).unwrap_err();
        assert_eq!(faults[0].rule, Characters);
        assert!(faults[0].sentence.contains(suggestion), "{}", faults[0].sentence);
    }
    assert_eq!(web("https://xn--a.example/cb"), [Absolute], "no such international name");
    assert_eq!(web("https://host\u{ad}.example/cb")[0], Characters, "a soft hyphen vanishes in browsers");
    assert_eq!(web("https://host\u{200b}.example/cb")[0], Characters);
}

#[test]
fn ports_are_numbers_from_1_to_65535() {
    for url in [
        "https://host.example:/cb",
        "https://host.example:0/cb",
        "https://host.example:0443/cb",
        "https://host.example:65536/cb",
        "https://host.example:99999999999999999999/cb",
        "https://host.example:80a/cb",
        "https://host.example:-1/cb",
        "https://host.example:80:80/cb",
        "http://localhost:*0/cb",
    ] {
        assert!(web(url).contains(&Port), "{url}");
    }
}

#[test]
fn wildcards_and_fragments_are_refused_encoded_too() {
    for (url, expected) in [
        ("https://*.example.com/cb", vec![Host, Wildcard]),
        ("https://host.example/*", vec![Wildcard]),
        ("https://host.example/cb?x=*", vec![Wildcard]),
        ("https://host.example/%2a", vec![Wildcard]),
        ("https://host.example/%2A", vec![Wildcard]),
        ("https://%2a.example.com/", vec![Host, Wildcard]),
        ("https://host.example/cb#top", vec![Fragment]),
        ("https://host.example/cb#", vec![Fragment]),
        ("https://host.example/cb%23top", vec![Fragment]),
        ("https://host.example#@evil.example/", vec![Fragment]),
    ] {
        assert_eq!(web(url), expected, "{url}");
    }
}

/// Lesson S2: `..;/`, and everything that becomes another path on the way.
#[test]
fn paths_say_where_they_lead() {
    for url in [
        "https://host.example/cb/../admin",
        "https://host.example/cb/./x",
        "https://host.example/cb/..",
        "https://host.example/..;/x",
        "https://host.example/cb/..;/x",
        "https://host.example/cb/..;a=b/x",
        "https://host.example/cb/%2e%2e/x",
        "https://host.example/cb/.%2E/x",
        "https://host.example/cb/%2e%2e%3bx/x",
        "https://host.example/cb/.;/x",
    ] {
        assert_eq!(web(url), [Path], "{url}");
    }
}

#[test]
fn characters_that_urls_must_encode_are_refused() {
    for url in [
        "https://host.example/a b",
        "https://host.example/cb ",
        " https://host.example/cb",
        "https://host.example/cb\n",
        "https://host.example/c\tb",
        "https://host.example/c\0b",
        "https://host.example/c\u{7f}b",
        "https://host.example/c%0d%0aSet-Cookie:x=1",
        "https://host.example/c%00b",
        "https://host.example/c%7Fb",
        "https://host.example/\"onclick=",
        "https://host.example/<script>",
        "https://host.example/{id}",
        "https://host.example/a|b",
        "https://host.example/a^b",
        "https://host.example/`a`",
        "https://host.example/\u{202e}moc",
    ] {
        assert_eq!(web(url), [Characters], "{url:?}");
    }
    for url in ["https://host.example/100%", "https://host.example/%zz", "https://host.example/?a=%4"] {
        assert_eq!(web(url), [PercentEncoding], "{url}");
    }
    assert_eq!(web("https://host.example/cb?name=o'neil"), [Spelling], "browsers send %27");
}

#[test]
fn reserved_query_parameters_are_refused_in_any_case_and_encoding() {
    for query in [
        "sessionId=1",
        "SESSIONID=1",
        "sessionid",
        "%73essionId=1",
        "session%49d=1",
        "%53%45%53%53%49%4F%4E%49%44=1",
        "a=b&token=x",
        "a=b&&TOKEN",
        "a=b;token=x",
        "+token=1",
        "success=true",
        "Success",
        "redirect_uri=https://evil.example",
        "REDIRECT%5FURI=x",
        "clientId=1",
        "clientid=1",
        // The answer brings these.
        "code=1",
        "state=fixed",
        "a=1&iss=x",
        "error=none",
        "c%6Fde=1",
    ] {
        assert_eq!(web(&format!("https://host.example/cb?{query}")), [Parameter], "{query}");
        assert_eq!(native(&format!("com.example.app:/cb?{query}")), [Parameter], "{query}");
    }
}

#[test]
fn every_fault_is_reported_at_once() {
    let faults =
        check_callback_url(r"http://user@127.0.0.1:0/a\*/../x?token=1#top", ClientKind::Confidential).unwrap_err();
    let rules: Vec<UrlRule> = faults.iter().map(|fault| fault.rule).collect();
    assert_eq!(rules, [Scheme, Backslash, UserInfo, IpAddress, Port, Path, Wildcard, Fragment, Parameter]);
    assert!(faults[0].to_string().starts_with("http://user@127.0.0.1:0/"));
}

#[test]
fn urls_have_at_most_2048_characters() {
    let of_length = |length: usize| format!("https://host.example/{}", "a".repeat(length - 21));
    assert_eq!(web(&of_length(2048)), []);
    assert_eq!(web(&of_length(2049)), [Length]);
    assert_eq!(web(&of_length(1_000_000)), [Length]);
}

#[test]
fn native_apps_may_use_loopback_addresses_and_private_use_schemes() {
    for url in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:8080/cb",
        "http://127.0.0.1",
        "http://[::1]/cb",
        "http://[::1]:8080/cb",
        "com.example.app:/oauth",
        "com.example.app:/oauth?x=1",
        "com.example.app://oauth/cb",
        "com.example.my-app2:/",
    ] {
        assert_eq!(native(url), [], "{url}");
        assert_ne!(web(url), [], "{url}");
    }
    for (url, expected) in [
        ("https://127.0.0.1/cb", vec![IpAddress]),
        ("http://127.0.0.2/cb", vec![Scheme, IpAddress]),
        ("http://127.1/cb", vec![Scheme, IpAddress]),
        ("http://[0:0:0:0:0:0:0:1]/cb", vec![Scheme, IpAddress]),
        ("http://[::ffff:127.0.0.1]/cb", vec![Scheme, IpAddress]),
        ("http://127.0.0.1@evil.example/", vec![Scheme, UserInfo]),
        ("http://127.0.0.1.evil.example/", vec![Scheme]),
        ("myapp:/cb", vec![Absolute]),
        ("myapp://cb", vec![Scheme]),
        ("javascript:/cb", vec![Absolute]),
        ("Com.Example.App:/cb", vec![Absolute]),
        ("Com.Example.App://cb", vec![Scheme]),
        ("com.example.app:cb", vec![Absolute]),
        ("app.example.com:8443/cb", vec![Absolute]),
        ("com.example.:/cb", vec![Absolute]),
        ("com.example.app:/../cb", vec![Path]),
        ("com.example.app://user@cb", vec![UserInfo]),
        ("com.example.app:/cb#x", vec![Fragment]),
        ("com.example.app:/<x>", vec![Characters]),
    ] {
        assert_eq!(native(url), expected, "{url}");
    }
}

#[test]
fn pages_obey_the_same_rules_but_may_have_the_answers_parameters() {
    for url in ["https://app.example.com/", "https://app.example.com/logo.png?v=2", "https://a.example/?code=x"] {
        assert_eq!(check_page_url(url).unwrap().as_str(), url);
    }
    for url in [
        "http://app.example.com/",
        "https://192.0.2.1/",
        "http://127.0.0.1/",
        "https://a.example/?token=x",
        "com.example.app:/",
        "https://a.example/#/home",
    ] {
        assert!(check_page_url(url).is_err(), "{url}");
    }
}

#[test]
fn people_are_told_where_they_are_sent() {
    let destination = |url, kind| check_callback_url(url, kind).unwrap().destination();
    assert_eq!(destination("https://App.Example.com/cb", ClientKind::Confidential), "app.example.com");
    assert_eq!(destination("http://localhost:8081/cb", ClientKind::Confidential), "localhost:8081");
    assert_eq!(
        destination("com.example.app:/cb", ClientKind::PublicNative),
        "the app that opens com.example.app: links on this device"
    );
}

/// Texts that are nearly URLs, out of the pieces that parsers quarrel about.
fn almost_url() -> impl Strategy<Value = String> {
    let harmless = prop::sample::select(vec![
        "/", "/", "?", "?", "=", "&", "&&", ";", ":8443", ".example", "%20", "a", "b1", "c=d", "@", "+", "//", "%C3%A9",
    ]);
    let quarrelsome = prop::sample::select(vec![
        "#",
        "@",
        ":",
        "\\",
        ".",
        "..",
        "%2e",
        "%2f",
        "%40",
        "%23",
        "%0a",
        "*",
        "[",
        "]",
        "[::1]",
        "127.0.0.1",
        "localhost",
        "0x7f",
        "é",
        "。",
        "１",
        "\t",
        "\n",
        " ",
        "'",
        "\"",
        "<",
        "|",
        "^",
        "~",
        "xn--",
        "code",
        "token",
        "sessionId",
        "\u{ad}",
        "%",
        "%zz",
        "443",
        "80",
    ]);
    let piece = prop_oneof![
        8 => harmless.prop_map(str::to_owned),
        1 => quarrelsome.prop_map(str::to_owned),
        2 => "[a-z0-9]{1,6}",
    ];
    let start = prop_oneof![
        4 => prop::sample::select(vec!["https://a", "https://app.example/", "http://localhost", "http://127.0.0.1", "com.example.app:/"]),
        1 => prop::sample::select(vec!["https://", "HTTPS://", "https:/", "https:", "//", ""]),
    ];
    (start, prop::collection::vec(piece, 0..8)).prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What is accepted is what a browser visits, and stays so when we add our parameters.
    #[test]
    fn answers_never_leave_the_accepted_address(
        text in almost_url(),
        state in any::<String>(),
        kind in prop::sample::select(ClientKind::ALL),
    ) {
        let Ok(accepted) = check_callback_url(&text, kind) else { return Ok(()) };
        let answer = response_url(accepted.as_str(), &[("code", "c-0_d"), ("state", &state)]);
        prop_assert!(answer.starts_with(&text));
        prop_assert!(answer.bytes().all(|b| (0x21..0x7f).contains(&b)), "{answer}");

        let (before, after) = (accepted.url(), Url::parse(&answer).unwrap());
        prop_assert_eq!(after.scheme(), before.scheme());
        prop_assert_eq!(after.host_str(), before.host_str());
        prop_assert_eq!(after.port(), before.port());
        prop_assert_eq!(after.path(), before.path());
        prop_assert_eq!(after.fragment(), None);
        prop_assert_eq!(after.username(), "");

        // Its own parameters come first and unchanged, then ours.
        let mut expected: Vec<(String, String)> = before.query_pairs().into_owned().collect();
        expected.push(("code".into(), "c-0_d".into()));
        expected.push(("state".into(), state));
        prop_assert_eq!(after.query_pairs().into_owned().collect::<Vec<_>>(), expected);
    }

    /// The host that a reviewer reads in the text is the host that a browser visits.
    #[test]
    fn accepted_hosts_stand_in_the_text(text in almost_url()) {
        if let Ok(accepted) = check_callback_url(&text, ClientKind::Confidential) {
            let host = accepted.host().unwrap();
            let after_scheme = text.split_once("://").unwrap().1.to_ascii_lowercase();
            prop_assert!(after_scheme.starts_with(host), "{text} visits {host}");
            let next = after_scheme[host.len()..].chars().next();
            prop_assert!(matches!(next, None | Some('/' | '?' | ':')), "{text} visits {host}");
            prop_assert!(text.starts_with("https://") || host == "localhost");
        }
    }

    #[test]
    fn no_text_is_too_strange_to_be_judged(text in any::<String>(), kind in prop::sample::select(ClientKind::ALL)) {
        let _ = (check_callback_url(&text, kind), check_page_url(&text));
    }
}

#[test]
fn rules_have_codes_of_their_own() {
    let all = [
        Length,
        Absolute,
        Scheme,
        Characters,
        PercentEncoding,
        Backslash,
        UserInfo,
        Host,
        IpAddress,
        Port,
        Path,
        Wildcard,
        Fragment,
        Parameter,
        Spelling,
    ];
    let codes: std::collections::HashSet<&str> = all.iter().map(|rule| rule.code()).collect();
    assert_eq!(codes.len(), all.len());
}
