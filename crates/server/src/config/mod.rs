//! The configuration: a TOML file, each key overridable by an environment variable, read once at start.
//!
//! `[tokens] authorization_code_ttl = "5m"` is `JIOMEET_OAUTH_TOKENS__AUTHORIZATION_CODE_TTL=5m`.
//! The annotated sample holds every key with its default; it is parsed first, so that a file need only name what differs.

mod issuer;
mod mail_values;
mod resources;
mod section;
mod sections;
mod values;

use std::fmt::Write as _;
use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;

pub use issuer::Issuer;
pub use mail_values::{MailAddress, SmtpSecurity, SmtpUrl};
pub use sections::{
    Accounts, Database, DeclaredScope, Keys, Limits, Log, Mail, ResourceServer, Screening, Server, Tokens,
};
pub use values::{AddressBlock, Hidden, LogFormat, SigningAlgorithm, Ttl};

use section::Section;

/// The prefix of environment variables; two underscores stand for the dot.
pub const ENVIRONMENT_PREFIX: &str = "JIOMEET_OAUTH_";

/// Everything that can be configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[keys]`
    pub keys: Keys,
    /// `[accounts]`
    pub accounts: Accounts,
    /// `[limits]`
    pub limits: Limits,
    /// `[mail]`
    pub mail: Mail,
    /// `[screening]`
    pub screening: Screening,
    /// `[[resource_servers]]`
    #[serde(default)]
    pub resource_servers: Vec<ResourceServer>,
    /// `[[scopes]]`
    #[serde(default)]
    pub scopes: Vec<DeclaredScope>,
    /// `[log]`
    pub log: Log,
}

const SECTIONS: &[Section] = &[
    Server::SECTION,
    Database::SECTION,
    Tokens::SECTION,
    Keys::SECTION,
    Accounts::SECTION,
    Limits::SECTION,
    Mail::SECTION,
    Screening::SECTION,
    ResourceServer::SECTION,
    DeclaredScope::SECTION,
    Log::SECTION,
];

/// A configuration that cannot be used: each line names a key and the mend.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// The defaults, then the file if one is named, then the environment.
    ///
    /// # Errors
    /// Every fault that was found: an unknown key, a wrong type, an impossible value.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        let mut figment = Figment::from(Toml::string(&annotated_sample()));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ConfigError(vec![format!("cannot read the config file {}: {error}", path.display())])
            })?;
            figment = figment.merge(Toml::string(&text));
        }
        Config::extract(figment.merge(environment()))
    }

    /// The defaults with some keys replaced (for demo and tests), then the environment.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn with(overrides: &str) -> Result<Config, ConfigError> {
        Config::extract(
            Figment::from(Toml::string(&annotated_sample())).merge(Toml::string(overrides)).merge(environment()),
        )
    }

    /// The defaults with some keys replaced, whatever the environment says.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn without_environment(overrides: &str) -> Result<Config, ConfigError> {
        Config::extract(Figment::from(Toml::string(&annotated_sample())).merge(Toml::string(overrides)))
    }

    fn extract(figment: Figment) -> Result<Config, ConfigError> {
        let config: Config =
            figment.extract().map_err(|errors| ConfigError(errors.into_iter().map(|e| describe(&e)).collect()))?;
        let faults = config.impossible_values();
        if faults.is_empty() { Ok(config) } else { Err(ConfigError(faults)) }
    }

    fn impossible_values(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut positive = |key: &str, ttl: Ttl| {
            if ttl.get().is_zero() {
                faults.push(format!("{key} must be longer than zero"));
            }
        };
        positive("tokens.authorization_code_ttl", self.tokens.authorization_code_ttl);
        positive("tokens.access_token_ttl", self.tokens.access_token_ttl);
        positive("tokens.id_token_ttl", self.tokens.id_token_ttl);
        positive("tokens.refresh_token_ttl", self.tokens.refresh_token_ttl);
        positive("keys.rotate_signing_key_after", self.keys.rotate_signing_key_after);
        positive("keys.rotate_root_key_after", self.keys.rotate_root_key_after);
        positive("accounts.session_ttl", self.accounts.session_ttl);
        positive("accounts.confirmation_ttl", self.accounts.confirmation_ttl);
        positive("accounts.password_reset_ttl", self.accounts.password_reset_ttl);
        positive("mail.timeout", self.mail.timeout);
        positive("server.request_timeout", self.server.request_timeout);
        positive("screening.blocklist_refresh", self.screening.blocklist_refresh);
        let mut at_least_one = |key: &str, number: usize| {
            if number == 0 {
                faults.push(format!("{key} must be at least 1"));
            }
        };
        at_least_one("database.connections", self.database.connections);
        at_least_one("accounts.password_hashers", self.accounts.password_hashers);
        at_least_one("server.max_connections", self.server.max_connections);
        at_least_one("limits.sign_in_burst", self.limits.sign_in_burst as usize);
        at_least_one("limits.account_burst", self.limits.account_burst as usize);
        at_least_one("limits.client_burst", self.limits.client_burst as usize);
        at_least_one("limits.sign_up_burst", self.limits.sign_up_burst as usize);
        at_least_one("screening.preflight_burst", self.screening.preflight_burst as usize);
        at_least_one("limits.mail_burst", self.limits.mail_burst as usize);
        if self.keys.publish_ahead.get() < std::time::Duration::from_secs(60) {
            faults.push("keys.publish_ahead must be at least 1m: servers read the keys twice a minute".to_owned());
        }
        if self.mail.smtp.is_some() && self.mail.from.is_none() {
            faults.push("mail.from is missing: name the address that mail comes from, beside mail.smtp".to_owned());
        }
        if let Some(issuer) = &self.server.issuer
            && let Err(fault) = Issuer::parse(issuer)
        {
            faults.push(format!("server.issuer {fault}"));
        }
        if let Err(fault) = self.database_url() {
            faults.push(format!("database.url {fault}"));
        }
        resources::check(self, &mut faults);
        faults
    }

    /// The database's address.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn database_url(&self) -> Result<sql::DatabaseUrl, String> {
        self.database.url.reveal().parse().map_err(|error| format!("{error}"))
    }
}

