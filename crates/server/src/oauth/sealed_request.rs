//! The authorization request on its way through sign-in and consent: sealed into the page, not kept as a row.
//!
//! 1. `/oauth2/authorize` gives the request an id that carries the time, binds it to the browser by a hash of the cookie
//!    that outlives sessions, and seals it into the sign-in or consent form.
//! 2. `/oauth2/continue` and `/oauth2/consent` open the seal and run the very same checks again.
//!
//! It carries the query as it came, so what is checked again is what was checked before, and one that has grown old can
//! start itself again. Any tab, Back or a reload goes on; nothing has to be swept.

use std::fmt;

use sql::{ToValue, Value};

use crate::ids::{SessionId, UserId};
use crate::keys::ServerKeys;
use crate::random::{Random, uuid_bytes, uuid_text};
use crate::time::Timestamp;

/// The most bytes of an authorization request's query or form.
pub const MAX_REQUEST: usize = 8 * 1024;

/// How long a request goes on; an older one starts itself again.
pub const REQUEST_LIFETIME: std::time::Duration = std::time::Duration::from_secs(3600);

const AUTHORIZE: &str = "authorize";
const CONSENT: &str = "consent";
/// First byte of what is sealed: another layout gets another number, and old pages start again.
const LAYOUT: u8 = 3;

/// Names one authorization request; unique among codes, so that it is answered once. Its first 48 bits are the
/// milliseconds of its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationId(String);

impl AuthorizationId {
    /// A fresh one, made at `now`.
    pub fn mint(random: &Random, now: Timestamp) -> AuthorizationId {
        AuthorizationId(uuid_text(&random.timed_uuid(now)))
    }

    /// One that was minted before.
    pub fn from_text(text: impl Into<String>) -> AuthorizationId {
        AuthorizationId(text.into())
    }

    fn to_bytes(&self) -> [u8; 16] {
        uuid_bytes(&self.0).unwrap_or_default()
    }

    /// When the request came.
    pub fn created_at(&self) -> Timestamp {
        let mut millis = [0u8; 8];
        millis[2..].copy_from_slice(&self.to_bytes()[..6]);
        Timestamp::from_millis(i64::from_be_bytes(millis))
    }
}

impl fmt::Display for AuthorizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ToValue for AuthorizationId {
    fn to_value(&self) -> Value<'_> {
        Value::Text(&self.0)
    }
}

/// An authorization request that is being carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedRequest {
    /// Which one it is, and since when.
    pub id: AuthorizationId,
    /// SHA-256 of the cookie of the browser that began it.
    pub browser: [u8; 32],
    /// The session that the person chose to go on with, when the app asked to let them choose.
    pub chosen: Option<SessionId>,
    /// How it was opened, where the app had pushed it.
    pub pushed: Option<Pushed>,
    /// The person has seen that the app sends them here again and again, and goes on.
    pub insisted: bool,
    /// The parameters, form-encoded as they came, of at most [`MAX_REQUEST`] bytes.
    pub query: String,
}

/// A request that the app pushed (RFC 9126) and a browser opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The query with which it was opened: the client id and the `request_uri`, form-encoded.
    pub reference: String,
    /// When it was opened.
    pub opened_at: Timestamp,
}

impl CarriedRequest {
    /// When the person came with it.
    pub fn began_at(&self) -> Timestamp {
        self.pushed.as_ref().map_or_else(|| self.id.created_at(), |pushed| pushed.opened_at)
    }

    /// Whether it is too old to go on.
    pub fn is_old(&self, now: Timestamp) -> bool {
        now > self.began_at().plus(REQUEST_LIFETIME)
    }

    /// Where it starts again, as a fresh request; a pushed one as far as it can still be opened.
    pub fn restart_url(&self) -> String {
        let query = self.pushed.as_ref().map_or(&self.query, |pushed| &pushed.reference);
        format!("/oauth2/authorize?{query}")
    }

    /// The text for the sign-in form and for `/oauth2/continue`.
    pub fn seal(&self, keys: &ServerKeys, random: &Random) -> String {
        let mut plain = vec![LAYOUT];
        self.write(&mut plain);
        keys.seal(random, AUTHORIZE, &plain)
    }

    /// Opens what [`CarriedRequest::seal`] made; nothing when a single byte of it is not ours.
    pub fn open(keys: &ServerKeys, sealed: &str) -> Option<CarriedRequest> {
        let plain = keys.open(AUTHORIZE, sealed)?;
        CarriedRequest::read(Reader(&plain).layout()?)
    }

