//! Without a network nothing that needs one is ever passed.

use screening::{Check, Field, ScreenerConfig, Severity};

use crate::support::*;

const NEEDS_NETWORK: [Check; 6] =
    [Check::Reachable, Check::Redirects, Check::CredentialsForm, Check::PolicyPlace, Check::Logo, Check::DomainAge];

#[tokio::test]
async fn told_to_stay_offline() {
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let config = ScreenerConfig { online: false, ask_registries: true, ..config() };
    let mut app = app("https://www.example.com");
    app.terms = Some("https://www.example.com/terms".to_owned());
    let report = screen(&screener_with(config, &names), &app).await;
    let network: Vec<_> = report.findings.iter().filter(|finding| NEEDS_NETWORK.contains(&finding.check)).collect();
    assert_eq!(network.len(), 3 * 3 + 1 + 1 + 1 + 1, "{report:#?}");
    for finding in network {
        expect(finding, Severity::NotChecked, "");
    }
    assert_eq!(names.asked("www.example.com"), 0);
    assert!(report.logo.is_none());
}

/// On-line by config, but the machine has no network: look-ups fail, and that is no verdict on the site.
#[tokio::test]
async fn the_network_is_gone() {
    let names = Names::new();
    let gone = screening::net::resolve::ResolveError::Unavailable("Temporary failure in name resolution".to_owned());
    names.fail("www.example.com", gone.clone()).fail("rdap.verisign.com", gone);
    let config = ScreenerConfig { ask_registries: true, ..config() };
    let report = screen(&screener_with(config, &names), &app("https://www.example.com")).await;
    for finding in report.findings.iter().filter(|finding| NEEDS_NETWORK.contains(&finding.check)) {
        assert_eq!(finding.severity, Severity::NotChecked, "{finding:#?}");
    }
    assert_eq!(names.asked("rdap.verisign.com"), 1);
}

#[tokio::test]
async fn without_certificate_authorities_https_is_not_judged() {
    let site = secure_site().await;
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let screener = screening::Screener::with_resolver(config(), std::sync::Arc::new(names)).unwrap();
    let report = screen(&screener, &app(&site.at("www.example.com"))).await;
    expect(
        finding(&report, Field::Homepage, Check::Reachable),
        Severity::NotChecked,
        "no trusted certificate authorities",
    );
    assert!(site.requests().is_empty());
}
