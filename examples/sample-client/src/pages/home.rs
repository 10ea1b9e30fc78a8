//! The start page: what the app does for those who are signed out; profile, permissions, meetings
//! and the form for a new one for those who are signed in.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use jiff::Timestamp;

use crate::App;
use crate::api::{Listing, Meeting, MeetingList, Profile, user_id_in};
use crate::meeting_form::MeetingForm;
use crate::problem::{Fault, Problem};
use crate::scopes::{self, ScopeLine};
use crate::session::{Session, Tokens};
use crate::times::{SpanWords, Zone, duration_in_words};
use crate::web::{Fields, OwnForm, page, query_of, see_other, session_of};

const COMING_ON_A_PAGE: u64 = 10;
const PAST_ON_A_PAGE: u64 = 5;

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    permissions: Vec<ScopeLine>,
    signed_out: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    csrf: &'a str,
    notice: Option<String>,
    person: Option<Person>,
    access: AccessWords,
    granted: Vec<ScopeLine>,
    missing: Vec<ScopeLine>,
    zone: Zone,
    zones: Vec<String>,
    coming: Section,
    past: Section,
    form: MeetingForm,
    may: May,
}

struct Person {
    name: String,
    email: String,
    initials: String,
}

/// The access token's life in words.
struct AccessWords {
    until: String,
    left: String,
    since: String,
    renewals: u32,
    is_renewable: bool,
}

/// What the granted scopes let the page offer.
#[derive(Clone, Copy)]
pub struct May {
    /// `meeting:create`
    pub schedule: bool,
    /// `meeting:update`
    pub change: bool,
    /// `meeting:delete`
    pub cancel: bool,
}

impl May {
    /// What a token of these scopes may do.
    pub fn with(tokens: &Tokens) -> Self {
        let has = |scope: &str| tokens.scopes.iter().any(|granted| granted == scope);
        Self { schedule: has("meeting:create"), change: has("meeting:update"), cancel: has("meeting:delete") }
    }
}

/// A list of meetings with its paging.
#[derive(Default)]
struct Section {
    rows: Vec<Row>,
    total: u64,
    /// Address of the page before this one.
    earlier: Option<String>,
    /// Address of the page after this one.
    later: Option<String>,
    /// Why there is no list, in words.
    trouble: Vec<String>,
}

/// A meeting in a list.
pub struct Row {
    /// The meeting's id.
    pub id: String,
    /// The title.
    pub topic: String,
    /// When.
    pub span: SpanWords,
    /// The address to join at, if it is one.
    pub url: Option<String>,
    /// A status that is worth a word.
    pub tag: Option<String>,
    /// Whether it has ended and does not come again.
    pub is_over: bool,
    /// Whether it is one of several.
    pub is_series: bool,
    /// Whether 'cancel the next one' means this one.
    pub is_next: bool,
}

impl Row {
    /// The row of `meeting`.
    pub fn of(meeting: &Meeting, zone: &Zone, now: Timestamp) -> Self {
        let span = match meeting.start() {
            Some(start) => zone.span(start, meeting.end(), now),
            None => SpanWords { date: meeting.start_time.clone(), ..SpanWords::default() },
        };
        let is_web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
        Self {
            id: meeting.id.clone(),
            topic: match meeting.topic.trim() {
                "" => "Meeting without a title".to_owned(),
                topic => topic.to_owned(),
            },
            span,
            // Nothing but web addresses becomes a link: another scheme could run something.
            url: Some(meeting.meeting_url.as_str()).filter(is_web).map(str::to_owned),
            tag: match meeting.status.as_str() {
                "" | "active" => None,
                status => Some(status.to_owned()),
            },
            is_over: meeting.repeat_options.is_none() && meeting.end().is_some_and(|end| end <= now),
            is_series: meeting.repeat_options.is_some(),
            is_next: true,
        }
    }
}

