//! How long everything takes on each data set, side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use http::StatusCode;

use super::desk::{Desk, Person};
use super::probes::{Probe, Probes};
use super::rows::World;
use super::size::{SMALL, Size};
use super::{DataSet, Place};
use crate::Fallible;
use crate::calls::Tokens;
use crate::deployment::Deployment;
use crate::load::{self, Operation, Phase};
use crate::report::Machine;

/// How much slower the large data set may be.
const AIM: f64 = 1.5;

/// How long a server may read what it keeps in memory, the names of all apps for one, before it is asked anything.
const SETTLING: Duration = Duration::from_secs(5);

/// Calls of each operation of the protocol before those that count.
const WARM: usize = 20;

/// Times of one question on one data set, in milliseconds: of the best round.
#[derive(Debug, Clone, Copy)]
struct Times {
    p50: f64,
    p99: f64,
}

/// What was measured: by question, in the order of asking.
#[derive(Debug, Default)]
struct Measured {
    order: Vec<String>,
    times: BTreeMap<(String, usize), Times>,
}

impl Measured {
    fn note(&mut self, set: usize, what: &str, phase: &Phase) {
        if !self.order.iter().any(|known| known == what) {
            self.order.push(what.to_owned());
        }
        let times = self.times.entry((what.to_owned(), set)).or_insert(Times { p50: f64::MAX, p99: f64::MAX });
        times.p50 = times.p50.min(phase.p50_ms);
        times.p99 = times.p99.min(phase.p99_ms);
    }
}

/// Asks everything on every data set, in turn, so that what disturbs the machine disturbs all of them.
pub async fn measure(
    place: &Place,
    urls: Option<&[String; 3]>,
    size: Size,
    calls: usize,
    rounds: usize,
) -> Fallible<String> {
    let mut measured = Measured::default();
    let mut memory = [0.0_f64; 3];
    for round in 0..rounds {
        for (index, set) in DataSet::ALL.into_iter().enumerate() {
            eprintln!("round {} of {rounds}: {}", round + 1, set.name());
            let deployment = set.start(place, urls.map(|urls| urls[index].as_str()))?;
            tokio::time::sleep(SETTLING).await;
            let size = match set {
                DataSet::Empty => None,
                DataSet::Small => Some(Size::of(SMALL)?),
                DataSet::Large => Some(size),
            };
            ask_everything(&deployment, size, calls, round, |what, phase| measured.note(index, what, phase)).await?;
            memory[index] = memory[index].max(deployment.target.usage()?.memory_mib());
        }
    }
    Ok(table(&measured, memory, urls.is_some(), calls, rounds))
}

async fn ask_everything(
    deployment: &Deployment,
    size: Option<Size>,
    calls: usize,
    round: usize,
    mut note: impl FnMut(&str, &Phase),
) -> Fallible<()> {
    let desk = Desk { deployment };
    let someone = size.map(World::someone);
    let busy = desk.person("asha@example.com").await?;
    let quiet = desk.person("ben@example.com").await?;
    for (who, person) in [("busy", &busy), ("quiet", &quiet)] {
        tokens(deployment, person, WARM).await?;
        for (what, phase) in tokens(deployment, person, calls).await? {
            note(&format!("{what}, {who}"), &phase);
        }
    }
    let mut probes = Probes::new(&desk, calls);
    for (who, person) in [("busy", &busy), ("quiet", &quiet)] {
        probes.api(who, person).await?;
        probes.account(who, person)?;
    }
    probes.small_pages(&quiet)?;
    probes.console(&mut desk.visitor("dev@example.com").await?, someone.as_ref()).await?;
    probes.review(&mut desk.visitor("ravi@example.com").await?, someone.as_ref()).await?;
    probes.administration(&mut desk.visitor("admin@example.com").await?, &busy, someone.as_ref()).await?;
    probes.public()?;
    probes.doors(&mut crate::browser::Browser::open(deployment).await?, round).await?;
    for Probe { what, calls, status } in probes.all {
        let warm = calls.iter().take(1).cloned().collect::<Vec<_>>();
        // What can be asked twice is warmed up; a meeting is cancelled once.
        if status == StatusCode::OK && !what.contains("cancelled") {
            load::run(&deployment.target, 1, operation(status), warm)
                .await
                .map_err(|error| format!("{what}: {error}"))?;
        }
        let (phase, _) = load::run(&deployment.target, 1, operation(status), calls)
            .await
            .map_err(|error| format!("{what}: {error}"))?;
        note(&what, &phase);
    }
    Ok(())
}

