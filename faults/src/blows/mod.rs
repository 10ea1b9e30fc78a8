//! What is broken, a file each. A blow falls in mid-load, and takes back what it did.

mod clock;
mod connection;
mod disk;
mod failover;
mod kill_postgres;
mod kill_server;
mod one_of_two;
mod power_cut;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::Fallible;
use crate::dice::Dice;
use crate::stage::{Engine, Stage};

/// What a blow does, for as long as it takes.
pub type Struck<'a> = Pin<Box<dyn Future<Output = Fallible<()>> + 'a>>;

/// Something that breaks.
pub trait Blow {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// What it breaks, in words.
    fn words(&self) -> &'static str;

    /// Whether it means anything on that engine.
    fn fits(&self, engine: Engine) -> bool;

    /// How many servers it takes.
    fn servers(&self) -> usize {
        1
    }

    /// What must stand before the load begins.
    fn prepare<'a>(&'a self, _stage: &'a mut Stage) -> Struck<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Breaks it, waits, and puts it right.
    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a>;
}

/// Every blow.
pub const ALL: &[&dyn Blow] = &[
    &kill_server::KillServer,
    &kill_postgres::KillPostgres,
    &kill_postgres::RestartPostgres,
    &connection::Cut,
    &connection::Silence,
    &connection::Slow,
    &disk::Full,
    &disk::Broken,
    &disk::Slow,
    &clock::Forward,
    &clock::Back,
    &failover::Failover,
    &power_cut::PowerCut,
    &one_of_two::Killed,
    &one_of_two::Skewed,
    &one_of_two::Cut,
    &one_of_two::Silent,
];

async fn wait(dice: &mut Dice, from: u64, to: u64) {
    tokio::time::sleep(dice.millis(from, to)).await;
}

/// Longer than the server rides out by waiting, so that refusals are seen too.
const LONG: Duration = Duration::from_millis(4500);

/// A moment mostly, at times longer than is ridden out.
async fn outage(dice: &mut Dice) {
    if dice.in_percent(20) {
        tokio::time::sleep(LONG).await;
    } else {
        wait(dice, 50, 1500).await;
    }
}
