//! The handlers of the user and meeting API: read the call, ask the desk, write the answer.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use protocol::fault;
use serde::Serialize;
use serde_json::Value;

use super::answers::{CancelledAnswer, CreatedAnswer, ListAnswer, MeetingAnswer, ProfileAnswer};
use super::body::{Cancel, Draft, Purpose};
use super::call::Call;
use super::desk::{self, Cancelling, Mint, Refusal};
use super::faults::Faults;
use super::query::ListQuery;
use crate::app::SharedApp;
use crate::ids::MeetingId;
use crate::oauth::Presented;
use crate::users;
use crate::web::{ApiError, FieldFault, MAX_BODY_BYTES, has_media_type, read_body};

/// A path's id, if the path is text at all.
type Id = Result<Path<String>, PathRejection>;

/// `GET /api/user/profile` and `GET /api/my_profile`
pub async fn show_profile(State(app): State<SharedApp>, call: Presented) -> Result<Response, ApiError> {
    let call = Call::begin(&app, &call, "user:read")?;
    // A token of somebody who is gone does not stand, so this person is there.
    let user = call.read(users::find).await?.ok_or(not_found(&fault::USER_NOT_FOUND))?;
    Ok(json(StatusCode::OK, &ProfileAnswer::of(&user)))
}

/// `POST /api/meeting`
pub async fn create_meeting(State(app): State<SharedApp>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let call = Call::begin(&app, &Presented::of(&parts), "meeting:create")?;
    let draft = Asked::read(&parts, body, |body| Draft::read(body, Purpose::Create)).await;
    let now = call.now();
    let mint = Mint::new(&app.random, now);
    let meeting = draft.answer(&call, move |tx, person, draft| desk::create(tx, person, draft, &mint, now)).await?;
    Ok(json(StatusCode::OK, &CreatedAnswer::of(&meeting, &app.issuer)))
}

/// `GET /api/meeting/{userId}`
pub async fn list_meetings(
    State(app): State<SharedApp>,
    id: Id,
    RawQuery(query): RawQuery,
    call: Presented,
) -> Result<Response, ApiError> {
    let call = Call::begin(&app, &call, "meeting:read")?;
    let query = ListQuery::read(query.as_deref().unwrap_or_default());
    let (wanted, now) = (id.ok().map(|Path(id)| id), call.now());
    let page = call
        .read(move |tx, person| match &query {
            _ if wanted.as_deref() != Some(person.as_str()) => Ok(None),
            Ok(query) => desk::list(tx, person, *query, now).map(|page| Some(Ok((page, query.offset)))),
            Err(faults) => Ok(Some(Err(faults.clone()))),
        })
        .await?
        .ok_or(not_found(&fault::USER_NOT_FOUND))?;
    let (page, offset) = page.map_err(|faults| refused_fields(&fault::QUERY_INVALID, faults))?;
    let rows = page.rows.iter().map(|row| MeetingAnswer::row(&row.meeting, &app.issuer, row.starts_at, row.ends_at));
    Ok(json(
        StatusCode::OK,
        &ListAnswer {
            total_count: page.total,
            more_available: offset.saturating_add(page.rows.len() as u64) < page.total,
            meeting_details: rows.collect(),
        },
    ))
}

/// `GET /api/meeting/meetingDetails/{meetingId}`
pub async fn show_meeting(State(app): State<SharedApp>, id: Id, call: Presented) -> Result<Response, ApiError> {
    let call = Call::begin(&app, &call, "meeting:read")?;
    let id = meeting_id(id);
    let found = call
        .read(move |tx, person| id.as_ref().map_or(Ok(Err(Refusal::NoSuchMeeting)), |id| desk::find(tx, person, id)));
    let (meeting, participants) = found.await??;
    Ok(json(StatusCode::OK, &[MeetingAnswer::details(&meeting, &participants, &app.issuer)]))
}

/// `PUT /api/meeting/meetingDetails/{meetingId}`
pub async fn change_meeting(
    State(app): State<SharedApp>,
    id: Id,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let call = Call::begin(&app, &Presented::of(&parts), "meeting:update")?;
    let draft = Asked::read(&parts, body, |body| Draft::read(body, Purpose::Change)).await;
    let (id, now) = (meeting_id(id), call.now());
    let changed = draft.answer(&call, move |tx, person, draft| match &id {
        Some(id) => desk::change(tx, person, id, draft, now),
        None => Ok(Err(Refusal::NoSuchMeeting)),
    });
    Ok(json(StatusCode::OK, &MeetingAnswer::changed(&changed.await?, &app.issuer)))
}

