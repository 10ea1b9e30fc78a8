//! The app's two cookies. Both hold nothing but a random name for what is kept on this side.

use axum::http::{HeaderMap, HeaderValue, header};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Names the browser from the moment it begins a sign-in.
    SignIn,
    /// Names the signed-in session; a new one after every sign-in.
    Session,
}

impl Cookie {
    /// Over TLS the prefix makes the browser refuse cookies that another host has planted.
    fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::SignIn, true) => "__Host-companion_signin",
            (Self::SignIn, false) => "companion_signin",
            (Self::Session, true) => "__Host-companion_session",
            (Self::Session, false) => "companion_session",
        }
    }

    /// The cookie's value in a request.
    pub fn read(self, headers: &HeaderMap, https: bool) -> Option<String> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name(https))
            .map(|(_, value)| value.to_owned())
    }

    /// A `Set-Cookie` header with `value`, which has to be made of base64url letters. `Lax`, not
    /// `Strict`: the answer to a sign-in is a navigation that comes from another site.
    pub fn write(self, value: &str, https: bool) -> Option<HeaderValue> {
        self.header(value, https, "")
    }

    /// A `Set-Cookie` header that makes the browser forget it.
    pub fn clear(self, https: bool) -> Option<HeaderValue> {
        self.header("", https, "; Max-Age=0")
    }

    fn header(self, value: &str, https: bool, more: &str) -> Option<HeaderValue> {
        let secure = if https { "; Secure" } else { "" };
        let name = self.name(https);
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; companion_session=xyz; c"));
        assert_eq!(Cookie::Session.read(&headers, false).as_deref(), Some("xyz"));
        assert_eq!(Cookie::Session.read(&headers, true), None);
        assert_eq!(Cookie::SignIn.read(&headers, false), None);
    }

    #[test]
    fn scripts_and_other_sites_are_kept_away_from_it() {
        let text = Cookie::Session.write("xyz", true).unwrap();
        assert_eq!(text.to_str().unwrap(), "__Host-companion_session=xyz; Path=/; HttpOnly; SameSite=Lax; Secure");
    }
}
