//! The write-ahead log: emptied into the file off the commit path, and never let grow for ever.
//!
//! A thread of its own copies the log's pages into the file while the writer goes on (a passive
//! checkpoint). Under steady writing it never quite catches up, and a log begins anew only when it
//! has. So at `Options::log_pages` the writer itself copies the little that is left, between two
//! batches; only when readers hold on to the log does it grow further, and at four times as many
//! pages the writer waits for them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use super::connection::{Connection, File};
use crate::{DbError, options::Counters};

/// How long the writer waits for readers to leave the log, below the hard bound.
const BRIEF: Duration = Duration::from_millis(20);

pub(super) struct Log {
    counters: Arc<Counters>,
    file: File,
    checkpointer: Option<(SyncSender<()>, JoinHandle<()>)>,
    /// Set by the thread when it has just copied all it could: little is left for the writer then.
    copied: Arc<AtomicBool>,
    /// Pages in the log when the thread was last woken.
    woken_at: u64,
}

impl Log {
    /// Starts the thread and follows the writer's commits.
    pub fn watch(file: &File, writer: &mut Connection, counters: &Arc<Counters>) -> Result<Self, DbError> {
        let connection = file.open_checkpointer()?;
        let (wake, woken) = sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let flag = copied.clone();
        let thread = Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(move || copy_when_woken(&connection, &woken, &flag))
            .map_err(|error| DbError::unavailable(format!("no thread for checkpoints: {error}")))?;
        let log = Log {
            counters: counters.clone(),
            file: file.clone(),
            checkpointer: Some((wake, thread)),
            copied,
            woken_at: 0,
        };
        log.follow(writer)?;
        Ok(log)
    }

    /// Learns the log's size from each commit of this connection.
    pub fn follow(&self, writer: &mut Connection) -> Result<(), DbError> {
        let counters = self.counters.clone();
        let hook = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            counters.log_pages.store(u64::from(pages.unsigned_abs()), Ordering::Relaxed);
            Ok(())
        };
        writer.raw.wal_hook(Some(hook)).map_err(|error| writer.error(error))
    }

    /// Between two batches: wakes the thread, or does the rest here where the log is too large.
    pub fn tend(&mut self, writer: &Connection) {
        let pages = self.counters.log_pages.load(Ordering::Relaxed);
        let options = &self.file.options;
        let bound = u64::from(options.log_pages);
        self.woken_at = self.woken_at.min(pages);
        let grown = pages - self.woken_at >= u64::from(options.checkpoint_pages);
        if pages >= bound && self.copied.swap(false, Ordering::Relaxed) {
            self.begin_anew(writer, BRIEF);
        } else if grown && pages >= 4 * bound {
            tracing::warn!(pages, "the log keeps growing: a reader or another process holds it");
            self.begin_anew(writer, options.busy_timeout);
        }
        if grown && let Some((wake, _)) = &self.checkpointer {
            self.woken_at = pages;
            // Full means that it is at work or about to be.
            let _ = wake.try_send(());
        }
    }

    /// Copies what is left of the log and lets the next commit begin it anew, when readers let go of
    /// it in time.
    fn begin_anew(&self, writer: &Connection, patience: Duration) {
        if let Err(error) = checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)", patience) {
            tracing::error!(%error, "the log cannot be emptied");
        }
        let _ = writer.raw.busy_timeout(self.file.options.busy_timeout);
    }

    /// Ends the thread, then moves the whole log into the file.
    pub fn finish(&mut self, writer: Connection) {
        if let Some((wake, thread)) = self.checkpointer.take() {
            drop(wake);
            let _ = thread.join();
        }
        if let Err(error) = checkpoint(&writer, "PRAGMA wal_checkpoint(TRUNCATE)", BRIEF) {
            tracing::warn!(%error, "the log stays beside the database; the next start reads it");
        }
        if let Err((_, error)) = writer.raw.close() {
            tracing::warn!(%error, "the database file was not closed in order");
        }
    }
}

fn copy_when_woken(connection: &Connection, woken: &Receiver<()>, copied: &AtomicBool) {
    while woken.recv().is_ok() {
        match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)", BRIEF) {
            Ok(()) => copied.store(true, Ordering::Relaxed),
            Err(error) => tracing::error!(%error, "the log cannot be copied in the background"),
        }
    }
}

/// Others in its way are no error: it does what it can.
fn checkpoint(connection: &Connection, sql: &str, patience: Duration) -> Result<(), DbError> {
    let run = || {
        connection.raw.busy_timeout(patience)?;
        connection.raw.prepare_cached(sql)?.query_row((), |_| Ok(()))
    };
    run().map_err(|error| connection.error(error))
}
