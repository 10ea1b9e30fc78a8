//! Asking registries: referral, refusal, silence, garbage.

use screening::evidence::{DomainEvidence, Evidence};
use screening::rdap::bootstrap::Bootstrap;
use screening::{Check, Field, Finding, Screener, ScreenerConfig, Severity, checks};

use crate::support::*;

struct Registry {
    site: Site,
    screener: Screener,
}

impl Registry {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut ScreenerConfig)) -> Self {
        let site = secure_site().await;
        let names = Names::new();
        names.set("rdap.example.net", &[OUTSIDE]).set("registrar.example.org", &[OUTSIDE]);
        names.set("inside.example.net", &["10.0.0.1"]);
        let mut config = config();
        config.ask_registries = true;
        change(&mut config);
        let screener = screener_with(config, &names);
        let file = format!(
            r#"{{"publication":"2026-11-01","services":[[["com"],["{}/v1/"]],[["org"],["https://inside.example.net/"]]]}}"#,
            site.at("rdap.example.net")
        );
        screener.replace_bootstrap(Bootstrap::parse(file.as_bytes()).unwrap());
        Self { site, screener }
    }

    async fn age(&self, typed: &str) -> Finding {
        self.age_at(typed, now()).await
    }

    async fn age_at(&self, typed: &str, when: jiff::Timestamp) -> Finding {
        let finding = checks::domain_age(Field::Homepage, typed, &self.screener.begin(when)).await;
        assert_eq!(finding.check, Check::DomainAge);
        finding
    }

    fn answer(&self, domain: &str, reply: Reply) {
        self.site.on(&format!("/v1/domain/{domain}"), reply);
    }
}

fn domain(name: &str, events: &[(&str, &str)]) -> String {
    let events: Vec<_> =
        events.iter().map(|(action, date)| serde_json::json!({"eventAction": action, "eventDate": date})).collect();
    serde_json::json!({"objectClassName": "domain", "ldhName": name, "events": events, "status": ["active"]})
        .to_string()
}

