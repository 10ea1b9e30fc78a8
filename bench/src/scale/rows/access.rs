//! What people gave to apps: codes, grants, consents, and what was revoked of it.

use rusqlite::params;

use super::{DAY, HOUR, MINUTE, World, apps};
use crate::Fallible;
use crate::scale::dice::{Dice, Kind, Shuffle};
use crate::scale::loader::Loader;

/// How long refresh and access tokens live by default.
const REFRESH: i64 = 60 * DAY;
const ACCESS: i64 = DAY;

/// A grant by its number: older ones come first.
struct Given {
    id: String,
    app: u64,
    user: u64,
    session: String,
    created: i64,
    dice: Dice,
}

impl World {
    fn given(&self, number: u64) -> Given {
        let mut dice = Dice::of(Kind::Grant, number);
        // Over the life of a refresh token, less what would end while somebody measures; each in a time of its own, so
        // that ids rise.
        let span = (REFRESH - 2 * DAY) as u64 / self.size.grants;
        let created = self.now - REFRESH + 2 * DAY + (number * span + dice.below(span.max(1))) as i64 - MINUTE;
        // Everybody gives an app a second grant a month later: another device.
        let mut pair = Dice::of(Kind::Consent, number % (self.size.grants / 2));
        let (app, user) = (pair.skewed(self.size.served(), 50, 3), pair.skewed(self.size.users, 10, 2));
        let session =
            format!("ses-{}", Dice::rising_uuid(Kind::Session, number % self.size.sessions, self.size.sessions));
        Given { id: dice.timed_uuid(created), app, user, session, created, dice }
    }

    fn code(&self, place: u64) -> [u8; 32] {
        Dice::rising(Kind::Code, place, self.size.grants)
    }

    pub(super) fn access(&self, loader: &mut Loader) -> Fallible<()> {
        let shuffle = Shuffle::new(self.size.grants);
        self.grants(loader, shuffle)?;
        self.codes(loader, shuffle)?;
        loader.index("grants_by_user")?;
        loader.run(
            "consents",
            "INSERT INTO consents (user_id, app_id, granted_scopes, declined_scopes, consent_version, first_granted_at, answered_at)
                SELECT user_id, app_id, MIN(scopes), '', 1, MIN(created_at), MAX(created_at) FROM grants
                WHERE true GROUP BY user_id, app_id
                ON CONFLICT (user_id, app_id) DO NOTHING",
        )?;
        self.endings(loader)
    }

    fn grants(&self, loader: &mut Loader, shuffle: Shuffle) -> Fallible<()> {
        loader.fill(
            "grants",
            "INSERT INTO grants (id, code_hash, app_id, user_id, session_id, scopes, authenticated_at, created_at, generation,
                secret_hash, rotated_at, previous_generation, previous_secret_hash, previous_rotated_at, key_number,
                successor_used_at, access_until, refresh_expires_at, last_used_at, ended_at, end_reason)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 1, ?15, ?16, ?17, ?18, ?19, ?20)",
            self.size.grants,
            |insert, number| {
                let Given { id, app, user, session, created, mut dice } = self.given(number);
                // Half were refreshed, some of them many times.
                let turns = if dice.percent(50) { 1 + dice.below(60) as i64 } else { 0 };
                let rotated = created + if turns > 0 { dice.within(self.now - created) } else { 0 };
                let ended = dice.percent(5).then(|| rotated + dice.within(self.now - rotated));
                let reason = dice.one(&["removed_by_user", "revoked_by_app", "replayed_refresh"]);
                insert.execute(params![
                    id,
                    self.code(shuffle.place_of(number)),
                    self.app(app),
                    self.user(user),
                    session,
                    apps::scope_text(app),
                    created - HOUR,
                    created,
                    turns,
                    dice.bytes::<32>(),
                    rotated,
                    (turns > 0).then_some(turns - 1),
                    (turns > 0).then(|| dice.bytes::<32>()),
                    (turns > 0).then_some(created),
                    dice.percent(80).then_some(rotated + MINUTE),
                    rotated + ACCESS + MINUTE,
                    rotated + REFRESH,
                    rotated + MINUTE,
                    ended,
                    ended.map(|_| reason),
                ])?;
                Ok(())
            },
        )
    }

    /// In the order of their hashes, which is no order of time.
    fn codes(&self, loader: &mut Loader, shuffle: Shuffle) -> Fallible<()> {
        let insert =
            "INSERT INTO authorization_codes (code_hash, request_id, app_id, user_id, session_id, redirect_uri, scopes,
            code_challenge, authenticated_at, created_at, expires_at, redeemed_at, grant_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        loader.fill("authorization_codes", insert, self.size.grants, |insert, place| {
            let given = self.given(shuffle.at(place));
            insert.execute(params![
                self.code(place),
                Dice::rising_uuid(Kind::Code, place, self.size.grants),
                self.app(given.app),
                self.user(given.user),
                given.session,
                format!("https://{}/callback/0", apps::host_of(given.app)),
                apps::scope_text(given.app),
                (place % 3 > 0).then_some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                given.created - HOUR,
                given.created,
                given.created + 5 * MINUTE,
                given.created + MINUTE / 60,
                given.id,
            ])?;
            Ok(())
        })?;
        // Those that nobody redeemed, not long ago.
        let (count, now) = (self.size.grants / 100, self.now);
        loader.fill("codes that expired", insert, count, |insert, number| {
            let dice = &mut Dice::of(Kind::Other, number);
            let (app, created) = (dice.skewed(self.size.served(), 50, 3), now - dice.within(12 * HOUR));
            insert.execute(params![
                dice.bytes::<32>(),
                dice.timed_uuid(created),
                self.app(app),
                self.user(dice.skewed(self.size.users, 10, 2)),
                format!("ses-{}", Dice::rising_uuid(Kind::Session, number % self.size.sessions, self.size.sessions)),
                format!("https://{}/callback/0", apps::host_of(app)),
                apps::scope_text(app),
                None::<String>,
                created,
                created,
                created + 5 * MINUTE,
                None::<i64>,
                None::<String>,
            ])?;
            Ok(())
        })
    }

    fn endings(&self, loader: &mut Loader) -> Fallible<()> {
        loader.run(
            "revocations",
            &format!(
                "INSERT INTO revocations (grant_id, generation, revoked_at, until_at)
                    SELECT id, -1, ended_at, access_until FROM grants WHERE ended_at IS NOT NULL AND access_until > {}",
                self.now
            ),
        )?;
        let (now, count) = (self.now, self.size.grants / 50);
        loader.fill(
            "one_time_ids",
            "INSERT INTO one_time_ids (id_hash, expires_at, claimed_by) VALUES (?1, ?2, ?3)",
            count,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Other, number);
                let expires = now + dice.within(DAY);
                insert
                    .execute(params![Dice::rising::<32>(Kind::Other, number, count), expires, dice.bytes::<16>()])
                    .map(drop)
            },
        )?;
        loader.fill(
            "pushed_requests",
            "INSERT INTO pushed_requests (uri_hash, request_id, client_id, query, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            count / 10,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Other, number);
                let created = now - dice.within(30 * MINUTE);
                insert.execute(params![
                    Dice::rising::<32>(Kind::Other, number, count),
                    dice.timed_uuid(created),
                    "0123456789abcdef01234567",
                    "response_type=code&scope=user%3Aread+meeting%3Aread&state=eyJ0byI6Ii9jYWxlbmRhciJ9",
                    created,
                    created + DAY,
                ])?;
                Ok(())
            },
        )
    }
}
