//! Fetching that cannot be turned against the network it runs in (server-side request forgery).
//!
//! 1. [`address`] says which addresses may be dialled at all, [`allow`] what the operator opened or closed.
//! 2. [`resolve`] turns a name into addresses, once per hop; every one of them is checked.
//! 3. [`connect`] dials exactly a checked address, never the name again, and [`tls`] sees the certificate.
//! 4. [`fetch`] sends one request, bounded in bytes and time, follows redirects by hand and starts at 2 each time.
//!
//! There is no proxy, no cookie, no connection reuse and no decompression.

pub mod address;
pub mod allow;
mod connect;
pub mod fault;
pub mod fetch;
pub mod resolve;
pub mod tls;
mod trail;
