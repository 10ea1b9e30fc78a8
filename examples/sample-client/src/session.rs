//! What this side remembers of a browser. Tokens live here and never reach the browser.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use oauth2::{AccessToken, CsrfToken, PkceCodeVerifier, RefreshToken};

use crate::oauth::Provider;
use crate::problem::Problem;
use crate::state::{State, random_text};
use crate::times::Zone;

/// A sign-in on its way: from `/login` to the answer at `/callback`.
pub struct SignIn {
    /// What was sent as `state`.
    pub state: State,
    /// Proves at the token endpoint that the code was asked for from here (RFC 7636).
    pub verifier: PkceCodeVerifier,
    /// The value of the browser's sign-in cookie.
    pub browser: String,
}

/// What a token answer brought.
#[derive(Clone)]
pub struct Tokens {
    /// Goes into the `Authorization` header of every API call.
    pub access: AccessToken,
    /// Buys the next pair. It changes at every use.
    pub refresh: Option<RefreshToken>,
    /// When this pair was asked for.
    pub since: Timestamp,
    /// When the access token ends, as far as the server said.
    pub until: Option<Timestamp>,
    /// What the person granted, which may be less than was asked for.
    pub scopes: Vec<String>,
    /// How often the pair was renewed since the sign-in.
    pub renewals: u32,
}

impl Tokens {
    fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// A little before the end, so that a call is not refused on its way: a tenth of the lifetime,
    /// half a minute at most.
    fn is_nearly_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| {
            let margin = until.duration_since(self.since) / 10;
            now >= until - margin.clamp(SignedDuration::ZERO, SignedDuration::from_secs(30))
        })
    }
}

enum Access {
    Live(Tokens),
    Ended,
}

/// A signed-in browser.
pub struct Session {
    /// In every form of this session, so that no other site can send one.
    csrf: CsrfToken,
    /// One lock for reading and renewing: two tabs that find the token expired at the same moment
    /// renew it once, and the second takes what the first one got. Without it both would spend the
    /// same refresh token, which a server may take for theft.
    access: tokio::sync::Mutex<Access>,
    settings: Mutex<Settings>,
}

#[derive(Default)]
struct Settings {
    zone: Zone,
    notice: Option<String>,
}

impl Session {
    /// A session that begins with `tokens`.
    pub fn new(tokens: Tokens, zone: Zone) -> Self {
        Self {
            csrf: CsrfToken::new(random_text()),
            access: tokio::sync::Mutex::new(Access::Live(tokens)),
            settings: Mutex::new(Settings { zone, notice: None }),
        }
    }

    /// The text for the hidden field of forms.
    pub fn csrf(&self) -> &str {
        self.csrf.secret()
    }

    /// Whether a form's hidden field is this session's, compared in constant time.
    pub fn is_own_form(&self, field: &str) -> bool {
        self.csrf == CsrfToken::new(field.to_owned())
    }

    /// The tokens as they are, waiting for a renewal under way.
    pub async fn tokens(&self) -> Result<Tokens, Problem> {
        match &*self.access.lock().await {
            Access::Live(tokens) => Ok(tokens.clone()),
            Access::Ended => Err(Problem::AccessEnded),
        }
    }

    /// Whether the server ended the access; such a session is as good as signed out.
    pub fn has_ended(&self) -> bool {
        // A lock that is held means a renewal under way, and those begin with live tokens.
        self.access.try_lock().is_ok_and(|access| matches!(*access, Access::Ended))
    }

    /// An access token that should work now, renewed first when it is about to end.
    pub async fn access_token(self: &Arc<Self>, provider: &Arc<Provider>) -> Result<AccessToken, Problem> {
        let tokens = self.tokens().await?;
        if !tokens.is_nearly_over(provider.now()) {
            return Ok(tokens.access);
        }
        match self.renewed(provider, &tokens.access).await {
            // It still works for a moment, so someone who only reads need not notice.
            Err(Problem::Unreachable | Problem::Busy { .. } | Problem::ServerFault { .. })
                if !tokens.is_over(provider.now()) =>
            {
                Ok(tokens.access)
            }
            other => other,
        }
    }

    /// Another access token than `old`: the one that somebody else got meanwhile, or a new one.
    pub async fn renewed(
        self: &Arc<Self>,
        provider: &Arc<Provider>,
        old: &AccessToken,
    ) -> Result<AccessToken, Problem> {
        let (session, provider, old) = (self.clone(), provider.clone(), old.clone());
        // In a task of its own: when the person closes the tab this request is dropped, but the
        // server's answer with the next refresh token must still be kept.
        let renewal = tokio::spawn(async move { session.renew(&provider, &old).await });
        renewal.await.unwrap_or(Err(Problem::ServerFault { status: 500 }))
    }

