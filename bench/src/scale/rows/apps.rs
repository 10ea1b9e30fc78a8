//! Apps: what was declared, what was found and decided, who works on them.

use protocol::redirect_uri::ClientKind;
use rusqlite::params;

use super::{DAY, MINUTE, World};
use crate::Fallible;
use crate::scale::dice::{Dice, Kind};
use crate::scale::loader::Loader;

const FIRST: &[&str] = &[
    "amber", "brisk", "calm", "delta", "early", "fresh", "grand", "honest", "inner", "jolly", "kind", "lucid", "merry",
    "noble", "open", "prime", "quick", "rapid", "silver", "tidy", "urban", "vivid", "warm", "young", "zesty",
];
const SECOND: &[&str] = &[
    "anchor", "bridge", "canvas", "desk", "engine", "field", "garden", "harbor", "island", "jacket", "kitchen",
    "ladder", "market", "notebook", "office", "planner", "quarter", "river", "studio", "table", "union", "village",
    "window",
];
const SCOPES: &[&str] = &["user:read", "meeting:read", "meeting:create", "meeting:update", "meeting:delete", "openid"];

fn words(number: u64) -> (&'static str, &'static str, u64) {
    let (first, second) = (FIRST.len() as u64, SECOND.len() as u64);
    (FIRST[(number % first) as usize], SECOND[(number / first % second) as usize], number / first / second)
}

/// The name of an app by number.
pub fn name_of(number: u64) -> String {
    let (first, second, round) = words(number);
    format!("{first} {second} {round}")
}

/// Its host.
pub fn host_of(number: u64) -> String {
    let (first, second, round) = words(number);
    format!("{first}{second}{round}.example")
}

/// How many scopes it asks for: the first ones of the list.
fn scopes_of(number: u64) -> &'static [&'static str] {
    &SCOPES[..2 + (number % 5) as usize]
}

/// Its scopes in one text, ordered as the server orders them.
pub fn scope_text(number: u64) -> String {
    let mut scopes = scopes_of(number).to_vec();
    scopes.sort_unstable();
    scopes.join(" ")
}

/// How far an app has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Served,
    Waiting,
    Other(&'static str),
}

impl World {
    fn stage(&self, app: u64) -> Stage {
        match app {
            _ if app < self.size.served() => Stage::Served,
            _ if app < self.size.served() + self.size.waiting() => Stage::Waiting,
            _ => Stage::Other(["draft", "on_hold", "rejected"][(app % 3) as usize]),
        }
    }

    fn revision(&self, app: u64) -> String {
        format!("rev-{}", Dice::rising_uuid(Kind::Revision, app, self.size.apps))
    }

    /// Over three years, the first ones last, as a developer's list shows them.
    fn made_at(&self, app: u64) -> i64 {
        self.now - DAY - (app as i64) * (1_095 * DAY / self.size.apps as i64)
    }

    pub(super) fn apps(&self, loader: &mut Loader) -> Fallible<()> {
        // Number 0 is there: the demo's.
        let count = self.size.apps - 1;
        loader.fill(
            "apps",
            "INSERT INTO apps (id, client_id, owner_id, kind, created_at, approved_revision_id, working_revision_id,
                serving_scopes, suspended_at, suspended_reason, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            count,
            |insert, number| {
                let number = number + 1;
                let dice = &mut Dice::of(Kind::App, number);
                let client_id: String = Dice::rising_uuid(Kind::Other, number, count).replace('-', "")[..24].to_owned();
                let revision = self.revision(number);
                let suspended = number % 400 == 399 && self.stage(number) == Stage::Served;
                let suspended_at = suspended.then(|| self.now - dice.within(90 * DAY));
                insert.execute(params![
                    self.app(number),
                    client_id,
                    self.owner(number),
                    if number % 7 == 3 { ClientKind::PublicNative } else { ClientKind::Confidential }.as_str(),
                    self.made_at(number),
                    (self.stage(number) == Stage::Served).then_some(&revision),
                    revision,
                    scope_text(number),
                    suspended_at,
                    suspended.then_some("Its homepage leads to a site with malware."),
                    suspended_at.unwrap_or(0),
                ])?;
                Ok(())
            },
        )?;
        self.revisions(loader, count)?;
        self.reviews(loader, count)?;
        self.developers(loader, count)
    }

