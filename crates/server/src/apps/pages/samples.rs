//! The pages of this room, filled with made-up content.

use protocol::redirect_uri::ClientKind;
use protocol::scope::{Scope, ScopeTable};

use super::form::{AppForm, FormFaults};
use super::{app_page, create, credentials, list};
use crate::apps::access::Access;
use crate::apps::{
    AppDetails, AppKey, AppStatus, Declaration, RevisionDetails, RevisionStatus, SecretDetails, Switches, USE_CASES,
};
use crate::ids::{AppId, AppKeyId, ClientId, RevisionId, SecretId, UserId};
use crate::time::Timestamp;
use crate::web::samples::{NOW, Sample, shell};
use crate::web::{Notice, Section};

/// So many hours before the samples were taken.
pub fn hours_ago(hours: u64) -> Timestamp {
    NOW.minus(std::time::Duration::from_secs(hours * 3600))
}

/// A declaration without a fault.
pub fn declaration() -> Declaration {
    let scope = |name: &str, reason: Option<&str>| Some((Scope::parse(name).ok()?, reason.map(str::to_owned)));
    Declaration {
        name: "Lesson Planner".into(),
        homepage_url: "https://lessons.example".into(),
        policy_url: "https://lessons.example/policy".into(),
        logo_url: "https://lessons.example/logo.png".into(),
        use_case: USE_CASES[1].into(),
        description: "Plans lessons and puts them into JioMeet.\nFor schools.".into(),
        support_email: "help@lessons.example".into(),
        callback_urls: vec!["https://lessons.example/oauth/callback".into(), "http://localhost:3000/callback".into()],
        scopes: [scope("user:read", Some("It greets teachers by their name.")), scope("meeting:create", None)]
            .into_iter()
            .flatten()
            .collect(),
        ..Declaration::default()
    }
}

/// A revision that stands there.
pub fn revision(number: i64, status: RevisionStatus) -> RevisionDetails {
    RevisionDetails {
        id: RevisionId::from_text(format!("rev-{number}")),
        number,
        status,
        declared: declaration(),
        created_at: hours_ago(90),
        changed_at: hours_ago(30),
        submitted_at: Some(hours_ago(30)),
        decided_at: Some(hours_ago(4)),
        logo_hash: None,
    }
}

/// An app whose working copy stands there.
pub fn app(approved: bool, working: RevisionStatus) -> AppDetails {
    let secret = |id: &str, last_four: &str, expires_at| SecretDetails {
        id: SecretId::from_text(id),
        last_four: last_four.into(),
        created_at: hours_ago(80),
        last_used_at: Some(hours_ago(2)),
        expires_at,
    };
    AppDetails {
        id: AppId::from_text("app-6f1c2a38-7d0f-4a4e-9a53-2f0d4f1f3c11"),
        client_id: ClientId::from_text("5f3c0d9a8b7e6f5a4b3c2d1e"),
        kind: ClientKind::Confidential,
        owner_id: UserId::from_text("u-1"),
        owner_email: "asha@example.com".into(),
        created_at: hours_ago(90),
        status: AppStatus::of(false, approved, working),
        suspended_at: None,
        suspended_reason: None,
        deleted_at: None,
        epoch: Timestamp::from_millis(0),
        consent_version: 1,
        serving_scopes: ScopeTable::default().names(),
        switches: Switches::default(),
        approved: approved.then(|| revision(1, RevisionStatus::Approved)),
        working: Some(revision(if approved { 2 } else { 1 }, working)),
        secrets: vec![
            secret("sec-1", "Zk3w", Some(hours_ago(0).plus(std::time::Duration::from_secs(9000)))),
            secret("sec-2", "m-Q0", None),
        ],
        keys: sample_key(),
    }
}

fn sample_key() -> Vec<AppKey> {
    const JWK: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"2026-10"}"#;
    let key = |key| AppKey {
        id: AppKeyId::from_text("key-1"),
        key,
        added_at: hours_ago(70),
        last_used_at: Some(hours_ago(1)),
    };
    protocol::jwt::ClientKey::from_json(JWK).map(key).into_iter().collect()
}

fn form_page(purpose: create::Purpose, form: AppForm, faults: FormFaults) -> create::FormPage {
    create::FormPage { shell: shell(Section::OAuth), notice: None, form, faults, purpose }
}

/// The pages.
pub fn samples() -> Vec<Sample> {
    let new = || create::Purpose::New { app: AppId::from_text("app-1") };
    let edit = create::Purpose::Edit {
        app: AppId::from_text("app-1"),
        name: "Lesson Planner".into(),
        seen: "rev-1@0".into(),
        approved: true,
        kind_is_fixed: true,
    };
    let bad = Declaration {
        callback_urls: vec!["http://lessons.example/cb".into(), "https://lessons.example/*".into()],
        homepage_url: "http://lessons.example".into(),
        ..Declaration::default()
    };
    let faults = FormFaults(bad.faults(ClientKind::Confidential));
    let working = revision(1, RevisionStatus::Draft);
    let table = ScopeTable::default();
    let bad_form =
        AppForm::of_revision(&table, &RevisionDetails { declared: bad, ..working.clone() }, ClientKind::Confidential);
    let mut samples = vec![
        Sample::of("app-form", "new", &form_page(new(), AppForm::empty(&table), FormFaults::default())),
        Sample::of("app-form", "faults", &form_page(new(), bad_form, faults)),
        Sample::of(
            "app-form",
            "edit",
            &form_page(edit, AppForm::of_revision(&table, &working, ClientKind::Confidential), FormFaults::default()),
        ),
    ];
    samples.extend(credentials::samples());
    let declined = Access::Declined { at: hours_ago(3), note: "Tell us more.".into(), ask_again_at: Some(NOW) };
    for (variation, access) in [
        ("open", Access::Open),
        ("not-requested", Access::NotRequested),
        ("waiting", Access::Waiting { since: hours_ago(5) }),
        ("declined", declined),
    ] {
        samples.push(Sample::of("apps", variation, &list::sample(access)));
    }
    for (variation, approved, status) in [
        ("draft", false, RevisionStatus::Draft),
        ("in-review", false, RevisionStatus::InReview),
        ("on-hold", false, RevisionStatus::OnHold),
        ("approved", true, RevisionStatus::Approved),
        ("changes", true, RevisionStatus::Rejected),
    ] {
        let notice = (variation == "draft").then(|| Notice::done("The app is saved."));
        samples.push(Sample::of("app", variation, &app_page::sample(app(approved, status), notice)));
    }
    samples.extend(super::delete::samples());
    samples.extend(super::test_callbacks::samples());
    samples.extend(super::invitations::samples());
    samples.extend(super::admin::samples());
    samples
}
