//! The handle that the rest of the program holds.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
};

use tokio::sync::oneshot;

use crate::{
    Backlog, DatabaseUrl, DbError, Follower, Options, Statement, Stats, Tx,
    follow::Following,
    job::{Access, Queue, Unit},
    options::Counters,
    params, postgres, sqlite,
};

/// Which database engine is behind a [`Db`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one file.
    Sqlite,
    /// A server.
    Postgres,
}

/// An open database; clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    url: DatabaseUrl,
    options: Options,
    lanes: Lanes,
    threads: Mutex<Threads>,
}

/// A database's threads; readers end first, so that the writer finds the log free.
#[derive(Default)]
pub(crate) struct Threads {
    pub readers: Vec<JoinHandle<()>>,
    pub writers: Vec<JoinHandle<()>>,
}

/// What a database's threads share with its handle. On PostgreSQL both queues are the same.
#[derive(Clone)]
pub(crate) struct Lanes {
    pub reads: Arc<Queue>,
    pub writes: Arc<Queue>,
    pub counters: Arc<Counters>,
    pub following: Arc<Following>,
}

impl Lanes {
    fn close(&self) {
        self.following.close_fences();
        self.reads.close();
        self.writes.close();
    }
}

impl Db {
    /// Opens the database and proves that it answers. SQLite: the file is made when it is missing
    /// (mode 0600), its folder is not.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] or [`DbError::Broken`] with what is wrong and what to do.
    pub async fn open(url: &DatabaseUrl, options: Options) -> Result<Db, DbError> {
        let queue = || Arc::new(Queue::new(options.queue_capacity));
        let reads = queue();
        let writes = match url {
            DatabaseUrl::Sqlite(_) => queue(),
            DatabaseUrl::Postgres(_) => reads.clone(),
        };
        let lanes = Lanes { reads, writes, counters: Arc::default(), following: Arc::default() };
        let threads = match url {
            DatabaseUrl::Sqlite(path) => sqlite::start(path, &options, &lanes).await,
            DatabaseUrl::Postgres(url) => postgres::start(url, &options, &lanes).await,
        };
        // The threads that have started end with their queues.
        let threads = threads.inspect_err(|_| lanes.close())?;
        Ok(Db(Arc::new(Inner { url: url.clone(), options, lanes, threads: Mutex::new(threads) })))
    }

    /// Lets a follower hear what triggers announce, in this process and in every other one, and answers when it has
    /// loaded. There is one follower at most. Needs [`Db::migrate`] to have run.
    ///
    /// # Errors
    /// When the follower could not load, or there is one already.
    pub async fn follow(&self, follower: Arc<dyn Follower>) -> Result<(), DbError> {
        let Inner { url, options, lanes, threads } = &*self.0;
        if !lanes.following.begin(follower) {
            return Err(DbError::Broken("somebody follows this database already".into()));
        }
        match url {
            // The writer looks whether somebody follows before it runs a unit.
            DatabaseUrl::Sqlite(_) => self.write(|_| Ok::<_, DbError>(())).await?,
            DatabaseUrl::Postgres(url) => {
                let listener = postgres::listen(url, options, lanes).await?;
                threads.lock().unwrap_or_else(PoisonError::into_inner).readers.push(listener);
                // It has loaded; or nothing comes through, which was logged, and the database is asked instead.
                return Ok(());
            }
        }
        match self.hears() {
            true => Ok(()),
            false => Err(DbError::unavailable("what it announces cannot be followed: the log says why")),
        }
    }

    /// Whether the follower has heard everything that was committed more than [`FRESHNESS`](crate::FRESHNESS) ago, and
    /// everything that this process has committed and answered. If not, ask the database itself.
    pub fn hears(&self) -> bool {
        self.0.lanes.following.is_fresh()
    }

