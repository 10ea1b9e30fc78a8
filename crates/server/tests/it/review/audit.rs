//! The audit log: filters, pages, export.

use jiomeet_oauth::audit::{Actor, Record};
use jiomeet_oauth::ids::{AppId, UserId};
use jiomeet_oauth::random::Random;
use jiomeet_oauth::review::{Before, Filter, list_audit};
use serde_json::Value as Json;

use crate::support::World;

impl World {
    /// So many entries, every second about `app`, every third by `user`.
    async fn entries(&self, number: usize, app: &AppId, user: &UserId) {
        let (random, now) = (Random::default(), self.now());
        let (app, user) = (app.clone(), user.clone());
        let records: Vec<Record> = (0..number)
            .map(|index| {
                let actor = if index % 3 == 0 { Actor::User(user.clone()) } else { Actor::System };
                let record = Record::new(&random, now, actor, if index % 5 == 0 { "test.five" } else { "test.other" });
                if index % 2 == 0 { record.app(&app) } else { record }
            })
            .collect();
        self.write(move |tx| records.iter().try_for_each(|record| record.write(tx))).await;
    }

    async fn audit(&self, filter: Filter) -> Vec<String> {
        let mut ids = Vec::new();
        let mut before = Before::latest();
        loop {
            let (unit, place) = (filter.clone(), before.clone());
            let page = self.write(move |tx| list_audit(tx, &unit, &place, 7)).await;
            ids.extend(page.iter().map(|entry| entry.id.clone()));
            match page.last() {
                Some(last) => before = last.place(),
                None => return ids,
            }
        }
    }
}

fn filter(app: &str, user: &str, action: &str) -> Filter {
    Filter { app: app.to_owned(), user: user.to_owned(), action: action.to_owned() }
}

#[tokio::test]
async fn every_filter_finds_what_it_should_page_by_page_even_within_one_moment() {
    let world = World::new().await;
    let (app, user) = (AppId::from_text("app-1"), UserId::from_text("u-1"));
    world.entries(60, &app, &user).await;
    for (asked, number) in [
        (filter("", "", ""), 60),
        (filter("app-1", "", ""), 30),
        (filter("", "u-1", ""), 20),
        (filter("", "", "test.five"), 12),
        (filter("app-1", "", "test.five"), 6),
        (filter("app-1", "u-1", ""), 10),
        (filter("", "u-1", "test.five"), 4),
        (filter("app-1", "u-1", "test.five"), 2),
        (filter("app-2", "", ""), 0),
    ] {
        let mut found = world.audit(asked.clone()).await;
        assert_eq!(found.len(), number, "{asked:?}");
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), number, "{asked:?}: none twice");
    }
}

#[tokio::test]
async fn an_apps_entries_of_one_action_are_found_whether_it_is_common_or_rare() {
    let world = World::new().await;
    let (app, user) = (AppId::from_text("app-1"), UserId::from_text("u-1"));
    let entry = |action| Record::new(&Random::default(), world.now(), Actor::User(user.clone()), action).app(&app);
    let records = [entry("consent.granted"), entry("consent.granted"), entry("app.held")];
    world.write(move |tx| records.iter().try_for_each(|record| record.write(tx))).await;
    for (action, number) in [("consent.granted", 2), ("app.held", 1), ("app.deleted", 0), ("", 3)] {
        assert_eq!(world.audit(filter("app-1", "", action)).await.len(), number, "{action}");
    }
}

#[tokio::test]
async fn a_person_is_found_by_what_they_did_and_what_was_done_to_them() {
    let world = World::new().await;
    let user = world.person("asha@example.com").await;
    let random = Random::default();
    let by = Record::new(&random, world.now(), Actor::User(user.clone()), "test.by");
    let about = Record::new(&random, world.now(), Actor::Operator, "test.about").user(&user);
    let both = Record::new(&random, world.now(), Actor::User(user.clone()), "test.both").user(&user);
    world.write(move |tx| [&by, &about, &both].into_iter().try_for_each(|record| record.write(tx))).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get("/review/audit?user=asha%40example.com").await;
    for action in ["test.by", "test.about", "test.both"] {
        assert_eq!(page.html.matches(&format!("<code>{action}</code>")).count(), 1, "{action} {}", page.text());
    }
    let page = reviewer.get("/review/audit?user=nobody%40example.com").await;
    assert!(page.text().contains("No account has that e-mail address."));
}

#[tokio::test]
async fn the_page_leads_on_to_earlier_entries() {
    let world = World::new().await;
    world.entries(60, &AppId::from_text("app-1"), &UserId::from_text("u-1")).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get("/review/audit?action=test.other").await;
    assert!(!page.html.contains("Earlier entries"), "48 fit on one page");
    let page = reviewer.get("/review/audit").await;
    let earlier = reviewer.get(&page.link("Earlier entries")).await;
    assert_eq!(earlier.status, 200);
    assert!(!earlier.html.contains("Earlier entries"));
}

#[tokio::test]
async fn an_export_is_json_lines_complete_and_itself_in_the_log() {
    let world = World::new().await;
    let app = AppId::from_text("app-1");
    // More than one unit of work reads at once.
    world.entries(2500, &app, &UserId::from_text("u-1")).await;
    let reviewer = world.reviewer().await;
    let export = reviewer.get("/review/audit.jsonl?app=app-1").await;
    assert_eq!(export.header("content-type"), "application/jsonl");
    let lines: Vec<Json> = export.html.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1250);
    assert!(lines.iter().all(|line| line["app_id"] == "app-1" && line["at"].is_string()));
    let exports = world.count("SELECT COUNT(*) FROM audit WHERE action = 'audit.exported'", &[]).await;
    assert_eq!(exports, 1);
}
