//! A type for each kind of id, so that none can be given for another.

use std::borrow::Borrow;
use std::fmt;

use sql::{Cell, DbError, FromValue, ToValue, Value};

use crate::random::{Random, uuid_bytes, uuid_text};
use crate::time::Timestamp;

macro_rules! text_id {
    ($(#[$doc:meta] $name:ident;)*) => { $(
        #[$doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes a text for an id; whether such a thing exists only the database knows.
            pub fn from_text(text: impl Into<String>) -> $name {
                $name(text.into())
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        // A map with such keys is asked by a text from a token.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ToValue for $name {
            fn to_value(&self) -> Value<'_> {
                Value::Text(&self.0)
            }
        }

        impl FromValue for $name {
            fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
                String::from_cell(cell).map($name)
            }
        }
    )* };
}

text_id! {
    /// A user: an account of a person.
    UserId;
    /// An app, the product's word for an OAuth client.
    AppId;
    /// One revision of an app.
    RevisionId;
    /// One secret of an app.
    SecretId;
    /// One key of an app.
    AppKeyId;
    /// Names a session in lists and codes; the cookie's value is something else.
    SessionId;
    /// A meeting, the API's `_id`.
    MeetingId;
    /// An invitation to collaborate on, test or own an app.
    InvitationId;
    /// One decision of a reviewer.
    DecisionId;
}

macro_rules! mint {
    ($($name:ident, $prefix:literal;)*) => { $(
        impl $name {
            /// A fresh one.
            pub fn mint(random: &Random) -> $name {
                $name(format!(concat!($prefix, "{}"), random.uuid()))
            }
        }
    )* };
}

mint! {
    UserId, "u-";
    AppId, "app-";
    RevisionId, "rev-";
    SecretId, "sec-";
    AppKeyId, "key-";
    SessionId, "ses-";
    InvitationId, "inv-";
    DecisionId, "dec-";
}

impl MeetingId {
    /// A fresh one. It begins with the time: there are so many meetings that new ones, each at another place of every index,
    /// would have a page of the disk read and written for each.
    pub fn mint(random: &Random, now: Timestamp) -> MeetingId {
        MeetingId(format!("sm-{}", uuid_text(&random.timed_uuid(now))))
    }
}

/// The `client_id` of RFC 6749 section 2.2: 24 hexadecimal digits that an app keeps for life.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// A fresh one.
    pub fn mint(random: &Random) -> ClientId {
        let mut text = random.uuid();
        text.retain(|c| c != '-');
        text.truncate(24);
        ClientId(text)
    }

    /// Takes what a client sent; whether it exists only the database knows.
    pub fn from_text(text: impl Into<String>) -> ClientId {
        ClientId(text.into())
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ToValue for ClientId {
    fn to_value(&self) -> Value<'_> {
        Value::Text(&self.0)
    }
}

impl FromValue for ClientId {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        String::from_cell(cell).map(ClientId)
    }
}

/// A grant; its first 48 bits are the milliseconds of its creation, so that ids sort by age and epochs need no look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantId([u8; 16]);

impl GrantId {
    /// A fresh one, made at `now`.
    pub fn mint(random: &Random, now: Timestamp) -> GrantId {
        GrantId(random.timed_uuid(now))
    }

    /// From the bytes inside a refresh token.
    pub const fn from_bytes(bytes: [u8; 16]) -> GrantId {
        GrantId(bytes)
    }

    /// The bytes that a refresh token carries.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From its text, else nothing.
    pub fn parse(text: &str) -> Option<GrantId> {
        uuid_bytes(text).map(GrantId)
    }

    /// When the grant was made.
    pub fn created_at(&self) -> Timestamp {
        let mut millis = [0u8; 8];
        millis[2..].copy_from_slice(&self.0[..6]);
        Timestamp::from_millis(i64::from_be_bytes(millis))
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&uuid_text(&self.0))
    }
}

impl FromValue for GrantId {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        let text = String::from_cell(cell)?;
        GrantId::parse(&text).ok_or_else(|| DbError::Broken(format!("not a grant id: {text}")))
    }
}
