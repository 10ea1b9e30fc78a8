//! Consent: what a person has ticked for an app, remembered. Pure rules.
//!
//! A person is asked about the scopes of a request, may untick single ones, and may not leave out those that the app
//! cannot work without. Only what was asked *and* ticked is granted, whatever else a form may say.

use protocol::fault::{self, Fault};
use protocol::scope::{OPENID, Scope, ScopeSet, ScopeTable};

use crate::time::Timestamp;

/// What is remembered of a person's answers about an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What was ticked.
    pub granted: ScopeSet,
    /// What was left unticked.
    pub declined: ScopeSet,
    /// The app's consent version at the last answer.
    pub version: i64,
    /// When the person first gave the app anything.
    pub first_granted_at: Timestamp,
}

/// One line of the consent page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The scope.
    pub scope: Scope,
    /// Why the person may not untick it; none where they may.
    pub required: Option<Required>,
    /// Whether it is ticked when the page opens.
    pub ticked: bool,
}

/// Why a scope cannot be unticked, only denied with everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Required {
    /// The app cannot work without it; its developer says why.
    ByApp(String),
    /// It is `openid`: there is no signing in without it, and it alone is what was asked for.
    ToSignIn,
}

impl Required {
    fn of(scope: &Scope, by_app: &[(Scope, String)]) -> Option<Required> {
        match by_app.iter().find(|(name, _)| name == scope) {
            Some((_, reason)) => Some(Required::ByApp(reason.clone())),
            None => (scope.as_str() == OPENID).then_some(Required::ToSignIn),
        }
    }
}

/// The lines of the consent page, in the table's order. A scope that was once left unticked comes unticked.
pub fn lines(
    table: &ScopeTable,
    asked: &ScopeSet,
    by_app: &[(Scope, String)],
    remembered: Option<&Consent>,
) -> Vec<Line> {
    let line = |scope: &Scope| {
        let required = Required::of(scope, by_app);
        let declined = remembered.is_some_and(|consent| consent.declined.contains(scope.as_str()));
        Line { scope: scope.clone(), ticked: required.is_some() || !declined, required }
    };
    table.in_order(asked).iter().map(line).collect()
}

/// What the person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These scopes, at least one.
    Granted(ScopeSet),
    /// No; the fault says in which way.
    Denied(&'static Fault),
}

/// Which button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// 'Allow'.
    Allow,
    /// 'Deny'.
    Deny,
}

impl Decision {
    /// Reads the button's value; nothing for what no button sends.
    pub fn parse(text: &str) -> Option<Decision> {
        match text {
            "allow" => Some(Decision::Allow),
            "deny" => Some(Decision::Deny),
            _ => None,
        }
    }
}

/// Judges the answer of a form. Values that were not asked for count for nothing; without a required scope the app is
/// denied as a whole; granting nothing is a denial.
pub fn judge(decision: Decision, ticked: &[&str], asked: &ScopeSet, by_app: &[(Scope, String)]) -> Answer {
    if decision == Decision::Deny {
        return Answer::Denied(&fault::CONSENT_DENIED);
    }
    let granted: ScopeSet = asked.iter().filter(|scope| ticked.contains(&scope.as_str())).cloned().collect();
    let left_out = |scope: &Scope| Required::of(scope, by_app).is_some() && !granted.contains(scope.as_str());
    if granted.is_empty() {
        Answer::Denied(&fault::CONSENT_NOTHING_GRANTED)
    } else if asked.iter().any(left_out) {
        Answer::Denied(&fault::CONSENT_DENIED)
    } else {
        Answer::Granted(granted)
    }
}

