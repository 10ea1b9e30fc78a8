//! The queue: who may see it, in which order, what is overdue.

use std::time::Duration;

use jiomeet_oauth::review::Decision;
use jiomeet_oauth::users::Role;
use protocol::redirect_uri::ClientKind;

use super::people::path;
use crate::support::World;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn to_whoever_is_no_reviewer_there_is_nothing() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let paths = ["/review".to_owned(), path(&app), "/review/audit".to_owned(), "/review/audit.jsonl".to_owned()];
    let nobody = world.browser();
    for address in &paths {
        assert_eq!(nobody.get(address).await.status, 303, "{address}: sign in first");
    }
    world.with_role("dev@example.com", Role::Developer).await;
    let developer = world.browser();
    developer.sign_in("dev@example.com").await;
    let csrf = developer.get("/account").await.form("/account").value("csrf");
    for address in &paths {
        developer.get(address).await.is_closed(404, "not_found");
    }
    for form in ["decide", "suspend", "reinstate", "try"] {
        let address = format!("{}/{form}", path(&app));
        developer.post(&address, &[("csrf", &csrf), ("decision", "approve")]).await.is_closed(404, "not_found");
    }
    assert!(!developer.get("/account").await.html.contains("href=\"/review\""));
}

#[tokio::test]
async fn reviewers_and_admins_find_it_in_the_side_bar() {
    let world = World::new().await;
    for (email, role) in [("ravi@example.com", Role::Reviewer), ("mira@example.com", Role::Admin)] {
        world.with_role(email, role).await;
        let browser = world.browser();
        browser.sign_in(email).await;
        let address = browser.get("/account").await.link("Review queue");
        let page = browser.get(&address).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("Nothing waits for a review"), "{}", page.text());
    }
}

#[tokio::test]
async fn who_has_waited_longest_comes_first_and_the_developers_turn_does_not_count() {
    let world = World::new().await;
    let first = world.draft_app("first", ClientKind::Confidential).await;
    world.wait(HOUR);
    world.draft_app("second", ClientKind::Confidential).await;
    // The first waits 40 hours, is put on hold for 100, and comes back: 40 hours are behind it, not 0 and not 140.
    world.wait(39 * HOUR);
    world.decide(&first, Decision::Hold).await;
    world.wait(100 * HOUR);
    world.submit(&first.id).await;
    world.wait(7 * HOUR);
    let third = world.draft_app("third", ClientKind::Confidential).await;

    let reviewer = world.reviewer().await;
    let page = reviewer.get("/review").await;
    let place = |name: &str| page.html.find(&format!(">{name}</a>")).unwrap_or_else(|| panic!("no {name}"));
    assert!(place("second") < place("first") && place("first") < place("third"));
    assert!(page.text().contains("3 apps wait."), "{}", page.text());
    let line = |name: &str| page.html[place(name)..].split("</li>").next().unwrap().to_owned();
    assert!(line("second").contains("Overdue"), "146 hours");
    assert!(!line("first").contains("Overdue"), "47 hours");
    assert!(line("first").contains("47 hours"), "{}", line("first"));
    world.wait(2 * HOUR);
    let page = reviewer.get("/review").await;
    let first_line = page.html[page.html.find(">first</a>").unwrap()..].split("</li>").next().unwrap().to_owned();
    assert!(first_line.contains("Overdue"), "49 hours");

    world.decide(&third, Decision::Approve).await;
    assert!(!reviewer.get("/review").await.html.contains(">third</a>"));
}

#[tokio::test]
async fn a_long_queue_is_paged_and_nobody_is_left_out_or_shown_twice() {
    let world = World::new().await;
    for number in 0..30 {
        world.draft_app(&format!("app{number:02}"), ClientKind::Confidential).await;
        // Some are handed in at the same moment.
        if number % 3 == 0 {
            world.wait(Duration::from_secs(1));
        }
    }
    let reviewer = world.reviewer().await;
    let mut seen = Vec::new();
    let mut address = "/review".to_owned();
    loop {
        let page = reviewer.get(&address).await;
        seen.extend(page.html.match_indices("/review/apps/").map(|(at, _)| page.html[at..at + 53].to_owned()));
        if !page.html.contains("Next page") {
            break;
        }
        address = page.link("Next page");
    }
    assert_eq!(seen.len(), 30);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 30);
}

#[tokio::test]
async fn an_app_is_found_by_either_of_its_ids() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let reviewer = world.reviewer().await;
    for named in [app.id.to_string(), app.client_id.clone()] {
        let answer = reviewer.get(&format!("/review?app={named}")).await;
        assert_eq!(answer.location(), Some(path(&app)));
    }
    let page = reviewer.get("/review?app=nothing").await;
    assert!(page.text().contains("There is no app with that app id or client id."));
}

#[tokio::test]
async fn the_queue_shows_the_worst_that_was_found() {
    let world = World::new().await;
    world.draft_app("planner", ClientKind::Confidential).await;
    let reviewer = world.reviewer().await;
    assert!(reviewer.get("/review").await.text().contains("Being checked"));
    world.screen().await;
    let text = reviewer.get("/review").await.text();
    assert!(text.contains("Screening: Not checked"), "off-line, nothing is called passed: {text}");
}
