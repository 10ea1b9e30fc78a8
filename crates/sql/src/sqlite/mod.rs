//! SQLite: one writer thread, reader threads, and a thread that empties the log.

mod connection;
mod ear;
mod log;
mod session;
mod snapshot;
mod writer;

use std::{collections::VecDeque, path::Path, sync::atomic::Ordering};

use tokio::sync::oneshot;

use crate::{
    DbError, Options, Tx,
    db::{Lanes, Threads},
    job::{refuse_all, spawn},
};
use connection::{Connection, File};
pub(crate) use session::cell;
pub use snapshot::snapshot;
use writer::Writer;

/// Opens the file and starts its threads; answers when the writer's and every reader's connection stands.
pub(crate) async fn start(path: &Path, options: &Options, lanes: &Lanes) -> Result<Threads, DbError> {
    let file = File { path: path.to_owned(), options: options.clone() };
    let (opened, answer) = oneshot::channel();
    let (writer_file, writer_lanes) = (file.clone(), lanes.clone());
    let writers = vec![spawn("sqlite-writer", &lanes.writes, move || match Writer::open(writer_file, writer_lanes) {
        Ok((writer, connection)) => {
            let _ = opened.send(Ok(()));
            writer.run(connection);
        }
        Err(error) => {
            let _ = opened.send(Err(error));
        }
    })?];
    answered(answer).await?;
    let mut readers = Vec::new();
    for _ in 0..options.readers.max(1) {
        let (opened, answer) = oneshot::channel();
        let (file, lanes) = (file.clone(), lanes.clone());
        readers.push(spawn("sqlite-reader", &lanes.reads.clone(), move || {
            let connection = file.open_reader();
            let _ = opened.send(connection.as_ref().map(drop).map_err(Clone::clone));
            if let Ok(connection) = connection {
                read(&file, connection, &lanes);
            }
        })?);
        answered(answer).await?;
    }
    Ok(Threads { readers, writers })
}

async fn answered(opened: oneshot::Receiver<Result<(), DbError>>) -> Result<(), DbError> {
    opened.await.unwrap_or_else(|_| Err(DbError::Broken("a database thread died at its start".into())))
}

/// A reader's life: one unit at a time, each in a transaction of its own.
fn read(file: &File, mut connection: Connection, lanes: &Lanes) {
    let mut taken = VecDeque::with_capacity(1);
    while lanes.reads.take(&mut taken, 1) {
        if connection.is_suspect() {
            match file.open_reader() {
                Ok(fresh) => {
                    connection = fresh;
                    lanes.counters.reconnects.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    refuse_all(&mut taken, &error);
                    continue;
                }
            }
        }
        while let Some(mut job) = taken.pop_front() {
            if job.is_abandoned() {
                continue;
            }
            match connection.control("BEGIN") {
                Ok(()) => {
                    job.run(&mut Tx::new(&mut connection.session()));
                    if !connection.is_autocommit() && connection.control("COMMIT").is_err() {
                        connection.mark_suspect();
                    }
                }
                Err(error) => {
                    connection.mark_suspect();
                    job.refuse(error);
                }
            }
            lanes.counters.read_units.fetch_add(1, Ordering::Relaxed);
            job.answer();
        }
    }
}
