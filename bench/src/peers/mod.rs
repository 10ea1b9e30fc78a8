//! The comparison: the same calls by the same client against this server and against what somebody would pick instead.
//!
//! [`contestants`] says who is compared; [`ours`], [`oidc_provider`], [`django`] and [`glewlwyd`] start them; [`measure`] puts
//! each under load; [`report`] writes the tables.

mod contestants;
mod django;
mod glewlwyd;
mod install;
mod measure;
mod oidc_provider;
mod ours;
mod report;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::Fallible;
use crate::load::Phase;
use crate::report::{Aim, Machine};
use contestants::Contestant;
use measure::Sizes;

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
    /// What was measured; empty where it could not be.
    pub phases: Vec<Phase>,
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
        for contestant in contestants::all() {
            if self.only.as_ref().is_some_and(|only| !contestant.name().contains(only)) {
                continue;
            }
            eprintln!("{}", contestant.name());
            let (phases, failure) = match self.measure(&contestant, &sizes).await {
                Ok(phases) => (phases, None),
                Err(error) if contestant.is_ours() => return Err(error),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            if let Some(failure) = &failure {
                eprintln!("{}: {failure}", contestant.name());
            }
            outcomes.push(Outcome { contestant, phases, failure });
        }
        let aims = report::aims(&outcomes);
        Ok(Comparison { machine, outcomes, aims })
    }

    async fn measure(&self, contestant: &Contestant, sizes: &Sizes) -> Fallible<Vec<Phase>> {
        let subject = contestant.start(self).await?;
        let measured = measure::measure(&subject, contestant.operations(), sizes);
        tokio::time::timeout(LONGEST, measured).await.map_err(|_| "it did not end within five minutes")?
    }
}

impl Comparison {
    /// The tables.
    pub fn markdown(&self) -> String {
        report::markdown(self)
    }
}
