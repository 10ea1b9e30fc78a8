//! A thread with a connection: takes units, runs each in a transaction of its own.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
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
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Worker {
    target: Arc<Target>,
    lanes: Lanes,
    /// How many of the threads have a connection now.
    connected: Arc<AtomicUsize>,
}

impl Worker {
    pub fn new(target: Arc<Target>, lanes: Lanes, connected: Arc<AtomicUsize>) -> Self {
        Worker { target, lanes, connected }
    }

    pub fn connect(&self) -> Result<Session, DbError> {
        Session::connect(&self.target)
    }

    /// Serves the queue until it is closed and empty.
    pub fn run(&self, first: Option<Session>) {
        let mut session = first;
        while let Some(connected) = session.take().or_else(|| self.connect_patiently()) {
            self.connected.fetch_add(1, Ordering::Relaxed);
            let closed = self.serve(connected);
            self.connected.fetch_sub(1, Ordering::Relaxed);
            if closed {
                return;
            }
            self.lanes.counters.reconnects.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tries until it has a connection (`None`: closed meanwhile). While no thread has one, callers
    /// are refused at once with the reason; else the others serve them.
    fn connect_patiently(&self) -> Option<Session> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.connect() {
                Ok(session) => return Some(session),
                Err(error) => error,
            };
            tracing::warn!(%error, "no connection to PostgreSQL, trying again");
            let is_alone = || self.connected.load(Ordering::Relaxed) == 0;
            let open = if is_alone() {
                self.lanes.writes.refuse_until(Instant::now() + pause, &error, is_alone);
                !self.lanes.writes.is_closed()
            } else {
                self.lanes.writes.pause(pause)
            };
            if !open {
                return None;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Runs units until the queue is closed (`true`) or the connection is lost.
    fn serve(&self, mut session: Session) -> bool {
        let mut taken = VecDeque::with_capacity(1);
        while self.take(&mut session, &mut taken) {
            for mut job in taken.drain(..).filter(|job| !job.is_abandoned()) {
                if self.run_unit(&mut session, &mut *job) && self.is_fit(&mut session) {
                    self.run_unit(&mut session, &mut *job);
                }
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

    /// Whether the session can run a unit again, on a new connection when it has lost its own.
    fn is_fit(&self, session: &mut Session) -> bool {
        if session.is_lost() {
            match self.connect() {
                Ok(fresh) => *session = fresh,
                Err(_) => return false,
            }
            self.lanes.counters.reconnects.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Runs the unit in a transaction; `true` when it failed in a way that passes and nothing was
    /// saved.
    fn run_unit(&self, session: &mut Session, job: &mut dyn Job) -> bool {
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
        match ended {
            Ok(()) => !keep && session.is_transient(),
            Err(error) => {
                let known = error != DbError::OutcomeUnknown;
                job.refuse(error);
                known && session.is_transient()
            }
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
