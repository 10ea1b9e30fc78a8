//! The user and meeting API.

mod access;
mod cancel;
mod change;
mod create;
mod details;
mod docs;
mod list;
mod profile;
mod world;
