//! The cookie of a browser that signed in before: it passes the limit that counts an account's failures from anywhere,
//! so that a stranger who guesses from a thousand addresses cannot keep a person out of their own account.
//!
//! It holds a token per account, the five latest: the key's number and a MAC over the browser and the address. It opens
//! nothing; its failures are counted against it alone.

use std::time::Duration;

use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;
use protocol::secret::{base64url_encode, constant_time_eq};

use super::Email;
use crate::app::App;
use crate::keys::Purpose;
use crate::web::{BrowserId, cookie};

const COOKIE: &str = "jm_known";
const MAX_ACCOUNTS: usize = 5;

/// How long the cookie is kept, and so the root key that made it.
pub const TTL: Duration = Duration::from_secs(400 * 86_400);

/// Whether somebody signed in to that account from this browser before.
pub fn is_known(app: &App, headers: &HeaderMap, browser: &BrowserId, email: &Email) -> bool {
    tokens(app, headers).any(|token| is_of(app, token, browser, email))
}

/// Remembers that the person signed in to that account from this browser.
pub fn remember(app: &App, headers: &HeaderMap, browser: &BrowserId, email: &Email, response: &mut Response) {
    let mut value = token(app, app.keys.current().number, browser, email).unwrap_or_default();
    for other in tokens(app, headers).filter(|token| !is_of(app, token, browser, email)).take(MAX_ACCOUNTS - 1) {
        value.push('.');
        value.push_str(other);
    }
    if let Some(cookie) = cookie::set(&app.issuer, COOKIE, &value, TTL) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

fn tokens<'h>(app: &App, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
    let value = cookie::find(headers, &cookie::name(&app.issuer, COOKIE)).unwrap_or_default();
    value.split('.').filter(|token| !token.is_empty()).take(MAX_ACCOUNTS)
}

fn is_of(app: &App, sent: &str, browser: &BrowserId, email: &Email) -> bool {
    let number = sent.split('~').next().and_then(|number| number.parse().ok());
    number
        .and_then(|number| token(app, number, browser, email))
        .is_some_and(|ours| constant_time_eq(ours.as_bytes(), sent.as_bytes()))
}

fn token(app: &App, number: i64, browser: &BrowserId, email: &Email) -> Option<String> {
    let mac = app.keys.numbered(number)?.mac(Purpose::KnownBrowser, &[browser.as_bytes(), email.as_str().as_bytes()]);
    Some(format!("{number}~{}", base64url_encode(&mac[..16])))
}