/// What is remembered after an answer. About each scope that was asked for, the new answer replaces the old one. What was
/// granted before and not asked about stays, so that an app which asks step by step is not asked for the same again and
/// again; but not when the app has changed since: what was given to the old one is not carried over.
pub fn remember(
    before: Option<&Consent>,
    asked: &ScopeSet,
    granted: &ScopeSet,
    consent_version: i64,
    now: Timestamp,
) -> Consent {
    let declined = asked.difference(granted);
    let Some(before) = before else {
        return Consent { granted: granted.clone(), declined, version: consent_version, first_granted_at: now };
    };
    let kept = if before.version == consent_version { before.granted.difference(asked) } else { ScopeSet::new() };
    Consent {
        granted: kept.union(granted),
        declined: before.declined.difference(asked).union(&declined),
        version: consent_version,
        first_granted_at: before.first_granted_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const LATER: Timestamp = Timestamp::from_millis(1_800_000_500_000);

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    fn required(name: &str) -> Vec<(Scope, String)> {
        vec![(Scope::parse(name).unwrap(), "it shows your name".to_owned())]
    }

    #[test]
    fn lines_come_in_the_catalogues_order_and_all_ticked_at_first() {
        let lines = lines(&ScopeTable::default(), &scopes("meeting:read user:read"), &[], None);
        let names: Vec<&str> = lines.iter().map(|line| line.scope.as_str()).collect();
        assert_eq!(names, ["user:read", "meeting:read"]);
        assert!(lines.iter().all(|line| line.ticked && line.required.is_none()));
    }

    #[test]
    fn what_was_left_out_comes_unticked_unless_it_is_required() {
        let asked = scopes("user:read meeting:read");
        let before = remember(None, &asked, &scopes("user:read"), 1, NOW);
        let ticked = |required: &[(Scope, String)]| -> Vec<bool> {
            lines(&ScopeTable::default(), &asked, required, Some(&before)).iter().map(|line| line.ticked).collect()
        };
        assert_eq!(ticked(&[]), [true, false]);
        assert_eq!(ticked(&required("meeting:read")), [true, true]);
        assert_eq!(
            lines(&ScopeTable::default(), &asked, &required("meeting:read"), None)[1].required,
            Some(Required::ByApp("it shows your name".into()))
        );
        let to_sign_in = lines(&ScopeTable::default(), &scopes("openid email"), &[], None);
        assert_eq!((&to_sign_in[0].required, &to_sign_in[1].required), (&Some(Required::ToSignIn), &None));
    }

    #[test]
    fn only_what_was_asked_and_ticked_is_granted() {
        let asked = scopes("user:read meeting:read meeting:join");
        let granted = |text: &str| Answer::Granted(scopes(text));
        let denied = Answer::Denied(&fault::CONSENT_DENIED);
        for (decision, ticked, required, expected, why) in [
            (
                Decision::Allow,
                vec!["user:read", "meeting:read"],
                vec![],
                granted("user:read meeting:read"),
                "as ticked",
            ),
            (
                Decision::Allow,
                vec!["user:read", "meeting:delete"],
                vec![],
                granted("user:read"),
                "one that was not asked for",
            ),
            (Decision::Allow, vec!["user:read", "user:read"], vec![], granted("user:read"), "one twice"),
            (
                Decision::Allow,
                vec!["USER:READ", "user:read "],
                vec![],
                Answer::Denied(&fault::CONSENT_NOTHING_GRANTED),
                "misspelt",
            ),
            (Decision::Allow, vec![], vec![], Answer::Denied(&fault::CONSENT_NOTHING_GRANTED), "nothing"),
            (Decision::Deny, vec!["user:read"], vec![], denied.clone(), "denied, whatever is ticked"),
            (Decision::Allow, vec!["user:read"], required("meeting:read"), denied.clone(), "a required one left out"),
            (
                Decision::Allow,
                vec!["user:read"],
                required("user:read"),
                granted("user:read"),
                "the required one is there",
            ),
            (
                Decision::Allow,
                vec!["user:read"],
                required("meeting:update"),
                granted("user:read"),
                "required, but not asked for",
            ),
        ] {
            assert_eq!(judge(decision, &ticked, &asked, &required), expected, "{why}");
        }
    }

    #[test]
    fn signing_in_is_allowed_or_denied_and_never_left_out() {
        let asked = scopes("openid email user:read");
        let judged = |ticked: &[&str]| judge(Decision::Allow, ticked, &asked, &[]);
        assert_eq!(judged(&["openid"]), Answer::Granted(scopes("openid")));
        assert_eq!(judged(&["openid", "user:read"]), Answer::Granted(scopes("openid user:read")));
        assert_eq!(judged(&["email", "user:read"]), Answer::Denied(&fault::CONSENT_DENIED));
    }

    #[test]
    fn a_decision_is_one_of_the_two_buttons() {
        assert_eq!(Decision::parse("allow"), Some(Decision::Allow));
        assert_eq!(Decision::parse("deny"), Some(Decision::Deny));
        for wrong in ["", "Allow", "allow ", "yes", "1"] {
            assert_eq!(Decision::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_latest_answer_about_a_scope_replaces_the_one_before() {
        let first = remember(None, &scopes("user:read meeting:read"), &scopes("user:read meeting:read"), 1, NOW);
        assert_eq!(first.first_granted_at, NOW);
        let second = remember(Some(&first), &scopes("user:read meeting:read"), &scopes("user:read"), 1, LATER);
        assert_eq!(second.granted, scopes("user:read"));
        assert_eq!(second.declined, scopes("meeting:read"));
        assert_eq!(second.first_granted_at, NOW);
        let third = remember(Some(&second), &scopes("meeting:read"), &scopes("meeting:read"), 1, LATER);
        assert_eq!(third.granted, scopes("user:read meeting:read"));
        assert!(third.declined.is_empty());
    }

    #[test]
    fn what_was_given_to_the_app_before_it_changed_is_not_carried_over() {
        let first = remember(None, &scopes("user:read meeting:read"), &scopes("user:read meeting:read"), 1, NOW);
        let second = remember(Some(&first), &scopes("meeting:join"), &scopes("meeting:join"), 2, LATER);
        assert_eq!(second.granted, scopes("meeting:join"));
        assert_eq!(second.version, 2);
    }
}
