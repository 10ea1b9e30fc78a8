//! What this process hears of the database (crates/sql: announcements), and whom it concerns: revocations go to the view
//! of revocations, keys that come and go to whoever reads them again.

use std::collections::BTreeSet;
use std::sync::Arc;

use sql::{DbError, Follower, Tx};
use tokio::sync::Notify;

use crate::oauth::RevocationView;

/// What triggers announce when a key comes or goes (`migrations/0015`).
const KEYS: &str = "keys";

/// The one follower of the database.
#[derive(Debug)]
pub struct Hearing {
    /// What stands against living tokens.
    pub view: Arc<RevocationView>,
    /// Told when keys have changed, or may have while nothing was heard.
    pub keys_changed: Arc<Notify>,
}

impl Follower for Hearing {
    fn load(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        self.view.load(tx)?;
        self.keys_changed.notify_one();
        Ok(())
    }

    fn hear(&self, tx: &mut Tx<'_>, subjects: &BTreeSet<String>) -> Result<(), DbError> {
        if subjects.contains(KEYS) {
            self.keys_changed.notify_one();
        }
        self.view.hear(tx, subjects)
    }
}
