//! What surrounds a page: the wordmark, the person who is signed in, the side bar.

use crate::app::App;

/// The person at the browser, as pages name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// First and last name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

impl Person {
    /// Up to two letters in place of a picture.
    pub fn initials(&self) -> String {
        let mut words = self.name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
        let first = words.next();
        let last = words.next_back();
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }
}

/// Where in the side bar a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Nowhere: a page without side bar.
    None,
    /// Name and address.
    Profile,
    /// Password.
    Password,
    /// Where the person is signed in.
    Sessions,
    /// Apps that have access.
    ConnectedApps,
    /// Apps that the person is invited to.
    Invitations,
    /// The developer's console.
    OAuth,
    /// Apps that wait for a reviewer.
    Review,
    /// What was done.
    Audit,
    /// People and what they may do.
    Users,
    /// Who asks for OAuth access.
    OAuthRequests,
}

/// A titled part of the side bar.
#[derive(Debug)]
pub struct Group {
    /// Its title.
    pub title: &'static str,
    /// Its links.
    pub links: &'static [Link],
}

/// A link of the side bar.
#[derive(Debug)]
pub struct Link {
    /// The section that it leads to.
    pub section: Section,
    /// Its address.
    pub href: &'static str,
    /// Its words.
    pub text: &'static str,
}

const ACCOUNT: Group = Group {
    title: "Your account",
    links: &[
        Link { section: Section::Profile, href: "/account", text: "Profile" },
        Link { section: Section::Password, href: "/account/password", text: "Password" },
        Link { section: Section::Sessions, href: "/account/sessions", text: "Sessions" },
        Link { section: Section::ConnectedApps, href: "/account/connected-apps", text: "Connected apps" },
        Link { section: Section::Invitations, href: "/invitations", text: "Invitations" },
    ],
};

const DEVELOPERS: Group =
    Group { title: "For developers", links: &[Link { section: Section::OAuth, href: "/oauth/apps", text: "OAuth" }] };

const REVIEWERS: Group = Group {
    title: "Review",
    links: &[
        Link { section: Section::Review, href: "/review", text: "Review queue" },
        Link { section: Section::Audit, href: "/review/audit", text: "Audit log" },
    ],
};

const ADMINS: Group = Group {
    title: "Administration",
    links: &[
        Link { section: Section::Users, href: "/admin/users", text: "Users" },
        Link { section: Section::OAuthRequests, href: "/admin/oauth-requests", text: "OAuth requests" },
    ],
};

/// What a page's surroundings need to know.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The issuer's host and port, for the person to compare with the address bar.
    pub site: String,
    /// Who is signed in.
    pub person: Option<Person>,
    /// The CSRF token for the forms of this page.
    pub csrf: String,
    /// Where in the side bar the page stands.
    pub here: Section,
    /// The person reviews apps.
    pub reviews: bool,
    /// The person manages people.
    pub administers: bool,
}

impl Shell {
    /// Around a page for whoever comes: sign-in, consent, errors.
    pub fn nobody(site: String) -> Shell {
        Shell { site, person: None, csrf: String::new(), here: Section::None, reviews: false, administers: false }
    }

    /// Around a page for whoever comes, on this server.
    pub fn of(app: &App) -> Shell {
        Shell::nobody(app.issuer.authority().to_owned())
    }

    /// Around a page for someone who is signed in.
    pub fn signed_in(app: &App, person: Person, csrf: String, here: Section) -> Shell {
        Shell { person: Some(person), csrf, here, ..Shell::of(app) }
    }

    /// The side bar.
    pub fn navigation(&self) -> Vec<&'static Group> {
        let mut groups = vec![&ACCOUNT, &DEVELOPERS];
        groups.extend(self.reviews.then_some(&REVIEWERS));
        groups.extend(self.administers.then_some(&ADMINS));
        groups
    }
}

/// A letter on a colour, in place of a logo.
#[derive(Debug, Clone)]
pub struct Monogram {
    /// The letter.
    pub letter: String,
    /// Which of the five colours, 0 to 4.
    pub tone: u8,
    /// The address of a verified logo on our own origin, where there is one.
    pub logo: Option<String>,
}

impl Monogram {
    /// For something with a name; the same name has always the same colour.
    pub fn of(name: &str) -> Monogram {
        let letter =
            name.chars().find(|c| c.is_alphanumeric()).map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect());
        let sum = name.bytes().fold(0u8, u8::wrapping_add);
        Monogram { letter, tone: sum % 5, logo: None }
    }

    /// With the verified logo of that hash in place of the letter, where there is one.
    #[must_use]
    pub fn with_logo(mut self, hash: Option<&[u8; 32]>) -> Monogram {
        self.logo = hash.map(logo_url);
        self
    }
}

/// Where a verified logo is served: on our own origin, under the SHA-256 of its file.
pub fn logo_url(hash: &[u8; 32]) -> String {
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/logos/{hex}.png")
}

/// A sentence above a page's content: what just happened, or what to know first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How it is meant.
    pub kind: NoticeKind,
    /// The sentence.
    pub text: String,
}

/// How a notice is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something to know.
    Info,
    /// It is done.
    Done,
    /// Something to be careful with.
    Warning,
    /// It did not work.
    Refused,
}

impl Notice {
    /// It is done.
    pub fn done(text: impl Into<String>) -> Notice {
        Notice { kind: NoticeKind::Done, text: text.into() }
    }

    /// It did not work.
    pub fn refused(text: impl Into<String>) -> Notice {
        Notice { kind: NoticeKind::Refused, text: text.into() }
    }

    /// Something to know.
    pub fn info(text: impl Into<String>) -> Notice {
        Notice { kind: NoticeKind::Info, text: text.into() }
    }
}

impl NoticeKind {
    /// The class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            NoticeKind::Info => "info",
            NoticeKind::Done => "good",
            NoticeKind::Warning => "warn",
            NoticeKind::Refused => "danger",
        }
    }

    /// The ARIA role: what went wrong is read out at once.
    pub const fn role(self) -> &'static str {
        match self {
            NoticeKind::Refused => "alert",
            NoticeKind::Info | NoticeKind::Done | NoticeKind::Warning => "status",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initials(name: &str) -> String {
        Person { name: name.to_owned(), email: String::new() }.initials()
    }

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("Asha Rao"), "AR");
        assert_eq!(initials("Asha"), "A");
        assert_eq!(initials("asha maria de souza"), "AS");
        assert_eq!(initials("Åsa 'Ó Brien"), "ÅB");
        assert_eq!(initials("  "), "");
    }

    #[test]
    fn a_name_keeps_its_monogram() {
        let one = Monogram::of("Team Calendar");
        assert_eq!((one.letter.as_str(), one.tone), ("T", Monogram::of("Team Calendar").tone));
        assert!(one.tone < 5);
        assert_eq!(Monogram::of("…").letter, "?");
    }
}
