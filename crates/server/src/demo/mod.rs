//! `demo`: the whole system on loopback with made-up people and apps, and the sample client beside it.
//!
//! What it prints as secrets it keeps in a seed file of its own, readable by its owner alone, never in the database: with
//! the same data folder it goes on with the people, apps and credentials that are there.

mod cast;
mod report;
mod screening;
mod seed;
mod seed_file;

pub use report::report;
pub use screening::{quiet_resolver, write_blocklist};
pub use seed::{Seeded, SeededApp, seed};
pub use seed_file::{SeedFile, SeedFileError};
