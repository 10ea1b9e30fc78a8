//! An app's history, as its developer reads it: what was submitted and withdrawn, what was decided and why.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::app::RevisionStatus;
use super::console_store::{PastDecision, PastRevision};
use crate::ids::RevisionId;
use crate::time::Timestamp;

/// One reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In the reviewer's words.
    pub text: String,
    /// The URLs it is about and does not name itself.
    pub urls: Vec<String>,
}

/// Something that happened to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What, in a few words.
    pub title: String,
    /// Its class in the style sheet; the words say it too.
    pub tone: &'static str,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The history, latest first.
pub fn history(revisions: &[PastRevision], decisions: &[PastDecision]) -> Vec<Event> {
    let mut events: Vec<Event> = decisions.iter().map(decided).collect();
    let plain = |at, title| Event { at, title, tone: "", reasons: Vec::new() };
    // A revision keeps the last time at which it was handed in, each decision the one that it was about.
    let last = revisions.iter().map(|revision| (Some(revision.number), revision.submitted_at));
    let earlier = decisions.iter().map(|decision| (decision.number, decision.submitted_at));
    let rounds: BTreeSet<(i64, Timestamp)> =
        last.chain(earlier).filter_map(|(number, at)| Some((number?, at?))).collect();
    events.extend(rounds.iter().map(|(number, at)| plain(*at, format!("Revision {number} submitted for review"))));
    for revision in revisions {
        let number = revision.number;
        let words = match revision.status {
            RevisionStatus::Discarded => format!("Revision {number} begun, later discarded"),
            _ if number == 1 => "App created".to_owned(),
            _ => format!("Revision {number} begun"),
        };
        events.push(plain(revision.created_at, words));
    }
    // What happened in the same millisecond is told in the order it must have had: decided, submitted, begun.
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events
}

fn decided(decision: &PastDecision) -> Event {
    let revision = decision.number.map_or_else(|| "The app".to_owned(), |number| format!("Revision {number}"));
    let (title, tone) = match decision.decision.as_str() {
        "approved" => (format!("{revision} approved"), "good"),
        "held" => (format!("{revision} put on hold"), "warn"),
        "rejected" => (format!("{revision} rejected"), "danger"),
        "suspended" => ("App suspended".to_owned(), "danger"),
        "reinstated" => ("App reinstated".to_owned(), "good"),
        "withdrawn" => (format!("{revision} withdrawn from review"), ""),
        other => (format!("{revision}: {other}"), ""),
    };
    Event { at: decision.at, title, tone, reasons: reasons(&decision.reasons) }
}

/// Reads the reasons of a decision: an array of texts, or of objects with `text` and `urls`.
pub fn reasons(json: &str) -> Vec<Reason> {
    let Ok(Json::Array(reasons)) = serde_json::from_str(json) else { return Vec::new() };
    let text = |value: &Json| value.as_str().unwrap_or_default().trim().to_owned();
    let read = |reason: &Json| Reason {
        text: text(reason.get("text").unwrap_or(reason)),
        urls: reason.get("urls").and_then(Json::as_array).into_iter().flatten().map(text).collect(),
    };
    let unsaid = |mut reason: Reason| {
        reason.urls.retain(|url| !reason.text.contains(url.as_str()));
        reason
    };
    reasons.iter().map(read).filter(|reason| !reason.text.is_empty()).map(unsaid).collect()
}

/// Why the reviewer waits for the developer: the reasons of the latest decision about this revision.
pub fn open_reasons(working: &RevisionId, status: RevisionStatus, decisions: &[PastDecision]) -> Vec<Reason> {
    let word = match status {
        RevisionStatus::OnHold => "held",
        RevisionStatus::Rejected => "rejected",
        _ => return Vec::new(),
    };
    let latest = decisions.iter().find(|decision| decision.revision == *working && decision.decision == word);
    latest.map(|decision| reasons(&decision.reasons)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn decision(word: &str, millis: i64, reasons: &str) -> PastDecision {
        PastDecision {
            decision: word.into(),
            reasons: reasons.into(),
            at: at(millis),
            number: Some(1),
            revision: RevisionId::from_text("rev-1"),
            submitted_at: None,
        }
    }

    fn revision(number: i64, status: RevisionStatus, created: i64, submitted: Option<i64>) -> PastRevision {
        PastRevision { number, status, created_at: at(created), submitted_at: submitted.map(at) }
    }

    #[test]
    fn a_history_is_told_backwards() {
        let events = history(
            &[revision(2, RevisionStatus::InReview, 40, Some(50)), revision(1, RevisionStatus::Approved, 10, Some(20))],
            &[decision("approved", 30, "[]")],
        );
        let titles: Vec<&str> = events.iter().map(|event| event.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "Revision 2 submitted for review",
                "Revision 2 begun",
                "Revision 1 approved",
                "Revision 1 submitted for review",
                "App created"
            ]
        );
    }

    #[test]
    fn every_round_of_a_review_is_told_once() {
        let round = |word, millis, submitted| PastDecision {
            submitted_at: Some(at(submitted)),
            ..decision(word, millis, "[]")
        };
        let events = history(
            &[revision(1, RevisionStatus::Approved, 10, Some(40))],
            &[round("suspended", 60, 40), round("approved", 50, 40), round("held", 30, 20), round("withdrawn", 16, 15)],
        );
        let told: Vec<(&str, i64)> = events.iter().map(|event| (event.title.as_str(), event.at.as_millis())).collect();
        assert_eq!(
            told,
            [
                ("App suspended", 60),
                ("Revision 1 approved", 50),
                ("Revision 1 submitted for review", 40),
                ("Revision 1 put on hold", 30),
                ("Revision 1 submitted for review", 20),
                ("Revision 1 withdrawn from review", 16),
                ("Revision 1 submitted for review", 15),
                ("App created", 10)
            ]
        );
    }

    #[test]
    fn reasons_are_texts_or_texts_with_urls() {
        let reason = |urls| Reason { text: "Mend this.".into(), urls };
        assert_eq!(reasons(r#"["Mend this.", " "]"#), [reason(vec![])]);
        let with_url = reason(vec!["https://a.example".into()]);
        assert_eq!(reasons(r#"[{"kind":"invalid","text":"Mend this.","urls":["https://a.example"]}]"#), [with_url]);
        assert_eq!(reasons("no json"), []);
    }

    #[test]
    fn only_the_latest_word_of_a_reviewer_who_waits_is_open() {
        let decisions = [decision("held", 30, r#"["Second."]"#), decision("held", 20, r#"["First."]"#)];
        let open = |status| open_reasons(&RevisionId::from_text("rev-1"), status, &decisions);
        assert_eq!(open(RevisionStatus::OnHold)[0].text, "Second.");
        assert_eq!(open(RevisionStatus::InReview), []);
        assert_eq!(open_reasons(&RevisionId::from_text("rev-2"), RevisionStatus::OnHold, &decisions), []);
    }
}
