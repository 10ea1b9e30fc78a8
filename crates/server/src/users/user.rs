//! A user: an account of a person, with its roles.

use std::fmt;

use protocol::params::{ParamFault, Params};

use super::Email;
use crate::ids::UserId;
use crate::time::Timestamp;
use crate::web::Person;

/// An account, but for its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id, for life.
    pub id: UserId,
    /// Where mail goes, and the name to sign in with.
    pub email: Email,
    /// First name.
    pub name: String,
    /// Last name; may be empty.
    pub lname: String,
    /// What the person may do here.
    pub roles: Roles,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the address was confirmed.
    pub email_verified_at: Option<Timestamp>,
    /// When the password was last changed.
    pub password_changed_at: Timestamp,
    /// Since when the person may register apps.
    pub oauth_granted_at: Option<Timestamp>,
    /// A locked account cannot be used.
    pub locked_at: Option<Timestamp>,
    /// A deleted one is gone, but for its id.
    pub deleted_at: Option<Timestamp>,
    /// Every code, grant and access token that was made before this time is dead.
    pub epoch: Timestamp,
}

impl User {
    /// First and last name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.name, self.lname).trim().to_owned()
    }

    /// As pages name the person.
    pub fn person(&self) -> Person {
        Person { name: self.full_name(), email: self.email.to_string() }
    }

    /// Whether the account can be used.
    pub fn is_active(&self) -> bool {
        self.locked_at.is_none() && self.deleted_at.is_none()
    }
}

/// What a person may do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Has meetings.
    User,
    /// Registers apps.
    Developer,
    /// Decides on apps.
    Reviewer,
    /// Manages people.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [Role::User, Role::Developer, Role::Reviewer, Role::Admin];

    /// Its name, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Developer => "developer",
            Role::Reviewer => "reviewer",
            Role::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl std::str::FromStr for Role {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Role, Self::Err> {
        Role::parse(name).ok_or("the roles are user, developer, reviewer and admin")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// None at all.
    pub const NONE: Roles = Roles(0);

    /// Whether the role is among them.
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// The set with that role too.
    #[must_use]
    pub const fn with(self, role: Role) -> Roles {
        Roles(self.0 | role.bit())
    }

    /// The roles in it.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    /// From names with spaces between them, as the database gives them; a name that is no role counts for nothing.
    pub(super) fn from_names(names: &str) -> Roles {
        names.split_whitespace().filter_map(Role::parse).collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Roles {
        roles.into_iter().fold(Roles::default(), Roles::with)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for role in self.iter() {
            write!(f, "{separator}{role}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// The most characters in a first or a last name.
pub const MAX_NAME_CHARACTERS: usize = 80;

/// A part of a name, as a person typed it: trimmed, of bounded length, without what would forge the text around it.
///
/// # Errors
/// A sentence for the field.
pub fn parse_name_part(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.chars().count() > MAX_NAME_CHARACTERS {
        return Err("Use at most 80 characters.");
    }
    if text.chars().any(forges_text) {
        return Err("Leave out control characters.");
    }
    Ok(text.to_owned())
}

/// As [`parse_name_part`], for a first name, which cannot be left out.
///
/// # Errors
/// A sentence for the field.
pub fn parse_first_name(text: &str) -> Result<String, &'static str> {
    let name = parse_name_part(text)?;
    if name.chars().any(char::is_alphanumeric) { Ok(name) } else { Err("Type your name.") }
}

/// Control characters, and those that turn the reading direction. The joiners of Indic scripts are none of them.
pub fn forges_text(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// What is wrong with which field of a form; each field has at most one fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldFaults(Vec<(&'static str, String)>);

impl FieldFaults {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one; a field that has one keeps it.
    pub fn add(&mut self, field: &'static str, sentence: impl Into<String>) {
        if self.of(field).is_empty() {
            self.0.push((field, sentence.into()));
        }
    }

    /// The field's fault; empty when there is none.
    pub fn of(&self, field: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == field).map_or("", |(_, sentence)| sentence)
    }

    /// Reads a field with its rule: the value, or its fault noted.
    ///
    /// # Errors
    /// The field came twice or is no text.
    pub fn read<T>(
        &mut self,
        form: &Params,
        field: &'static str,
        rule: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, ParamFault> {
        match rule(form.get(field)?.unwrap_or_default()) {
            Ok(value) => Ok(Some(value)),
            Err(sentence) => {
                self.add(field, sentence);
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_set() {
        let roles = Roles::from_names("developer user developer nonsense");
        assert!(roles.has(Role::User) && roles.has(Role::Developer) && !roles.has(Role::Admin));
        assert_eq!(roles.to_string(), "user, developer");
        assert_eq!(Roles::default().to_string(), "");
    }

    #[test]
    fn a_name_is_bounded_and_forges_nothing() {
        assert_eq!(parse_first_name(" Asha "), Ok("Asha".to_owned()));
        assert_eq!(parse_first_name("क्\u{200d}ष"), Ok("क्\u{200d}ष".to_owned()));
        for wrong in ["", "  ", "…", "a\u{202e}b", "a\nb", "a\0b", &"a".repeat(81)] {
            assert!(parse_first_name(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(parse_name_part(""), Ok(String::new()));
        assert!(parse_first_name(&"é".repeat(80)).is_ok());
    }
}
