//! No request leaves for an address that is not public: by name, by literal, by redirect, by a changing answer.

use screening::{Check, Field, Screener, ScreenerConfig, Severity, checks};

use crate::support::*;

async fn judged(site: &Site, names: &Names) -> screening::Report {
    screen(&screener(names), &app(&site.at("www.example.com"))).await
}

#[tokio::test]
async fn a_name_that_means_an_inner_address_is_refused() {
    let trap = Trap::at("127.0.0.1").await;
    let names = Names::new();
    names.set("www.example.com", &["127.0.0.1"]);
    let app = app(&format!("https://www.example.com:{}", trap.port()));
    let report = screen(&screener(&names), &app).await;
    for (field, check) in [
        (Field::Homepage, Check::Reachable),
        (Field::Policy, Check::Reachable),
        (Field::Logo, Check::Logo),
        (Field::Callback(0), Check::Reachable),
    ] {
        expect(finding(&report, field, check), Severity::Invalid, "leads to a loopback address");
    }
    trap.assert_untouched().await;
}

#[tokio::test]
async fn every_kind_of_inner_address_is_refused_by_name() {
    for (address, kind) in [
        ("10.1.2.3", "private"),
        ("192.168.0.1", "private"),
        ("169.254.169.254", "metadata"),
        ("100.64.0.1", "carrier"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "metadata"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::1", "transition"),
        ("fe80::1", "link-local"),
        ("fd00:ec2::254", "metadata"),
        ("198.18.0.1", "benchmarks"),
        ("203.0.113.1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("0.0.0.0", "unspecified"),
    ] {
        let names = Names::new();
        names.set("www.example.com", &[address]);
        let run = screener(&names).begin(now());
        let findings = checks::page(Field::Homepage, "https://www.example.com/", &run).await;
        let reachable = findings.iter().find(|finding| finding.check == Check::Reachable).unwrap();
        expect(reachable, Severity::Invalid, kind);
        assert!(!reachable.sentence.contains(address), "inner addresses are not told: {}", reachable.sentence);
        assert_eq!(fetch_of(reachable).hops[0].peer, None);
    }
}

#[tokio::test]
async fn one_inner_address_among_public_ones_condemns_the_host() {
    let trap = Trap::at("127.0.0.3").await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE, "127.0.0.3"]);
    let run = screener(&names).begin(now());
    let url = format!("https://www.example.com:{}/", trap.port());
    let findings = checks::page(Field::Homepage, &url, &run).await;
    expect(&findings[0], Severity::Invalid, "loopback");
    trap.assert_untouched().await;
}

#[tokio::test]
async fn a_redirect_inside_is_not_followed_by_name_or_by_literal() {
    let site = secure_site().await;
    let trap = Trap::at("127.0.0.1").await;
    let v6 = Trap::at("::1").await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]).set("inside.example.com", &["127.0.0.1"]);
    let port = trap.port();
    for (target, kind) in [
        (format!("http://inside.example.com:{port}/"), "loopback"),
        (format!("http://127.0.0.1:{port}/"), "loopback"),
        (format!("http://2130706433:{port}/"), "loopback"),
        (format!("http://0x7f.1:{port}/"), "loopback"),
        (format!("http://127.1:{port}/"), "loopback"),
        (format!("//127.0.0.1:{port}/x"), "loopback"),
        (format!("http://[::1]:{}/", v6.port()), "loopback"),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), "loopback"),
        (format!("http://[64:ff9b::7f00:1]:{port}/"), "loopback"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "metadata"),
        ("http://[fd00:ec2::254]/latest/meta-data/".to_owned(), "metadata"),
        ("http://100.100.100.200/latest/meta-data/".to_owned(), "metadata"),
        ("http://168.63.129.16/machine".to_owned(), "metadata"),
        ("http://10.0.0.1/".to_owned(), "private"),
    ] {
        for path in ["/", "/privacy", "/logo.png", "/callback"] {
            site.on(path, Reply::redirect(&target));
        }
        let report = judged(&site, &names).await;
        expect(finding(&report, Field::Homepage, Check::Reachable), Severity::Invalid, kind);
        expect(finding(&report, Field::Policy, Check::Reachable), Severity::Invalid, kind);
        expect(finding(&report, Field::Logo, Check::Logo), Severity::Invalid, kind);
        let hops = &fetch_of(finding(&report, Field::Logo, Check::Logo)).hops;
        assert_eq!((hops.len(), hops[0].status, hops[1].peer), (2, Some(302), None), "{target}");
        // Redirects of callbacks are not followed at all.
        let callback = finding(&report, Field::Callback(0), Check::Reachable);
        expect(callback, Severity::Passed, "302");
        assert_eq!(fetch_of(callback).hops.len(), 1);
    }
    trap.assert_untouched().await;
    v6.assert_untouched().await;
}

#[tokio::test]
async fn redirects_to_other_schemes_end_there() {
    let site = secure_site().await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    for target in [
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "javascript:alert(1)",
        "http://",
        "data:text/html,x",
        "ftp://www.example.com/",
    ] {
        site.on("/", Reply::redirect(target));
        let report = judged(&site, &names).await;
        expect(finding(&report, Field::Homepage, Check::Reachable), Severity::Invalid, "not an http or https URL");
    }
}

