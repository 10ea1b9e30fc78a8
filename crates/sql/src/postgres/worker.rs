//! A thread with a connection: takes units, runs each in a transaction of its own.
//!
//! When the server is lost, a unit whose commit was not sent yet waits for another connection and runs again, for
//! `Options::outage_patience` at most, and so does what waits in the queue. An outage that has lasted longer is told to
//! callers at once, until a connection stands.

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Target, session::Session};
use crate::{
    DbError, Tx,
    db::Lanes,
    job::{Access, Job},
};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a unit that others were in the way of runs again, and how long it waits before the first time: for long enough
/// that whoever was let through has woken up, or on a busy machine it takes the same row away from them once more.
const MOST_CONTENDED: u32 = 4;
const LET_THROUGH: Duration = Duration::from_millis(10);

/// Whether the server can be reached: what all threads know together.
#[derive(Default)]
pub(super) struct Reach(Mutex<State>);

#[derive(Default)]
struct State {
    /// Threads that have a connection.
    connected: usize,
    /// When the last of them lost it.
    lost_at: Option<Instant>,
}

impl Reach {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether nobody has had a connection for so long.
    fn is_out(&self, patience: Duration) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.connected == 0 && state.lost_at.is_some_and(|at| at.elapsed() >= patience)
    }
}

pub(super) struct Worker {
    target: Arc<Target>,
    lanes: Lanes,
    reach: Arc<Reach>,
    patience: Duration,
    /// Whether this thread counts as one that has a connection.
    counted: Cell<bool>,
    /// Why there is none.
    failure: Cell<Option<DbError>>,
}

/// What is to be done about a unit that has failed, nothing of which was saved.
enum Again {
    /// Nothing: its outcome stands.
    No,
    /// Others were in its way.
    Here,
    /// The connection is lost.
    Elsewhere,
}

impl Worker {
    pub fn new(target: Arc<Target>, lanes: Lanes, reach: Arc<Reach>, patience: Duration) -> Self {
        Worker { target, lanes, reach, patience, counted: Cell::new(false), failure: Cell::new(None) }
    }

    /// Connects; what waits too long meanwhile is refused.
    pub fn connect(&self) -> Result<Session, DbError> {
        Session::connect(&self.target, Some(self.lanes.following.clone()), || self.refuse_overdue())
    }

    /// Serves the queue until it is closed and empty.
    pub fn run(&self, first: Option<Session>) {
        let mut session = first;
        while let Some(connected) = session.take().or_else(|| self.connect_patiently()) {
            self.gain();
            if self.serve(connected) {
                self.lose();
                return;
            }
            self.lose();
            count(&self.lanes.counters.reconnects);
        }
    }

    fn gain(&self) {
        if !self.counted.replace(true) {
            self.reach.change(|state| {
                state.connected += 1;
                state.lost_at = None;
            });
        }
    }

    fn lose(&self) {
        if self.counted.replace(false) {
            self.reach.change(|state| {
                state.connected -= 1;
                if state.connected == 0 {
                    state.lost_at = Some(Instant::now());
                }
            });
        }
    }

    /// While the outage lasts longer than anybody is asked to wait, nobody is.
    fn refuse_overdue(&self) {
        if self.reach.is_out(self.patience) {
            let why = self.failure.take().unwrap_or_else(|| DbError::unavailable("PostgreSQL does not answer"));
            self.lanes.writes.refuse_waiting(&why);
            self.failure.set(Some(why));
        }
    }

    /// Tries until it has a connection (`None`: closed meanwhile).
    fn connect_patiently(&self) -> Option<Session> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect() {
                Ok(session) => return Some(session),
                Err(error) => self.note(error),
            }
            if !self.pause(pause) {
                return None;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn note(&self, error: DbError) {
        tracing::warn!(%error, "no connection to PostgreSQL, trying again");
        self.failure.set(Some(error));
    }

    /// Sleeps without taking units; ends early (`false`) when the queue is closed.
    fn pause(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            self.refuse_overdue();
            let left = until.saturating_duration_since(Instant::now());
            if self.lanes.writes.is_closed() {
                // Whoever still waits hears why; where others have a connection, they serve them.
                if !self.reach.is_out(Duration::ZERO) {
                    return false;
                }
                self.lanes
                    .writes
                    .refuse_waiting(&DbError::unavailable("PostgreSQL is away, and this process is stopping"));
                return false;
            }
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(FIRST_PAUSE));
        }
    }

    /// Runs units until the queue is closed (`true`) or the connection is lost.
    fn serve(&self, mut session: Session) -> bool {
        let mut taken = VecDeque::with_capacity(1);
        while self.take(&mut session, &mut taken) {
            for mut job in taken.drain(..).filter(|job| !job.is_abandoned()) {
                self.carry_out(&mut session, &mut *job);
                job.answer();
            }
            if session.is_lost() {
                return false;
            }
        }
        session.close();
        true
    }

    fn take(&self, session: &mut Session, taken: &mut VecDeque<Box<dyn Job>>) -> bool {
        if self.lanes.writes.take_now(taken, 1) {
            return true;
        }
        session.settle();
        self.lanes.writes.take(taken, 1)
    }

    /// Runs the unit, again where that may help: a few times when others were in its way, and on other connections until its
    /// time is over.
    fn carry_out(&self, session: &mut Session, job: &mut dyn Job) {
        let until = Instant::now() + self.patience;
        let mut contended = 0;
        let is_lost = session.is_lost() || session.make_sure().is_err();
        if is_lost && !self.reconnect(session, until) {
            job.refuse(DbError::away("PostgreSQL does not answer"));
            return;
        }
        loop {
            match self.run_unit(session, job) {
                Again::No => return,
                Again::Here => {
                    contended += 1;
                    if contended > MOST_CONTENDED || !self.pause(LET_THROUGH * contended) {
                        return;
                    }
                }
                Again::Elsewhere => {
                    if !self.reconnect(session, until) {
                        return;
                    }
                }
            }
        }
    }

    /// Another connection for the unit in hand, if there is one in time.
    fn reconnect(&self, session: &mut Session, until: Instant) -> bool {
        self.lose();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect() {
                Ok(fresh) => {
                    *session = fresh;
                    self.gain();
                    count(&self.lanes.counters.reconnects);
                    return true;
                }
                Err(error) => self.note(error),
            }
            if Instant::now() + pause > until || self.reach.is_out(self.patience) || !self.pause(pause) {
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Runs the unit in a transaction.
    fn run_unit(&self, session: &mut Session, job: &mut dyn Job) -> Again {
        let counters = &self.lanes.counters;
        session.begin(job.access());
        let keep = job.run(&mut Tx::new(session));
        let ended = match (keep, job.access()) {
            (false, _) => {
                session.roll_back();
                Ok(())
            }
            (true, Access::Read) => session.commit_later(),
            (true, Access::Write) => session.commit().map(|()| count(&counters.commits)),
        };
        match job.access() {
            Access::Read => count(&counters.read_units),
            Access::Write => {
                count(&counters.batches);
                count(&counters.write_units);
            }
        }
        if keep && session.has_announced() {
            self.lanes.following.wait_until_heard();
        }
        let may_pass = match ended {
            Ok(()) => !keep,
            Err(error) => {
                let known = error != DbError::OutcomeUnknown;
                job.refuse(error);
                known
            }
        };
        match (may_pass && session.is_transient(), session.is_lost()) {
            (false, _) => Again::No,
            (true, false) => Again::Here,
            (true, true) => Again::Elsewhere,
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
