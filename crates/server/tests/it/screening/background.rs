//! A submission is looked at by some node, once, whatever happens to the nodes.

use std::time::Duration;

use jiomeet_oauth::jobs::{self, Kind, MAX_ATTEMPTS};
use jiomeet_oauth::screening::{Severity, State};

use super::site::{Site, declared};
use crate::support::World;

const HOLD: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_submitted_app_is_screened_and_the_evidence_kept() {
    let site = Site::start().await;
    let world = site.world().await;
    let draft = world.draft(site.declared()).await;
    assert_eq!(world.findings(&draft.revision).await.state, State::NeverLooked);
    world.submit(&draft.app).await;
    assert_eq!(world.findings(&draft.revision).await.state, State::Running);
    assert_eq!(world.screen().await, 1);

    let findings = world.findings(&draft.revision).await;
    assert_eq!(findings.state, State::Current);
    assert!(site.asked() >= 2, "the homepage and the policy were fetched");
    let homepage = findings.of("homepage_url").unwrap();
    let reachable = homepage.lines.iter().find(|line| line.check == "reachable").unwrap();
    assert_eq!(reachable.severity, Severity::Passed, "{reachable:?}");
    assert!(reachable.evidence.iter().any(|(_, text)| text.contains("200")), "{reachable:?}");
    assert_eq!(world.screen().await, 0, "it is done once");
}

#[tokio::test]
async fn without_a_network_nothing_is_said_to_have_passed_that_needs_one() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    world.submit(&draft.app).await;
    world.screen().await;
    let findings = world.findings(&draft.revision).await;
    for group in &findings.groups {
        for line in &group.lines {
            let needs_network = ["reachable", "redirects", "credentials_form", "policy_place", "logo", "domain_age"];
            if needs_network.contains(&line.check.as_str()) {
                assert_eq!(line.severity, Severity::NotChecked, "{} {line:?}", group.field);
            }
        }
    }
    assert!(findings.worst().is_some());
}

#[tokio::test]
async fn a_listed_site_is_malicious_and_another_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("harmful.txt");
    std::fs::write(&list, "0.0.0.0 prize-login.example\n").unwrap();
    let world = World::with(&format!("screening.blocklists = [{:?}]\n", list.to_str().unwrap())).await;
    let mut declared = declared("https://day-planner.example");
    declared.callback_urls.push("https://collect.prize-login.example/in".to_owned());
    declared.post_logout_urls = "https://day-planner.example/bye\nhttps://out.prize-login.example/bye".to_owned();
    let draft = world.draft(declared).await;
    world.submit(&draft.app).await;
    world.screen().await;
    let findings = world.findings(&draft.revision).await;
    assert_eq!(findings.of("post_logout_urls[1]").unwrap().worst(), Severity::Malicious);
    assert_ne!(findings.of("post_logout_urls[0]").unwrap().worst(), Severity::Malicious);
    assert_eq!(findings.of("callback_urls[1]").unwrap().worst(), Severity::Malicious);
    assert_ne!(findings.of("callback_urls[0]").unwrap().worst(), Severity::Malicious);
    assert_eq!(findings.worst(), Some(Severity::Malicious));
}

#[tokio::test]
async fn a_list_is_fetched_from_where_it_is_published_and_one_that_is_missing_harms_nothing() {
    let site = Site::start().await;
    let list = format!("http://localhost:{}/harmful.txt", site.port);
    let missing = format!("http://localhost:{}/nothing.txt", site.port);
    let world = World::with(&format!("{}screening.blocklists = [{list:?}, {missing:?}]\n", site.settings())).await;
    let draft = world.draft(declared("https://www.prize-login.example")).await;
    world.submit(&draft.app).await;
    world.screen().await;
    let findings = world.findings(&draft.revision).await;
    let listed = findings.of("homepage_url").unwrap();
    assert_eq!(listed.worst(), Severity::Malicious, "{listed:?}");
    assert!(listed.lines[0].evidence.iter().any(|(_, text)| text.contains(&list)), "{listed:?}");
}