    /// Runs a unit that only reads, in a read-only transaction: it sees one moment of the database.
    /// The unit may run twice.
    ///
    /// # Errors
    /// The unit's own, and any [`DbError`].
    pub async fn read<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.submit(Access::Read, false, unit).await
    }

    /// Runs a unit that writes. `Ok` is answered when it is durable; at `Err` nothing of it was
    /// saved (but for [`DbError::OutcomeUnknown`]). The unit may run twice, so ids, secrets and times
    /// are minted before. A caller that stops waiting before the unit's turn takes it back.
    ///
    /// # Errors
    /// The unit's own, and any [`DbError`].
    pub async fn write<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.submit(Access::Write, false, unit).await
    }

    /// As [`Db::write`], for a unit whose answer then waits in the [`Backlog`] of this database. On SQLite its commit waits
    /// for others to share it, a few milliseconds at most, while the backlog is so long that nobody loses by it.
    ///
    /// # Errors
    /// As there.
    pub async fn write_patiently<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.submit(Access::Write, true, unit).await
    }

    /// Where those stand who wait for what follows their commit.
    pub fn backlog(&self) -> Backlog {
        Backlog::new(Arc::clone(&self.0.lanes.writes))
    }

    async fn submit<T, E, F>(&self, access: Access, is_patient: bool, run: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let queue = match access {
            Access::Read => &self.0.lanes.reads,
            Access::Write => &self.0.lanes.writes,
        };
        queue.push(Box::new(Unit { access, is_patient, run, outcome: None, caller }))?;
        // No answer at all: the thread died with the unit in its hands.
        answer.await.unwrap_or_else(|_| Err(E::from(DbError::OutcomeUnknown)))
    }

    /// Writes one row and waits until it is durable, at most `Options::probe_timeout`: the whole
    /// path that a request takes. Needs [`Db::migrate`] to have run.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when no answer came in time, or what the write failed with.
    pub async fn probe(&self) -> Result<(), DbError> {
        const PROBE: Statement = Statement::new("PROBE", "UPDATE database_probe SET probes = probes + 1 WHERE id = $1");
        let write = self.write(|tx| match tx.execute(&PROBE, params![1_i64])? {
            1 => Ok(()),
            _ => Err(DbError::Broken("database_probe has lost its row".into())),
        });
        let limit = self.0.options.probe_timeout;
        let late = |_| DbError::unavailable(format!("a write took longer than {limit:?}"));
        tokio::time::timeout(limit, write).await.map_err(late)?
    }

    /// The engine behind this handle.
    pub fn engine(&self) -> Engine {
        match self.0.url {
            DatabaseUrl::Sqlite(_) => Engine::Sqlite,
            DatabaseUrl::Postgres(_) => Engine::Postgres,
        }
    }

    /// What has happened since the database was opened.
    pub fn stats(&self) -> Stats {
        let Lanes { reads, writes, counters, .. } = &self.0.lanes;
        Stats {
            queued_writes: writes.len() as u64,
            queued_reads: reads.len() as u64,
            read_units: counters.read_units.load(Ordering::Relaxed),
            write_units: counters.write_units.load(Ordering::Relaxed),
            batches: counters.batches.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
            log_pages: counters.log_pages.load(Ordering::Relaxed),
            reconnects: counters.reconnects.load(Ordering::Relaxed),
        }
    }

    /// Finishes the units that wait, refuses new ones, moves SQLite's log into its file and closes.
    pub async fn close(&self) {
        let db = self.clone();
        let closed = tokio::task::spawn_blocking(move || {
            let Inner { lanes, threads, .. } = &*db.0;
            let Threads { readers, writers } =
                std::mem::take(&mut *threads.lock().unwrap_or_else(PoisonError::into_inner));
            lanes.following.close_fences();
            lanes.reads.close();
            readers.into_iter().for_each(join);
            lanes.writes.close();
            writers.into_iter().for_each(join);
        });
        if closed.await.is_err() {
            tracing::error!("the database could not be closed in order");
        }
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a database thread had panicked");
    }
}

/// Without [`Db::close`] the threads still end, when the last handle is gone and their work is done.
impl Drop for Inner {
    fn drop(&mut self) {
        self.lanes.close();
    }
}
