//! What was found about a revision, ready to be shown.

use ::screening::Severity;

use super::words::{EvidenceLine, field_label, severity_tone, severity_words};
use crate::time::Timestamp;

/// How far the screening of a revision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody asked for it yet.
    NeverLooked,
    /// It is waiting or running; what is shown is from before.
    Running,
    /// The app was edited since.
    OutOfDate,
    /// What is shown is about the revision as it is.
    Current,
}

/// What was found about a revision.
#[derive(Debug, Clone)]
pub struct Findings {
    /// How far it has come.
    pub state: State,
    /// When it was looked at.
    pub looked_at: Option<Timestamp>,
    /// By field.
    pub groups: Vec<Group>,
}

/// What was found about one field.
#[derive(Debug, Clone)]
pub struct Group {
    /// The field as the form names it.
    pub field: String,
    /// Its label.
    pub label: String,
    /// The URL, or the name, that was looked at.
    pub subject: String,
    /// Its findings, the worst first.
    pub lines: Vec<FindingLine>,
}

/// One finding.
#[derive(Debug, Clone)]
pub struct FindingLine {
    /// Which check.
    pub check: String,
    /// The verdict.
    pub severity: Severity,
    /// What was found.
    pub sentence: String,
    /// What to do; empty where there is nothing to do.
    pub mend: String,
    /// What the verdict rests on.
    pub evidence: Vec<EvidenceLine>,
}

impl FindingLine {
    /// The verdict in words.
    pub fn words(&self) -> &'static str {
        severity_words(self.severity)
    }

    /// Its class in the style sheet.
    pub fn tone(&self) -> &'static str {
        severity_tone(self.severity)
    }
}

impl Group {
    /// The worst verdict about this field.
    pub fn worst(&self) -> Severity {
        self.lines.iter().map(|line| line.severity).max().unwrap_or(Severity::NotChecked)
    }

    /// In words.
    pub fn words(&self) -> &'static str {
        severity_words(self.worst())
    }

    /// Its class in the style sheet.
    pub fn tone(&self) -> &'static str {
        severity_tone(self.worst())
    }

    /// What needs somebody's eye.
    pub fn open(&self) -> Vec<&FindingLine> {
        self.lines.iter().filter(|line| line.severity > Severity::NotChecked).collect()
    }

    /// What does not: passed, or not checked.
    pub fn quiet(&self) -> Vec<&FindingLine> {
        self.lines.iter().filter(|line| line.severity <= Severity::NotChecked).collect()
    }

    /// The quiet ones, counted in words: `4 checks passed, 2 not checked`.
    pub fn quiet_words(&self) -> String {
        let count = |severity| self.lines.iter().filter(|line| line.severity == severity).count();
        let passed = match count(Severity::Passed) {
            0 => None,
            1 => Some("1 check passed".to_owned()),
            number => Some(format!("{number} checks passed")),
        };
        let not_checked = match count(Severity::NotChecked) {
            0 => None,
            number => Some(format!("{number} not checked")),
        };
        passed.into_iter().chain(not_checked).collect::<Vec<_>>().join(", ")
    }
}

impl Findings {
    /// Groups findings by field, the fields in the order in which they come.
    pub fn new(
        state: State,
        looked_at: Option<Timestamp>,
        lines: impl IntoIterator<Item = (String, String, FindingLine)>,
    ) -> Findings {
        let mut groups: Vec<Group> = Vec::new();
        for (field, subject, line) in lines {
            match groups.iter_mut().find(|group| group.field == field) {
                Some(group) => group.lines.push(line),
                None => groups.push(Group { label: field_label(&field), field, subject, lines: vec![line] }),
            }
        }
        for group in &mut groups {
            group.lines.sort_by_key(|line| std::cmp::Reverse(line.severity));
        }
        Findings { state, looked_at, groups }
    }

    /// What was found about one field.
    pub fn of(&self, field: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.field == field)
    }

    /// The worst of all; none where nothing was looked at.
    pub fn worst(&self) -> Option<Severity> {
        self.groups.iter().map(Group::worst).max()
    }

    /// One sentence about all of it.
    pub fn summary(&self) -> String {
        let Some(worst) = self.worst() else { return "Nothing has been looked at yet.".to_owned() };
        let count =
            |severity| self.groups.iter().flat_map(|group| &group.lines).filter(|l| l.severity == severity).count();
        let told: Vec<String> =
            [Severity::Malicious, Severity::Invalid, Severity::Suspicious, Severity::NotChecked, Severity::Passed]
                .into_iter()
                .map(|severity| (severity, count(severity)))
                .filter(|(_, number)| *number > 0)
                .map(|(severity, number)| format!("{number} {}", severity_words(severity).to_lowercase()))
                .collect();
        let verdict = match worst {
            Severity::Passed => "Everything passed",
            Severity::NotChecked => "Nothing wrong was found, but not everything could be checked",
            Severity::Suspicious => "Some of it needs a reviewer's eye",
            Severity::Invalid => "Some of it has to be mended",
            Severity::Malicious => "Some of it leads to a site that is known to be harmful",
        };
        format!("{verdict}: {}.", told.join(", "))
    }

    /// What to know about the whole list first, and its class in the style sheet.
    pub fn notice(&self) -> Option<(&'static str, &'static str)> {
        match self.state {
            State::NeverLooked => Some(("info", "These checks have not run yet.")),
            State::Running => Some(("info", "The checks are running. Load the page again in half a minute.")),
            State::OutOfDate => Some(("warn", "The app has changed since these checks ran.")),
            State::Current => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(severity: Severity) -> FindingLine {
        FindingLine {
            check: "reachable".into(),
            severity,
            sentence: String::new(),
            mend: String::new(),
            evidence: vec![],
        }
    }

    fn found(lines: &[(&str, Severity)]) -> Findings {
        let lines = lines.iter().map(|(field, severity)| ((*field).to_owned(), String::new(), line(*severity)));
        Findings::new(State::Current, None, lines)
    }

    #[test]
    fn findings_are_grouped_by_field_with_the_worst_first() {
        let found = found(&[
            ("homepage_url", Severity::Passed),
            ("policy_url", Severity::NotChecked),
            ("homepage_url", Severity::Invalid),
        ]);
        assert_eq!(found.groups.len(), 2);
        assert_eq!(found.groups[0].lines[0].severity, Severity::Invalid);
        assert_eq!(found.groups[0].open().len(), 1);
        assert_eq!(found.groups[0].quiet_words(), "1 check passed");
        assert_eq!(found.worst(), Some(Severity::Invalid));
    }

    #[test]
    fn what_was_not_checked_is_never_called_passed() {
        let found = found(&[("homepage_url", Severity::Passed), ("policy_url", Severity::NotChecked)]);
        assert_eq!(
            found.summary(),
            "Nothing wrong was found, but not everything could be checked: 1 not checked, 1 passed."
        );
    }

    #[test]
    fn a_revision_that_nobody_looked_at_has_no_verdict() {
        assert_eq!(found(&[]).worst(), None);
    }
}
