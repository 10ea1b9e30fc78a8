//! The built program's `demo`, started on free ports in a data folder of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

/// A running demo; stopped when dropped.
pub struct Demo {
    process: Child,
    report: Json,
    _folder: tempfile::TempDir,
}

impl Demo {
    /// Starts it and waits until it says that everything is ready.
    pub fn start() -> Demo {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_jiomeet-oauth"))
            .args(["demo", "--json", "--listen", "127.0.0.1:0", "--client-listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let report = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the demo did not report: {line:?}"));
        Demo { process, report, _folder: folder }
    }

    /// The sample client's address.
    pub fn client_url(&self) -> &str {
        self.report["client"]["url"].as_str().unwrap()
    }

    /// The server's address.
    pub fn issuer(&self) -> &str {
        self.report["issuer"].as_str().unwrap()
    }

    /// E-mail address and password of the first person with that role alone.
    pub fn person(&self, role: &str) -> (&str, &str) {
        self.find_person(|person| person["roles"] == serde_json::json!([role]))
    }

    /// E-mail address and password of the person with that address.
    pub fn person_at(&self, email: &str) -> (&str, &str) {
        self.find_person(|person| person["email"] == email)
    }

    fn find_person(&self, is_meant: impl Fn(&Json) -> bool) -> (&str, &str) {
        let person = self.report["users"].as_array().unwrap().iter().find(|person| is_meant(person)).unwrap();
        (person["email"].as_str().unwrap(), person["password"].as_str().unwrap())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
