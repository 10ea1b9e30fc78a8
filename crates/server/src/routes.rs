//! Every URL: each room brings its own, the pipeline goes around them all.

use axum::Router;

use crate::app::SharedApp;
use crate::{health, middleware, users, web};

/// The whole server.
pub fn router(app: SharedApp) -> Router {
    let routes = Router::new().merge(health::routes()).merge(web::routes()).merge(users::routes());
    middleware::around(routes, app)
}
