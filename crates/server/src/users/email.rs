//! E-mail addresses, in the one form in which they are stored and compared.

use std::fmt;

use sql::{Cell, DbError, FromValue, ToValue, Value};
use url::Host;

/// An e-mail address: trimmed, in lower case, its domain in ASCII (IDNA), so that two spellings are one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// The longest address that mail can be sent to (RFC 5321 section 4.5.3.1.3, less the angle brackets).
const MAX_BYTES: usize = 254;

impl Email {
    /// Reads what a person typed.
    ///
    /// # Errors
    /// A sentence for the field.
    pub fn parse(text: &str) -> Result<Email, &'static str> {
        const MEND: &str = "Type an e-mail address such as asha@example.com.";
        let (local, domain) = text.trim().rsplit_once('@').ok_or(MEND)?;
        // In lower case too: a letter of some script becomes two, the second of which no address may have.
        let lower = local.to_lowercase();
        if !is_local_part(local) || !is_local_part(&lower) {
            return Err(MEND);
        }
        let domain = match Host::parse(domain) {
            Ok(Host::Domain(domain)) if is_mail_domain(&domain) => domain,
            _ => return Err(MEND),
        };
        let text = format!("{lower}@{domain}");
        if text.len() > MAX_BYTES {
            return Err("An e-mail address has at most 254 characters.");
        }
        Ok(Email(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

/// RFC 5321's dot-string, with letters of any script (RFC 6531). Quoted local parts are a way to hide an `@`.
fn is_local_part(text: &str) -> bool {
    let atom =
        |atom: &str| !atom.is_empty() && atom.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c));
    text.len() <= 64 && text.split('.').all(atom)
}

/// A name with a dot in it, or `localhost` for trying things out.
fn is_mail_domain(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (domain.contains('.') || domain == "localhost") && domain.split('.').all(label)
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ToValue for Email {
    fn to_value(&self) -> Value<'_> {
        Value::Text(&self.0)
    }
}

impl FromValue for Email {
    fn from_cell(cell: Cell<'_>) -> Result<Email, DbError> {
        String::from_cell(cell).map(Email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        for spelling in ["asha@example.com", " Asha@Example.COM ", "ASHA@EXAMPLE.com"] {
            assert_eq!(Email::parse(spelling).unwrap().as_str(), "asha@example.com");
        }
        assert_eq!(Email::parse("asha@bücher.example").unwrap().as_str(), "asha@xn--bcher-kva.example");
        assert_eq!(Email::parse("आशा@example.com").unwrap().as_str(), "आशा@example.com");
        assert_eq!(Email::parse("first.last+tag@localhost").unwrap().local_part(), "first.last+tag");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "@",
            "asha",
            "asha@",
            "@example.com",
            "asha@example",
            "asha@127.0.0.1",
            "asha@[::1]",
            "a b@example.com",
            "a@b@example.com",
            "\"a@b\"@example.com",
            "asha@example..com",
            ".asha@example.com",
            "asha.@example.com",
            "asha@exa_mple.com",
            "asha@-example.com",
            "asha\0@example.com",
            "asha@example.com\nBcc: x@example.com",
            "asha@example.com.",
            // In lower case an i with a dot of its own.
            "\u{130}sha@example.com",
        ] {
            assert!(Email::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(Email::parse(&format!("asha@{}.com", "a.".repeat(130))).is_err());
    }

    proptest! {
        #[test]
        fn reading_twice_changes_nothing(text in "\\PC{0,40}@\\PC{0,40}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email);
            }
        }

        #[test]
        fn anything_is_answered(text in any::<String>()) {
            let _ = Email::parse(&text);
        }
    }
}
