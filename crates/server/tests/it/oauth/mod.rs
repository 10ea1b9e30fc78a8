//! OAuth: a file per endpoint and per rule.

mod authorize_errors;
mod authorize_prompts;
mod bearer;
pub mod client;
mod client_assertions;
mod connected_apps;
mod consent;
mod dpop;
pub mod flow;
mod introspect;
mod key_phases;
mod logout;
mod long_life;
mod metadata;
mod nodes;
mod openid;
mod public_apps;
mod pushed_requests;
pub mod races;
mod resources;
mod revoke;
mod sign_in_flow;
mod token_client;
mod token_code;
mod token_model;
mod token_refresh;

pub use client::{bearer_call, introspect, post, redeem, refresh, revoke, token};
