//! OAuth 2.0 as its RFCs write it, pure: no I/O, no clock, no SQL.
//!
//! Whatever comes from outside (a query, a form, a header, a token) is read here into types that
//! cannot be wrong, and whatever a client is told (an error, a redirect, a signed token) is
//! written here. Time comes in as `i64` milliseconds since the Unix epoch, randomness as bytes, so
//! every rule can be tested by itself.
//!
//! | step of the protocol | module |
//! | --- | --- |
//! | the parameters of a request | [`params`] |
//! | the authorization request (RFC 6749 4.1.1) | [`authorize_request`], [`scope`], [`pkce`] |
//! | where its answer may go | [`redirect_uri`], [`url_rules`] |
//! | the token request (RFC 6749 4.1.3 and 6) | [`token_request`], [`basic_auth`], [`client_assertion`] |
//! | the access token (RFC 9068) | [`jwt`] |
//! | tokens that are bound to a key (RFC 9449) | [`dpop`] |
//! | refusals | [`fault`] (the catalogue), [`error`] (how they travel) |
//! | what the server says about itself (RFC 8414) | [`metadata`] |

pub mod authorize_request;
pub mod basic_auth;
pub mod client_assertion;
pub mod dpop;
pub mod error;
pub mod fault;
pub mod jwt;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod scope;
pub mod secret;
pub mod token_request;
pub mod url_rules;
