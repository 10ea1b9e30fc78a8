//! SQL as constants.

use crate::Engine;

/// One SQL statement with a name for logs; `$1`, `$2`, … are its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Statement {
    /// A statement whose text is the same on both engines.
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        Statement { name, sqlite: text, postgres: text }
    }

    /// A statement whose words must differ.
    pub const fn twin(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Statement { name, sqlite, postgres }
    }

    /// The constant's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text for that engine.
    pub const fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// Declares the statements of a module as `pub(crate)` constants, and `STATEMENTS` that lists them,
/// so that a test can prepare and explain each on both engines.
///
/// ```
/// sql::statements! {
///     /// The user with that id.
///     FIND_USER = "SELECT id, email FROM users WHERE id = $1";
/// }
/// # fn main() { assert_eq!(STATEMENTS[0].name(), "FIND_USER"); let _ = FIND_USER; }
/// ```
///
/// A statement that takes many rows in one go chooses them in a `SELECT`, and says where its end is: with `skip_locked`
/// there, rows that another transaction holds are left for the next time. It then waits for nobody, so that no two can
/// wait for each other. With `locked` it takes them in the order of the `SELECT`, waiting where it must: two that do so
/// wait in one direction only. With `shared` what was chosen stays as it is until the transaction ends, while others may
/// choose it too. (SQLite has one writer, and none of these.)
///
/// ```
/// sql::statements! {
///     /// A batch of what has expired.
///     SPOIL = "UPDATE things SET fresh = 0 WHERE id IN (SELECT id FROM things WHERE made_at < $1 LIMIT $2", skip_locked, ")";
/// }
/// # fn main() { assert!(SPOIL.text(sql::Engine::Postgres).ends_with("LIMIT $2 FOR UPDATE SKIP LOCKED)")); }
/// ```
///
/// With `sweep` it deletes at most `$2` rows of a table, those that come first in an order that an index has, and leaves
/// out what another transaction holds. They are deleted where they lie, not looked for once more: by their keys PostgreSQL,
/// when it does not know how many there will be, would compare the whole table with them.
///
/// ```
/// sql::statements! {
///     /// A batch of what has expired.
///     SWEEP = "things", sweep, "expires_at < $1 ORDER BY expires_at";
/// }
/// # fn main() { assert!(SWEEP.text(sql::Engine::Sqlite).starts_with("DELETE FROM things WHERE rowid IN (")); }
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr $(, $lock:ident, $rest:literal)?;)*) => {
        $($(#[$doc])* pub(crate) const $name: $crate::Statement =
            $crate::statement!($name, $text $(, $lock, $rest)?);)*

        /// Every statement of this module.
        pub const STATEMENTS: &[$crate::Statement] = &[$($name),*];
    };
}

/// One statement of [`statements!`].
#[doc(hidden)]
#[macro_export]
macro_rules! statement {
    ($name:ident, $text:expr) => {
        $crate::Statement::new(stringify!($name), $text)
    };
    ($name:ident, $text:expr, skip_locked, $rest:literal) => {
        $crate::Statement::twin(
            stringify!($name),
            concat!($text, $rest),
            concat!($text, " FOR UPDATE SKIP LOCKED", $rest),
        )
    };
    ($name:ident, $text:expr, locked, $rest:literal) => {
        $crate::Statement::twin(stringify!($name), concat!($text, $rest), concat!($text, " FOR UPDATE", $rest))
    };
    ($name:ident, $table:expr, sweep, $which:literal) => {
        $crate::Statement::twin(
            stringify!($name),
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE rowid IN (SELECT rowid FROM ",
                $table,
                " WHERE ",
                $which,
                " LIMIT $2)"
            ),
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE ctid = ANY (ARRAY (SELECT ctid FROM ",
                $table,
                " WHERE ",
                $which,
                " LIMIT $2 FOR UPDATE SKIP LOCKED))"
            ),
        )
    };
    ($name:ident, $text:expr, shared, $rest:literal) => {
        $crate::Statement::twin(stringify!($name), concat!($text, $rest), concat!($text, " FOR SHARE", $rest))
    };
}

/// The parameters of a statement, in the order of their numbers: `params![id, email, now]`.
/// Takes references itself; each expression's type is a [`ToValue`](crate::ToValue).
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::ToValue::to_value(&$value)),*]
    };
}
