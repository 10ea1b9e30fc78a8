//! What a developer changes about an app, each change one unit of work: the app's row is taken, the person's right to
//! change it is checked, the change is claimed, and the audit entry written.

use protocol::redirect_uri::ClientKind;
use serde_json::json;
use sql::{DbError, Tx};

use super::app::RevisionStatus;
use super::client_keys::{self, KeyChange, NewKeys};
use super::console_store::{self, Held};
use super::declaration::{Declaration, FieldFault};
use super::details::{AppDetails, RevisionDetails};
use super::editing::{self, Place, Seen};
use super::lifecycle::{self, Change, NewSecret, name_is_taken};
use super::secrets::{self, Overlap, Rotation};
use super::store;
use super::switches::Switches;
use crate::audit::Record;
use crate::ids::{AppId, DecisionId, RevisionId, SecretId, UserId};
use crate::jobs;
use crate::time::Timestamp;

/// Who changes which app, when, and what the audit log says.
#[derive(Debug, Clone)]
pub struct Doing {
    /// The app.
    pub app: AppId,
    /// Who.
    pub user: UserId,
    /// When.
    pub now: Timestamp,
    /// For the audit log.
    pub record: Record,
}

impl Doing {
    /// Takes the app, if this person may change it, and its working copy.
    pub(super) fn lock(&self, tx: &mut Tx<'_>) -> Result<Option<(Held, RevisionDetails)>, DbError> {
        let Some(mut held) = console_store::lock_for(tx, &self.app, &self.user)? else { return Ok(None) };
        let Some(working) = held.app.working.take() else { return Ok(None) };
        held.app.working = Some(working.clone());
        Ok(Some((held, working)))
    }
}

/// An edit of the whole form.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Who edits what; the record is of the edit.
    pub doing: Doing,
    /// What is declared, trimmed.
    pub declared: Declaration,
    /// The kind of app that it becomes.
    pub kind: ClientKind,
    /// What the form was made from.
    pub seen: Seen,
    /// The record of the submission, when it is submitted as well.
    pub submission: Option<Record>,
    /// The new revision's id, if one is made.
    pub new_revision: RevisionId,
    /// A secret, in case the app becomes confidential.
    pub new_secret: NewSecret,
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It is saved; with `new_secret`, the edit's secret is the app's from now on.
    Saved {
        /// The app became confidential.
        new_secret: bool,
    },
    /// Fields are at fault, nothing is saved.
    Faults(Vec<FieldFault>),
    /// Somebody else changed the app since the form was made; this is what is there now.
    Overtaken(Seen),
    /// It cannot be edited now; the sentence says why and what to do.
    Refused(String),
    /// There is no such app for this person.
    NotFound,
}

/// Saves an edit, and submits the app with it if asked to.
///
/// # Errors
/// When the database refuses.
pub fn edit(tx: &mut Tx<'_>, edit: &Edit) -> Result<Edited, DbError> {
    let Some((Held { app, .. }, working)) = edit.doing.lock(tx)? else { return Ok(Edited::NotFound) };
    let now = edit.doing.now;
    if Seen::of(&working) != edit.seen {
        return Ok(Edited::Overtaken(Seen::of(&working)));
    }
    let place = match editing::place(&app, &working) {
        Ok(place) => place,
        Err(why) => return Ok(Edited::Refused(why.to_owned())),
    };
    let mut faults = edit.declared.faults(edit.kind);
    if let Err(why) = editing::may_become(&app, edit.kind) {
        faults.push(FieldFault { field: "kind".into(), message: why.into(), bars_draft: true });
    }
    if edit.submission.is_some() && console_store::name_is_taken(tx, &app.id, &edit.declared.name)? {
        let message = name_is_taken(&edit.declared.name);
        faults.push(FieldFault { field: "name".into(), message, bars_draft: false });
    }
    if faults.iter().any(|fault| edit.submission.is_some() || fault.bars_draft) {
        return Ok(Edited::Faults(faults));
    }

    let changed = edit.declared.changed_fields(&working.declared);
    let new_kind = (edit.kind != app.kind).then_some(edit.kind);
    if changed.is_empty() && new_kind.is_none() && (place == Place::NewRevision || edit.submission.is_none()) {
        return Ok(match &edit.submission {
            None => Edited::Saved { new_secret: false },
            Some(_) => Edited::Refused("Nothing has changed, so there is nothing to review.".into()),
        });
    }
    let revision = match place {
        Place::WorkingCopy if console_store::claim_edit(tx, &working.id, &edit.declared, now)? => &working.id,
        Place::WorkingCopy => return Ok(Edited::Overtaken(Seen::of(&working))),
        Place::NewRevision => {
            let number = console_store::next_number(tx, &app.id)?;
            let draft = RevisionStatus::Draft;
            store::insert_revision(tx, &edit.new_revision, &app.id, number, draft, &edit.declared, now)?;
            console_store::set_working(tx, &app.id, &edit.new_revision)?;
            &edit.new_revision
        }
    };
    if let Some(kind) = new_kind {
        console_store::set_kind(tx, &app.id, kind, now)?;
        if !kind.is_public() {
            edit.new_secret.write(tx, &app.id, now)?;
        }
    }
    let ask_again = edit.declared.changes_what_people_agreed_to(&working.declared);
    console_store::serve_working_copy(tx, &app.id, &edit.declared, ask_again)?;
    if !changed.is_empty() || new_kind.is_some() {
        let detail = json!({"changed": changed, "kind": new_kind.map(ClientKind::as_str)});
        edit.doing.record.clone().detail(detail).write(tx)?;
    }
    if let Some(submission) = &edit.submission
        && !lifecycle::hand_in(tx, &app.id, revision, &edit.declared, now, submission)?
    {
        return Err(DbError::Broken("a revision that was just edited could not be submitted".into()));
    }
    Ok(Edited::Saved { new_secret: new_kind.is_some_and(|kind| !kind.is_public()) })
}

