//! The load: so many calls over so many connections, and what each cost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Fallible;
use crate::deployment::{Target, Usage};
use crate::http::{Call, Connection, Reply};
use crate::process::CpuReading;

/// What was measured of one operation at one number of connections.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    /// What was called.
    pub operation: &'static str,
    /// How many connections called at once.
    pub connections: usize,
    /// How many calls there were.
    pub calls: usize,
    /// Calls a second.
    pub rate: f64,
    /// Half of the calls took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// Where calls come at a rate: of 99 of 100 calls this client knew no later that they were due. More than that is not
    /// the server's.
    pub late_p99_ms: Option<f64>,
    /// CPU time of the server for a call, in microseconds.
    pub server_cpu_us: f64,
    /// CPU time of the database for a call, where it has processes of its own.
    pub database_cpu_us: Option<f64>,
    /// CPU time of this client for a call: it takes turns with the server on the same cores.
    pub client_cpu_us: f64,
    /// Syncs of the disk for a call, where they can be counted.
    pub syncs: Option<f64>,
    /// Those that an answer waits for.
    pub commit_syncs: Option<f64>,
    /// The server's memory before and after, in MiB.
    pub memory_mib: [f64; 2],
    /// The most that the server held since its start, or since that was forgotten, in MiB.
    pub peak_mib: f64,
    /// The database's memory after, in MiB, where it has processes of its own.
    pub database_mib: Option<f64>,
}

/// An operation: how a job becomes a request, and what its answer gives.
pub struct Operation<J, T> {
    /// Its name in the table.
    pub name: &'static str,
    /// The request.
    pub call: Box<dyn Fn(&J) -> Fallible<Call>>,
    /// What is kept of the answer; an error ends the run.
    pub read: Box<dyn Fn(Reply) -> Fallible<T>>,
}

/// When calls are due, where they do not wait for one another.
struct Pace {
    begun: Instant,
    distance: Duration,
    /// One for each call that is due.
    due: Semaphore,
    /// How late each was found to be due, in nanoseconds.
    late: RefCell<Vec<u64>>,
}

impl Pace {
    /// Lets calls become due, one after the other. It asks for the time over and over, between what the connections do on
    /// the same thread: the runtime's timers know milliseconds only, and whoever sleeps for less is woken late.
    async fn keep(&self, calls: usize) -> Fallible<()> {
        for number in 0..calls {
            let due = self.due_at(number);
            while Instant::now() < due {
                tokio::task::yield_now().await;
            }
            self.late.borrow_mut().push(u64::try_from(due.elapsed().as_nanos())?);
            self.due.add_permits(1);
        }
        Ok(())
    }

    fn due_at(&self, number: usize) -> Instant {
        self.begun + self.distance.mul_f64(number as f64)
    }
}

struct Shared<J, T> {
    operation: Operation<J, T>,
    pace: Option<Rc<Pace>>,
    jobs: Vec<J>,
    next: Cell<usize>,
    results: RefCell<Vec<T>>,
    nanoseconds: RefCell<Vec<u64>>,
}

/// Calls once for each job, over `connections` connections spread over the target's nodes. Must run on a `LocalSet`.
///
/// # Errors
/// The first call that was not answered as the operation expects.
pub async fn run<J: 'static, T: 'static>(
    target: &Target,
    connections: usize,
    operation: Operation<J, T>,
    jobs: Vec<J>,
) -> Fallible<(Phase, Vec<T>)> {
    run_paced(target, connections, None, operation, jobs).await
}

/// Calls at a steady rate, whether or not earlier calls were answered; latency is counted from when a call was due.
/// Must run on a `LocalSet`.
///
/// # Errors
/// The first call that was not answered as the operation expects.
pub async fn run_at<J: 'static, T: 'static>(
    target: &Target,
    connections: usize,
    rate: f64,
    operation: Operation<J, T>,
    jobs: Vec<J>,
) -> Fallible<(Phase, Vec<T>)> {
    run_paced(target, connections, Some(Duration::from_secs_f64(1.0 / rate)), operation, jobs).await
}

