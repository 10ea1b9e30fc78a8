//! The view of revocations: what stands against living access tokens, in memory, so that a bearer check need not ask the
//! database.
//!
//! It holds what deviates, not what is: grants and generations that were revoked, each until the last of their access
//! tokens has expired; accounts whose tokens were ended within the longest life of a token; and the apps that everybody
//! may use. Of an app in test mode it knows nothing, since who may use that depends on the person: the database is asked.
//!
//! Triggers of the schema announce whatever ends access (`migrations/0012`), so no writer can forget it, and
//! [`sql::Follower`] brings it here: what this process commits before it is answered, what others commit within a second.
//! A view that is older than [`sql::FRESHNESS`] is not used.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use protocol::scope::ScopeSet;
use sql::{DbError, Follower, Tx};

use super::access_token::TokenId;
use super::bearer::Verified;
use super::lifetimes::find_longest_lives;
use super::view_store::{self, AppState, Revoked, UserEnd};
use crate::ids::{AppId, ClientId, GrantId, UserId};
use crate::time::{SettledClock, Timestamp};

/// How far the clocks of nodes may be apart: so much longer is remembered what has expired here.
pub const CLOCK_MARGIN: Duration = Duration::from_secs(300);

/// Grants are kept in so many tables, by the last bits of their ids, so that forgetting the expired ones never holds up a
/// bearer check for long.
const SHARDS: usize = 64;

/// What the view says about a token whose signature and claims are good.
#[derive(Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing stands against it: the app, and those of its scopes that the app may still ask for.
    Stands(AppId, ScopeSet),
    /// It was revoked, or what it stands on has ended.
    Revoked,
    /// The view does not know: ask the database.
    Unknown,
}

/// How much the view holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Revoked grants.
    pub grants: usize,
    /// Withdrawn generations.
    pub generations: usize,
    /// Accounts whose tokens were ended.
    pub users: usize,
    /// Apps that everybody may use.
    pub apps: usize,
}

/// The view.
#[derive(Debug)]
pub struct RevocationView {
    clock: SettledClock,
    entries: RwLock<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// When the last access token of each revoked grant has expired.
    grants: Vec<HashMap<GrantId, Expiry>>,
    /// The same of each withdrawn generation.
    generations: HashMap<TokenId, Expiry>,
    users: HashMap<UserId, Ended>,
    apps: HashMap<ClientId, App>,
    /// One copy of each set of scopes that apps have, by its text.
    scopes: HashMap<String, Arc<ScopeSet>>,
    /// How long an access token lives at most.
    longest_life: Duration,
}

/// Whole seconds since 1970, rounded up: half the size of a [`Timestamp`].
#[derive(Debug, Clone, Copy)]
struct Expiry(u32);

#[derive(Debug, Clone, Copy)]
struct Ended {
    epoch: Timestamp,
    is_closed: bool,
}

#[derive(Debug)]
struct App {
    id: AppId,
    epoch: Timestamp,
    serves: bool,
    scopes: Arc<ScopeSet>,
}

impl RevocationView {
    /// An empty view; [`sql::Db::follow`] fills it.
    ///
    /// What it forgets it forgets by that clock: a jump ahead must not let a revoked token live when it is over.
    pub fn new(clock: SettledClock) -> RevocationView {
        RevocationView { clock, entries: RwLock::new(Entries::new()) }
    }