/// The answer of the first look-up is what is dialled: there is no second one that could mean something else.
#[tokio::test]
async fn an_answer_that_changes_between_check_and_use_changes_nothing() {
    let site = secure_site().await;
    site.on("/", Reply::html("<p>Hello</p>"));
    let trap = Trap::at("127.0.0.1").await;
    let names = Names::new();
    names.set_in_turn("www.example.com", &[&[OUTSIDE], &["127.0.0.1"]]);
    let run = screener(&names).begin(now());
    let url = format!("{}/", site.at("www.example.com"));
    let findings = checks::page(Field::Homepage, &url, &run).await;
    expect(&findings[0], Severity::Passed, "200");
    assert_eq!(names.asked("www.example.com"), 1);

    // The next fetch asks anew, and is refused.
    let findings = checks::page(Field::Homepage, &url, &run).await;
    expect(&findings[0], Severity::Invalid, "loopback");
    assert_eq!(names.asked("www.example.com"), 2);
    trap.assert_untouched().await;
}

/// Each hop asks anew, also for the same name.
#[tokio::test]
async fn an_answer_that_changes_between_redirects_is_checked_again() {
    let site = secure_site().await;
    site.on("/", Reply::redirect("/next")).on("/next", Reply::html("inside"));
    let names = Names::new();
    names.set_in_turn("www.example.com", &[&[OUTSIDE], &["127.0.0.1"]]);
    let run = screener(&names).begin(now());
    let url = format!("{}/", site.at("www.example.com"));
    let findings = checks::page(Field::Homepage, &url, &run).await;
    expect(&findings[0], Severity::Invalid, "loopback");
    assert_eq!(site.requests(), ["GET www.example.com/"]);
}

#[tokio::test]
async fn literals_and_localhost_as_typed_are_not_fetched() {
    let trap = Trap::at("127.0.0.1").await;
    let names = Names::new();
    names.set("localhost", &["127.0.0.1"]);
    let port = trap.port();
    for typed in [
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://0x7f000001:{port}/"),
        format!("https://localhost:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://user@localhost:{port}/"),
    ] {
        let mut app = app("https://www.example.com");
        app.homepage.clone_from(&typed);
        app.logo.clone_from(&typed);
        app.callbacks = vec![typed];
        let report = screen(&screener(&names), &app).await;
        assert!(finding(&report, Field::Homepage, Check::Reachable).severity != Severity::Passed);
        assert!(finding(&report, Field::Callback(0), Check::Reachable).severity != Severity::Passed);
    }
    trap.assert_untouched().await;
}

/// A closed network: the operator opens one host and port, and nothing else beside it.
#[tokio::test]
async fn the_operator_opens_a_host() {
    let inside = Site::http().await;
    inside.on("/", Reply::html("<p>Intranet</p>"));
    let names = Names::new();
    names.set("intranet.example", &[OUTSIDE]);
    let typed = format!("{}/", inside.at("intranet.example"));
    let mut closed = config();
    closed.allow_hosts.clear();
    let run = screener_with(closed.clone(), &names).begin(now());
    let findings = checks::page(Field::Homepage, &typed, &run).await;
    assert_eq!(findings[0].severity, Severity::NotChecked, "plain http breaks the URL rules");

    let port = typed.split(':').nth(2).unwrap().trim_end_matches('/');
    let mut opened = closed;
    opened.allow_hosts.push(format!("intranet.example:{port}"));
    let run = screener_with(opened, &names).begin(now());
    let findings = checks::page(Field::Homepage, &typed, &run).await;
    expect(&findings[0], Severity::Passed, "200");
}

/// With the system's own resolver, as the demo runs: `localhost` is opened on one port.
#[tokio::test]
async fn the_operator_opens_localhost() {
    let server = Trap::at("127.0.0.1").await;
    let other = Trap::at("127.0.0.1").await;
    let port = server.port();
    let config = ScreenerConfig { allow_hosts: vec![format!("localhost:{port}")], ..config() };
    let run = Screener::new(config).unwrap().begin(now());
    let at = |port: u16| format!("http://localhost:{port}/");
    expect(&checks::page(Field::Homepage, &at(port), &run).await[0], Severity::Passed, "200");
    expect(&checks::callback(Field::Callback(0), &at(port), false, &run).await, Severity::Passed, "200");
    assert_eq!(server.touched(), 2);
    expect(
        &checks::page(Field::Homepage, &at(other.port()), &run).await[0],
        Severity::Invalid,
        "'localhost' leads to a loopback",
    );
    expect(
        &checks::callback(Field::Callback(0), &at(other.port()), false, &run).await,
        Severity::NotChecked,
        "own machine",
    );
    other.assert_untouched().await;
}

#[tokio::test]
async fn ports_of_other_services_and_closed_addresses_are_not_dialled() {
    let names = Names::new();
    names.set("www.example.com", &["93.184.215.14"]);
    let config = ScreenerConfig { deny_hosts: vec!["93.184.215.0/24".to_owned()], ..config() };
    for (config, typed, words) in [
        (config.clone(), "https://www.example.com/", "operator has closed"),
        (ScreenerConfig { deny_hosts: Vec::new(), ..config }, "https://www.example.com:22/", "no web site uses"),
    ] {
        let run = screener_with(config, &names).begin(now());
        let findings = checks::page(Field::Homepage, typed, &run).await;
        expect(&findings[0], Severity::Invalid, words);
        assert_eq!(fetch_of(&findings[0]).hops[0].peer, None);
    }
}

/// A proxy would be given the name and dial what it likes. Whatever the environment says, there is none.
#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    let proxy = Trap::at("127.0.0.1").await;
    let address = format!("http://127.0.0.1:{}", proxy.port());
    let mut again = tokio::task::spawn_blocking(move || {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            child.env(name, &address);
        }
        child.args(["--exact", "good_app::a_good_app_passes_everything"]).output().unwrap()
    });
    let output = (&mut again).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    proxy.assert_untouched().await;
}
