//! What can be told from the text alone: the URL rules, lists, shorteners, look-alikes, names, sites.

use proptest::prelude::*;
use screening::blocklist::{Blocklist, Blocklists};
use screening::evidence::Evidence;
use screening::lookalike::{KnownApp, KnownApps};
use screening::{AppUrls, Check, Field, Screener, Severity, checks};

use crate::support::*;

fn local() -> Screener {
    screener(&Names::new())
}

#[track_caller]
fn form(field: Field, typed: &str, native: bool) -> Option<String> {
    let finding = checks::url_form(field, typed, native, &local());
    assert!(matches!(finding.severity, Severity::Passed | Severity::Invalid));
    (finding.severity == Severity::Invalid).then_some(finding.sentence)
}

#[test]
fn the_url_rules() {
    let callback = Field::Callback(0);
    for good in [
        "https://www.example.com/cb",
        "https://www.example.com:8443/cb?x=1&y=token",
        "https://bücher.example/cb",
        "http://localhost:3000/cb",
        "https://localhost/cb",
    ] {
        assert_eq!(form(callback, good, false), None, "{good}");
    }
    for (bad, words) in [
        ("", "missing"),
        ("example.com/cb", "not a URL"),
        ("http://www.example.com/cb", "does not begin with https://"),
        ("HTTPS://www.example.com/cb", "does not begin with https://"),
        ("http://localhost.evil.tld/cb", "does not begin with https://"),
        ("ftp://www.example.com/", "does not begin with https://"),
        ("javascript:alert(1)", "does not begin with https://"),
        ("jAvAsCrIpT:alert(1)", "does not begin with https://"),
        ("java\tscript:alert(1)", "invisible"),
        ("data:text/html,x", "does not begin with https://"),
        ("https://www.example.com/cb#top", "fragment"),
        ("https://www.example.com/cb%23top", "fragment"),
        ("https://*.example.com/cb", "wildcard"),
        ("https://www.example.com/%2A", "wildcard"),
        ("https://www.example.com\\@evil.example/", "backslash"),
        ("https://a@b@www.example.com/", "user name"),
        ("https:user@www.example.com/", "does not begin with https://"),
        ("https:///cb", "no host name"),
        ("https://?x", "no host name"),
        ("https://../", "no host name"),
        ("https://www.example.com%40evil.example/", "user name"),
        ("https://user:secret@www.example.com/", "user name"),
        ("https://192.0.2.1/cb", "raw IP"),
        ("https://[2001:db8::1]/cb", "raw IP"),
        ("https://0x7f.1/cb", "raw IP"),
        ("https://2130706433/cb", "raw IP"),
        ("https://127.1/cb", "raw IP"),
        ("http://127.0.0.1/cb", "raw IP"),
        ("https://www.example.com/cb?SessionID=1", "'SessionID'"),
        ("https://www.example.com/cb?a=1&%74oken=2&redirect_uri=3", "'token', 'redirect_uri'"),
        (" https://www.example.com/", "spaces"),
        ("https://www.exa\u{200b}mple.com/", "invisible"),
        ("https://www.example.com/a b", "spaces"),
    ] {
        let sentence = form(callback, bad, false).unwrap_or_else(|| panic!("{bad} is accepted"));
        assert!(sentence.contains(words), "{bad}: {sentence}");
    }
    let long = format!("https://www.example.com/{}", "x".repeat(2048));
    assert!(form(callback, &long, false).unwrap().contains("2048"));
    let many = form(callback, "http://u@192.0.2.1/*?token=1", false).unwrap();
    for words in ["https://", "user name", "raw IP", "wildcard", "'token'"] {
        assert!(many.contains(words), "all faults at once: {many}");
    }
}

