//! Scopes: names for what an app may do (RFC 6749 3.3), and the six that this platform has.
//!
//! [`Scope`] and [`ScopeSet`] know only the RFC's grammar. What a name means stands in a table of
//! [`KnownScope`]s; every function that needs it takes the table, so that an operator's own scopes
//! can join the [`CATALOGUE`] without a change here.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::OAuthError;
use crate::fault;

/// A scope with its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownScope {
    /// The name, such as `meeting:read`.
    pub name: &'static str,
    /// The heading under which it is shown.
    pub group: &'static str,
    /// What it lets an app do, in the words of the integration guide.
    pub description: &'static str,
}

/// The scopes of the platform, in the order of the integration guide.
pub const CATALOGUE: &[KnownScope] = &[
    KnownScope {
        name: "user:read",
        group: "User",
        description: "Allows the client application to read the user's profile information.",
    },
    KnownScope {
        name: "meeting:create",
        group: "Meeting",
        description: "Grants the client application permission to create new meetings on behalf of the user.",
    },
    KnownScope {
        name: "meeting:delete",
        group: "Meeting",
        description: "Allows the client application to delete existing meetings that were created by the user.",
    },
    KnownScope {
        name: "meeting:read",
        group: "Meeting",
        description: "Grants the client application read access to the user's meetings, including details and participants.",
    },
    KnownScope {
        name: "meeting:update",
        group: "Meeting",
        description: "Allows the client application to update the details of meetings created by the user.",
    },
    KnownScope {
        name: "meeting:join",
        group: "Meeting",
        description: "Allows the client application to pass access token to Jiomeet Web SDK to join the meetings of jiomeet.",
    },
];

impl KnownScope {
    /// Finds a scope of the [`CATALOGUE`] by its name.
    pub fn find(name: &str) -> Option<&'static KnownScope> {
        CATALOGUE.iter().find(|known| known.name == name)
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
// The names of the catalogue are borrowed from it: nearly every scope is one of them, and each token copies some.
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
        if let Some(known) = KnownScope::find(name) {
            return Ok(Self::from(*known));
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

    /// What the [`CATALOGUE`] says about it.
    pub fn known(&self) -> Option<&'static KnownScope> {
        KnownScope::find(&self.0)
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

impl From<KnownScope> for Scope {
    fn from(known: KnownScope) -> Self {
        Self(Cow::Borrowed(known.name))
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

    /// Every scope of the [`CATALOGUE`].
    pub fn all_known() -> Self {
        CATALOGUE.iter().copied().map(Scope::from).collect()
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

    /// The same set in the table's order; what the table does not know comes last.
    #[must_use]
    pub fn in_order_of(&self, table: &[KnownScope]) -> Self {
        let mut scopes = self.0.clone();
        scopes.sort_by_key(|scope| table.iter().position(|known| known.name == scope.as_str()).unwrap_or(table.len()));
        Self(scopes)
    }

    fn filtered(&self, keep: impl Fn(&Scope) -> bool) -> Self {
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
    fn the_catalogue_has_the_six_scopes_of_the_guide() {
        let all = "user:read meeting:create meeting:delete meeting:read meeting:update meeting:join";
        assert_eq!(ScopeSet::all_known().to_string(), all);
        for known in CATALOGUE {
            assert_eq!(KnownScope::find(known.name), Some(known));
            assert_eq!(Scope::parse(known.name).unwrap().known(), Some(known));
            assert!(known.name.starts_with(&known.group.to_lowercase()));
        }
        assert_eq!(Scope::parse("meeting:record").unwrap().known(), None);
    }

    #[test]
    fn sets_keep_the_order_of_first_mention() {
        let scopes = set("meeting:read user:read meeting:read  other ");
        assert_eq!(scopes.to_string(), "meeting:read user:read other");
        assert_eq!(scopes.in_order_of(CATALOGUE).to_string(), "user:read meeting:read other");
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
