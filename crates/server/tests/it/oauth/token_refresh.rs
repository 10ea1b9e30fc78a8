//! Refreshing (RFC 6749 section 6): each line of the table, through HTTP and the database.

use std::time::Duration;

use super::{bearer_call, redeem, refresh, token};
use crate::support::{TestApp, Tokens, World};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let tokens = redeem(world, &app, &world.code(&app, &ada).await).await.tokens();
    (app, tokens)
}

#[tokio::test]
async fn each_refresh_turns_the_token_and_the_chain_goes_on() {
    let world = World::new().await;
    let (app, mut tokens) = granted(&world).await;
    for generation in 1..=5 {
        world.wait(DAY);
        let next = refresh(&world, &app, &tokens.refresh).await.tokens();
        assert_ne!(next.refresh, tokens.refresh);
        let caller = bearer_call(&world, &next.access).await.unwrap();
        assert_eq!(caller["generation"], generation);
        tokens = next;
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM grants", &[]).await, 1, "one row, however long it lives");
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_the_grace_and_nothing_forks() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    world.wait(DAY);
    let lost = refresh(&world, &app, &first.refresh).await.tokens();
    world.wait(SECOND * 59);
    let again = refresh(&world, &app, &first.refresh).await.tokens();
    assert_eq!(again.refresh, lost.refresh, "the same successor");
    assert_ne!(again.access, lost.access, "with a fresh access token");
    bearer_call(&world, &lost.access).await.unwrap();
    bearer_call(&world, &again.access).await.unwrap();

    let next = refresh(&world, &app, &again.refresh).await.tokens();
    bearer_call(&world, &next.access).await.unwrap();
}

#[tokio::test]
async fn a_repeat_writes_nothing() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    refresh(&world, &app, &first.refresh).await.tokens();
    let row = "SELECT generation * 1000 + COALESCE(successor_used_at, 0) + access_until + last_used_at + rotated_at FROM grants";
    let before = world.count(row, &[]).await;
    world.wait(SECOND * 30);
    refresh(&world, &app, &first.refresh).await.tokens();
    assert_eq!(world.count(row, &[]).await, before);
}

#[tokio::test]
async fn a_lost_answer_is_made_good_after_the_grace_as_long_as_nobody_used_it() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let lost = refresh(&world, &app, &first.refresh).await.tokens();
    world.wait(DAY * 3);

    let found = refresh(&world, &app, &first.refresh).await.tokens();

    assert_ne!(found.refresh, lost.refresh);
    assert_eq!(found.claims()["tokenId"], lost.claims()["tokenId"].as_str().unwrap().replace(".1", ".2"));
    bearer_call(&world, &found.access).await.unwrap();
    // The one that was lost on the way turns up after all: withdrawn.
    refresh(&world, &app, &lost.refresh).await.is_refused(400, "invalid_grant", "refresh_token_replayed");
    bearer_call(&world, &found.access).await.unwrap_err().is(401, "token_revoked");
}

#[tokio::test]
async fn a_withdrawn_generations_access_token_dies_and_an_earlier_ones_lives() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let lost = refresh(&world, &app, &first.refresh).await.tokens();
    world.wait(SECOND * 60);
    let found = refresh(&world, &app, &first.refresh).await.tokens();

    bearer_call(&world, &lost.access).await.unwrap_err().is(401, "token_revoked");
    bearer_call(&world, &first.access).await.unwrap();
    bearer_call(&world, &found.access).await.unwrap();
}

#[tokio::test]
async fn the_grace_starts_anew_when_a_lost_answer_is_made_good() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    refresh(&world, &app, &first.refresh).await.tokens();
    world.wait(SECOND * 60);
    let found = refresh(&world, &app, &first.refresh).await.tokens();
    world.wait(SECOND * 59);
    assert_eq!(refresh(&world, &app, &first.refresh).await.tokens().refresh, found.refresh);
    world.wait(SECOND);
    assert_ne!(refresh(&world, &app, &first.refresh).await.tokens().refresh, found.refresh);
}

