//! The comparison: the same calls by the same client against this server and against what somebody would pick instead.
//!
//! [`contestants`] says who is compared; [`ours`], [`oidc_provider`], [`django`] and [`glewlwyd`] start them as
//! [`competitor`]s; [`measure`] puts each under load; [`report`] writes the tables.

mod competitor;
mod contestants;
mod django;
mod glewlwyd;
mod install;
mod measure;
mod oidc_provider;
mod ours;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::Fallible;
use crate::load::Phase;
use crate::report::{Aim, Machine};
use crate::subject::{Operations, Subject};
use contestants::Contestant;
use measure::{Measured, Sizes};

/// Nobody takes longer, unless an answer never comes.
const LONGEST: Duration = Duration::from_secs(300);

/// What to compare, and where.
#[derive(Debug)]
pub struct Plan {
    /// The built server.
    pub program: PathBuf,
    /// A folder on the disk to be measured; peers are installed into it.
    pub scratch: PathBuf,
    /// The repository.
    pub repository: PathBuf,
    /// Only those whose names contain this.
    pub only: Option<String>,
    /// Fewer calls.
    pub quick: bool,
}

/// What came of one of them.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Who it was.
    pub contestant: Contestant,
    /// Of each operation the round that cost the least CPU; empty where it could not be measured.
    pub phases: Vec<Phase>,
    /// All rounds.
    pub rounds: Vec<Phase>,
    /// Why it could not be measured: one wrong answer makes all its figures void.
    pub failure: Option<String>,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// On what.
    pub machine: Machine,
    /// One after the other.
    pub outcomes: Vec<Outcome>,
    /// What was promised.
    pub aims: Vec<Aim>,
}

impl Plan {
    /// Runs all of it. Must run on a `LocalSet`.
    ///
    /// # Errors
    /// When this server cannot be measured. A peer that cannot is reported as such.
    pub async fn run(&self) -> Fallible<Comparison> {
        let machine = Machine::here("SQLite and PostgreSQL");
        let sizes = if self.quick { Sizes::quick() } else { Sizes::full() };
        let mut outcomes = Vec::new();
        for mut group in contestants::groups() {
            group.retain(|contestant| self.only.as_ref().is_none_or(|only| contestant.name().contains(only)));
            if group.is_empty() {
                continue;
            }
            let names: Vec<String> = group.iter().map(Contestant::name).collect();
            eprintln!("{}", names.join(" and "));
            let measured = match self.measure(&group, &sizes).await {
                Err(error) if group.iter().any(Contestant::is_ours) => return Err(error),
                measured => measured,
            };
            match measured {
                Ok(measured) => {
                    let together = group.into_iter().zip(measured);
                    outcomes.extend(together.map(|(contestant, Measured { best, rounds })| Outcome {
                        contestant,
                        phases: best,
                        rounds,
                        failure: None,
                    }));
                }
                Err(error) => {
                    eprintln!("{}: {error}", names.join(" and "));
                    outcomes.extend(group.into_iter().map(|contestant| Outcome::failed(contestant, error.to_string())));
                }
            }
        }
        let aims = report::aims(&outcomes);
        Ok(Comparison { machine, outcomes, aims })
    }

    async fn measure(&self, group: &[Contestant], sizes: &Sizes) -> Fallible<Vec<Measured>> {
        let mut competitors = Vec::new();
        for contestant in group {
            competitors.push(contestant.start(self).await?);
        }
        let operations = group.first().map_or(Operations::All, Contestant::operations);
        let subjects: Vec<&Subject> = competitors.iter().map(|competitor| &competitor.subject).collect();
        let measured = measure::in_turns(&subjects, operations, sizes);
        tokio::time::timeout(LONGEST, measured).await.map_err(|_| "it did not end within five minutes")?
    }
}

impl Outcome {
    fn failed(contestant: Contestant, failure: String) -> Outcome {
        Outcome { contestant, phases: Vec::new(), rounds: Vec::new(), failure: Some(failure) }
    }
}

impl Comparison {
    /// The tables.
    pub fn markdown(&self) -> String {
        report::markdown(self)
    }
}
