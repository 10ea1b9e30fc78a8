//! Values of `[mail]`: the server that takes mail, and whom it comes from.

use std::fmt;
use std::str::FromStr;

use lettre::message::Mailbox;
use serde::Deserialize;
use serde::de::Error as _;
use url::{Host, Url};

use super::Hidden;

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// STARTTLS; a server that does not offer it gets no mail.
    StartTls,
    /// None: for a relay nearby.
    Clear,
}

/// The mail server, as `mail.smtp` names it.
#[derive(Debug, Clone)]
pub struct SmtpUrl {
    /// Its host.
    pub host: String,
    /// Its port: 465, 587 or 25 unless the URL says otherwise.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User and password, where it asks for them.
    pub credentials: Option<(String, Hidden)>,
}

impl FromStr for SmtpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<SmtpUrl, String> {
        // The text may hold a password: it is not repeated.
        let mend = || "write smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST or smtp://HOST?tls=none".to_owned();
        let url = Url::parse(text).map_err(|_| mend())?;
        let security = match (url.scheme(), url.query()) {
            ("smtps", None) => SmtpSecurity::Tls,
            ("smtp", None | Some("tls=required")) => SmtpSecurity::StartTls,
            ("smtp", Some("tls=none")) => SmtpSecurity::Clear,
            _ => return Err(mend()),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(mend());
        }
        let host = match url.host() {
            // An IPv6 address stands in brackets in a URL, and without them elsewhere.
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(mend()),
        };
        let decode = |part: &str| {
            let pair = format!("x={}", part.replace('+', "%2B"));
            form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (_, None) | ("", _) => return Err("a user needs a password and a password a user".to_owned()),
            (user, Some(password)) => Some((decode(user), Hidden::new(decode(password)))),
        };
        if security == SmtpSecurity::Clear && credentials.is_some() {
            return Err("a password is not sent in clear: leave tls=none out, or the password".to_owned());
        }
        let usual = match security {
            SmtpSecurity::Tls => 465,
            SmtpSecurity::StartTls => 587,
            SmtpSecurity::Clear => 25,
        };
        Ok(SmtpUrl { host, port: url.port().unwrap_or(usual), security, credentials })
    }
}

impl<'de> Deserialize<'de> for SmtpUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<SmtpUrl, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// An address with or without a name: `JioMeet <no-reply@meet.example.com>`.
#[derive(Debug, Clone)]
pub struct MailAddress(Mailbox);

impl MailAddress {
    /// As a mail's header has it.
    pub fn mailbox(&self) -> Mailbox {
        self.0.clone()
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for MailAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<MailAddress, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(MailAddress).map_err(|_| {
            D::Error::custom("is no address; write JioMeet <no-reply@meet.example.com> or no-reply@meet.example.com")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_its_protection() {
        let url = |text: &str| text.parse::<SmtpUrl>().unwrap();
        let tls = url("smtps://mailer:p%40ss%2Bword@mail.example.com");
        assert_eq!((tls.host.as_str(), tls.port, tls.security), ("mail.example.com", 465, SmtpSecurity::Tls));
        let (user, password) = tls.credentials.as_ref().unwrap();
        assert_eq!((user.as_str(), password.reveal()), ("mailer", "p@ss+word"));
        assert!(!format!("{tls:?}").contains("ss+word"), "{tls:?}");
        assert_eq!(url("smtp://mail.example.com").security, SmtpSecurity::StartTls);
        assert_eq!(url("smtp://mail.example.com:2525?tls=required").port, 2525);
        assert_eq!(url("smtp://[::1]:25?tls=none").host, "::1");
    }

    #[test]
    fn nothing_is_sent_in_clear_by_mistake() {
        for wrong in [
            "",
            "mail.example.com",
            "smtp://",
            "https://mail.example.com",
            "smtp://mail.example.com?tls=opportunistic",
            "smtps://mail.example.com?tls=none",
            "smtp://user:secret@mail.example.com?tls=none",
            "smtps://user@mail.example.com",
            "smtps://:secret@mail.example.com",
            "smtps://mail.example.com/path",
        ] {
            let fault = wrong.parse::<SmtpUrl>().unwrap_err();
            assert!(!fault.contains("secret"), "{fault}");
        }
    }
}
