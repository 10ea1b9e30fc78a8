//! The thread that hears what triggers announce: one connection that listens.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc::UnboundedReceiver, oneshot};

use super::{Target, session::Session};
use crate::{
    DbError, Follower, Tx,
    follow::{ASK_INTERVAL, FRESHNESS, Fence, Following, guarded},
    job::Access,
};

/// How long the connection may be silent before it is given up for another.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two attempts to hear what does not come through.
const DEAF_PAUSE: Duration = Duration::from_secs(30);

/// A session that another one greets before it relies on being told anything: what stands between us and the server may give
/// each transaction another of its sessions, and swallow what comes in between.
const LISTEN: &str = "LISTEN announcements; LISTEN greetings";
const GREET: &str = "NOTIFY greetings";

/// Whether the session that answers is one that listens.
const ARE_YOU_THERE: &str = "SELECT COUNT(*) FROM pg_listening_channels() AS channel WHERE channel = 'announcements'";

pub(super) struct Listener {
    target: Arc<Target>,
    following: Arc<Following>,
    fences: UnboundedReceiver<Fence>,
    /// Whether it was said that nothing is heard.
    has_warned: bool,
}

/// A connection that was to listen.
enum Begun {
    /// It does, and everything is loaded.
    Hears(Session),
    /// Nothing comes through.
    Deaf(Session),
}

/// Why the listener stopped waiting.
enum Woken {
    /// It is time to ask, something was announced, or somebody waits at a fence.
    Ask(Option<Fence>),
    Closed,
}

impl Listener {
    pub fn new(target: Arc<Target>, following: Arc<Following>) -> Self {
        let fences = following.open_fences();
        Listener { target, following, fences, has_warned: false }
    }

    /// Listens until the database is closed; says how the first load went.
    pub fn run(mut self, loaded: oneshot::Sender<Result<(), DbError>>) {
        let mut begun = match self.begin() {
            Ok(begun) => begun,
            Err(error) => {
                let _ = loaded.send(Err(error));
                return;
            }
        };
        let _ = loaded.send(Ok(()));
        loop {
            match begun {
                Begun::Hears(mut session) => match self.serve(&mut session) {
                    Ok(()) => return session.close(),
                    Err(error) => {
                        self.following.note_disturbance();
                        tracing::warn!(%error, "announcements cannot be heard: the database is asked instead of the memory");
                    }
                },
                Begun::Deaf(session) => {
                    if self.is_closed_while_deaf(&session) {
                        return session.close();
                    }
                    session.close();
                }
            }
            begun = loop {
                match self.begin() {
                    Ok(begun) => break begun,
                    Err(error) => tracing::warn!(%error, "announcements cannot be heard, trying again"),
                }
                // Nobody waits for what is not used.
                while self.fences.try_recv().is_ok() {}
                if self.fences.is_closed() {
                    return;
                }
                std::thread::sleep(PAUSE);
            };
        }
    }

    /// Connects. Listening begins before everything is loaded, so that nothing falls in between.
    fn begin(&mut self) -> Result<Begun, DbError> {
        let mut session = Session::connect(&self.target, None, || ())?;
        session.command(LISTEN, PATIENCE)?;
        if !self.is_greeted(&session)? {
            self.following.stop_listening();
            if !std::mem::replace(&mut self.has_warned, true) {
                tracing::warn!(
                    "announcements do not come through: what stands before PostgreSQL (a pooler by transaction?) gives the \
                     connection that listens no session of its own; the database is asked for each call instead of the memory"
                );
            }
            return Ok(Begun::Deaf(session));
        }
        if std::mem::take(&mut self.has_warned) {
            tracing::info!("announcements come through now");
        }
        self.following.note_life();
        self.read(&mut session, |tx, follower| tx.be_patient().and_then(|()| follower.load(tx)))?;
        self.ask(&mut session)?;
        Ok(Begun::Hears(session))
    }

    /// Whether a greeting from another session comes while this one says nothing.
    fn is_greeted(&self, session: &Session) -> Result<bool, DbError> {
        let mut other = Session::connect(&self.target, None, || ())?;
        other.command(GREET, PATIENCE)?;
        other.close();
        let until = Instant::now() + PATIENCE;
        while !session.voice().take_greeting() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            session.wait(async { tokio::time::timeout(left, session.voice().news.notified()).await.ok() });
            if session.is_lost() {
                return Err(DbError::unavailable("the connection that listens was lost"));
            }
        }
        Ok(true)
    }

    /// Waits until it is time to try again, and lets nobody wait meanwhile; whether the database was closed.
    fn is_closed_while_deaf(&mut self, session: &Session) -> bool {
        let fences = &mut self.fences;
        session.wait(async {
            let drained = async { while fences.recv().await.is_some() {} };
            tokio::time::timeout(DEAF_PAUSE, drained).await.is_ok()
        })
    }

    /// Hears until the database is closed.
    fn serve(&mut self, session: &mut Session) -> Result<(), DbError> {
        loop {
            let fence = match self.wait(session) {
                Woken::Ask(fence) => fence,
                Woken::Closed => return Ok(()),
            };
            if let Err(error) = self.ask(session) {
                // Before whoever waits at the fence goes on.
                self.following.distrust();
                return Err(error);
            }
            if let Some(fence) = fence {
                let _ = fence.try_send(());
            }
        }
    }

    /// Asks the server, and hears what it has said until its answer.
    fn ask(&self, session: &mut Session) -> Result<(), DbError> {
        let asked = Instant::now();
        // The server sends what was announced before this answer: it has all been heard then.
        let listens = session.ask(ARE_YOU_THERE, FRESHNESS)?;
        if listens.as_deref() != Some("1") {
            return Err(DbError::unavailable("the session that answers does not listen"));
        }
        let subjects = session.voice().take_subjects();
        if !subjects.is_empty() {
            self.read(session, |tx, follower| follower.hear(tx, &subjects))?;
        }
        self.following.confirm(asked);
        Ok(())
    }

    fn wait(&mut self, session: &Session) -> Woken {
        let fences = &mut self.fences;
        session.wait(async {
            tokio::select! {
                fence = fences.recv() => fence.map_or(Woken::Closed, |fence| Woken::Ask(Some(fence))),
                () = session.voice().news.notified() => Woken::Ask(None),
                () = tokio::time::sleep(ASK_INTERVAL) => Woken::Ask(None),
            }
        })
    }

    fn read(
        &self,
        session: &mut Session,
        work: impl FnOnce(&mut Tx<'_>, &dyn Follower) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let Some(follower) = self.following.follower() else { return Ok(()) };
        session.begin(Access::Read);
        let done = guarded(|| work(&mut Tx::new(session), follower));
        session.roll_back();
        done
    }
}
