//! Pages about single meetings: details, scheduling, changing and cancelling.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::App;
use crate::api::{Cancel, Meeting};
use crate::meeting_form::MeetingForm;
use crate::pages::home::{self, May, Row};
use crate::problem::Problem;
use crate::times::{Zone, date_in_words};
use crate::web::{Fields, OwnForm, SignedIn, page, see_other};

#[derive(Template)]
#[template(path = "details.html")]
struct DetailsPage<'a> {
    csrf: &'a str,
    notice: Option<String>,
    row: Row,
    number: String,
    pin: Option<String>,
    repeats: Option<String>,
    zone: Zone,
    participants: Vec<ParticipantLine>,
    may: May,
}

struct ParticipantLine {
    name: String,
    email: String,
    role: String,
    joined: String,
    left: String,
}

#[derive(Template)]
#[template(path = "change.html")]
struct ChangePage<'a> {
    csrf: &'a str,
    id: &'a str,
    topic: &'a str,
    is_series: bool,
    form: MeetingForm,
}

/// `GET /meetings/{id}`
pub async fn details(
    State(app): State<Arc<App>>,
    SignedIn(session): SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let meeting = app.api.meeting(&session, &id).await?;
    let tokens = session.tokens().await?;
    let (zone, now) = (session.zone(), app.now());
    let details = DetailsPage {
        csrf: session.csrf(),
        notice: session.take_notice(),
        row: Row::of(&meeting, &zone, now),
        number: in_threes(&meeting.jiomeet_id),
        pin: meeting.pin().map(str::to_owned),
        repeats: repeats_in_words(&meeting),
        participants: participant_lines(&meeting, &zone),
        zone,
        may: May::with(&tokens),
    };
    Ok(page(StatusCode::OK, &details))
}

/// `POST /meetings`: schedules one.
pub async fn schedule(State(app): State<Arc<App>>, OwnForm { session, fields }: OwnForm) -> Result<Response, Problem> {
    let form = MeetingForm::from_fields(&fields, &session.zone());
    let first_page = Fields::default();
    let with_faults = |form| home::signed_in(&app, &session, &first_page, Some(form));
    let zone = match form.zone() {
        Ok(zone) => zone,
        Err(fault) => return with_faults(form.with_faults(vec![fault])).await,
    };
    match app.api.create(&session, &form.to_json(&zone)).await {
        Ok(()) => {
            session.leave_notice(format!("'{}' is scheduled.", form.topic.trim()));
            session.set_zone(zone);
            // Without a part of its own the browser would stay at the form's '#schedule'.
            Ok(see_other("/#main"))
        }
        Err(Problem::Invalid { faults, .. }) if !faults.is_empty() => with_faults(form.with_faults(faults)).await,
        Err(problem) => Err(problem),
    }
}

/// `GET /meetings/{id}/change`
pub async fn change_form(
    State(app): State<Arc<App>>,
    SignedIn(session): SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let meeting = app.api.meeting(&session, &id).await?;
    let zone = meeting
        .repeat_options
        .as_ref()
        .and_then(|repeat| Zone::named(repeat.time_zone.as_deref()?))
        .unwrap_or_else(|| session.zone());
    let change = ChangePage {
        csrf: session.csrf(),
        id: &id,
        topic: &meeting.topic,
        is_series: meeting.repeat_options.is_some(),
        form: MeetingForm::of(&meeting, &zone),
    };
    Ok(page(StatusCode::OK, &change))
}

/// `POST /meetings/{id}`: changes it.
pub async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    OwnForm { session, fields }: OwnForm,
) -> Result<Response, Problem> {
    let form = MeetingForm::from_fields(&fields, &session.zone());
    let outcome = match form.zone() {
        Ok(zone) => app.api.update(&session, &id, &form.to_json(&zone)).await,
        Err(fault) => Err(Problem::Invalid { message: String::new(), faults: vec![fault] }),
    };
    match outcome {
        Ok(()) => {
            session.leave_notice("Your changes are saved.");
            Ok(see_other(&format!("/meetings/{}", escaped(&id))))
        }
        Err(Problem::Invalid { faults, .. }) if !faults.is_empty() => {
            let change = ChangePage {
                csrf: session.csrf(),
                id: &id,
                topic: fields.text("formerTopic"),
                is_series: fields.find("isSeries").is_some(),
                form: form.with_faults(faults),
            };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &change))
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /meetings/{id}/cancel` with `cancel=current` or `cancel=all`.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    OwnForm { session, fields }: OwnForm,
) -> Result<Response, Problem> {
    let what = match fields.text("cancel") {
        "current" => Cancel::Current,
        "all" => Cancel::All,
        _ => return Err(Problem::UnreadableForm),
    };
    let sentence = app.api.cancel(&session, &id, what).await?;
    session.leave_notice(sentence);
    Ok(see_other("/"))
}

fn escaped(segment: &str) -> String {
    form_urlencoded::byte_serialize(segment.as_bytes()).collect::<String>().replace('+', "%20")
}

/// `721 231 0665`: ten digits are easier to read out in groups.
fn in_threes(number: &str) -> String {
    match number {
        digits if digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{} {} {}", &digits[..3], &digits[3..6], &digits[6..])
        }
        other => other.to_owned(),
    }
}

fn repeats_in_words(meeting: &Meeting) -> Option<String> {
    let options = meeting.repeat_options.as_ref()?;
    let how = match options.repeat.as_str() {
        "daily" => "Every day",
        "weekly" => "Every week",
        "monthly" => "Every month",
        _ => "Repeatedly",
    };
    let until = options.end_date.as_deref().filter(|date| !date.is_empty());
    let zone = options.time_zone.as_deref().filter(|zone| !zone.is_empty());
    let until = until.map_or_else(String::new, |date| format!(" until {}", date_in_words(date)));
    let zone = zone.map_or_else(String::new, |zone| format!(", by the clock of {zone}"));
    Some(format!("{how}{until}{zone}"))
}

fn participant_lines(meeting: &Meeting, zone: &Zone) -> Vec<ParticipantLine> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let time = |value: &Option<String>| {
        let instant = value.as_deref().and_then(|value| value.parse().ok());
        instant.map(|instant| zone.in_words(instant)).unwrap_or_default()
    };
    meeting
        .participants
        .iter()
        .map(|person| ParticipantLine {
            name: text(&person.name),
            email: text(&person.email),
            role: text(&person.role),
            joined: time(&person.joined_time),
            left: time(&person.left_time),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meeting_numbers_are_grouped_when_they_have_ten_digits() {
        assert_eq!(in_threes("7212310665"), "721 231 0665");
        assert_eq!(in_threes("72123"), "72123");
        assert_eq!(in_threes("ééééé"), "ééééé");
    }

    #[test]
    fn ids_are_escaped_in_addresses() {
        assert_eq!(escaped("sm-1/../a b?c"), "sm-1%2F..%2Fa%20b%3Fc");
    }
}
