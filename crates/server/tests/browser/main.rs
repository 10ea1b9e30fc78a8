//! A person at a browser: headless Chromium against the built program, its pages and the sample client.
//!
//! Needs Debian's `chromium` and `chromium-driver`; `./test.sh` installs them. Pictures of the pages go to
//! `target/screenshots`, for people to look at.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod browser;
mod client;
mod console;
mod demo;
mod hand;
mod layout;
mod whole_flow;
