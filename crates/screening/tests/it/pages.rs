//! Pages: certificates, statuses, redirects, sign-in forms, where the policy stands; callbacks.

use screening::blocklist::{Blocklist, Blocklists};
use screening::{AppUrls, Check, Field, Finding, Report, Screener, Severity};

use crate::support::*;

struct World {
    site: Site,
    names: Names,
    screener: Screener,
}

impl World {
    async fn new() -> Self {
        let names = Names::new();
        for name in ["www.example.com", "app.example.com", "www.example.org", "www.example.net"] {
            names.set(name, &[OUTSIDE]);
        }
        let screener = screener(&names);
        let site = secure_site().await;
        site.on("/", Reply::html("<p>Hello</p><a href=/privacy>Privacy</a>"))
            .on("/privacy", Reply::html("<p>Privacy</p>"));
        Self { site, names, screener }
    }

    fn app(&self) -> AppUrls {
        app(&self.site.at("www.example.com"))
    }

    async fn screen(&self) -> Report {
        screen(&self.screener, &self.app()).await
    }

    async fn home(&self, reply: Reply, check: Check) -> Finding {
        self.site.on("/", reply);
        finding(&self.screen().await, Field::Homepage, check).clone()
    }
}

async fn behind(server: std::sync::Arc<rustls::ServerConfig>) -> Finding {
    let site = Site::https(server).await;
    site.on("/", Reply::html("<p>Hello</p>"));
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let run = screener(&names).begin(now());
    let url = format!("{}/", site.at("www.example.com"));
    let finding = screening::checks::page(Field::Homepage, &url, &run).await.swap_remove(0);
    assert!(finding.severity == Severity::Passed || site.requests().is_empty(), "no request over a bad connection");
    finding
}

