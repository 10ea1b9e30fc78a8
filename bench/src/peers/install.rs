//! Peers come from their registries, by the lock files in `bench/peers`, into the folder of builds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Plan;
use crate::Fallible;

/// The folder with a peer of npm, installed.
pub fn npm(plan: &Plan, name: &str) -> Fallible<PathBuf> {
    installed(plan, name, "package-lock.json", |folder| {
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))
    })
}

/// The folder with a peer of PyPI, installed into `venv` below it.
pub fn pip(plan: &Plan, name: &str) -> Fallible<PathBuf> {
    installed(plan, name, "requirements.txt", |folder| {
        run(Command::new("python3").args(["-m", "venv", "--clear", "venv"]).current_dir(folder))?;
        let pip = folder.join("venv/bin/pip");
        run(Command::new(pip).args(["install", "--no-deps", "--quiet", "-r", "requirements.txt"]).current_dir(folder))
    })
}

/// Copies our files for the peer, and installs it unless that was done by the same lock file.
fn installed(plan: &Plan, name: &str, lock: &str, install: impl FnOnce(&Path) -> Fallible<()>) -> Fallible<PathBuf> {
    let folder = std::path::absolute(plan.scratch.join("peers").join(name))?;
    std::fs::create_dir_all(&folder)?;
    copy(&plan.repository.join("bench/peers").join(name), &folder)?;
    let wanted = std::fs::read(folder.join(lock))?;
    let stamp = folder.join("installed");
    if std::fs::read(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    eprintln!("installing {name}");
    install(&folder)?;
    std::fs::write(stamp, wanted)?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Fallible<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Runs it; what it says goes to standard error.
pub fn run(command: &mut Command) -> Fallible<()> {
    let program = command.get_program().display().to_string();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let ended = ended.map_err(|error| format!("{program}: {error}"))?;
    if !ended.success() {
        return Err(format!("{program} failed: {ended}").into());
    }
    Ok(())
}
