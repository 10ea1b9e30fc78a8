//! The grant: one authorization that a person gave an app, from its code to its end.
//!
//! It is one row however long it lives: the refresh token turns inside it, generation by generation.

use std::fmt;

use protocol::jwt::Thumbprint;
use protocol::scope::ScopeSet;
use protocol::secret::Sha256Digest;
use sql::{Cell, DbError, FromValue, ToValue, Value};

use crate::apps::TokenApp;
use crate::catalogue::Targets;
use crate::ids::{AppId, GrantId, SessionId, UserId};
use crate::time::Timestamp;

/// How often a grant's refresh token has turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u32);

impl Generation {
    /// That of the tokens which a code is exchanged for.
    pub const FIRST: Generation = Generation(0);

    /// The one that follows. Turning once a second, a grant would take 136 years to reach the end.
    #[must_use]
    pub const fn next(self) -> Generation {
        Generation(self.0.saturating_add(1))
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// As a refresh token carries it.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// From what a refresh token carries.
    pub const fn from_bytes(bytes: [u8; 4]) -> Generation {
        Generation(u32::from_be_bytes(bytes))
    }

    /// From its decimal text, which has one form only.
    pub fn parse(text: &str) -> Option<Generation> {
        let number: u32 = text.parse().ok()?;
        (number.to_string() == text).then_some(Generation(number))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ToValue for Generation {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(self.0))
    }
}

impl FromValue for Generation {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        u32::from_cell(cell).map(Generation)
    }
}

/// The refresh side of a grant's row.
#[derive(Debug, Clone)]
pub struct Family {
    /// Generation of the token that is current.
    pub generation: Generation,
    /// Hash of its secret.
    pub secret_hash: Sha256Digest,
    /// When it was made, and so when its predecessor was rotated.
    pub rotated_at: Timestamp,
    /// The token before it.
    pub previous: Option<Previous>,
    /// Number of the server key that the current token was made with.
    pub key_number: i64,
    /// Whether an access token of the current generation was seen: the client got the answer that brought it.
    pub successor_used: bool,
    /// No access token of this grant lives longer.
    pub access_until: Timestamp,
    /// When the current refresh token expires.
    pub refresh_expires_at: Timestamp,
    /// The grant is over.
    pub ended: bool,
}

/// The refresh token before the current one.
#[derive(Debug, Clone)]
pub struct Previous {
    /// Its generation.
    pub generation: Generation,
    /// Hash of its secret.
    pub secret_hash: Sha256Digest,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A grant's row.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The grant.
    pub id: GrantId,
    /// The app that holds it.
    pub app_id: AppId,
    /// The person who gave it.
    pub user_id: UserId,
    /// The session in which it was given.
    pub session_id: SessionId,
    /// What was granted.
    pub scopes: ScopeSet,
    /// The resources that it is restricted to.
    pub targets: Targets,
    /// The key that a public client's refresh token is bound to.
    pub dpop_jkt: Option<Thumbprint>,
    /// When the person had last proved who they are.
    pub authenticated_at: Timestamp,
    /// When the person gave it: the creation of its code. Epochs are compared with this.
    pub created_at: Timestamp,
    /// Its refresh token.
    pub family: Family,
}

/// What counts of an account when one of its grants is used.
#[derive(Debug, Clone)]
pub struct Account {
    /// Neither locked nor deleted.
    pub is_open: bool,
    /// Codes and grants made before are dead.
    pub epoch: Timestamp,
    /// Whether the person may use the app at all: everybody once it is approved, before that insiders alone.
    pub may_use_app: bool,
}

/// Why nothing can come of a code or a grant, however good the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dead {
    /// The app is suspended or deleted.
    App,
    /// The app is not approved and the person is none of its testers (any more).
    Outsider,
    /// The account is locked or deleted.
    Account,
    /// Everything of the app or of the account was ended since.
    Ended,
}

/// Whether something that the person gave the app at `created_at` still stands.
///
/// # Errors
/// The first reason why it does not.
pub fn check_alive(app: &TokenApp, account: &Account, created_at: Timestamp) -> Result<(), Dead> {
    if !app.serves {
        Err(Dead::App)
    } else if !account.is_open {
        Err(Dead::Account)
    } else if created_at < app.epoch || created_at < account.epoch {
        Err(Dead::Ended)
    } else if !account.may_use_app {
        Err(Dead::Outsider)
    } else {
        Ok(())
    }
}

/// Why a grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its code was presented a second time.
    ReplayedCode,
    /// A refresh token was presented that had been replaced.
    ReplayedRefresh,
    /// The app revoked one of its tokens (RFC 7009).
    RevokedByApp,
    /// The person removed the app's access.
    RemovedByUser,
    /// The code was spent but no token could be signed.
    SigningFailed,
    /// The person holds more grants for the app than `tokens.max_live_grants`.
    TooMany,
}

impl EndReason {
    /// The word in the database and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            EndReason::ReplayedCode => "replayed_code",
            EndReason::ReplayedRefresh => "replayed_refresh",
            EndReason::RevokedByApp => "revoked_by_app",
            EndReason::RemovedByUser => "removed_by_user",
            EndReason::SigningFailed => "signing_failed",
            EndReason::TooMany => "too_many",
        }
    }
}
