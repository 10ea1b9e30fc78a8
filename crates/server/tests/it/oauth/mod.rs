//! The token side of OAuth: a file per endpoint and per rule.

mod bearer;
mod client;
mod introspect;
mod metadata;
mod races;
mod revoke;
mod token_client;
mod token_code;
mod token_model;
mod token_refresh;

pub use client::{bearer_call, introspect, post, redeem, refresh, revoke, token};
