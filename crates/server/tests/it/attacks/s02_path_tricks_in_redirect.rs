//! Lesson S2: a path that is normalised by one side alone (`..;/`, dot segments, encoded ones, doubled slashes) passed a
//! redirect check and led elsewhere. Two spellings of one address are two addresses here.

use super::assert_never_redirected_to;
use crate::support::World;

#[tokio::test]
async fn a_path_that_means_the_same_is_not_the_same() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    assert_never_redirected_to(
        &world,
        &app,
        &[
            "https://planner.example/callback/",
            "https://planner.example/callback//",
            "https://planner.example//callback",
            "https://planner.example/callback/..;/x",
            "https://planner.example/callback/../x",
            "https://planner.example/callback/%2e%2e/x",
            "https://planner.example/callback/%2E%2E%2Fx",
            "https://planner.example/callback/.",
            "https://planner.example/./callback",
            "https://planner.example/x/../callback",
            "https://planner.example/%63allback",
            "https://planner.example/callback;x",
            "https://planner.example/callback%00",
            "https://planner.example./callback",
            "https://planner.example:443/callback",
            "https://planner.example:0443/callback",
            "https://planner.example:/callback",
            "https:///planner.example/callback",
            "https:/planner.example/callback",
            "https:planner.example/callback",
            "//planner.example/callback",
            "/callback",
            "https://planner.example\\callback",
            " https://planner.example/callback",
            "https://planner.example/callback ",
            "https://planner.example/\u{200b}callback",
        ],
    )
    .await;
}