#[test]
fn native_apps_may_lead_to_the_device() {
    for typed in ["http://127.0.0.1/cb", "http://127.0.0.1:8400/cb", "http://[::1]/cb", "com.example.app:/cb"] {
        assert_eq!(form(Field::Callback(0), typed, true), None, "{typed}");
        assert!(form(Field::Callback(0), typed, false).is_some(), "{typed} of a web app");
        assert!(form(Field::Homepage, typed, true).is_some(), "{typed} as a homepage");
    }
    for typed in ["http://127.0.0.2/cb", "https://127.0.0.1/cb", "myapp:/cb", "http://10.0.0.1/cb"] {
        assert!(form(Field::Callback(0), typed, true).is_some(), "{typed}");
    }
}

#[test]
fn listed_hosts_are_malicious() {
    let screener = local();
    let finding = checks::blocklist(Field::Homepage, "https://bad.example/", &screener);
    expect(&finding, Severity::NotChecked, "no list");
    let lists = ["bad.example\n", "# Last updated: today\n\"1\",\"2026\",\"http://worse.example/x.exe\",\"online\"\n"];
    let lists = lists
        .iter()
        .enumerate()
        .map(|(n, text)| Blocklist::read(&format!("list {n}"), Some(now()), text.as_bytes()).unwrap());
    screener.replace_blocklists(Blocklists::new(lists.collect()));
    let finding = checks::blocklist(Field::Homepage, "https://www.bad.example/a", &screener);
    expect(&finding, Severity::Malicious, "'bad.example' is on the list of harmful sites 'list 0' (2026-11-24)");
    let finding = checks::blocklist(Field::Callback(1), "https://worse.example/cb", &screener);
    expect(&finding, Severity::Malicious, "'list 1' (Last updated: today)");
    let finding = checks::blocklist(Field::Logo, "https://good.example/", &screener);
    expect(&finding, Severity::Passed, "any of the 2 imported lists");
}

#[test]
fn link_shorteners_are_suspicious() {
    let mut config = config();
    config.more_shorteners = vec!["Go.Example.com".to_owned()];
    let screener = screener_with(config, &Names::new());
    for typed in
        ["https://bit.ly/abc", "https://www.tinyurl.com/x", "https://go.example.com/x", "https://x.page.link/y"]
    {
        expect(&checks::link_shortener(Field::Homepage, typed, &screener), Severity::Suspicious, "link shortener");
    }
    expect(&checks::link_shortener(Field::Homepage, "https://example.com/", &screener), Severity::Passed, "no known");
}

fn known_screener() -> Screener {
    let screener = local();
    let app = KnownApp {
        id: "acme".to_owned(),
        name: "Acme Calendar".to_owned(),
        hosts: vec!["www.acmecalendar.com".to_owned()],
    };
    screener.replace_known_apps(KnownApps::new(vec![app]));
    screener
}

#[test]
fn hosts_that_read_like_others() {
    let screener = known_screener();
    let judge = |typed: &str| checks::look_alike_host(Field::Homepage, typed, Some("new"), &screener);
    expect(&judge("https://www.example.com/"), Severity::Passed, "does not read like");
    expect(&judge("https://jiomeet-login.example.com/"), Severity::Suspicious, "JioMeet");
    expect(&judge("https://acmecalender.com/"), Severity::Suspicious, "www.acmecalendar.com (Acme Calendar)");
    expect(&judge("https://jiomeetpro.jio.com/"), Severity::Passed, "");
    let mixed = judge("https://exаmple.com/");
    expect(&mixed, Severity::Suspicious, "mixes letters of different scripts");
    assert!(mixed.sentence.contains("On the wire the host is 'xn--"), "{}", mixed.sentence);
    let Evidence::Host(host) = &mixed.evidence else { panic!() };
    assert_eq!((host.host.unicode.as_str(), host.odd_labels.len()), ("exаmple.com", 1));
    assert!(host.host.ascii.starts_with("xn--"));
    expect(&judge("https://аррӏе.com/"), Severity::Suspicious, "another script");
    expect(&judge("https://пример.рф/"), Severity::Passed, "");
    let own = checks::look_alike_host(Field::Homepage, "https://acmecalender.com/", Some("acme"), &screener);
    expect(&own, Severity::Passed, "");
}