    async fn renew(&self, provider: &Provider, old: &AccessToken) -> Result<AccessToken, Problem> {
        let mut access = self.access.lock().await;
        let Access::Live(tokens) = &mut *access else {
            return Err(Problem::AccessEnded);
        };
        if tokens.access.secret() != old.secret() {
            return Ok(tokens.access.clone());
        }
        match provider.refresh(tokens).await {
            Ok(next) => {
                *tokens = next;
                Ok(tokens.access.clone())
            }
            Err(Problem::TokenRefused { code, .. }) if code == "invalid_grant" => {
                *access = Access::Ended;
                Err(Problem::AccessEnded)
            }
            Err(problem) => Err(problem),
        }
    }

    /// The access is over: the API refused even a new token.
    pub async fn end(&self) {
        *self.access.lock().await = Access::Ended;
    }

    /// The time zone in which this person reads and writes times.
    pub fn zone(&self) -> Zone {
        self.settings().zone.clone()
    }

    /// Changes that zone.
    pub fn set_zone(&self, zone: Zone) {
        self.settings().zone = zone;
    }

    /// Leaves a sentence for the next page.
    pub fn leave_notice(&self, sentence: impl Into<String>) {
        self.settings().notice = Some(sentence.into());
    }

    /// Takes that sentence, once.
    pub fn take_notice(&self) -> Option<String> {
        self.settings().notice.take()
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bounded store in memory whose entries end when nobody uses them.
pub struct Store<T> {
    entries: Mutex<HashMap<String, Entry<T>>>,
    capacity: usize,
    idle: SignedDuration,
}

struct Entry<T> {
    value: Arc<T>,
    used: Timestamp,
}

impl<T> Store<T> {
    /// A store for up to `capacity` entries, each forgotten when not used for `idle`.
    pub fn new(capacity: usize, idle: SignedDuration) -> Self {
        Self { entries: Mutex::new(HashMap::new()), capacity, idle }
    }

    /// Adds an entry. A full store forgets what has ended, then what was not used for longest.
    pub fn insert(&self, id: String, value: T, now: Timestamp) {
        let mut entries = self.lock();
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| now.duration_since(entry.used) < self.idle);
        }
        if entries.len() >= self.capacity {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.used).map(|(id, _)| id.clone());
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        entries.insert(id, Entry { value: Arc::new(value), used: now });
    }

    /// Finds an entry and counts that as use.
    pub fn get(&self, id: &str, now: Timestamp) -> Option<Arc<T>> {
        let mut entries = self.lock();
        let entry = entries.get_mut(id)?;
        if now.duration_since(entry.used) >= self.idle {
            entries.remove(id);
            return None;
        }
        entry.used = now;
        Some(entry.value.clone())
    }

    /// Takes an entry out if it has not ended and `fits`; leaves it otherwise.
    pub fn take_if(&self, id: &str, now: Timestamp, fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let mut entries = self.lock();
        let entry = entries.get(id)?;
        if now.duration_since(entry.used) >= self.idle || !fits(&entry.value) {
            return None;
        }
        entries.remove(id).map(|entry| entry.value)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn store() -> Store<&'static str> {
        Store::new(2, SignedDuration::from_secs(10))
    }

    #[test]
    fn an_entry_ends_when_it_is_not_used() {
        let store = store();
        store.insert("a".into(), "A", at(0));
        assert!(store.get("a", at(9)).is_some(), "used at 9, so it lasts until 19");
        assert!(store.get("a", at(18)).is_some());
        assert!(store.get("a", at(28)).is_none());
        assert!(store.get("a", at(19)).is_none(), "ended is ended");
    }

    #[test]
    fn a_full_store_forgets_what_was_not_used_for_longest() {
        let store = store();
        store.insert("a".into(), "A", at(0));
        store.insert("b".into(), "B", at(1));
        store.get("a", at(2));
        store.insert("c".into(), "C", at(3));
        assert!(store.get("b", at(3)).is_none());
        assert!(store.get("a", at(3)).is_some() && store.get("c", at(3)).is_some());
    }

    #[test]
    fn an_entry_is_taken_once_and_only_when_it_fits() {
        let store = store();
        store.insert("a".into(), "A", at(0));
        assert!(store.take_if("a", at(1), |value| *value == "B").is_none());
        assert!(store.take_if("a", at(1), |value| *value == "A").is_some());
        assert!(store.take_if("a", at(1), |_| true).is_none());
    }

    #[test]
    fn a_sign_in_that_has_ended_is_not_taken() {
        let store = store();
        store.insert("a".into(), "A", at(0));
        assert!(store.take_if("a", at(10), |_| true).is_none());
    }

    #[test]
    fn the_margin_before_the_end_is_a_tenth_and_half_a_minute_at_most() {
        let tokens = |lifetime| Tokens {
            access: AccessToken::new("a".into()),
            refresh: None,
            since: at(0),
            until: Some(at(lifetime)),
            scopes: Vec::new(),
            renewals: 0,
        };
        assert!(!tokens(100).is_nearly_over(at(89)));
        assert!(tokens(100).is_nearly_over(at(90)));
        assert!(!tokens(86_400).is_nearly_over(at(86_369)));
        assert!(tokens(86_400).is_nearly_over(at(86_370)));
        assert!(tokens(0).is_over(at(0)));
    }
}
