//! Where the time of one operation goes: `perf record` on the server while it alone is under load, or whatever else a
//! command can switch on before and off after (callgrind counts instructions, which no busy neighbour disturbs).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Fallible;
use crate::load::{Operation, Phase};
use crate::plan::{Plan, Server};
use crate::subject::Subject;

/// How an operation is watched.
#[derive(Debug)]
pub struct Watch<'a> {
    /// Its name, as in the tables.
    pub operation: &'a str,
    /// Over so many connections.
    pub connections: usize,
    /// So many calls; as many before, to warm up.
    pub calls: usize,
    /// Where the samples go; without it the operation is measured only.
    pub samples: Option<&'a Path>,
    /// Shell commands before and after it; `$PID` is the server.
    pub around: [Option<&'a str>; 2],
}

impl Watch<'_> {
    /// Runs the operation under `perf`. Must run on a `LocalSet`.
    pub async fn run(&self, plan: &Plan, algorithm: &str) -> Fallible<Vec<Phase>> {
        let server = Server::start(plan, algorithm, None).await?;
        let subject = &server.subject;
        let caller = &subject.caller;
        let mut phases = Vec::new();
        for is_warm in [false, true] {
            let jobs = vec![(); self.calls];
            if self.operation == "authorize" {
                phases.push(self.watch(subject, is_warm, caller.authorize(), jobs).await?.0);
                continue;
            }
            let (_, codes) = subject.run(self.connections, caller.authorize(), jobs).await?;
            let is_exchange = self.operation == "exchange";
            let (phase, tokens) = self.watch(subject, is_warm && is_exchange, caller.exchange(), codes).await?;
            let access = || tokens.iter().map(|tokens| tokens.access_token.clone()).collect();
            phases.push(match self.operation {
                "exchange" => phase,
                "refresh" => {
                    let jobs = tokens.iter().map(|tokens| tokens.refresh_token.clone()).collect();
                    self.watch(subject, is_warm, caller.refresh(), jobs).await?.0
                }
                "bearer" => self.watch(subject, is_warm, caller.bearer("bearer, new token"), access()).await?.0,
                "introspect" => self.watch(subject, is_warm, caller.introspect(), access()).await?.0,
                other => return Err(format!("no operation is called {other}").into()),
            });
        }
        Ok(phases)
    }

    async fn watch<J: 'static, T: 'static>(
        &self,
        subject: &Subject,
        record: bool,
        operation: Operation<J, T>,
        jobs: Vec<J>,
    ) -> Fallible<(Phase, Vec<T>)> {
        if !record {
            return subject.run(self.connections, operation, jobs).await;
        }
        let pids: Vec<String> = subject.target.pids.iter().map(u32::to_string).collect();
        let pids = pids.join(",");
        shell(self.around[0], &pids)?;
        let perf = self.samples.map(|file| Perf::start(file, &pids)).transpose()?;
        let ran = subject.run(self.connections, operation, jobs).await;
        perf.map_or(Ok(()), Perf::stop)?;
        shell(self.around[1], &pids)?;
        ran
    }
}

fn shell(command: Option<&str>, pids: &str) -> Fallible<()> {
    if let Some(command) = command {
        Command::new("sh").args(["-c", command]).env("PID", pids).status()?;
    }
    Ok(())
}

/// `perf record` at work.
struct Perf(Child);

impl Perf {
    fn start(file: &Path, pids: &str) -> Fallible<Perf> {
        let perf = Command::new("perf")
            // Virtual machines have no cycle counter to sample by; the clock they have.
            .args(["record", "--quiet", "--event", "cpu-clock", "--freq", "999", "--call-graph", "dwarf,32768"])
            .args(["--pid", pids])
            .arg("--output")
            .arg(file)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("perf: {error}; install linux-perf"))?;
        // It says nothing when it has begun.
        std::thread::sleep(Duration::from_millis(500));
        Ok(Perf(perf))
    }

    /// Its file is written when it is interrupted.
    fn stop(mut self) -> Fallible<()> {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status()?;
        self.0.wait()?;
        Ok(())
    }
}
