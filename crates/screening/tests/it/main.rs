//! Screening against real servers on loopback: each hostile thing a site can do, and the finding it gives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod addresses;
mod bounds;
mod domain_age;
mod good_app;
mod logos;
mod offline;
mod pages;
mod support;
mod text;
