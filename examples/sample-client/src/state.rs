//! The `state` parameter as the integration guide wants it: JSON, base64 encoded, that comes back
//! unchanged and is decoded, parsed and compared with what was sent (RFC 6749 section 10.12).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::CsrfToken;
use serde::{Deserialize, Serialize};

/// What this app puts into `state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// 256 random bits that nobody can guess. They tie the answer to one sign-in that was begun
    /// in this browser.
    pub nonce: String,
    /// The page of this app to go on with after the sign-in.
    pub page: String,
}

impl State {
    /// A new state for a sign-in that shall end at `page`.
    pub fn new(page: &str) -> Self {
        Self { nonce: random_text(), page: page.to_owned() }
    }

    /// The text that travels: JSON in base64, in the alphabet that needs no escaping in a URL.
    pub fn encode(&self) -> String {
        let json = serde_json::json!({ "nonce": self.nonce, "page": self.page });
        URL_SAFE_NO_PAD.encode(json.to_string())
    }

    /// Decodes what came back; `None` when it is not base64 of such JSON.
    pub fn decode(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// Whether `self`, decoded from the answer, is the `sent` one.
    pub fn matches(&self, sent: &Self) -> bool {
        // CsrfToken compares in constant time, whatever the two hold.
        CsrfToken::new(self.nonce.clone()) == CsrfToken::new(sent.nonce.clone()) && self.page == sent.page
    }
}

/// 256 random bits as text, from the OAuth library's generator.
pub fn random_text() -> String {
    CsrfToken::new_random_len(32).secret().clone()
}

/// A path of this app to return to, or the start page when `wanted` is none. Only a path is
/// accepted: an absolute address would make the sign-in a way to send people anywhere.
pub fn local_page(wanted: Option<&str>) -> String {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && path.len() <= 300
            && !path.starts_with("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    wanted.filter(is_local).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_base64_of_json_and_comes_back_equal() {
        let sent = State::new("/meetings/sm-1");
        let json = URL_SAFE_NO_PAD.decode(sent.encode()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["page"], "/meetings/sm-1");
        assert!(State::decode(&sent.encode()).unwrap().matches(&sent));
    }

    #[test]
    fn another_nonce_or_page_does_not_match() {
        let sent = State::new("/");
        assert!(!State::new("/").matches(&sent));
        assert!(!State { page: "/x".into(), ..sent.clone() }.matches(&sent));
    }

    #[test]
    fn what_is_no_base64_or_no_such_json_is_not_decoded() {
        let extra = URL_SAFE_NO_PAD.encode(r#"{"nonce":"a","page":"/","more":1}"#);
        for text in ["", "%%%", "eyJub25jZSI6", "bnVsbA", &extra, &"A".repeat(5000)] {
            assert!(State::decode(text).is_none(), "{text}");
        }
    }

    #[test]
    fn only_paths_of_this_app_are_returned_to() {
        for page in ["/", "/meetings/sm-1", "/?coming=10"] {
            assert_eq!(local_page(Some(page)), page);
        }
        for page in ["//evil.example", "/\\evil", "https://evil.example", "", "/a\nb", "/\u{9}/evil"] {
            assert_eq!(local_page(Some(page)), "/", "{page:?}");
        }
        assert_eq!(local_page(None), "/");
    }
}
