//! PostgreSQL: a bounded set of connections, a thread each.

mod session;
mod target;
mod worker;

use std::{
    sync::{Arc, atomic::AtomicUsize},
    thread::{Builder, JoinHandle},
};

use tokio::sync::oneshot;

use crate::{
    DbError, Options,
    db::Lanes,
    job::{CloseAtExit, Queue},
};
pub(crate) use session::cell;
pub(crate) use target::Target;
use worker::Worker;

/// Starts the threads; answers when the first connection stands.
pub(crate) async fn start(url: &str, options: &Options, lanes: &Lanes) -> Result<Vec<JoinHandle<()>>, DbError> {
    let target = Arc::new(Target::new(url, options)?);
    let connected = Arc::new(AtomicUsize::new(0));
    let (opened, answer) = oneshot::channel();
    let first = Worker::new(target.clone(), lanes.clone(), connected.clone());
    let mut threads = vec![spawn(&lanes.writes, move || match first.connect() {
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
        let worker = Worker::new(target.clone(), lanes.clone(), connected.clone());
        threads.push(spawn(&lanes.writes, move || worker.run(None))?);
    }
    Ok(threads)
}

fn spawn(queue: &Arc<Queue>, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, DbError> {
    let guard = CloseAtExit(queue.clone());
    let work = move || {
        let _guard = guard;
        run();
    };
    let no_thread = |error| DbError::unavailable(format!("no thread for a connection: {error}"));
    Builder::new().name("postgres".into()).spawn(work).map_err(no_thread)
}
