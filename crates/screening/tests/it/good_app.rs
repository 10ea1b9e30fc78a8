//! A good app passes every check, each with its evidence; and the report survives being stored.

use std::time::{Duration, Instant};

use screening::blocklist::{Blocklist, Blocklists};
use screening::evidence::Evidence;
use screening::rdap::bootstrap::Bootstrap;
use screening::{Check, Field, Report, Severity};

use crate::support::*;

async fn good_site() -> Site {
    let site = secure_site().await;
    site.on("/", Reply::html("<h1>Team Planner</h1><p>Plans meetings.</p><a href='/privacy'>Privacy</a>"))
        .on("/privacy", Reply::html("<h1>Privacy</h1><p>We keep nothing.</p>"))
        .on("/terms", Reply::html("<h1>Terms</h1>"))
        .on("/logo.png", Reply::png(&png(512, 512)))
        .on("/callback", Reply::status(400))
        .on("/domain/example.com", Reply::json(
            r#"{"objectClassName":"domain","ldhName":"EXAMPLE.COM","events":[{"eventAction":"registration","eventDate":"2015-03-01T00:00:00Z"}]}"#,
        ));
    site
}

#[tokio::test]
async fn a_good_app_passes_everything() {
    let site = good_site().await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]).set("rdap.example.net", &[OUTSIDE]);
    let mut config = config();
    config.ask_registries = true;
    let screener = screener_with(config, &names);
    let bootstrap =
        format!(r#"{{"publication":"2026-11-01","services":[[["com"],["{}/"]]]}}"#, site.at("rdap.example.net"));
    screener.replace_bootstrap(Bootstrap::parse(bootstrap.as_bytes()).unwrap());
    let list = Blocklist::read("test list", Some(now()), "0.0.0.0 bad.example\n".as_bytes()).unwrap();
    screener.replace_blocklists(Blocklists::new(vec![list]));
    let mut app = app(&site.at("www.example.com"));
    app.terms = Some(format!("{}/terms", site.at("www.example.com")));

    let start = Instant::now();
    let report = screen(&screener, &app).await;
    println!("a full screening of a good app took {:?}", start.elapsed());

    assert_eq!(report.worst(), Severity::Passed, "{report:#?}");
    assert_eq!(report.screened_at, now());
    let checks = |field| report.of(field).map(|finding| finding.check).collect::<Vec<_>>();
    let url = [Check::UrlForm, Check::Blocklist, Check::LinkShortener, Check::LookAlikeHost];
    let page = [Check::Reachable, Check::Redirects, Check::CredentialsForm];
    assert_eq!(checks(Field::Homepage), [&url[..], &page[..], &[Check::DomainAge][..]].concat());
    assert_eq!(checks(Field::Policy), [&url[..], &page[..], &[Check::PolicyPlace][..]].concat());
    assert_eq!(checks(Field::Terms), [&url[..], &page[..]].concat());
    assert_eq!(checks(Field::Logo), [&url[..], &[Check::Logo][..]].concat());
    assert_eq!(checks(Field::Callback(0)), [&url[..], &[Check::Reachable][..]].concat());
    assert_eq!(checks(Field::Name), [Check::AppName]);
    assert_eq!(checks(Field::AllUrls), [Check::OneSite]);
    assert_evidence(&report);
    assert!(start.elapsed() < Duration::from_secs(5));
}

fn assert_evidence(report: &Report) {
    let home = fetch_of(finding(report, Field::Homepage, Check::Reachable));
    assert_eq!((home.method.as_str(), home.status, home.hops.len()), ("GET", Some(200), 1));
    assert_eq!(home.hops[0].peer.unwrap().ip().to_string(), OUTSIDE);
    let certificate = home.hops[0].certificate.as_ref().unwrap();
    assert_eq!((certificate.subject.as_str(), certificate.issuer.as_str()), ("CN=Test site", "CN=Test authority"));
    assert_eq!(certificate.not_after.to_string(), "2028-01-01T00:00:00Z");
    assert!(certificate.names.contains(&"*.example.com".to_owned()));
    assert_eq!(home.sha256.as_ref().map(String::len), Some(64));

    let Evidence::Domain(domain) = &finding(report, Field::Homepage, Check::DomainAge).evidence else { panic!() };
    assert_eq!((domain.domain.as_str(), domain.age_days), ("example.com", Some(4286)));
    assert_eq!((domain.bootstrap.as_str(), domain.suffix_list.starts_with("psl ")), ("2026-11-01", true));

    let Evidence::Lists(lists) = &finding(report, Field::Logo, Check::Blocklist).evidence else { panic!() };
    assert_eq!((lists.asked[0].name.as_str(), lists.asked[0].dated), ("test list", Some(now())));

    let Evidence::Logo(logo) = &finding(report, Field::Logo, Check::Logo).evidence else { panic!() };
    assert_eq!(logo.image.as_ref().map(|image| (image.width, image.height)), Some((512, 512)));
    let picture = report.logo.as_ref().unwrap();
    let decoded = image::load_from_memory_with_format(&picture.png, image::ImageFormat::Png).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (256, 256));

    let Evidence::Host(host) = &finding(report, Field::Homepage, Check::LookAlikeHost).evidence else { panic!() };
    assert_eq!(host.host.ascii, "www.example.com");
}

#[tokio::test]
async fn a_report_survives_being_stored() {
    let site = good_site().await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let report = screen(&screener(&names), &app(&site.at("www.example.com"))).await;
    let stored = serde_json::to_string(&report).unwrap();
    let mut back: Report = serde_json::from_str(&stored).unwrap();
    assert_eq!(back.logo, None, "the picture is kept apart");
    back.logo.clone_from(&report.logo);
    assert_eq!(back, report);
    assert!(stored.contains(r#""check":"url_form""#) && stored.contains(r#""field":{"callback":0}"#), "{stored}");
    assert!(stored.contains(r#""severity":"not_checked""#) && stored.contains(r#""kind":"page""#), "{stored}");
}

/// Each page is fetched once, a callback gets one HEAD, and nothing else is asked of the site.
#[tokio::test]
async fn a_site_is_asked_no_more_than_needed() {
    let site = good_site().await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    screen(&screener(&names), &app(&site.at("www.example.com"))).await;
    let mut requests = site.requests();
    requests.sort();
    let expected = [
        "GET www.example.com/",
        "GET www.example.com/logo.png",
        "GET www.example.com/privacy",
        "HEAD www.example.com/callback",
    ];
    assert_eq!(requests, expected);
}
