//! Two servers on one database, one of which is in trouble; the other serves on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Blow, Struck, outage, wait};
use crate::dice::Dice;
use crate::stage::{Engine, Stage};
use crate::wire::State;

/// One is killed, and started again after a while.
pub struct Killed;

/// The clock of one is wrong.
pub struct Skewed;

/// One loses its connections to the database.
pub struct Cut;

/// Nothing comes through the connections of one.
pub struct Silent;

/// How far its clock is off, in seconds.
const SKEWS: [i64; 6] = [30, 120, 600, -30, -120, -600];

impl Blow for Killed {
    fn name(&self) -> &'static str {
        "kill-node"
    }

    fn words(&self) -> &'static str {
        "`kill -9` of one of two servers, started again after a while"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn servers(&self) -> usize {
        2
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let which = dice.below(2);
            stage.servers[which].kill()?;
            // What it was asked is lost at once; what is asked from then on, the other one answers.
            wait(dice, 200, 200).await;
            let lost = stage.counts.silence.load(Ordering::SeqCst);
            wait(dice, 300, 1500).await;
            let more = stage.counts.silence.load(Ordering::SeqCst) - lost;
            stage.servers[which].launch()?;
            if more > 0 {
                Err(format!("{more} requests were lost while one of two servers was away").into())
            } else {
                Ok(())
            }
        })
    }
}

impl Blow for Skewed {
    fn name(&self) -> &'static str {
        "clock-skew"
    }

    fn words(&self) -> &'static str {
        "the clock of one of two servers is 30 seconds to 10 minutes ahead or behind"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn servers(&self) -> usize {
        2
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let seconds = *dice.pick(&SKEWS).unwrap_or(&SKEWS[0]);
            let which = dice.below(2);
            stage.expectation.clock_is_wrong(true);
            stage.servers[which].place.shim.move_clock(seconds)?;
            wait(dice, 1500, 3000).await;
            stage.servers[which].place.shim.move_clock(0)?;
            // Answers to what was asked while it was wrong.
            tokio::time::sleep(Duration::from_millis(300)).await;
            stage.expectation.clock_is_wrong(false);
            Ok(())
        })
    }
}

impl Blow for Cut {
    fn name(&self) -> &'static str {
        "cut-node"
    }

    fn words(&self) -> &'static str {
        "one of two servers loses every connection to PostgreSQL, for a moment or for seconds"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn servers(&self) -> usize {
        2
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move { away(stage, dice, State::Cut).await })
    }
}

impl Blow for Silent {
    fn name(&self) -> &'static str {
        "silence-node"
    }

    fn words(&self) -> &'static str {
        "nothing comes through the connections of one of two servers to PostgreSQL, and none is closed"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn servers(&self) -> usize {
        2
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move { away(stage, dice, State::Silent).await })
    }
}

async fn away(stage: &mut Stage, dice: &mut Dice, state: State) -> crate::Fallible<()> {
    let which = dice.below(2);
    let wire = stage.cluster()?.wire(which).clone();
    wire.set(state);
    outage(dice).await;
    wire.set(State::Sound);
    Ok(())
}
