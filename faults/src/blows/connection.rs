//! The wire to PostgreSQL.

use std::time::Duration;

use super::{Blow, Struck, outage, wait};
use crate::dice::Dice;
use crate::stage::{Engine, Stage};
use crate::wire::State;

/// Every connection ends, and none can be made; or all end at once and can be made again, several times.
pub struct Cut;

/// Connections stand, and nothing comes through, without a word: what a firewall or a pulled cable does.
pub struct Silence;

/// Everything takes its time.
pub struct Slow;

impl Blow for Cut {
    fn name(&self) -> &'static str {
        "cut"
    }

    fn words(&self) -> &'static str {
        "every connection to PostgreSQL is lost, for a moment or for seconds"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let wire = stage.cluster()?.wire(0).clone();
            if dice.in_percent(50) {
                wire.set(State::Cut);
                outage(dice).await;
                wire.set(State::Sound);
            } else {
                for _ in 0..8 {
                    wire.shake().await;
                    wait(dice, 30, 150).await;
                }
            }
            Ok(())
        })
    }
}

impl Blow for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    fn words(&self) -> &'static str {
        "nothing comes through any connection to PostgreSQL, and none is closed"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let wire = stage.cluster()?.wire(0).clone();
            wire.set(State::Silent);
            outage(dice).await;
            wire.set(State::Sound);
            Ok(())
        })
    }
}

impl Blow for Slow {
    fn name(&self) -> &'static str {
        "slow-connection"
    }

    fn words(&self) -> &'static str {
        "each message to and from PostgreSQL is 20 to 120 ms late"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let wire = stage.cluster()?.wire(0).clone();
            wire.set(State::Slow(dice.millis(20, 120)));
            tokio::time::sleep(Duration::from_millis(1500)).await;
            wire.set(State::Sound);
            Ok(())
        })
    }
}
