//! The rows: who there is, and what everybody has done. Each file knows one room's tables.

mod access;
mod apps;
mod meetings;
mod people;
mod records;

use std::path::Path;

use super::dice::{Dice, Kind};
use super::loader::Loader;
use super::size::Size;
use crate::Fallible;
use crate::deployment::Report;

/// Milliseconds.
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What every row is drawn from.
#[derive(Debug, Clone)]
pub struct World {
    /// How much there is.
    pub size: Size,
    /// When the load began: everything was before or is after it.
    pub now: i64,
    /// The demo's user who has more of everything than anybody.
    busy_user: String,
    /// The demo's developer, who owns a tenth of the apps.
    busy_developer: String,
    /// The sample client, which more people use than any other app.
    busy_app: String,
}

/// Somebody to look for.
#[derive(Debug, Clone)]
pub struct Someone {
    /// An app with a great many entries in the log, owned by the demo's developer.
    pub app: String,
    /// An app that waits for a review.
    pub waiting_app: String,
    /// A name that is taken.
    pub name: String,
    /// A host that is in use.
    pub host: String,
    /// The address of a person of the crowd.
    pub email: String,
}

impl World {
    /// Fills a database that has the demo's people and apps, and nobody else.
    pub fn fill(file: &Path, report: &Report, size: Size, now: i64) -> Fallible<()> {
        let mut loader = Loader::open(file)?;
        let user = "SELECT id FROM users WHERE email = ?1";
        let world = World {
            size,
            now,
            busy_user: loader.find(user, "asha@example.com")?,
            busy_developer: loader.find(user, "dev@example.com")?,
            busy_app: loader.find("SELECT id FROM apps WHERE client_id = ?1", &report.client.client_id)?,
        };
        world.people(&mut loader)?;
        world.apps(&mut loader)?;
        world.access(&mut loader)?;
        world.meetings(&mut loader)?;
        world.records(&mut loader)?;
        loader.finish()
    }

    /// Whom to look for in a crowd of that size.
    pub fn someone(size: Size) -> Someone {
        let world =
            World { size, now: 0, busy_user: String::new(), busy_developer: String::new(), busy_app: String::new() };
        Someone {
            app: world.app(10.min(size.apps - 1) / 10 * 10),
            waiting_app: world.app(size.served()),
            name: apps::name_of(7),
            host: apps::host_of(7),
            email: people::email_of(size.users / 2),
        }
    }

    /// The id of a person by number.
    fn user(&self, number: u64) -> String {
        match number {
            0 => self.busy_user.clone(),
            _ => format!("u-{}", Dice::rising_uuid(Kind::User, number, self.size.users)),
        }
    }

    /// The id of an app by number.
    fn app(&self, number: u64) -> String {
        match number {
            0 => self.busy_app.clone(),
            _ => format!("app-{}", Dice::rising_uuid(Kind::App, number, self.size.apps)),
        }
    }

    /// Who owns an app.
    fn owner(&self, app: u64) -> String {
        match app % 10 {
            0 => self.busy_developer.clone(),
            _ => self.user(self.developer(app)),
        }
    }

    /// The number of an app's developer.
    fn developer(&self, app: u64) -> u64 {
        1 + app / 10 % (self.size.users - 1)
    }
}
