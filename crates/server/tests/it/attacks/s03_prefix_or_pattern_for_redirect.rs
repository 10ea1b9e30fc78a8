//! Lesson S3: a registered address that is compared as a prefix, or read as a regular expression, admits hosts that its owner
//! never had.

use super::{assert_never_redirected_to, assert_never_registered};
use crate::support::World;

#[tokio::test]
async fn a_registered_address_is_no_prefix_and_no_pattern() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    assert_never_redirected_to(
        &world,
        &app,
        &[
            "https://planner.example.evil.example/callback",
            "https://planner.example-evil.example/callback",
            "https://planner.example:443.evil.example/callback",
            "https://plannerXexample/callback",
            "https://planner-example/callback",
            "https://xplanner.example/callback",
            "https://sub.planner.example/callback",
            "https://planner.example/callbackX",
            "https://planner.example/callback/more",
            "https://planner.example/callbac",
            "https://planner.example",
            "https://planner.exam\u{440}le/callback",
            "https://evil.example/https://planner.example/callback",
            "https://planner.example/callback https://evil.example/",
            "https://planner.example/callback,https://evil.example/",
        ],
    )
    .await;
}

/// Dots, stars and brackets of a registered address are letters like others; a wildcard is not even taken.
#[tokio::test]
async fn a_pattern_is_not_registered() {
    let world = World::new().await;
    let patterns = ["https://*.example/cb", "https://lessons.example/*", "https://lessons.example/%2a", "https://*/cb"];
    assert_never_registered(&world, "confidential", &patterns).await;

    let literal = "https://planner.example/cb.(a)+$";
    let app =
        world.draft_app_at("planner", protocol::redirect_uri::ClientKind::Confidential, &[literal.to_owned()]).await;
    world.decide(&app, jiomeet_oauth::review::Decision::Approve).await;
    let other = ["https://planner.example/cbXa", "https://planner.example/cb.a", "https://planner.example/cb.(a)"];
    assert_never_redirected_to(&world, &app, &other).await;
}
