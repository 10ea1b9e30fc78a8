//! The whole machine ends, and with it what was written and not yet synced.

use super::{Blow, Struck, wait};
use crate::Fallible;
use crate::dice::Dice;
use crate::stage::{Engine, Stage};
use crate::undo::{self, Caught};

/// Everything ends at once; of what was not synced the disk has any part; then a start, which may be cut short too.
pub struct PowerCut;

/// One in so many percent of the starts is cut short by another cut.
const AGAIN: usize = 30;

impl Blow for PowerCut {
    fn name(&self) -> &'static str {
        "power-cut"
    }

    fn words(&self) -> &'static str {
        "everything ends at once, and of what was written since the last sync of each file any part is lost"
    }

    fn fits(&self, _engine: Engine) -> bool {
        true
    }

    fn prepare<'a>(&'a self, stage: &'a mut Stage) -> Struck<'a> {
        Box::pin(async move {
            let disk = stage.disk();
            // What a process that was just about to keep something has left.
            undo::forget(&disk.before)?;
            disk.lie(stage.disk_lies)?;
            disk.keep_what_was(true)
        })
    }

    fn strike<'a>(&'a self, stage: &'a mut Stage, dice: &'a mut Dice) -> Struck<'a> {
        Box::pin(async move {
            cut(stage, dice).await?;
            while dice.in_percent(AGAIN) {
                wait(dice, 0, 600).await;
                cut(stage, dice).await?;
            }
            if let Some(cluster) = &mut stage.cluster {
                cluster.primary.start().await?;
            }
            let disk = stage.disk();
            disk.keep_what_was(false)?;
            disk.lie(false)
        })
    }
}

/// Ends everything and starts it again. PostgreSQL is not waited for.
async fn cut(stage: &mut Stage, dice: &mut Dice) -> Fallible<()> {
    for server in &mut stage.servers {
        server.kill()?;
    }
    if let Some(cluster) = &mut stage.cluster {
        cluster.primary.kill()?;
    }
    let before = stage.disk().before.clone();
    let root = stage.cluster.as_ref().map_or(&stage.folder, |cluster| &cluster.primary.data);
    let caught = if stage.disk_lies { Caught::IDLE } else { Caught::somewhere(dice) };
    let lost = undo::cut_power(&before, root, caught, dice)?;
    eprintln!("{:18} {lost} pieces of unsynced writes lost", "");
    match &mut stage.cluster {
        Some(cluster) => cluster.primary.launch()?,
        // Memory.
        None => drop(std::fs::remove_file(stage.folder.join("jiomeet-oauth.db-shm"))),
    }
    stage.servers.iter_mut().try_for_each(crate::server::Server::launch)
}
