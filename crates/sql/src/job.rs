//! Units of work in their bounded queue: from an async caller to the threads that own connections.

use std::{
    any::Any,
    collections::VecDeque,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{Builder, JoinHandle, available_parallelism},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{DbError, Tx};

/// What a unit may do to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A unit of work whose types are forgotten.
pub(crate) trait Job: Send {
    fn access(&self) -> Access;
    /// Whether its commit may wait for others while the backlog is long.
    fn is_patient(&self) -> bool;
    /// Whether its caller has gone away.
    fn is_abandoned(&self) -> bool;
    /// Runs the unit; `true` when it wants to be saved.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Replaces its outcome by an error.
    fn refuse(&mut self, error: DbError);
    /// Tells the caller the outcome.
    fn answer(self: Box<Self>);
}

pub(crate) struct Unit<T, E, F> {
    pub access: Access,
    pub is_patient: bool,
    pub run: F,
    pub outcome: Option<Result<T, E>>,
    pub caller: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Unit<T, E, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn access(&self) -> Access {
        self.access
    }

    fn is_patient(&self) -> bool {
        self.is_patient
    }

    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        // Nothing of the unit outlives a panic but what it captured, and that is only read (`Fn`).
        let outcome = match catch_unwind(AssertUnwindSafe(|| (self.run)(tx))) {
            Ok(Ok(_)) if tx.is_poisoned() => Err(E::from(DbError::Poisoned)),
            Ok(outcome) => outcome,
            Err(panic) => {
                tracing::error!(message = panic_message(&*panic), "a unit of work panicked");
                Err(E::from(DbError::Panicked))
            }
        };
        self.outcome.insert(outcome).is_ok()
    }

    fn refuse(&mut self, error: DbError) {
        self.outcome = Some(Err(E::from(error)));
    }

    fn answer(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            // A caller that has gone away misses nothing: what it asked for is done or refused.
            let _ = self.caller.send(outcome);
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A bounded queue between callers and the threads of a database.
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    capacity: usize,
    /// How many stand in the [`Backlog`](crate::Backlog), and how many are many.
    backlog: AtomicUsize,
    long_backlog: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    /// Threads that wait; a wake-up is a system call, so nobody is called when all are at work.
    idle: usize,
    /// The writer holds jobs and waits for more.
    gathering: bool,
    closed: bool,
}

impl State {
    fn drain(&mut self, batch: &mut VecDeque<Box<dyn Job>>, most: usize) -> bool {
        let count = self.jobs.len().min(most);
        batch.extend(self.jobs.drain(..count));
        count > 0
    }
}

impl Queue {
    pub fn new(capacity: usize) -> Self {
        Queue {
            state: Mutex::default(),
            ready: Condvar::new(),
            capacity,
            backlog: AtomicUsize::new(0),
            long_backlog: available_parallelism().map_or(1, NonZero::get),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        let mut state = self.state();
        if state.closed {
            return Err(DbError::unavailable("it has been closed, this process is stopping"));
        }
        if state.jobs.len() >= self.capacity {
            return Err(DbError::Busy);
        }
        let wake = state.idle > 0 || (state.gathering && !job.is_patient());
        state.jobs.push_back(job);
        drop(state);
        if wake {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Moves up to `most` jobs into `batch` without waiting; `false` when there are none.
    pub fn take_now(&self, batch: &mut VecDeque<Box<dyn Job>>, most: usize) -> bool {
        self.state().drain(batch, most)
    }

    /// As [`Queue::take`], but comes back without jobs after `patience`.
    pub fn take_within(&self, batch: &mut VecDeque<Box<dyn Job>>, most: usize, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !state.jobs.is_empty() || state.closed || left.is_zero() {
                return state.drain(batch, most) || !state.closed;
            }
            state.idle += 1;
            (state, _) = self.ready.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Waits for jobs and moves up to `most` of them into `batch`; `false` when the queue is closed
    /// and empty.
    pub fn take(&self, batch: &mut VecDeque<Box<dyn Job>>, most: usize) -> bool {
        let mut state = self.state();
        while state.jobs.is_empty() && !state.closed {
            state.idle += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        state.drain(batch, most)
    }

    /// Lets the jobs of a batch wait for more, `longest` at most, while all are patient and the backlog is long.
    pub fn gather(&self, batch: &mut VecDeque<Box<dyn Job>>, most: usize, longest: Duration) {
        let are_patient = |jobs: &VecDeque<Box<dyn Job>>| jobs.iter().all(|job| job.is_patient());
        if !self.has_long_backlog() || !are_patient(batch) {
            return;
        }
        let until = Instant::now() + longest;
        let mut state = self.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed || !self.has_long_backlog() || !are_patient(&state.jobs) {
                break;
            }
            state.gathering = true;
            (state, _) = self.ready.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state.gathering = false;
        }
        state.drain(batch, most.saturating_sub(batch.len()));
    }

    fn has_long_backlog(&self) -> bool {
        self.backlog() >= self.long_backlog
    }

    pub fn backlog(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }

    pub fn enter_backlog(&self) {
        self.backlog.fetch_add(1, Ordering::Relaxed);
    }

    pub fn leave_backlog(&self) {
        // Who looked before this holds the lock until it waits.
        if self.backlog.fetch_sub(1, Ordering::Relaxed) == self.long_backlog && self.state().gathering {
            self.ready.notify_one();
        }
    }

    /// Refuses what waits.
    pub fn refuse_waiting(&self, error: &DbError) {
        let mut refused = std::mem::take(&mut self.state().jobs);
        refuse_all(&mut refused, error);
    }

    pub fn close(&self) {
        self.state().closed = true;
        self.ready.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    pub fn len(&self) -> usize {
        self.state().jobs.len()
    }
}

pub(crate) fn refuse_all(jobs: &mut VecDeque<Box<dyn Job>>, error: &DbError) {
    for mut job in jobs.drain(..) {
        job.refuse(error.clone());
        job.answer();
    }
}

/// Starts a thread that serves the queue. Should it die, callers get errors instead of waiting.
pub(crate) fn spawn(
    name: &str,
    queue: &Arc<Queue>,
    serve: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, DbError> {
    let guard = CloseAtExit(queue.clone());
    let work = move || {
        let _guard = guard;
        serve();
    };
    let no_thread = |error| DbError::unavailable(format!("no thread for the database: {error}"));
    Builder::new().name(name.into()).spawn(work).map_err(no_thread)
}

struct CloseAtExit(Arc<Queue>);

impl Drop for CloseAtExit {
    fn drop(&mut self) {
        self.0.close();
        self.0.state().jobs.clear();
    }
}
