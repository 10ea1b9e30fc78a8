//! What an app is: its status, its kind, and the two views that the OAuth endpoints have of it.

use std::fmt;

use protocol::redirect_uri::ClientKind;
use protocol::scope::{Scope, ScopeSet};
use protocol::secret::Sha256Digest;
use sql::{Cell, DbError, FromValue, ToValue, Value};

use crate::ids::{AppId, ClientId, RevisionId, SecretId, UserId};
use crate::time::Timestamp;

/// Where a revision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionStatus {
    /// Being written; never submitted.
    Draft,
    /// A reviewer's turn.
    InReview,
    /// The developer's turn: something is to be mended.
    OnHold,
    /// Refused; may be mended and submitted again.
    Rejected,
    /// Serves.
    Approved,
    /// Served once; another revision was approved since.
    Superseded,
    /// Given up by its developer; the approved one goes on.
    Discarded,
}

impl RevisionStatus {
    const ALL: [(RevisionStatus, &'static str); 7] = [
        (RevisionStatus::Draft, "draft"),
        (RevisionStatus::InReview, "in_review"),
        (RevisionStatus::OnHold, "on_hold"),
        (RevisionStatus::Rejected, "rejected"),
        (RevisionStatus::Approved, "approved"),
        (RevisionStatus::Superseded, "superseded"),
        (RevisionStatus::Discarded, "discarded"),
    ];

    /// The word that the database and `--json` use.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("draft", |(_, word)| word)
    }

    /// Whether the developer may edit and submit it.
    pub fn is_editable(self) -> bool {
        matches!(self, RevisionStatus::Draft | RevisionStatus::OnHold | RevisionStatus::Rejected)
    }
}

impl ToValue for RevisionStatus {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromValue for RevisionStatus {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        let word = cell.text()?;
        let found = Self::ALL.iter().find(|(_, known)| *known == word);
        found.map(|(status, _)| *status).ok_or_else(|| DbError::Broken(format!("unknown revision status {word}")))
    }
}

/// Where an app stands, as its owner and everybody else see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppStatus {
    /// Being written; never submitted.
    Draft,
    /// A reviewer's turn.
    InReview,
    /// The developer's turn.
    OnHold,
    /// Refused.
    Rejected,
    /// Everybody can use it.
    Approved,
    /// Stopped by a reviewer.
    Suspended,
}

impl AppStatus {
    /// From what the database knows: suspension covers everything, an approved revision covers its successor's review.
    pub fn of(suspended: bool, has_approved_revision: bool, working: RevisionStatus) -> AppStatus {
        match working {
            _ if suspended => AppStatus::Suspended,
            _ if has_approved_revision => AppStatus::Approved,
            RevisionStatus::Draft | RevisionStatus::Superseded | RevisionStatus::Discarded => AppStatus::Draft,
            RevisionStatus::InReview => AppStatus::InReview,
            RevisionStatus::OnHold => AppStatus::OnHold,
            RevisionStatus::Rejected => AppStatus::Rejected,
            RevisionStatus::Approved => AppStatus::Approved,
        }
    }

    /// The word of the command line and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            AppStatus::Draft => "draft",
            AppStatus::InReview => "in_review",
            AppStatus::OnHold => "on_hold",
            AppStatus::Rejected => "rejected",
            AppStatus::Approved => "approved",
            AppStatus::Suspended => "suspended",
        }
    }
}

impl fmt::Display for AppStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An app as the authorization endpoint sees it: the approved revision, else the working copy in test mode.
#[derive(Debug, Clone)]
pub struct ServingApp {
    /// The app.
    pub id: AppId,
    /// Its client id.
    pub client_id: ClientId,
    /// Confidential or public.
    pub kind: ClientKind,
    /// Where it stands.
    pub status: AppStatus,
    /// Codes and grants made before are dead.
    pub epoch: Timestamp,
    /// Raised when people must be asked again.
    pub consent_version: i64,
    /// PKCE is demanded of it.
    pub pkce_required: bool,
    /// It must push its authorization requests.
    pub push_required: bool,
    /// Its owner.
    pub owner_id: UserId,
    /// The owner's name, for the consent page.
    pub developer: String,
    /// The revision that serves.
    pub revision_id: RevisionId,
    /// The app's name.
    pub name: String,
    /// Its homepage.
    pub homepage_url: String,
    /// Its policy page.
    pub policy_url: String,
    /// SHA-256 of the verified logo, when there is one.
    pub logo: Option<Sha256Digest>,
    /// Where people may be sent back to.
    pub callback_urls: Vec<String>,
    /// Where people may be sent after they signed out at its wish, a URL a line.
    pub post_logout_urls: String,
    /// What it may ask for.
    pub scopes: ScopeSet,
    /// What it cannot work without, and why.
    pub required_scopes: Vec<(Scope, String)>,
    /// When the serving revision was approved; none in test mode.
    pub approved_at: Option<Timestamp>,
}

impl ServingApp {
    /// No revision was approved yet: only the owner, collaborators and testers may use it.
    pub fn is_in_test_mode(&self) -> bool {
        self.approved_at.is_none()
    }
}

/// One secret as the token endpoint sees it.
#[derive(Debug, Clone)]
pub struct SecretHash {
    /// Which one.
    pub id: SecretId,
    /// SHA-256 of its text.
    pub hash: Sha256Digest,
    /// When it ends, if a newer one took over.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as written.
    pub last_used_at: Option<Timestamp>,
}

/// An app as the token endpoint sees it.
#[derive(Debug, Clone)]
pub struct TokenApp {
    /// The app.
    pub id: AppId,
    /// Its client id.
    pub client_id: ClientId,
    /// Confidential or public.
    pub kind: ClientKind,
    /// Not suspended and not deleted.
    pub serves: bool,
    /// Codes and grants made before are dead.
    pub epoch: Timestamp,
    /// What the serving revision may ask for.
    pub scopes: ScopeSet,
    /// No revision was approved yet.
    pub test_mode: bool,
    /// PKCE is demanded of it.
    pub pkce_required: bool,
    /// `expires_in` as the API description shows it: a time instead of seconds.
    pub expires_in_as_time: bool,
    /// It refuses its own secrets: only assertions that it signed say who it is.
    pub assertions_only: bool,
    /// It must bind its tokens to a key.
    pub dpop_required: bool,
    /// Its secrets, ended ones too.
    pub secrets: Vec<SecretHash>,
}
