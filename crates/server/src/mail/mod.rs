//! Mail to people, by way of an outbox.
//!
//! 1. Whoever has something to say writes a [`Letter`] into the outbox, in the unit of work of what it tells of
//!    ([`enqueue`], [`notices`]): a decision and its mail are saved together or not at all, and no request waits for a
//!    mail server.
//! 2. A worker on each node ([`start`]) claims what is due, so that nodes never send one mail twice, and puts in what
//!    must not lie in the database: the secret of a link ([`links`]), and the server's own address, which comes from the
//!    issuer alone.
//! 3. What fails is tried again, later and later ([`retry`]), and given up after days, which the audit log tells.
//!
//! A node that dies between the mail server's yes and its own note of it leaves the mail to be sent once more; its
//! `Message-ID` stays the same, so mailboxes can tell.
//!
//! In `demo` no mail leaves: `/demo/outbox` shows what would have been sent.

mod letter;
pub mod links;
pub mod notices;
mod outbox_page;
mod outlet;
mod render;
mod retry;
mod smtp;
mod store;
mod worker;

use axum::Router;
use axum::routing::get;
use sql::{DbError, Statement, Tx};

use crate::app::SharedApp;
use crate::time::Timestamp;
use crate::web::samples::Sample;

pub use letter::{Letter, Mail};
pub use outlet::{DemoOutbox, Outlet};
pub use render::Rendered;
pub use store::enqueue;
pub use worker::{Postman, run_once, start};

/// Every statement of this room, for the test that prepares and explains them.
pub const STATEMENTS: &[&[Statement]] = &[store::STATEMENTS, links::STATEMENTS, notices::STATEMENTS];

/// What removes this room's old rows, or puts them right, a batch at a time.
pub const SWEEPERS: &[fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>] =
    &[store::sweep, links::sweep, store::bring_forward];

/// The page of this room.
pub fn routes() -> Router<SharedApp> {
    Router::new().route(outbox_page::PATH, get(outbox_page::show_outbox))
}

/// The page of this room, filled with made-up content.
pub fn samples() -> Vec<Sample> {
    outbox_page::samples()
}
