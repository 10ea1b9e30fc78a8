//! An API call that does nothing but pass the bearer check: for tests of the check itself.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use jiomeet_oauth::app::SharedApp;
use jiomeet_oauth::oauth::bearer;
use jiomeet_oauth::web::ApiError;
use protocol::scope::CATALOGUE;

/// `GET /api/probe/{scope}` needs that scope and answers who called.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/api/probe/{scope}", get(probe))
}

async fn probe(State(app): State<SharedApp>, Path(scope): Path<String>, headers: HeaderMap) -> Response {
    let need = CATALOGUE.iter().find(|known| known.name == scope).unwrap().name;
    match bearer(&app, &headers, need).await {
        Ok(bearer) => serde_json::json!({
            "user": bearer.user_id.as_str(),
            "app": bearer.app_id.as_str(),
            "client": bearer.client_id.as_str(),
            "grant": bearer.grant_id.to_string(),
            "generation": bearer.generation.number(),
            "scopes": bearer.scopes.to_string(),
        })
        .to_string()
        .into_response(),
        Err(error) => ApiError::from(error).into_response(),
    }
}