async fn run_paced<J: 'static, T: 'static>(
    target: &Target,
    connections: usize,
    distance: Option<Duration>,
    operation: Operation<J, T>,
    jobs: Vec<J>,
) -> Fallible<(Phase, Vec<T>)> {
    let mut open = Vec::with_capacity(connections);
    for number in 0..connections {
        open.push(Connection::open(target.node(number)).await?);
    }
    let calls = jobs.len();
    let before = target.usage()?;
    let own_before = CpuReading::of(std::process::id())?;
    let started = Instant::now();
    let pace =
        distance.map(|distance| Pace { begun: started, distance, due: Semaphore::new(0), late: RefCell::default() });
    let pace = pace.map(Rc::new);
    let keeper = pace.clone().map(|pace| tokio::task::spawn_local(async move { pace.keep(calls).await }));
    let shared = Rc::new(Shared {
        operation,
        pace,
        jobs,
        next: Cell::new(0),
        results: RefCell::new(Vec::with_capacity(calls)),
        nanoseconds: RefCell::new(Vec::with_capacity(calls)),
    });
    let mut tasks = JoinSet::new();
    for connection in open {
        tasks.spawn_local(call_in_turn(connection, Rc::clone(&shared)));
    }
    // Connections stay open until all is read: a server with a thread for each must not lose what they used.
    let mut open = Vec::with_capacity(connections);
    while let Some(ended) = tasks.join_next().await {
        open.push(ended??);
    }
    let seconds = started.elapsed().as_secs_f64();
    if let Some(keeper) = keeper {
        keeper.await??;
    }
    let own = CpuReading::of(std::process::id())?.since(&own_before);
    let after = target.usage()?;
    drop(open);
    let times = Times { took: shared.nanoseconds.take(), late: shared.pace.as_ref().map(|pace| pace.late.take()) };
    let phase = phase(shared.operation.name, connections, seconds, times, own, &before, &after);
    Ok((phase, shared.results.take()))
}

async fn call_in_turn<J, T>(mut connection: Connection, shared: Rc<Shared<J, T>>) -> Fallible<Connection> {
    loop {
        let number = shared.next.replace(shared.next.get() + 1);
        let Some(job) = shared.jobs.get(number) else { return Ok(connection) };
        let call = (shared.operation.call)(job)?;
        let sent = match &shared.pace {
            Some(pace) => {
                pace.due.acquire().await?.forget();
                pace.due_at(number)
            }
            None => Instant::now(),
        };
        let reply = connection.send(call).await?;
        let took = u64::try_from(sent.elapsed().as_nanos())?;
        let result = (shared.operation.read)(reply)?;
        shared.nanoseconds.borrow_mut().push(took);
        shared.results.borrow_mut().push(result);
    }
}

/// In nanoseconds, of every call.
struct Times {
    took: Vec<u64>,
    /// Of calls that come at a rate.
    late: Option<Vec<u64>>,
}

/// The time, in milliseconds, that this share of them did not pass.
fn percentile(nanoseconds: &mut [u64], share: f64) -> f64 {
    nanoseconds.sort_unstable();
    let index = (nanoseconds.len().saturating_sub(1) as f64 * share).round() as usize;
    nanoseconds.get(index).map_or(0.0, |&ns| ns as f64 / 1e6)
}

fn phase(
    operation: &'static str,
    connections: usize,
    seconds: f64,
    mut times: Times,
    own_cpu_ns: u64,
    before: &Usage,
    after: &Usage,
) -> Phase {
    let calls = times.took.len();
    let each = |total: u64| total as f64 / calls.max(1) as f64;
    let mut at = |share: f64| percentile(&mut times.took, share);
    let syncs = before.syncs.zip(after.syncs);
    Phase {
        operation,
        connections,
        calls,
        rate: calls as f64 / seconds,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: at(1.0),
        late_p99_ms: times.late.as_mut().map(|late| percentile(late, 0.99)),
        server_cpu_us: each(after.cpu_since(before)) / 1e3,
        database_cpu_us: after.database_cpu_since(before).map(|total| each(total) / 1e3),
        client_cpu_us: each(own_cpu_ns) / 1e3,
        syncs: syncs.map(|(before, after)| each(after.all - before.all)),
        commit_syncs: syncs.map(|(before, after)| each(after.committing - before.committing)),
        memory_mib: [before.memory_mib(), after.memory_mib()],
        peak_mib: after.peak_mib(),
        database_mib: after.database_mib(),
    }
}