#[test]
fn names_that_read_like_others() {
    let screener = known_screener();
    let judge = |name: &str| checks::app_name(name, None, &screener);
    for good in ["Team Planner", "Planner for JioMeet", "日程表", "Plán 7", "Meet & Greet", "Radio"] {
        expect(&judge(good), Severity::Passed, "");
    }
    for (bad, words) in [
        ("JioMeet", "can be read as 'JioMeet'"),
        ("Jio Meet Helper", "contains 'JioMeet'"),
        ("J1oMeet Planner", "can be read as 'JioMeet'"),
        ("JioMeet for JioMeet", "can be read as 'JioMeet'"),
        ("Official Calendar", "'official'"),
        ("Customer Support", "'support'"),
        ("ACME calendar", "'Acme Calendar'"),
        ("Асme Planner", "another script"),
    ] {
        expect(&judge(bad), Severity::Suspicious, words);
    }
    expect(&judge("Team\u{202e}Planner"), Severity::Invalid, "invisible");
    expect(&judge("Team\u{200b}Planner"), Severity::Invalid, "invisible");
}

#[test]
fn sites_are_compared() {
    let mut app = app("https://www.example.com");
    app.callbacks = vec!["https://api.example.com/cb".to_owned(), "http://localhost:3000/cb".to_owned()];
    expect(&checks::one_site(&app), Severity::Passed, "one site");
    app.logo = "https://cdn.example.net/logo.png".to_owned();
    expect(&checks::one_site(&app), Severity::Passed, "but the logo's");
    app.callbacks.push("https://else.example.org/cb".to_owned());
    let finding = checks::one_site(&app);
    expect(
        &finding,
        Severity::Suspicious,
        "example.com (Homepage URL, Policy URL, Callback URL 1); example.org (Callback URL 3)",
    );
    let Evidence::Sites(sites) = &finding.evidence else { panic!() };
    assert_eq!(sites.sites.len(), 3);
    app.callbacks = vec!["com.example.app://callback/x".to_owned()];
    expect(&checks::one_site(&app), Severity::Passed, "");
    app.homepage = "https://one.github.io/".to_owned();
    app.policy = "https://two.github.io/".to_owned();
    expect(&checks::one_site(&app), Severity::Suspicious, "one.github.io");
    expect(&checks::one_site(&AppUrls::default()), Severity::NotChecked, "No URL");
}

#[test]
fn local_checks_come_together() {
    let findings = checks::local(Field::Homepage, "https://bit.ly/x", None, false, &local());
    let checks: Vec<Check> = findings.iter().map(|finding| finding.check).collect();
    assert_eq!(checks, [Check::UrlForm, Check::Blocklist, Check::LinkShortener, Check::LookAlikeHost]);
    let findings = checks::local(Field::Homepage, "not a url", None, false, &local());
    assert_eq!(findings.len(), 1);
}

/// Nothing typed into any field makes screening panic, and what is no URL is never passed.
#[test]
fn anything_can_be_typed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let screener = known_screener();
    let typed = prop_oneof!["\\PC{0,40}", "https?://[^ ]{0,40}", "[a-z]{1,8}:[/@#*.:%a-z0-9\\[\\]]{0,30}"];
    proptest!(ProptestConfig::with_cases(150), |(home in typed.clone(), policy in typed.clone(), logo in typed.clone(),
        callbacks in prop::collection::vec(typed, 0..4), name in "\\PC{0,30}", native: bool)| {
        let app = AppUrls { app_id: None, name, homepage: home, policy, terms: None, logo, post_logouts: callbacks.clone(), callbacks, native };
        let report = runtime.block_on(screen(&screener, &app));
        for field in [Field::Homepage, Field::Policy] {
            prop_assert!(report.find(field, Check::Reachable).is_some_and(|found| found.severity != Severity::Passed));
        }
        prop_assert!(report.logo.is_none());
        let stored = serde_json::to_value(&report).unwrap();
        prop_assert!(serde_json::from_value::<screening::Report>(stored).is_ok());
    });
}
