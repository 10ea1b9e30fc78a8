//! A large data set: developers, apps that serve everybody, apps that wait for a review, and a long audit log, written by
//! the product's own functions where they would be in the way of nothing.

use std::sync::Arc;

use jiomeet_oauth::apps::store::insert_app;
use jiomeet_oauth::apps::{Declaration, NewApp};
use jiomeet_oauth::audit::{Actor, Record};
use jiomeet_oauth::ids::{AppId, ClientId, RevisionId, UserId};
use jiomeet_oauth::random::Random;
use jiomeet_oauth::time::{Clock, Timestamp};
use jiomeet_oauth::users::{self, Email, NewUser, Roles};
use protocol::redirect_uri::ClientKind;
use protocol::scope::Scope;
use serde_json::json;
use sql::{Db, DbError, Options, params};

use crate::Fallible;

/// Rows of one unit of work.
const BATCH: usize = 2_000;

/// Apps of each developer.
const APPS_EACH: usize = 10;

const FIRST: &[&str] = &[
    "amber", "brisk", "calm", "delta", "early", "fresh", "grand", "honest", "inner", "jolly", "kind", "lucid", "merry",
    "noble", "open", "prime", "quick", "rapid", "silver", "tidy", "urban", "vivid", "warm", "young", "zesty",
];
const SECOND: &[&str] = &[
    "anchor", "bridge", "canvas", "desk", "engine", "field", "garden", "harbor", "island", "jacket", "kitchen",
    "ladder", "market", "notebook", "office", "planner", "quarter", "river", "studio", "table", "union", "village",
    "window",
];

sql::statements! {
    /// Drafts of that kind serve everybody.
    APPROVE_ALL = "UPDATE app_revisions SET status = 'approved', submitted_at = created_at, decided_at = created_at
        WHERE status = 'draft' AND id LIKE 'crowd-served-%'";
    SERVE_ALL = "UPDATE apps SET approved_revision_id = working_revision_id WHERE working_revision_id LIKE 'crowd-served-%'";
    HAND_IN_ALL = "UPDATE app_revisions SET status = 'in_review', submitted_at = created_at
        WHERE status = 'draft' AND id LIKE 'crowd-waiting-%'";
    /// So that the screening reads the approved apps, as after any decision.
    DECIDE = "INSERT INTO review_decisions (id, app_id, revision_id, decision, reasons, decided_by, decided_at)
        VALUES ($1, $2, $3, 'approved', '[]', 'operator', $4)";
    FIND_USER = "SELECT id FROM users WHERE email = $1";
}

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Apps that serve everybody.
    pub served: usize,
    /// Apps that wait for a review.
    pub waiting: usize,
    /// Entries of the audit log.
    pub entries: usize,
}

/// An app of the crowd, to look at.
#[derive(Debug, Clone)]
pub struct Someone {
    /// An app with a great many entries in the log, owned by [`Crowd::busy_developer`].
    pub app: String,
    /// An app that waits.
    pub waiting_app: String,
    /// A name that is taken, and a host that is in use.
    pub name: String,
    /// Its host.
    pub host: String,
}

/// Fills a database that has the demo's people; `busy_developer` owns a tenth of the served apps.
pub async fn fill(url: &str, size: Size, busy_developer: &str) -> Fallible<Someone> {
    let db = Db::open(&url.parse()?, Options::default()).await?;
    let crowd = Crowd { db, random: Random::default(), now: Clock::system().now() };
    let busy = crowd.find(busy_developer).await?;
    let developers = crowd.developers(size.served.div_ceil(APPS_EACH)).await?;
    let owner = |number: usize| match number % 10 {
        0 => busy.clone(),
        _ => developers[number / APPS_EACH % developers.len()].clone(),
    };
    let served = crowd.apps("served", size.served, owner).await?;
    let waiting = crowd.apps("waiting", size.waiting, owner).await?;
    let (app, revision) = (served[0].0.clone(), served[0].1.clone());
    let (id, now) = (crowd.random.uuid(), crowd.now);
    let settle = move |tx: &mut sql::Tx<'_>| {
        tx.execute(&APPROVE_ALL, params![])?;
        tx.execute(&SERVE_ALL, params![])?;
        tx.execute(&HAND_IN_ALL, params![])?;
        tx.execute(&DECIDE, params![id, app, revision, now]).map(drop)
    };
    crowd.db.write(settle).await?;
    crowd.entries(size.entries, &served, &developers).await?;
    crowd.db.close().await;
    Ok(Someone {
        app: served[0].0.to_string(),
        waiting_app: waiting.first().map(|(app, _)| app.to_string()).unwrap_or_default(),
        name: name_of(7),
        host: host_of(7),
    })
}

struct Crowd {
    db: Db,
    random: Random,
    now: Timestamp,
}

fn words(number: usize) -> (&'static str, &'static str, usize) {
    let first = FIRST[number % FIRST.len()];
    let second = SECOND[number / FIRST.len() % SECOND.len()];
    (first, second, number / FIRST.len() / SECOND.len())
}

