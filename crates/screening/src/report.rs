//! What screening found, as the developer and the reviewer read it and as the server keeps it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::logo::LogoImage;

/// How bad a finding is. Ordered from harmless to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Looked at and in order.
    Passed,
    /// Not looked at, for the reason given. Never a pass.
    NotChecked,
    /// Not wrong by itself; a reviewer should look.
    Suspicious,
    /// Broken, or against the rules.
    Invalid,
    /// Known to be harmful.
    Malicious,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::NotChecked => "not checked",
            Self::Suspicious => "suspicious",
            Self::Invalid => "invalid",
            Self::Malicious => "malicious",
        })
    }
}

/// Which check a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The URL's form against the URL rules.
    UrlForm,
    /// The host against the imported lists of harmful sites.
    Blocklist,
    /// Whether the host hides where it leads.
    LinkShortener,
    /// Host names that read like another.
    LookAlikeHost,
    /// Whether the URL answers.
    Reachable,
    /// Where it redirects to.
    Redirects,
    /// Forms that ask for a password.
    CredentialsForm,
    /// Whether the policy stands on the homepage's site and is linked from the homepage.
    PolicyPlace,
    /// Whether the logo is an image that can be shown.
    Logo,
    /// How long the domain has been registered.
    DomainAge,
    /// Whether all URLs belong to one site.
    OneSite,
    /// The app's name.
    AppName,
}

/// Which field of the app a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// App name.
    Name,
    /// Homepage URL.
    Homepage,
    /// Policy URL.
    Policy,
    /// Terms URL.
    Terms,
    /// Logo URL.
    Logo,
    /// Authorization callback URL, counted from 0.
    Callback(usize),
    /// URL after signing out (OpenID Connect RP-Initiated Logout), counted from 0.
    PostLogout(usize),
    /// All URLs together.
    AllUrls,
}

impl Field {
    /// People are sent there by this server, on whatever the address says: https, or the device of a native app.
    pub(crate) fn is_sent_to(self) -> bool {
        matches!(self, Self::Callback(_) | Self::PostLogout(_))
    }

    /// How many come before it in the same list.
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Callback(index) | Self::PostLogout(index) => index,
            _ => 0,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("App name"),
            Self::Homepage => f.write_str("Homepage URL"),
            Self::Policy => f.write_str("Policy URL"),
            Self::Terms => f.write_str("Terms URL"),
            Self::Logo => f.write_str("Logo URL"),
            Self::Callback(index) => write!(f, "Callback URL {}", index + 1),
            Self::PostLogout(index) => write!(f, "URL after signing out {}", index + 1),
            Self::AllUrls => f.write_str("All URLs"),
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Where the finding belongs on a form.
    pub field: Field,
    /// Which check it comes from.
    pub check: Check,
    /// The URL, or the name, that was looked at.
    pub subject: String,
    /// The verdict.
    pub severity: Severity,
    /// What was found, one or two sentences.
    pub sentence: String,
    /// What to do about it; None when there is nothing to do.
    pub mend: Option<String>,
    /// What the verdict rests on.
    #[serde(default)]
    pub evidence: Evidence,
}

impl Finding {
    /// A finding that asks for something to be done.
    #[must_use]
    pub fn new(
        field: Field,
        check: Check,
        subject: &str,
        severity: Severity,
        sentence: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            field,
            check,
            subject: clip(subject),
            severity,
            sentence: sentence.into(),
            mend: Some(mend.into()),
            evidence: Evidence::None,
        }
    }

    /// A finding that all is well.
    #[must_use]
    pub fn passed(field: Field, check: Check, subject: &str, sentence: impl Into<String>) -> Self {
        Self {
            field,
            check,
            subject: clip(subject),
            severity: Severity::Passed,
            sentence: sentence.into(),
            mend: None,
            evidence: Evidence::None,
        }
    }

    /// The same finding, with what it rests on.
    #[must_use]
    pub fn with(self, evidence: Evidence) -> Self {
        Self { evidence, ..self }
    }
}

/// Subjects come from outside; a finding keeps no more than a URL's length of them.
fn clip(subject: &str) -> String {
    subject.chars().take(crate::net::fetch::MAX_URL).collect()
}

/// The outcome of one screening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When the screening ran.
    pub screened_at: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// Every check's finding, passed ones included, by field and check.
    pub findings: Vec<Finding>,
    /// The logo, ready to be served from the server's own origin; not part of the serialised report.
    #[serde(skip)]
    pub logo: Option<LogoImage>,
}

impl Report {
    /// The worst severity in it; `NotChecked` for a report without findings.
    #[must_use]
    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::NotChecked)
    }

    /// The findings of one field.
    pub fn of(&self, field: Field) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.field == field)
    }

    /// The finding of one check on one field.
    #[must_use]
    pub fn find(&self, field: Field, check: Check) -> Option<&Finding> {
        self.of(field).find(|finding| finding.check == check)
    }
}
