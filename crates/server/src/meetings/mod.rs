//! Meetings: what the access tokens of `oauth` open, the user and meeting API of the published description.
//!
//! A call goes from [`api`] (reads it) through [`call`] (checks its token in the unit of work that answers it) to
//! [`desk`], which does what is asked, and comes back in the words of [`answers`].
//!
//! | to know | read |
//! | --- | --- |
//! | what a body or a query may say | [`body`], [`repeat_options`], [`query`]; every fault at once: [`faults`] |
//! | what a meeting is | [`meeting`], [`repeat`] |
//! | when a series takes place | [`recurrence`], on the calendar of [`day`] |
//! | how a list is put in order and paged | [`listing`] |
//! | SQL | [`store`], on the columns of [`rows`] |
//!
//! A person reaches only their own meetings; everybody else's, and cancelled ones, are as if they were not there.

mod answers;
mod api;
mod body;
mod call;
mod day;
mod desk;
mod faults;
mod listing;
mod meeting;
mod query;
mod recurrence;
mod repeat;
mod repeat_options;
mod rows;
mod store;

use axum::Router;
use axum::routing::{get, post};
use sql::{DbError, Tx};

use crate::app::SharedApp;
use crate::oauth::answer_preflight;
use crate::time::Timestamp;

pub use answers::{CancelledAnswer, CreatedAnswer, ListAnswer, MeetingAnswer, ProfileAnswer};
pub use body::{MOST_PARTICIPANTS, TOPIC_LENGTH};
pub use query::MOST_ROWS;
pub use store::STATEMENTS;

/// What removes the meetings of deleted accounts, a batch at a time.
pub const SWEEPERS: &[fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>] = &[store::sweep_deleted_accounts];

/// The calls of the user and meeting API.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/api/user/profile", get(api::show_profile).options(answer_preflight))
        .route("/api/my_profile", get(api::show_profile).options(answer_preflight))
        .route("/api/meeting", post(api::create_meeting).options(answer_preflight))
        .route("/api/meeting/{user_id}", get(api::list_meetings).options(answer_preflight))
        .route(
            "/api/meeting/meetingDetails/{meeting_id}",
            get(api::show_meeting).put(api::change_meeting).options(answer_preflight),
        )
        .route("/api/meeting/cancel/{meeting_id}", post(api::cancel_meeting).options(answer_preflight))
}