    fn write(&self, plain: &mut Vec<u8>) {
        plain.extend_from_slice(&self.id.to_bytes());
        plain.extend_from_slice(&self.browser);
        write_text(plain, self.chosen.as_ref().map_or("", SessionId::as_str));
        write_text(plain, self.pushed.as_ref().map_or("", |pushed| &pushed.reference));
        let opened_at = self.pushed.as_ref().map_or(0, |pushed| pushed.opened_at.as_millis());
        plain.extend_from_slice(&opened_at.to_be_bytes());
        plain.push(u8::from(self.insisted));
        plain.extend_from_slice(self.query.as_bytes());
    }

    fn read(mut reader: Reader<'_>) -> Option<CarriedRequest> {
        let id = AuthorizationId(uuid_text(&reader.array()?));
        let browser = reader.array()?;
        let chosen = reader.text()?;
        let chosen = (!chosen.is_empty()).then(|| SessionId::from_text(chosen));
        let reference = reader.text()?.to_owned();
        let opened_at = Timestamp::from_millis(i64::from_be_bytes(reader.array()?));
        let pushed = (!reference.is_empty()).then_some(Pushed { reference, opened_at });
        let insisted = reader.array::<1>()? == [1];
        Some(CarriedRequest { id, browser, chosen, pushed, insisted, query: reader.rest()? })
    }
}

/// What the consent form carries: the request, and who was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentForm {
    /// Who was asked.
    pub user: UserId,
    /// In which session.
    pub session: SessionId,
    /// About what.
    pub request: CarriedRequest,
}

impl ConsentForm {
    /// The text for the consent form.
    pub fn seal(&self, keys: &ServerKeys, random: &Random) -> String {
        let mut plain = vec![LAYOUT];
        write_text(&mut plain, self.user.as_str());
        write_text(&mut plain, self.session.as_str());
        self.request.write(&mut plain);
        keys.seal(random, CONSENT, &plain)
    }

    /// Opens what [`ConsentForm::seal`] made; nothing when a single byte of it is not ours.
    pub fn open(keys: &ServerKeys, sealed: &str) -> Option<ConsentForm> {
        let plain = keys.open(CONSENT, sealed)?;
        let mut reader = Reader(&plain).layout()?;
        let user = UserId::from_text(reader.text()?);
        let session = SessionId::from_text(reader.text()?);
        Some(ConsentForm { user, session, request: CarriedRequest::read(reader)? })
    }
}

/// Ids and references are short: their length fits a byte. A longer one would not read back, and its request starts again.
fn write_text(plain: &mut Vec<u8>, text: &str) {
    plain.push(u8::try_from(text.len()).unwrap_or(0));
    plain.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn layout(mut self) -> Option<Reader<'a>> {
        (self.array::<1>()? == [LAYOUT]).then_some(self)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn text(&mut self) -> Option<&'a str> {
        let [length] = self.array::<1>()?;
        let (head, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        std::str::from_utf8(head).ok()
    }

    fn rest(self) -> Option<String> {
        String::from_utf8(self.0.to_vec()).ok()
    }
}

