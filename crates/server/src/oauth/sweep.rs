//! Removing what nobody can use any more, for `upkeep` to call, a batch at a time, until a batch comes back short.
//!
//! | what | kept until |
//! | --- | --- |
//! | a code that became a grant | its grant goes |
//! | any other code | [`KEEP`] after it expired: as long as its request could be answered a second time |
//! | a grant | [`KEEP`] after its refresh token and its last access token expired |
//! | a revocation | [`CLOCK_MARGIN`] after the last token that it covers expired |
//! | a one-time id | it has expired |
//! | a pushed request | an hour after it could last be opened |

use std::time::Duration;

use sql::{DbError, Tx};

use super::revocation_view::CLOCK_MARGIN;
use super::{pushed, store};
use crate::time::Timestamp;

/// How long what has expired is kept for good measure: longer than a sealed authorization request lives, and longer than
/// clocks of nodes differ.
pub const KEEP: Duration = Duration::from_secs(86_400);

/// Deletes at most so many expired rows and says how many it deleted.
pub type Sweeper = fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>;

/// What removes this room's expired rows.
pub const SWEEPERS: &[Sweeper] =
    &[sweep_codes, sweep_grants, sweep_revocations, store::sweep_one_time_ids, pushed::sweep_pushed];

fn sweep_codes(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    store::sweep_codes(tx, now.minus(KEEP), limit)
}

fn sweep_grants(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    store::sweep_grants(tx, now.minus(KEEP), limit)
}

fn sweep_revocations(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    store::sweep_revocations(tx, now.minus(CLOCK_MARGIN), limit)
}
