//! OAuth 2.0 as its RFCs write it, pure: no I/O, no clock, no SQL.
