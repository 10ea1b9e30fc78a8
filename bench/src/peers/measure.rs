//! One of them under load.

use super::subject::Subject;
use crate::Fallible;
use crate::calls::Tokens;
use crate::load::Phase;

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operations {
    /// Everything.
    All,
    /// Exchange and refresh: it knows nothing of its access tokens.
    TokensAlone,
}

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
}

impl Sizes {
    /// Figures to keep.
    pub fn full() -> Sizes {
        Sizes { connections: vec![1, 8, 32], seconds: 1.5, calls: (200, 10_000), rounds: 2 }
    }

    /// Figures to look at.
    pub fn quick() -> Sizes {
        Sizes { connections: vec![1, 8, 32], seconds: 0.4, calls: (100, 2_000), rounds: 1 }
    }
}

/// Measures every operation at every number of connections.
pub async fn measure(subject: &Subject, operations: Operations, sizes: &Sizes) -> Fallible<Vec<Phase>> {
    // Statements are prepared, code is compiled, pages are touched.
    let warm = go_around(subject, operations, 8, 64).await?;
    let calls = sizes.calls_at(&warm);
    go_around(subject, operations, 8, calls.min(1_000)).await?;
    subject.target.forget_peak()?;
    let mut phases = Vec::new();
    for &connections in &sizes.connections {
        let probe = go_around(subject, operations, connections, 64.max(4 * connections)).await?;
        let calls = sizes.calls_at(&probe);
        let mut best = go_around(subject, operations, connections, calls).await?;
        for _ in 1..sizes.rounds {
            let round = go_around(subject, operations, connections, calls).await?;
            for (best, phase) in best.iter_mut().zip(round) {
                if cost(&phase) < cost(best) {
                    *best = phase;
                }
            }
        }
        phases.extend(best);
    }
    Ok(phases)
}

fn cost(phase: &Phase) -> f64 {
    phase.server_cpu_us + phase.database_cpu_us.unwrap_or(0.0)
}

impl Sizes {
    fn calls_at(&self, probe: &[Phase]) -> usize {
        let slowest = probe.iter().map(|phase| phase.rate).fold(f64::INFINITY, f64::min);
        ((slowest * self.seconds) as usize).clamp(self.calls.0, self.calls.1)
    }
}

/// Every operation, each with what the one before it gave.
async fn go_around(
    subject: &Subject,
    operations: Operations,
    connections: usize,
    calls: usize,
) -> Fallible<Vec<Phase>> {
    let caller = &subject.caller;
    let (authorize, codes) = subject.run(connections, caller.authorize(), vec![(); calls]).await?;
    let (exchange, tokens) = subject.run(connections, caller.exchange(), codes).await?;
    let mut phases = vec![authorize, exchange];
    let access = |tokens: &[Tokens]| tokens.iter().map(|tokens| tokens.access_token.clone()).collect::<Vec<_>>();
    if operations == Operations::All {
        let (new, _) = subject.run(connections, caller.bearer("bearer, new token"), access(&tokens)).await?;
        let few: Vec<String> = access(&tokens).into_iter().take(64).collect();
        let repeated = few.iter().cycle().take(calls).cloned().collect();
        let (known, _) = subject.run(connections, caller.bearer("bearer, known token"), repeated).await?;
        let (introspect, _) = subject.run(connections, caller.introspect(), access(&tokens)).await?;
        phases.extend([new, known, introspect]);
    }
    let refresh_tokens = tokens.into_iter().map(|tokens| tokens.refresh_token).collect();
    let (refresh, _) = subject.run(connections, caller.refresh(), refresh_tokens).await?;
    phases.push(refresh);
    Ok(phases)
}
