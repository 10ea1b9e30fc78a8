//! How often each app was refused, and why, for its developer to see: counted in memory where the refusal happens, and
//! written in batches, so that nothing waits for it. Losing a minute of it in a crash hurts nobody.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::error::{OAuthError, OAuthErrorCode};
use protocol::fault::{self, Fault};
use sql::{DbError, Tx, params};

use crate::app::App;
use crate::ids::{AppId, ClientId};
use crate::time::Timestamp;

/// At most this many kinds of refusal wait to be written; beyond, one is lost.
const MAX_WAITING: usize = 10_000;

/// How many are written in one unit of work.
const BATCH: usize = 200;

/// How long they are kept, and shown.
pub const KEPT: Duration = Duration::from_secs(30 * DAY_SECONDS);

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The longest client id there is; longer ones are nobody's.
const MAX_CLIENT_ID: usize = 64;

sql::statements! {
    /// So many more refusals of an app on a day; a client id that is nobody's counts for nothing.
    ADD_REFUSALS = "INSERT INTO app_errors (app_id, day, code, count)
        SELECT a.id, $2, $3, $4 FROM apps a WHERE a.client_id = $1 AND a.deleted_at IS NULL
        ON CONFLICT (app_id, day, code) DO UPDATE SET count = app_errors.count + $4";
    /// An app's refusals since a day, the most frequent first.
    LIST_REFUSALS = "SELECT code, CAST(SUM(count) AS BIGINT) AS times, MAX(day) FROM app_errors
        WHERE app_id = $1 AND day >= $2 GROUP BY code ORDER BY times DESC, code LIMIT 50";
    /// Refusals that are no longer shown.
    SWEEP_REFUSALS = "app_errors", sweep, "day < $1 ORDER BY day";
}

/// Refusals that wait to be written.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<(String, i64, &'static str), i64>>);

impl Refusals {
    /// The app with that client id was refused; whether there is such an app is found out later.
    pub fn note(&self, client_id: &str, fault: &'static Fault, now: Timestamp) {
        if client_id.is_empty() || client_id.len() > MAX_CLIENT_ID {
            return;
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (client_id.to_owned(), day(now), fault.code);
        if let Some(times) = waiting.get_mut(&key) {
            *times += 1;
        } else if waiting.len() < MAX_WAITING {
            waiting.insert(key, 1);
        }
    }

    /// As [`Refusals::note`]; a fault of ours is not the app's to see.
    pub fn note_error(&self, client_id: &str, error: &OAuthError, now: Timestamp) {
        if !matches!(error.code, OAuthErrorCode::ServerError | OAuthErrorCode::TemporarilyUnavailable) {
            self.note(client_id, error.fault, now);
        }
    }

    /// In one order on every node, so that two which write at once wait for each other in one direction only.
    fn take(&self) -> Vec<((String, i64, &'static str), i64)> {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waiting: Vec<_> = waiting.into_iter().collect();
        waiting.sort_unstable();
        waiting
    }
}

/// Days since 1970.
fn day(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(DAY_SECONDS.cast_signed())
}

/// Writes what waits, in small units of work; gives the number of lines.
///
/// # Errors
/// When the database refuses; what was not written then is lost.
pub async fn write_refusals(app: &App) -> Result<usize, DbError> {
    let waiting = app.refusals.take();
    for batch in waiting.chunks(BATCH) {
        let batch = batch.to_vec();
        app.db
            .write(move |tx| {
                batch.iter().try_for_each(|((client_id, day, code), times)| {
                    tx.execute(&ADD_REFUSALS, params![ClientId::from_text(client_id), day, code, times]).map(drop)
                })
            })
            .await?;
    }
    Ok(waiting.len())
}

/// How often an app was refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalCount {
    /// The entry of the catalogue.
    pub code: String,
    /// What it says; empty for an entry that is no more.
    pub sentence: &'static str,
    /// What to do.
    pub mend: &'static str,
    /// How often.
    pub times: i64,
    /// The last day on which it happened.
    pub last: Timestamp,
}

/// How often an app was refused in the last thirty days, the most frequent first.
pub fn list_refusals(tx: &mut Tx<'_>, app: &AppId, now: Timestamp) -> Result<Vec<RefusalCount>, DbError> {
    tx.list(&LIST_REFUSALS, params![app, day(now.minus(KEPT))], |row| {
        let code: String = row.get(0)?;
        let known = fault::find(&code);
        let day: i64 = row.get(2)?;
        Ok(RefusalCount {
            sentence: known.map_or("", |fault| fault.sentence),
            mend: known.map_or("", |fault| fault.mend),
            code,
            times: row.get(1)?,
            last: Timestamp::from_millis(day.saturating_mul(DAY_SECONDS.cast_signed() * 1000)),
        })
    })
}

/// Removes refusals that are no longer shown, at most `limit`; how many went.
pub fn sweep_refusals(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_REFUSALS, params![day(now.minus(KEPT)), limit])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(20_000 * 86_400_000 + 5);

    #[test]
    fn refusals_add_up_by_app_day_and_reason() {
        let refusals = Refusals::default();
        for _ in 0..3 {
            refusals.note("c1", &fault::CODE_EXPIRED, NOW);
        }
        refusals.note("c1", &fault::CODE_SPENT, NOW);
        refusals.note("", &fault::CODE_SPENT, NOW);
        refusals.note(&"x".repeat(65), &fault::CODE_SPENT, NOW);
        let waiting = refusals.take();
        assert_eq!(waiting, [(("c1".into(), 20_000, "code_expired"), 3), (("c1".into(), 20_000, "code_spent"), 1)]);
        assert!(refusals.take().is_empty());
    }

    #[test]
    fn a_flood_of_made_up_client_ids_is_bounded() {
        let refusals = Refusals::default();
        for number in 0..MAX_WAITING + 10 {
            refusals.note(&number.to_string(), &fault::CODE_SPENT, NOW);
        }
        refusals.note("0", &fault::CODE_SPENT, NOW);
        assert_eq!(refusals.take().len(), MAX_WAITING);
    }
}
