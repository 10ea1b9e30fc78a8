//! The app's addresses, one a line, and what is common to all of them.

mod home;
mod meetings;
mod sign_in;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::App;
use crate::config::CALLBACK_PATH;
use crate::problem::Problem;
use crate::web;

/// The largest form that is read, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// Every address of the app.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/login", get(sign_in::begin))
        .route(CALLBACK_PATH, get(sign_in::finish))
        .route("/refresh", post(sign_in::refresh))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/time-zone", post(home::choose_zone))
        .route("/meetings", post(meetings::schedule))
        .route("/meetings/{id}", get(meetings::details).post(meetings::change))
        .route("/meetings/{id}/change", get(meetings::change_form))
        .route("/meetings/{id}/cancel", post(meetings::cancel))
        .route("/policy", get(policy))
        .route("/style.css", get(style))
        .route("/favicon.svg", get(icon))
        .route("/logo.png", get(logo))
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_page)
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn_with_state(app.clone(), web::one_host))
        .layer(map_response(web::guard_headers))
        .with_state(app)
}

async fn no_such_page() -> Problem {
    Problem::NoSuchPage
}

/// The policy URL that the app is registered with.
#[derive(Template)]
#[template(path = "policy.html")]
struct Policy;

async fn policy() -> Response {
    web::page(StatusCode::OK, &Policy)
}

const FIVE_MINUTES: &str = "max-age=300";

async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, FIVE_MINUTES)];
    (headers, include_str!("../../assets/style.css"))
}

async fn icon() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, FIVE_MINUTES)];
    (headers, include_str!("../../assets/favicon.svg"))
}

/// The logo URL that the app is registered with: a reviewer's server fetches it, people's browsers do not.
async fn logo() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, FIVE_MINUTES)];
    (headers, include_bytes!("../../assets/logo.png"))
}
