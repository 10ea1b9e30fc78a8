//! Several nodes: each a process of its own, all on one database, behind a plain reverse proxy that gives every request to
//! the next of them. What happens at the same moment happens once, and what one node ends no other one goes on with.
//!
//! `TEST_ENGINE=sqlite` or `postgres` chooses the database. Several processes on one SQLite file are correct as well, and run
//! through the same flow and races; what only PostgreSQL can do stands in the module [`postgres`] and is left out by name
//! (`-- --skip postgres::`) where there is none.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and its name says what it is about")]

mod cluster;
mod flow;
#[expect(dead_code, reason = "shared with the other test programs, which use all of it")]
#[path = "../it/support/jar.rs"]
mod jar;
#[expect(dead_code, reason = "shared with the other test programs, which use all of it")]
#[path = "../it/support/page.rs"]
mod page;
mod postgres;
mod proxy;
mod races;
mod seed;
mod whole_flow;