#[tokio::test]
async fn certificates_are_judged_and_shown() {
    let authority = Authority::get();
    let finding = behind(authority.server(&["www.example.com"], 2025)).await;
    expect(&finding, Severity::Invalid, "has expired");
    let certificate = fetch_of(&finding).hops[0].certificate.as_ref().unwrap();
    assert_eq!(certificate.not_after.to_string(), "2025-01-01T00:00:00Z");

    let finding = behind(authority.server(&["other.example.com"], 2030)).await;
    expect(&finding, Severity::Invalid, "for another host");
    let finding = behind(Authority::new("Nobody").server(&["www.example.com"], 2030)).await;
    expect(&finding, Severity::Invalid, "not from an authority");
    assert!(fetch_of(&finding).hops[0].certificate.is_some());
    let finding = behind(authority.server(&["www.example.com"], 2030)).await;
    expect(&finding, Severity::Passed, "200");
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_mentioned() {
    let site = secure_site().await;
    site.on("/", Reply::html("<p>Hello</p>"));
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let run = screener(&names).begin("2027-12-25T00:00:00Z".parse().unwrap());
    let findings = screening::checks::page(Field::Homepage, &format!("{}/", site.at("www.example.com")), &run).await;
    assert_eq!(findings[0].severity, Severity::Passed);
    assert!(findings[0].sentence.contains("ends on 2028-01-01"));
}

#[tokio::test]
async fn plain_http_behind_an_https_url() {
    let site = Site::http().await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let run = screener_with(impatient(config()), &names).begin(now());
    let url = site.at("www.example.com").replace("http://", "https://");
    let findings = screening::checks::page(Field::Homepage, &format!("{url}/"), &run).await;
    assert_eq!(findings[0].severity, Severity::Invalid);
    assert!(findings[0].sentence.contains("TLS handshake"), "{findings:#?}");
}

#[tokio::test]
async fn error_statuses_are_invalid() {
    let world = World::new().await;
    for status in [400, 401, 403, 404, 410, 500, 503] {
        let finding = world.home(Reply::status(status), Check::Reachable).await;
        expect(&finding, Severity::Invalid, &status.to_string());
        assert_eq!(fetch_of(&finding).status, Some(status));
    }
    expect(&world.home(Reply::status(429), Check::Reachable).await, Severity::NotChecked, "429");
    expect(&world.home(Reply::html(""), Check::Reachable).await, Severity::Invalid, "empty");
}

#[tokio::test]
async fn a_policy_that_is_not_there() {
    let world = World::new().await;
    world.site.on("/privacy", Reply::status(404));
    let report = world.screen().await;
    expect(finding(&report, Field::Policy, Check::Reachable), Severity::Invalid, "404");
}

#[tokio::test]
async fn where_the_policy_stands() {
    let world = World::new().await;
    expect(finding(&world.screen().await, Field::Policy, Check::PolicyPlace), Severity::Passed, "linked");

    let place = async |home: &str| {
        world.site.on("/", Reply::html(home));
        finding(&world.screen().await, Field::Policy, Check::PolicyPlace).clone()
    };
    expect(&place("<a href='/about'>About</a>").await, Severity::Suspicious, "no link to the policy");
    expect(&place("<script src=app.js></script>").await, Severity::NotChecked, "by script");
    assert_eq!(place("<base href='/privacy/'><a href='../privacy/#top'>P</a>").await.severity, Severity::Passed);
    assert_eq!(place("<!-- <a href='/privacy'> -->").await.severity, Severity::Suspicious);

    let mut app = world.app();
    app.policy = format!("{}/privacy", world.site.at("www.example.org"));
    let report = screen(&world.screener, &app).await;
    expect(finding(&report, Field::Policy, Check::PolicyPlace), Severity::Suspicious, "not on the homepage's site");
    expect(finding(&report, Field::AllUrls, Check::OneSite), Severity::Suspicious, "example.org (Policy URL)");

    app.policy.clone_from(&app.homepage);
    let report = screen(&world.screener, &app).await;
    expect(finding(&report, Field::Policy, Check::PolicyPlace), Severity::Suspicious, "the same page");
}

/// A link to the old address of a policy that has moved counts, and so does one to the new address.
#[tokio::test]
async fn a_policy_that_has_moved_is_still_linked() {
    let world = World::new().await;
    world.site.on("/privacy", Reply::redirect("/legal/privacy")).on("/legal/privacy", Reply::html("<p>Policy</p>"));
    for link in ["/privacy", "/legal/privacy"] {
        world.site.on("/", Reply::html(&format!("<a href='{link}'>P</a>")));
        expect(finding(&world.screen().await, Field::Policy, Check::PolicyPlace), Severity::Passed, "linked");
    }
}

#[tokio::test]
async fn redirects_are_told() {
    let world = World::new().await;
    world.site.on("/home", Reply::html("<p>Home</p>"));
    let within = format!("{}/home", world.site.at("app.example.com"));
    expect(&world.home(Reply::redirect(&within), Check::Redirects).await, Severity::Passed, "within its own site");

    let elsewhere = format!("{}/home", world.site.at("www.example.org"));
    let finding = world.home(Reply::redirect(&elsewhere), Check::Redirects).await;
    expect(&finding, Severity::Suspicious, "another site, 'www.example.org'");
    let hops = &fetch_of(&finding).hops;
    assert_eq!((hops.len(), hops[0].status, hops[0].location.as_deref()), (2, Some(302), Some(elsewhere.as_str())));
    assert!(hops[1].peer.is_some());

    let refresh = format!("<meta http-equiv=refresh content='0;url={elsewhere}'>");
    expect(&world.home(Reply::html(&refresh), Check::Redirects).await, Severity::Suspicious, "another site");
    let refresh =
        Reply::new(200, &[("Content-Type", "text/html"), ("Refresh", &format!("0; url={elsewhere}"))], b"<p>x</p>");
    expect(&world.home(refresh, Check::Redirects).await, Severity::Suspicious, "another site");
}

#[tokio::test]
async fn a_redirect_to_plain_http_is_told() {
    let world = World::new().await;
    let plain = Site::http().await;
    plain.on("/", Reply::html("<p>Plain</p>"));
    let target = format!("{}/", plain.at("www.example.com"));
    let finding = world.home(Reply::redirect(&target), Check::Redirects).await;
    expect(&finding, Severity::Suspicious, "from https to plain http");
}

#[tokio::test]
async fn a_redirect_to_a_listed_site_is_malicious() {
    let world = World::new().await;
    let list = Blocklist::read("bad sites", None, "example.org\n".as_bytes()).unwrap();
    world.screener.replace_blocklists(Blocklists::new(vec![list]));
    world.site.on("/home", Reply::html("<p>Evil</p>"));
    let target = format!("{}/home", world.site.at("www.example.org"));
    let finding = world.home(Reply::redirect(&target), Check::Redirects).await;
    expect(&finding, Severity::Malicious, "'example.org' is on the list of harmful sites 'bad sites'");
}

#[tokio::test]
async fn forms_that_ask_for_passwords() {
    let world = World::new().await;
    let text = "A long description of what this app does for the people who use it. ".repeat(10);
    let links = "<a href=/a>a</a><a href=/b>b</a><a href=/c>c</a>";
    let check = Check::CredentialsForm;
    let bare = "<form><input name=user><input type=password name=p></form>";
    expect(&world.home(Reply::html(bare), check).await, Severity::Suspicious, "hardly anything else");
    let full = format!("<p>{text}</p>{links}{bare}");
    expect(&world.home(Reply::html(&full), check).await, Severity::Passed, "stays on its own site");
    let away = format!("<p>{text}</p>{links}<form action='https://www.example.net/take'><input type=password></form>");
    expect(&world.home(Reply::html(&away), check).await, Severity::Suspicious, "another site, 'www.example.net'");
    let clear = format!("<p>{text}</p>{links}<form action='http://www.example.com/in'><input type=password></form>");
    expect(&world.home(Reply::html(&clear), check).await, Severity::Suspicious, "without encryption");
    world.site.on("/privacy", Reply::html(&full));
    let report = world.screen().await;
    expect(finding(&report, Field::Policy, check), Severity::Suspicious, "should be for reading");
}

/// A compressed page is reached, but what is in it is not looked at.
#[tokio::test]
async fn a_compressed_page_is_not_unpacked() {
    let world = World::new().await;
    let headers = [("Content-Type", "text/html"), ("Content-Encoding", "gzip")];
    let reply = Reply::new(200, &headers, &[0x1f, 0x8b, 8, 0, 0, 0]);
    world.site.on("/", reply);
    let report = world.screen().await;
    expect(finding(&report, Field::Homepage, Check::Reachable), Severity::Passed, "200");
    expect(finding(&report, Field::Homepage, Check::CredentialsForm), Severity::NotChecked, "compressed");
    expect(finding(&report, Field::Policy, Check::PolicyPlace), Severity::NotChecked, "compressed");
}

#[tokio::test]
async fn callbacks_are_visited_sparingly() {
    let world = World::new().await;
    let visit = async |reply: Reply| {
        let path = "/callback";
        world.site.on(path, reply);
        let before = world.site.requests().len();
        let typed = format!("{}{path}", world.site.at("www.example.com"));
        let run = world.screener.begin(now());
        let finding = screening::checks::callback(Field::Callback(0), &typed, false, &run).await;
        (finding, world.site.requests().split_off(before))
    };
    for status in [200, 302, 400, 401, 403] {
        let (finding, requests) = visit(Reply::status(status)).await;
        expect(&finding, Severity::Passed, &status.to_string());
        assert_eq!(requests, ["HEAD www.example.com/callback"]);
    }
    for status in [404, 410, 502, 503, 504] {
        let (finding, requests) = visit(Reply::status(status)).await;
        expect(&finding, Severity::Invalid, &status.to_string());
        assert_eq!(requests, ["HEAD www.example.com/callback", "GET www.example.com/callback"], "a second look");
    }
    let (finding, requests) = visit(Reply::Raw(Vec::new())).await;
    expect(&finding, Severity::Invalid, "proper HTTP answer");
    assert_eq!(requests.len(), 2, "some servers know no HEAD");
    let (finding, _) = visit(Reply::status(500)).await;
    assert_eq!(finding.severity, Severity::Passed);
}

#[tokio::test]
async fn a_page_after_signing_out_is_one_that_people_can_see() {
    let world = World::new().await;
    let mut app = world.app();
    app.post_logouts = vec![format!("{}/bye", world.site.at("www.example.com"))];
    for (status, severity) in
        [(200, Severity::Passed), (302, Severity::Passed), (400, Severity::Invalid), (404, Severity::Invalid)]
    {
        world.site.on("/bye", Reply::status(status));
        let report = screen(&world.screener, &app).await;
        expect(finding(&report, Field::PostLogout(0), Check::Reachable), severity, &status.to_string());
    }
    app.post_logouts = vec!["http://www.example.com/bye".to_owned()];
    let report = screen(&world.screener, &app).await;
    expect(finding(&report, Field::PostLogout(0), Check::UrlForm), Severity::Invalid, "https://");
    app.post_logouts = vec!["https://elsewhere.example/bye".to_owned()];
    let report = screen(&world.screener, &app).await;
    expect(finding(&report, Field::AllUrls, Check::OneSite), Severity::Suspicious, "2 different sites");
}

#[tokio::test]
async fn callbacks_on_the_visitors_device_are_left_alone() {
    let world = World::new().await;
    let run = world.screener.begin(now());
    for (typed, native, words) in [
        ("http://localhost:3000/cb", false, "visitor's own machine"),
        ("https://dev.localhost/cb", false, "visitor's own machine"),
        ("http://127.0.0.1/cb", true, "visitor's own machine"),
        ("com.example.app:/cb", true, "visitor's own device"),
    ] {
        expect(
            &screening::checks::callback(Field::Callback(0), typed, native, &run).await,
            Severity::NotChecked,
            words,
        );
    }
    let finding = screening::checks::callback(Field::Callback(0), "http://127.0.0.1/cb", false, &run).await;
    expect(&finding, Severity::NotChecked, "mended first");
    assert_eq!(world.names.asked("localhost"), 0);
}

#[tokio::test]
async fn more_than_ten_callbacks_are_not_all_visited() {
    let world = World::new().await;
    let mut app = world.app();
    app.callbacks = vec![app.callbacks[0].clone(); 500];
    let report = screen(&world.screener, &app).await;
    let extra = finding(&report, Field::Callback(10), Check::UrlForm);
    expect(extra, Severity::Invalid, "500 callback URLs");
    assert!(report.find(Field::Callback(11), Check::UrlForm).is_none());
}
