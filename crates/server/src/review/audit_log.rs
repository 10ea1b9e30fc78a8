//! Reading the audit log: latest first, page by page, along the index that fits the question.

use serde_json::{Value as Json, json};
use sql::{DbError, Row, Tx, params};

use crate::time::Timestamp;

macro_rules! columns {
    () => {
        "id, at, actor_kind, actor_id, action, app_id, user_id, address, detail FROM audit"
    };
}

sql::statements! {
    /// A page of everything.
    LIST_AUDIT = concat!("SELECT ", columns!(), " WHERE at <= $1 AND (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3");
    /// A page of one action.
    LIST_AUDIT_BY_ACTION = concat!("SELECT ", columns!(), "
        WHERE action = $4 AND at <= $1 AND (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3");
    /// A page about one app, of one action if one is given. Whoever asks for any other than [`COMMON`] should ask below.
    LIST_AUDIT_BY_APP = concat!("SELECT ", columns!(), "
        WHERE app_id = $4 AND ($5 = '' OR action = $5) AND at <= $1 AND (at, id) < ($1, $2)
        ORDER BY at DESC, id DESC LIMIT $3");
    /// A page about one app, of an action that is not [`COMMON`]. (What it says twice is what its index says. The place is
    /// told in other words than above, at which SQLite would walk along all of the app's entries.)
    LIST_AUDIT_BY_APP_OF_ACTION = concat!("SELECT ", columns!(), "
        WHERE app_id = $4 AND action = $5 AND action <> 'consent.granted' AND at <= $1 AND (at < $1 OR id < $2)
        ORDER BY at DESC, id DESC LIMIT $3");
    /// A page about one person, of one action and about one app if they are given.
    LIST_AUDIT_ABOUT_USER = concat!("SELECT ", columns!(), "
        WHERE user_id = $4 AND ($5 = '' OR action = $5) AND ($6 = '' OR app_id = $6) AND at <= $1 AND (at, id) < ($1, $2)
        ORDER BY at DESC, id DESC LIMIT $3");
    /// A page of what one person did, likewise.
    LIST_AUDIT_BY_USER = concat!("SELECT ", columns!(), "
        WHERE actor_kind = 'user' AND actor_id = $4 AND ($5 = '' OR action = $5) AND ($6 = '' OR app_id = $6)
            AND at <= $1 AND (at, id) < ($1, $2)
        ORDER BY at DESC, id DESC LIMIT $3");
}

/// The action that most entries about apps are of: so many that they have no part in the index by app and action.
const COMMON: &str = "consent.granted";

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// `user`, `app`, `operator` or `system`.
    pub actor_kind: String,
    /// Which user or app.
    pub actor_id: String,
    /// What was done.
    pub action: String,
    /// About which app.
    pub app_id: Option<String>,
    /// About which person.
    pub user_id: Option<String>,
    /// From where.
    pub address: String,
    /// What else was kept.
    pub detail: Json,
}

impl AuditEntry {
    /// As programs read it.
    pub fn to_json(&self) -> Json {
        json!({
            "id": self.id,
            "at": self.at.to_iso(),
            "actor": {"kind": self.actor_kind, "id": self.actor_id},
            "action": self.action,
            "app_id": self.app_id,
            "user_id": self.user_id,
            "address": self.address,
            "detail": self.detail,
        })
    }

    /// Where the next page begins if this is the last entry.
    pub fn place(&self) -> Before {
        Before { at: self.at, id: self.id.clone() }
    }
}

/// Which entries are asked for; an empty text asks for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// About this app, by its id.
    pub app: String,
    /// About this person, or by them, by their id.
    pub user: String,
    /// Of this action.
    pub action: String,
}

/// Where a page begins: before this entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// When it was.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
}

impl Before {
    /// From now on backwards.
    pub fn latest() -> Before {
        Before { at: Timestamp::from_millis(i64::MAX), id: String::new() }
    }

    /// As a page's address carries it.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.at.as_millis(), self.id)
    }

    /// Reads it; what makes no sense is the latest.
    pub fn read(text: Option<&str>) -> Before {
        let place = text
            .and_then(|text| text.split_once('.'))
            .and_then(|(at, id)| Some(Before { at: Timestamp::from_millis(at.parse().ok()?), id: id.to_owned() }));
        place.unwrap_or_else(Before::latest)
    }
}

/// A page of the log, latest first.
///
/// # Errors
/// When the database refuses.
pub fn list_audit(tx: &mut Tx<'_>, filter: &Filter, before: &Before, limit: i64) -> Result<Vec<AuditEntry>, DbError> {
    let Filter { app, user, action } = filter;
    let (at, id) = (before.at, &before.id);
    match (app.is_empty(), user.is_empty(), action.is_empty()) {
        (_, false, _) => {
            let about = tx.list(&LIST_AUDIT_ABOUT_USER, params![at, id, limit, user, action, app], entry)?;
            let by = tx.list(&LIST_AUDIT_BY_USER, params![at, id, limit, user, action, app], entry)?;
            Ok(merge(about, by, limit))
        }
        (false, true, false) if action != COMMON => {
            tx.list(&LIST_AUDIT_BY_APP_OF_ACTION, params![at, id, limit, app, action], entry)
        }
        (false, true, _) => tx.list(&LIST_AUDIT_BY_APP, params![at, id, limit, app, action], entry),
        (true, true, false) => tx.list(&LIST_AUDIT_BY_ACTION, params![at, id, limit, action], entry),
        (true, true, true) => tx.list(&LIST_AUDIT, params![at, id, limit], entry),
    }
}

/// The latest of two pages; what stands on both comes once.
fn merge(about: Vec<AuditEntry>, by: Vec<AuditEntry>, limit: i64) -> Vec<AuditEntry> {
    let mut both: Vec<AuditEntry> = about.into_iter().chain(by).collect();
    both.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
    both.dedup_by(|one, other| one.id == other.id);
    both.truncate(usize::try_from(limit).unwrap_or(0));
    both
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, DbError> {
    Ok(AuditEntry {
        id: row.get(0)?,
        at: row.get(1)?,
        actor_kind: row.get(2)?,
        actor_id: row.get(3)?,
        action: row.get(4)?,
        app_id: row.get(5)?,
        user_id: row.get(6)?,
        address: row.get(7)?,
        detail: serde_json::from_str(&row.get::<String>(8)?).unwrap_or(Json::Null),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_log_is_read_as_it_was_written() {
        let place = Before { at: Timestamp::from_millis(5), id: "a-b".into() };
        assert_eq!(Before::read(Some(&place.to_text())), place);
        for wrong in [None, Some(""), Some("x.a"), Some("5")] {
            assert_eq!(Before::read(wrong), Before::latest());
        }
    }
}
