//! The made-up people and apps.

use protocol::redirect_uri::ClientKind;

use crate::apps::USE_CASES;

/// A made-up person.
pub struct Person {
    /// The address to sign in with.
    pub email: &'static str,
    /// First name.
    pub name: &'static str,
    /// Last name.
    pub lname: &'static str,
    /// `user`, `developer`, `reviewer` or `admin`.
    pub role: &'static str,
    /// May register apps: the beta was granted.
    pub oauth: bool,
}

/// Everybody, plain users first.
pub const PEOPLE: &[Person] = &[
    Person { email: "asha@example.com", name: "Asha", lname: "Rao", role: "user", oauth: false },
    Person { email: "ben@example.com", name: "Ben", lname: "Okafor", role: "user", oauth: false },
    Person { email: "dev@example.com", name: "Devika", lname: "Shah", role: "developer", oauth: true },
    Person { email: "nila@example.com", name: "Nila", lname: "Iyer", role: "developer", oauth: false },
    Person { email: "ravi@example.com", name: "Ravi", lname: "Menon", role: "reviewer", oauth: false },
    Person { email: "admin@example.com", name: "Mira", lname: "Das", role: "admin", oauth: true },
];

/// Who owns the seeded apps.
pub const DEVELOPER: &str = "dev@example.com";

/// How far an app has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Being written.
    Draft,
    /// Waiting for a reviewer.
    InReview,
    /// The developer's turn.
    OnHold,
    /// Refused.
    Rejected,
    /// Serves everybody.
    Approved,
    /// Served, and was stopped.
    Suspended,
}

/// A made-up app.
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Whether it keeps a secret.
    pub kind: ClientKind,
    /// Its site; homepage, policy and logo are pages of it. Empty for the sample client, whose address is known only
    /// when it listens.
    pub site: &'static str,
    /// Where people are sent back to; none for the sample client, likewise.
    pub callback_urls: &'static [&'static str],
    /// What it may ask for.
    pub scopes: &'static [&'static str],
    /// What it is for.
    pub use_case: &'static str,
    /// In a sentence.
    pub description: &'static str,
    /// How far it has come, and why.
    pub stage: Stage,
    /// The reviewer's reason, where there is one.
    pub reason: &'static str,
}

/// The sample client: its place in [`APPS`].
pub const SAMPLE_CLIENT: usize = 0;

const EVERYTHING: &[&str] = &[
    "user:read",
    "meeting:create",
    "meeting:delete",
    "meeting:read",
    "meeting:update",
    "meeting:join",
    "openid",
    "profile",
    "email",
];

/// The six of the platform.
const MEETINGS: &[&str] = EVERYTHING.split_at(6).0;

/// Sites on the demo's list of harmful sites, as an operator would import it.
pub const HARMFUL_SITES: &[&str] = &["prize-login.example", "webinar-wizard.example"];

/// Every app; the sample client first.
pub const APPS: &[Part] = &[
    Part {
        name: "Calendar Companion",
        kind: ClientKind::Confidential,
        site: "",
        callback_urls: &[],
        scopes: EVERYTHING,
        use_case: USE_CASES[0],
        description: "The sample client: signs in, lists, schedules, changes and cancels meetings.",
        stage: Stage::Approved,
        reason: "",
    },
    Part {
        name: "Standup Notes",
        kind: ClientKind::Confidential,
        site: "https://standup-notes.example",
        callback_urls: &["https://standup-notes.example/oauth/callback", "http://localhost:9999/callback"],
        scopes: &["user:read", "meeting:read", "openid", "profile", "email"],
        use_case: USE_CASES[5],
        description: "Writes the notes of a team's daily meeting.",
        stage: Stage::Approved,
        reason: "",
    },
    Part {
        name: "Clinic Desk",
        kind: ClientKind::Confidential,
        site: "https://clinic-desk.example",
        callback_urls: &["https://clinic-desk.example/jiomeet/callback"],
        scopes: &["user:read", "meeting:create", "meeting:read"],
        use_case: USE_CASES[2],
        description: "Books video visits for a clinic.",
        stage: Stage::InReview,
        reason: "",
    },
    Part {
        name: "Free Prize Meetings",
        kind: ClientKind::Confidential,
        site: "https://free-prize-meetings.example",
        callback_urls: &["https://free-prize-meetings.example/cb", "https://collect.prize-login.example/in"],
        scopes: MEETINGS,
        use_case: USE_CASES[8],
        description: "Win prizes by meeting people.",
        stage: Stage::InReview,
        reason: "",
    },
    Part {
        name: "Huddle Board",
        kind: ClientKind::Confidential,
        site: "https://huddle-board.example",
        callback_urls: &["https://huddle-board.example/callback", "https://tinyurl.com/huddle-board"],
        scopes: &["user:read", "meeting:read", "meeting:join"],
        use_case: USE_CASES[5],
        description: "A board of who meets when, for a team's wall.",
        stage: Stage::InReview,
        reason: "",
    },
    Part {
        name: "Tutor Table",
        kind: ClientKind::Confidential,
        site: "https://tutor-table.example",
        callback_urls: &["https://tutor-table.example/callback"],
        scopes: &["user:read", "meeting:create"],
        use_case: USE_CASES[1],
        description: "Lessons in small groups.",
        stage: Stage::OnHold,
        reason: "Invalid URL: the policy page https://tutor-table.example/policy answered 404. Publish it, then submit again.",
    },
    Part {
        name: "Quick Links",
        kind: ClientKind::Confidential,
        site: "https://quick-links.example",
        callback_urls: &["https://quick-links.example/callback", "https://bit.ly/quick-links-callback"],
        scopes: &["user:read"],
        use_case: USE_CASES[8],
        description: "",
        stage: Stage::Rejected,
        reason: "Suspicious URL: the callback URL https://bit.ly/quick-links-callback hides where it leads. Register the address \
            itself.",
    },
    Part {
        name: "Half an Idea",
        kind: ClientKind::Confidential,
        site: "https://half-an-idea.example",
        callback_urls: &["http://localhost:3000/callback"],
        scopes: &["user:read", "meeting:read"],
        use_case: USE_CASES[7],
        description: "",
        stage: Stage::Draft,
        reason: "",
    },
    Part {
        name: "Webinar Wizard",
        kind: ClientKind::Confidential,
        site: "https://webinar-wizard.example",
        callback_urls: &["https://webinar-wizard.example/callback"],
        scopes: MEETINGS,
        use_case: USE_CASES[6],
        description: "Large webinars.",
        stage: Stage::Suspended,
        reason: "Malicious URL: the homepage served malware on 3 November.",
    },
    Part {
        name: "Meeting Tray",
        kind: ClientKind::PublicNative,
        site: "https://meeting-tray.example",
        callback_urls: &["http://127.0.0.1/callback", "http://[::1]/callback", "example.meeting-tray:/callback"],
        scopes: &["user:read", "meeting:read", "meeting:join"],
        use_case: USE_CASES[5],
        description: "A desktop app that shows the next meeting beside the clock.",
        stage: Stage::Approved,
        reason: "",
    },
    Part {
        name: "Room Board",
        kind: ClientKind::PublicBrowser,
        site: "https://room-board.example",
        callback_urls: &["https://room-board.example/callback", "http://localhost:5173/callback"],
        scopes: &["user:read", "meeting:read"],
        use_case: USE_CASES[5],
        description: "A page beside the door that shows who meets where; it runs in the browser alone.",
        stage: Stage::Approved,
        reason: "",
    },
];
