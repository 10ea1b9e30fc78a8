//! What can go wrong between a unit of work and its database.

/// An error of the database layer. No text in it holds a parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The database cannot be reached or used now; nothing of the unit was saved.
    #[error("the database cannot be used now: {reason}")]
    Unavailable {
        /// What failed and, where it is known, what to do.
        reason: String,
        /// It cannot be reached, or is starting or stopping: waiting may help, without anybody's doing.
        away: bool,
    },
    /// The queue of waiting units is full; the unit was not run.
    #[error("too many units of work are waiting for the database; try again in a moment")]
    Busy,
    /// Other transactions were in the way, twice or for too long; nothing of the unit was saved.
    #[error("other transactions were in the way: {0}; try again")]
    Contended(String),
    /// A statement took longer than `Options::statement_timeout`; nothing of the unit was saved.
    #[error("{0} took longer than the database may take for one statement")]
    TimedOut(String),
    /// The disk under the database is full; nothing of the unit was saved.
    #[error("the disk of the database is full: make room on it")]
    DiskFull,
    /// A row with the same unique key exists. See [`DbError::is_unique`].
    #[error("a row with the same {key} exists")]
    Unique {
        /// `table.column`, `table.first, table.second`, or the name of an index on expressions.
        key: String,
    },
    /// A row refers to one that is not there, or one that is referred to would go.
    #[error("a foreign key forbids it: {0}")]
    ForeignKey(String),
    /// The unit went on after one of its statements had failed; nothing of it was saved.
    #[error("the unit of work went on after a failed statement")]
    Poisoned,
    /// The unit panicked; nothing of it was saved.
    #[error("the unit of work panicked")]
    Panicked,
    /// The connection or the disk failed during the commit: saved or not, nobody knows. Read back
    /// by an id that was minted before the unit; never just run the unit again.
    #[error("the commit was interrupted: whether it was saved is not known")]
    OutcomeUnknown,
    /// The migrations of this program and those of the database do not fit together.
    #[error("{0}")]
    Migration(String),
    /// A fault of the program or its SQL, or a damaged database.
    #[error("database error: {0}")]
    Broken(String),
}

impl DbError {
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        DbError::Unavailable { reason: reason.into(), away: false }
    }

    pub(crate) fn away(reason: impl Into<String>) -> Self {
        DbError::Unavailable { reason: reason.into(), away: true }
    }

    /// Whether the database is not there for the moment: worth waiting for at a start.
    pub fn is_away(&self) -> bool {
        matches!(self, DbError::Unavailable { away: true, .. })
    }

    /// Whether nothing was saved and the same unit may succeed later: worth a 503 with `Retry-After`.
    pub fn is_unavailable(&self) -> bool {
        match self {
            DbError::Unavailable { .. }
            | DbError::Busy
            | DbError::Contended(_)
            | DbError::TimedOut(_)
            | DbError::DiskFull => true,
            DbError::Unique { .. }
            | DbError::ForeignKey(_)
            | DbError::Poisoned
            | DbError::Panicked
            | DbError::OutcomeUnknown
            | DbError::Migration(_)
            | DbError::Broken(_) => false,
        }
    }

    /// Whether the database failed, rather than the program: worth a 503. Where this is so and
    /// [`DbError::is_unavailable`] is not, whether the unit was saved is not known.
    pub fn is_outage(&self) -> bool {
        self.is_unavailable() || matches!(self, DbError::OutcomeUnknown)
    }

    /// Whether this is a conflict on that unique key, the same words on both engines:
    /// `users.email`, or `grants.user_id, grants.app_id` for a key of several columns, or the
    /// index's name where the key is an expression.
    pub fn is_unique(&self, wanted: &str) -> bool {
        matches!(self, DbError::Unique { key } if key == wanted)
    }

    /// Puts the statement's name before the text of a fault, for the log.
    pub(crate) fn within(self, name: &str) -> Self {
        match self {
            DbError::Broken(text) => DbError::Broken(format!("{name}: {text}")),
            other => other,
        }
    }
}
