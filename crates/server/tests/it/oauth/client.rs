//! What an app's server does: calls to the token, revocation and introspection endpoints.

use serde_json::Value as Json;

use crate::support::{Answer, TestApp, World};

/// A POST of form parameters, authenticated by HTTP Basic, or by `client_id` alone where the app has no secret.
pub async fn post(world: &World, path: &str, app: &TestApp, params: &[(&str, &str)]) -> Answer {
    let mut params = params.to_vec();
    let mut request = world.http.post(world.url(path));
    if app.client_secret.is_empty() {
        params.push(("client_id", &app.client_id));
    } else {
        request = request.basic_auth(&app.client_id, Some(&app.client_secret));
    }
    Answer::of(request.form(&params).send().await.unwrap()).await
}

/// A call to the token endpoint.
pub async fn token(world: &World, app: &TestApp, params: &[(&str, &str)]) -> Answer {
    post(world, "/api/oauth2/v2/token", app, params).await
}

/// Redeems a code, with nothing that could be left out.
pub async fn redeem(world: &World, app: &TestApp, code: &str) -> Answer {
    token(world, app, &[("grant_type", "authorization_code"), ("code", code)]).await
}

/// Refreshes.
pub async fn refresh(world: &World, app: &TestApp, refresh_token: &str) -> Answer {
    token(world, app, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
}

/// Revokes a token.
pub async fn revoke(world: &World, app: &TestApp, token: &str) -> Answer {
    post(world, "/api/oauth2/v2/revoke", app, &[("token", token)]).await
}

/// Asks what a token is worth.
pub async fn introspect(world: &World, app: &TestApp, token: &str) -> Answer {
    post(world, "/api/oauth2/v2/introspect", app, &[("token", token)]).await
}

/// Calls the API with an access token: who the server takes it for, or the refusal.
pub async fn bearer_call(world: &World, access_token: &str) -> Result<Json, Answer> {
    let request = world.http.get(world.url("/api/probe/user:read")).bearer_auth(access_token);
    let answer = Answer::of(request.send().await.unwrap()).await;
    if answer.status == 200 { Ok(answer.json) } else { Err(answer) }
}
