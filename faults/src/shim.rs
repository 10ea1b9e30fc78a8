//! The library that breaks a process's disk and clock, compiled here, and the file that tells it what to do.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::Fallible;

/// What can be set; the places in the file.
#[derive(Debug, Clone, Copy)]
enum Control {
    Full = 0,
    Broken = 1,
    LateMicros = 2,
    AheadNanos = 3,
    Keep = 4,
    Lie = 5,
}

/// One process's disk and clock. Everything is in order until it is set.
#[derive(Debug, Clone)]
pub struct Shim {
    library: PathBuf,
    path: PathBuf,
    file: Arc<File>,
    files: [&'static str; 2],
    /// Where what was before is kept.
    pub before: PathBuf,
}

impl Shim {
    /// Compiles the library into `folder` if it is not there, and makes a file of controls. `files` are parts of the
    /// paths of the files that it is about: such as are written, and such as are synced.
    pub fn make(folder: &Path, name: &str, files: [&'static str; 2]) -> Fallible<Shim> {
        let library = folder.join("shim.so");
        if !library.exists() {
            let source = folder.join("shim.c");
            std::fs::write(&source, include_str!("../shim.c"))?;
            let mut cc = Command::new("cc");
            let compiled = cc.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status()?;
            if !compiled.success() {
                return Err("cc could not compile faults/shim.c".into());
            }
        }
        let path = folder.join(name);
        std::fs::write(&path, [0; 48])?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        let file = Arc::new(File::options().write(true).open(&path)?);
        let before = path.with_extension("before");
        if !before.exists() {
            std::fs::create_dir(&before)?;
            // PostgreSQL's own user writes there too.
            std::fs::set_permissions(&before, std::fs::Permissions::from_mode(0o777))?;
        }
        Ok(Shim { library, path, file, files, before })
    }

    /// What the process must be started with.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAULTS_SHIM", self.path.display().to_string()),
            ("FAULTS_SHIM_FILES", self.files[0].to_owned()),
            ("FAULTS_SHIM_SYNCED", self.files[1].to_owned()),
            ("FAULTS_SHIM_UNDO", self.before.display().to_string()),
        ]
    }

    fn set(&self, control: Control, value: i64) -> Fallible<()> {
        Ok(self.file.write_all_at(&value.to_ne_bytes(), control as u64 * 8)?)
    }

    /// Whether the disk is full.
    pub fn fill(&self, full: bool) -> Fallible<()> {
        self.set(Control::Full, full.into())
    }

    /// Whether syncs fail.
    pub fn break_syncs(&self, broken: bool) -> Fallible<()> {
        self.set(Control::Broken, broken.into())
    }

    /// By how much each sync is late.
    pub fn delay_syncs(&self, by: Duration) -> Fallible<()> {
        self.set(Control::LateMicros, i64::try_from(by.as_micros())?)
    }

    /// Whether what files held before what was written since their last sync is kept, for a power cut.
    pub fn keep_what_was(&self, keep: bool) -> Fallible<()> {
        self.set(Control::Keep, keep.into())
    }

    /// Whether syncs answer although nothing is safe.
    pub fn lie(&self, lie: bool) -> Fallible<()> {
        self.set(Control::Lie, lie.into())
    }

    /// By how many seconds the wall clock is ahead.
    pub fn move_clock(&self, ahead_seconds: i64) -> Fallible<()> {
        self.set(Control::AheadNanos, ahead_seconds.saturating_mul(1_000_000_000))
    }
}
