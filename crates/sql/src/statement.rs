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
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: $crate::Statement =
            $crate::Statement::new(stringify!($name), $text);)*

        /// Every statement of this module.
        pub const STATEMENTS: &[$crate::Statement] = &[$($name),*];
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
