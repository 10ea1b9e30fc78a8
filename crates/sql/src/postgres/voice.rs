//! What the server says without being asked: notices of triggers that have announced something, and notifications of
//! what every session has announced.

use std::{
    collections::BTreeSet,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
};
use tokio_postgres::{AsyncMessage, Connection};

/// The code of the notice that the function `announce` raises.
const ANNOUNCED: &str = "AN001";

/// The code of the warning that a commit is durable here, and that nobody has waited for the standby.
const NOT_REPLICATED: &str = "01000";

/// The channel on which a session that listens is greeted by another one, to see whether it hears.
const GREETINGS: &str = "greetings";

#[derive(Default)]
pub(super) struct Voice {
    announced: AtomicBool,
    warned: AtomicBool,
    subjects: Mutex<BTreeSet<String>>,
    /// Another session's greeting has come.
    greeted: AtomicBool,
    /// Somebody has announced something, or the connection has ended.
    pub news: Notify,
}

impl Voice {
    /// A transaction begins.
    pub fn begin(&self) {
        self.announced.store(false, Ordering::Relaxed);
        self.warned.store(false, Ordering::Relaxed);
    }

    /// Whether the server has warned of something since the transaction began. Nothing that we ask makes it, but for a
    /// commit that was told to wait for a standby no longer.
    pub fn has_warned(&self) -> bool {
        self.warned.load(Ordering::Relaxed)
    }

    /// Whether the session's own transaction has announced something.
    pub fn has_announced(&self) -> bool {
        self.announced.load(Ordering::Relaxed)
    }

    /// What was announced since the last call.
    pub fn take_subjects(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.subjects.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a greeting has come since the last call.
    pub fn take_greeting(&self) -> bool {
        self.greeted.swap(false, Ordering::Relaxed)
    }

    fn hear(&self, message: AsyncMessage) {
        match message {
            AsyncMessage::Notice(notice) if notice.code().code() == ANNOUNCED => {
                self.announced.store(true, Ordering::Relaxed);
            }
            AsyncMessage::Notice(notice) if notice.code().code() == NOT_REPLICATED => {
                self.warned.store(true, Ordering::Relaxed);
            }
            AsyncMessage::Notification(said) if said.channel() == GREETINGS => {
                self.greeted.store(true, Ordering::Relaxed);
                self.news.notify_one();
            }
            AsyncMessage::Notification(said) => {
                self.subjects.lock().unwrap_or_else(PoisonError::into_inner).insert(said.payload().to_owned());
                self.news.notify_one();
            }
            _ => {}
        }
    }
}

/// Drives a connection to its end. What it says before the answer to a statement is heard before that answer.
pub(super) async fn drive<S, T>(mut connection: Connection<S, T>, voice: Arc<Voice>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        voice.hear(message);
    }
    voice.news.notify_one();
}
