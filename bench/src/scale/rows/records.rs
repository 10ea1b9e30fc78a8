//! The audit log, and mail that was sent.

use rusqlite::params;

use super::{DAY, MINUTE, World, people};
use crate::Fallible;
use crate::scale::dice::{Dice, Kind};
use crate::scale::loader::Loader;

impl World {
    pub(super) fn records(&self, loader: &mut Loader) -> Fallible<()> {
        self.entries(loader)?;
        self.mails(loader)
    }

    /// A tenth of the entries are about one app; actions are as frequent as they would be.
    fn entries(&self, loader: &mut Loader) -> Fallible<()> {
        let (now, count) = (self.now, self.size.entries);
        loader.fill(
            "audit",
            "INSERT INTO audit (id, at, actor_kind, actor_id, action, app_id, user_id, address, detail)
                VALUES (?1, ?2, 'user', ?3, ?4, ?5, ?3, ?6, ?7)",
            count,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Audit, number);
                let at = now - (count - number) as i64 * (700 * DAY / count as i64) + dice.within(MINUTE / 60);
                let user = self.user(dice.skewed(self.size.users, 10, 2));
                let app = if number % 10 == 0 { 10 } else { dice.below(self.size.served()) };
                let action = match number % 1_000 {
                    0 => "app.held",
                    1..=3 => "app.approved",
                    4..=9 => "app.submitted",
                    10..=299 => "user.signed_in",
                    _ => "consent.granted",
                };
                let about_app = action != "user.signed_in";
                let detail = if action == "consent.granted" { r#"{"scopes":"user:read meeting:read"}"# } else { "{}" };
                insert.execute(params![
                    dice.timed_uuid(at),
                    at,
                    user,
                    action,
                    about_app.then(|| self.app(app)),
                    people::address(dice),
                    detail,
                ])?;
                Ok(())
            },
        )
    }

    fn mails(&self, loader: &mut Loader) -> Fallible<()> {
        let (now, count) = (self.now, self.size.mails);
        loader.fill(
            "outbox",
            "INSERT INTO outbox (id, recipient, letter, created_at, give_up_at, attempts, sent_at)
                VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)",
            count,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Mail, number);
                let at = now - (count - number) as i64 * (13 * DAY / count as i64);
                insert.execute(params![
                    dice.timed_uuid(at),
                    people::email_of(1 + dice.below(self.size.users - 1)),
                    r#"{"kind":"password_changed"}"#,
                    at,
                    at + DAY,
                    at + MINUTE,
                ])?;
                Ok(())
            },
        )
    }
}
