//! The primary dies, and its synchronous replica takes over.

use super::{Blow, Struck, wait};
use crate::dice::Dice;
use crate::stage::{Engine, Finding, Stage};

/// `kill -9` of the primary, the replica promoted; the server finds it by itself.
pub struct Failover;

impl Blow for Failover {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn words(&self) -> &'static str {
        "`kill -9` of the primary, its synchronous replica promoted: at the same address, or found among two hosts"
    }

    fn fits(&self, engine: Engine) -> bool {
        engine == Engine::Postgres
    }

    fn prepare<'a>(&'a self, stage: &'a mut Stage) -> Struck<'a> {
        Box::pin(async move { stage.cluster()?.follow().await })
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            let cluster = stage.cluster()?;
            let replica = cluster.replica.take().ok_or("no replica stands")?;
            cluster.primary.kill()?;
            let promote = async |dice: &mut Dice| {
                wait(dice, 0, 500).await;
                replica.ask("SELECT pg_promote(true, 20)").await
            };
            // The address moves before the replica takes writes, or after.
            let early = dice.in_percent(50);
            let address = replica.address;
            if cluster.finding == Finding::Address && early {
                cluster.move_address(address).await;
            }
            promote(dice).await?;
            if cluster.finding == Finding::Address && !early {
                cluster.move_address(address).await;
            }
            cluster.primary = replica;
            Ok(())
        })
    }
}
