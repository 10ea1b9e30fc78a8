//! What a developer switches on or off for an app, besides what a revision declares: it changes at once, without a review.

use protocol::redirect_uri::ClientKind;
use serde_json::{Value as Json, json};

/// The switches of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// PKCE is demanded of it although it keeps a secret.
    pub pkce_required: bool,
    /// `expires_in` as the API description shows it: a time instead of seconds.
    pub expires_in_as_time: bool,
    /// It refuses its own secrets: only assertions that it signed say who it is.
    pub assertions_only: bool,
    /// It must push its authorization requests (RFC 9126).
    pub push_required: bool,
    /// It must bind its tokens to a key (DPoP, RFC 9449).
    pub dpop_required: bool,
}

impl Switches {
    /// Whether an app of that kind, with that many keys, can have them so.
    ///
    /// # Errors
    /// A sentence that says why not, and what to do.
    pub fn check(self, kind: ClientKind, keys: usize) -> Result<(), &'static str> {
        if self.assertions_only && kind.is_public() {
            Err("A public app has neither secret nor key: it uses PKCE.")
        } else if self.assertions_only && keys == 0 {
            Err("The app has no key that an assertion could be signed with. Add one first.")
        } else {
            Ok(())
        }
    }

    /// For the audit log and the command line.
    pub fn to_json(self) -> Json {
        json!({
            "pkce_required": self.pkce_required,
            "expires_in_as_time": self.expires_in_as_time,
            "assertions_only": self.assertions_only,
            "push_required": self.push_required,
            "dpop_required": self.dpop_required,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_locked_out_by_a_switch() {
        let only = Switches { assertions_only: true, ..Switches::default() };
        assert!(only.check(ClientKind::Confidential, 1).is_ok());
        assert!(only.check(ClientKind::Confidential, 0).is_err());
        assert!(only.check(ClientKind::PublicNative, 1).is_err());
        assert!(Switches::default().check(ClientKind::PublicBrowser, 0).is_ok());
    }
}