/// `POST /api/meeting/cancel/{meetingId}`
pub async fn cancel_meeting(
    State(app): State<SharedApp>,
    id: Id,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let call = Call::begin(&app, &Presented::of(&parts), "meeting:delete")?;
    let cancel = Asked::read(&parts, body, Cancel::read).await;
    let answer = match &cancel.0 {
        Ok(Cancel::All) => CancelledAnswer::ALL,
        Ok(Cancel::Current) | Err(_) => CancelledAnswer::ONE,
    };
    let (id, now) = (meeting_id(id), call.now());
    let meant = id.clone();
    let cancelling = cancel.answer(&call, move |tx, person, cancel| match &meant {
        Some(id) => desk::cancel(tx, person, id, *cancel, now),
        None => Ok(Err(Refusal::NoSuchMeeting)),
    });
    if let (Cancelling::Occurrence(day), Some(id)) = (cancelling.await?, id) {
        call.write(move |tx, person| desk::cancel_occurrence(tx, person, &id, day, now)).await??;
    }
    Ok(json(StatusCode::OK, &answer))
}

/// What a body asked for, or why it could not be read. That is said only once the token was found good: whoever may not
/// call does not learn what is wrong with the body.
struct Asked<T>(Result<T, ApiError>);

impl<T: Send + Sync + 'static> Asked<T> {
    /// Reads the body as JSON, and the JSON as what it asks for.
    async fn read(parts: &Parts, body: Body, read: impl FnOnce(&Value) -> Result<T, Faults>) -> Asked<T> {
        Asked(match read_json(parts, body).await {
            Ok(json) => read(&json).map_err(ApiError::from),
            Err(error) => Err(error),
        })
    }

    /// Does it.
    async fn answer<A, F>(self, call: &Call, unit: F) -> Result<A, ApiError>
    where
        A: Send + 'static,
        F: Fn(&mut sql::Tx<'_>, &crate::ids::UserId, &T) -> desk::Outcome<A> + Send + 'static,
    {
        match self.0 {
            Ok(asked) => Ok(call.write(move |tx, person| unit(tx, person, &asked)).await??),
            Err(error) => {
                call.read(|_, _| Ok(())).await?;
                Err(error)
            }
        }
    }
}

/// An id as we mint them; anything else cannot be there, and the database is not asked.
fn meeting_id(id: Id) -> Option<MeetingId> {
    let Path(id) = id.ok()?;
    let good = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    good.then(|| MeetingId::from_text(id))
}

/// Reads a JSON body of at most 64 KiB. No body at all is an empty object: what it leaves out is then named.
async fn read_json(parts: &Parts, body: Body) -> Result<Value, ApiError> {
    let unsupported = || {
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &fault::UNSUPPORTED_MEDIA_TYPE)
            .with_detail("The body of this call is application/json.")
    };
    let typed = parts.headers.contains_key(CONTENT_TYPE);
    if typed && !has_media_type(parts, "application/json") {
        return Err(unsupported());
    }
    let bytes = read_body(parts, body, MAX_BODY_BYTES).await?;
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    if !typed {
        return Err(unsupported());
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::new(StatusCode::BAD_REQUEST, &fault::BODY_NOT_JSON).with_detail(format!("The fault is {error}."))
    })
}

fn json<T: Serialize>(status: StatusCode, answer: &T) -> Response {
    match serde_json::to_vec(answer) {
        Ok(body) => {
            let json = HeaderValue::from_static("application/json");
            let no_store = HeaderValue::from_static("no-store");
            (status, [(CONTENT_TYPE, json), (CACHE_CONTROL, no_store)], body).into_response()
        }
        Err(error) => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, &fault::SERVER_ERROR)
            .with_private(error.to_string())
            .into_response(),
    }
}

fn not_found(fault: &'static fault::Fault) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, fault)
}

fn refused_fields(fault: &'static fault::Fault, faults: Faults) -> ApiError {
    let fields = faults.into_pairs().into_iter().map(|(property, message)| FieldFault { property, message });
    ApiError::fields(fault, fields.collect())
}

impl From<Faults> for ApiError {
    fn from(faults: Faults) -> ApiError {
        refused_fields(&fault::VALIDATION_FAILED, faults)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        match refusal {
            Refusal::NoSuchMeeting => not_found(&fault::MEETING_NOT_FOUND),
            Refusal::Faults(faults) => faults.into(),
            Refusal::Over => ApiError::new(StatusCode::CONFLICT, &fault::MEETING_OVER)
                .with_detail("No occurrence of it runs or is to come."),
            Refusal::Overtaken => ApiError::new(StatusCode::CONFLICT, &fault::MEETING_OVERTAKEN),
        }
    }
}