    fn revisions(&self, loader: &mut Loader, count: u64) -> Fallible<()> {
        loader.fill(
            "app_revisions",
            "INSERT INTO app_revisions (id, app_id, number, status, name, homepage_url, policy_url, logo_url, use_case,
                description, created_at, changed_at, submitted_at, decided_at)
                VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, 'Other', ?8, ?9, ?9, ?10, ?11)",
            count,
            |insert, number| {
                let number = number + 1;
                let (stage, host, made) = (self.stage(number), host_of(number), self.made_at(number));
                let status = match stage {
                    Stage::Served => "approved",
                    Stage::Waiting => "in_review",
                    Stage::Other(status) => status,
                };
                insert.execute(params![
                    self.revision(number),
                    self.app(number),
                    status,
                    name_of(number),
                    format!("https://{host}/"),
                    format!("https://{host}/policy"),
                    format!("https://{host}/logo.png"),
                    "Made up, to see how the server does among many.",
                    made,
                    (status != "draft").then_some(made + DAY / 2),
                    matches!(status, "approved" | "on_hold" | "rejected").then_some(made + DAY),
                ])?;
                Ok(())
            },
        )?;
        loader.fill(
            "callback_urls",
            "INSERT INTO callback_urls (revision_id, position, url) VALUES (?1, ?2, ?3)",
            count,
            |insert, number| {
                let number = number + 1;
                (0..1 + number % 3).try_for_each(|position| {
                    let url = format!("https://{}/callback/{position}", host_of(number));
                    insert.execute(params![self.revision(number), position as i64, url]).map(drop)
                })
            },
        )?;
        loader.fill(
            "revision_scopes",
            "INSERT INTO revision_scopes (revision_id, scope) VALUES (?1, ?2)",
            count,
            |insert, number| {
                let revision = self.revision(number + 1);
                scopes_of(number + 1).iter().try_for_each(|scope| insert.execute(params![revision, scope]).map(drop))
            },
        )?;
        loader.fill(
            "app_secrets",
            "INSERT INTO app_secrets (id, app_id, secret_hash, last_four, created_at, last_used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            count,
            |insert, number| {
                let number = number + 1;
                let dice = &mut Dice::of(Kind::App, number);
                insert.execute(params![
                    format!("sec-{}", Dice::rising_uuid(Kind::Other, number, count + 1)),
                    self.app(number),
                    dice.bytes::<32>(),
                    "b7Qx",
                    self.made_at(number),
                    dice.percent(80).then(|| self.now - dice.within(30 * DAY)),
                ])?;
                Ok(())
            },
        )
    }

    fn reviews(&self, loader: &mut Loader, count: u64) -> Fallible<()> {
        const CHECKS: &[(&str, &str, &str)] = &[
            ("homepage_url", "reachable", "The page answers."),
            ("policy_url", "reachable", "The page answers."),
            ("callback_urls[0]", "blocklist", "No list knows it."),
            ("name", "app_name", "No other app is called so."),
        ];
        loader.fill(
            "findings",
            "INSERT INTO findings (revision_id, position, field, check_id, subject, severity, sentence, mend, evidence, found_at)
                VALUES (?1, ?2, ?3, ?4, ?5, 'passed', ?6, '', '{\"kind\":\"none\"}', ?7)",
            count,
            |insert, number| {
                let number = number + 1;
                if matches!(self.stage(number), Stage::Other(_)) {
                    return Ok(());
                }
                let (revision, subject) = (self.revision(number), format!("https://{}/", host_of(number)));
                let found = self.made_at(number) + DAY / 2 + MINUTE;
                CHECKS.iter().enumerate().try_for_each(|(position, (field, check, sentence))| {
                    insert.execute(params![revision, position as i64, field, check, subject, sentence, found]).map(drop)
                })
            },
        )?;
        loader.fill(
            "review_decisions",
            "INSERT INTO review_decisions (id, app_id, revision_id, decision, reasons, decided_by, decided_at, submitted_at)
                VALUES (?1, ?2, ?3, ?4, '[]', 'operator', ?5, ?6)",
            count,
            |insert, number| {
                let number = number + 1;
                let decision = match self.stage(number) {
                    Stage::Served => "approved",
                    Stage::Other("on_hold") => "held",
                    Stage::Other("rejected") => "rejected",
                    Stage::Waiting | Stage::Other(_) => return Ok(()),
                };
                insert.execute(params![
                    format!("dec-{}", Dice::rising_uuid(Kind::Other, number, count + 1)),
                    self.app(number),
                    self.revision(number),
                    decision,
                    self.made_at(number) + DAY,
                    self.made_at(number) + DAY / 2,
                ])?;
                Ok(())
            },
        )
    }

    fn developers(&self, loader: &mut Loader, count: u64) -> Fallible<()> {
        let someone = |number: u64, places: u64| self.user(1 + (number * 13 + places) % (self.size.users - 1));
        loader.fill(
            "collaborators",
            "INSERT INTO collaborators (app_id, user_id, added_at) VALUES (?1, ?2, ?3)",
            count / 3,
            |insert, number| {
                let app = number * 3 + 1;
                insert.execute(params![self.app(app), someone(app, 5), self.made_at(app) + DAY]).map(drop)
            },
        )?;
        loader.fill(
            "testers",
            "INSERT INTO testers (app_id, user_id, accepted_at) VALUES (?1, ?2, ?3)",
            count / 2,
            |insert, number| {
                let app = number * 2 + 1;
                insert.execute(params![self.app(app), someone(app, 7), self.made_at(app) + DAY]).map(drop)
            },
        )?;
        loader.fill(
            "invitations",
            "INSERT INTO invitations (id, app_id, kind, email, invited_by, created_at, expires_at, answered_at)
                VALUES (?1, ?2, 'tester', ?3, ?4, ?5, ?6, ?7)",
            count / 2,
            |insert, number| {
                let (app, dice) = (number * 2 + 1, &mut Dice::of(Kind::Other, number));
                let created = self.now - dice.within(6 * DAY);
                insert.execute(params![
                    format!("inv-{}", Dice::rising_uuid(Kind::Other, number, count)),
                    self.app(app),
                    super::people::email_of(1 + (app * 13 + 7) % (self.size.users - 1)),
                    self.owner(app),
                    created,
                    created + 14 * DAY,
                    dice.percent(70).then_some(created + MINUTE),
                ])?;
                Ok(())
            },
        )?;
        let today = self.now / DAY;
        loader.fill(
            "app_errors",
            "INSERT INTO app_errors (app_id, day, code, count) VALUES (?1, ?2, ?3, ?4)",
            count / 5,
            |insert, number| {
                let (app, dice) = (self.app(number * 5 + 1), &mut Dice::of(Kind::Other, number));
                (0..3).try_for_each(|back| {
                    let count = 1 + dice.below(40) as i64;
                    insert.execute(params![app, today - back, "code_expired", count]).map(drop)
                })
            },
        )
    }
}
