//! The server's keys: roots for MAC, derivation, sealing and CSRF, and the keys that sign tokens.
//!
//! Both stand in the database, encrypted with the operator's key when one is given. Each has phases ([`Phase`]): it is made
//! and published, then active, then retired, so that every node knows a key before any node uses it, and until what it made
//! has expired.

mod open;
mod phase;
mod root_key;
mod rotation;
mod server_keys;
mod signer;
mod store;
mod wrapping;

pub use open::{KeysError, open, reload};
pub use phase::{Phase, Times};
pub use root_key::{Purpose, RootKey};
pub use rotation::{Lives, maintain, rotate_root_key, rotate_signing_key};
pub use server_keys::ServerKeys;
pub use signer::{Busy, Place, SignFailed, Signer};
pub use store::{STATEMENTS, ServerKeyRow, SigningKeyRow, list_server_keys, list_signing_keys};
