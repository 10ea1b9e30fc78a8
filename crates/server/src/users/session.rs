//! Sessions: a person at a browser, from a sign-in to its end. The browser holds a secret, the database its digest.

use protocol::secret::Sha256Digest;

use super::User;
use crate::ids::SessionId;
use crate::time::Timestamp;

/// The digest of a session cookie: the key under which the session is stored.
pub type SessionHash = Sha256Digest;

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names it in lists and in codes; opens nothing.
    pub id: SessionId,
    /// When the person last proved who they are (OpenID Connect's `auth_time`).
    pub authenticated_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Where it began.
    pub address: String,
    /// What the browser called itself.
    pub user_agent: String,
}

/// Someone who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// In which session.
    pub session: Session,
}

/// A session that begins.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The digest of the cookie.
    pub hash: SessionHash,
    /// Its name.
    pub id: SessionId,
    /// When it began; the person has just proved who they are.
    pub now: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Where it began.
    pub address: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// The most characters that are kept of what a browser calls itself.
pub const MAX_USER_AGENT_CHARACTERS: usize = 300;

/// What a person calls that browser: `Chrome on Windows`. A browser can call itself anything, so this is a help to the
/// memory and proves nothing.
pub fn device_words(user_agent: &str) -> String {
    // Most browsers carry the names of those they imitate: the more particular name comes first.
    const BROWSERS: &[(&str, &str)] = &[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Vivaldi/", "Vivaldi"),
        ("FxiOS/", "Firefox"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: &[(&str, &str)] = &[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(BROWSERS), find(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "A browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_by_the_name_that_people_know() {
        let words = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
            ("curl/8.5.0", "curl"),
            ("", "A browser"),
        ];
        for (user_agent, expected) in words {
            assert_eq!(device_words(user_agent), expected);
        }
    }
}
