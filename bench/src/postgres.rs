//! A private PostgreSQL, durable as in real life, for as long as it is measured: `tools/with-postgres`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Fallible;
use crate::process::{SyncCounter, descendants};

/// It runs; stopped and removed when dropped.
pub struct Postgres {
    script: Child,
    /// Its first process.
    pub pid: u32,
    /// An empty database.
    pub url: String,
    /// Its syncs.
    pub syncs: SyncCounter,
}

impl Postgres {
    /// Starts it. Its data is in a folder of its own under `scratch`; `folder` takes the counter of syncs.
    pub fn start(tools: &Path, scratch: &Path, folder: &Path) -> Fallible<Postgres> {
        let counted = folder.join("database");
        std::fs::create_dir(&counted)?;
        let syncs = SyncCounter::make(&counted)?;
        // PostgreSQL runs as another user, who must come to both files.
        let [(_, library), (_, counts)] = syncs.environment();
        for (path, mode) in [(folder, 0o755), (counted.as_path(), 0o755), (library, 0o755), (counts, 0o666)] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        let program = tools.join("with-postgres");
        let mut script = Command::new(&program)
            .args(["--durable", "sh", "-c", "echo \"$TEST_POSTGRES_URL\"; exec cat >/dev/null"])
            // On the disk to be measured, not on a file system in memory.
            .env("TMPDIR", std::path::absolute(scratch)?)
            .envs(syncs.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut url = String::new();
        if let Some(output) = script.stdout.take() {
            BufReader::new(output).read_line(&mut url)?;
        }
        let is_postgres = |pid: &u32| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
            name.is_ok_and(|name| name.trim() == "postgres")
        };
        let found = descendants(script.id())?.into_iter().find(is_postgres);
        let mut postgres = Postgres { script, pid: 0, url: url.trim().to_owned(), syncs };
        postgres.pid = found.filter(|_| !postgres.url.is_empty()).ok_or("PostgreSQL did not start")?;
        Ok(postgres)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The end of its input ends the command, and the script then stops the server.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