/// `GET /`
pub async fn show(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, Problem> {
    let query = query_of(&parts);
    let Some(session) = session_of(&app, &parts.headers) else {
        let wanted = app.config.wanted_scopes();
        let welcome =
            WelcomePage { permissions: scopes::lines(&wanted), signed_out: query.find("signed-out").is_some() };
        return Ok(page(StatusCode::OK, &welcome));
    };
    signed_in(&app, &session, &query, None).await
}

/// The page of someone who is signed in; with `form` when the one that was sent has faults.
pub async fn signed_in(
    app: &App,
    session: &Arc<Session>,
    query: &Fields,
    form: Option<MeetingForm>,
) -> Result<Response, Problem> {
    let profile = match app.api.profile(session).await {
        Ok(profile) => Some(profile),
        // The rest of the page works without.
        Err(Problem::MissingScope { .. }) => None,
        Err(problem) => return Err(problem),
    };
    let tokens = session.tokens().await?;
    let user_id = profile.as_ref().map(|profile| profile.id.clone()).or_else(|| user_id_in(&tokens.access));
    let user_id = user_id.as_deref();
    let offsets = Offsets { coming: query.count("coming"), past: query.count("past") };
    let (coming, past) =
        tokio::join!(section(app, session, user_id, offsets, false), section(app, session, user_id, offsets, true),);
    let (coming, past) = (coming?, past?);

    // Again, as the calls above may have renewed them.
    let tokens = session.tokens().await?;
    let (now, zone) = (app.now(), session.zone());
    let wanted = app.config.wanted_scopes();
    let status = match &form {
        Some(form) if form.has_faults() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let home = HomePage {
        csrf: session.csrf(),
        notice: session.take_notice(),
        person: profile.map(Person::from),
        access: access_words(&tokens, &zone, now),
        granted: scopes::lines(&tokens.scopes),
        missing: scopes::lines(wanted.iter().filter(|scope| !tokens.scopes.contains(scope))),
        zones: Zone::choices(zone.name()),
        form: form.unwrap_or_else(|| MeetingForm::blank(&zone, now)),
        zone,
        coming,
        past,
        may: May::with(&tokens),
    };
    Ok(page(status, &home))
}

#[derive(Clone, Copy)]
struct Offsets {
    coming: u64,
    past: u64,
}

impl Offsets {
    fn address(self, anchor: &str) -> String {
        format!("/?coming={}&past={}#{anchor}", self.coming, self.past)
    }
}

async fn section(
    app: &App,
    session: &Arc<Session>,
    user_id: Option<&str>,
    offsets: Offsets,
    past: bool,
) -> Result<Section, Problem> {
    let Some(user_id) = user_id else {
        let trouble = "Calendar Companion cannot tell whose meetings to show, because it may not see \
                       who you are.";
        return Ok(Section { trouble: vec![trouble.to_owned()], ..Section::default() });
    };
    let (limit, offset) = if past { (PAST_ON_A_PAGE, offsets.past) } else { (COMING_ON_A_PAGE, offsets.coming) };
    match app.api.list(session, user_id, Listing { past, limit, offset }).await {
        Ok(list) => {
            let rows = rows(&list, &session.zone(), app.now(), offset == 0 && !past);
            Ok(with_paging(rows, &list, offsets, past, limit))
        }
        Err(problem @ Problem::MissingScope { .. }) => {
            Ok(Section { trouble: problem.sentences(), ..Section::default() })
        }
        Err(problem) => Err(problem),
    }
}

fn rows(list: &MeetingList, zone: &Zone, now: Timestamp, from_the_first: bool) -> Vec<Row> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for meeting in &list.meeting_details {
        *count.entry(&meeting.id).or_default() += 1;
    }
    let mut seen: HashMap<&str, ()> = HashMap::new();
    let row = |meeting| Row::of(meeting, zone, now);
    list.meeting_details
        .iter()
        .map(|meeting| {
            let is_first_here = seen.insert(&meeting.id, ()).is_none();
            let mut row = row(meeting);
            row.is_series |= count.get(meeting.id.as_str()).is_some_and(|count| *count > 1);
            // On later pages the next occurrence may stand on an earlier one.
            row.is_next = !row.is_series || (from_the_first && is_first_here);
            row
        })
        .collect()
}

fn with_paging(rows: Vec<Row>, list: &MeetingList, offsets: Offsets, past: bool, limit: u64) -> Section {
    let (offset, anchor) = if past { (offsets.past, "past") } else { (offsets.coming, "coming") };
    let address = |offset| {
        let offsets = if past { Offsets { past: offset, ..offsets } } else { Offsets { coming: offset, ..offsets } };
        offsets.address(anchor)
    };
    Section {
        total: list.total_count,
        earlier: (offset > 0).then(|| address(offset.saturating_sub(limit))),
        later: list.more_available.then(|| address(offset.saturating_add(limit))),
        rows,
        trouble: Vec::new(),
    }
}

impl From<Profile> for Person {
    fn from(profile: Profile) -> Self {
        let name = format!("{} {}", profile.name.trim(), profile.lname.trim()).trim().to_owned();
        let name = if name.is_empty() { profile.email.clone() } else { name };
        let initials = name.split_whitespace().filter_map(|part| part.chars().next()).take(2);
        Self { initials: initials.collect(), name, email: profile.email }
    }
}

fn access_words(tokens: &Tokens, zone: &Zone, now: Timestamp) -> AccessWords {
    let (until, left) = match tokens.until {
        Some(until) => (zone.in_words(until), format!("{} left", duration_in_words(until.duration_since(now)))),
        None => ("JioMeet did not say".to_owned(), String::new()),
    };
    AccessWords {
        until,
        left,
        since: zone.in_words(tokens.since),
        renewals: tokens.renewals,
        is_renewable: tokens.refresh.is_some(),
    }
}

/// `POST /time-zone`: the zone in which to show times.
pub async fn choose_zone(OwnForm { session, fields }: OwnForm) -> Result<Response, Problem> {
    let name = fields.text("timeZone");
    let zone = Zone::named(name).ok_or_else(|| Problem::Invalid {
        message: "That zone cannot be used.".to_owned(),
        faults: vec![Fault {
            property: "timeZone".to_owned(),
            message: "There is no time zone of that name. Write it like Asia/Kolkata.".to_owned(),
        }],
    })?;
    session.leave_notice(format!("Times are shown for {}.", zone.name()));
    session.set_zone(zone);
    Ok(see_other("/"))
}
