//! Apps: the product's word for OAuth clients (RFC 6749 section 2).
//!
//! A developer declares an app in a *revision*. The working copy is edited and reviewed, the approved one serves; until
//! one is approved, the working copy serves the owner, the collaborators and the testers (test mode). The client id stays
//! for life. The console's pages come to this room; reviewers' decisions live in `review`.

mod app;
mod declaration;
mod details;
mod lifecycle;
pub mod store;

pub use app::{AppStatus, RevisionStatus, SecretHash, ServingApp, TokenApp};
pub use declaration::{Declaration, FieldFault, MAX_CALLBACK_URLS, USE_CASES};
pub use details::{AppDetails, AppSummary, RevisionDetails, SecretDetails};
pub use lifecycle::{Change, Creation, NewSecret, delete, submit};
pub use store::{
    NewApp, find_details, find_for_token, find_serving, is_developer, list_apps, list_owned, may_use, raise_epoch,
    touch_secret,
};
