//! The user and meeting API. Every call goes through [`Api::call`], which knows what to do when the
//! access token has ended.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use oauth2::http::{HeaderValue, Method, Request, StatusCode, header};
use oauth2::{AccessToken, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::http::Http;
use crate::oauth::Provider;
use crate::problem::{Fault, Problem};
use crate::session::Session;

/// The API of one server.
pub struct Api {
    base: Url,
    http: Http,
    provider: Arc<Provider>,
}

/// `GET /api/user/profile`.
#[derive(Clone, Debug, Deserialize)]
pub struct Profile {
    /// The user id, which names the person in other calls.
    #[serde(rename = "_id")]
    pub id: String,
    /// First name.
    #[serde(default)]
    pub name: String,
    /// Last name.
    #[serde(default)]
    pub lname: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
}

/// A meeting, as list, details and answers to changes show it. Only what this app needs, and
/// nothing but the id is taken for granted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meeting {
    /// The id for further calls.
    #[serde(rename = "_id")]
    pub id: String,
    /// The number that people dial in with.
    pub jiomeet_id: String,
    /// The title.
    pub topic: String,
    /// Start, ISO 8601.
    pub start_time: String,
    /// End, ISO 8601.
    pub end_time: String,
    /// Where to join.
    pub meeting_url: String,
    /// `active` and others.
    pub status: String,
    /// The PIN, if it has one.
    pub pin: Option<String>,
    /// In the details: who is invited and who came.
    pub participants: Vec<Participant>,
    /// How it repeats, if it does.
    pub repeat_options: Option<RepeatOptions>,
}

impl Meeting {
    /// The start as an instant.
    pub fn start(&self) -> Option<Timestamp> {
        self.start_time.parse().ok()
    }

    /// The end as an instant.
    pub fn end(&self) -> Option<Timestamp> {
        self.end_time.parse().ok()
    }

    /// The PIN, where it is not empty.
    pub fn pin(&self) -> Option<&str> {
        self.pin.as_deref().filter(|pin| !pin.is_empty())
    }
}

/// Someone who is invited or was there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Participant {
    /// E-mail address, where known.
    pub email: Option<String>,
    /// Name, where known.
    pub name: Option<String>,
    /// Such as `host`.
    pub role: Option<String>,
    /// When they came.
    pub joined_time: Option<String>,
    /// When they left.
    pub left_time: Option<String>,
}

/// How a meeting repeats.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RepeatOptions {
    /// `daily`, `weekly` or `monthly`.
    pub repeat: String,
    /// The last day, included.
    pub end_date: Option<String>,
    /// The zone in which the local time stays the same.
    pub time_zone: Option<String>,
}

/// One page of the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MeetingList {
    /// How many there are altogether.
    pub total_count: u64,
    /// Whether more follow after these.
    pub more_available: bool,
    /// These.
    pub meeting_details: Vec<Meeting>,
}

/// Which meetings to list.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// What is over instead of what runs or comes.
    pub past: bool,
    /// How many at most.
    pub limit: u64,
    /// How many to skip.
    pub offset: u64,
}

/// What to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// The meeting, or the occurrence that runs or comes next.
    Current,
    /// The whole series.
    All,
}

/// One call.
struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<&'a Value>,
    /// The permission it needs, for the message when the server does not name it.
    scope: &'a str,
}

impl Api {
    /// The API of the server at `base`.
    pub fn new(base: &Url, http: Http, provider: Arc<Provider>) -> Self {
        Self { base: base.clone(), http, provider }
    }

    /// Who has signed in.
    pub async fn profile(&self, session: &Arc<Session>) -> Result<Profile, Problem> {
        let call = Call { method: Method::GET, path: &["user", "profile"], query: &[], body: None, scope: "user:read" };
        self.call(session, call).await
    }

    /// A page of a person's meetings.
    pub async fn list(&self, session: &Arc<Session>, user_id: &str, listing: Listing) -> Result<MeetingList, Problem> {
        let (limit, offset) = (listing.limit.to_string(), listing.offset.to_string());
        let call = Call {
            method: Method::GET,
            path: &["meeting", user_id],
            query: &[("past", if listing.past { "true" } else { "false" }), ("limit", &limit), ("offset", &offset)],
            body: None,
            scope: "meeting:read",
        };
        self.call(session, call).await
    }

    /// A meeting with its participants.
    pub async fn meeting(&self, session: &Arc<Session>, id: &str) -> Result<Meeting, Problem> {
        let call = Call {
            method: Method::GET,
            path: &["meeting", "meetingDetails", id],
            query: &[],
            body: None,
            scope: "meeting:read",
        };
        // The API's description answers with an array of one.
        let found: Vec<Meeting> = self.call(session, call).await?;
        found.into_iter().next().ok_or(Problem::NotFound)
    }

    /// Schedules a meeting.
    pub async fn create(&self, session: &Arc<Session>, body: &Value) -> Result<(), Problem> {
        let call =
            Call { method: Method::POST, path: &["meeting"], query: &[], body: Some(body), scope: "meeting:create" };
        self.call::<Value>(session, call).await.map(drop)
    }

    /// Changes a meeting.
    pub async fn update(&self, session: &Arc<Session>, id: &str, body: &Value) -> Result<(), Problem> {
        let call = Call {
            method: Method::PUT,
            path: &["meeting", "meetingDetails", id],
            query: &[],
            body: Some(body),
            scope: "meeting:update",
        };
        self.call::<Value>(session, call).await.map(drop)
    }

