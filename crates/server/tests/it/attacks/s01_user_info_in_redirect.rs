//! Lesson S1: user information before the host (`@`, several of them, encoded ones, a backslash) once hid from a parser
//! which host a redirect URI really names.

use super::{assert_never_redirected_to, assert_never_registered};
use crate::support::World;

const DISGUISED: &[&str] = &[
    "https://a@b@planner.example/callback",
    "https://planner.example@evil.example/callback",
    "https://planner.example:443@evil.example/callback",
    "https://planner.example%40evil.example/callback",
    "https://planner.example\\@evil.example/callback",
    "https://evil.example\\@planner.example/callback",
    "https://planner.example%5c@evil.example/callback",
    "https://@planner.example/callback",
    "https://:@planner.example/callback",
];

#[tokio::test]
async fn no_user_info_leads_a_code_elsewhere() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    assert_never_redirected_to(&world, &app, DISGUISED).await;
}

#[tokio::test]
async fn no_user_info_is_registered() {
    let world = World::new().await;
    assert_never_registered(&world, "confidential", DISGUISED).await;
}
