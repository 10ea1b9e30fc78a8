//! The tables, in Markdown, and the aims beside what was measured.

use std::fmt::Write as _;
use std::fs;

use serde::Serialize;

use crate::load::Phase;
use crate::plan::{Measured, Run, Setting};
use crate::unit::Tables;

/// Where and when it was measured.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The day.
    pub date: String,
    /// The processor.
    pub processor: String,
    /// How many cores.
    pub cores: usize,
    /// The kernel.
    pub kernel: String,
    /// The database engine.
    pub engine: String,
    /// How busy the machine was with other things (the load average of the last minute before the run).
    pub load_before: String,
}

impl Machine {
    /// Looks around.
    pub fn here(engine: &str) -> Machine {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let now = jiomeet_oauth::time::Clock::system().now().to_iso();
        Machine {
            date: now.chars().take(10).collect(),
            processor: model.map_or("unknown processor", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            // Its version, without what a distribution adds.
            kernel: read("/proc/sys/kernel/osrelease").trim().splitn(3, '.').take(2).collect::<Vec<_>>().join("."),
            engine: engine.to_owned(),
            load_before: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// Something promised, and what came of it.
#[derive(Debug, Serialize)]
pub struct Aim {
    /// What it is about.
    pub what: String,
    /// What was promised.
    pub aim: String,
    /// What was measured.
    pub measured: String,
    /// Whether it was kept.
    pub met: bool,
}

/// A part that criterion measured: its name and the mean, in nanoseconds.
pub type CriterionPart = (String, f64);

/// All of it as Markdown.
pub fn markdown(machine: &Machine, measured: &Measured, parts: &[CriterionPart]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "Measured on {} with {} ({} cores), Linux {}, {}; load average before the run {}. Server and client share all cores, \
         but where they are said to be apart: there the last core is the client's, and the server has the others, as if \
         each were a machine.\n",
        machine.date, machine.processor, machine.cores, machine.kernel, machine.engine, machine.load_before
    );
    text.push_str(
        "Each figure is of the round, out of several, in which it cost the least CPU; memory has one round.\n\n",
    );
    aims_table(&mut text, &aims(measured));
    floor_table(&mut text, measured);
    for run in &measured.runs {
        let algorithm = &run.algorithm;
        let _ = writeln!(text, "The operations over HTTP, {algorithm} signing:\n");
        operations_table(&mut text, &run.together);
        if let Some(apart) = &run.apart {
            let _ = writeln!(text, "The same with server and client apart:\n");
            operations_table(&mut text, apart);
        }
        steady_table(&mut text, run);
    }
    memory_table(&mut text, measured);
    parts_table(&mut text, parts);
    text
}

/// Each aim with what came of it.
pub fn aims_table(text: &mut String, aims: &[Aim]) {
    text.push_str("| aim | wanted | measured | |\n| --- | --- | --- | --- |\n");
    for Aim { what, aim, measured, met } in aims {
        let _ = writeln!(text, "| {what} | {aim} | {measured} | {} |", if *met { "met" } else { "**not met**" });
    }
    text.push('\n');
}

fn floor_table(text: &mut String, measured: &Measured) {
    let floor = &measured.floor;
    text.push_str("The floor, each part alone in a process of its own:\n\n");
    text.push_str("| part | callers | CPU, µs each | a second |\n| --- | ---: | ---: | ---: |\n");
    for part in &floor.signatures {
        let _ = writeln!(text, "| signature {} | 1 | {:.1} | {:.0} |", part.what, part.cpu_us, part.rate);
    }
    for (name, parts) in [("SQL unit, durable", &floor.units), ("SQL unit in the barest tables", &floor.bare_units)] {
        for part in parts {
            let _ = writeln!(text, "| {name} | {} | {:.1} | {:.0} |", part.callers, part.cpu_us, part.rate);
        }
    }
    for part in &floor.echoes {
        let _ = writeln!(text, "| HTTP echo | {} | {:.1} | {:.0} |", part.callers, part.cpu_us, part.rate);
    }
    let _ = writeln!(text, "\nAppending 4 KiB to a file and syncing it takes {:.0} µs here.\n", floor.sync_us);
}

fn operations_table(text: &mut String, setting: &Setting) {
    text.push_str(
        "| operation | connections | a second | p50 ms | p99 ms | max ms | server CPU, µs each | syncs each | memory MiB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for phase in &setting.phases {
        let Phase { operation, connections, rate, p50_ms, p99_ms, max_ms, server_cpu_us, memory_mib, .. } = phase;
        let syncs = phase.syncs.map_or("–".to_owned(), |syncs| format!("{syncs:.2}"));
        let _ = writeln!(
            text,
            "| {operation} | {connections} | {rate:.0} | {p50_ms:.2} | {p99_ms:.2} | {max_ms:.1} | {server_cpu_us:.0} | \
             {syncs} | {:.0} → {:.0} |",
            memory_mib[0], memory_mib[1]
        );
    }
    text.push('\n');
}

fn steady_table(text: &mut String, run: &Run) {
    let _ = writeln!(
        text,
        "Calls that come at half of the top rate of their setting, whether or not others were answered, latency from when \
         each was due (in the last column how late the client knew it: what is above that is the server's); and exchanges at \
         8 connections while four people sign in all the time. The best of several rounds, {} signing:\n",
        run.algorithm
    );
    text.push_str(
        "| operation | cores | a second | p50 ms | p99 ms | max ms | server CPU, µs each | client late, p99 ms |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (cores, setting) in [("shared", Some(&run.together)), ("apart", run.apart.as_ref())] {
        let Some(Setting { steady, signing_in, .. }) = setting else { continue };
        let steady = steady.iter().map(|phase| ("at half of the top rate".to_owned(), phase));
        let beside = format!("beside {:.0} sign-ins a second", signing_in.sign_ins);
        let signing_in = [("alone".to_owned(), &signing_in.alone), (beside, &signing_in.beside)];
        for (how, phase) in steady.chain(signing_in) {
            let Phase { operation, rate, p50_ms, p99_ms, max_ms, server_cpu_us, .. } = phase;
            let late = phase.late_p99_ms.map_or("–".to_owned(), |late| format!("{late:.2}"));
            let _ = writeln!(
                text,
                "| {operation}, {how} | {cores} | {rate:.0} | {p50_ms:.2} | {p99_ms:.2} | {max_ms:.1} | {server_cpu_us:.0} \
                 | {late} |"
            );
        }
    }
    text.push('\n');
}

fn memory_table(text: &mut String, measured: &Measured) {
    let memory = &measured.memory;
    text.push_str("Memory of the server over code exchanges at 32 connections:\n\n| exchanges | resident MiB |\n| ---: | ---: |\n");
    for (exchanges, mib) in memory.samples.iter().step_by(4) {
        let _ = writeln!(text, "| {exchanges} | {mib:.1} |");
    }
    let _ = writeln!(text, "\nThe most at any moment of it: {:.1} MiB.\n", memory.peak_mib);
}

fn parts_table(text: &mut String, parts: &[CriterionPart]) {
    if parts.is_empty() {
        return;
    }
    text.push_str("The inner parts alone, by criterion:\n\n| part | µs |\n| --- | ---: |\n");
    for (name, nanoseconds) in parts {
        let _ = writeln!(text, "| {name} | {:.2} |", nanoseconds / 1e3);
    }
    text.push('\n');
}

/// The aims beside what was measured.
pub fn aims(measured: &Measured) -> Vec<Aim> {
    let mut aims = Vec::new();
    for run in &measured.runs {
        let find = |operation: &str, connections: usize| {
            run.together.phases.iter().find(|phase| phase.operation == operation && phase.connections == connections)
        };
        for connections in [32, 8, 1] {
            let floor = measured.floor.sum(&run.algorithm, connections, Tables::Product);
            if let (Some(phase), Some(floor)) = (find("exchange", connections), floor) {
                let ratio = phase.server_cpu_us / floor;
                let bare = measured.floor.sum(&run.algorithm, connections, Tables::Bare);
                let bare = bare
                    .map_or(String::new(), |bare| format!(", {:.2} in the barest tables", phase.server_cpu_us / bare));
                aims.push(Aim {
                    what: format!("CPU of an exchange over its floor, {}, {connections} connections", run.algorithm),
                    aim: "≤ 1.5".to_owned(),
                    measured: format!("{ratio:.2} ({:.0} of {floor:.0} µs{bare})", phase.server_cpu_us),
                    met: ratio <= 1.5,
                });
            }
        }
        if let (Some(few), Some(many), "ES256") = (find("exchange", 1), find("exchange", 32), run.algorithm.as_str()) {
            let ratio = many.rate / few.rate;
            aims.push(Aim {
                what: "rate of exchanges at 32 connections over that at 1, ES256".to_owned(),
                aim: "≥ 5".to_owned(),
                measured: format!("{ratio:.1}"),
                met: ratio >= 5.0,
            });
        }
        aims.extend(latency_aim(run, "p99 of an exchange at 8 connections", "≤ 4 ms", |setting| {
            let phase = setting.phases.iter().find(|phase| phase.operation == "exchange" && phase.connections == 8)?;
            Some((format!("{:.2} ms", phase.p99_ms), phase.p99_ms <= 4.0))
        }));
        for (connections, most) in [(1, 1.0), (8, 0.35), (32, 0.15)] {
            if let Some((phase, syncs)) =
                find("exchange", connections).and_then(|phase| Some((phase, phase.commit_syncs?)))
            {
                aims.push(Aim {
                    what: format!(
                        "disk syncs that an exchange waits for, {}, {connections} connections",
                        run.algorithm
                    ),
                    aim: format!("≤ {most}"),
                    measured: format!("{syncs:.2} (all syncs {:.2})", phase.syncs.unwrap_or(syncs)),
                    // The server's own writes, such as times of last use, are among them.
                    met: syncs <= most * 1.02,
                });
            }
        }
        if let Some(phase) = find("authorize", 32) {
            aims.push(Aim {
                what: format!("CPU of an authorization of somebody signed in, {}", run.algorithm),
                aim: "≤ 120 µs".to_owned(),
                measured: format!("{:.0} µs", phase.server_cpu_us),
                met: phase.server_cpu_us <= 120.0,
            });
        }
    }
    aims.extend(measured.runs.iter().flat_map(steady_aims));
    aims.extend(memory_aims(measured));
    aims
}

/// Latency is judged where server and client do not take each other's core, and said for both settings.
fn latency_aim(run: &Run, what: &str, aim: &str, measure: impl Fn(&Setting) -> Option<(String, bool)>) -> Option<Aim> {
    let (shared, is_met_shared) = measure(&run.together)?;
    let (measured, met) = match run.apart.as_ref().map(measure) {
        Some(apart) => {
            let (apart, met) = apart?;
            (format!("apart {apart}; on shared cores {shared}"), met)
        }
        None => (shared, is_met_shared),
    };
    Some(Aim { what: format!("{what}, {}", run.algorithm), aim: aim.to_owned(), measured, met })
}

fn steady_aims(run: &Run) -> Vec<Aim> {
    let mut aims = Vec::new();
    // Both figures of this ratio are of one setting, so each setting is judged by itself.
    for (cores, setting) in [("on shared cores", Some(&run.together)), ("apart", run.apart.as_ref())] {
        let Some(Setting { signing_in, .. }) = setting else { continue };
        let [alone, beside] = [&signing_in.alone, &signing_in.beside].map(|phase| phase.p99_ms);
        aims.push(Aim {
            what: format!("p99 of an exchange at 8 connections while four people sign in, {cores}, {}", run.algorithm),
            aim: "≤ 2 times that alone".to_owned(),
            measured: format!("{:.1} times ({beside:.2} to {alone:.2} ms)", beside / alone),
            met: beside <= 2.0 * alone,
        });
    }
    for operation in run.together.steady.iter().map(|phase| phase.operation) {
        let what = format!("p99 of {operation} at half of the top rate");
        aims.extend(latency_aim(run, &what, "< 10 times p50", |setting| {
            let phase = setting.steady.iter().find(|phase| phase.operation == operation)?;
            let Phase { p50_ms, p99_ms, rate, .. } = phase;
            let measured = format!("{:.1} times ({p99_ms:.2} to {p50_ms:.2} ms, {rate:.0} a second)", p99_ms / p50_ms);
            Some((measured, *p99_ms < 10.0 * p50_ms))
        }));
    }
    aims.push(Aim {
        what: format!("memory, the most in the load run with {}, sign-ins included", run.algorithm),
        aim: "< 60 MiB".to_owned(),
        measured: format!("{:.1} MiB", run.peak_mib),
        met: run.peak_mib < 60.0,
    });
    aims
}

/// Flat: after the first fifth, in which caches fill, it grows by less than a fiftieth of 60 MiB.
fn memory_aims(measured: &Measured) -> Vec<Aim> {
    let memory = &measured.memory;
    let fifth = memory.samples.get(memory.samples.len() / 5).map_or(0.0, |sample| sample.1);
    let last = memory.samples.last().map_or((0, 0.0), |&sample| sample);
    vec![
        Aim {
            what: format!("memory over {} exchanges, growth after the first fifth", last.0),
            aim: "flat (≤ 1.2 MiB)".to_owned(),
            measured: format!("{:+.1} MiB", last.1 - fifth),
            met: last.1 - fifth <= 1.2,
        },
        Aim {
            what: "memory, the most".to_owned(),
            aim: "< 60 MiB".to_owned(),
            measured: format!("{:.1} MiB", memory.peak_mib),
            met: memory.peak_mib < 60.0,
        },
    ]
}
