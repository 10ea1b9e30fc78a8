//! What a power cut leaves: of what was written since a file was last synced, whatever the disk had got to. The shim has
//! kept what was there before (shim.c says how); here some of it comes back.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::Fallible;
use crate::dice::Dice;

/// A write that was not synced, or the cutting of a file (`count` is 0).
struct Record {
    at: u64,
    /// How long the file was before.
    length: u64,
    before: Vec<u8>,
    count: u64,
}

/// How the disk was caught.
#[derive(Debug, Clone, Copy)]
pub struct Caught {
    /// In pieces of so many bytes each of which it had written or not.
    piece: u64,
    /// How many of 100 it had.
    written: usize,
}

impl Caught {
    /// By chance: with nothing done, with everything, or with some of it.
    pub fn somewhere(dice: &mut Dice) -> Caught {
        let piece = if dice.in_percent(50) { 512 } else { 4096 };
        let written = *dice.pick(&[0, 0, 0, 10, 50, 50, 90, 100]).unwrap_or(&0);
        Caught { piece, written }
    }

    /// With nothing done.
    pub const IDLE: Caught = Caught { piece: 4096, written: 0 };
}

/// Takes from the files below `root` what the disk had not got to, and forgets the logs. Nobody may have the files open.
/// How many pieces were lost.
pub fn cut_power(logs: &Path, root: &Path, caught: Caught, dice: &mut Dice) -> Fallible<usize> {
    let mut files = HashMap::new();
    name_files(root, &mut files)?;
    let mut names: Vec<_> = std::fs::read_dir(logs)?.collect::<Result<_, _>>()?;
    names.sort_by_key(std::fs::DirEntry::file_name);
    let mut lost = 0;
    for log in names {
        // A file that was removed meanwhile has nothing to lose.
        if let Some(path) = log.file_name().to_str().and_then(|name| files.get(name)) {
            let file = File::options().read(true).write(true).open(path)?;
            lost += take_back(&file, &read(&log.path())?, caught, dice)?;
        }
        std::fs::remove_file(log.path())?;
    }
    Ok(lost)
}

/// Forgets what was kept.
pub fn forget(logs: &Path) -> Fallible<()> {
    for log in std::fs::read_dir(logs)? {
        std::fs::remove_file(log?.path())?;
    }
    Ok(())
}

/// Each file by the name that its log has.
fn name_files(folder: &Path, files: &mut HashMap<String, PathBuf>) -> Fallible<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_dir() {
            name_files(&entry.path(), files)?;
        } else {
            let born = about.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            files.insert(format!("{}-{}-{}", about.ino(), born.as_secs(), born.subsec_nanos()), entry.path());
        }
    }
    Ok(())
}

/// What was written since the last sync. A record that was not finished is of a write that never began.
fn read(log: &Path) -> Fallible<Vec<Record>> {
    let bytes = std::fs::read(log)?;
    let number = |at: usize| Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let mut at = usize::try_from(number(0).unwrap_or(0))?.max(8);
    let mut records = Vec::new();
    while let (Some(start), Some(length), Some(held), Some(count)) =
        (number(at), number(at + 8), number(at + 16), number(at + 24))
    {
        let held = usize::try_from(held)?;
        let Some(before) = bytes.get(at + 32..at + 32 + held) else { break };
        records.push(Record { at: start, length, before: before.to_vec(), count });
        at += 32 + held;
    }
    Ok(records)
}

/// From the last write to the first: each piece goes back until a write of it that the disk had got to.
fn take_back(file: &File, records: &[Record], caught: Caught, dice: &mut Dice) -> Fallible<usize> {
    let (mut reached, mut lost) = (HashSet::new(), 0);
    let mut length = file.metadata()?.len();
    let mut length_was_reached = false;
    for record in records.iter().rev() {
        let end = if record.count == 0 { record.length } else { record.at + record.count };
        for number in record.at / caught.piece..end.div_ceil(caught.piece) {
            if reached.contains(&number) {
                continue;
            }
            if dice.in_percent(caught.written) {
                reached.insert(number);
                continue;
            }
            let from = (number * caught.piece).max(record.at);
            let to = ((number + 1) * caught.piece).min(end);
            // Where there was nothing before, there is nothing but zeros.
            let mut before = vec![0; usize::try_from(to - from)?];
            let held = record.before.get(usize::try_from(from - record.at)?..).unwrap_or_default();
            let known = held.len().min(before.len());
            before[..known].copy_from_slice(&held[..known]);
            file.write_all_at(&before, from)?;
            lost += 1;
        }
        let was_changed = record.count == 0 || end > record.length;
        if was_changed && !length_was_reached {
            length_was_reached = dice.in_percent(caught.written);
            if !length_was_reached {
                length = record.length;
            }
        }
    }
    if !records.is_empty() {
        file.set_len(length)?;
    }
    Ok(lost)
}
