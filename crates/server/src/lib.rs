//! The OAuth 2.0 platform that opens a meeting service to third-party apps.
