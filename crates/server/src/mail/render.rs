//! From a letter to the text of a mail. Each template in `templates/mail/` is a mail as it is read: its subject on the
//! first line, an empty line, the text.
//!
//! Every address in it begins with the issuer, never with anything that came in a request. What people typed stands
//! where it cannot be taken for our words, and no mail to an address that nobody has confirmed repeats any of it.

use askama::Template;

use super::Letter;
use crate::config::Issuer;
use crate::time::Timestamp;
use crate::users::Email;

/// A mail, ready to be sent.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Its name in the outbox.
    pub id: String,
    /// To whom.
    pub to: Email,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// When the outbox got it.
    pub created_at: Timestamp,
}

macro_rules! mails {
    ($($type:ident, $path:literal { $($field:ident: $field_type:ty),* })*) => {
        $(
            #[derive(Template)]
            #[template(path = $path)]
            struct $type<'a> { site: &'a str, $($field: $field_type),* }
        )*
    };
}

mails! {
    ConfirmSignUp, "mail/confirm_sign_up.txt" { link: &'a str, until: &'a str }
    AlreadyRegistered, "mail/already_registered.txt" { sign_in: String, forgot: String }
    ResetPassword, "mail/reset_password.txt" { link: &'a str, until: &'a str }
    PasswordChanged, "mail/password_changed.txt" { when: String, forgot: String }
    ConfirmNewAddress, "mail/confirm_new_address.txt" { link: &'a str, until: &'a str }
    AddressChanged, "mail/address_changed.txt" { to: &'a str, when: String }
    AccountDeleted, "mail/account_deleted.txt" { when: String }
    FirstGrant, "mail/first_grant.txt" { app: String, developer: String, scopes: &'a [String], when: String, connected: String }
    Decision, "mail/decision.txt" { app: String, decision: &'a str, reasons: &'a [String], page: String }
    Submitted, "mail/submitted.txt" { app: String, developer: String, page: String }
    OauthGranted, "mail/oauth_granted.txt" { console: String }
    OauthDeclined, "mail/oauth_declined.txt" { note: &'a [String], console: String }
    Invitation, "mail/invitation.txt" { to_be: &'a str, invitations: String }
}

/// The link that a letter carries, and until when it can be used.
#[derive(Debug, Clone, Default)]
pub struct LinkWords {
    /// Absolute.
    pub url: String,
    /// For a person.
    pub until: String,
}

/// Subject and text.
///
/// # Errors
/// A template failed.
pub fn render(letter: &Letter, issuer: &Issuer, link: &LinkWords, at: Timestamp) -> Result<(String, String), String> {
    let site = issuer.authority();
    let (url, until) = (link.url.as_str(), link.until.as_str());
    let when = || at.to_words();
    let text = match letter {
        Letter::ConfirmSignUp { .. } => ConfirmSignUp { site, link: url, until }.render(),
        Letter::AlreadyRegistered => {
            AlreadyRegistered { site, sign_in: issuer.url("/sign-in"), forgot: issuer.url("/forgot-password") }.render()
        }
        Letter::ResetPassword => ResetPassword { site, link: url, until }.render(),
        Letter::PasswordChanged => {
            PasswordChanged { site, when: when(), forgot: issuer.url("/forgot-password") }.render()
        }
        Letter::ConfirmNewAddress { .. } => ConfirmNewAddress { site, link: url, until }.render(),
        Letter::AddressChanged { to } => AddressChanged { site, to, when: when() }.render(),
        Letter::AccountDeleted => AccountDeleted { site, when: when() }.render(),
        Letter::FirstGrant { app, developer, scopes } => FirstGrant {
            site,
            app: line(app),
            developer: line(developer),
            scopes,
            when: when(),
            connected: issuer.url("/account/connected-apps"),
        }
        .render(),
        Letter::Decision { app_id, app, decision, reasons } => {
            Decision { site, app: line(app), decision, reasons, page: issuer.url(&format!("/oauth/apps/{app_id}")) }
                .render()
        }
        Letter::Submitted { app_id, app, developer } => Submitted {
            site,
            app: line(app),
            developer: line(developer),
            page: issuer.url(&format!("/review/apps/{app_id}")),
        }
        .render(),
        Letter::OauthGranted => OauthGranted { site, console: issuer.url("/oauth") }.render(),
        Letter::OauthDeclined { note } => {
            let note: Vec<String> = note.lines().map(line).filter(|line| !line.is_empty()).collect();
            OauthDeclined { site, note: &note, console: issuer.url("/oauth") }.render()
        }
        Letter::Invitation { to_be } => Invitation { site, to_be, invitations: issuer.url("/invitations") }.render(),
    };
    let text = text.map_err(|error| error.to_string())?;
    let (subject, body) = text.split_once("\n\n").ok_or("a mail's template has no subject")?;
    Ok((line(subject), format!("{}\n", body.trim_end())))
}

/// What somebody typed, as one line: nothing in it can begin a line of its own.
fn line(text: &str) -> String {
    text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(letter: &Letter) -> (String, String) {
        let issuer = Issuer::parse("https://meet.example.com").unwrap();
        let link =
            LinkWords { url: "https://meet.example.com/x?token=jmml_t".into(), until: "5 Jan, 10:30 UTC".into() };
        render(letter, &issuer, &link, Timestamp::from_millis(1_767_607_200_000)).unwrap()
    }

    fn every_letter() -> Vec<Letter> {
        let user = || "u-1".to_owned();
        let reasons = vec!["The policy page answered 404.".to_owned(), "The logo is no image.".to_owned()];
        let decision = |word: &str, reasons: &[String]| Letter::Decision {
            app_id: "app-1".into(),
            app: "Team Calendar".into(),
            decision: word.into(),
            reasons: reasons.to_vec(),
        };
        vec![
            Letter::ConfirmSignUp { user: user() },
            Letter::AlreadyRegistered,
            Letter::ResetPassword,
            Letter::PasswordChanged,
            Letter::ConfirmNewAddress { user: user() },
            Letter::AddressChanged { to: "new@example.com".into() },
            Letter::AccountDeleted,
            Letter::FirstGrant {
                app: "Team Calendar".into(),
                developer: "Devika Shah".into(),
                scopes: vec!["Read your profile".into()],
            },
            decision("approved", &[]),
            decision("held", &reasons),
            decision("rejected", &reasons),
            decision("suspended", &reasons),
            decision("reinstated", &[]),
            Letter::Submitted { app_id: "app-1".into(), app: "Team Calendar".into(), developer: "Devika Shah".into() },
            Letter::OauthGranted,
            Letter::OauthDeclined { note: String::new() },
            Letter::OauthDeclined { note: "Tell us which school.\nThen ask again.".into() },
            Letter::Invitation { to_be: "tester".into() },
            Letter::Invitation { to_be: "collaborator".into() },
            Letter::Invitation { to_be: "owner".into() },
        ]
    }

    #[test]
    fn every_letter_is_a_readable_mail() {
        for letter in every_letter() {
            let (subject, body) = mail(&letter);
            assert!((10..80).contains(&subject.chars().count()), "{subject}");
            assert!(body.contains("meet.example.com"), "{body}");
            assert!(!body.contains("\n\n\n") && !body.contains("&#"), "{body}");
            assert_eq!(body.contains("token=jmml_t"), letter.link().is_some(), "{body}");
            for text in body.lines().filter(|line| !line.contains("https://")) {
                assert!(text.chars().count() <= 78, "a long line: {text}");
            }
            let json = serde_json::to_string(&letter).unwrap();
            assert_eq!(serde_json::from_str::<Letter>(&json).unwrap(), letter);
        }
    }

    #[test]
    fn a_decision_tells_every_reason() {
        let (subject, body) = mail(&every_letter()[9]);
        assert_eq!(subject, "Team Calendar is on hold");
        assert!(body.contains("The policy page answered 404.") && body.contains("The logo is no image."), "{body}");
        assert!(body.contains("https://meet.example.com/oauth/apps/app-1"), "{body}");
    }

    #[test]
    fn what_people_typed_forges_no_header_and_no_line() {
        let letter = Letter::FirstGrant {
            app: "Nice\r\nBcc: all@example.com\n\nVisit evil.example".into(),
            developer: "A\nB".into(),
            scopes: vec![],
        };
        let (subject, body) = mail(&letter);
        assert!(!subject.contains(char::is_control), "{subject:?}");
        assert!(!body.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("Visit")), "{body}");
    }
}
