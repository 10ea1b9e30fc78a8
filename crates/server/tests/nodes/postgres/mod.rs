//! What several machines have of PostgreSQL, and one file cannot give them: it takes as many connections as there are
//! nodes, tells each what the others did, and loses connections in the middle of it.
//!
//! Run by `TEST_ENGINE=postgres tools/with-postgres`; each test fails on another engine rather than pass without a look.

mod background;
mod keys;
mod relay;
mod revocation;
#[expect(dead_code, reason = "shared with the other test programs, which use all of it")]
#[path = "../../it/support/smtp.rs"]
mod smtp;
mod starting;

use sql::Engine;
use sql::testing::engine;

/// Says what to do where there is no PostgreSQL.
fn need_postgres() {
    assert_eq!(
        engine(),
        Engine::Postgres,
        "TEST_ENGINE=postgres tools/with-postgres, or leave out -- --skip postgres::"
    );
}
