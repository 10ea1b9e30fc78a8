//! The bearer check (RFC 6750, RFC 9068 section 4).

use std::time::Duration;

use jiomeet_oauth::oauth::AfterApp;
use jiomeet_oauth::review::Decision;

use super::{bearer_call, redeem, refresh};
use crate::support::{Answer, TestApp, Tokens, World};

const PATH: &str = "/api/probe/user:read";

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let tokens = redeem(world, &app, &world.code(&app, &ada).await).await.tokens();
    (app, tokens)
}

async fn get(world: &World, path: &str, authorization: &[&str]) -> Answer {
    let mut request = world.http.get(world.url(path));
    for value in authorization {
        request = request.header("authorization", *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_good_token_says_who_calls() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    let caller = bearer_call(&world, &tokens.access).await.unwrap();
    assert_eq!(caller["app"], app.id.as_str());
    assert_eq!(caller["client"], app.client_id);
    assert_eq!(caller["user"], tokens.claims()["sub"]);
    assert_eq!(caller["scopes"], tokens.scope);
    assert_eq!(get(&world, PATH, &[&format!("bearer {}", tokens.access)]).await.status, 200, "the scheme has no case");
}

#[tokio::test]
async fn without_a_token_the_challenge_says_nothing_more() {
    let world = World::new().await;
    for headers in [&[][..], &["Basic YTpi"]] {
        let answer = get(&world, PATH, headers).await;
        answer.is(401, "token_missing");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn a_token_comes_once_and_in_the_header() {
    let world = World::new().await;
    let (_, tokens) = granted(&world).await;
    let bearer = format!("Bearer {}", tokens.access);
    let twice = get(&world, PATH, &[&bearer, &bearer]).await;
    twice.is(400, "token_repeated");
    assert!(twice.header("www-authenticate").contains("error=\"invalid_request\""));
    for headers in [&[][..], &[&*bearer]] {
        let in_query = format!("/api/my_profile?x=1&access_token={}", tokens.access);
        get(&world, &in_query, headers).await.is(400, "token_repeated");
    }
    get(&world, PATH, &["Bearer"]).await.is(400, "token_malformed");
    get(&world, PATH, &["Bearer a b"]).await.is(400, "token_malformed");
}

#[tokio::test]
async fn no_leeway_in_its_expiry() {
    let world = World::new().await;
    let (_, tokens) = granted(&world).await;
    world.wait(Duration::from_millis(86_399_999));
    bearer_call(&world, &tokens.access).await.unwrap();
    world.wait(Duration::from_millis(1));
    let expired = bearer_call(&world, &tokens.access).await.unwrap_err();
    expired.is(401, "token_expired");
    assert!(expired.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).scopes("user:read").issue().await;
    let tokens = redeem(&world, &app, &code).await.tokens();

    let answer = get(&world, "/api/probe/meeting:create", &[&format!("Bearer {}", tokens.access)]).await;

    answer.is(403, "scope_insufficient");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"meeting:create\""), "{challenge}");
}

#[tokio::test]
async fn a_narrowed_app_narrows_live_tokens() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    bearer_call(&world, &tokens.access).await.unwrap();
    world.execute("UPDATE apps SET serving_scopes = 'meeting:read' WHERE id = $1", &[app.id.as_str()]).await;
    bearer_call(&world, &tokens.access).await.unwrap_err().is(403, "scope_insufficient");
    let other = get(&world, "/api/probe/meeting:read", &[&format!("Bearer {}", tokens.access)]).await;
    assert_eq!(other.json["scopes"], "meeting:read");
}

#[tokio::test]
async fn suspension_takes_effect_with_the_next_call_and_reinstating_revives_nothing() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    world.decide(&app, Decision::Suspend).await;
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    world.decide(&app, Decision::Reinstate).await;
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
}

