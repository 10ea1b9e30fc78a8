//! What an operator declares beside our own API: resource servers and their scopes.

use std::collections::HashSet;

use protocol::scope::{KnownScope, OFFLINE_ACCESS, Scope, ScopeTable};
use protocol::secret::Secret;
use url::Url;

use super::{Config, DeclaredScope, ResourceServer};
use crate::users::forges_text;

/// The most characters in what people read about a scope.
const MAX_DESCRIPTION: usize = 300;

/// The most characters in a heading.
const MAX_GROUP: usize = 40;

/// The most characters in an identifier: it stands in every token.
const MAX_IDENTIFIER: usize = 255;

/// The fewest characters in a secret.
const MIN_SECRET: usize = 16;

impl Config {
    /// Every scope: ours and those that are declared.
    pub fn scope_table(&self) -> ScopeTable {
        ScopeTable::with(self.scopes.iter().map(|scope| KnownScope {
            name: scope.name.clone().into(),
            group: scope.group.clone().unwrap_or_else(|| "Other services".to_owned()).into(),
            description: scope.description.clone().into(),
            audience: Some(scope.audience.clone()),
        }))
    }
}

impl ResourceServer {
    /// Its secret, wherever it is kept.
    ///
    /// # Errors
    /// A sentence that says which key is wrong and what to do; the secret is not in it.
    pub fn read_secret(&self) -> Result<Secret, String> {
        let text = match (&self.secret, &self.secret_file, &self.secret_env) {
            (Some(secret), None, None) => secret.reveal().to_owned(),
            (None, Some(file), None) => std::fs::read_to_string(file)
                .map_err(|error| format!("secret_file {} cannot be read: {error}", file.display()))?,
            (None, None, Some(name)) => std::env::var(name)
                .map_err(|_| format!("secret_env names {name}, which is not set in the environment"))?,
            _ => return Err("needs exactly one of secret, secret_file and secret_env".to_owned()),
        };
        let text = text.trim();
        if text.chars().count() < MIN_SECRET || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "has a secret that is too short or hard to send; use {MIN_SECRET} or more letters, digits and signs, such \
                 as those that `openssl rand -hex 32` prints"
            ));
        }
        Ok(Secret::new(text))
    }
}

/// Adds a line for each fault.
pub(super) fn check(config: &Config, faults: &mut Vec<String>) {
    let issuer = config.server.issuer.as_deref();
    let (mut identifiers, mut ids) = (HashSet::new(), HashSet::new());
    for (index, server) in config.resource_servers.iter().enumerate() {
        let mut fault = |what: String| faults.push(format!("resource_servers[{index}].{what}"));
        if let Err(why) = check_identifier(&server.identifier, issuer) {
            fault(format!("identifier {why}"));
        }
        if !identifiers.insert(&server.identifier) {
            fault(format!("identifier {} is there twice; give each resource server its own", server.identifier));
        }
        if let Err(why) = check_id(&server.id) {
            fault(format!("id {why}"));
        }
        if !ids.insert(&server.id) {
            fault(format!("id {} is there twice; give each resource server its own", server.id));
        }
        if let Err(why) = server.read_secret() {
            faults.push(format!("resource_servers[{index}] {why}"));
        }
    }
    let mut names = HashSet::new();
    for (index, scope) in config.scopes.iter().enumerate() {
        let mut fault = |what: String| faults.push(format!("scopes[{index}].{what}"));
        check_scope(scope, &mut fault);
        if !names.insert(&scope.name) {
            fault(format!("name {} is there twice; give each scope its own", scope.name));
        }
        if !identifiers.contains(&scope.audience) {
            fault(format!(
                "audience {} is no resource server; write the identifier of one of [[resource_servers]]",
                scope.audience
            ));
        }
    }
}

fn check_scope(scope: &DeclaredScope, fault: &mut impl FnMut(String)) {
    let name = &scope.name;
    if let Err(why) = Scope::parse(name) {
        fault(format!("name cannot be used: {why}; write one such as recording:read"));
    }
    if ScopeTable::default().contains(name) || name == OFFLINE_ACCESS {
        fault(format!("name {name} is one of the server's own; choose another"));
    }
    let mut text = |key: &str, text: &str, longest: usize| {
        if text.trim().is_empty() || text.contains(forges_text) || text.chars().count() > longest {
            fault(format!("{key} must be one line of 1 to {longest} characters"));
        }
    };
    text("description", &scope.description, MAX_DESCRIPTION);
    if let Some(group) = &scope.group {
        text("group", group, MAX_GROUP);
    }
}

