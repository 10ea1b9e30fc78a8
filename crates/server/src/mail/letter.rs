//! What can be said in a mail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::links::Purpose;
use crate::audit::Record;
use crate::ids::UserId;
use crate::time::Timestamp;
use crate::users::Email;

/// One letter, as the outbox keeps it: what it is about, not its text. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// A link that confirms the address of a new account.
    ConfirmSignUp {
        /// The account.
        user: String,
    },
    /// Somebody asked for an account, or another address, that is somebody's already.
    AlreadyRegistered,
    /// A link that sets a new password, for whoever has this address; nothing is sent where nobody has.
    ResetPassword,
    /// The password was changed.
    PasswordChanged,
    /// A link that confirms another address of an account.
    ConfirmNewAddress {
        /// The account.
        user: String,
    },
    /// To the old address: it is another now.
    AddressChanged {
        /// The new one.
        to: String,
    },
    /// The account is gone.
    AccountDeleted,
    /// The first grant to an app.
    FirstGrant {
        /// The app's name.
        app: String,
        /// Its developer's.
        developer: String,
        /// What it may do, in words.
        scopes: Vec<String>,
    },
    /// To its developers: what a reviewer decided about an app.
    Decision {
        /// The app.
        app_id: String,
        /// Its name.
        app: String,
        /// `approved`, `held`, `rejected`, `suspended` or `reinstated`.
        decision: String,
        /// Every reason.
        reasons: Vec<String>,
    },
    /// To the reviewers: an app waits for them.
    Submitted {
        /// The app.
        app_id: String,
        /// Its name.
        app: String,
        /// Its owner's name.
        developer: String,
    },
    /// To somebody who asked for OAuth access: they have it.
    OauthGranted,
    /// To somebody who asked for OAuth access: not now.
    OauthDeclined {
        /// What the admin wrote about it; may be empty.
        note: String,
    },
    /// Somebody is invited to an app. The address may be nobody's: neither the app nor who invites is named.
    Invitation {
        /// `tester`, `collaborator` or `owner`.
        to_be: String,
    },
}

impl Letter {
    /// The link that it carries, if any.
    pub fn link(&self) -> Option<Purpose> {
        match self {
            Letter::ConfirmSignUp { .. } => Some(Purpose::Confirm),
            Letter::ResetPassword => Some(Purpose::Reset),
            Letter::ConfirmNewAddress { .. } => Some(Purpose::Change),
            Letter::AlreadyRegistered
            | Letter::PasswordChanged
            | Letter::AddressChanged { .. }
            | Letter::AccountDeleted
            | Letter::FirstGrant { .. }
            | Letter::Decision { .. }
            | Letter::Submitted { .. }
            | Letter::OauthGranted
            | Letter::OauthDeclined { .. }
            | Letter::Invitation { .. } => None,
        }
    }

    /// The account that its link is for, where it names one.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Letter::ConfirmSignUp { user } | Letter::ConfirmNewAddress { user } => Some(UserId::from_text(user)),
            _ => None,
        }
    }

    /// For how long it is worth sending. Nobody waits for a forgotten password's link until tomorrow.
    pub fn keeps_for(&self) -> Duration {
        match self {
            Letter::ResetPassword => Duration::from_secs(3600),
            _ => Duration::from_secs(3 * 86_400),
        }
    }
}

/// A letter to somebody, about to be put into the outbox.
#[derive(Debug, Clone)]
pub struct Mail {
    pub(super) id: String,
    pub(super) to: Email,
    pub(super) letter: Letter,
    pub(super) at: Timestamp,
}

impl Mail {
    /// A letter about what this entry of the audit log tells of. There is one letter to one address about one entry, so
    /// that nothing needs to be minted and a unit that runs twice says it once.
    pub fn about(record: &Record, to: &Email, letter: Letter) -> Mail {
        Mail { id: format!("{}/{to}", record.id()), to: to.clone(), letter, at: record.at() }
    }
}
