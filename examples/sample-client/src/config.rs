//! What the app must be told: the four values from the developer console, and its own address.

use std::fmt;

use url::{Host, Url};

/// The path at which this app receives the authorization response.
pub const CALLBACK_PATH: &str = "/callback";

/// Every scope that JioMeet offers to apps today, in the order in which pages list them.
pub const ALL_SCOPES: [&str; 6] =
    ["user:read", "meeting:read", "meeting:create", "meeting:update", "meeting:delete", "meeting:join"];

/// How the app reaches JioMeet and how JioMeet knows the app.
#[derive(Clone)]
pub struct Config {
    /// The authorization server's issuer identifier (RFC 8414), such as `https://jiomeet.example`.
    pub issuer: Url,
    /// The client id from the app's security section in the console.
    pub client_id: String,
    /// The client secret from the same place. Keep it out of logs, pages and source control.
    pub client_secret: String,
    /// One of the app's registered callback URLs, letter for letter; its path is `/callback`.
    pub redirect_uri: Url,
    /// The scopes to ask for. Empty asks for all that the app is registered for.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("issuer", &self.issuer.as_str())
            .field("client_id", &self.client_id)
            .field("client_secret", &"[kept secret]")
            .field("redirect_uri", &self.redirect_uri.as_str())
            .field("scopes", &self.scopes)
            .finish()
    }
}

impl Config {
    /// Reads the configuration from named values, usually the environment: `ISSUER`, `CLIENT_ID`,
    /// `CLIENT_SECRET`, `REDIRECT_URI` and, if given, `SCOPES` (space-separated).
    ///
    /// # Errors
    /// All faults at once, each a sentence that names the variable and says what to do.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut text = |name: &str, hint: &str| match var(name) {
            Some(value) if !value.trim().is_empty() => Some(value.trim().to_owned()),
            _ => {
                faults.push(format!("{name} is not set: {hint}."));
                None
            }
        };
        let issuer = text("ISSUER", "give the JioMeet server's address, such as https://jiomeetpro.jio.com");
        let client_id = text("CLIENT_ID", "copy the Client ID from your app's security section");
        let client_secret = text("CLIENT_SECRET", "copy the Client secret from your app's security section");
        let redirect_uri = text(
            "REDIRECT_URI",
            "give one of your app's registered callback URLs, such as http://localhost:8081/callback",
        );
        let mut url = |name: &str, value: Option<String>| {
            let parsed = Url::parse(&value?);
            if let Err(error) = &parsed {
                faults.push(format!("{name} is no URL ({error}): write it in full, with https://."));
            }
            parsed.ok()
        };
        let issuer = url("ISSUER", issuer);
        let redirect_uri = url("REDIRECT_URI", redirect_uri);
        let scopes = match var("SCOPES") {
            Some(list) => list.split_whitespace().map(str::to_owned).collect(),
            None => ALL_SCOPES.map(str::to_owned).to_vec(),
        };
        match (issuer, client_id, client_secret, redirect_uri) {
            (Some(issuer), Some(client_id), Some(client_secret), Some(redirect_uri)) => {
                let config = Self { issuer, client_id, client_secret, redirect_uri, scopes };
                config.check()?;
                Ok(config)
            }
            _ => Err(faults),
        }
    }

    /// Looks for settings that cannot work.
    ///
    /// # Errors
    /// All faults at once, each a sentence.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        for (name, url) in [("issuer", &self.issuer), ("redirect URI", &self.redirect_uri)] {
            let plain_http_is_safe = is_loopback(url);
            match url.scheme() {
                "https" => {}
                "http" if plain_http_is_safe => {}
                "http" => {
                    faults.push(format!("The {name} {url} is plain http, which anyone on the way can read: use https."))
                }
                other => faults.push(format!("The {name} begins with {other}: use https.")),
            }
            if url.fragment().is_some() {
                faults.push(format!("The {name} {url} has a fragment ('#'): leave it out."));
            }
        }
        if self.issuer.query().is_some() {
            faults.push("The issuer has a query ('?'): leave it out.".to_owned());
        }
        if self.redirect_uri.path() != CALLBACK_PATH {
            faults.push(format!(
                "The redirect URI's path is {}, but this app answers at {CALLBACK_PATH}: register \
                 and configure a callback URL that ends in {CALLBACK_PATH}.",
                self.redirect_uri.path()
            ));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Whether people reach this app over TLS, so that its cookies can be `Secure`.
    pub(crate) fn is_https(&self) -> bool {
        self.redirect_uri.scheme() == "https"
    }

    /// The scopes to show as asked for: those configured, or all there are.
    pub(crate) fn wanted_scopes(&self) -> Vec<String> {
        if self.scopes.is_empty() { ALL_SCOPES.map(str::to_owned).to_vec() } else { self.scopes.clone() }
    }
}

/// Whether a URL's host is this machine, where plain http stays on the machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    }

    const GOOD: [(&str, &str); 4] = [
        ("ISSUER", "http://127.0.0.1:8080"),
        ("CLIENT_ID", "abc"),
        ("CLIENT_SECRET", "s3cret"),
        ("REDIRECT_URI", "http://localhost:8081/callback"),
    ];

    #[test]
    fn good_settings_ask_for_every_scope() {
        let config = Config::from_vars(vars(&GOOD)).unwrap();
        assert_eq!(config.scopes.len(), 6);
        assert!(!config.is_https());
    }

    #[test]
    fn every_missing_setting_is_named_at_once() {
        let faults = Config::from_vars(|_| None).unwrap_err();
        for name in ["ISSUER", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"] {
            assert!(faults.iter().any(|fault| fault.starts_with(name)), "{name} in {faults:?}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let mut pairs = GOOD;
        pairs[0].1 = "http://jiomeet.example";
        let faults = Config::from_vars(vars(&pairs)).unwrap_err();
        assert!(faults[0].contains("use https"), "{faults:?}");
    }

    #[test]
    fn a_callback_elsewhere_than_callback_is_refused() {
        let mut pairs = GOOD;
        pairs[3].1 = "http://localhost:8081/oauth/return";
        let faults = Config::from_vars(vars(&pairs)).unwrap_err();
        assert!(faults[0].contains("/callback"), "{faults:?}");
    }

    #[test]
    fn debug_text_holds_no_secret() {
        let config = Config::from_vars(vars(&GOOD)).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
