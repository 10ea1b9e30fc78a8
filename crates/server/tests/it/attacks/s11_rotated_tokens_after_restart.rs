//! Lesson S11: what told a rotated token from a good one was compared with the time of the server's start, so a restart made
//! old tokens good again. Here nothing of it lives in memory. (`faults.sh` kills the built program with -9 in mid-load.)

use std::time::Duration;

use crate::oauth::{bearer_call, redeem, refresh, revoke};
use crate::support::{TestApp, Tokens, World};

const SECOND: Duration = Duration::from_secs(1);

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let tokens = redeem(world, &app, &world.code(&app, &ada).await).await.tokens();
    (app, tokens)
}

#[tokio::test]
async fn a_replay_is_seen_across_a_restart() {
    let mut world = World::new().await;
    let (app, first) = granted(&world).await;
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    bearer_call(&world, &second.access).await.unwrap();
    world.restart().await;
    assert_eq!(refresh(&world, &app, &first.refresh).await.tokens().refresh, second.refresh, "still within the grace");
    world.wait(SECOND * 60);
    world.restart().await;
    refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "refresh_token_replayed");
}

#[tokio::test]
async fn a_restart_revives_no_code_no_grant_and_no_token() {
    let mut world = World::new().await;
    let (app, first) = granted(&world).await;
    let ada = world.person(super::BELA).await;
    let code = world.code(&app, &ada).await;
    let of_code = redeem(&world, &app, &code).await.tokens();
    assert_eq!(revoke(&world, &app, &first.access).await.status, 200);
    world.restart().await;
    bearer_call(&world, &first.access).await.unwrap_err().is(401, "token_revoked");
    refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
    bearer_call(&world, &of_code.access).await.unwrap();
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "code_spent");
    world.restart().await;
    bearer_call(&world, &of_code.access).await.unwrap_err().is(401, "token_revoked");
}
