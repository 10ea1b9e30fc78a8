//! What its developer does with an app: make it, submit it, delete it, give it a secret.

use protocol::redirect_uri::ClientKind;
use protocol::secret::{Secret, mint};
use serde_json::json;
use sql::{DbError, Tx};

use super::console_store;
use super::declaration::{Declaration, FieldFault};
use super::store::{self, NewApp};
use crate::audit::{Actor, Record};
use crate::ids::{AppId, ClientId, RevisionId, SecretId, UserId};
use crate::mail;
use crate::random::Random;
use crate::time::Timestamp;

/// A client secret that was just made: the only moment at which its text is known.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// Which one.
    pub id: SecretId,
    /// Its text.
    pub text: Secret,
}

impl NewSecret {
    /// A fresh secret of 256 random bits.
    pub fn mint(random: &Random) -> NewSecret {
        NewSecret { id: SecretId::mint(random), text: mint("jmcs_", &random.bytes()) }
    }

    /// Adds it to an app.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write(&self, tx: &mut Tx<'_>, app: &AppId, now: Timestamp) -> Result<(), DbError> {
        store::insert_secret(tx, &self.id, app, &self.text.digest(), self.last_four(), now)
    }

    fn last_four(&self) -> &str {
        let text = self.text.expose();
        &text[text.len().saturating_sub(4)..]
    }
}

/// An app that is about to be made, with everything minted that the unit of work needs.
#[derive(Debug, Clone)]
pub struct Creation {
    /// Ids and times.
    pub app: NewApp,
    /// What is declared.
    pub declared: Declaration,
    /// Its first secret; none for a public client.
    pub secret: Option<NewSecret>,
    /// For the audit log.
    pub record: Record,
}

impl Creation {
    /// Checks the declaration and mints the rest.
    ///
    /// # Errors
    /// Every fault of the declaration.
    pub fn prepare(
        random: &Random,
        owner: UserId,
        kind: ClientKind,
        declared: Declaration,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Creation, Vec<FieldFault>> {
        let declared = declared.trimmed();
        let faults = declared.faults(kind);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Creation::make(random, AppId::mint(random), owner, kind, declared, actor, now))
    }

    /// As [`Creation::prepare`], for a draft that may lack what it likes. The id is the form's, so that a form that is
    /// sent twice makes one app.
    ///
    /// # Errors
    /// The faults with which not even a draft is kept, and all the others beside them.
    pub fn prepare_draft(
        random: &Random,
        id: AppId,
        owner: UserId,
        kind: ClientKind,
        declared: Declaration,
        now: Timestamp,
    ) -> Result<Creation, Vec<FieldFault>> {
        let declared = declared.trimmed();
        let faults = declared.faults(kind);
        if faults.iter().any(|fault| fault.bars_draft) {
            return Err(faults);
        }
        let actor = Actor::User(owner.clone());
        Ok(Creation::make(random, id, owner, kind, declared, actor, now))
    }

    fn make(
        random: &Random,
        id: AppId,
        owner: UserId,
        kind: ClientKind,
        declared: Declaration,
        actor: Actor,
        now: Timestamp,
    ) -> Creation {
        let app = NewApp {
            id,
            client_id: ClientId::mint(random),
            revision_id: RevisionId::mint(random),
            owner_id: owner,
            kind,
            created_at: now,
        };
        let secret = (!kind.is_public()).then(|| NewSecret::mint(random));
        let record = Record::new(random, now, actor, "app.created")
            .app(&app.id)
            .user(&app.owner_id)
            .detail(json!({"name": declared.name, "client_id": app.client_id.as_str()}));
        Creation { app, declared, secret, record }
    }

    /// Writes it all.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        store::insert_app(tx, &self.app, &self.declared)?;
        if let Some(secret) = &self.secret {
            secret.write(tx, &self.app.id, self.app.created_at)?;
        }
        self.record.write(tx)
    }
}

/// What became of a change that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is done.
    Done,
    /// There is no such app.
    NotFound,
    /// It cannot be done now; the sentence says why and what to do.
    Refused(String),
}

/// Why a name cannot be had.
pub(super) fn name_is_taken(name: &str) -> String {
    format!("Another app is called {name}. Give this one a name of its own.")
}

/// Hands the working copy to the reviewers.
///
/// # Errors
/// When the database refuses.
pub fn submit(tx: &mut Tx<'_>, app: &AppId, now: Timestamp, record: &Record) -> Result<Change, DbError> {
    let Some(details) = store::find_details(tx, app.as_str())?.filter(|app| app.deleted_at.is_none()) else {
        return Ok(Change::NotFound);
    };
    let Some(working) = details.working else { return Ok(Change::NotFound) };
    let faults = working.declared.faults(details.kind);
    if let Some(fault) = faults.first() {
        return Ok(Change::Refused(format!("{}: {} Mend it, then submit again.", fault.field, fault.message)));
    }
    if console_store::name_is_taken(tx, &details.id, &working.declared.name)? {
        return Ok(Change::Refused(format!("name: {}", name_is_taken(&working.declared.name))));
    }
    if !hand_in(tx, app, &working.id, &working.declared, now, record)? {
        let status = working.status.as_str();
        return Ok(Change::Refused(format!("It is {status}; only a draft, held or rejected app can be submitted.")));
    }
    Ok(Change::Done)
}

/// Hands a revision in and tells the reviewers; false when it is not the developer's turn.
pub(super) fn hand_in(
    tx: &mut Tx<'_>,
    app: &AppId,
    revision: &RevisionId,
    declared: &Declaration,
    now: Timestamp,
    record: &Record,
) -> Result<bool, DbError> {
    if !store::claim_submission(tx, revision, now)? {
        return Ok(false);
    }
    record.write(tx)?;
    mail::notices::submitted(tx, app, &declared.name, record)?;
    Ok(true)
}

/// Deletes an app: its tokens die at once.
///
/// # Errors
/// When the database refuses.
pub fn delete(tx: &mut Tx<'_>, app: &AppId, now: Timestamp, record: &Record) -> Result<Change, DbError> {
    if !store::claim_deletion(tx, app, now)? {
        return Ok(Change::NotFound);
    }
    record.write(tx)?;
    Ok(Change::Done)
}
