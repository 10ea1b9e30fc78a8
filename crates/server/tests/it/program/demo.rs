//! `demo`: what it reports, and that it goes on where it stopped.

use std::os::unix::fs::PermissionsExt as _;

use super::support::{Demo, empty_database};
use crate::support::smtp::{MailServer, Mood};

fn column<'a>(demo: &'a Demo, table: &str, column: &str) -> Vec<&'a str> {
    demo.report[table].as_array().unwrap().iter().map(|row| row[column].as_str().unwrap_or("")).collect()
}

#[test]
fn it_reports_people_of_every_kind_and_apps_in_every_state() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _scratch) = empty_database();
    let demo = Demo::start(folder.path(), &database, 0, &[]);

    for role in ["user", "developer", "reviewer", "admin"] {
        assert!(demo.report["users"].as_array().unwrap().iter().any(|user| user["roles"][0] == role), "a {role}");
    }
    let plain = demo.report["users"].as_array().unwrap().iter().filter(|user| user["roles"][0] == "user").count();
    assert!(plain >= 2, "two plain users");
    let statuses = column(&demo, "apps", "status");
    for status in ["draft", "in_review", "on_hold", "rejected", "approved", "suspended"] {
        assert!(statuses.contains(&status), "an app that is {status} in {statuses:?}");
    }
    assert!(statuses.iter().filter(|status| **status == "approved").count() >= 2);
    for app in demo.report["apps"].as_array().unwrap() {
        let public = ["Meeting Tray", "Room Board"].contains(&app["name"].as_str().unwrap());
        assert_eq!(app["client_secret"].is_null(), public, "an app without a secret says so: {app}");
        assert!(!public || app["status"] == "approved", "{app}");
    }
    let client = demo.text("/client/client_id");
    assert!(column(&demo, "apps", "client_id").contains(&client), "the sample client is among the apps");
    assert_eq!(demo.text("/authorization_endpoint"), format!("{}/oauth2/authorize", demo.text("/issuer")));
    assert_eq!(demo.text("/token_endpoint"), format!("{}/api/oauth2/v2/token", demo.text("/issuer")));
    assert!(demo.text("/issuer").starts_with("http://127.0.0.1:"));
    assert!(demo.text("/client/url").starts_with("http://localhost:"), "two hosts, so that no cookie is shared");
}

#[test]
fn with_the_same_folder_it_goes_on_with_the_same_people_apps_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _scratch) = empty_database();
    let first = Demo::start(folder.path(), &database, 0, &[]);
    let before: Vec<_> = ["password", "user_id"].map(|name| column(&first, "users", name).join(" ")).into();
    let secrets = column(&first, "apps", "client_secret").join(" ");
    first.kill();

    let second = Demo::start(folder.path(), &database, 0, &[]);
    let after: Vec<_> = ["password", "user_id"].map(|name| column(&second, "users", name).join(" ")).into();
    assert_eq!(before, after);
    assert_eq!(secrets, column(&second, "apps", "client_secret").join(" "));
    let redirect = second.text("/client/redirect_uri");
    assert_eq!(redirect, format!("{}/callback", second.text("/client/url")), "the client's new port is registered");

    let seed = folder.path().join("demo-seed.json");
    assert_eq!(std::fs::metadata(seed).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn no_mail_leaves_it_whatever_is_configured_and_a_page_shows_what_would_have() {
    let server = MailServer::start(Mood::Accepts).await;
    let folder = tempfile::tempdir().unwrap();
    let (database, _scratch) = empty_database();
    let smtp = format!("smtp://127.0.0.1:{}?tls=none", server.port);
    let configured =
        [("JIOMEET_OAUTH_MAIL__SMTP", smtp.as_str()), ("JIOMEET_OAUTH_MAIL__FROM", "no-reply@example.com")];
    let demo = Demo::start(folder.path(), &database, 0, &configured);

    let outbox = format!("{}/demo/outbox", demo.text("/issuer"));
    let response = reqwest::get(&outbox).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let page = response.text().await.unwrap();
    assert!(page.contains("<h2>Tutor Table is on hold</h2>"), "{page}");
    assert!(page.contains("To dev@example.com"), "{page}");
    assert!(page.contains("answered 404. Publish it, then submit again."), "{page}");
    let own = format!("<a href=\"{}/oauth/apps/app-", demo.text("/issuer"));
    assert!(page.contains(&own), "links lead to this demo: {page}");
    assert_eq!(server.connections(), 0);
}
