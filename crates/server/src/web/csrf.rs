//! The token that ties a form to the browser it was given to, so that another site cannot send it in a person's name.
//!
//! It is a MAC over the browser's cookie and the session, not a stored value: nothing to keep, nothing to expire while a
//! page lies open, and useless in any other browser. On the sign-in page, where there is no session yet, it is bound to
//! the browser alone, so that nobody can sign a victim in to the attacker's account.

use http::HeaderMap;
use http::header::ORIGIN;
use protocol::params::Params;
use protocol::secret::{base64url_decode, base64url_encode, constant_time_eq};

use super::BrowserId;
use crate::app::App;
use crate::ids::SessionId;
use crate::keys::{Purpose, RootKey};

/// The hidden field's name.
pub const FIELD: &str = "csrf";

/// The token for forms given to this browser in this session.
pub fn token(app: &App, browser: &BrowserId, session: Option<&SessionId>) -> String {
    let key = app.keys.current();
    format!("{}.{}", key.number, base64url_encode(&mac(&key, browser, session)))
}

/// Whether the form was given to this browser in this session, and does not come from another origin.
///
/// Browsers say where a form comes from in `Origin`; what sends no such header is held to the token alone.
pub fn check(
    app: &App,
    headers: &HeaderMap,
    form: &Params,
    browser: Option<&BrowserId>,
    session: Option<&SessionId>,
) -> bool {
    let foreign = headers.get(ORIGIN).is_some_and(|origin| origin != app.issuer.as_str());
    let (Some(browser), Ok(Some(token)), false) = (browser, form.get(FIELD), foreign) else { return false };
    let Some((number, sent)) = token.split_once('.') else { return false };
    let key = number.parse().ok().and_then(|number| app.keys.numbered(number));
    let (Some(key), Some(sent)) = (key, base64url_decode(sent)) else { return false };
    constant_time_eq(&sent, &mac(&key, browser, session))
}

fn mac(key: &RootKey, browser: &BrowserId, session: Option<&SessionId>) -> [u8; 32] {
    key.mac(Purpose::Csrf, &[browser.as_bytes(), session.map_or(&b""[..], |id| id.as_str().as_bytes())])
}
