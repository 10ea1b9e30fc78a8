//! The whole server through its real surface: a router on a loopback port, a database of its own, a clock that tests move.
//!
//! `TEST_ENGINE=sqlite` (the default) or `postgres` chooses the database; one folder for each of the server's rooms.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and its name says what it is about")]

mod apps;
mod attacks;
mod conformance;
mod fuzz;
mod mail;
mod meetings;
mod oauth;
mod openapi;
mod program;
mod review;
mod screening;
mod storage;
mod support;
mod users;
mod web;
