//! The floor: what one signature, one SQL unit and one HTTP echo cost, each measured apart. An exchange must pay all
//! three; what it costs beyond their sum is ours to save.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use http::HeaderValue;
use serde::Serialize;

use crate::Fallible;
use crate::calls;
use crate::deployment::Target;
use crate::load;
use crate::plan::Sizes;
use crate::process::CpuReading;
use crate::unit::Tables;
use crate::worker::{Done, Task};

/// One part of the floor.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// What was done.
    pub what: String,
    /// How many did it at once.
    pub callers: usize,
    /// CPU time for each, in microseconds.
    pub cpu_us: f64,
    /// How many a second.
    pub rate: f64,
}

/// The whole floor.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Floor {
    /// A signature of each algorithm.
    pub signatures: Vec<Part>,
    /// A look-up, a claim and an insert, durable, in the product's tables, by so many callers.
    pub units: Vec<Part>,
    /// The same in the barest of tables.
    pub bare_units: Vec<Part>,
    /// An echo over so many connections.
    pub echoes: Vec<Part>,
    /// Appending and syncing 4 KiB to a file beside the database: half of the times, in microseconds.
    pub sync_us: f64,
}

impl Floor {
    /// CPU of signature, unit and echo together for that algorithm and number of callers, in microseconds.
    pub fn sum(&self, algorithm: &str, callers: usize, tables: Tables) -> Option<f64> {
        let at = |parts: &[Part]| parts.iter().find(|part| part.callers == callers).map(|part| part.cpu_us);
        let signature = self.signatures.iter().find(|part| part.what == algorithm)?.cpu_us;
        let units = if tables == Tables::Product { &self.units } else { &self.bare_units };
        Some(signature + at(units)? + at(&self.echoes)?)
    }

    /// Measures all of it; the databases are empty ones of the engine that the server will use, for the product's
    /// tables and for the barest. Must run on a `LocalSet`.
    pub async fn measure(sizes: &Sizes, folder: &Path, product: String, bare: Option<String>) -> Fallible<Floor> {
        let sync = Task::Sync(folder.join("sync"), sizes.syncs);
        let mut floor = Floor { sync_us: Worker::start()?.ask(&sync)?.p50_us.unwrap_or(0.0), ..Floor::default() };
        for &(algorithm, count) in &sizes.signatures {
            let mut worker = Worker::start()?;
            worker.ask(&Task::MakeKey(algorithm.to_owned()))?;
            worker.ask(&Task::Sign(count / 10))?;
            let mut measure = || worker.measure(algorithm, 1, count, &Task::Sign(count));
            floor.signatures.push(least(sizes.rounds, &mut measure)?);
        }
        floor.units = measure_units(sizes, Tables::Product, product)?;
        if let Some(bare) = bare {
            floor.bare_units = measure_units(sizes, Tables::Bare, bare)?;
        }
        floor.echoes = measure_echoes(sizes).await?;
        Ok(floor)
    }
}

/// The round that cost the least CPU.
fn least(rounds: usize, measure: &mut dyn FnMut() -> Fallible<Part>) -> Fallible<Part> {
    let mut best = measure()?;
    for _ in 1..rounds {
        let part = measure()?;
        if part.cpu_us < best.cpu_us {
            best = part;
        }
    }
    Ok(best)
}

fn measure_units(sizes: &Sizes, tables: Tables, database_url: String) -> Fallible<Vec<Part>> {
    let mut worker = Worker::start()?;
    let all: u64 = sizes.calls.iter().map(|&(_, calls)| (calls * sizes.rounds) as u64).sum();
    worker.ask(&Task::Fill(database_url, all + 1_000, tables))?;
    worker.ask(&Task::Units(1_000, 8))?;
    let each = sizes.calls.iter().map(|&(callers, calls)| (callers, calls as u64));
    let mut measure = |callers, calls| worker.measure("unit", callers, calls, &Task::Units(calls, callers));
    each.map(|(callers, calls)| least(sizes.rounds, &mut || measure(callers, calls))).collect()
}

async fn measure_echoes(sizes: &Sizes) -> Fallible<Vec<Part>> {
    let mut worker = Worker::start()?;
    let address = worker.ask(&Task::Echo)?.address.ok_or("the echo has no address")?;
    let target = Target { nodes: vec![address], pids: vec![worker.child.id()], database: None, syncs: None };
    let host = HeaderValue::from_str(&address.to_string())?;
    load::run(&target, 8, calls::echo(host.clone()), vec![(); 1_000]).await?;
    let mut echoes = Vec::new();
    for &(connections, calls) in &sizes.calls {
        // An echo is quick: enough of them to outlast the noise.
        let mut rounds = Vec::new();
        for _ in 0..sizes.rounds {
            let (phase, _) = load::run(&target, connections, calls::echo(host.clone()), vec![(); 2 * calls]).await?;
            let what = phase.operation.to_owned();
            rounds.push(Part { what, callers: connections, cpu_us: phase.server_cpu_us, rate: phase.rate });
        }
        let mut rounds = rounds.into_iter();
        echoes.push(least(sizes.rounds, &mut || rounds.next().ok_or_else(|| "an echo without a round".into()))?);
    }
    Ok(echoes)
}

/// A worker process; stopped when dropped.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start() -> Fallible<Worker> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("a worker without input")?;
        let output = BufReader::new(child.stdout.take().ok_or("a worker without output")?);
        Ok(Worker { child, input, output })
    }

    fn ask(&mut self, task: &Task) -> Fallible<Done> {
        writeln!(self.input, "{}", serde_json::to_string(task)?)?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|error| format!("a worker failed at {task:?}: {error}").into())
    }

    fn measure(&mut self, what: &str, callers: usize, count: u64, task: &Task) -> Fallible<Part> {
        let before = CpuReading::of(self.child.id())?;
        let done = self.ask(task)?;
        let used = CpuReading::of(self.child.id())?.since(&before);
        let each = count.max(1) as f64;
        Ok(Part { what: what.to_owned(), callers, cpu_us: used as f64 / each / 1e3, rate: each / done.seconds })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
