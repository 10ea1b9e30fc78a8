//! The server's process ends in mid-sentence.

use super::{Blow, Struck, wait};
use crate::dice::Dice;
use crate::stage::{Engine, Stage};

/// `kill -9` of the server, and a start.
pub struct KillServer;

impl Blow for KillServer {
    fn name(&self) -> &'static str {
        "kill-server"
    }

    fn words(&self) -> &'static str {
        "`kill -9` of the server, started again at once"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            stage.servers[0].kill()?;
            wait(dice, 0, 200).await;
            stage.servers[0].launch()
        })
    }
}
