//! The one thread that writes: what waits shares a commit.

use std::{collections::VecDeque, sync::atomic::Ordering};

use super::{
    connection::{Connection, File},
    ear::Ear,
    log::Log,
};
use crate::{
    DbError, Tx,
    db::Lanes,
    follow::LOOK_INTERVAL,
    job::{Job, refuse_all},
};

pub(super) struct Writer {
    file: File,
    lanes: Lanes,
    log: Log,
    ear: Ear,
    /// Units that have run and wait for the commit.
    done: Vec<Box<dyn Job>>,
}

impl Writer {
    pub fn open(file: File, lanes: Lanes) -> Result<(Self, Connection), DbError> {
        file.make()?;
        let mut connection = file.open_writer()?;
        let log = Log::watch(&file, &mut connection, &lanes.counters)?;
        let ear = Ear::new(&lanes.following, &mut connection)?;
        Ok((Writer { file, lanes, log, ear, done: Vec::new() }, connection))
    }

    /// Serves the queue until it is closed and empty.
    pub fn run(mut self, mut connection: Connection) {
        let mut batch = VecDeque::new();
        while self.take(&mut batch) {
            match self.renew(&mut connection) {
                Ok(()) => self.ear.listen(&connection),
                Err(error) => {
                    self.lanes.following.distrust();
                    refuse_all(&mut batch, &error);
                }
            }
            while !batch.is_empty() {
                if let Err(error) = self.renew(&mut connection) {
                    refuse_all(&mut batch, &error);
                    break;
                }
                self.transaction(&connection, &mut batch);
            }
            self.log.tend(&connection);
        }
        self.log.finish(connection);
    }

    /// Waits for units; where somebody follows, not for long without a look at what other processes have committed.
    fn take(&self, batch: &mut VecDeque<Box<dyn Job>>) -> bool {
        let most = self.file.options.batch;
        let is_open = match self.ear.is_open() {
            true => self.lanes.writes.take_within(batch, most, LOOK_INTERVAL),
            false => self.lanes.writes.take(batch, most),
        };
        if !batch.is_empty() {
            self.lanes.writes.gather(batch, most, self.file.options.gathering);
        }
        is_open
    }

    /// After a failure of the disk nothing that the connection remembers is believed: a new one.
    fn renew(&mut self, connection: &mut Connection) -> Result<(), DbError> {
        if !connection.is_suspect() {
            return Ok(());
        }
        let mut fresh = self.file.open_writer()?;
        self.log.follow(&mut fresh)?;
        self.ear.move_to(&mut fresh)?;
        *connection = fresh;
        tracing::warn!("the database was opened again after a failure of its disk");
        self.lanes.counters.reconnects.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Runs the units of the batch, commits, then answers them.
    ///
    /// A savepoint around each would let SQLite undo one alone, and copy every page that any of them changes. Units
    /// that have to be undone are rare, and all of them may run twice: so they run without savepoints first.
    fn transaction(&mut self, connection: &Connection, batch: &mut VecDeque<Box<dyn Job>>) {
        self.lanes.counters.batches.fetch_add(1, Ordering::Relaxed);
        if !self.attempt(connection, batch, run_bare) {
            self.attempt(connection, batch, run_in_savepoint);
        }
    }

    /// One transaction. Where it falls as a whole (a full disk), the units that had run are refused and the rest
    /// stays in the batch for another one. Where a unit has to be undone that can't be undone alone, nothing has
    /// happened: every unit is in the batch again, and the answer is `false`.
    fn attempt(&mut self, connection: &Connection, batch: &mut VecDeque<Box<dyn Job>>, run: Run) -> bool {
        if let Err(error) = connection.control("BEGIN IMMEDIATE") {
            refuse_all(batch, &error);
            return true;
        }
        while let Some(mut job) = batch.pop_front() {
            if job.is_abandoned() {
                continue;
            }
            let ran = run(connection, &mut *job);
            self.done.push(job);
            match ran {
                Ok(Ran::InOrder) => {}
                Ok(Ran::ToUndo) => return self.undo(connection, batch),
                Err(error) => {
                    self.fail(connection, &error);
                    return true;
                }
            }
        }
        self.commit(connection);
        true
    }

    fn undo(&mut self, connection: &Connection, batch: &mut VecDeque<Box<dyn Job>>) -> bool {
        if let Err(error) = connection.control("ROLLBACK") {
            self.fail(connection, &error);
            return true;
        }
        if self.done.len() == 1 {
            // It was the first: it is undone alone, and its outcome stands.
            self.answer();
            return true;
        }
        while let Some(job) = self.done.pop() {
            batch.push_front(job);
        }
        false
    }

    fn commit(&mut self, connection: &Connection) {
        match connection.control("COMMIT") {
            Ok(()) if connection.is_autocommit() => {
                self.lanes.counters.commits.fetch_add(1, Ordering::Relaxed);
                self.ear.listen_to_own(connection);
                self.answer();
            }
            Ok(()) => self.fail(connection, &DbError::Broken("COMMIT left its transaction open".into())),
            // The disk failed while the log was written or synced: the units may survive in it.
            Err(error) if connection.is_suspect() => {
                tracing::error!(%error, "a commit failed, its outcome is unknown");
                self.fail(connection, &DbError::OutcomeUnknown);
            }
            Err(error) => self.fail(connection, &error),
        }
    }

    /// Refuses every unit of the transaction: what one of them saw of another never happened.
    fn fail(&mut self, connection: &Connection, error: &DbError) {
        if !connection.is_autocommit() && connection.control("ROLLBACK").is_err() {
            connection.mark_suspect();
        }
        for job in &mut self.done {
            job.refuse(error.clone());
        }
        self.answer();
    }

    fn answer(&mut self) {
        self.lanes.counters.write_units.fetch_add(self.done.len() as u64, Ordering::Relaxed);
        for job in self.done.drain(..) {
            job.answer();
        }
    }
}

/// How a unit is run. `Err` means that the whole transaction is lost.
type Run = fn(&Connection, &mut dyn Job) -> Result<Ran, DbError>;

enum Ran {
    /// What it wrote is to be saved, or it wrote nothing.
    InOrder,
    /// It wrote something that must not be saved.
    ToUndo,
}

/// Runs a unit among others, nothing between them.
fn run_bare(connection: &Connection, job: &mut dyn Job) -> Result<Ran, DbError> {
    let mut session = connection.session();
    let mut tx = Tx::new(&mut session);
    let keep = job.run(&mut tx);
    if connection.is_autocommit() {
        let ended = || DbError::Broken("a unit of work ended the transaction itself".into());
        return Err(tx.into_failure().unwrap_or_else(ended));
    }
    Ok(if keep || !connection.has_written() { Ran::InOrder } else { Ran::ToUndo })
}

/// Runs a unit in a savepoint of its own.
fn run_in_savepoint(connection: &Connection, job: &mut dyn Job) -> Result<Ran, DbError> {
    connection.control("SAVEPOINT unit")?;
    if let Ran::ToUndo = run_bare(connection, job)? {
        connection.control("ROLLBACK TO unit")?;
    }
    connection.control("RELEASE unit")?;
    Ok(Ran::InOrder)
}
