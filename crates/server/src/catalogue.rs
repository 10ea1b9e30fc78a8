//! Which scopes there are, and whom tokens can be for: ours, OpenID Connect's, and what the operator declares. Made once,
//! from the configuration.
//!
//! A *resource* (RFC 8707) is whom an access token is for, its `aud`: our own API, whose identifier is the issuer, or a
//! declared resource server. Each scope is of one resource. OpenID Connect's scopes are of our own: userinfo is ours.

use protocol::error::OAuthError;
use protocol::fault;
use protocol::jwt::Audience;
use protocol::scope::{ScopeSet, ScopeTable, is_sign_in};
use protocol::secret::Sha256Digest;

use crate::config::{Config, Issuer};

/// The scopes and resources of a running server.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Every scope.
    pub scopes: ScopeTable,
    issuer: String,
    servers: Vec<ResourceServer>,
}

/// A service beside our API, declared by the operator.
#[derive(Debug, Clone)]
pub struct ResourceServer {
    /// The `aud` of its tokens.
    pub identifier: String,
    /// With which id it asks what a token is worth.
    pub id: String,
    /// SHA-256 of the secret that goes with it.
    pub secret: Sha256Digest,
}

/// The resources to which an authorization is restricted (RFC 8707): identifiers of the catalogue. None is no restriction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets(Vec<String>);

impl Targets {
    /// Whether everything may be a resource.
    pub fn is_unrestricted(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this resource is among them.
    pub fn allow(&self, identifier: &str) -> bool {
        self.is_unrestricted() || self.0.iter().any(|one| one == identifier)
    }

    /// As tables keep it: identifiers have no spaces.
    pub fn to_column(&self) -> Option<String> {
        (!self.is_unrestricted()).then(|| self.0.join(" "))
    }

    /// From [`Targets::to_column`].
    pub fn from_column(text: Option<String>) -> Targets {
        Targets(text.iter().flat_map(|text| text.split(' ')).map(str::to_owned).collect())
    }

    /// These, within others that were granted before (RFC 8707 2.2).
    ///
    /// # Errors
    /// `invalid_target` for a resource beyond them.
    pub fn within(self, granted: &Targets) -> Result<Targets, OAuthError> {
        if self.is_unrestricted() {
            return Ok(granted.clone());
        }
        if self.0.iter().all(|one| granted.allow(one)) {
            return Ok(self);
        }
        Err(OAuthError::invalid_target(&fault::TARGET_EXCEEDS_GRANT))
    }
}

impl Catalogue {
    /// The catalogue of this configuration.
    ///
    /// # Errors
    /// A sentence that says which key is wrong.
    pub fn new(config: &Config, issuer: &Issuer) -> Result<Catalogue, String> {
        let server = |(index, server): (usize, &crate::config::ResourceServer)| {
            let secret = server.read_secret().map_err(|why| format!("resource_servers[{index}] {why}"))?;
            Ok(ResourceServer { identifier: server.identifier.clone(), id: server.id.clone(), secret: secret.digest() })
        };
        Ok(Catalogue {
            scopes: config.scope_table(),
            issuer: issuer.as_str().to_owned(),
            servers: config.resource_servers.iter().enumerate().map(server).collect::<Result<_, String>>()?,
        })
    }

    /// The resource server that asks with this id.
    pub fn server(&self, id: &str) -> Option<&ResourceServer> {
        self.servers.iter().find(|server| server.id == id)
    }

    /// The scopes of our own API, OpenID Connect's among them.
    pub fn own_scopes(&self) -> impl Iterator<Item = &protocol::scope::KnownScope> {
        self.scopes.iter().filter(|known| known.audience.is_none())
    }

    /// Reads `resource` parameters. Every address of ours stands for our API.
    ///
    /// # Errors
    /// `invalid_target` for what is none of ours and not declared.
    pub fn targets(&self, resources: &[String]) -> Result<Targets, OAuthError> {
        let mut targets = Targets::default();
        for resource in resources {
            let identifier = self.identify(resource).ok_or(OAuthError::invalid_target(&fault::TARGET_UNKNOWN))?;
            if targets.is_unrestricted() || !targets.allow(identifier) {
                targets.0.push(identifier.to_owned());
            }
        }
        Ok(targets)
    }

    fn identify(&self, resource: &str) -> Option<&str> {
        let is_ours = |rest: &str| rest.is_empty() || (rest.starts_with('/') && !rest.contains('#'));
        if resource.strip_prefix(&self.issuer).is_some_and(is_ours) {
            return Some(&self.issuer);
        }
        self.servers.iter().map(|server| server.identifier.as_str()).find(|identifier| *identifier == resource)
    }

    /// The resource that a scope is of; none for a scope that is there no more.
    fn resource_of(&self, scope: &str) -> Option<&str> {
        let known = self.scopes.find(scope)?;
        Some(known.audience.as_deref().unwrap_or(&self.issuer))
    }

    /// What of these scopes an app can be granted for these resources. Signing in concerns the app itself, whatever the
    /// resources are.
    pub fn grantable(&self, scopes: &ScopeSet, targets: &Targets) -> ScopeSet {
        scopes.filtered(|scope| {
            let allowed = self.resource_of(scope.as_str()).is_some_and(|resource| targets.allow(resource));
            allowed || is_sign_in(scope.as_str())
        })
    }

