//! Passwords, before they are hashed: what counts as one.

use std::fmt;

use protocol::secret::constant_time_eq;
use zeroize::Zeroizing;

use super::Email;

/// What someone typed as a password. Wiped when dropped; `Debug` shows nothing.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// The fewest characters of a new password (NIST SP 800-63B asks for 8; length is what counts).
pub const MIN_CHARACTERS: usize = 10;
/// The most; far beyond it somebody only wants to keep the hasher busy.
pub const MAX_CHARACTERS: usize = 256;

/// Why a password cannot be a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeakPassword {
    /// Fewer than ten characters.
    TooShort,
    /// More than 256 characters.
    TooLong,
    /// The address, or what stands before its `@`.
    IsEmail,
    /// Among the first that anybody tries.
    Common,
}

impl WeakPassword {
    /// The sentence for the field.
    pub const fn sentence(self) -> &'static str {
        match self {
            WeakPassword::TooShort => "Use at least 10 characters.",
            WeakPassword::TooLong => "Use at most 256 characters.",
            WeakPassword::IsEmail => "Choose something other than your e-mail address.",
            WeakPassword::Common => {
                "That one is among the first that others would try. Choose a few words that only you would put together."
            }
        }
    }
}

impl Password {
    /// What was typed.
    pub fn new(text: impl Into<String>) -> Password {
        Password(Zeroizing::new(text.into()))
    }

    /// The bytes to be hashed.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is too long to be anybody's, and so not worth hashing.
    pub fn is_too_long(&self) -> bool {
        self.0.chars().nth(MAX_CHARACTERS).is_some()
    }

    /// Whether it may be the new password of the account with that address. No rule asks for digits or signs: they make
    /// passwords hard to remember, not hard to guess.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check_as_new(&self, email: &Email) -> Result<(), WeakPassword> {
        if self.0.chars().nth(MIN_CHARACTERS - 1).is_none() {
            return Err(WeakPassword::TooShort);
        }
        if self.is_too_long() {
            return Err(WeakPassword::TooLong);
        }
        let lower = Zeroizing::new(self.0.to_lowercase());
        if *lower == email.as_str() || *lower == email.local_part() {
            return Err(WeakPassword::IsEmail);
        }
        if repeats_itself(&lower) || COMMON.contains(&lower.as_str()) {
            return Err(WeakPassword::Common);
        }
        Ok(())
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Password) -> bool {
        constant_time_eq(self.as_bytes(), other.as_bytes())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password]")
    }
}

/// One to four characters over and over: `aaaaaaaaaa`, `abcabcabcabc`, `1234123412341234`.
fn repeats_itself(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    (1..=4).any(|period| characters.iter().zip(characters.iter().skip(period)).all(|(one, other)| one == other))
}

/// The commonest of at least ten characters; shorter ones are refused by their length.
const COMMON: &[&str] = &[
    "1234567890",
    "0123456789",
    "0987654321",
    "9876543210",
    "12345678910",
    "123456789a",
    "a123456789",
    "123456789q",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "q1w2e3r4t5",
    "1qaz2wsx3edc",
    "zaq12wsxcde3",
    "qwertyuiop",
    "qwertyuiop123",
    "qwerty12345",
    "qwerty123456",
    "qwerty1234567890",
    "1234qwerasdf",
    "asdfghjkl;",
    "asdfghjkl123",
    "zxcvbnm123",
    "zxcvbnm,./",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "password123456",
    "password01",
    "password!1",
    "password@123",
    "passw0rd123",
    "p@ssw0rd123",
    "p@ssword123",
    "mypassword",
    "mypassword1",
    "newpassword",
    "thepassword",
    "passwordpassword",
    "letmein123",
    "letmein1234",
    "welcome123",
    "welcome1234",
    "welcome@123",
    "iloveyou12",
    "iloveyou123",
    "iloveyou1234",
    "iloveyou2",
    "ilovegod123",
    "princess123",
    "sunshine123",
    "football123",
    "baseball123",
    "basketball",
    "superman123",
    "batman12345",
    "dragon12345",
    "monkey12345",
    "michael123",
    "charlie123",
    "jennifer123",
    "trustno1trustno1",
    "changeme123",
    "changeme1234",
    "changeit123",
    "administrator",
    "admin12345",
    "admin123456",
    "admin@12345",
    "administrator1",
    "root123456",
    "test123456",
    "test1234567",
    "testtest123",
    "testpassword",
    "guest12345",
    "user123456",
    "default123",
    "secret1234",
    "secret12345",
    "abc1234567",
    "abcd123456",
    "abcd1234567",
    "abcde12345",
    "abcdef1234",
    "abcdefghij",
    "abcdefghijk",
    "aa12345678",
    "a1234567890",
    "11223344556",
    "1122334455",
    "1212121212",
    "1231231231",
    "1111111111",
    "1029384756",
    "147258369",
    "1472583690",
    "india12345",
    "india@12345",
    "krishna123",
    "jaishreeram",
    "jaimatadi123",
    "omnamahshivay",
    "bismillah123",
    "jiomeet123",
    "jiomeet1234",
    "jiomeet@123",
    "reliance123",
    "computer123",
    "internet123",
    "google12345",
    "facebook123",
    "whatsapp123",
    "instagram123",
    "samsung123",
    "minecraft123",
    "pokemon1234",
    "starwars123",
    "liverpool123",
    "chelsea123",
    "correcthorsebatterystaple",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), WeakPassword> {
        Password::new(text).check_as_new(&Email::parse("asha.rao.1999@example.com").unwrap())
    }

    #[test]
    fn length_is_what_counts() {
        assert_eq!(check("monsoon bus stop"), Ok(()));
        assert_eq!(check("बारिश की छतरी"), Ok(()));
        assert_eq!(check("nine char"), Err(WeakPassword::TooShort));
        assert_eq!(check("ten chars!"), Ok(()));
        assert_eq!(check(&"monsoon bus ".repeat(22)), Err(WeakPassword::TooLong));
    }

    #[test]
    fn what_others_try_first_is_refused() {
        for common in ["password123", "PASSWORD123", "qwertyuiop", "aaaaaaaaaaaa", "abcabcabcabc", "12341234123412"] {
            assert_eq!(check(common), Err(WeakPassword::Common), "{common}");
        }
        for own in ["asha.rao.1999@example.com", "Asha.Rao.1999@example.com", "asha.rao.1999"] {
            assert_eq!(check(own), Err(WeakPassword::IsEmail), "{own}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(format!("{:?}", Password::new("monsoon bus stop")), "[password]");
    }
}