fn evidence(finding: &Finding) -> &DomainEvidence {
    match &finding.evidence {
        Evidence::Domain(domain) => domain,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn old_and_young_domains() {
    let registry = Registry::new().await;
    registry.answer("old.com", Reply::json(&domain("OLD.com", &[("registration", "2001-02-03T04:05:06Z")])));
    registry.answer("young.com", Reply::json(&domain("young.com", &[("registration", "2026-11-20T00:00:00Z")])));
    registry.answer("edge.com", Reply::json(&domain("edge.com", &[("registration", "2026-10-25T11:00:00Z")])));
    expect(&registry.age("https://www.old.com/").await, Severity::Passed, "since 2001-02-03");
    let young = registry.age("https://a.b.young.com/x").await;
    expect(&young, Severity::Suspicious, "only 4 days ago, on 2026-11-20");
    assert_eq!(evidence(&young).age_days, Some(4));
    expect(&registry.age("https://edge.com/").await, Severity::Passed, "30 days");
    assert!(evidence(&young).fetch.as_ref().unwrap().hops[0].peer.is_some());
}

#[tokio::test]
async fn domains_that_change_hands_or_end() {
    let registry = Registry::new().await;
    let old = ("registration", "2001-01-01T00:00:00Z");
    registry.answer("moved.com", Reply::json(&domain("moved.com", &[old, ("transfer", "2026-11-10T00:00:00Z")])));
    registry.answer("ended.com", Reply::json(&domain("ended.com", &[old, ("expiration", "2026-11-01T00:00:00Z")])));
    let held = domain("held.com", &[old]).replace("active", "Client Hold");
    registry.answer("held.com", Reply::json(&held));
    expect(&registry.age("https://moved.com/").await, Severity::Suspicious, "another registrar on 2026-11-10");
    expect(&registry.age("https://ended.com/").await, Severity::Suspicious, "ended on 2026-11-01");
    expect(&registry.age("https://held.com/").await, Severity::Suspicious, "'Client Hold'");
}

#[tokio::test]
async fn referrals_by_redirect_and_by_link() {
    let registry = Registry::new().await;
    let record = domain("refer.com", &[("registration", "2010-01-01T00:00:00Z")]);
    let registrar = registry.site.at("registrar.example.org");
    registry.answer("refer.com", Reply::redirect(&format!("{registrar}/domain/refer.com")));
    registry.site.on("/domain/refer.com", Reply::json(&record));
    let finding = registry.age("https://refer.com/").await;
    expect(&finding, Severity::Passed, "since 2010-01-01");
    assert_eq!(evidence(&finding).fetch.as_ref().unwrap().hops.len(), 2);

    let thin = serde_json::json!({"ldhName": "thin.com", "links": [
        {"rel": "related", "type": "application/rdap+json", "href": format!("{registrar}/domain/thin.com")}]});
    registry.answer("thin.com", Reply::json(&thin.to_string()));
    registry.site.on("/domain/thin.com", Reply::json(&domain("thin.com", &[("registration", "2012-01-01T00:00:00Z")])));
    expect(&registry.age("https://thin.com/").await, Severity::Passed, "since 2012-01-01");
}

/// A registry, or who speaks for it, cannot send us inside.
#[tokio::test]
async fn a_referral_inside_is_refused() {
    let registry = Registry::new().await;
    let trap = Trap::at("127.0.0.1").await;
    registry.answer("evil.com", Reply::redirect(&format!("http://127.0.0.1:{}/domain/evil.com", trap.port())));
    let thin = serde_json::json!({"ldhName": "thin.com", "links": [
        {"rel": "related", "href": format!("http://127.0.0.1:{}/domain/thin.com", trap.port())}]});
    registry.answer("thin.com", Reply::json(&thin.to_string()));
    for typed in ["https://evil.com/", "https://thin.com/", "https://any.org/"] {
        expect(&registry.age(typed).await, Severity::NotChecked, "not on the public Internet");
    }
    trap.assert_untouched().await;
}

#[tokio::test]
async fn answers_that_say_nothing_are_not_checked() {
    let registry = Registry::with(|config| *config = impatient(config.clone())).await;
    let gzip = [("Content-Encoding", "gzip"), ("Content-Type", "application/rdap+json")];
    for (name, reply, words) in [
        ("garbage.com", Reply::html("<html>Sorry</html>"), "could not be read"),
        ("other.com", Reply::json(&domain("another.com", &[])), "could not be read"),
        (
            "undated.com",
            Reply::json(&domain("undated.com", &[("expiration", "2030-01-01T00:00:00Z")])),
            "does not tell",
        ),
        (
            "future.com",
            Reply::json(&domain("future.com", &[("registration", "2200-01-01T00:00:00Z")])),
            "could not be read",
        ),
        ("packed.com", Reply::new(200, &gzip, &[0x1f, 0x8b, 8]), "could not be read"),
        ("broken.com", Reply::status(500), "status 500"),
        ("silent.com", Reply::Hang, "did not answer in time"),
        ("endless.com", Reply::Flood(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec()), "larger than"),
        ("cut.com", Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec()), "proper HTTP answer"),
    ] {
        registry.answer(name, reply);
        expect(&registry.age(&format!("https://{name}/")).await, Severity::NotChecked, words);
    }
    expect(&registry.age("https://nobody.com/").await, Severity::Suspicious, "knows no domain 'nobody.com'");
    expect(&registry.age("https://example.unlisted-tld/").await, Severity::NotChecked, "public registry");
    expect(&registry.age("https://example.de/").await, Severity::NotChecked, "no RDAP server");
    expect(&registry.age("https://someone.github.io/").await, Severity::NotChecked, "lends its domain");
    expect(&registry.age("https://192.0.2.1/").await, Severity::NotChecked, "");
}

#[tokio::test]
async fn a_registry_that_says_429_is_left_alone() {
    let registry = Registry::new().await;
    registry.answer("one.com", Reply::new(429, &[("Retry-After", "120")], b""));
    registry.answer("two.com", Reply::json(&domain("two.com", &[("registration", "2001-01-01T00:00:00Z")])));
    expect(&registry.age("https://one.com/").await, Severity::NotChecked, "no more questions");
    expect(&registry.age("https://two.com/").await, Severity::NotChecked, "too often");
    assert_eq!(registry.site.requests().len(), 1, "no question while it is silent");
    let later = "2026-11-24T12:02:00Z".parse().unwrap();
    expect(&registry.age_at("https://two.com/", later).await, Severity::Passed, "since 2001");
}

#[tokio::test]
async fn questions_are_paced() {
    let registry = Registry::with(|config| {
        config.rdap.burst = 2;
        config.rdap.per_second = 0.1;
    })
    .await;
    for n in 0..4 {
        registry.answer(
            &format!("d{n}.com"),
            Reply::json(&domain(&format!("d{n}.com"), &[("registration", "2001-01-01")])),
        );
    }
    let mut passed = Vec::new();
    for n in 0..4 {
        passed.push(registry.age(&format!("https://d{n}.com/")).await.severity == Severity::Passed);
    }
    assert_eq!(passed, [true, true, false, false]);
    let later = "2026-11-24T12:00:10Z".parse().unwrap();
    expect(&registry.age_at("https://d3.com/", later).await, Severity::Passed, "since 2001");
}

#[tokio::test]
async fn an_answer_is_remembered_for_a_day() {
    let registry = Registry::new().await;
    registry.answer("a.com", Reply::json(&domain("a.com", &[("registration", "2026-11-01T00:00:00Z")])));
    for typed in ["https://a.com/", "https://www.a.com/policy"] {
        expect(&registry.age(typed).await, Severity::Suspicious, "23 days ago");
    }
    let evening = registry.age_at("https://a.com/", "2026-11-24T20:00:00Z".parse().unwrap()).await;
    assert_eq!(evidence(&evening).asked_at, Some(now()), "the evidence says when it was asked");
    assert_eq!(registry.site.requests().len(), 1);
    let next = registry.age_at("https://a.com/", "2026-12-02T12:00:00Z".parse().unwrap()).await;
    expect(&next, Severity::Passed, "31 days");
    assert_eq!(registry.site.requests().len(), 2);
}