/// The epoch covers what was given in its own millisecond, and stays when the account is opened again.
#[tokio::test]
async fn a_locked_account_opens_nothing_and_unlocking_revives_nothing() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (ada, bob) = (world.person("ada@example.com").await, world.person("bob@example.com").await);
    let of_ada = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let of_bob = redeem(&world, &app, &world.code(&app, &bob).await).await.tokens();
    let now = world.now();

    let user = ada.clone();
    world.write(move |tx| jiomeet_oauth::users::lock(tx, &user, now).map(drop)).await;
    bearer_call(&world, &of_ada.access).await.unwrap_err().is(401, "token_revoked");
    world.write(move |tx| jiomeet_oauth::users::unlock(tx, &ada).map(drop)).await;
    bearer_call(&world, &of_ada.access).await.unwrap_err().is(401, "token_revoked");
    refresh(&world, &app, &of_ada.refresh).await.is_refused(400, "invalid_grant", "grant_ended");

    world.write(move |tx| jiomeet_oauth::users::raise_epoch(tx, &bob, now)).await;
    bearer_call(&world, &of_bob.access).await.unwrap_err().is(401, "token_revoked");
}

#[tokio::test]
async fn a_person_takes_everything_back_at_once() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (ada, bob) = (world.person("ada@example.com").await, world.person("bob@example.com").await);
    let first = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let second = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let of_bob = redeem(&world, &app, &world.code(&app, &bob).await).await.tokens();
    let waiting = world.code(&app, &ada).await;

    let (user, id, now) = (ada.clone(), app.id.clone(), world.now());
    let random = world.app.random.clone();
    let ended =
        world.write(move |tx| jiomeet_oauth::oauth::remove_access(tx, &random, &user, &id, "192.0.2.1", now)).await;

    assert_eq!(ended, 2);
    for tokens in [&first, &second] {
        bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
        refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
    }
    redeem(&world, &app, &waiting).await.is_refused(400, "invalid_grant", "code_revoked");
    bearer_call(&world, &of_bob.access).await.unwrap();
    let consents = "SELECT COUNT(*) FROM consents WHERE user_id = $1";
    assert_eq!(world.count(consents, &[ada.as_str()]).await, 0);
    // Given anew, the old code stays what it was.
    redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    redeem(&world, &app, &waiting).await.is_refused(400, "invalid_grant", "code_spent");
}

#[tokio::test]
async fn the_account_page_learns_what_each_app_holds_and_when_it_last_used_it() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).scopes("user:read").issue().await;
    let tokens = redeem(&world, &app, &code).await.tokens();
    let granted_at = world.now();
    world.wait(Duration::from_secs(3600));
    bearer_call(&world, &tokens.access).await.unwrap();
    jiomeet_oauth::oauth::write_last_used(&world.app).await.unwrap();

    let (user, now) = (ada.clone(), world.now());
    let list =
        world.write(move |tx| jiomeet_oauth::oauth::connected_apps(tx, &user, &AfterApp::start(), now)).await.apps;

    assert_eq!(list.len(), 1);
    assert_eq!((list[0].name.as_str(), list[0].scopes.to_string().as_str()), ("planner", "user:read"));
    assert_eq!((list[0].since, list[0].last_used_at, list[0].grants), (granted_at, Some(world.now()), 1));
    assert!(list[0].stopped.is_none());
}

#[tokio::test]
async fn what_a_call_marks_is_durable_before_its_answer_and_written_once() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let marked = "SELECT COUNT(*) FROM grants WHERE successor_used_at IS NOT NULL";
    bearer_call(&world, &first.access).await.unwrap();
    assert_eq!(world.count(marked, &[]).await, 0, "generation 0 has no predecessor");

    let second = refresh(&world, &app, &first.refresh).await.tokens();
    bearer_call(&world, &first.access).await.unwrap();
    assert_eq!(world.count(marked, &[]).await, 0, "an earlier generation's token says nothing of the successor");
    bearer_call(&world, &second.access).await.unwrap();
    assert_eq!(world.count(marked, &[]).await, 1);
    let units = world.app.db.stats().write_units;
    bearer_call(&world, &second.access).await.unwrap();
    assert_eq!(world.app.db.stats().write_units, units);
}
