//! OAuth 2.0: from the authorization request to the API call, and every way back.
//!
//! | stop | file |
//! | --- | --- |
//! | an app sends a person (`/oauth2/authorize`) | [`authorize`], [`zones`], [`facts`] |
//! | an app pushes a request first (`/oauth2/par`) | [`pushed`] |
//! | why the person is asked to sign in or to consent | [`prompt`] |
//! | how the request is carried through sign-in | [`sealed_request`] |
//! | what the person is shown and answers (`/oauth2/consent`) | [`flow_pages`], [`consent`], [`consent_answer`] |
//! | an app that is caught in a loop | [`loops`] |
//! | the way back to the app | [`answer`] |
//! | a code is redeemed or a grant refreshed (`POST /api/oauth2/v2/token`) | [`token`], [`redeem`], [`refresh`] |
//! | who asks | [`request`], [`client_auth`], [`assertion`] |
//! | what a code, a refresh token gets: the rules alone | [`codes`], [`refresh_rule`] |
//! | the tokens themselves | [`access_token`], [`refresh_token`], signed and written in [`issue`] |
//! | an access token opens the API | [`bearer`], [`presented`] |
//! | tokens that are bound to a key | [`dpop`] |
//! | every way in which access ends | [`ends`], [`revoke`] |
//! | who signed in: ID tokens, userinfo, signing out (OpenID Connect) | [`id_token`], [`userinfo`], [`logout`] |
//! | what a token is worth, what the server is | [`introspect`], [`metadata`], [`cors`] |
//! | what a person sees of it, and takes back | [`connected`], [`connected_apps_page`] |
//! | SQL | [`views`], [`view_store`] (what is read), [`store`] (what is written), [`sweep`] (what goes) |
//! | what a server remembers, and how long | [`memory`], [`revocation_view`], [`lifetimes`] |
//!
//! `docs/tokens.md` is the state machine that these files carry out.

pub mod access_token;
mod answer;
mod assertion;
mod authorize;
pub mod bearer;
mod client_auth;
pub mod codes;
mod connected;
mod connected_apps_page;
mod consent;
mod consent_answer;
mod consent_store;
mod cors;
mod destination_words;
mod dpop;
pub mod ends;
mod facts;
mod flow_pages;
pub mod grant;
mod id_token;
mod introspect;
mod issue;
mod lifetimes;
mod logout;
mod loops;
pub mod memory;
mod metadata;
mod presented;
mod prompt;
mod pushed;
mod redeem;
mod refresh;
mod refresh_rule;
pub mod refresh_token;
mod request;
mod revocation_view;
mod revoke;
mod sealed_request;
mod store;
mod sweep;
mod token;
#[cfg(test)]
mod unit_tests;
mod userinfo;
mod view_store;
mod views;
mod zones;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use sql::Statement;
use tower::util::MapResponseLayer;

use crate::app::SharedApp;
use crate::web::samples::{Sample, Samples as _};

pub use bearer::{Bearer, BearerError, bearer, refuse_token_in_query};
pub use connected::{AfterApp, ConnectedApp, ConnectedApps, Stopped, connected_apps};
pub use cors::{allow_any_origin, answer_preflight};
pub use ends::remove_access;
pub use introspect::Introspection;
pub use issue::TokenResponse;
pub use lifetimes::{LongestLives, find_longest_lives, raise_longest_lives};
pub use memory::{Memory, write_last_used};
pub use presented::Presented;
pub use pushed::PushedResponse;
pub use revocation_view::{RevocationView, Size};
pub use sweep::SWEEPERS;
pub use userinfo::UserInfo;

/// Every statement of this room, for the test that prepares and explains them.
pub const STATEMENTS: &[&[Statement]] = &[
    consent_store::STATEMENTS,
    store::STATEMENTS,
    pushed::STATEMENTS,
    views::STATEMENTS,
    view_store::STATEMENTS,
    lifetimes::STATEMENTS,
    connected::STATEMENTS,
];

/// The endpoints that browsers and programs call.
pub fn routes() -> Router<SharedApp> {
    let for_any_origin = Router::new()
        .route("/api/oauth2/v2/token", post(token::issue_token).options(cors::answer_preflight))
        .route("/api/oauth2/v2/revoke", post(revoke::revoke_token).options(cors::answer_preflight))
        .route("/oauth2/par", post(pushed::push_request).options(cors::answer_preflight))
        .route("/.well-known/oauth-authorization-server", get(metadata::show_metadata).options(cors::answer_preflight))
        .route("/.well-known/openid-configuration", get(metadata::show_metadata).options(cors::answer_preflight))
        .route("/.well-known/oauth-protected-resource", get(metadata::show_resource).options(cors::answer_preflight))
        .merge(userinfo_routes())
        .route("/.well-known/jwks.json", get(metadata::show_keys).options(cors::answer_preflight))
        .layer(MapResponseLayer::new(cors::allow_any_origin));
    let for_people = Router::new()
        .route("/oauth2/authorize", get(authorize::authorize).post(authorize::authorize_by_form))
        .route("/oauth2/continue", get(authorize::go_on))
        .route("/oauth2/logout", get(logout::log_out).post(logout::log_out_by_form))
        .route("/oauth2/logout/confirm", post(logout::confirm_logout))
        .route("/oauth2/consent", post(consent_answer::answer_consent))
        .route("/account/connected-apps", get(connected_apps_page::show_connected_apps))
        .route("/account/connected-apps/remove", post(connected_apps_page::remove_connected_apps));
    let for_servers = Router::new().route("/api/oauth2/v2/introspect", post(introspect::introspect_token));
    for_people.merge(for_servers).merge(for_any_origin)
}

fn userinfo_routes() -> Router<SharedApp> {
    let userinfo = get(userinfo::show_userinfo).post(userinfo::show_userinfo).options(cors::answer_preflight);
    Router::new().route("/oauth2/userinfo", userinfo).layer(from_fn(refuse_token_in_query))
}

/// The pages that this room fills itself, with made-up content.
pub fn samples() -> Vec<Sample> {
    connected_apps_page::ConnectedAppsPage::samples()
}