/// An absolute URI without a fragment (RFC 8707 2) that is not part of this server.
fn check_identifier(identifier: &str, issuer: Option<&str>) -> Result<(), &'static str> {
    let plain =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'^' | b'`' | b'{'..=b'}');
    let has_scheme = Url::parse(identifier).is_ok();
    if !has_scheme || identifier.len() > MAX_IDENTIFIER || identifier.contains('#') || !identifier.bytes().all(plain) {
        return Err("must be an absolute URI without a fragment, such as https://recordings.example.com");
    }
    if issuer.is_some_and(|issuer| identifier.strip_prefix(issuer).is_some_and(|rest| !rest.starts_with([':', '.']))) {
        return Err("is this server's own address; write that of the other service");
    }
    Ok(())
}

/// What a Basic header carries unharmed, and no app's client id: those are 24 hexadecimal digits.
fn check_id(id: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let like_an_app = id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) || like_an_app {
        return Err("must have 1 to 64 letters, digits, -, _ and ., and not look like an app's client id");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str =
        "[[resource_servers]]\nidentifier = \"https://files.example\"\nid = \"files\"\nsecret = \"0123456789abcdef\"\n";
    const SCOPE: &str =
        "[[scopes]]\nname = \"files:read\"\ndescription = \"Reads files.\"\naudience = \"https://files.example\"\n";

    fn faults(text: &str) -> Vec<String> {
        Config::without_environment(text).err().map(|error| error.0).unwrap_or_default()
    }

    #[test]
    fn declared_scopes_join_the_table() {
        let config = Config::without_environment(&format!("{SERVER}{SCOPE}")).unwrap();
        let table = config.scope_table();
        let known = table.find("files:read").unwrap();
        assert_eq!(known.audience.as_deref(), Some("https://files.example"));
        assert_eq!(known.description, "Reads files.");
        assert_eq!(config.resource_servers[0].read_secret().unwrap().expose(), "0123456789abcdef");
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn each_fault_names_its_key_and_the_mend() {
        let server = |from: &str, to: &str| faults(&format!("{}{SCOPE}", SERVER.replace(from, to)));
        let scope = |from: &str, to: &str| faults(&format!("{SERVER}{}", SCOPE.replace(from, to)));
        for (found, expected) in [
            (server("0123456789abcdef", "short"), "resource_servers[0] has a secret that is too short"),
            (server("secret = \"0123456789abcdef\"", ""), "needs exactly one of secret, secret_file and secret_env"),
            (server("secret =", "secret_file = \"/nowhere\"\nsecret ="), "needs exactly one of"),
            (
                server("secret = \"0123456789abcdef\"", "secret_file = \"/no/where\""),
                "secret_file /no/where cannot be read",
            ),
            (server("secret = \"0123456789abcdef\"", "secret_env = \"NOT_SET_XYZ\""), "secret_env names NOT_SET_XYZ"),
            (server("id = \"files\"", "id = \"a b\""), "resource_servers[0].id must have 1 to 64"),
            (server("id = \"files\"", "id = \"65016dbec5902e8fbdebd24c\""), "not look like an app's client id"),
            (scope("files:read", "files read"), "scopes[0].name cannot be used"),
            (scope("files:read", "openid"), "scopes[0].name openid is one of the server's own"),
            (scope("files:read", "offline_access"), "offline_access is one of the server's own"),
            (scope("Reads files.", ""), "scopes[0].description must be one line"),
            (
                scope("https://files.example", "https://other.example"),
                "scopes[0].audience https://other.example is no resource server",
            ),
            (faults(&format!("{SERVER}{SERVER}")), "resource_servers[1].id files is there twice"),
            (faults(&format!("{SERVER}{SCOPE}{SCOPE}")), "scopes[1].name files:read is there twice"),
        ] {
            assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:?}");
            assert!(!found.concat().contains("0123456789abcdef"));
        }
    }

    #[test]
    fn an_identifier_is_an_absolute_uri_of_somebody_else() {
        let issuer = Some("https://meet.example");
        for good in
            ["https://files.example", "https://files.example/api?x=1", "urn:example:files", "https://meet.example.org"]
        {
            assert_eq!(check_identifier(good, issuer), Ok(()), "{good}");
        }
        for wrong in [
            "",
            "files",
            "/files",
            "https://files.example/#a",
            "https://files.example/ x",
            "https://fí.example",
            "https://meet.example",
            "https://meet.example/api",
            "https://x/\"",
            "a b:c",
        ] {
            assert!(check_identifier(wrong, issuer).is_err(), "{wrong}");
        }
    }
}
