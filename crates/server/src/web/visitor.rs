//! Who is at the browser, as far as its cookies say: the browser itself, and a session that may or may not be alive.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use protocol::secret::{Secret, Sha256Digest, base64url_decode, mint};

use super::response::page;
use super::{cookie, csrf};
use crate::app::{App, SharedApp};

const BROWSER: &str = "jm_browser";
const SESSION: &str = "jm_session";

/// As long as browsers keep a cookie at most.
const BROWSER_TTL: Duration = Duration::from_secs(400 * 86_400);

/// A random name for a browser. It outlives sign-in and sign-out, so that what was begun before is still this browser's.
/// It opens nothing by itself, but whoever knows it can answer forms in its name: it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserId(Secret);

impl BrowserId {
    /// The bytes that MACs and hashes bind to.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }

    /// Its digest, for what is kept or sealed.
    pub fn digest(&self) -> Sha256Digest {
        self.0.digest()
    }

    /// Takes the cookie's text, when it is one of ours.
    pub fn parse(text: &str) -> Option<BrowserId> {
        random_text(text).map(BrowserId)
    }
}

impl fmt::Debug for BrowserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[browser]")
    }
}

/// The value of a session cookie. The database knows only its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSecret(Secret);

impl SessionSecret {
    /// A fresh one.
    pub fn mint(app: &App) -> SessionSecret {
        SessionSecret(mint("", &app.random.bytes::<32>()))
    }

    /// The digest under which the session is stored.
    pub fn digest(&self) -> Sha256Digest {
        self.0.digest()
    }

    /// Gives the browser this session.
    pub fn set_on(&self, app: &App, response: &mut Response) {
        let ttl = app.config.accounts.session_ttl.get();
        add_cookie(response, cookie::set(&app.issuer, SESSION, self.0.expose(), ttl));
    }

    /// Makes the browser forget its session.
    pub fn forget_on(app: &App, response: &mut Response) {
        add_cookie(response, cookie::forget(&app.issuer, SESSION));
    }
}

/// What the cookies say.
#[derive(Debug, Clone, Default)]
pub struct VisitorCookies {
    /// The browser, when it has been here before.
    pub browser: Option<BrowserId>,
    /// A session's secret; whether the session lives only the database knows.
    pub session: Option<SessionSecret>,
}

/// Reads the cookies, and nothing else.
pub fn visitor(app: &App, headers: &HeaderMap) -> VisitorCookies {
    let read = |base| cookie::find(headers, &cookie::name(&app.issuer, base)).and_then(random_text);
    VisitorCookies { browser: read(BROWSER).map(BrowserId), session: read(SESSION).map(SessionSecret) }
}

impl VisitorCookies {
    /// The browser; a new name for it when it has none yet. Call [`Browser::keep_on`] with the response.
    pub fn browser_or_new(&self, app: &App) -> Browser {
        match &self.browser {
            Some(id) => Browser { id: id.clone(), is_new: false },
            None => Browser { id: BrowserId(mint("", &app.random.bytes::<32>())), is_new: true },
        }
    }

    /// A page for whoever is not signed in. The token of its form, which the template is made with, belongs to the
    /// browser; that gets a name when it has none yet.
    pub fn page<T: Template>(&self, app: &App, status: StatusCode, template: impl FnOnce(String) -> T) -> Response {
        let browser = self.browser_or_new(app);
        let mut response = page(status, &template(csrf::token(app, &browser.id, None)));
        browser.keep_on(app, &mut response);
        response
    }
}

/// A browser that has a name by now.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The name.
    pub id: BrowserId,
    is_new: bool,
}

impl Browser {
    /// Tells the browser its name, when that is new.
    pub fn keep_on(&self, app: &App, response: &mut Response) {
        if self.is_new {
            add_cookie(response, cookie::set(&app.issuer, BROWSER, self.id.0.expose(), BROWSER_TTL));
        }
    }
}

impl FromRequestParts<SharedApp> for VisitorCookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<VisitorCookies, Infallible> {
        Ok(visitor(app, &parts.headers))
    }
}

/// 32 bytes in base64url, and nothing that only looks like it.
fn random_text(text: &str) -> Option<Secret> {
    (text.len() == 43 && base64url_decode(text).is_some()).then(|| Secret::new(text))
}

fn add_cookie(response: &mut Response, cookie: Option<http::HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_cut_or_altered_is_none_of_ours() {
        let text = mint("", &[7; 32]).expose().to_owned();
        assert!(BrowserId::parse(&text).is_some());
        for wrong in [
            &text[..42],
            &format!("{text}="),
            &format!("{text}A"),
            &text.replace('c', " "),
            &format!("{}f", &text[..42]),
        ] {
            assert!(BrowserId::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_cookies_hold_is_not_printed() {
        let cookies = VisitorCookies {
            browser: BrowserId::parse(mint("", &[7; 32]).expose()),
            session: Some(SessionSecret(Secret::new("s3cret"))),
        };
        let text = format!("{cookies:?}");
        assert!(!text.contains("s3cret") && !text.contains("BwcH"), "{text}");
    }
}
