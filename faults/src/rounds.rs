//! Rounds: what is played in which order, and what is said about it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::blows::{ALL, Blow};
use crate::dice::Dice;
use crate::http::{Caller, Counts};
use crate::load::Worker;
use crate::server::Server;
use crate::stage::{Engine, Finding, Stage};
use crate::{Fallible, Plan};

/// How long the server may take to be ready once what was broken is in order.
const RECOVERY: Duration = Duration::from_secs(15);

/// How many entries of the ledger that disagree are shown.
const SHOWN: usize = 12;

/// How many rounds are played on one database.
const ROUNDS_OF_A_STAGE: usize = 40;

/// What came of the rounds of one fault.
#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    failed: usize,
    slowest_recovery: Duration,
    last_recovery: Duration,
}

/// What came of an engine's rounds.
#[derive(Default)]
struct Score {
    tallies: BTreeMap<&'static str, Tally>,
    told: u64,
    later: u64,
    silence: u64,
    slowest: u64,
}

/// Plays the plan; whether nothing disagreed.
pub async fn run(plan: &Plan) -> Fallible<bool> {
    let seed = match plan.seed {
        Some(seed) => seed,
        // Any number will do; the process's own is at hand.
        None => u64::from(std::process::id()),
    };
    for name in &plan.faults {
        if !ALL.iter().any(|blow| blow.name() == name) {
            let names: Vec<&str> = ALL.iter().map(|blow| blow.name()).collect();
            return Err(format!("there is no fault {name}; there are {}", names.join(", ")).into());
        }
    }
    let engines = match plan.engine {
        Some(engine) => vec![engine],
        None => vec![Engine::Sqlite, Engine::Postgres],
    };
    eprintln!("seed {seed}");
    let mut well = true;
    for (number, engine) in engines.iter().enumerate() {
        let share = if plan.once {
            usize::MAX
        } else {
            plan.rounds / engines.len() + usize::from(number < plan.rounds % engines.len())
        };
        // Each engine has its own time: none goes unplayed because another was slow.
        let until = plan.within.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut play = Play { plan, seed, engine: *engine, until, score: Score::default() };
        well &= play.all(share).await?;
        play.report()?;
    }
    Ok(well)
}

struct Play<'p> {
    plan: &'p Plan,
    seed: u64,
    engine: Engine,
    until: Option<Instant>,
    score: Score,
}

