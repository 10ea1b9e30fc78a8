//! PostgreSQL's processes end.

use super::{Blow, Struck, outage};
use crate::dice::Dice;
use crate::stage::{Engine, Stage};

/// `kill -9` of all of them; the next start recovers from the log.
pub struct KillPostgres;

/// A restart by its operator.
pub struct RestartPostgres;

impl Blow for KillPostgres {
    fn name(&self) -> &'static str {
        "kill-postgres"
    }

    fn words(&self) -> &'static str {
        "`kill -9` of all of PostgreSQL, then crash recovery"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let primary = &mut stage.cluster()?.primary;
            primary.kill()?;
            outage(dice).await;
            primary.start().await
        })
    }
}

impl Blow for RestartPostgres {
    fn name(&self) -> &'static str {
        "restart-postgres"
    }

    fn words(&self) -> &'static str {
        "a fast shutdown of PostgreSQL and a start"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let primary = &mut stage.cluster()?.primary;
            primary.stop_in_order().await?;
            outage(dice).await;
            primary.start().await
        })
    }
}
