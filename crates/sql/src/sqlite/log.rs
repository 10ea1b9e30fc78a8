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
        atomic::Ordering,
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
    /// Pages in the log when something was last done about it.
    tended: u64,
}

impl Log {
    /// Starts the thread and follows the writer's commits.
    pub fn watch(file: &File, writer: &mut Connection, counters: &Arc<Counters>) -> Result<Self, DbError> {
        let connection = file.open_checkpointer()?;
        let (wake, woken) = sync_channel(1);
        let thread = Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(move || empty_when_woken(&connection, &woken))
            .map_err(|error| DbError::unavailable(format!("no thread for checkpoints: {error}")))?;
        let log = Log { counters: counters.clone(), file: file.clone(), checkpointer: Some((wake, thread)), tended: 0 };
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
        self.tended = self.tended.min(pages);
        if pages - self.tended < u64::from(options.checkpoint_pages) {
            return;
        }
        self.tended = pages;
        let bound = u64::from(options.log_pages);
        if pages < bound {
            if let Some((wake, _)) = &self.checkpointer {
                // Full means that it is at work or about to be.
                let _ = wake.try_send(());
            }
            return;
        }
        let patience = if pages < 4 * bound { BRIEF } else { options.busy_timeout };
        match checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)", patience) {
            Ok(true) => {}
            Ok(false) if pages < 4 * bound => {}
            Ok(false) => tracing::warn!(pages, "the log keeps growing: a reader or another process holds it"),
            Err(error) => tracing::error!(%error, pages, "the log cannot be emptied"),
        }
        let _ = writer.raw.busy_timeout(options.busy_timeout);
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

fn empty_when_woken(connection: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(error) = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)", BRIEF) {
            tracing::error!(%error, "the log cannot be emptied in the background");
        }
    }
}

/// Whether the checkpoint did all that it wanted; others in its way are no error.
fn checkpoint(connection: &Connection, sql: &str, patience: Duration) -> Result<bool, DbError> {
    let run = || {
        connection.raw.busy_timeout(patience)?;
        connection.raw.prepare_cached(sql)?.query_row((), |row| row.get::<_, i64>(0))
    };
    run().map(|busy| busy == 0).map_err(|error| connection.error(error))
}