/// The parameters of a request with every byte that has no business in a URL percent-encoded: what comes in a form may
/// hold anything, and it may have to travel in a `Location` header.
pub fn as_query(raw: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut query = String::with_capacity(raw.len());
    for &byte in raw {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push('%');
            query.push(char::from(HEX[usize::from(byte >> 4)]));
            query.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use protocol::params::Params;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_123);

    fn request(query: &str, chosen: Option<&str>) -> CarriedRequest {
        CarriedRequest {
            id: AuthorizationId::mint(&Random::default(), NOW),
            browser: [7; 32],
            chosen: chosen.map(SessionId::from_text),
            pushed: None,
            insisted: false,
            query: query.to_owned(),
        }
    }

    #[test]
    fn the_id_tells_when_the_request_came() {
        assert_eq!(AuthorizationId::mint(&Random::default(), NOW).created_at(), NOW);
    }

    #[test]
    fn a_request_goes_on_for_an_hour() {
        let request = request("client_id=1", None);
        assert!(!request.is_old(NOW));
        assert!(!request.is_old(NOW.plus(REQUEST_LIFETIME)));
        assert!(request.is_old(NOW.plus(REQUEST_LIFETIME).plus(Duration::from_millis(1))));
        assert_eq!(request.restart_url(), "/oauth2/authorize?client_id=1");
    }

    #[test]
    fn a_pushed_request_counts_from_its_opening_and_starts_again_by_its_name() {
        let opened_at = NOW.plus(Duration::from_secs(60));
        let pushed = Pushed { reference: "client_id=1&request_uri=urn%3Ax".to_owned(), opened_at };
        let request = CarriedRequest { pushed: Some(pushed), ..request("client_id=1&state=2", None) };
        assert!(!request.is_old(opened_at.plus(REQUEST_LIFETIME)));
        assert!(request.is_old(opened_at.plus(REQUEST_LIFETIME).plus(Duration::from_millis(1))));
        assert_eq!(request.restart_url(), "/oauth2/authorize?client_id=1&request_uri=urn%3Ax");
        let (keys, random) = (ServerKeys::made_up(&[1]), Random::default());
        assert_eq!(CarriedRequest::open(&keys, &request.seal(&keys, &random)), Some(request));
    }

    #[test]
    fn a_seal_is_for_its_own_purpose() {
        let (keys, random) = (ServerKeys::made_up(&[1]), Random::default());
        let request = request("client_id=1", None);
        let form = ConsentForm {
            user: UserId::from_text("u-1"),
            session: SessionId::from_text("ses-1"),
            request: request.clone(),
        };
        assert_eq!(ConsentForm::open(&keys, &request.seal(&keys, &random)), None);
        assert_eq!(CarriedRequest::open(&keys, &form.seal(&keys, &random)), None);
        assert_eq!(ConsentForm::open(&keys, &form.seal(&keys, &random)), Some(form));
    }

    #[test]
    fn another_layout_is_not_misread() {
        let (keys, random) = (ServerKeys::made_up(&[1]), Random::default());
        let mut plain = vec![LAYOUT + 1];
        request("client_id=1", None).write(&mut plain);
        assert_eq!(CarriedRequest::open(&keys, &keys.seal(&random, AUTHORIZE, &plain)), None);
        assert_eq!(CarriedRequest::open(&keys, &keys.seal(&random, AUTHORIZE, &[])), None);
    }

    #[test]
    fn what_a_url_cannot_hold_is_encoded_and_nothing_else() {
        assert_eq!(as_query(b"a=1&b=%20+x~/?"), "a=1&b=%20+x~/?");
        assert_eq!(
            as_query(b"a=\r\nLocation: x\"<>\\#\xff{|}`"),
            "a=%0D%0ALocation:%20x%22%3C%3E%5C%23%FF%7B%7C%7D%60"
        );
    }

    proptest! {
        #[test]
        fn a_sealed_request_comes_back_as_it_was(query in "[ -~]{0,300}", chosen in proptest::option::of("[a-z0-9-]{1,40}")) {
            let (keys, random) = (ServerKeys::made_up(&[1]), Random::default());
            let request = request(&query, chosen.as_deref());
            let sealed = request.seal(&keys, &random);
            prop_assert!(sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(CarriedRequest::open(&keys, &sealed), Some(request));
        }

        #[test]
        fn one_changed_byte_and_it_is_not_ours(at in any::<prop::sample::Index>(), by in 1..=u8::MAX, cut in any::<prop::sample::Index>()) {
            let (keys, random) = (ServerKeys::made_up(&[1]), Random::default());
            let request = request("client_id=1&redirect_uri=https://app.example/cb", None);
            let form = ConsentForm { user: UserId::from_text("u-1"), session: SessionId::from_text("ses-1"), request: request.clone() };
            for sealed in [request.seal(&keys, &random), form.seal(&keys, &random)] {
                let mut bytes = sealed.clone().into_bytes();
                let at = at.index(bytes.len());
                bytes[at] = bytes[at].wrapping_add(by);
                let changed = String::from_utf8_lossy(&bytes).into_owned();
                let shorter = &sealed[..cut.index(sealed.len())];
                for wrong in [changed.as_str(), shorter, &format!("{sealed}A"), &format!("A{sealed}")] {
                    prop_assert_eq!(CarriedRequest::open(&keys, wrong), None);
                    prop_assert_eq!(ConsentForm::open(&keys, wrong), None);
                }
            }
        }

        /// Whatever bytes a form holds, the query means the same and can stand in a header.
        #[test]
        fn encoding_for_a_url_changes_no_meaning(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let query = as_query(&raw);
            prop_assert!(http::HeaderValue::from_str(&query).is_ok());
            let (before, after) = (Params::from_form(&raw), Params::from_form(query.as_bytes()));
            prop_assert_eq!(before.is_ok(), after.is_ok());
            if let (Ok(before), Ok(after)) = (before, after) {
                prop_assert_eq!(format!("{before:?}"), format!("{after:?}"));
                for name in ["state", "a", ""] {
                    prop_assert_eq!(before.get(name), after.get(name));
                }
            }
        }
    }
}
