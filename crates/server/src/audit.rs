//! The audit log: append-only, written in the same unit of work as what it tells of.

use serde_json::{Value as Json, json};
use sql::{DbError, Tx, params};

use crate::ids::{AppId, UserId};
use crate::random::{Random, uuid_text};
use crate::time::Timestamp;

sql::statements! {
    /// The latest entries about a person.
    LIST_ABOUT_USER = "SELECT at, actor_kind, actor_id, action, address, detail FROM audit WHERE user_id = $1
        ORDER BY at DESC, id DESC LIMIT 50";
    /// One entry.
    INSERT_AUDIT = "INSERT INTO audit (id, at, actor_kind, actor_id, action, app_id, user_id, address, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
}

/// An entry, as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// When.
    pub at: Timestamp,
    /// `user`, `app`, `operator` or `system`.
    pub actor_kind: String,
    /// The actor's id; empty for the operator and the system.
    pub actor_id: String,
    /// `noun.verb`.
    pub action: String,
    /// Where the request came from.
    pub address: String,
    /// JSON.
    pub detail: String,
}

/// The latest entries about a person; at most 50.
///
/// # Errors
/// When the database refuses.
pub fn list_about_user(tx: &mut Tx<'_>, user: &UserId) -> Result<Vec<Shown>, DbError> {
    tx.list(&LIST_ABOUT_USER, params![user], |row| {
        Ok(Shown {
            at: row.get(0)?,
            actor_kind: row.get(1)?,
            actor_id: row.get(2)?,
            action: row.get(3)?,
            address: row.get(4)?,
            detail: row.get(5)?,
        })
    })
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person, signed in.
    User(UserId),
    /// An app, with its credentials.
    App(AppId),
    /// The operator, on the command line.
    Operator,
    /// The server itself.
    System,
}

impl Actor {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Actor::User(id) => ("user", id.as_str()),
            Actor::App(id) => ("app", id.as_str()),
            Actor::Operator => ("operator", ""),
            Actor::System => ("system", ""),
        }
    }
}

/// One entry, minted before the unit of work that writes it.
#[derive(Debug, Clone)]
pub struct Record {
    id: String,
    at: Timestamp,
    actor: Actor,
    action: &'static str,
    app: Option<AppId>,
    user: Option<UserId>,
    address: String,
    detail: Json,
}

impl Record {
    /// An entry about something that happens `at` that moment; `action` is `noun.verb`.
    pub fn new(random: &Random, at: Timestamp, actor: Actor, action: &'static str) -> Record {
        let id = uuid_text(&random.timed_uuid(at));
        Record { id, at, actor, action, app: None, user: None, address: String::new(), detail: json!({}) }
    }

    /// Names the entry, and what was caused with it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it happened.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The app it is about.
    #[must_use]
    pub fn app(mut self, app: &AppId) -> Record {
        self.app = Some(app.clone());
        self
    }

    /// The person it is about.
    #[must_use]
    pub fn user(mut self, user: &UserId) -> Record {
        self.user = Some(user.clone());
        self
    }

    /// Where the request came from.
    #[must_use]
    pub fn address(mut self, address: impl ToString) -> Record {
        self.address = address.to_string();
        self
    }

    /// What else is worth keeping; never a secret.
    #[must_use]
    pub fn detail(mut self, detail: Json) -> Record {
        self.detail = detail;
        self
    }

    /// Writes the entry.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let (actor_kind, actor_id) = self.actor.columns();
        let detail = self.detail.to_string();
        let values =
            params![self.id, self.at, actor_kind, actor_id, self.action, self.app, self.user, self.address, detail];
        tx.execute(&INSERT_AUDIT, values).map(drop)
    }
}
