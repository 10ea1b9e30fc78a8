//! Apps: the product's word for OAuth clients (RFC 6749 section 2).
//!
//! A developer declares an app in a *revision*. The working copy is edited and reviewed, the approved one serves; until
//! one is approved, the working copy serves the owner, the collaborators and the testers (test mode). The client id stays
//! for life. Reviewers' decisions live in `review`.
//!
//! | what | file |
//! | --- | --- |
//! | an app, as the endpoints see it and as its developer does | [`app`], [`details`] |
//! | what is declared, and every rule about it | [`declaration`] |
//! | which revision an edit goes to, whose turn it is, what happened so far | [`editing`], [`standing`], [`history`] |
//! | secrets, keys, switches, the texts to paste | [`secrets`], [`client_keys`], [`switches`], [`snippets`] |
//! | testers, collaborators, owners, invitations | [`people`], [`invitations`] |
//! | who may register apps at all | [`access`] |
//! | each change as one unit of work | [`lifecycle`], [`changes`], [`invitations`] |
//! | how often an app was refused | [`refusals`] |
//! | the console ('OAuth' in the side bar) | [`pages`] |
//! | SQL | [`store`], [`console_store`], [`people_store`], [`access_store`] |
//!
//! To whoever neither owns an app nor collaborates on it, the app does not exist: every address of it is 404.

mod access;
mod access_store;
mod app;
mod changes;
mod client_keys;
mod console_store;
mod declaration;
mod details;
mod editing;
mod history;
mod invitations;
mod lifecycle;
mod pages;
mod people;
mod people_store;
mod refusals;
mod secrets;
mod snippets;
mod standing;
pub mod store;
mod switches;

use sql::{DbError, Statement, Tx};

use crate::time::Timestamp;

pub use app::{AppStatus, RevisionStatus, SecretHash, ServingApp, TokenApp};
pub use changes::{change_keys, change_switches};
pub use client_keys::{AppKey, NewKeys, list_keys_of_client, note_key_use};
pub use console_store::lock_details;
pub use declaration::{Declaration, FieldFault, MAX_CALLBACK_URLS, MAX_REASON_CHARACTERS, USE_CASES, url_lines};
pub use details::{AppDetails, AppSummary, RevisionDetails, SecretDetails};
pub use lifecycle::{Change, Creation, NewSecret, delete, submit};
pub use pages::{read_form, routes, samples};
pub use refusals::{Refusals, write_refusals};
pub use store::{
    NewApp, find_details, find_name, find_serving, is_developer, list_apps, list_owned, may_use, raise_epoch,
    touch_secret,
};
pub use switches::Switches;

/// What removes this room's expired rows, a batch at a time.
pub const SWEEPERS: &[fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>] =
    &[people_store::sweep_invitations, refusals::sweep_refusals];

/// Every statement of this room, for the test that prepares and explains them.
pub const STATEMENTS: &[&[Statement]] = &[
    store::STATEMENTS,
    client_keys::STATEMENTS,
    console_store::STATEMENTS,
    people_store::STATEMENTS,
    access_store::STATEMENTS,
    refusals::STATEMENTS,
];
