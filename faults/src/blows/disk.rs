//! The disk under the database.

use std::time::Duration;

use super::{Blow, Struck, wait};
use crate::Fallible;
use crate::dice::Dice;
use crate::stage::{Engine, Stage};

/// Nothing more can be written.
pub struct Full;

/// Syncs fail.
pub struct Broken;

/// Syncs take long.
pub struct Slow;

/// PostgreSQL gives up on some failures of its disk; its operator starts it again.
async fn see_to_postgres(stage: &mut Stage) -> Fallible<()> {
    if let Some(cluster) = &mut stage.cluster
        && cluster.primary.has_ended()
    {
        cluster.primary.start().await?;
    }
    Ok(())
}

impl Blow for Full {
    fn name(&self) -> &'static str {
        "full-disk"
    }

    fn words(&self) -> &'static str {
        "the database's files cannot be written: ENOSPC"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            stage.disk().fill(true)?;
            wait(dice, 100, 1500).await;
            stage.disk().fill(false)?;
            see_to_postgres(stage).await
        })
    }
}

impl Blow for Broken {
    fn name(&self) -> &'static str {
        "broken-disk"
    }

    fn words(&self) -> &'static str {
        "syncs of the database's files fail: EIO"
    }

    // PostgreSQL takes a failed sync of its log for the end, as it should, and is then what `kill-postgres` is.
    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Sqlite
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            for _ in 0..dice.below(5) + 1 {
                stage.disk().break_syncs(true)?;
                wait(dice, 1, 200).await;
                stage.disk().break_syncs(false)?;
                wait(dice, 1, 200).await;
            }
            Ok(())
        })
    }
}

impl Blow for Slow {
    fn name(&self) -> &'static str {
        "slow-disk"
    }

    fn words(&self) -> &'static str {
        "each sync of the database's files takes 50 to 800 ms longer"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let postgres = stage.cluster.is_some();
            // Concurrent commits share a sync less well there.
            let by = if postgres { dice.millis(20, 200) } else { dice.millis(50, 800) };
            stage.disk().delay_syncs(by)?;
            wait(dice, 1200, 2200).await;
            stage.disk().delay_syncs(Duration::ZERO)
        })
    }
}