    /// Cancels a meeting or its series and brings the API's own sentence about it.
    pub async fn cancel(&self, session: &Arc<Session>, id: &str, what: Cancel) -> Result<String, Problem> {
        let body = json!({ "cancel": match what { Cancel::Current => "current", Cancel::All => "all" } });
        let call = Call {
            method: Method::POST,
            path: &["meeting", "cancel", id],
            query: &[],
            body: Some(&body),
            scope: "meeting:delete",
        };
        let answer: Value = self.call(session, call).await?;
        Ok(answer["status"].as_str().unwrap_or("The meeting is cancelled.").to_owned())
    }

    /// Makes a call. When the server no longer takes the access token, renews it once and asks
    /// once more.
    async fn call<T: DeserializeOwned>(&self, session: &Arc<Session>, call: Call<'_>) -> Result<T, Problem> {
        let token = session.access_token(&self.provider).await?;
        let mut answer = self.http.send(self.request(&call, &token)?).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let token = session.renewed(&self.provider, &token).await?;
            answer = self.http.send(self.request(&call, &token)?).await?;
        }
        if answer.status() == StatusCode::UNAUTHORIZED {
            session.end().await;
            return Err(Problem::AccessEnded);
        }
        if !answer.status().is_success() {
            return Err(refusal(&answer, call.scope));
        }
        serde_json::from_slice(answer.body()).map_err(|error| Problem::Garbled {
            detail: format!("{} /api/{}: {error}", call.method, call.path.join("/")),
        })
    }

    fn request(&self, call: &Call<'_>, token: &AccessToken) -> Result<HttpRequest, Problem> {
        let garbled = |detail: &str| Problem::Garbled { detail: detail.to_owned() };
        let mut address = self.base.clone();
        address
            .path_segments_mut()
            .map_err(|()| garbled("the issuer is no address"))?
            .pop_if_empty()
            .push("api")
            .extend(call.path);
        if !call.query.is_empty() {
            address.query_pairs_mut().extend_pairs(call.query);
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret()))
            .map_err(|_| garbled("the access token holds what no header may hold"))?;
        bearer.set_sensitive(true);
        let body = call.body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(address.as_str())
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "application/json");
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(body.into_bytes()).map_err(|_| garbled("no request can be made of this"))
    }
}

/// Reads the documented error envelope: `customCode`, `message`, `errors` or `errorsArray`.
fn refusal(answer: &HttpResponse, scope: &str) -> Problem {
    let status = answer.status();
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    match status {
        StatusCode::FORBIDDEN => match challenge_param(answer, "error").as_deref() {
            Some("insufficient_scope") => {
                Problem::MissingScope { scope: challenge_param(answer, "scope").unwrap_or_else(|| scope.to_owned()) }
            }
            _ => plain_refusal(status, text("errors").or(text("message"))),
        },
        StatusCode::NOT_FOUND => Problem::NotFound,
        StatusCode::PRECONDITION_FAILED => {
            let faults = body["errorsArray"].as_array().into_iter().flatten();
            Problem::Invalid {
                message: "Some of it needs another look.".to_owned(),
                faults: faults
                    .map(|fault| Fault {
                        property: fault["property"].as_str().unwrap_or_default().to_owned(),
                        message: fault["message"].as_str().unwrap_or("is not valid").to_owned(),
                    })
                    .collect(),
            }
        }
        _ => plain_refusal(status, text("errors").or(text("message"))),
    }
}

fn plain_refusal(status: StatusCode, words: Option<&str>) -> Problem {
    Problem::Refused {
        status: status.as_u16(),
        message: words.map_or_else(|| "JioMeet gave no reason. Nothing was changed.".to_owned(), sentence),
    }
}

/// Somebody else's words as a sentence of ours: bounded, and with an end.
fn sentence(words: &str) -> String {
    let mut text: String = words.chars().take(300).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// A parameter of the `WWW-Authenticate: Bearer` challenge (RFC 6750 section 3).
fn challenge_param(answer: &HttpResponse, name: &str) -> Option<String> {
    let challenge = answer.headers().get(header::WWW_AUTHENTICATE)?.to_str().ok()?;
    let mut rest = challenge.strip_prefix("Bearer ")?;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',']);
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key == name {
            return Some(value.trim().to_owned());
        }
        rest = next;
    }
    None
}

/// The person's id from the access token's documented `userId` claim. Only for people who did not
/// grant `user:read`: without the profile nothing else names them. The token came from the token
/// endpoint itself, so its signature need not be checked here.
pub fn user_id_in(token: &AccessToken) -> Option<String> {
    let payload = token.secret().split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims["userId"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenged(challenge: &'static str) -> HttpResponse {
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = StatusCode::FORBIDDEN;
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        answer
    }

    #[test]
    fn the_challenge_names_the_missing_scope() {
        let answer = challenged(
            r#"Bearer realm="api", error="insufficient_scope", error_description="scope=a, b", scope="meeting:create""#,
        );
        assert!(matches!(
            refusal(&answer, "other"),
            Problem::MissingScope { scope } if scope == "meeting:create"
        ));
    }

    #[test]
    fn without_a_named_scope_the_calls_own_is_said() {
        let answer = challenged(r#"Bearer error=insufficient_scope"#);
        assert!(matches!(
            refusal(&answer, "meeting:read"),
            Problem::MissingScope { scope } if scope == "meeting:read"
        ));
    }

    #[test]
    fn any_other_403_is_told_as_it_is() {
        let answer = challenged(r#"Bearer error="#);
        assert!(matches!(refusal(&answer, "x"), Problem::Refused { status: 403, .. }));
    }

    #[test]
    fn the_user_id_is_read_from_the_documented_claim() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"userId":"u-1"}"#);
        assert_eq!(user_id_in(&AccessToken::new(format!("h.{payload}.s"))).as_deref(), Some("u-1"));
        assert_eq!(user_id_in(&AccessToken::new("opaque".into())), None);
    }
}
