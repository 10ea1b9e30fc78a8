//! Lesson S6: an entry for `localhost` opened redirects to whatever begins or reads like it.

use super::{assert_never_redirected_to, assert_never_registered};
use crate::support::World;
use jiomeet_oauth::review::Decision;
use protocol::redirect_uri::ClientKind;

const ALMOST: &[&str] = &[
    "http://localhost.evil.example/cb",
    "http://localhost@evil.example/cb",
    "http://localhost:3000@evil.example/cb",
    "http://localhost%2eevil.example/cb",
    "http://[::1]/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://0x7f.1/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0177.0.0.1/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://\u{2460}27.0.0.1/cb",
    "http://0/cb",
    "http://notlocalhost/cb",
    "http://localhost./cb",
];

#[tokio::test]
async fn what_reads_like_localhost_is_not_registered() {
    let world = World::new().await;
    assert_never_registered(&world, "confidential", ALMOST).await;
}

/// A native app may listen on 127.0.0.1 and ::1, in exactly these spellings.
#[tokio::test]
async fn a_native_app_may_register_the_loopback_and_nothing_that_reads_like_it() {
    let world = World::new().await;
    let others: Vec<&str> = ALMOST.iter().copied().filter(|url| !url.starts_with("http://[::1]")).collect();
    assert_never_registered(&world, "public_native", &others).await;
}

#[tokio::test]
async fn an_app_on_localhost_is_answered_there_alone() {
    let world = World::new().await;
    let registered = ["http://localhost:3000/cb".to_owned()];
    let app = world.draft_app_at("planner", ClientKind::Confidential, &registered).await;
    world.decide(&app, Decision::Approve).await;
    let more =
        ["http://localhost:3001/cb", "http://localhost/cb", "http://127.0.0.1:3000/cb", "https://localhost:3000/cb"];
    assert_never_redirected_to(&world, &app, &[ALMOST, &more].concat()).await;
}
