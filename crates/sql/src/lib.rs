//! One SQL text on two engines: embedded SQLite and PostgreSQL.
