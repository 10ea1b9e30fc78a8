//! How long a domain has been registered, asked of its registry over RDAP (RFC 9082, RFC 9083).
//!
//! 1. [`bootstrap`] knows which registry answers for a top-level domain (RFC 9224).
//! 2. [`client`] asks it through the safe fetcher, no more than so often, and remembers the answer.
//! 3. [`answer`] reads the events. A registry that leaves the date to the registrar says where to go on.
//!
//! What cannot be learned is 'not known', with the reason; it is never a date.

pub mod answer;
pub mod bootstrap;
mod client;
mod pace;

pub use client::{Known, Lookup, Rdap, RdapConfig, Unknown};
