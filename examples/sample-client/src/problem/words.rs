//! What each problem says to the person who meets it.

use super::Problem;
use crate::scopes;

impl Problem {
    /// The headline.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Unreachable => "JioMeet cannot be reached".into(),
            Self::Busy { .. } => "JioMeet is busy".into(),
            Self::ServerFault { .. } => "JioMeet has a problem".into(),
            Self::Garbled { .. } => "JioMeet's answer made no sense".into(),
            Self::UnknownState => "This is not a sign-in that you began here".into(),
            Self::AlreadyAnswered => "This sign-in is already done".into(),
            Self::OtherIssuer { .. } => "This answer came from somewhere else".into(),
            Self::NoCode => "JioMeet's answer is incomplete".into(),
            Self::Denied => "You did not give access".into(),
            Self::AuthorizationRefused { code, .. } => match code.as_str() {
                "server_error" | "temporarily_unavailable" => "JioMeet has a problem".into(),
                "login_required" | "consent_required" => "JioMeet needs you to sign in".into(),
                _ => "JioMeet refused the sign-in".into(),
            },
            Self::TokenRefused { code, .. } => match code.as_str() {
                "invalid_grant" => "The sign-in took too long".into(),
                _ => "JioMeet does not accept this app".into(),
            },
            Self::NotSignedIn { .. } => "You are not signed in".into(),
            Self::AccessEnded => "Calendar Companion no longer has access".into(),
            Self::MissingScope { .. } => "A permission is missing".into(),
            Self::NotFound => "There is no such meeting".into(),
            Self::Invalid { .. } => "JioMeet could not accept that".into(),
            Self::Refused { .. } => "JioMeet refused".into(),
            Self::StaleForm => "This form is out of date".into(),
            Self::UnreadableForm => "This form could not be read".into(),
            Self::NoSuchPage => "There is no such page".into(),
        }
    }

    /// What happened and what to do, in whole sentences.
    pub fn sentences(&self) -> Vec<String> {
        let sentences: Vec<String> = match self {
            Self::Unreachable => vec![
                "Calendar Companion asked JioMeet and got no answer. Nothing of yours is lost.".into(),
                "Check that you are online and try again in a moment. If you run this app yourself, \
                 check that the server is up and that ISSUER is its address."
                    .into(),
            ],
            Self::Busy { retry_after_seconds } => vec![
                "JioMeet gets more requests than it can take at the moment.".into(),
                match retry_after_seconds {
                    Some(seconds) => format!("Please try again in {}.", seconds_in_words(*seconds)),
                    None => "Please try again in a minute.".into(),
                },
            ],
            Self::ServerFault { .. } => {
                vec!["Something went wrong on JioMeet's side. Please try again in a minute.".into()]
            }
            Self::Garbled { .. } => vec![
                "Calendar Companion expected another answer from the address it was told is JioMeet.".into(),
                "If you run this app yourself, check that ISSUER is the server's address exactly. \
                 Otherwise please try again later."
                    .into(),
            ],
            Self::UnknownState => vec![
                "The answer that just came does not belong to a sign-in in this browser, so it was \
                 not used and you were not signed in."
                    .into(),
                "This happens when a sign-in is older than an hour, was used before, was begun in \
                 another browser, or when cookies are blocked. Begin again from here; if you came \
                 by a link that somebody sent you, don't use that link."
                    .into(),
            ],
            Self::AlreadyAnswered => vec![
                "The page of an earlier sign-in was opened again. You are signed in, and nothing has \
                 changed."
                    .into(),
            ],
            Self::OtherIssuer { .. } => vec![
                "The answer does not come from the JioMeet server that this app works with, so it \
                 was not used."
                    .into(),
                "Begin again from here. If it happens again, the app's developer should compare the \
                 two addresses below: ISSUER must be the server's own name for itself."
                    .into(),
            ],
            Self::NoCode => vec![
                "The answer should hold one authorization code and does not, so nobody was signed in. \
                 Please begin again."
                    .into(),
            ],
            Self::Denied => vec![
                "You chose not to let Calendar Companion use your JioMeet account, so it can see \
                 and do nothing there."
                    .into(),
                "If that was a slip, sign in again; you can untick single permissions on the way.".into(),
            ],
            Self::AuthorizationRefused { code, .. } => authorization_sentences(code),
            Self::TokenRefused { code, .. } => token_sentences(code),
            Self::NotSignedIn { .. } => vec![
                "This page shows your own meetings, so it needs you to sign in first. You may have \
                 been away for a while."
                    .into(),
            ],
            Self::AccessEnded => vec![
                "JioMeet no longer accepts this app's access to your account. It ends when you \
                 remove the app from your connected apps, when you change your password with that \
                 ticked, or after 60 days without use."
                    .into(),
                "Sign in again to go on.".into(),
            ],
            Self::MissingScope { scope } => vec![
                format!(
                    "For this, Calendar Companion needs the permission '{}' ({scope}), which it \
                     does not have.",
                    scopes::in_words(scope)
                ),
                "Ask JioMeet again and tick that permission. Nothing was changed so far.".into(),
            ],
            Self::NotFound => vec![
                "It may have been cancelled, or it belongs to another account than the one you are \
                 signed in with."
                    .into(),
            ],
            Self::Invalid { message, .. } => vec![message.clone()],
            Self::Refused { message, .. } => vec![message.clone()],
            Self::StaleForm => vec![
                "It was opened before your present sign-in, or it did not come from this site, so \
                 nothing was done."
                    .into(),
                "Go back to the app, which brings a new form, and send it again.".into(),
            ],
            Self::UnreadableForm => {
                vec!["It is too large or not in the form that a browser sends. Nothing was done.".into()]
            }
            Self::NoSuchPage => vec!["The address may be mistyped.".into()],
        };
        sentences
    }
}

fn authorization_sentences(code: &str) -> Vec<String> {
    match code {
        "server_error" | "temporarily_unavailable" => {
            vec!["Something went wrong on JioMeet's side. Please sign in again in a minute.".into()]
        }
        "login_required" | "consent_required" => {
            vec!["JioMeet has to ask you something first. Please sign in again.".into()]
        }
        "invalid_scope" => vec![
            "Calendar Companion asked for a permission that JioMeet does not offer to it.".into(),
            "The app's developer should compare the scopes it asks for with those that the app is \
             registered with."
                .into(),
        ],
        _ => vec![
            "Calendar Companion asked in a way that JioMeet does not accept. This is no fault of \
             yours: please tell the app's developer what stands below."
                .into(),
        ],
    }
}

fn token_sentences(code: &str) -> Vec<String> {
    match code {
        "invalid_grant" => vec![
            "JioMeet no longer accepts the code that ends a sign-in: it is valid for five minutes \
             and works once."
                .into(),
            "Please sign in again.".into(),
        ],
        "invalid_client" => vec![
            "JioMeet does not accept this app's own id and secret, so nobody can sign in here at \
             the moment."
                .into(),
            "The app's developer should compare CLIENT_ID and CLIENT_SECRET with the app's security \
             section; a regenerated secret ends the old one."
                .into(),
        ],
        _ => vec![
            "JioMeet refused to give Calendar Companion access. This is no fault of yours: please \
             tell the app's developer what stands below."
                .into(),
        ],
    }
}

fn seconds_in_words(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".into(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
