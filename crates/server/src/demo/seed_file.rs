//! The demo's seed file: passwords and client secrets in clear, for the person who tries the demo.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the demo remembers between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SeedFile {
    /// Passwords by e-mail address.
    pub passwords: BTreeMap<String, String>,
    /// Client secrets by the app's name.
    pub client_secrets: BTreeMap<String, String>,
}

/// The seed file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the demo's seed file {path} cannot be used: {why}; remove it and the database beside it to begin anew")]
pub struct SeedFileError {
    path: PathBuf,
    why: String,
}

impl SeedFile {
    fn path(folder: &Path) -> PathBuf {
        folder.join("demo-seed.json")
    }

    /// Reads the file of that folder; an empty one where there is none yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(folder: &Path) -> Result<SeedFile, SeedFileError> {
        let path = SeedFile::path(folder);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| SeedFileError { path, why: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(SeedFile::default()),
            Err(error) => Err(SeedFileError { path, why: error.to_string() }),
        }
    }

    /// Writes the file, readable by its owner alone, before anything that it tells of is in the database.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), SeedFileError> {
        let path = SeedFile::path(folder);
        let written = (|| {
            let fresh = path.with_extension("json.new");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        })();
        written.map_err(|error: std::io::Error| SeedFileError { path, why: error.to_string() })
    }
}
