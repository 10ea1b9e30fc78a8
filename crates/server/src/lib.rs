//! The OAuth 2.0 platform that opens a meeting service to third-party apps.
//!
//! Each folder is a room named after what the product does; `docs/architecture.md` walks through them.

pub mod app;
pub mod apps;
pub mod audit;
pub mod backup;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod demo;
pub mod gallery;
pub mod health;
pub mod hearing;
pub mod ids;
pub mod jobs;
pub mod keys;
pub mod mail;
pub mod meetings;
pub mod middleware;
pub mod migrations;
pub mod oauth;
pub mod openapi;
pub mod random;
pub mod review;
pub mod routes;
pub mod screening;
pub mod serve;
pub mod time;
pub mod upkeep;
pub mod users;
pub mod web;
