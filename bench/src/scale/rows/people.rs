//! People, their sessions, and what the server remembers about strangers.

use rusqlite::params;

use super::{DAY, HOUR, MINUTE, World};
use crate::Fallible;
use crate::scale::dice::{Dice, Kind};
use crate::scale::loader::Loader;

const NAMES: &[&str] = &[
    "Aarav", "Ananya", "Arjun", "Diya", "Ishaan", "Kavya", "Lakshmi", "Meera", "Nikhil", "Priya", "Rahul", "Rohan",
    "Sana", "Tara", "Vikram", "Zoya",
];
const LAST_NAMES: &[&str] = &[
    "Bose",
    "Chatterjee",
    "Das",
    "Fernandes",
    "Gupta",
    "Iyer",
    "Joshi",
    "Kapoor",
    "Khan",
    "Menon",
    "Nair",
    "Patel",
    "Rao",
    "Reddy",
    "Shah",
    "Singh",
    "Verma",
];
const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
];

/// The address of a person by number.
pub fn email_of(number: u64) -> String {
    format!("person{number:07}@crowd.example")
}

/// An IP address out of a block for documentation.
pub fn address(dice: &mut Dice) -> String {
    format!("203.0.113.{}", dice.below(256))
}

impl World {
    pub(super) fn people(&self, loader: &mut Loader) -> Fallible<()> {
        let (now, count) = (self.now, self.size.users);
        // Number 0 is there: the demo's.
        loader.fill(
            "users",
            "INSERT INTO users (id, email, name, lname, password_hash, created_at, email_verified_at,
                password_changed_at, oauth_granted_at, locked_at, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?8, ?9, ?10)",
            count - 1,
            |insert, number| {
                let number = number + 1;
                let dice = &mut Dice::of(Kind::User, number);
                let unconfirmed = number % 500 == 0;
                let created = if unconfirmed { now - dice.within(20 * HOUR) } else { now - 30 * DAY - dice.within(1_400 * DAY) };
                let developer = number <= self.size.apps / 10;
                insert.execute(params![
                    self.user(number),
                    email_of(number),
                    dice.one(NAMES),
                    dice.one(LAST_NAMES),
                    made_up_hash(dice),
                    created,
                    (!unconfirmed).then_some(created + MINUTE),
                    developer.then_some(created + DAY),
                    dice.below(1_000).eq(&0).then(|| now - dice.within(20 * DAY)),
                    if dice.percent(2) { now - dice.within(300 * DAY) } else { 0 },
                ])?;
                Ok(())
            },
        )?;
        loader.fill(
            "user_roles",
            "INSERT INTO user_roles (user_id, role) VALUES (?1, ?2)",
            count - 1,
            |insert, number| {
                let role = if number < self.size.apps / 10 { "developer" } else { "user" };
                insert.execute(params![self.user(number + 1), role]).map(drop)
            },
        )?;
        self.sessions(loader)?;
        self.strangers(loader)
    }

    fn sessions(&self, loader: &mut Loader) -> Fallible<()> {
        let (now, count) = (self.now, self.size.sessions);
        loader.fill(
            "sessions",
            "INSERT INTO sessions (id_hash, id, user_id, authenticated_at, created_at, last_seen_at, expires_at, address,
                user_agent) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8)",
            count,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Session, number);
                // Old enough that none ends while somebody measures.
                let created = now - dice.within(12 * DAY);
                insert.execute(params![
                    Dice::rising::<32>(Kind::Session, number, count),
                    format!("ses-{}", Dice::rising_uuid(Kind::Session, number, count)),
                    self.user(dice.skewed(self.size.users, 10, 2)),
                    created,
                    created + dice.within(now - created),
                    created + 14 * DAY,
                    address(dice),
                    dice.one(BROWSERS),
                ])?;
                Ok(())
            },
        )
    }

    /// Mailed links, failures, and people who would like to be developers.
    fn strangers(&self, loader: &mut Loader) -> Fallible<()> {
        let (now, count) = (self.now, self.size.users / 50);
        loader.fill(
            "email_tokens",
            "INSERT INTO email_tokens (token_hash, user_id, purpose, email, created_at, expires_at, used_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            count,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Other, number);
                let user = 1 + number * 49;
                let created = now - dice.within(40 * HOUR);
                insert.execute(params![
                    Dice::rising::<32>(Kind::Other, number, count),
                    self.user(user),
                    dice.one(&["confirm", "reset", "change"]),
                    email_of(user),
                    created,
                    created + 48 * HOUR,
                    dice.percent(60).then_some(created + MINUTE),
                ])?;
                Ok(())
            },
        )?;
        loader.fill(
            "failure_counters",
            "INSERT INTO failure_counters (key_hash, arrival_at) VALUES (?1, ?2)",
            count,
            |insert, number| {
                let arrival = now + Dice::of(Kind::Other, number).within(3 * HOUR);
                insert.execute(params![Dice::rising::<32>(Kind::Other, number, count), arrival]).map(drop)
            },
        )?;
        loader.fill(
            "oauth_access_requests",
            "INSERT INTO oauth_access_requests (user_id, reason, requested_at, decided_at, decided_by, decision)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            count,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Other, number);
                let (requested, waits) = (now - dice.within(400 * DAY), dice.percent(20));
                insert.execute(params![
                    self.user(self.size.apps / 10 + 1 + number * 40),
                    "We would like to show our team's meetings in our planner.",
                    requested,
                    (!waits).then_some(requested + DAY),
                    (!waits).then_some("operator"),
                    (!waits).then(|| if dice.percent(70) { "granted" } else { "declined" }),
                ])?;
                Ok(())
            },
        )
    }
}

/// As long as a real one; no password belongs to it.
fn made_up_hash(dice: &mut Dice) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut hash = String::with_capacity(97);
    hash.push_str("$argon2id$v=19$m=19456,t=2,p=1$");
    let digits = dice.bytes::<65>();
    for (place, byte) in digits.iter().enumerate() {
        if place == 22 {
            hash.push('$');
        }
        hash.push(char::from(DIGITS[usize::from(byte & 63)]));
    }
    hash
}
