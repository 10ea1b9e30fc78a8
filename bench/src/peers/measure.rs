//! Under load, one alone or several in turns.

use serde::Serialize;

use crate::Fallible;
use crate::load::Phase;
use crate::subject::{Operations, Subject};

/// How much is done.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// Numbers of connections.
    pub connections: Vec<usize>,
    /// How long the slowest operation should take, in seconds; the others have as many calls.
    pub seconds: f64,
    /// The fewest and the most calls.
    pub calls: (usize, usize),
    /// How often; the round in which an operation cost the least CPU counts.
    pub rounds: usize,
    /// How often at the largest number of connections where several are loaded in turns; then the median counts.
    pub turns: usize,
}

impl Sizes {
    /// Figures to keep.
    pub fn full() -> Sizes {
        Sizes { connections: vec![1, 8, 32], seconds: 1.5, calls: (200, 10_000), rounds: 2, turns: 5 }
    }

    /// Figures to look at.
    pub fn quick() -> Sizes {
        Sizes { connections: vec![1, 8, 32], seconds: 0.4, calls: (100, 2_000), rounds: 1, turns: 5 }
    }
}

/// What came of one of them.
#[derive(Debug, Default, Serialize)]
pub struct Measured {
    /// Of each operation the round that cost the least CPU.
    pub best: Vec<Phase>,
    /// All rounds.
    pub rounds: Vec<Phase>,
}

/// Measures every operation at every number of connections: a round of one, a round of the next, and again.
pub async fn in_turns(subjects: &[&Subject], operations: Operations, sizes: &Sizes) -> Fallible<Vec<Measured>> {
    for subject in subjects {
        // Statements are prepared, code is compiled, pages are touched.
        let warm = subject.go_around(operations, 8, 64).await?;
        subject.go_around(operations, 8, sizes.calls_at(&warm).min(1_000)).await?;
        subject.target.forget_peak()?;
    }
    let mut all: Vec<Measured> = subjects.iter().map(|_| Measured::default()).collect();
    for &connections in &sizes.connections {
        let mut calls = sizes.calls.1;
        for subject in subjects {
            let probe = subject.go_around(operations, connections, 64.max(4 * connections)).await?;
            calls = calls.min(sizes.calls_at(&probe));
        }
        for _ in 0..sizes.rounds_of(connections, subjects.len()) {
            for (subject, measured) in subjects.iter().zip(&mut all) {
                measured.add(subject.go_around(operations, connections, calls).await?);
                let nodes = subject.target.nodes.len();
                if nodes > 1 && sizes.is_most(connections) {
                    // As many for each node as one alone has.
                    measured.add(subject.go_around(operations, nodes * connections, calls).await?);
                }
            }
        }
    }
    Ok(all)
}

/// CPU of the server and its database for a call, in microseconds.
pub fn cost(phase: &Phase) -> f64 {
    phase.server_cpu_us + phase.database_cpu_us.unwrap_or(0.0)
}

impl Measured {
    fn add(&mut self, round: Vec<Phase>) {
        for phase in round {
            let is_same =
                |other: &&mut Phase| (other.operation, other.connections) == (phase.operation, phase.connections);
            match self.best.iter_mut().find(is_same) {
                Some(best) if cost(&phase) < cost(best) => *best = phase.clone(),
                Some(_) => {}
                None => self.best.push(phase.clone()),
            }
            self.rounds.push(phase);
        }
    }
}

impl Sizes {
    fn calls_at(&self, probe: &[Phase]) -> usize {
        let slowest = probe.iter().map(|phase| phase.rate).fold(f64::INFINITY, f64::min);
        ((slowest * self.seconds) as usize).clamp(self.calls.0, self.calls.1)
    }

    /// Those who are compared with each other get more rounds where it counts, for a median.
    fn rounds_of(&self, connections: usize, subjects: usize) -> usize {
        if self.is_most(connections) && subjects > 1 { self.turns } else { self.rounds }
    }

    fn is_most(&self, connections: usize) -> bool {
        self.connections.iter().max() == Some(&connections)
    }
}
