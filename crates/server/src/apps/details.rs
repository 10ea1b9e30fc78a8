//! An app as its developer, its reviewer and the operator see it.

use protocol::redirect_uri::ClientKind;
use protocol::scope::ScopeSet;

use super::app::{AppStatus, RevisionStatus};
use super::client_keys::AppKey;
use super::declaration::Declaration;
use super::switches::Switches;
use crate::ids::{AppId, ClientId, RevisionId, SecretId, UserId};
use crate::time::Timestamp;

/// Everything about one app.
#[derive(Debug, Clone)]
pub struct AppDetails {
    /// The app.
    pub id: AppId,
    /// Its client id.
    pub client_id: ClientId,
    /// Confidential or public.
    pub kind: ClientKind,
    /// Its owner.
    pub owner_id: UserId,
    /// The owner's address.
    pub owner_email: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it stands.
    pub status: AppStatus,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Why.
    pub suspended_reason: Option<String>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Codes and grants made before are dead.
    pub epoch: Timestamp,
    /// Raised when people must be asked again.
    pub consent_version: i64,
    /// What the serving revision may ask for.
    pub serving_scopes: ScopeSet,
    /// What its developer switched on.
    pub switches: Switches,
    /// The revision that serves everybody.
    pub approved: Option<RevisionDetails>,
    /// The one that is edited and reviewed; the approved one when nothing changed since.
    pub working: Option<RevisionDetails>,
    /// Its secrets.
    pub secrets: Vec<SecretDetails>,
    /// Its keys.
    pub keys: Vec<AppKey>,
}

impl AppDetails {
    /// The revision that counts: the approved one, else the working copy.
    pub fn serving(&self) -> Option<&RevisionDetails> {
        self.approved.as_ref().or(self.working.as_ref())
    }
}

/// One revision.
#[derive(Debug, Clone)]
pub struct RevisionDetails {
    /// The revision.
    pub id: RevisionId,
    /// Counts from 1 within its app.
    pub number: i64,
    /// Where it stands.
    pub status: RevisionStatus,
    /// What the developer declared.
    pub declared: Declaration,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its fields last changed: what was read before this is out of date.
    pub changed_at: Timestamp,
    /// When it was last submitted.
    pub submitted_at: Option<Timestamp>,
    /// When it was last decided on.
    pub decided_at: Option<Timestamp>,
    /// SHA-256 of the verified logo.
    pub logo_hash: Option<[u8; 32]>,
}

/// One secret, without what it is.
#[derive(Debug, Clone)]
pub struct SecretDetails {
    /// Which one.
    pub id: SecretId,
    /// Its last four characters, to tell secrets apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// An app as a line of a list.
#[derive(Debug, Clone)]
pub struct AppSummary {
    /// The app.
    pub id: AppId,
    /// Its client id.
    pub client_id: ClientId,
    /// Its owner.
    pub owner_id: UserId,
    /// The owner's address.
    pub owner_email: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it stands.
    pub status: AppStatus,
    /// Its name.
    pub name: String,
}