impl Play<'_> {
    async fn all(&mut self, rounds: usize) -> Fallible<bool> {
        let blows: Vec<&dyn Blow> = ALL
            .iter()
            .copied()
            .filter(|blow| blow.fits(self.engine))
            .filter(|blow| self.plan.faults.is_empty() || self.plan.faults.iter().any(|name| name == blow.name()))
            .collect();
        if blows.is_empty() {
            return Ok(true);
        }
        let rounds = if self.plan.once { blows.len() } else { rounds };
        let mut well = true;
        let mut played = 0;
        for number in 0.. {
            if played >= rounds || self.is_late() {
                break;
            }
            let count = ROUNDS_OF_A_STAGE.min(rounds - played);
            well &= self.on_a_stage(number, played..played + count, &blows).await?;
            played += count;
        }
        let missed = |blow: &&&dyn Blow| rounds >= blows.len() && !self.score.tallies.contains_key(blow.name());
        let missed: Vec<_> = blows.iter().filter(missed).collect();
        for blow in &missed {
            let why = if well { "its time was over" } else { "a round before it failed, or its time was over" };
            eprintln!("{:8} {} was not played: {why}", self.engine_name(), blow.name());
        }
        Ok(well && missed.is_empty())
    }

    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until)
    }

    async fn on_a_stage(&mut self, number: u64, rounds: std::ops::Range<usize>, blows: &[&dyn Blow]) -> Fallible<bool> {
        let scratch = self.plan.scratch.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix("faults-").tempdir_in(scratch)?;
        // PostgreSQL's own user has to come through.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let dice = Dice::new(self.seed).branch(number);
        let finding = if number.is_multiple_of(2) { Finding::Address } else { Finding::TwoHosts };
        let mut stage = Stage::set(&self.plan.server, folder.path(), self.engine, finding).await?;
        stage.disk_lies = self.plan.disk_lies;
        let caller = Caller::new(&stage)?;
        let mut workers = Worker::all(&caller, &stage.report, &dice).await?;
        let mut well = true;
        let mut order: Vec<&dyn Blow> = Vec::new();
        for round in rounds {
            if self.is_late() {
                break;
            }
            let mut dice = dice.branch(1_000 + round as u64);
            if order.is_empty() {
                order = blows.to_vec();
            }
            let blow = take(&mut order, &mut dice);
            let begun = Instant::now();
            stage.have(blow.servers()).await?;
            blow.prepare(&mut stage).await?;
            let before = counted(&stage.counts);
            let faults = self.round(&mut stage, &caller, &mut workers, blow, &mut dice).await;
            // A round that cannot be played to its end says more than nothing too.
            let faults = faults.unwrap_or_else(|error| vec![error.to_string()]);
            let tally = self.score.tallies.entry(blow.name()).or_default();
            tally.rounds += 1;
            tally.failed += usize::from(!faults.is_empty());
            self.write(round, blow, &faults, before, &stage.counts)?;
            let entries: usize = workers.iter().map(Worker::entries).sum();
            eprintln!(
                "{:8} round {round:3} {:16} {:4.1} s, {entries} entries{}",
                self.engine_name(),
                blow.name(),
                begun.elapsed().as_secs_f64(),
                if faults.is_empty() { "" } else { ": FAILED" }
            );
            for fault in faults.iter().take(SHOWN) {
                eprintln!("    {fault}");
            }
            if faults.len() > SHOWN {
                eprintln!("    and {} more", faults.len() - SHOWN);
            }
            if !faults.is_empty() {
                well = false;
                break;
            }
        }
        self.count(&caller);
        if !well && !self.plan.forget {
            let kept = folder.keep();
            eprintln!("    everything is kept in {}", kept.display());
            eprintln!(
                "    again: ./faults.sh {} --engine {} --seed {}",
                self.plan.rounds,
                self.engine_name(),
                self.seed
            );
        }
        Ok(well)
    }

    fn engine_name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }

    async fn round(
        &mut self,
        stage: &mut Stage,
        caller: &Caller,
        workers: &mut Vec<Worker>,
        blow: &dyn Blow,
        dice: &mut Dice,
    ) -> Fallible<Vec<String>> {
        let stop = Arc::new(AtomicBool::new(false));
        let running: Vec<_> = workers
            .drain(..)
            .map(|worker| tokio::spawn(worker.work(caller.expectation.clone(), stop.clone())))
            .collect();
        tokio::time::sleep(dice.millis(300, 900)).await;
        let struck = blow.strike(stage, dice).await;
        let ready = match struck {
            Ok(()) => all_ready(&mut stage.servers).await,
            Err(error) => Err(error),
        };
        tokio::time::sleep(Duration::from_millis(400)).await;
        stop.store(true, Ordering::SeqCst);
        for worker in running {
            workers.push(worker.await?);
        }
        let mut faults = caller.take_complaints();
        match ready {
            Ok(recovery) => {
                let tally = self.score.tallies.entry(blow.name()).or_default();
                tally.slowest_recovery = tally.slowest_recovery.max(recovery);
                tally.last_recovery = recovery;
            }
            Err(error) => {
                faults.push(error.to_string());
                return Ok(faults);
            }
        }
        for worker in workers.iter_mut() {
            faults.extend(worker.check(&stage.servers[0]).await?);
        }
        faults.extend(caller.take_complaints());
        if stage.servers.iter_mut().any(Server::has_ended) {
            faults.push("a server has ended by itself".to_owned());
        }
        if self.engine == Engine::Sqlite {
            faults.extend(check_integrity(&stage.servers[0].place.database_url)?);
        }
        Ok(faults)
    }

    fn count(&mut self, caller: &Caller) {
        let counts = &caller.counts;
        self.score.told += counts.told.load(Ordering::Relaxed);
        self.score.later += counts.later.load(Ordering::Relaxed);
        self.score.silence += counts.silence.load(Ordering::Relaxed);
    }

    fn report(&self) -> Fallible<()> {
        let Score { tallies, told, later, silence, slowest } = &self.score;
        println!(
            "\n{:?}: {told} requests answered, {later} told to come back, {silence} lost, the slowest after {slowest} ms\n",
            self.engine
        );
        println!("| fault | what breaks | rounds | failed | ready again after at most |");
        println!("| --- | --- | --- | --- | --- |");
        for (name, tally) in tallies {
            let words = ALL.iter().find(|blow| blow.name() == *name).map_or("", |blow| blow.words());
            let Tally { rounds, failed, slowest_recovery, .. } = tally;
            println!("| {name} | {words} | {rounds} | {failed} | {:.2} s |", slowest_recovery.as_secs_f64());
        }
        Ok(())
    }

    /// Adds the round to the file that was asked for.
    fn write(
        &mut self,
        round: usize,
        blow: &dyn Blow,
        faults: &[String],
        before: [u64; 3],
        counts: &Counts,
    ) -> Fallible<()> {
        let slowest = counts.slowest.swap(0, Ordering::Relaxed);
        self.score.slowest = self.score.slowest.max(slowest);
        let Some(path) = &self.plan.json else { return Ok(()) };
        let after = counted(counts);
        let [told, later, silence] = [0, 1, 2].map(|which| after[which] - before[which]);
        let recovery = self.score.tallies.get(blow.name()).map_or(0, |tally| tally.last_recovery.as_millis() as u64);
        let line = json!({"engine": self.engine_name(), "seed": self.seed, "round": round, "fault": blow.name(),
                          "faults": faults, "recovery_ms": recovery, "told": told, "later": later, "silence": silence,
                          "slowest_ms": slowest});
        let mut file = std::fs::File::options().create(true).append(true).open(path)?;
        Ok(writeln!(file, "{line}")?)
    }
}

