//! Latency where it is not asked for as much as goes: at half of the top rate, and while others sign in.

use std::cell::Cell;
use std::rc::Rc;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::Fallible;
use crate::browser::Browser;
use crate::load::{self, Phase};
use crate::plan::{Server, Sizes};
use crate::subject::Subject;

/// Connections over which calls come at a rate: more than are ever busy, unless the server stalls.
const CONNECTIONS: usize = 64;

/// People who sign in all the time.
const PEOPLE: usize = 4;

/// Exchanges alone and while people sign in.
#[derive(Debug, Serialize)]
pub struct SigningIn {
    /// Alone, right before.
    pub alone: Phase,
    /// While people sign in.
    pub beside: Phase,
    /// How many sign-ins there were a second.
    pub sign_ins: f64,
}

/// Calls that come at half of the top rate, one after the other at even distances, whether or not others were answered.
/// Their latency is counted from the moment at which they were due.
pub async fn at_half_rate(subject: &Subject, sizes: &Sizes, phases: &[Phase]) -> Fallible<Vec<Phase>> {
    let (target, caller) = (&subject.target, &subject.caller);
    let rate = |operation: &str| {
        let of = phases.iter().filter(|phase| phase.operation == operation);
        of.map(|phase| phase.rate).fold(0.0, f64::max) / 2.0
    };
    let calls = |operation: &str| (rate(operation) * sizes.seconds) as usize;
    let mut best: Vec<Phase> = Vec::new();
    for _ in 0..sizes.rounds {
        let most = calls("exchange").max(calls("refresh"));
        let (_, codes) = subject.run(32, caller.authorize(), vec![(); most]).await?;
        let (exchange, tokens) = load::run_at(target, CONNECTIONS, rate("exchange"), caller.exchange(), codes).await?;
        let few: Vec<String> = tokens.iter().take(64).map(|tokens| tokens.access_token.clone()).collect();
        let repeated = |operation: &str| few.iter().cycle().take(calls(operation)).cloned().collect::<Vec<_>>();
        let known = "bearer, known token";
        let (bearer, _) = load::run_at(target, CONNECTIONS, rate(known), caller.bearer(known), repeated(known)).await?;
        let introspected = repeated("introspect");
        let (introspect, _) =
            load::run_at(target, CONNECTIONS, rate("introspect"), caller.introspect(), introspected).await?;
        let refresh_tokens = tokens.into_iter().map(|tokens| tokens.refresh_token).collect();
        let (refresh, _) = load::run_at(target, CONNECTIONS, rate("refresh"), caller.refresh(), refresh_tokens).await?;
        keep_best(&mut best, vec![exchange, refresh, bearer, introspect]);
    }
    Ok(best)
}

/// Of each, the round with the lowest p99: neighbours on the machine only ever add.
fn keep_best(best: &mut Vec<Phase>, round: Vec<Phase>) {
    if best.is_empty() {
        *best = round;
        return;
    }
    for (best, phase) in best.iter_mut().zip(round) {
        if phase.p99_ms < best.p99_ms {
            *best = phase;
        }
    }
}

/// Exchanges at 8 connections while four people sign in with their passwords, over and over.
pub async fn while_signing_in(server: &Server, calls: usize, rounds: usize) -> Fallible<SigningIn> {
    let Server { subject, .. } = server;
    let caller = &subject.caller;
    let mut best = Vec::new();
    let mut sign_ins = 0.0;
    for _ in 0..rounds {
        let (_, mut codes) = subject.run(32, caller.authorize(), vec![(); 2 * calls]).await?;
        let (alone, _) = subject.run(8, caller.exchange(), codes.split_off(calls)).await?;
        let crowd = Crowd::start(server);
        let ran = subject.run(8, caller.exchange(), codes).await;
        let count = crowd.stop().await?;
        let beside = ran?.0;
        sign_ins = count as f64 * beside.rate / calls as f64;
        keep_best(&mut best, vec![alone, beside]);
    }
    let [alone, beside] = <[Phase; 2]>::try_from(best).map_err(|_| "there was no round")?;
    Ok(SigningIn { alone, beside, sign_ins })
}

/// People who sign in until they are told to stop.
struct Crowd {
    stop: Rc<Cell<bool>>,
    tasks: JoinSet<Fallible<usize>>,
}

impl Crowd {
    fn start(server: &Server) -> Crowd {
        let stop = Rc::new(Cell::new(false));
        let mut tasks = JoinSet::new();
        let report = &server.deployment.report;
        for user in report.users.iter().cycle().take(PEOPLE) {
            let (address, origin) = (server.subject.target.node(0), report.issuer.clone());
            let (user, stop) = (user.clone(), Rc::clone(&stop));
            tasks.spawn_local(async move {
                let mut count = 0;
                while !stop.get() {
                    Browser::at(address, &origin).await?.sign_in(&user).await?;
                    count += 1;
                }
                Ok(count)
            });
        }
        Crowd { stop, tasks }
    }

    /// How often somebody signed in.
    async fn stop(mut self) -> Fallible<usize> {
        self.stop.set(true);
        let mut count = 0;
        while let Some(ended) = self.tasks.join_next().await {
            count += ended??;
        }
        Ok(count)
    }
}
