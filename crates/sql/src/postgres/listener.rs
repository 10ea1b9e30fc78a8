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

pub(super) struct Listener {
    target: Arc<Target>,
    following: Arc<Following>,
    fences: UnboundedReceiver<Fence>,
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
        Listener { target, following, fences }
    }

    /// Listens until the database is closed; says how the first load went.
    pub fn run(mut self, loaded: oneshot::Sender<Result<(), DbError>>) {
        let mut session = match self.begin() {
            Ok(session) => session,
            Err(error) => {
                let _ = loaded.send(Err(error));
                return;
            }
        };
        let _ = loaded.send(Ok(()));
        loop {
            match self.serve(&mut session) {
                Ok(()) => return session.close(),
                Err(error) => {
                    self.following.note_disturbance();
                    tracing::warn!(%error, "announcements cannot be heard: the database is asked instead of the memory");
                }
            }
            session = loop {
                match self.begin() {
                    Ok(session) => break session,
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
    fn begin(&self) -> Result<Session, DbError> {
        let mut session = Session::connect(&self.target, None, || ())?;
        session.command("LISTEN announcements", PATIENCE)?;
        self.following.note_life();
        self.read(&mut session, |tx, follower| tx.be_patient().and_then(|()| follower.load(tx)))?;
        self.ask(&mut session)?;
        Ok(session)
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
        session.command("SELECT 1", FRESHNESS)?;
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
