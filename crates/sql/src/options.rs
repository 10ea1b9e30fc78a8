//! Bounds and figures of a database.

use std::{num::NonZero, sync::atomic::AtomicU64, thread::available_parallelism, time::Duration};

/// How a database is used. Every bound has a default that suits one busy server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Units that may wait in a queue; one more is [`DbError::Busy`](crate::DbError::Busy).
    pub queue_capacity: usize,
    /// SQLite: units that share one commit.
    pub batch: usize,
    /// SQLite: the longest that units which may ([`Db::write_patiently`](crate::Db::write_patiently)) wait for others to
    /// share their commit.
    pub gathering: Duration,
    /// SQLite: threads that read.
    pub readers: usize,
    /// SQLite: how long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// SQLite: pages in the log at which a checkpoint starts in the background.
    pub checkpoint_pages: u32,
    /// SQLite: pages in the log at which the writer stops for a moment to begin the log anew; at
    /// four times as many it stops for up to `busy_timeout`.
    pub log_pages: u32,
    /// PostgreSQL: connections, a thread each.
    pub connections: usize,
    /// PostgreSQL: how long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long one statement may take (SQLite: one unit); a migration may take longer.
    pub statement_timeout: Duration,
    /// PostgreSQL: how long units wait for a lost database to come back before they are refused. While it stays away the
    /// next ones are refused at once.
    pub outage_patience: Duration,
    /// PostgreSQL: how long a statement waits for another transaction's lock.
    pub lock_timeout: Duration,
    /// How long [`Db::probe`](crate::Db::probe) waits.
    pub probe_timeout: Duration,
    /// PostgreSQL: shown in `pg_stat_activity`.
    pub application_name: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            queue_capacity: 1024,
            batch: 128,
            gathering: Duration::from_millis(5),
            readers: available_parallelism().map_or(2, NonZero::get).clamp(2, 8),
            busy_timeout: Duration::from_secs(5),
            checkpoint_pages: 1_000,
            log_pages: 4_000,
            connections: 16,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            outage_patience: Duration::from_secs(3),
            lock_timeout: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(2),
            application_name: "jiomeet-oauth".to_owned(),
        }
    }
}

/// What a database has done since it was opened, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Units that wait to write (on PostgreSQL: to read or write).
    pub queued_writes: u64,
    /// Units that wait to read.
    pub queued_reads: u64,
    /// Units that have read.
    pub read_units: u64,
    /// Units that have written or were refused.
    pub write_units: u64,
    /// Transactions begun to write; on SQLite one carries many units.
    pub batches: u64,
    /// Commits that succeeded: on SQLite at most one sync of the disk each.
    pub commits: u64,
    /// SQLite: pages in the log. Larger than `Options::log_pages` for long: something reads forever.
    pub log_pages: u64,
    /// Connections that were opened again after a failure.
    pub reconnects: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub read_units: AtomicU64,
    pub write_units: AtomicU64,
    pub batches: AtomicU64,
    pub commits: AtomicU64,
    pub log_pages: AtomicU64,
    pub reconnects: AtomicU64,
}
