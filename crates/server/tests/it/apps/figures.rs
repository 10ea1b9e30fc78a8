//! Users and errors of the last thirty days.

use std::time::Duration;

use jiomeet_oauth::upkeep;
use protocol::redirect_uri::ClientKind;

use super::path;
use crate::oauth::redeem;
use crate::support::{TestApp, World};

#[tokio::test]
async fn an_app_sees_how_often_it_was_refused_and_why() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let other = world.approved_app("other").await;
    for _ in 0..3 {
        redeem(&world, &app, "jmac_made-up").await;
    }
    redeem(&world, &TestApp { client_secret: "jmcs_wrong".into(), ..app.clone() }, "jmac_made-up").await;
    redeem(&world, &TestApp { client_id: "nobody".into(), ..app.clone() }, "jmac_made-up").await;
    let query = format!("clientId={}&redirect_uri=https%3A%2F%2Fevil.example%2F&response_type=code", app.client_id);
    world.browser().get(&format!("/oauth2/authorize?{query}")).await;
    upkeep::run_once(&world.app).await;

    let dev = world.owner_of("planner").await;
    let page = dev.get(&path(&app, "")).await.text();
    assert!(page.contains("code_unknown") && page.contains(" 3 "), "{page}");
    assert!(page.contains("client_credentials_wrong") && page.contains("redirect_uri_unregistered"), "{page}");
    let unrefused = world.owner_of("other").await.get(&path(&other, "")).await.text();
    assert!(unrefused.contains("Refused requests of the last 30 days None."), "{unrefused}");
    assert_eq!(world.count("SELECT COUNT(*) FROM app_errors", &[]).await, 3, "nobody's client id counts for nothing");

    redeem(&world, &app, "jmac_made-up").await;
    upkeep::run_once(&world.app).await;
    let times = "SELECT count FROM app_errors WHERE code = 'code_unknown'";
    assert_eq!(world.count(times, &[]).await, 4);

    world.wait(Duration::from_secs(32 * 86_400));
    upkeep::run_once(&world.app).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM app_errors", &[]).await, 0, "swept after thirty days");
}

#[tokio::test]
async fn an_app_sees_how_many_people_let_it_in() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    let says = async || dev.get(&path(&app, "#figures")).await.text();
    assert!(says().await.contains("Nobody has let the app in yet."));
    world.code(&app, &app.owner).await;
    assert!(says().await.contains("1 person has let the app in."));
}
