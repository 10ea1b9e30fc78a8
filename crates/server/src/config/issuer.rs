//! The issuer: the one place that absolute URLs are built from.

use std::fmt;

use url::{Host, Url};

/// The issuer identifier of RFC 8414 section 2: an origin, without a path and without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    secure: bool,
    authority: String,
}

impl Issuer {
    /// Reads an issuer.
    ///
    /// # Errors
    /// A sentence that follows the key's name: what it must be.
    pub fn parse(text: &str) -> Result<Issuer, String> {
        let fault = || format!("must be an origin such as https://meet.example.com, not '{text}'");
        let url = Url::parse(text).map_err(|_| fault())?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(fault());
        }
        let origin = url.origin().ascii_serialization();
        if text != origin {
            return Err(format!("must be written as {origin}, not '{text}'"));
        }
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(fault()),
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            _ => {
                return Err(format!(
                    "must begin with https:// (plain http is for loopback addresses alone), not '{text}'"
                ));
            }
        }
        let authority = text.split_once("://").map(|(_, authority)| authority.to_owned()).ok_or_else(fault)?;
        Ok(Issuer { secure: url.scheme() == "https", authority, text: origin })
    }

    /// The identifier itself, as `iss` carries it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether browsers reach us by https: cookies are `Secure` and `__Host-` then.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host and port as the `Host` header has them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The absolute URL of one of our paths (which begins with `/`).
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_origin_and_https_but_for_loopback() {
        for good in [
            "https://meet.example.com",
            "https://meet.example.com:8443",
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "http://[::1]:8080",
        ] {
            assert_eq!(Issuer::parse(good).unwrap().as_str(), good);
        }
        for wrong in [
            "http://meet.example.com",
            "https://meet.example.com/",
            "https://meet.example.com/path",
            "meet.example.com",
            "https://user@meet.example.com",
            "https://Meet.example.com",
            "https://meet.example.com:443",
            "ftp://meet.example.com",
            "http://localhost.evil.example",
        ] {
            assert!(Issuer::parse(wrong).is_err(), "{wrong}");
        }
    }
}