    /// What it says about a token. Only to be asked while [`sql::Db::hears`].
    pub fn judge(&self, token: &Verified) -> Word {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).judge(token)
    }

    /// Forgets what is about tokens that have expired.
    pub fn forget_expired(&self) {
        let now = self.clock.now();
        for shard in 0..SHARDS {
            self.change(|entries| forget(&mut entries.grants[shard], |until| !until.is_over(now)));
        }
        self.change(|entries| {
            forget(&mut entries.generations, |until| !until.is_over(now));
            let since = entries.epochs_since(now);
            forget(&mut entries.users, |ended| ended.epoch > since);
        });
    }

    /// How much it holds.
    pub fn size(&self) -> Size {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Size {
            grants: entries.grants.iter().map(HashMap::len).sum(),
            generations: entries.generations.len(),
            users: entries.users.len(),
            apps: entries.apps.len(),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        change(&mut self.entries.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Follower for RevocationView {
    fn load(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let now = self.clock.now();
        let mut entries = Entries::new();
        entries.longest_life = find_longest_lives(tx)?.access;
        view_store::each_revocation(tx, now.minus(CLOCK_MARGIN), |revoked| entries.take_revoked(&revoked))?;
        view_store::each_ended_user(tx, entries.epochs_since(now), |user| entries.take_user(user, now))?;
        view_store::each_open_app(tx, |app| entries.take_app(app))?;
        let before = self.change(|old| std::mem::replace(old, entries));
        // Freeing a million entries takes a while: not under the lock.
        drop(before);
        Ok(())
    }

    fn hear(&self, tx: &mut Tx<'_>, subjects: &BTreeSet<String>) -> Result<(), DbError> {
        let now = self.clock.now();
        for subject in subjects {
            match subject.split_once(':') {
                Some(("grant", id)) => {
                    let revoked = view_store::list_revocations(tx, id)?;
                    self.change(|entries| revoked.iter().for_each(|revoked| entries.take_revoked(revoked)));
                }
                Some(("user", id)) => {
                    if let Some(user) = view_store::find_user(tx, id)? {
                        self.change(|entries| entries.take_user(user, now));
                    }
                }
                Some(("app", id)) => {
                    if let Some(app) = view_store::find_app(tx, id)? {
                        self.change(|entries| entries.take_app(app))?;
                    }
                }
                _ if subject == "lifetimes" => {
                    let longest = find_longest_lives(tx)?.access;
                    self.change(|entries| entries.longest_life = longest);
                }
                // A newer node announces something that this program does not keep.
                _ => {}
            }
        }
        Ok(())
    }
}

impl Entries {
    fn new() -> Entries {
        Entries { grants: (0..SHARDS).map(|_| HashMap::new()).collect(), ..Entries::default() }
    }

    fn judge(&self, token: &Verified) -> Word {
        let TokenId { grant, .. } = token.id;
        let created_at = grant.created_at();
        if self.grants[shard_of(grant)].contains_key(&grant) || self.generations.contains_key(&token.id) {
            return Word::Revoked;
        }
        if let Some(ended) = self.users.get(token.claims.sub.as_str())
            && (ended.is_closed || created_at < ended.epoch)
        {
            return Word::Revoked;
        }
        match self.apps.get(token.claims.client_id.as_str()) {
            None => Word::Unknown,
            Some(app) if !app.serves || created_at < app.epoch => Word::Revoked,
            Some(app) => Word::Stands(app.id.clone(), token.claims.scope.intersection(&app.scopes)),
        }
    }

    fn take_revoked(&mut self, revoked: &Revoked) {
        let &Revoked { grant, generation, until } = revoked;
        let until = Expiry::of(until);
        match generation {
            None => self.grants[shard_of(grant)].insert(grant, until),
            Some(generation) => self.generations.insert(TokenId { grant, generation }, until),
        };
    }

    fn take_user(&mut self, user: UserEnd, now: Timestamp) {
        if user.epoch > self.epochs_since(now) {
            self.users.insert(user.id, Ended { epoch: user.epoch, is_closed: user.is_closed });
        } else {
            self.users.remove(&user.id);
        }
    }

    fn take_app(&mut self, app: AppState) -> Result<(), DbError> {
        let AppState { id, client_id, epoch, serves, is_open, scopes } = app;
        if !is_open {
            self.apps.remove(&client_id);
            return Ok(());
        }
        let scopes = match self.scopes.get(&scopes) {
            Some(set) => Arc::clone(set),
            None => {
                let set = ScopeSet::parse(&scopes).map_err(|_| DbError::Broken(format!("not scopes: {scopes}")))?;
                let set = Arc::new(set);
                self.scopes.insert(scopes, Arc::clone(&set));
                set
            }
        };
        self.apps.insert(client_id, App { id, epoch, serves, scopes });
        Ok(())
    }

    /// Every token that is older than an epoch before this has expired.
    fn epochs_since(&self, now: Timestamp) -> Timestamp {
        now.minus(self.longest_life).minus(CLOCK_MARGIN).max(Timestamp::from_millis(0))
    }
}

impl Expiry {
    fn of(until: Timestamp) -> Expiry {
        Expiry(u32::try_from(until.as_seconds().saturating_add(1)).unwrap_or(u32::MAX))
    }

    fn is_over(self, now: Timestamp) -> bool {
        i64::from(self.0) < now.minus(CLOCK_MARGIN).as_seconds()
    }
}

fn shard_of(grant: GrantId) -> usize {
    usize::from(grant.as_bytes()[15]) % SHARDS
}

/// Keeps what is wanted, and no more than four times its room.
fn forget<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, mut wanted: impl FnMut(&V) -> bool) {
    map.retain(|_, value| wanted(value));
    if map.len() < map.capacity() / 4 {
        map.shrink_to_fit();
    }
}
