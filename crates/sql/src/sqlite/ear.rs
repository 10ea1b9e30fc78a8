//! Hears what triggers announce, on the writer's connection: this process's commits before they are answered, other
//! processes' by `PRAGMA data_version`.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use rusqlite::hooks::Action;

use super::connection::Connection;
use crate::{
    DbError, Follower, Statement, Tx,
    follow::{Following, guarded},
    params,
};

const LAST: Statement = Statement::new("LAST", "SELECT COALESCE(MAX(number), 0) FROM announcements");

const ANNOUNCED: Statement =
    Statement::new("ANNOUNCED", "SELECT number, subject FROM announcements WHERE number > $1 ORDER BY number");

pub(super) struct Ear {
    following: Arc<Following>,
    /// Set when a unit of this process announces something.
    announced: Arc<AtomicBool>,
    /// `PRAGMA data_version` when we last looked: moved by others' commits alone.
    version: i64,
    /// The number of the last announcement that was heard; none before the follower has loaded.
    heard: Option<i64>,
}

impl Ear {
    pub fn new(following: &Arc<Following>, writer: &mut Connection) -> Result<Self, DbError> {
        let mut ear = Ear { following: following.clone(), announced: Arc::default(), version: 0, heard: None };
        ear.move_to(writer)?;
        Ok(ear)
    }

    /// Hears on that connection from now on; what was heard on another is not believed.
    pub fn move_to(&mut self, writer: &mut Connection) -> Result<(), DbError> {
        self.heard = None;
        let announced = self.announced.clone();
        let hook = move |action: Action, _: &str, table: &str, _: i64| {
            if action == Action::SQLITE_INSERT && table == "announcements" {
                announced.store(true, Ordering::Relaxed);
            }
        };
        writer.raw.update_hook(Some(hook)).map_err(|error| writer.error(error))
    }

    /// Whether anybody wants to hear.
    pub fn is_open(&self) -> bool {
        self.following.follower().is_some()
    }

    /// Before each batch, and when there is nothing to do.
    pub fn listen(&mut self, writer: &Connection) {
        let following = self.following.clone();
        let Some(follower) = following.follower() else { return };
        let is_behind = self.heard.is_none();
        let mut asked = Instant::now();
        let mut heard = self.catch_up(writer, follower);
        if is_behind && heard.is_ok() {
            // Loading takes its time.
            asked = Instant::now();
            heard = self.catch_up(writer, follower);
        }
        match heard {
            Ok(()) => following.confirm(asked),
            Err(error) => {
                tracing::warn!(%error, "announcements cannot be heard: the database is asked instead of the memory");
                self.heard = None;
                following.distrust();
            }
        }
    }

    /// After a commit, before its units are answered.
    pub fn listen_to_own(&mut self, writer: &Connection) {
        if self.announced.load(Ordering::Relaxed) {
            self.listen(writer);
        }
    }

    fn catch_up(&mut self, writer: &Connection, follower: &dyn Follower) -> Result<(), DbError> {
        let version = writer
            .raw
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut pragma| pragma.query_row((), |row| row.get(0)));
        let version = version.map_err(|error| writer.error(error))?;
        let own = self.announced.swap(false, Ordering::Relaxed);
        if self.heard.is_some() && self.version == version && !own {
            return Ok(());
        }
        writer.control("BEGIN")?;
        let heard = hear(writer, follower, self.heard);
        writer.control(if heard.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        self.heard = Some(heard?);
        self.version = version;
        Ok(())
    }
}

/// Gives the number of the last announcement that was heard.
fn hear(writer: &Connection, follower: &dyn Follower, after: Option<i64>) -> Result<i64, DbError> {
    let mut session = writer.session();
    let mut tx = Tx::new(&mut session);
    if let Some(after) = after {
        let news = tx.list(&ANNOUNCED, params![after], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
        let Some(&(first, _)) = news.first() else { return Ok(after) };
        if first == after + 1 {
            let last = after + i64::try_from(news.len()).unwrap_or(i64::MAX);
            let subjects: BTreeSet<String> = news.into_iter().map(|(_, subject)| subject).collect();
            guarded(|| follower.hear(&mut tx, &subjects))?;
            return Ok(last);
        }
        // The table has forgotten some of what we have not heard.
    }
    let last = tx.one(&LAST, params![], |row| row.get(0))?;
    tx.be_patient()?;
    guarded(|| follower.load(&mut tx))?;
    Ok(last)
}
