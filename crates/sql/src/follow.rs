//! What a database tells of itself: announcements, and who follows them.
//!
//! A trigger announces a subject, a short text that says which rows have changed, with what it announces in one
//! transaction: `INSERT INTO announcements (subject) VALUES (…)` on SQLite, `PERFORM announce(…)` on PostgreSQL. Whoever
//! keeps something of those rows in memory follows the announcements of every process:
//!
//! - A unit of this process that announces something is answered only when that has been heard.
//! - Other processes are heard within moments. SQLite's writer looks at `PRAGMA data_version` before each batch and a few
//!   times a second; PostgreSQL notifies a connection that listens.
//! - The database is asked again and again whether there is more. [`Db::hears`](crate::Db::hears) says whether its last
//!   answer is younger than [`FRESHNESS`]: only then may what is in memory be used instead of the database.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{DbError, Tx};

/// How old the database's last answer may be for what was heard to count as all there is.
pub const FRESHNESS: Duration = Duration::from_secs(1);

/// How often SQLite's writer looks for other processes' commits when it has nothing else to do.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// How often PostgreSQL is asked whether the listening connection stands.
pub(crate) const ASK_INTERVAL: Duration = Duration::from_millis(300);

/// Keeps something of the database in memory. Its functions run on a thread of the database, one at a time, in a
/// transaction that only reads.
pub trait Follower: Send + Sync + 'static {
    /// Takes over everything: at the start, and whenever something may have been missed.
    ///
    /// # Errors
    /// The database's. It is called again.
    fn load(&self, tx: &mut Tx<'_>) -> Result<(), DbError>;

    /// Reads again what was announced, each subject once.
    ///
    /// # Errors
    /// The database's. [`Follower::load`] is called then.
    fn hear(&self, tx: &mut Tx<'_>, subjects: &BTreeSet<String>) -> Result<(), DbError>;
}

/// What is answered when everything that was committed before the question has been heard. Dropped where nobody listens.
pub(crate) type Fence = mpsc::SyncSender<()>;

/// Who follows, and how well.
pub(crate) struct Following {
    follower: OnceLock<Arc<dyn Follower>>,
    start: Instant,
    /// Milliseconds after `start` at which the database was asked the last question that it has answered, and one more;
    /// 0 when what was heard is not to be used.
    asked: AtomicU64,
    /// Milliseconds after `start` at which the connection that listens was last found lost, and one more; 0 before.
    disturbed: AtomicU64,
    /// Milliseconds after `start` at which the database last gave any sign of life to who listens, and one more; 0 before.
    alive: AtomicU64,
    fences: Mutex<Option<UnboundedSender<Fence>>>,
}

impl Default for Following {
    fn default() -> Self {
        Following {
            follower: OnceLock::new(),
            start: Instant::now(),
            asked: AtomicU64::new(0),
            alive: AtomicU64::new(0),
            disturbed: AtomicU64::new(0),
            fences: Mutex::default(),
        }
    }
}

impl Following {
    /// Takes the follower; `false` when there is one already.
    pub fn begin(&self, follower: Arc<dyn Follower>) -> bool {
        self.follower.set(follower).is_ok()
    }

    pub fn follower(&self) -> Option<&dyn Follower> {
        self.follower.get().map(|follower| &**follower)
    }

    /// Everything that was committed before `asked` has been heard.
    pub fn confirm(&self, asked: Instant) {
        self.asked.store(self.millis(asked) + 1, Ordering::Release);
        self.note_life();
    }

    /// The database has said something.
    pub fn note_life(&self) {
        self.alive.store(self.millis(Instant::now()) + 1, Ordering::Relaxed);
    }

    /// The connection that listens was lost: others may be, without knowing.
    pub fn note_disturbance(&self) {
        self.disturbed.store(self.millis(Instant::now()) + 1, Ordering::Relaxed);
    }

    /// Whether the connection that listens was lost since that moment.
    pub fn was_disturbed_since(&self, moment: Instant) -> bool {
        self.disturbed.load(Ordering::Relaxed) > self.millis(moment)
    }

    /// For how long the database has said nothing to who listens, though asked again and again.
    pub fn silence(&self) -> Duration {
        match self.alive.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            alive => Duration::from_millis((self.millis(Instant::now()) + 1).saturating_sub(alive)),
        }
    }

    /// Nobody listens: nothing is heard, and that nothing is heard says nothing about the database.
    pub fn stop_listening(&self) {
        self.distrust();
        self.alive.store(0, Ordering::Relaxed);
    }

    /// Something may have been missed.
    pub fn distrust(&self) {
        self.asked.store(0, Ordering::Release);
    }

    pub fn is_fresh(&self) -> bool {
        let asked = self.asked.load(Ordering::Acquire);
        let age = (self.millis(Instant::now()) + 1).saturating_sub(asked);
        asked > 0 && u128::from(age) < FRESHNESS.as_millis()
    }

    fn millis(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Lets a listening thread take the fences.
    pub fn open_fences(&self) -> UnboundedReceiver<Fence> {
        let (sender, receiver) = unbounded_channel();
        *self.fences.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Ends the listening thread.
    pub fn close_fences(&self) {
        *self.fences.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until everything that was committed before this call has been heard, or what was heard is no longer used:
    /// without an answer in [`FRESHNESS`] it has grown too old.
    pub fn wait_until_heard(&self) {
        let sender = self.fences.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else { return };
        let (fence, passed) = mpsc::sync_channel(1);
        if sender.send(fence).is_ok() {
            let _ = passed.recv_timeout(FRESHNESS);
        }
    }
}

/// Runs a follower's function; its panic is an error.
pub(crate) fn guarded(run: impl FnOnce() -> Result<(), DbError>) -> Result<(), DbError> {
    // What a panic leaves half done is loaded anew.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(DbError::Panicked))
}
