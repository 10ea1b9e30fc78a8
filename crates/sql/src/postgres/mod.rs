//! PostgreSQL: a bounded set of connections, a thread each.

mod listener;
mod session;
mod target;
mod voice;
mod worker;

use std::{
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use tokio::sync::oneshot;

use crate::{
    DbError, Options,
    db::{Lanes, Threads},
    job::spawn,
};
use listener::Listener;
pub(crate) use session::cell;
pub(crate) use target::Target;
use worker::{Reach, Worker};

/// Starts the threads; answers when the first connection stands.
pub(crate) async fn start(url: &str, options: &Options, lanes: &Lanes) -> Result<Threads, DbError> {
    let target = Arc::new(Target::new(url, options)?);
    let reach = Arc::new(Reach::default());
    let patience = options.outage_patience;
    let (opened, answer) = oneshot::channel();
    let first = Worker::new(target.clone(), lanes.clone(), reach.clone(), patience);
    let mut writers = vec![spawn("postgres", &lanes.writes, move || match first.connect() {
        Ok(session) => {
            let _ = opened.send(Ok(()));
            first.run(Some(session));
        }
        Err(error) => {
            let _ = opened.send(Err(error));
        }
    })?];
    answer.await.unwrap_or_else(|_| Err(DbError::Broken("a database thread died at its start".into())))?;
    for _ in 1..options.connections.max(1) {
        let worker = Worker::new(target.clone(), lanes.clone(), reach.clone(), patience);
        writers.push(spawn("postgres", &lanes.writes, move || worker.run(None))?);
    }
    Ok(Threads { readers: Vec::new(), writers })
}

/// Starts the thread that hears what triggers announce; answers when the follower has loaded.
pub(crate) async fn listen(url: &str, options: &Options, lanes: &Lanes) -> Result<JoinHandle<()>, DbError> {
    let target = Arc::new(Target::new(url, options)?);
    let (loaded, answer) = oneshot::channel();
    let listener = Listener::new(target, lanes.following.clone());
    let thread = Builder::new()
        .name("postgres-listener".into())
        .spawn(move || listener.run(loaded))
        .map_err(|error| DbError::unavailable(format!("no thread for announcements: {error}")))?;
    answer.await.unwrap_or_else(|_| Err(DbError::Broken("the listening thread died at its start".into())))?;
    Ok(thread)
}
