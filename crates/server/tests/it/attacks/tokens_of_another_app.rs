//! Token substitution (RFC 6749 section 10.16, RFC 9700 section 4.11): a token of one app, presented as another's.

use crate::oauth::{bearer_call, introspect, redeem, refresh, revoke, token};
use crate::support::World;

#[tokio::test]
async fn every_kind_of_token_belongs_to_one_app() {
    let world = World::new().await;
    let (planner, thief) = (world.approved_app("planner").await, world.approved_app("thief").await);
    let ada = world.person(super::ADA).await;
    let tokens = redeem(&world, &planner, &world.code(&planner, &ada).await).await.tokens();
    let code = world.code(&planner, &ada).await;

    redeem(&world, &thief, &code).await.is_refused(400, "invalid_grant", "code_unknown");
    refresh(&world, &thief, &tokens.refresh).await.is_refused(400, "invalid_grant", "refresh_token_unknown");
    for text in [&tokens.access, &tokens.refresh, &code] {
        assert_eq!(introspect(&world, &thief, text).await.json, serde_json::json!({ "active": false }));
        assert!([200, 400].contains(&revoke(&world, &thief, text).await.status));
    }
    // Nothing of it did any harm.
    bearer_call(&world, &tokens.access).await.unwrap();
    refresh(&world, &planner, &tokens.refresh).await.tokens();
    redeem(&world, &planner, &code).await.tokens();
}

/// One kind of text is not another.
#[tokio::test]
async fn a_token_of_one_kind_is_not_taken_for_another() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let code = world.code(&app, &ada).await;
    for text in [&tokens.access, &tokens.refresh, &app.client_secret] {
        redeem(&world, &app, text).await.is_refused(400, "invalid_grant", "code_unknown");
    }
    for text in [&tokens.access, &code, &app.client_secret] {
        refresh(&world, &app, text).await.is_refused(400, "invalid_grant", "refresh_token_unknown");
    }
    for text in [&tokens.refresh, &code, &app.client_secret] {
        assert_eq!(bearer_call(&world, text).await.unwrap_err().status, 401);
    }
    let both = [("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh), ("code", &*code)];
    token(&world, &app, &both).await.tokens();
    redeem(&world, &app, &code).await.tokens();
}

/// Scope escalation at refresh: the union of two grants is nobody's.
#[tokio::test]
async fn two_grants_of_one_person_do_not_add_up() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let read = world.code_of(&app, &ada).scopes("user:read").issue().await;
    let read = redeem(&world, &app, &read).await.tokens();
    let create = world.code_of(&app, &ada).scopes("meeting:create").issue().await;
    let create = redeem(&world, &app, &create).await.tokens();
    for (text, scope) in [(&read.refresh, "user:read meeting:create"), (&create.refresh, "user:read")] {
        let params = [("grant_type", "refresh_token"), ("refresh_token", &**text), ("scope", scope)];
        token(&world, &app, &params).await.is_refused(400, "invalid_scope", "scope_exceeds_grant");
    }
    assert_eq!(refresh(&world, &app, &read.refresh).await.tokens().scope, "user:read");
}