fn operation(status: StatusCode) -> Operation<crate::http::Call, ()> {
    Operation {
        name: "",
        call: Box::new(|call| Ok(call.clone())),
        read: Box::new(move |reply| reply.expect(status, "the call").map(drop)),
    }
}

/// The endpoints of the protocol, each with what the one before it gave.
async fn tokens(deployment: &Deployment, person: &Person, calls: usize) -> Fallible<Vec<(&'static str, Phase)>> {
    let (target, caller) = (&deployment.target, &person.caller);
    let (authorize, codes) = load::run(target, 1, caller.authorize(), vec![(); calls]).await?;
    let (exchange, first) = load::run(target, 1, caller.exchange(), codes).await?;
    let access = |tokens: &[Tokens]| tokens.iter().map(|tokens| tokens.access_token.clone()).collect::<Vec<_>>();
    let (bearer, _) = load::run(target, 1, caller.bearer("a call with a new token"), access(&first)).await?;
    let (known, _) = load::run(target, 1, caller.bearer("a call with a known token"), access(&first)).await?;
    let (introspect, _) = load::run(target, 1, caller.introspect(), access(&first)).await?;
    let refresh_tokens: Vec<String> = first.into_iter().map(|tokens| tokens.refresh_token).collect();
    let (refresh, second) = load::run(target, 1, caller.refresh(), refresh_tokens).await?;
    let refresh_tokens: Vec<String> = second.into_iter().map(|tokens| tokens.refresh_token).collect();
    let (revoke, _) = load::run(target, 1, caller.revoke(), refresh_tokens).await?;
    Ok(vec![
        ("authorize", authorize),
        ("code exchange", exchange),
        ("a call with a new token", bearer),
        ("a call with a known token", known),
        ("introspection", introspect),
        ("refresh", refresh),
        ("revocation", revoke),
    ])
}

fn table(measured: &Measured, memory: [f64; 3], postgres: bool, calls: usize, rounds: usize) -> String {
    let engine = if postgres { "PostgreSQL" } else { "SQLite" };
    let machine = Machine::here(engine);
    let mut text = format!(
        "{engine}, {} with {} ({} cores, shared by server, client and database); one call at a time, {calls} calls each, the better \
         of {rounds} rounds. The server held {:.0}, {:.0} and {:.0} MiB.\n\n\
         | what | empty: median, 99 of 100 | a fiftieth | all of it | times a fiftieth | times empty |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        machine.date, machine.processor, machine.cores, memory[0], memory[1], memory[2],
    );
    // The empty one has less on its pages, if it has them at all; the fiftieth has them as full as the whole.
    let mut against = [Compared::default(), Compared::default()];
    for what in &measured.order {
        let of = |set: DataSet| measured.times.get(&(what.clone(), set as usize));
        let cell =
            |set: DataSet| of(set).map_or("-".to_owned(), |times| format!("{:.2}, {:.2} ms", times.p50, times.p99));
        let compare = |base: DataSet, compared: &mut Compared| {
            let ratio = of(base).zip(of(DataSet::Large)).map(|(base, large)| large.p50 / base.p50);
            ratio.map_or("-".to_owned(), |ratio| compared.note(what, ratio))
        };
        let [small, empty] = &mut against;
        let (small, empty) = (compare(DataSet::Small, small), compare(DataSet::Empty, empty));
        let _ = writeln!(
            text,
            "| {what} | {} | {} | {} | {small} | {empty} |",
            cell(DataSet::Empty),
            cell(DataSet::Small),
            cell(DataSet::Large),
        );
    }
    for (base, compared) in ["a fiftieth", "the empty one"].into_iter().zip(&against) {
        let Compared { met, missed } = compared;
        let _ = writeln!(
            text,
            "\nWithin {AIM} times of what it takes on {base}: {met}; not: {}: {}",
            missed.len(),
            missed.join("; ")
        );
    }
    text
}

/// How the large data set does against a small one.
#[derive(Debug, Default)]
struct Compared {
    /// How many questions take no more than [`AIM`] times as long.
    met: usize,
    /// Those that do.
    missed: Vec<String>,
}

impl Compared {
    /// Notes how many times as long a question takes; gives that for the table.
    fn note(&mut self, what: &str, ratio: f64) -> String {
        if ratio <= AIM {
            self.met += 1;
            return format!("{ratio:.2}");
        }
        self.missed.push(format!("{what} ({ratio:.1})"));
        format!("**{ratio:.2}**")
    }
}
