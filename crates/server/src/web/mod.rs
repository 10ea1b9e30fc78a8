//! What every page and every answer has in common: the shell around a page, cookies, the CSRF token, reading a form,
//! and the faces with which a request is refused.
//!
//! This room imports no feature. Who is signed in is known to `users`, what an app may do to `oauth`; they hand their
//! findings in as plain words.
//!
//! | to do | use |
//! | --- | --- |
//! | show a page | a template with a [`Shell`], and [`page`] |
//! | read a form | [`form::read`], after it [`csrf::check`] |
//! | know the browser | [`visitor`], [`VisitorCookies::browser_or_new`] |
//! | refuse on a page, in the API, in OAuth's words | [`PageError`], [`ApiError`], [`oauth_json`] |
//! | know from where | the extractor [`ClientAddress`] |

mod answered_page;
mod api_error;
pub mod assets;
mod body;
mod client_address;
mod consent_page;
pub mod cookie;
pub mod csrf;
mod error_docs;
pub mod form;
mod logout_page;
mod oauth_answer;
mod page_error;
mod request_context;
mod response;
pub mod samples;
mod shell;
mod visitor;
mod wrong_redirect_uri_page;

use axum::Router;
use axum::routing::get;

use crate::app::SharedApp;

pub use answered_page::AnsweredPage;
pub use api_error::{ApiError, Envelope, FieldFault};
pub use body::{BodyFault, MAX_BODY_BYTES, has_media_type, read_body};
pub use client_address::{ClientAddress, address_block, client_address};
pub use consent_page::{ConsentPage, ConsentScope};
pub use form::QueryParams;
pub use logout_page::LogoutPage;
pub use oauth_answer::{oauth_error_from_db, oauth_json, oauth_json_after};
pub use page_error::{Came, NextStep, PageError, seconds};
pub use request_context::{RequestContext, RequestId, RequestIds, docs_errors_url, request_id, site, site_url};
pub use response::{form_action_source, page, page_with_form_action, page_with_script, see_other};
pub use shell::{Monogram, Notice, NoticeKind, Person, Section, Shell, logo_url};
pub use visitor::{Browser, BrowserId, SessionSecret, VisitorCookies, visitor};
pub use wrong_redirect_uri_page::{MarkedUrl, WrongRedirectUriPage};

/// The style sheet and pictures, and the catalogue of errors.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/assets/{file}", get(assets::serve)).route("/docs/errors", get(error_docs::show_errors))
}

/// Seconds after which to come back when the server was too busy for a moment.
pub const RETRY_SOON: std::time::Duration = std::time::Duration::from_secs(1);

/// Which face the address has: programs get JSON, people get a page.
pub fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/.well-known/") || path == "/openapi.json"
}
