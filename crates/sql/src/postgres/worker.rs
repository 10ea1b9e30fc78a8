//! A thread with a connection: takes units, runs each in a transaction of its own.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::runtime;

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
        let no_runtime = |error| DbError::unavailable(format!("no event loop for a connection: {error}"));
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
        let limit = self.target.connect_timeout;
        let late = |_| DbError::unavailable(format!("PostgreSQL did not answer within {limit:?}"));
        let client =
            runtime.block_on(async { tokio::time::timeout(limit, self.target.connect()).await.map_err(late)? })?;
        Ok(Session::new(runtime, client, self.target.statement_timeout))
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
            let open = if self.connected.load(Ordering::Relaxed) == 0 {
                self.lanes.writes.refuse_until(Instant::now() + pause, &error);
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
        loop {
            if self.lanes.writes.len() == 0 {
                session.settle();
            }
            if !self.lanes.writes.take(&mut taken, 1) {
                session.close();
                return true;
            }
            while let Some(mut job) = taken.pop_front() {
                if job.is_abandoned() {
                    continue;
                }
                let mut again = run_unit(&mut session, &mut *job);
                if again && session.is_lost() {
                    match self.connect() {
                        Ok(fresh) => {
                            session = fresh;
                            self.lanes.counters.reconnects.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(_) => again = false,
                    }
                }
                if again {
                    run_unit(&mut session, &mut *job);
                }
                self.count(job.access());
                job.answer();
            }
            if session.is_lost() {
                return false;
            }
        }
    }

    fn count(&self, access: Access) {
        let counters = &self.lanes.counters;
        match access {
            Access::Read => counters.read_units.fetch_add(1, Ordering::Relaxed),
            Access::Write => {
                counters.batches.fetch_add(1, Ordering::Relaxed);
                counters.write_units.fetch_add(1, Ordering::Relaxed)
            }
        };
    }
}

/// Runs the unit in a transaction; `true` when it failed in a way that passes and nothing was saved.
fn run_unit(session: &mut Session, job: &mut dyn Job) -> bool {
    session.begin(job.access());
    if !job.run(&mut Tx::new(session)) {
        session.roll_back();
        return session.is_transient();
    }
    let ended = match job.access() {
        Access::Read => session.commit_later(),
        Access::Write => session.commit(),
    };
    match ended {
        Ok(()) => false,
        Err(error) => {
            let known = error != DbError::OutcomeUnknown;
            job.refuse(error);
            known && session.is_transient()
        }
    }
}
