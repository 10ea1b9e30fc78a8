//! The screening of what developers declare: the glue between the crate `screening`, which knows how to look at a URL, and
//! the product, which knows whose it is.
//!
//! A submission inserts a row of background work in its own unit ([`crate::jobs`]); [`start`] runs it on some node, and
//! keeps what was found beside the revision, the redrawn logo among it. A developer may ask for the same checks before
//! submitting ('pre-flight'). Reviewer and developer read one list: [`findings`], shown by `parts/findings.html`.
//!
//! | address | what |
//! | --- | --- |
//! | `GET /logos/{hash}.png` | a verified logo, from our own origin: the app's server learns nothing of who sees it |
//! | `GET`/`POST /oauth/apps/{id}/preflight` | what was found; look again now |
//! | `POST /oauth/apps/preflight` | what would be found about a form that is being filled in |

mod findings;
mod lists;
mod logos;
mod preflight;
mod run;
mod setup;
mod store;
mod typed;
mod words;
mod worker;

use axum::Router;
use axum::routing::{get, post};
use sql::{DbError, Tx};

use crate::app::SharedApp;
use crate::ids::RevisionId;
use crate::jobs;
use crate::time::Timestamp;
use crate::web::samples::{Sample, Samples as _};

pub use ::screening::Severity;
pub use findings::{FindingLine, Findings, Group, State, State as Progress};
pub(crate) use preflight::sample_findings;
pub use setup::Screening;
pub use store::{STATEMENTS, find_verdict, findings};
pub use words::field_label;
pub use worker::{Worker, run_due, start};

/// Has a revision looked at again in the background.
///
/// # Errors
/// When the database refuses.
pub fn schedule(tx: &mut Tx<'_>, revision: &RevisionId, now: Timestamp) -> Result<(), DbError> {
    jobs::schedule(tx, jobs::Kind::Screening, revision.as_str(), now)
}

/// The addresses of this room.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/logos/{file}", get(logos::serve))
        .route("/oauth/apps/preflight", post(typed::check_typed))
        .route("/oauth/apps/{id}/preflight", get(preflight::show_findings).post(preflight::check_now))
}

/// The pages of this room, filled with made-up content.
pub fn samples() -> Vec<Sample> {
    preflight::PreflightPage::samples()
}
