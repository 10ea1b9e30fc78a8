//! Scopes: names for what an app may do (RFC 6749 3.3), and the table of those that a server has.
//!
//! [`Scope`] and [`ScopeSet`] know only the RFC's grammar. What a name means stands in a [`ScopeTable`], which the server
//! builds once: the platform's own six, OpenID Connect's three, and what its operator declares. Every function that needs
//! meanings takes the table.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::OAuthError;
use crate::fault;

/// A scope with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownScope {
    /// The name, such as `meeting:read`.
    pub name: Cow<'static, str>,
    /// The heading under which it is shown.
    pub group: Cow<'static, str>,
    /// What it lets an app do: what people read when they consent.
    pub description: Cow<'static, str>,
    /// The resource server that it is of (the `aud` of its tokens); none is the platform's own API.
    pub audience: Option<String>,
}

/// A scope that is there without being declared.
const fn built_in(name: &'static str, group: &'static str, description: &'static str) -> KnownScope {
    KnownScope {
        name: Cow::Borrowed(name),
        group: Cow::Borrowed(group),
        description: Cow::Borrowed(description),
        audience: None,
    }
}

/// The scopes of the platform, in the order and the words of the integration guide.
static PLATFORM: [KnownScope; 6] = [
    built_in("user:read", "User", "Allows the client application to read the user's profile information."),
    built_in(
        "meeting:create",
        "Meeting",
        "Grants the client application permission to create new meetings on behalf of the user.",
    ),
    built_in(
        "meeting:delete",
        "Meeting",
        "Allows the client application to delete existing meetings that were created by the user.",
    ),
    built_in(
        "meeting:read",
        "Meeting",
        "Grants the client application read access to the user's meetings, including details and participants.",
    ),
    built_in(
        "meeting:update",
        "Meeting",
        "Allows the client application to update the details of meetings created by the user.",
    ),
    built_in(
        "meeting:join",
        "Meeting",
        "Allows the client application to pass access token to Jiomeet Web SDK to join the meetings of jiomeet.",
    ),
];

/// `openid`: the app signs the person in and gets an ID token (OpenID Connect Core 3.1.2.1).
pub const OPENID: &str = "openid";

/// `profile`: the person's names (OpenID Connect Core 5.4).
pub const PROFILE: &str = "profile";

/// `email`: the person's e-mail address (OpenID Connect Core 5.4).
pub const EMAIL: &str = "email";

const SIGN_IN_GROUP: &str = "Sign in";

/// The scopes of OpenID Connect.
static SIGN_IN: [KnownScope; 3] = [
    built_in(
        OPENID,
        SIGN_IN_GROUP,
        "Signs the user in to the client application: it learns who the user is, and when they signed in.",
    ),
    built_in(PROFILE, SIGN_IN_GROUP, "Allows the client application to read the user's name when they sign in."),
    built_in(
        EMAIL,
        SIGN_IN_GROUP,
        "Allows the client application to read the user's e-mail address when they sign in.",
    ),
];

fn built_ins() -> impl Iterator<Item = &'static KnownScope> {
    PLATFORM.iter().chain(&SIGN_IN)
}

impl KnownScope {
    /// Whether it is one of OpenID Connect's, which are never asked for unless they are named.
    pub fn is_sign_in(&self) -> bool {
        is_sign_in(&self.name)
    }
}

/// Whether a name is one of OpenID Connect's three.
pub fn is_sign_in(name: &str) -> bool {
    matches!(name, OPENID | PROFILE | EMAIL)
}

/// Every scope that a server has, in the order in which they are shown. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeTable(Arc<[KnownScope]>);

impl Default for ScopeTable {
    /// The platform's own and OpenID Connect's.
    fn default() -> Self {
        Self(built_ins().cloned().collect())
    }
}

impl ScopeTable {
    /// The built-in scopes, then those that the operator declares. Names that are there already change nothing: refuse
    /// them before, with [`ScopeTable::contains`].
    #[must_use]
    pub fn with(declared: impl IntoIterator<Item = KnownScope>) -> Self {
        let mut scopes: Vec<KnownScope> = built_ins().cloned().collect();
        for scope in declared {
            if !scopes.iter().any(|known| known.name == scope.name) {
                scopes.push(scope);
            }
        }
        Self(scopes.into())
    }

