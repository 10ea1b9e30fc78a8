//! The review: reviewers look at what developers submitted, and decide.
//!
//! Whoever has waited longest for a reviewer comes first ([`turn`] tells how long, the developer's own turns not counted).
//! An app's page shows what was declared, what the screening found and how it differs from what serves; a checklist that
//! has to be gone through as a whole gives the developer every reason at once. [`decide`] is the one unit of work behind
//! pages and command line: it refuses reviewers who own the app or work on it, and pages that are out of date.
//!
//! | address | what |
//! | --- | --- |
//! | `/review` | the queue |
//! | `/review/apps/{id}` | one app; `…/decide`, `…/suspend`, `…/reinstate`, `…/screen`, `…/try` are its forms |
//! | `/review/audit`, `/review/audit.jsonl` | the audit log |
//!
//! To whoever is neither reviewer nor admin none of this exists.

mod access;
mod app_page;
mod audit_log;
mod audit_page;
mod checklist;
mod decide_page;
mod decisions;
mod difference;
mod queue_page;
mod reasons;
mod samples;
mod store;
mod turn;

use axum::Router;
use axum::routing::{get, post};
use sql::{DbError, Statement, Tx};

use crate::app::SharedApp;
use crate::time::Timestamp;

pub use audit_log::{AuditEntry, Before, Filter, list_audit};
pub use decisions::{Decider, Decision, Seen, Verdict, decide, is_reviewer};
pub use reasons::{Reason, ReasonKind};
pub use samples::samples;

/// The pages of this room.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/review", get(queue_page::show_queue))
        .route("/review/apps/{id}", get(app_page::show_app))
        .route("/review/apps/{id}/decide", post(decide_page::decide_app))
        .route("/review/apps/{id}/suspend", post(decide_page::suspend_app))
        .route("/review/apps/{id}/reinstate", post(decide_page::reinstate_app))
        .route("/review/apps/{id}/screen", post(decide_page::screen_app))
        .route("/review/apps/{id}/try", post(decide_page::try_app))
        .route("/review/audit", get(audit_page::show_audit))
        .route("/review/audit.jsonl", get(audit_page::export_audit))
}

/// What removes this room's expired rows, a batch at a time.
pub const SWEEPERS: &[fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>] = &[store::sweep_trials];

/// Every statement of this room, for the test that prepares and explains them.
pub const STATEMENTS: &[&[Statement]] = &[store::STATEMENTS, audit_log::STATEMENTS];