#[tokio::test]
async fn once_the_successor_was_used_the_one_before_is_a_replay_that_ends_the_grant() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    bearer_call(&world, &second.access).await.unwrap();
    world.wait(SECOND * 60);

    refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "refresh_token_replayed");

    refresh(&world, &app, &second.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
    bearer_call(&world, &second.access).await.unwrap_err().is(401, "token_revoked");
    bearer_call(&world, &first.access).await.unwrap_err().is(401, "token_revoked");
    let ended = "SELECT COUNT(*) FROM audit WHERE action = 'grant.ended' AND detail LIKE '%replayed_refresh%'";
    assert_eq!(world.count(ended, &[]).await, 1);
    assert_eq!(world.app.oauth.counters.refresh_replays.get(), 1);
}

#[tokio::test]
async fn within_the_grace_a_used_successor_is_given_again() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    bearer_call(&world, &second.access).await.unwrap();
    world.wait(SECOND * 59);
    assert_eq!(refresh(&world, &app, &first.refresh).await.tokens().refresh, second.refresh);
}

#[tokio::test]
async fn an_older_one_is_a_replay_unless_it_was_only_held_up() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    let third = refresh(&world, &app, &second.refresh).await.tokens();

    // A retry of the first, held up on its way: its successor turned less than the grace ago.
    world.wait(SECOND * 59);
    refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "refresh_token_replaced");
    bearer_call(&world, &third.access).await.unwrap();

    world.wait(SECOND);
    refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "refresh_token_replayed");
    refresh(&world, &app, &third.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
}

#[tokio::test]
async fn a_refresh_token_lives_sixty_days_from_its_making() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    world.wait(DAY * 60 - Duration::from_millis(1));
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    world.wait(Duration::from_millis(1));
    // Past its own lifetime, though within the grace.
    refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "refresh_token_expired");
    world.wait(DAY * 60);
    refresh(&world, &app, &second.refresh).await.is_refused(400, "invalid_grant", "refresh_token_expired");
    assert_eq!(world.count("SELECT COUNT(*) FROM grants WHERE ended_at IS NOT NULL", &[]).await, 0);
}

#[tokio::test]
async fn another_app_gets_nothing_and_does_no_harm() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let thief = world.approved_app("thief").await;
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    bearer_call(&world, &second.access).await.unwrap();
    world.wait(DAY);
    for stolen in [&first.refresh, &second.refresh] {
        refresh(&world, &thief, stolen).await.is_refused(400, "invalid_grant", "refresh_token_unknown");
    }
    refresh(&world, &app, &second.refresh).await.tokens();
}

#[tokio::test]
async fn a_failed_check_changes_nothing_even_of_a_replay() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    bearer_call(&world, &second.access).await.unwrap();
    world.wait(DAY);
    let params = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh), ("scope", "other:scope")];
    token(&world, &app, &params).await.is_refused(400, "invalid_scope", "scope_exceeds_grant");
    let wrong = TestApp { client_secret: "jmcs_wrong".into(), ..app.clone() };
    refresh(&world, &wrong, &first.refresh).await.is_refused(401, "invalid_client", "client_credentials_wrong");
    refresh(&world, &app, &second.refresh).await.tokens();
}

#[tokio::test]
async fn a_database_that_was_set_back_ends_nothing() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let second = refresh(&world, &app, &first.refresh).await.tokens();
    // The backup of an earlier day.
    let back = "UPDATE grants SET generation = 0, secret_hash = previous_secret_hash, previous_generation = NULL,
        previous_secret_hash = NULL, previous_rotated_at = NULL";
    world.execute(back, &[]).await;
    bearer_call(&world, &second.access).await.unwrap_err().is(401, "token_revoked");
    refresh(&world, &app, &second.refresh).await.is_refused(400, "invalid_grant", "refresh_token_unknown");
    assert_eq!(world.app.oauth.counters.database_set_back.get(), 1);
    refresh(&world, &app, &first.refresh).await.tokens();
}

#[tokio::test]
async fn without_grace_the_rule_is_use_alone() {
    let world = World::with("tokens.refresh_reuse_grace = \"0s\"").await;
    let (app, first) = granted(&world).await;
    let lost = refresh(&world, &app, &first.refresh).await.tokens();
    let found = refresh(&world, &app, &first.refresh).await.tokens();
    assert_ne!(found.refresh, lost.refresh);
    bearer_call(&world, &found.access).await.unwrap();
    refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "refresh_token_replayed");
}
