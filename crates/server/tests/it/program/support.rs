//! The program as a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;
use sql::testing::{Scratch, engine};
use sql::{DatabaseUrl, Engine};

/// A command of the built program, with nothing of this machine's configuration.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jiomeet-oauth"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("JIOMEET_OAUTH_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// Runs a command to its end, with something on standard input.
pub fn run(arguments: &[&str], input: &str) -> Output {
    let mut child =
        program(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// An empty database of the engine under test.
pub fn empty_database() -> (String, Scratch) {
    let (url, scratch): (DatabaseUrl, Scratch) = Scratch::new(engine());
    (url.with_password(), scratch)
}

/// A running demo; killed when dropped.
pub struct Demo {
    pub process: Child,
    pub report: Json,
}

impl Demo {
    /// Starts it on a database of the engine under test and waits for its report. Port 0 picks a free one.
    pub fn start(folder: &Path, database: &str, port: u16, environment: &[(&str, &str)]) -> Demo {
        let listen = format!("127.0.0.1:{port}");
        let mut command = program(&["demo", "--json", "--client-listen", "127.0.0.1:0", "--listen", &listen]);
        command.arg("--data-dir").arg(folder);
        if engine() == Engine::Postgres {
            command.args(["--database-url", database]);
        }
        command.envs(environment.iter().copied());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let report = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the demo did not report: {line:?}"));
        Demo { process, report }
    }

    /// A text of the report, by JSON pointer.
    pub fn text(&self, pointer: &str) -> &str {
        let found = self.report.pointer(pointer).and_then(Json::as_str);
        found.unwrap_or_else(|| panic!("no {pointer} in {}", self.report))
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.text("/issuer").rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