#[tokio::test]
async fn an_address_inside_the_network_is_not_fetched() {
    let site = Site::start().await;
    // Nothing is allowed here: localhost is this machine's inside.
    let world = World::with("screening.online = true\nscreening.ask_registries = false\n").await;
    let draft = world.draft(site.declared()).await;
    world.submit(&draft.app).await;
    world.screen().await;
    assert_eq!(site.asked(), 0);
    let findings = world.findings(&draft.revision).await;
    assert_ne!(findings.of("homepage_url").unwrap().worst(), Severity::Passed);
}

#[tokio::test]
async fn work_survives_the_node_that_did_it() {
    let mut world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    world.submit(&draft.app).await;
    let now = world.now();
    let claimed = world.write(move |tx| jobs::claim(tx, Kind::Screening, now, HOLD)).await;
    assert!(claimed.is_some());
    world.restart().await;
    assert_eq!(world.screen().await, 0, "the claim holds for a while");
    world.wait(HOLD);
    assert_eq!(world.screen().await, 1);
    assert_eq!(world.findings(&draft.revision).await.state, State::Current);
}

#[tokio::test]
async fn one_piece_of_work_is_claimed_once() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    world.submit(&draft.app).await;
    let now = world.now();
    let claims: Vec<_> = (0..8)
        .map(|_| {
            let app = std::sync::Arc::clone(&world.app);
            tokio::spawn(async move { app.db.write(move |tx| jobs::claim(tx, Kind::Screening, now, HOLD)).await })
        })
        .collect();
    let mut won = 0;
    for claim in claims {
        won += usize::from(claim.await.unwrap().unwrap().is_some());
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn what_was_begun_before_a_new_submission_is_dropped() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    world.submit(&draft.app).await;
    let now = world.now();
    let old = world.write(move |tx| jobs::claim(tx, Kind::Screening, now, HOLD)).await.unwrap();
    world.wait(Duration::from_secs(1));
    let (revision, later) = (draft.revision.clone(), world.now());
    world.write(move |tx| jobs::schedule(tx, Kind::Screening, revision.as_str(), later)).await;
    let kept = world.write(move |tx| jobs::finish(tx, &old)).await;
    assert!(!kept, "its claim is gone");
    assert_eq!(world.screen().await, 1);
}

/// In test mode callback URLs change in review too: the reviewer judges by findings about what is declared now.
#[tokio::test]
async fn callback_urls_that_change_during_the_review_are_looked_at_too() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    world.submit(&draft.app).await;
    world.screen().await;
    world.wait(Duration::from_secs(60));
    let browser = world.browser();
    browser.sign_in("dev@example.com").await;
    let path = format!("/oauth/apps/{}/callback-urls", draft.app);
    let mut form = browser.get(&path).await.form(&path);
    form.set("callback_url", "https://bit.ly/3xYz");
    form.press("action", "save");
    let saved = browser.submit(&form).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(world.findings(&draft.revision).await.state, State::Running);
    assert_eq!(world.screen().await, 1);
    let findings = world.findings(&draft.revision).await;
    assert_eq!(findings.state, State::Current);
    assert_eq!(findings.of("callback_urls[0]").unwrap().worst(), Severity::Suspicious);
}

#[tokio::test]
async fn what_fails_again_and_again_is_written_down_as_not_checked() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    world.submit(&draft.app).await;
    for attempt in 1..=MAX_ATTEMPTS {
        let now = world.now();
        let claim = world.write(move |tx| jobs::claim(tx, Kind::Screening, now, HOLD)).await.unwrap();
        assert_eq!(claim.attempt, attempt);
        world.write(move |tx| jobs::postpone(tx, &claim, "the test says so", now)).await;
        assert_eq!(world.screen().await, 0, "not at once");
        world.wait(Duration::from_secs(60 << (attempt - 1)));
    }
    assert_eq!(world.screen().await, 1);
    let findings = world.findings(&draft.revision).await;
    assert_eq!(findings.worst(), Some(Severity::NotChecked));
    assert!(findings.groups[0].lines[0].sentence.contains("could not be finished"));
    assert_eq!(world.screen().await, 0);
}