fn name_of(number: usize) -> String {
    let (first, second, round) = words(number);
    format!("{first} {second} {round}")
}

fn host_of(number: usize) -> String {
    let (first, second, round) = words(number);
    format!("{first}{second}{round}.example")
}

impl Crowd {
    async fn find(&self, email: &str) -> Fallible<UserId> {
        let email = email.to_owned();
        let found = self.db.read(move |tx| tx.find(&FIND_USER, params![email], |row| row.get::<UserId>(0))).await?;
        found.ok_or_else(|| "the busy developer is not among the demo's people".into())
    }

    async fn developers(&self, count: usize) -> Fallible<Vec<UserId>> {
        let mut ids = Vec::with_capacity(count);
        for from in (0..count).step_by(BATCH) {
            let mut people = Vec::new();
            for number in from..count.min(from + BATCH) {
                people.push(NewUser {
                    id: UserId::mint(&self.random),
                    email: Email::parse(&format!("developer{number:06}@crowd.example"))?,
                    name: "Developer".to_owned(),
                    lname: number.to_string(),
                    roles: Roles::default(),
                    password_hash: "none".to_owned(),
                    created_at: self.now,
                    email_verified_at: Some(self.now),
                    oauth_granted_at: Some(self.now),
                });
            }
            ids.extend(people.iter().map(|person| person.id.clone()));
            let unit =
                move |tx: &mut sql::Tx<'_>| people.iter().try_for_each(|person| users::create(tx, person).map(drop));
            self.db.write(unit).await?;
        }
        Ok(ids)
    }

    /// Drafts, whose revisions' ids tell what becomes of them.
    async fn apps(
        &self,
        fate: &str,
        count: usize,
        owner: impl Fn(usize) -> UserId,
    ) -> Fallible<Vec<(AppId, RevisionId)>> {
        let mut made = Vec::with_capacity(count);
        for from in (0..count).step_by(BATCH) {
            let mut batch = Vec::new();
            for number in from..count.min(from + BATCH) {
                let app = NewApp {
                    id: AppId::mint(&self.random),
                    client_id: ClientId::mint(&self.random),
                    revision_id: RevisionId::from_text(format!("crowd-{fate}-{}", self.random.uuid())),
                    owner_id: owner(number),
                    kind: ClientKind::Confidential,
                    // Spread over three years.
                    created_at: Timestamp::from_millis(self.now.as_millis() - (number as i64) * 900_000),
                };
                // Those that wait have other names.
                let named = if fate == "served" { number } else { number + 1_000_000 };
                batch.push((app, declared(named)?));
            }
            made.extend(batch.iter().map(|(app, _)| (app.id.clone(), app.revision_id.clone())));
            let unit =
                move |tx: &mut sql::Tx<'_>| batch.iter().try_for_each(|(app, declared)| insert_app(tx, app, declared));
            self.db.write(unit).await?;
        }
        Ok(made)
    }

    /// A tenth of the entries are about one app; actions are as frequent as they would be.
    async fn entries(&self, count: usize, apps: &[(AppId, RevisionId)], people: &[UserId]) -> Fallible<()> {
        for from in (0..count).step_by(BATCH) {
            let mut batch = Vec::new();
            for number in from..count.min(from + BATCH) {
                let person = &people[number * 7 % people.len()];
                let app = if number % 10 == 0 { &apps[0].0 } else { &apps[number * 13 % apps.len()].0 };
                let action = match number % 1_000 {
                    0 => "app.held",
                    1..=3 => "app.approved",
                    4..=9 => "app.submitted",
                    10..=299 => "user.signed_in",
                    _ => "consent.granted",
                };
                let at = Timestamp::from_millis(self.now.as_millis() - (count - number) as i64 * 60_000);
                let record = Record::new(&self.random, at, Actor::User(person.clone()), action).user(person);
                let record = if action.starts_with("user") { record } else { record.app(app) };
                batch.push(record.address("203.0.113.9").detail(json!({"scopes": "user:read meeting:read"})));
            }
            let batch = Arc::new(batch);
            let unit = move |tx: &mut sql::Tx<'_>| {
                batch.iter().try_for_each(|record: &Record| record.write(tx)).map(|()| Ok::<_, DbError>(()))
            };
            self.db.write(unit).await??;
        }
        Ok(())
    }
}

fn declared(number: usize) -> Fallible<Declaration> {
    let host = host_of(number);
    let scopes =
        ["user:read", "meeting:read", "meeting:create"].map(|scope| Scope::parse(scope).map(|scope| (scope, None)));
    Ok(Declaration {
        name: name_of(number),
        homepage_url: format!("https://{host}/"),
        policy_url: format!("https://{host}/policy"),
        logo_url: format!("https://{host}/logo.png"),
        use_case: "Other".to_owned(),
        description: "Made up, to see how the console does among many.".to_owned(),
        callback_urls: vec![format!("https://{host}/callback")],
        scopes: scopes.into_iter().collect::<Result<_, _>>().map_err(|_| "a scope is not known")?,
        ..Declaration::default()
    })
}