/// Changes the callback URLs of an app in test mode, without a review.
///
/// # Errors
/// When the database refuses.
pub fn change_test_callbacks(tx: &mut Tx<'_>, doing: &Doing, urls: &[String], seen: &Seen) -> Result<Edited, DbError> {
    let Some((Held { app, .. }, working)) = doing.lock(tx)? else { return Ok(Edited::NotFound) };
    if Seen::of(&working) != *seen {
        return Ok(Edited::Overtaken(Seen::of(&working)));
    }
    if let Err(why) = editing::may_change_test_callbacks(&app, &working) {
        return Ok(Edited::Refused(why.to_owned()));
    }
    let declared = Declaration { callback_urls: urls.to_vec(), ..working.declared.clone() };
    let mut faults = declared.faults(app.kind);
    faults.retain(|fault| fault.field.starts_with("callback_urls"));
    if !faults.is_empty() {
        return Ok(Edited::Faults(faults));
    }
    if declared.callback_urls == working.declared.callback_urls {
        return Ok(Edited::Saved { new_secret: false });
    }
    if !console_store::claim_callback_change(tx, &working.id, urls, doing.now)? {
        return Ok(Edited::Overtaken(Seen::of(&working)));
    }
    if working.status == RevisionStatus::InReview {
        // The reviewer judges by findings about what is declared now.
        jobs::schedule(tx, jobs::Kind::Screening, working.id.as_str(), doing.now)?;
    }
    let detail = json!({"from": working.declared.callback_urls, "to": urls});
    doing.record.clone().detail(detail).write(tx)?;
    Ok(Edited::Saved { new_secret: false })
}

/// Hands the working copy to the reviewers, if this person may.
///
/// # Errors
/// When the database refuses.
pub fn submit(tx: &mut Tx<'_>, doing: &Doing) -> Result<Change, DbError> {
    match doing.lock(tx)? {
        Some(_) => lifecycle::submit(tx, &doing.app, doing.now, &doing.record),
        None => Ok(Change::NotFound),
    }
}

