//! The server's keys: roots for MAC, derivation, sealing and CSRF, and the keys that sign tokens.
//!
//! Both stand in the database, encrypted with the operator's key when one is given. Each has phases: it is made and
//! published, then active, then retired, so that every node knows a key before any node uses it.

mod open;
mod root_key;
mod server_keys;
mod signer;
mod store;
mod wrapping;

pub use open::{KeysError, open, reload, rotate_signing_key};
pub use root_key::{Purpose, RootKey};
pub use server_keys::ServerKeys;
pub use signer::{Busy, Place, SignFailed, Signer};
pub use store::{STATEMENTS, SigningKeyRow, list_signing_keys};
