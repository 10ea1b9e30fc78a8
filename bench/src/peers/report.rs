//! The tables of the comparison, in Markdown.

use std::fmt::Write as _;

use super::contestants::Database;
use super::measure::cost;
use super::oidc_provider::{Commits, Format};
use super::{Comparison, Outcome};
use crate::load::Phase;
use crate::report::{Aim, aims_table};

/// What is compared, in the order of the tables.
const OPERATIONS: [&str; 6] =
    ["exchange", "refresh", "bearer, known token", "bearer, new token", "introspect", "authorize"];

/// What the aims are about.
const AIMED: [&str; 5] = ["exchange", "refresh", "bearer, known token", "bearer, new token", "introspect"];

/// All of it.
pub fn markdown(comparison: &Comparison) -> String {
    let machine = &comparison.machine;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "Measured on {} with {} ({} cores, shared by server, database and client), Linux {}; load average before the \
         run {}.\n",
        machine.date, machine.processor, machine.cores, machine.kernel, machine.load_before
    );
    aims_table(&mut text, &comparison.aims);
    overview(&mut text, &comparison.outcomes);
    for operation in OPERATIONS {
        table(&mut text, operation, &comparison.outcomes);
    }
    memory(&mut text, &comparison.outcomes);
    for Outcome { contestant, failure, .. } in &comparison.outcomes {
        if let Some(failure) = failure {
            let line = failure.lines().next().unwrap_or_default();
            let _ = writeln!(text, "{} could not be measured: {line}\n", contestant.name());
        }
    }
    text
}

fn find<'a>(outcome: &'a Outcome, operation: &str, connections: usize) -> Option<&'a Phase> {
    outcome.phases.iter().find(|phase| phase.operation == operation && phase.connections == connections)
}

fn database_cpu(phase: &Phase) -> String {
    phase.database_cpu_us.map_or(String::new(), |cpu| format!(" + {cpu:.0}"))
}

fn overview(text: &mut String, outcomes: &[Outcome]) {
    text.push_str(
        "At 32 connections: calls a second, and CPU of the server (+ of the database, where it has processes of its own) \
         for a call, in µs.\n\n| server |",
    );
    let _ = writeln!(text, " {} |", AIMED.join(" | "));
    text.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for outcome in outcomes {
        let _ = write!(text, "| {} |", outcome.contestant.name());
        for operation in AIMED {
            match find(outcome, operation, 32) {
                Some(phase) => {
                    let _ = write!(text, " {:.0}/s, {:.0}{} |", phase.rate, phase.server_cpu_us, database_cpu(phase));
                }
                None => text.push_str(" – |"),
            }
        }
        text.push('\n');
    }
    text.push('\n');
}

fn table(text: &mut String, operation: &str, outcomes: &[Outcome]) {
    let _ = writeln!(text, "{operation}:\n");
    text.push_str(
        "| server | connections | a second | p50 ms | p99 ms | max ms | CPU µs, server + database | syncs each |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for outcome in outcomes {
        for phase in outcome.phases.iter().filter(|phase| phase.operation == operation) {
            let syncs = phase.syncs.map_or("–".to_owned(), |syncs| format!("{syncs:.2}"));
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.2} | {:.2} | {:.1} | {:.0}{} | {syncs} |",
                outcome.contestant.name(),
                phase.connections,
                phase.rate,
                phase.p50_ms,
                phase.p99_ms,
                phase.max_ms,
                phase.server_cpu_us,
                database_cpu(phase),
            );
        }
    }
    text.push('\n');
}

fn most_memory(outcome: &Outcome) -> f64 {
    outcome.phases.iter().map(|phase| phase.peak_mib).fold(0.0, f64::max)
}