    /// Finds a scope by its name.
    pub fn find(&self, name: &str) -> Option<&KnownScope> {
        self.0.iter().find(|known| known.name == name)
    }

    /// Whether there is a scope of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The scopes in order.
    pub fn iter(&self) -> std::slice::Iter<'_, KnownScope> {
        self.0.iter()
    }

    /// What a scope lets an app do; its name where the table does not know it (any more).
    pub fn words<'a>(&'a self, scope: &'a Scope) -> &'a str {
        self.find(scope.as_str()).map_or(scope.as_str(), |known| &known.description)
    }

    /// Every name.
    pub fn names(&self) -> ScopeSet {
        self.iter().map(Scope::from).collect()
    }

    /// The same set in the table's order; what the table does not know comes last.
    #[must_use]
    pub fn in_order(&self, set: &ScopeSet) -> ScopeSet {
        let mut scopes = set.0.clone();
        let place = |scope: &Scope| self.iter().position(|known| known.name == scope.as_str());
        scopes.sort_by_key(|scope| place(scope).unwrap_or(self.0.len()));
        ScopeSet(scopes)
    }
}

impl<'a> IntoIterator for &'a ScopeTable {
    type Item = &'a KnownScope;
    type IntoIter = std::slice::Iter<'a, KnownScope>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The most characters in a scope's name.
pub const MAX_SCOPE_LENGTH: usize = 128;

/// The most scopes in one set that comes from outside.
pub const MAX_SCOPES: usize = 64;

/// OpenID Connect's way of asking for a refresh token. Apps always get one here, so it says nothing.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// One scope name: `1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 3.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Built-in names are borrowed: nearly every scope is one of them, and each token copies some.
pub struct Scope(Cow<'static, str>);

/// A text is no list of scope names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeFault {
    /// A name is empty.
    #[error("a scope name is empty")]
    Empty,
    /// A name has a character that RFC 6749 3.3 forbids.
    #[error("a scope name has a character that is not allowed")]
    Character,
    /// A name is longer than [`MAX_SCOPE_LENGTH`].
    #[error("a scope name is too long")]
    TooLong,
    /// There are more than [`MAX_SCOPES`] names.
    #[error("there are too many scope names")]
    TooMany,
}

impl From<ScopeFault> for OAuthError {
    fn from(fault: ScopeFault) -> Self {
        OAuthError::invalid_scope(&fault::SCOPE_MALFORMED).with_private(fault.to_string())
    }
}

impl Scope {
    /// Checks a name against the grammar of RFC 6749 3.3.
    ///
    /// # Errors
    /// The name is empty, too long, or has a forbidden character.
    pub fn parse(name: &str) -> Result<Self, ScopeFault> {
        if let Some(known) = built_ins().find(|known| known.name == name) {
            return Ok(Self::from(known));
        }
        if name.is_empty() {
            return Err(ScopeFault::Empty);
        }
        if name.len() > MAX_SCOPE_LENGTH {
            return Err(ScopeFault::TooLong);
        }
        let allowed = |b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if !name.bytes().all(allowed) {
            return Err(ScopeFault::Character);
        }
        Ok(Self(Cow::Owned(name.to_owned())))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Scope {
    type Err = ScopeFault;

    fn from_str(name: &str) -> Result<Self, ScopeFault> {
        Self::parse(name)
    }
}

impl From<&KnownScope> for Scope {
    fn from(known: &KnownScope) -> Self {
        Self(known.name.clone())
    }
}

/// A set of scopes that remembers the order of first mention. Two sets with the same members are
/// equal in any order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads names separated by spaces. A name that comes twice counts once, and surplus spaces are
    /// forgiven; any other white space is not. Empty text is the empty set.
    ///
    /// # Errors
    /// A name is malformed, or there are too many.
    pub fn parse(text: &str) -> Result<Self, ScopeFault> {
        let mut set = Self::new();
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            set.insert(Scope::parse(name)?);
            if set.len() > MAX_SCOPES {
                return Err(ScopeFault::TooMany);
            }
        }
        Ok(set)
    }

