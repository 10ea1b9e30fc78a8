//! The server's wall clock.

use super::{Blow, Struck, wait};
use crate::dice::Dice;
use crate::stage::{Engine, Stage};

/// How far the clock jumps, in seconds: less and more than a grace, a code, an access token.
const JUMPS: [i64; 5] = [30, 90, 600, 7_200, 2 * 86_400];

/// Ahead, and back to the right time.
pub struct Forward;

/// Behind, and back to the right time.
pub struct Back;

async fn jump(stage: &mut Stage, dice: &mut Dice, seconds: i64) -> crate::Fallible<()> {
    stage.expectation.clock_is_wrong(true);
    stage.servers[0].place.shim.move_clock(seconds)?;
    wait(dice, 500, 1800).await;
    stage.servers[0].place.shim.move_clock(0)?;
    // Answers to what was asked while it was wrong.
    wait(dice, 300, 300).await;
    stage.expectation.clock_is_wrong(false);
    Ok(())
}

impl Blow for Forward {
    fn name(&self) -> &'static str {
        "clock-forward"
    }

    fn words(&self) -> &'static str {
        "the server's clock jumps 30 seconds to 2 days ahead, and back"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let seconds = *dice.pick(&JUMPS).unwrap_or(&JUMPS[0]);
            jump(stage, dice, seconds).await
        })
    }
}

impl Blow for Back {
    fn name(&self) -> &'static str {
        "clock-back"
    }

    fn words(&self) -> &'static str {
        "the server's clock jumps 30 seconds to 2 days back, and ahead to the right time"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let seconds = *dice.pick(&JUMPS).unwrap_or(&JUMPS[0]);
            jump(stage, dice, -seconds).await
        })
    }
}