fn memory(text: &mut String, outcomes: &[Outcome]) {
    text.push_str(
        "Memory, the most that one process held at any moment of the load; of several together what they held after any \
         phase, each with its share of what they have in common:\n\n| server | MiB | of the database, MiB |\n| --- | ---: | ---: |\n",
    );
    for outcome in outcomes.iter().filter(|outcome| !outcome.phases.is_empty()) {
        let database = outcome.phases.iter().filter_map(|phase| phase.database_mib).reduce(f64::max);
        let database = database.map_or("–".to_owned(), |mib| format!("{mib:.0}"));
        let _ = writeln!(text, "| {} | {:.0} | {database} |", outcome.contestant.name(), most_memory(outcome));
    }
    text.push('\n');
}

/// The aims beside what was measured.
pub fn aims(outcomes: &[Outcome]) -> Vec<Aim> {
    let mut aims = Vec::new();
    for ours in outcomes.iter().filter(|outcome| outcome.contestant.is_ours() && outcome.contestant.nodes() == 1) {
        ahead_of_all(&mut aims, ours, outcomes);
    }
    for (algorithm, times, most_us) in [("ES256", 6.0, 100.0), ("RS256", 2.5, 370.0)] {
        let Some(ours) = outcomes.iter().find(|outcome| is_ours(outcome, 1, Database::Sqlite, algorithm)) else {
            continue;
        };
        for operation in ["exchange", "refresh"] {
            times_oidc_provider(&mut aims, ours, outcomes, operation, times);
            cpu_at_most(&mut aims, ours, operation, most_us);
        }
        times_oidc_provider(&mut aims, ours, outcomes, "introspect", 4.0);
        if algorithm == "RS256" {
            cpu_at_most(&mut aims, ours, "bearer, known token", 45.0);
            cpu_at_most(&mut aims, ours, "bearer, new token", 45.0);
        }
    }
    for algorithm in ["ES256", "RS256"] {
        let find = |nodes| outcomes.iter().find(|outcome| is_ours(outcome, nodes, Database::Postgres, algorithm));
        if let (Some(one), Some(two)) = (find(1), find(2)) {
            two_nodes(&mut aims, one, two, algorithm);
        }
    }
    for ours in outcomes.iter().filter(|outcome| outcome.contestant.is_ours()) {
        let each = most_memory(ours) / ours.contestant.nodes() as f64;
        aims.push(Aim {
            what: format!("memory of a node, {}", ours.contestant.name()),
            aim: "< 60 MiB".to_owned(),
            measured: format!("{each:.1} MiB"),
            met: each < 60.0,
        });
    }
    aims
}

fn is_ours(outcome: &Outcome, nodes: usize, database: Database, algorithm: &str) -> bool {
    let who = outcome.contestant;
    who.is_ours() && who.nodes() == nodes && who.database == database && who.algorithm == algorithm
}

/// Whom it is compared with: peers that sign by the same algorithm and keep things in the same kind of database.
fn rivals<'a>(ours: &Outcome, outcomes: &'a [Outcome]) -> Vec<&'a Outcome> {
    let is_rival = |other: &&Outcome| {
        !other.contestant.is_ours()
            && other.contestant.algorithm == ours.contestant.algorithm
            && other.contestant.database == ours.contestant.database
    };
    outcomes.iter().filter(is_rival).collect()
}

fn ahead_of_all(aims: &mut Vec<Aim>, ours: &Outcome, outcomes: &[Outcome]) {
    let rivals = rivals(ours, outcomes);
    for operation in AIMED {
        let Some(own) = find(ours, operation, 32) else { continue };
        let others: Vec<&Phase> = rivals.iter().filter_map(|rival| find(rival, operation, 32)).collect();
        if others.is_empty() {
            continue;
        }
        let rate = own.rate / others.iter().map(|phase| phase.rate).fold(0.0, f64::max);
        let cpu = others.iter().map(|phase| cost(phase)).fold(f64::INFINITY, f64::min) / cost(own);
        aims.push(Aim {
            what: format!("{operation} at 32 connections against the best peer, {}", ours.contestant.name()),
            aim: "ahead in rate and CPU".to_owned(),
            measured: format!("{rate:.1} times the rate, CPU {cpu:.1} times less"),
            met: rate > 1.0 && cpu > 1.0,
        });
    }
}

