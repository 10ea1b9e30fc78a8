//! A copy of the file as it stands, while others write to it.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rusqlite::backup::{Backup, StepResult};

use super::connection::File;
use crate::{DbError, Options};

/// Copies an embedded database to a new file (mode 0600), as it stands at one moment; servers go on meanwhile. The file
/// has its final name only when it is whole and on the disk. Blocks for as long as the disk takes.
///
/// # Errors
/// [`DbError::Unavailable`] when either file can't be read or made, or the new one exists; [`DbError::Broken`] when the
/// copy is damaged.
pub fn snapshot(from: &Path, to: &Path) -> Result<(), DbError> {
    if to.exists() {
        return Err(DbError::unavailable(format!("{} exists: name a file that does not", to.display())));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial);
    let made = made.map_err(|error| DbError::unavailable(format!("{} cannot be made: {error}", partial.display())))?;
    let done = copy_pages(from, partial).and_then(|()| {
        let finish = || {
            made.sync_all()?;
            fs::rename(partial, to)?;
            let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::File::open(folder)?.sync_all()
        };
        finish().map_err(|error| DbError::unavailable(format!("{} cannot be finished: {error}", to.display())))
    });
    if done.is_err() {
        let _ = fs::remove_file(partial);
    }
    done
}

fn copy_pages(from: &Path, to: &Path) -> Result<(), DbError> {
    let source = File { path: from.to_owned(), options: Options::default() }.open_reader()?;
    let damaged = |error: rusqlite::Error| DbError::Broken(format!("{}: {error}", to.display()));
    let mut target = rusqlite::Connection::open(to).map_err(damaged)?;
    let copied = Backup::new(&source.raw, &mut target).and_then(|backup| {
        loop {
            // All pages in one step see one moment; writers are not held up by a reader.
            match backup.step(-1)? {
                StepResult::Done => return Ok(()),
                _ => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        }
    });
    copied.map_err(|error| source.error(error))?;
    // One file, without a log beside it.
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", (), |row| row.get(0)).map_err(damaged)?;
    let found: String = target.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(damaged)?;
    match (mode.as_str(), found.as_str()) {
        ("delete", "ok") => target.close().map_err(|(_, error)| damaged(error)),
        _ => Err(DbError::Broken(format!("the copy {} is damaged: {found}", to.display()))),
    }
}