fn environment() -> Env {
    Env::prefixed(ENVIRONMENT_PREFIX).split("__")
}

fn describe(error: &figment::Error) -> String {
    use figment::error::Kind;
    let path = error.path.join(".");
    let within = |name: &str| match path.as_str() {
        "" => name.to_owned(),
        path if path.ends_with(name) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    let source = match error.metadata.as_ref().map(|m| m.name.to_string()) {
        Some(name) if name.contains("environment") => " (from the environment)",
        _ => "",
    };
    match &error.kind {
        Kind::UnknownField(name, known) => {
            format!("unknown key {}{source}; the keys there are {}", within(name), known.join(", "))
        }
        Kind::MissingField(name) => format!("the key {} is missing", within(name)),
        Kind::InvalidType(actual, expected) => format!("{path}{source} must be {expected}, not {actual}"),
        Kind::InvalidValue(actual, expected) => format!("{path}{source} must be {expected}, not {actual}"),
        Kind::UnknownVariant(name, known) => format!("{path}{source} must be one of {}, not {name}", known.join(", ")),
        _ => format!("{path}{source}: {}", error.kind).trim_start_matches(": ").to_owned(),
    }
}

/// The annotated sample: every section and key, its meaning, its default.
pub fn annotated_sample() -> String {
    let mut text = String::from(
        "# Configuration of jiomeet-oauth. Every key is shown with its default; name only what you change.\n\
         # Each can be set by the environment too: [tokens] access_token_ttl is JIOMEET_OAUTH_TOKENS__ACCESS_TOKEN_TTL.\n",
    );
    for section in SECTIONS {
        text.push('\n');
        for line in section.doc {
            let _ = writeln!(text, "#{line}");
        }
        let _ = match section.repeated {
            true => writeln!(text, "# [[{}]]", section.name),
            false => writeln!(text, "[{}]", section.name),
        };
        for key in section.keys {
            text.push('\n');
            for line in key.doc {
                let _ = writeln!(text, "#{line}");
            }
            match key.sample.strip_prefix("# ") {
                Some(example) => {
                    let _ = writeln!(text, "# {} = {example}", key.name);
                }
                None => {
                    let _ = writeln!(text, "{} = {}", key.name, key.sample);
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_sample_is_the_set_of_defaults() {
        let config = Config::without_environment("").unwrap();
        assert_eq!(config.tokens.authorization_code_ttl.get(), Duration::from_secs(300));
        assert_eq!(config.tokens.access_token_ttl.get(), Duration::from_secs(86_400));
        assert_eq!(config.tokens.refresh_token_ttl.get(), Duration::from_secs(60 * 86_400));
        assert!(config.server.issuer.is_none());
    }

    #[test]
    fn the_docs_show_the_same_sample() {
        let shown = include_str!("../../../../docs/jiomeet-oauth.example.toml");
        assert_eq!(shown, annotated_sample(), "run: cargo run -- config print > docs/jiomeet-oauth.example.toml");
    }

    #[test]
    fn each_fault_names_its_key_and_the_mend() {
        let fault = |overrides: &str| Config::without_environment(overrides).unwrap_err().to_string();
        assert!(fault("[tokens]\nacces_token_ttl = \"1d\"").contains("tokens.acces_token_ttl"));
        assert!(fault("[tokens]\nacces_token_ttl = \"1d\"").contains("access_token_ttl"));
        assert!(fault("[tokens]\naccess_token_ttl = \"soon\"").contains("write a number and a unit"));
        assert!(
            fault("[tokens]\naccess_token_ttl = \"0s\"").contains("tokens.access_token_ttl must be longer than zero")
        );
        assert!(fault("[tokens]\nrequire_pkce = \"perhaps\"").contains("tokens.require_pkce"));
        assert!(fault("[keys]\nsigning_algorithm = \"HS256\"").contains("RS256"));
        assert!(fault("[keys]\npublish_ahead = \"59s\"").contains("keys.publish_ahead"));
        assert!(fault("[server]\nissuer = \"http://meet.example.com\"").contains("server.issuer"));
        assert!(fault("[database]\nurl = \"mysql://x\"").contains("database.url"));
        assert!(fault("[mail]\nsmtp = \"smtps://mail.example.com\"").contains("mail.from is missing"));
        assert!(fault("[mail]\nfrom = \"nobody\"").contains("mail.from"));
        assert!(fault("[mail]\nsmtp = \"mail.example.com\"").contains("smtps://"));
        assert!(fault("[[scopes]]\nnam = \"x\"").contains("nam"));
        assert!(fault("[[scopes]]\nname = \"x\"").contains("description"));
    }
}