/// The setups of oidc-provider that are compared with, what they are called, and whether the aim is about them: it was set
/// against an adapter such as people write, where each write is a commit.
const OIDC_PROVIDERS: [(&str, Format, Commits); 3] = [
    ("oidc-provider", Format::Opaque, Commits::EachItsOwn),
    ("oidc-provider with JWT access tokens", Format::Jwt, Commits::EachItsOwn),
    ("oidc-provider with shared commits", Format::Opaque, Commits::Shared),
];

fn times_oidc_provider(aims: &mut Vec<Aim>, ours: &Outcome, outcomes: &[Outcome], operation: &str, times: f64) {
    let Some(own) = find(ours, operation, 32) else { return };
    let rivals = rivals(ours, outcomes);
    for (name, format, commits) in OIDC_PROVIDERS {
        // By as many processes as help it.
        let setups = rivals.iter().filter(|rival| {
            let variant = rival.contestant.oidc_provider();
            variant.is_some_and(|variant| variant.format == format && variant.commits == commits)
        });
        let rates = setups.filter_map(|rival| find(rival, operation, 32)).map(|phase| phase.rate);
        let Some(rate) = rates.reduce(f64::max) else { continue };
        let ratio = own.rate / rate;
        let (aim, met) = match commits {
            Commits::EachItsOwn => (format!("≥ {times} times the rate"), ratio >= times),
            Commits::Shared => ("ahead".to_owned(), ratio > 1.0),
        };
        aims.push(Aim {
            what: format!("{operation} against {name}, {}", ours.contestant.name()),
            aim,
            measured: format!("{ratio:.1} times ({:.0} to {rate:.0} a second)", own.rate),
            met,
        });
    }
}

fn cpu_at_most(aims: &mut Vec<Aim>, ours: &Outcome, operation: &str, most_us: f64) {
    let Some(own) = find(ours, operation, 32) else { return };
    aims.push(Aim {
        what: format!("CPU of {operation}, {}, 32 connections", ours.contestant.name()),
        aim: format!("≤ {most_us:.0} µs"),
        measured: format!("{:.0} µs", own.server_cpu_us),
        met: own.server_cpu_us <= most_us,
    });
}

/// The second node must not make a call dearer: then it adds what cores it has. Medians of rounds in turns, with as many
/// connections in all as one node has, and with as many for each node.
fn two_nodes(aims: &mut Vec<Aim>, one: &Outcome, two: &Outcome, algorithm: &str) {
    for operation in AIMED {
        for (connections, how) in [(32, "32 connections in all"), (64, "32 connections each")] {
            let medians = |of: fn(&Phase) -> f64| {
                Some((median(one, operation, 32, of)?, median(two, operation, connections, of)?))
            };
            let what = format!("two nodes over one PostgreSQL against one node, {operation}, {algorithm}, {how}");
            let Some((single, both)) = medians(|phase| phase.rate) else { continue };
            aims.push(Aim {
                what: what.clone(),
                aim: "as fast where the cores allow".to_owned(),
                measured: format!("{:.2} times ({both:.0} to {single:.0} a second)", both / single),
                // Two rounds of the same differ by as much.
                met: both / single >= 0.95,
            });
            let Some((single, both)) = medians(cost) else { continue };
            aims.push(Aim {
                what: format!("CPU of {what}, nodes and database"),
                aim: "≤ 1.1 times".to_owned(),
                measured: format!("{:.2} times ({both:.0} to {single:.0} µs)", both / single),
                met: both / single <= 1.1,
            });
        }
    }
}

/// Of all rounds at so many connections.
fn median(outcome: &Outcome, operation: &str, connections: usize, of: fn(&Phase) -> f64) -> Option<f64> {
    let is_asked = |phase: &&Phase| (phase.operation, phase.connections) == (operation, connections);
    let mut values: Vec<f64> = outcome.rounds.iter().filter(is_asked).map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
