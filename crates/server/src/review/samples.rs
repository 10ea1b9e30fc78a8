//! The pages of this room, filled with made-up content.

use std::time::Duration;

use protocol::redirect_uri::ClientKind;
use protocol::scope::{Scope, ScopeSet, ScopeTable};

use super::app_page::{AppPage, Case, build, scope_lines};
use super::audit_page::AuditPage;
use super::checklist::{Checklist, items};
use super::decisions::Decision;
use super::queue_page::QueuePage;
use super::reasons::{Reason, ReasonKind};
use super::store::{ForReviewer, PastDecision};
use super::turn::Waiting;
use crate::apps::{AppDetails, AppStatus, Declaration, RevisionDetails, RevisionStatus, Switches};
use crate::ids::{AppId, ClientId, RevisionId, UserId};
use crate::screening::{Progress, sample_findings};
use crate::web::samples::{self, NOW, Sample, Samples};
use crate::web::{Notice, Section, Shell};

/// Every page of this room.
pub fn samples() -> Vec<Sample> {
    [QueuePage::samples(), AppPage::samples(), AuditPage::samples()].into_iter().flatten().collect()
}

/// The surroundings of a reviewer.
pub(super) fn shell(here: Section) -> Shell {
    Shell { reviews: true, ..samples::shell(here) }
}

fn declared() -> Declaration {
    let site = "https://free-prize-meetings.example";
    let scope = |name: &str| Scope::parse(name).map(|scope| (scope, None));
    Declaration {
        name: "Free Prize Meetings".to_owned(),
        homepage_url: site.to_owned(),
        policy_url: format!("{site}/policy"),
        logo_url: format!("{site}/logo.png"),
        use_case: "Other".to_owned(),
        description: "Win prizes by meeting people.".to_owned(),
        callback_urls: vec![format!("{site}/cb"), "https://collect.prize-login.example/in".to_owned()],
        scopes: ["user:read", "meeting:read"].into_iter().filter_map(|name| scope(name).ok()).collect(),
        ..Declaration::default()
    }
}

fn case(status: RevisionStatus, is_own: bool) -> Case {
    let revision = |id: &str, number, status, declared| RevisionDetails {
        id: RevisionId::from_text(id),
        number,
        status,
        declared,
        created_at: NOW.minus(Duration::from_secs(90 * 3600)),
        changed_at: NOW,
        submitted_at: Some(NOW.minus(Duration::from_secs(60 * 3600))),
        decided_at: None,
        logo_hash: None,
    };
    let mut before = declared();
    before.name = "Prize Meetings".to_owned();
    before.callback_urls.pop();
    let working = revision("rev-2", 2, status, declared());
    let app = AppDetails {
        id: AppId::from_text("app-6f1c2a38-7d0f-4a4e-9a53-2f0d4f1f3c11"),
        client_id: ClientId::from_text("6f1c2a387d0f4a4e9a532f0d"),
        kind: ClientKind::Confidential,
        owner_id: UserId::from_text("u-1"),
        owner_email: "dev@example.com".to_owned(),
        created_at: NOW,
        status: AppStatus::Approved,
        suspended_at: None,
        suspended_reason: None,
        deleted_at: None,
        epoch: NOW,
        consent_version: 1,
        serving_scopes: ScopeSet::new(),
        switches: Switches::default(),
        approved: Some(revision("rev-1", 1, RevisionStatus::Approved, before)),
        working: Some(working.clone()),
        secrets: Vec::new(),
        keys: Vec::new(),
    };
    let held = Reason::about_url(ReasonKind::Invalid, "Policy URL", "https://free-prize-meetings.example/policy", "");
    Case {
        app,
        working,
        developer: "Devika Shah".to_owned(),
        notes: ForReviewer {
            changed_at: NOW,
            waiting: Some(Waiting { submitted_at: NOW.minus(Duration::from_secs(60 * 3600)), waited: Duration::ZERO }),
            test_plan: "1. Sign in with JioMeet.\n2. Open 'My prizes'.".to_owned(),
            test_account: "tester / see-you-there".to_owned(),
        },
        findings: sample_findings(Progress::Current),
        history: vec![PastDecision {
            decision: "held".to_owned(),
            reasons: vec![held],
            at: NOW.minus(Duration::from_secs(70 * 3600)),
            number: Some(2),
            by: "Ravi Menon".to_owned(),
        }],
        trial: Some(NOW.plus(Duration::from_secs(600))),
        is_own,
    }
}

impl Samples for AppPage {
    fn samples() -> Vec<Sample> {
        let page = |notice, case: Case, checklist| {
            let scopes = scope_lines(&ScopeTable::default(), &case.working.declared);
            build(shell(Section::Review), notice, case, checklist, scopes, NOW)
        };
        let empty = || Checklist::new(items(&declared()));
        let mut half = empty();
        half.lines[0].1.choice = "ok".to_owned();
        half.lines[2].1.choice = "other".to_owned();
        half.check(Decision::Reject, |_| false);
        let refused = Notice::refused("Nothing is decided yet: see what is marked below.");
        vec![
            Sample::of("review-app", "revision", &page(None, case(RevisionStatus::InReview, false), empty())),
            Sample::of("review-app", "faults", &page(Some(refused), case(RevisionStatus::InReview, false), half)),
            Sample::of("review-app", "own", &page(None, case(RevisionStatus::InReview, true), empty())),
            Sample::of("review-app", "approved", &page(None, case(RevisionStatus::Approved, false), empty())),
        ]
    }
}