/// Takes the working copy back from the reviewers; `id` is for the history.
///
/// # Errors
/// When the database refuses.
pub fn withdraw(tx: &mut Tx<'_>, doing: &Doing, id: &DecisionId) -> Result<Change, DbError> {
    let Some((_, working)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    if !console_store::claim_withdrawal(tx, &working.id, doing.now)? {
        return Ok(Change::Refused("It is not in review any more, so there is nothing to withdraw.".into()));
    }
    console_store::insert_withdrawal(tx, id, &doing.app, &working, &doing.user, doing.now)?;
    doing.record.clone().detail(json!({"revision": working.number})).write(tx)?;
    Ok(Change::Done)
}

/// Gives up the changes to an approved app.
///
/// # Errors
/// When the database refuses.
pub fn discard(tx: &mut Tx<'_>, doing: &Doing) -> Result<Change, DbError> {
    let Some((Held { app, .. }, working)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    let Some(approved) = app.approved.as_ref().filter(|_| editing::can_be_discarded(&app, &working)) else {
        return Ok(Change::Refused("There are no changes that could be discarded now.".into()));
    };
    if !console_store::claim_discarding(tx, &working.id, doing.now)? {
        return Ok(Change::Refused("There are no changes that could be discarded now.".into()));
    }
    console_store::set_working(tx, &app.id, &approved.id)?;
    doing.record.clone().detail(json!({"revision": working.number})).write(tx)?;
    Ok(Change::Done)
}

/// Another client secret.
#[derive(Debug, Clone)]
pub struct Regeneration {
    /// Who makes it, for which app.
    pub doing: Doing,
    /// The new secret.
    pub secret: NewSecret,
    /// The secret that was current when the form was made.
    pub seen: Option<String>,
    /// For how long that one goes on.
    pub overlap: Overlap,
}

/// Gives the app another client secret.
///
/// # Errors
/// When the database refuses.
pub fn regenerate_secret(tx: &mut Tx<'_>, asked: &Regeneration) -> Result<Change, DbError> {
    let doing = &asked.doing;
    let Some((Held { app, .. }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    if app.kind.is_public() {
        return Ok(Change::Refused("A public app has no secret: it uses PKCE.".into()));
    }
    match secrets::rotate(&app.secrets, asked.seen.as_deref(), asked.overlap, doing.now) {
        Rotation::Overtaken => {
            return Ok(Change::Refused(
                "The secret was regenerated already, and that one stays. If nobody has written it down, regenerate once more."
                    .into(),
            ));
        }
        Rotation::Retire { current, until } => {
            let kept = current.as_ref().filter(|_| doing.now < until);
            console_store::delete_other_secrets(tx, &app.id, kept)?;
            if let Some(kept) = kept {
                console_store::claim_secret_end(tx, &app.id, kept, until)?;
            }
        }
    }
    asked.secret.write(tx, &app.id, doing.now)?;
    doing
        .record
        .clone()
        .detail(json!({"secret": asked.secret.id.as_str(), "overlap": asked.overlap.as_str()}))
        .write(tx)?;
    Ok(Change::Done)
}

/// Ends a secret that another has taken over from.
///
/// # Errors
/// When the database refuses.
pub fn end_secret(tx: &mut Tx<'_>, doing: &Doing, secret: &SecretId) -> Result<Change, DbError> {
    let Some((Held { app, .. }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    let is_current = secrets::current(&app.secrets, doing.now).is_some_and(|current| current.id == *secret);
    if is_current {
        return Ok(Change::Refused("This is the app's current secret. Regenerate it to replace it.".into()));
    }
    if !console_store::claim_secret_end(tx, &app.id, secret, doing.now)? {
        return Ok(Change::Refused("That secret had ended already.".into()));
    }
    doing.record.clone().detail(json!({"secret": secret.as_str()})).write(tx)?;
    Ok(Change::Done)
}

/// Ends every code, grant and access token that the app has.
///
/// # Errors
/// When the database refuses.
pub fn revoke_tokens(tx: &mut Tx<'_>, doing: &Doing) -> Result<Change, DbError> {
    let Some((Held { app, .. }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    store::raise_epoch(tx, &app.id, doing.now)?;
    doing.record.write(tx)?;
    Ok(Change::Done)
}

/// Turns the app's switches on or off.
///
/// # Errors
/// When the database refuses.
pub fn set_switches(tx: &mut Tx<'_>, doing: &Doing, switches: Switches) -> Result<Change, DbError> {
    let Some((Held { app, .. }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    change_switches(tx, &app, switches, doing.now, &doing.record)
}

/// As [`set_switches`], of an app whose row is taken, for whoever may.
///
/// # Errors
/// When the database refuses.
pub fn change_switches(
    tx: &mut Tx<'_>,
    app: &AppDetails,
    switches: Switches,
    now: Timestamp,
    record: &Record,
) -> Result<Change, DbError> {
    if let Err(why) = switches.check(app.kind, app.keys.len()) {
        return Ok(Change::Refused(why.to_owned()));
    }
    console_store::set_switches(tx, &app.id, switches, now)?;
    record.clone().detail(switches.to_json()).write(tx)?;
    Ok(Change::Done)
}

/// Gives the app another set of keys to sign assertions with.
///
/// # Errors
/// When the database refuses.
pub fn set_keys(tx: &mut Tx<'_>, doing: &Doing, keys: &NewKeys) -> Result<Change, DbError> {
    let Some((Held { app, .. }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    change_keys(tx, &app, keys, doing.now, &doing.record)
}

/// As [`set_keys`], of an app whose row is taken, for whoever may.
///
/// # Errors
/// When the database refuses.
pub fn change_keys(
    tx: &mut Tx<'_>,
    app: &AppDetails,
    keys: &NewKeys,
    now: Timestamp,
    record: &Record,
) -> Result<Change, DbError> {
    if app.kind.is_public() {
        return Ok(Change::Refused("A public app has neither secret nor key: it uses PKCE.".into()));
    }
    if app.switches.assertions_only && keys.is_empty() {
        let why = "The app refuses its secrets, so it needs a key. Let it use secrets first, or keep a key.";
        return Ok(Change::Refused(why.into()));
    }
    let KeyChange { added, removed } = client_keys::replace_keys(tx, &app.id, &app.keys, keys, now)?;
    record.clone().detail(json!({"added": added, "removed": removed})).write(tx)?;
    Ok(Change::Done)
}

/// Deletes the app, if its owner types its name.
///
/// # Errors
/// When the database refuses.
pub fn delete(tx: &mut Tx<'_>, doing: &Doing, typed: &str) -> Result<Change, DbError> {
    let Some((Held { app, is_owner }, working)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    if !is_owner {
        return Ok(Change::Refused("Only the app's owner can delete it.".into()));
    }
    let serving = app.approved.as_ref().unwrap_or(&working);
    if typed.trim() != serving.declared.display_name() {
        return Ok(Change::Refused("The name that you typed is not the app's. Nothing was deleted.".into()));
    }
    lifecycle::delete(tx, &app.id, doing.now, &doing.record)
}
