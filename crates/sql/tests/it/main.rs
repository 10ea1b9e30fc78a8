//! The rules of the storage layer, on the engine that `TEST_ENGINE` names.
#![expect(clippy::unwrap_used, reason = "tests, and their helpers outside of #[test]")]

mod backlog;
mod batches;
mod copy;
mod failures;
mod following;
mod migrations;
mod opening;
mod postgres;
mod sqlite;
mod support;
mod units;
mod values;