    /// Adds a scope at the end, unless it is there already.
    pub fn insert(&mut self, scope: Scope) {
        if !self.0.contains(&scope) {
            self.0.push(scope);
        }
    }

    /// Whether the set has a scope of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.as_str() == name)
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The scopes in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Scope> {
        self.0.iter()
    }

    /// The names, separated by single spaces, as `scope` is written on the wire and in tables.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.iter().map(|scope| scope.as_str().len() + 1).sum());
        for scope in self.iter() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(scope.as_str());
        }
        text
    }

    /// Whether every scope of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|scope| other.contains(scope.as_str()))
    }

    /// What is in both, in this set's order.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filtered(|scope| other.contains(scope.as_str()))
    }

    /// What is here and not there, in this set's order.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(|scope| !other.contains(scope.as_str()))
    }

    /// What is in either, this set's scopes first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).cloned().collect()
    }

    /// The set without one name.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        self.filtered(|scope| scope.as_str() != name)
    }

    /// The members for which `keep` holds, in order.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Scope) -> bool) -> Self {
        Self(self.iter().filter(|scope| keep(scope)).cloned().collect())
    }
}

impl PartialEq for ScopeSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.is_subset(other)
    }
}

impl Eq for ScopeSet {}

impl fmt::Display for ScopeSet {
    /// See [`ScopeSet::text`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::str::FromStr for ScopeSet {
    type Err = ScopeFault;

    fn from_str(text: &str) -> Result<Self, ScopeFault> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ScopeSet {
    type Error = ScopeFault;

    fn try_from(text: String) -> Result<Self, ScopeFault> {
        Self::parse(&text)
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut set = Self::new();
        for scope in scopes {
            set.insert(scope);
        }
        set
    }
}

impl IntoIterator for ScopeSet {
    type Item = Scope;
    type IntoIter = std::vec::IntoIter<Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ScopeSet {
    type Item = &'a Scope;
    type IntoIter = std::slice::Iter<'a, Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    #[test]
    fn the_table_has_the_scopes_of_the_guide_and_of_openid_connect() {
        let table = ScopeTable::default();
        let all =
            "user:read meeting:create meeting:delete meeting:read meeting:update meeting:join openid profile email";
        assert_eq!(table.names().to_string(), all);
        for known in &table {
            assert_eq!(table.find(&known.name), Some(known));
            let scope = Scope::parse(&known.name).unwrap();
            assert!(matches!(scope.0, Cow::Borrowed(_)), "{scope}");
            assert_eq!(known.is_sign_in(), known.group == "Sign in");
            assert!(known.is_sign_in() || known.name.starts_with(&known.group.to_lowercase()));
            assert_eq!(known.audience, None);
        }
        let other = Scope::parse("meeting:record").unwrap();
        assert_eq!((table.find("meeting:record"), table.words(&other)), (None, "meeting:record"));
    }

    #[test]
    fn declared_scopes_follow_the_built_in_ones_and_take_the_place_of_none() {
        let declared = |name: &'static str| KnownScope {
            audience: Some("https://files.example".into()),
            ..built_in(name, "Files", "Reads files.")
        };
        let table = ScopeTable::with([declared("files:read"), declared("openid"), declared("files:read")]);
        assert_eq!(table.iter().count(), 10);
        assert_eq!(table.find("files:read").unwrap().audience.as_deref(), Some("https://files.example"));
        assert_eq!(table.find("openid").unwrap().audience, None);
        assert_eq!(table.in_order(&set("x files:read openid user:read")).to_string(), "user:read openid files:read x");
    }

