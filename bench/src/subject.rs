//! A server under load: how it is called, and what is asked of it.

use crate::Fallible;
use crate::calls::{Caller, Tokens};
use crate::deployment::Target;
use crate::load::{self, Operation, Phase};

/// A server that runs, an app and a person who know each other.
pub struct Subject {
    /// Calls it.
    pub caller: Caller,
    /// Where it is called and what it uses.
    pub target: Target,
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operations {
    /// Everything, and the first use of a refreshed token, which this server remembers before its answer leaves: a write.
    AllAndFirstUse,
    /// Everything that peers have too.
    All,
    /// Authorization, exchange and refresh: it knows nothing of its access tokens.
    TokensAlone,
}

impl Subject {
    /// Calls once for each job, as fast as it goes.
    pub async fn run<J: 'static, T: 'static>(
        &self,
        connections: usize,
        operation: Operation<J, T>,
        jobs: Vec<J>,
    ) -> Fallible<(Phase, Vec<T>)> {
        load::run(&self.target, connections, operation, jobs).await
    }

    /// Every operation, each with what one before it gave.
    pub async fn go_around(&self, operations: Operations, connections: usize, calls: usize) -> Fallible<Vec<Phase>> {
        let caller = &self.caller;
        let (authorize, codes) = self.run(connections, caller.authorize(), vec![(); calls]).await?;
        let (exchange, first) = self.run(connections, caller.exchange(), codes).await?;
        let mut phases = vec![authorize, exchange];
        if operations != Operations::TokensAlone {
            let (new, _) = self.run(connections, caller.bearer("bearer, new token"), access_tokens(&first)).await?;
            let few = access_tokens(first.get(..64).unwrap_or(&first));
            let repeated = few.iter().cycle().take(calls).cloned().collect();
            let (known, _) = self.run(connections, caller.bearer("bearer, known token"), repeated).await?;
            let (introspect, _) = self.run(connections, caller.introspect(), access_tokens(&first)).await?;
            phases.extend([new, known, introspect]);
        }
        let refresh_tokens = first.into_iter().map(|tokens| tokens.refresh_token).collect();
        let (refresh, second) = self.run(connections, caller.refresh(), refresh_tokens).await?;
        phases.push(refresh);
        if operations == Operations::AllAndFirstUse {
            let (first_use, _) =
                self.run(connections, caller.bearer("bearer, first use"), access_tokens(&second)).await?;
            phases.push(first_use);
        }
        Ok(phases)
    }
}

fn access_tokens(tokens: &[Tokens]) -> Vec<String> {
    tokens.iter().map(|tokens| tokens.access_token.clone()).collect()
}
