//! Servers, names and apps for the tests.
//!
//! `127.0.0.2` stands for the public Internet (it is allowed), every other loopback address for the inside of a
//! network: a listener there that is touched at all fails the test.

mod certificates;
mod names;
mod server;

pub use certificates::Authority;
pub use names::Names;
pub use server::{Reply, Site, Trap};

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use screening::{AppUrls, Check, Field, Finding, Report, Screener, ScreenerConfig, Severity};

/// The address that stands for the public Internet.
pub const OUTSIDE: &str = "127.0.0.2";

pub fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// The product's own bounds; registries are not asked.
pub fn config() -> ScreenerConfig {
    ScreenerConfig {
        allow_hosts: vec![OUTSIDE.to_owned()],
        system_roots: false,
        ask_registries: false,
        ..ScreenerConfig::default()
    }
}

/// Short bounds, so that a hostile server costs a test little.
pub fn impatient(mut config: ScreenerConfig) -> ScreenerConfig {
    config.fetch.resolve = Duration::from_millis(500);
    config.fetch.connect = Duration::from_secs(1);
    config.fetch.answer = Duration::from_millis(700);
    config.fetch.body = Duration::from_secs(1);
    config.fetch.total = Duration::from_secs(2);
    config
}

/// A screener that trusts the test authority and knows the given names.
pub fn screener(names: &Names) -> Screener {
    screener_with(config(), names)
}

pub fn screener_with(mut config: ScreenerConfig, names: &Names) -> Screener {
    config.extra_roots.push(Authority::get().certificate());
    Screener::with_resolver(config, Arc::new(names.clone())).unwrap()
}

/// A server with a good certificate for `example.com`, `example.org` and `example.net` and what is below them.
pub async fn secure_site() -> Site {
    let names = ["example.com", "*.example.com", "example.org", "*.example.org", "example.net", "*.example.net"];
    Site::https(Authority::get().server(&names, 2028)).await
}

/// Screens an app at once.
pub async fn screen(screener: &Screener, app: &AppUrls) -> Report {
    screener.screen(app, now()).await
}

/// An app whose every URL is below `base`.
pub fn app(base: &str) -> AppUrls {
    AppUrls {
        app_id: Some("app-1".to_owned()),
        name: "Team Planner".to_owned(),
        homepage: format!("{base}/"),
        policy: format!("{base}/privacy"),
        terms: None,
        logo: format!("{base}/logo.png"),
        callbacks: vec![format!("{base}/callback")],
        post_logouts: Vec::new(),
        native: false,
    }
}

/// The finding of a check, or the whole report in the failure.
pub fn finding(report: &Report, field: Field, check: Check) -> &Finding {
    report.find(field, check).unwrap_or_else(|| panic!("no {check:?} on {field:?} in {report:#?}"))
}

#[track_caller]
pub fn expect(finding: &Finding, severity: Severity, words: &str) {
    assert_eq!(finding.severity, severity, "{finding:#?}");
    assert!(finding.sentence.contains(words), "'{words}' is not in {finding:#?}");
    assert_eq!(severity == Severity::Passed, finding.mend.is_none(), "a mend for what did not pass: {finding:#?}");
}

/// The hops of a finding's fetch as `url -> status`.
pub fn fetch_of(finding: &Finding) -> &screening::net::fetch::FetchEvidence {
    use screening::evidence::Evidence;
    match &finding.evidence {
        Evidence::Fetch(fetch) => fetch,
        Evidence::Page(page) => &page.fetch,
        Evidence::Logo(logo) => &logo.fetch,
        other => panic!("no fetch in {other:?}"),
    }
}

/// A picture in PNG.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(width, height, image::Rgb([20, 90, 200]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
