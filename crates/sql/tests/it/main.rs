//! The rules of the storage layer, on the engine that `TEST_ENGINE` names.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;
mod units;
