//! Every URL: each room brings its own, the pipeline goes around them all.

use axum::Router;
use axum::middleware::from_fn;
use tower::util::MapResponseLayer;

use crate::app::SharedApp;
use crate::{apps, health, mail, meetings, middleware, oauth, openapi, review, screening, users, web};

/// The whole server.
pub fn router(app: SharedApp) -> Router {
    middleware::around(all(), app)
}

/// Every room's routes, without the pipeline.
pub fn all() -> Router<SharedApp> {
    let for_scripts = (MapResponseLayer::new(oauth::allow_any_origin), from_fn(oauth::refuse_token_in_query));
    Router::new()
        .merge(health::routes())
        .merge(web::routes())
        .merge(openapi::routes())
        .merge(users::routes())
        .merge(apps::routes())
        .merge(mail::routes())
        .merge(oauth::routes())
        .merge(meetings::routes().layer(for_scripts))
        .merge(screening::routes())
        .merge(review::routes())
}
