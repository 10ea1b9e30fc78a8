//! Which cores server and client run on: all of them, or each on its own, as on two machines. `taskset` of util-linux
//! decides it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Fallible;

/// Cores for the server and one for the client, which has one busy thread.
#[derive(Debug, Clone)]
pub struct Cores {
    all: String,
    server: String,
    client: String,
}

impl Cores {
    /// The last of this process's cores for the client, the others for the server.
    ///
    /// # Errors
    /// Where there is only one.
    pub fn apart() -> Fallible<Cores> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let all = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default().trim();
        let mut numbers = numbers(all).ok_or_else(|| format!("these cores cannot be read: {all:?}"))?;
        let client = numbers.pop().map(|number| number.to_string()).unwrap_or_default();
        if numbers.is_empty() {
            return Err("server and client cannot be set apart on one core".into());
        }
        let server: Vec<String> = numbers.iter().map(usize::to_string).collect();
        Ok(Cores { all: all.to_owned(), server: server.join(","), client })
    }

    /// Starts a program on the server's cores; it sees no others.
    pub fn server(&self, program: &Path) -> Command {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &self.server]).arg(program);
        command
    }

    /// Keeps this process on the client's core for as long as the guard lives.
    pub fn keep_client(&self) -> Fallible<KeptClient> {
        keep_to(&self.client)?;
        Ok(KeptClient { all: self.all.clone() })
    }
}

/// This process, on the client's core until this is dropped.
#[derive(Debug)]
pub struct KeptClient {
    all: String,
}

impl Drop for KeptClient {
    fn drop(&mut self) {
        if let Err(error) = keep_to(&self.all) {
            eprintln!("bench: the client stays on its core: {error}");
        }
    }
}

/// Keeps all threads of this process to those cores.
fn keep_to(cores: &str) -> Fallible<()> {
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", cores, &std::process::id().to_string()]);
    let ended =
        command.stdout(Stdio::null()).status().map_err(|error| format!("taskset: {error}; install util-linux"))?;
    if ended.success() { Ok(()) } else { Err(format!("taskset failed: {ended}").into()) }
}

/// The numbers in a list such as `0-3,6`.
fn numbers(list: &str) -> Option<Vec<usize>> {
    let mut all = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        all.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(all)
}