    #[test]
    fn sets_keep_the_order_of_first_mention() {
        let scopes = set("meeting:read user:read meeting:read  other ");
        assert_eq!(scopes.to_string(), "meeting:read user:read other");
        assert_eq!(ScopeTable::default().in_order(&scopes).to_string(), "user:read meeting:read other");
        assert_eq!(scopes.len(), 3);
        assert!(scopes.contains("other") && !scopes.contains("meeting") && !scopes.contains("Other"));
    }

    #[test]
    fn sets_are_equal_in_any_order() {
        assert_eq!(set("a b c"), set("c a b"));
        assert_ne!(set("a b"), set("a b c"));
        assert_ne!(set("a b c"), set("a b d"));
        assert!(set("").is_empty());
        assert_eq!(set("   "), ScopeSet::new());
    }

    #[test]
    fn names_keep_to_the_characters_of_the_rfc() {
        for bad in ["a\tb", "a\nb", "a\"b", r"a\b", "é", "a\0", "a\u{7f}", "a\u{a0}b"] {
            assert_eq!(ScopeSet::parse(bad), Err(ScopeFault::Character), "{bad:?}");
        }
        assert_eq!(Scope::parse(""), Err(ScopeFault::Empty));
        assert_eq!(Scope::parse("a b"), Err(ScopeFault::Character));
        assert!(Scope::parse("!#[]~<script>").is_ok());
        let error = OAuthError::from(ScopeFault::Character);
        assert_eq!((error.code.as_str(), error.fault.code), ("invalid_scope", "scope_malformed"));
    }

    #[test]
    fn names_and_sets_are_bounded() {
        assert!(Scope::parse(&"a".repeat(MAX_SCOPE_LENGTH)).is_ok());
        assert_eq!(Scope::parse(&"a".repeat(MAX_SCOPE_LENGTH + 1)), Err(ScopeFault::TooLong));
        let many = |count: usize| (0..count).map(|i| format!("s{i} ")).collect::<String>();
        assert_eq!(set(&many(MAX_SCOPES)).len(), MAX_SCOPES);
        assert_eq!(ScopeSet::parse(&many(MAX_SCOPES + 1)), Err(ScopeFault::TooMany));
        assert_eq!(set(&"same ".repeat(10_000)).len(), 1);
    }

    #[test]
    fn sets_are_written_as_one_string() {
        assert_eq!(serde_json::to_string(&set("b a")).unwrap(), r#""b a""#);
        assert_eq!(serde_json::from_str::<ScopeSet>(r#""b a""#).unwrap().to_string(), "b a");
        assert!(serde_json::from_str::<ScopeSet>(r#""b\ta""#).is_err());
        assert!(serde_json::from_str::<ScopeSet>(r#"["b"]"#).is_err());
    }

    fn any_set() -> impl Strategy<Value = ScopeSet> {
        prop::collection::vec("[a-f]", 0..6).prop_map(|names| set(&names.join(" ")))
    }

    proptest! {
        #[test]
        fn sets_obey_the_laws_of_sets(a in any_set(), b in any_set()) {
            let (both, only_a, either) = (a.intersection(&b), a.difference(&b), a.union(&b));
            prop_assert!(both.is_subset(&a) && both.is_subset(&b));
            prop_assert!(only_a.is_subset(&a) && only_a.intersection(&b).is_empty());
            prop_assert_eq!(both.union(&only_a), a.clone());
            prop_assert!(a.is_subset(&either) && b.is_subset(&either));
            prop_assert_eq!(either.len(), only_a.len() + b.len());
            prop_assert_eq!(a.is_subset(&b), only_a.is_empty());
            prop_assert_eq!(a.without("a").contains("a"), false);
            prop_assert_eq!(set(&a.to_string()).to_string(), a.to_string());
        }

        #[test]
        fn any_text_can_be_read(text in any::<String>()) {
            if let Ok(scopes) = ScopeSet::parse(&text) {
                let names: std::collections::BTreeSet<&str> = text.split(' ').filter(|n| !n.is_empty()).collect();
                prop_assert_eq!(scopes.iter().map(Scope::as_str).collect::<std::collections::BTreeSet<_>>(), names);
                prop_assert_eq!(set(&scopes.to_string()), scopes);
            }
        }
    }
}