/// The next fault by chance, those first that take one server: a second one is not started and stopped again and again.
fn take<'b>(order: &mut Vec<&'b dyn Blow>, dice: &mut Dice) -> &'b dyn Blow {
    let fewest = order.iter().map(|blow| blow.servers()).min();
    let first: Vec<usize> = (0..order.len()).filter(|&at| Some(order[at].servers()) == fewest).collect();
    order.remove(dice.pick(&first).copied().unwrap_or(0))
}

/// How many requests were answered, told to come back, and lost.
fn counted(counts: &Counts) -> [u64; 3] {
    [&counts.told, &counts.later, &counts.silence].map(|count| count.load(Ordering::Relaxed))
}

/// Waits until every server is ready, and says how long that took.
async fn all_ready(servers: &mut [Server]) -> Fallible<Duration> {
    let begun = Instant::now();
    for server in servers {
        server.wait_until_ready(RECOVERY).await?;
    }
    Ok(begun.elapsed())
}

/// SQLite's own look at every page.
fn check_integrity(url: &str) -> Fallible<Vec<String>> {
    let path = url.trim_start_matches("sqlite://");
    let file = rusqlite::Connection::open_with_flags(Path::new(path), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    file.create_collation("C", |left: &str, right: &str| left.cmp(right))?;
    let found: String = file.query_row("PRAGMA integrity_check", (), |row| row.get(0))?;
    let dangling = file.prepare("PRAGMA foreign_key_check")?.exists(())?;
    let mut faults = Vec::new();
    if found != "ok" {
        faults.push(format!("integrity_check: {found}"));
    }
    if dangling {
        faults.push("foreign_key_check: rows refer to others that are not there".to_owned());
    }
    Ok(faults)
}
