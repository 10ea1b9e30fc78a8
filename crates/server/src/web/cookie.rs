//! Cookies: reading one by its name, and writing one that scripts and other hosts cannot touch.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::config::Issuer;

/// The cookie's name on this origin: with https it gets `__Host-`, which ties it to this very host (RFC 6265bis 4.1.3.2).
pub fn name(issuer: &Issuer, base: &str) -> String {
    if issuer.is_secure() { format!("__Host-{base}") } else { base.to_owned() }
}

/// The value of the first cookie with that name.
pub fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// A `Set-Cookie` value. Scripts do not see the cookie (`HttpOnly`), other sites send it only with a top-level GET
/// (`SameSite=Lax`: a sign-in that an app asks for must find it).
///
/// The value must be of the cookie alphabet; anything else gives nothing.
pub fn set(issuer: &Issuer, base: &str, value: &str, max_age: Duration) -> Option<HeaderValue> {
    let secure = if issuer.is_secure() { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        name(issuer, base),
        max_age.as_secs()
    );
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    if plain { HeaderValue::from_str(&text).ok() } else { None }
}

/// A `Set-Cookie` value that makes the browser forget the cookie.
pub fn forget(issuer: &Issuer, base: &str) -> Option<HeaderValue> {
    set(issuer, base, "", Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_https_a_cookie_belongs_to_this_very_host() {
        let issuer = Issuer::parse("https://meet.example.com").unwrap();
        let cookie = set(&issuer, "jm_session", "abc", Duration::from_secs(60)).unwrap();
        assert_eq!(cookie, "__Host-jm_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    }

    #[test]
    fn on_loopback_http_it_has_its_plain_name() {
        let issuer = Issuer::parse("http://127.0.0.1:8080").unwrap();
        let cookie = set(&issuer, "jm_session", "abc", Duration::from_secs(60)).unwrap();
        assert_eq!(cookie, "jm_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
        assert_eq!(forget(&issuer, "jm_session").unwrap(), "jm_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_value_cannot_add_attributes() {
        let issuer = Issuer::parse("http://127.0.0.1:8080").unwrap();
        assert!(set(&issuer, "jm_session", "a; Domain=evil.example", Duration::ZERO).is_none());
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("xjm_session=1; jm_session=2;jm_session=3"));
        headers.append(COOKIE, HeaderValue::from_static("jm_browser=4"));
        assert_eq!(find(&headers, "jm_session"), Some("2"));
        assert_eq!(find(&headers, "jm_browser"), Some("4"));
        assert_eq!(find(&headers, "jm"), None);
    }
}