    /// What an access token opens and whom it is for: every scope has a meaning for its audience (RFC 9068 section 3).
    /// None when it would open nothing.
    pub fn narrow(&self, scopes: &ScopeSet, targets: &Targets) -> Option<(ScopeSet, Audience)> {
        let mut audience: Vec<String> = Vec::with_capacity(1);
        let scopes = scopes.filtered(|scope| self.resource_of(scope.as_str()).is_some_and(|one| targets.allow(one)));
        for scope in &scopes {
            let Some(resource) = self.resource_of(scope.as_str()) else { continue };
            if !audience.iter().any(|one| one == resource) {
                audience.push(resource.to_owned());
            }
        }
        (!scopes.is_empty()).then(|| (scopes, Audience::of(audience)))
    }

    /// The scopes of a set that are of this resource.
    pub fn scopes_of(&self, scopes: &ScopeSet, resource: &str) -> ScopeSet {
        scopes.filtered(|scope| self.resource_of(scope.as_str()) == Some(resource))
    }

    /// Whether every use of the tokens of such a grant comes by us: they are for our API alone.
    pub fn sees_every_use(&self, scopes: &ScopeSet, targets: &Targets) -> bool {
        scopes
            .iter()
            .filter_map(|scope| self.resource_of(scope.as_str()))
            .all(|one| one == self.issuer || !targets.allow(one))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const FILES: &str = "https://files.example";

    /// A catalogue with one resource server and its scope `files:read`, at the issuer `https://meet.example`.
    pub fn with_files() -> Catalogue {
        let config = Config::without_environment(
            "[[resource_servers]]\nidentifier = \"https://files.example\"\nid = \"files\"\nsecret = \"0123456789abcdef\"\n\
             [[scopes]]\nname = \"files:read\"\ndescription = \"Reads files.\"\naudience = \"https://files.example\"\n",
        );
        Catalogue::new(&config.unwrap(), &Issuer::parse("https://meet.example").unwrap()).unwrap()
    }

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    fn targets(resources: &[&str]) -> Result<Targets, &'static str> {
        let resources: Vec<String> = resources.iter().map(|&one| one.to_owned()).collect();
        with_files().targets(&resources).map_err(|error| error.fault.code)
    }

    #[test]
    fn resources_are_ours_or_declared() {
        assert!(targets(&[]).unwrap().is_unrestricted());
        let ours = Targets(vec!["https://meet.example".into()]);
        assert_eq!(targets(&["https://meet.example", "https://meet.example/api/meeting"]), Ok(ours));
        assert_eq!(targets(&[FILES]), Ok(Targets(vec![FILES.into()])));
        for unknown in [
            "",
            "x",
            "https://other.example",
            "https://meet.example.evil.example",
            "https://meet.example:81",
            "https://files.example/",
            "https://meet.example/a#b",
            "HTTPS://meet.example",
        ] {
            assert_eq!(targets(&[FILES, unknown]), Err("target_unknown"), "{unknown}");
        }
    }

    #[test]
    fn a_token_is_for_those_whose_scopes_it_opens() {
        let catalogue = with_files();
        let narrow = |text: &str, resources: &[&str]| {
            catalogue
                .narrow(&scopes(text), &targets(resources).unwrap())
                .map(|(scopes, audience)| (scopes.to_string(), audience))
        };
        let one = |scopes: &str, audience: &str| Some((scopes.to_owned(), Audience::One(audience.to_owned())));
        let ours = "https://meet.example";
        assert_eq!(narrow("user:read openid", &[]), one("user:read openid", ours));
        assert_eq!(narrow("files:read", &[]), one("files:read", FILES));
        let both = Audience::Many(vec![FILES.into(), ours.into()]);
        assert_eq!(narrow("files:read user:read", &[]), Some(("files:read user:read".into(), both)));
        assert_eq!(narrow("openid files:read user:read", &[FILES]), one("files:read", FILES));
        assert_eq!(narrow("files:read user:read", &[ours]), one("user:read", ours));
        assert_eq!(narrow("user:read", &[FILES]), None);
        assert_eq!(narrow("gone:since", &[]), None, "a scope that the operator took back opens nothing");
    }

    #[test]
    fn signing_in_is_granted_whatever_the_resource() {
        let grantable = with_files()
            .grantable(&scopes("openid email user:read files:read gone:since"), &targets(&[FILES]).unwrap());
        assert_eq!(grantable.to_string(), "openid email files:read");
    }

    #[test]
    fn use_is_seen_where_all_of_it_is_of_our_api() {
        let sees =
            |text: &str, resources: &[&str]| with_files().sees_every_use(&scopes(text), &targets(resources).unwrap());
        assert!(sees("user:read openid", &[]));
        assert!(sees("user:read files:read", &["https://meet.example"]));
        assert!(!sees("user:read files:read", &[]));
        assert!(!sees("files:read", &[FILES]));
    }

    #[test]
    fn what_was_granted_bounds_what_is_asked_for_later() {
        let (none, files, ours) =
            (targets(&[]).unwrap(), targets(&[FILES]).unwrap(), targets(&["https://meet.example"]).unwrap());
        assert_eq!(none.clone().within(&files), Ok(files.clone()));
        assert_eq!(files.clone().within(&none), Ok(files.clone()));
        assert_eq!(ours.within(&files).unwrap_err().fault.code, "target_exceeds_grant");
        assert_eq!(Targets::from_column(files.to_column()), files);
        assert_eq!(Targets::from_column(none.to_column()), none);
    }
}
