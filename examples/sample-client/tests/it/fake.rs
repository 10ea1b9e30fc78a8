//! A small JioMeet for tests: an authorization server that grants at once, and an API that keeps
//! meetings in a list. It is strict where the client could go wrong: Basic credentials, PKCE, codes
//! and refresh tokens that work once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

pub const CLIENT_ID: &str = "sample-id";
pub const CLIENT_SECRET: &str = "sample-secret";
pub const USER_ID: &str = "u-5a0d550b";
pub const SCOPES: [&str; 6] =
    ["user:read", "meeting:read", "meeting:create", "meeting:update", "meeting:delete", "meeting:join"];

type Fields = HashMap<String, String>;

pub struct Fake {
    pub issuer: String,
    shared: Arc<Shared>,
}

struct Shared {
    issuer: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
pub struct Inner {
    // What the test sets
    /// The scopes that the person ticks; none of them means all that were asked for.
    pub granted: Option<&'static str>,
    /// An error instead of a code: `error` and `error_description`.
    pub refuse: Option<(&'static str, &'static str)>,
    /// Another `iss` than the issuer; `Some("")` leaves it out.
    pub iss: Option<&'static str>,
    /// What the metadata calls the issuer, if not its name.
    pub metadata_issuer: Option<&'static str>,
    pub expires_in: Option<u64>,
    /// The next answers of the token endpoint.
    pub token_faults: Vec<(StatusCode, Value)>,
    /// The next answers of the API.
    pub api_faults: Vec<(StatusCode, &'static str, Value)>,
    /// Refreshes whose answer gets lost after they are done.
    pub lost_answers: usize,
    /// Calls with a bad token wait here for each other before they are refused.
    pub meet: Option<Arc<Barrier>>,
    /// The person's meetings.
    pub coming: Vec<Value>,
    pub past: Vec<Value>,

    // What the test reads
    pub authorizations: Vec<Fields>,
    pub refreshes: usize,
    pub replays: usize,
    pub revoked: Vec<String>,
    /// Bodies of what was created and changed, and what was cancelled.
    pub writes: Vec<(String, Value)>,

    codes: HashMap<String, Fields>,
    access: HashMap<String, String>,
    refresh: HashMap<String, String>,
    spent: HashSet<String>,
    minted: usize,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner { expires_in: Some(86_400), ..Inner::default() };
        let shared = Arc::new(Shared { issuer: issuer.clone(), inner: Mutex::new(inner) });
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/oauth2/authorize", get(authorize))
            .route("/api/oauth2/v2/token", post(token))
            .route("/api/oauth2/v2/revoke", post(revoke))
            .route("/api/user/profile", get(profile))
            .route("/api/meeting", post(create))
            .route("/api/meeting/{user}", get(list))
            .route("/api/meeting/meetingDetails/{id}", get(details).put(update))
            .route("/api/meeting/cancel/{id}", post(cancel))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, shared }
    }

    pub fn set(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap()
    }

    /// Every access token given so far stops working, as if its day were over.
    pub fn end_access_tokens(&self) {
        self.set().access.clear();
    }

    /// The person removes the app: nothing given so far works any more.
    pub fn remove_app(&self) {
        let mut inner = self.set();
        inner.access.clear();
        inner.refresh.clear();
    }
}

impl Inner {
    fn mint(&mut self, kind: &str) -> String {
        self.minted += 1;
        let payload = json!({ "userId": USER_ID, "n": self.minted });
        format!("{kind}.{}.signature", URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    fn pair(&mut self, scope: String) -> Value {
        let (access, refresh) = (self.mint("access"), self.mint("refresh"));
        self.access.insert(access.clone(), scope.clone());
        self.refresh.insert(refresh.clone(), scope.clone());
        json!({
            "access_token": access, "refresh_token": refresh, "token_type": "Bearer",
            "expires_in": self.expires_in, "scope": scope,
        })
    }
}

fn pairs(text: &[u8]) -> Fields {
    form_urlencoded::parse(text).into_owned().collect()
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn oauth_error(status: StatusCode, code: &str) -> Response {
    answer(status, &json!({ "error": code, "error_description": format!("{code} it is") }))
}

async fn metadata(State(fake): State<Arc<Shared>>) -> Response {
    let issuer = &fake.issuer;
    let name = fake.inner.lock().unwrap().metadata_issuer.unwrap_or(issuer);
    let metadata = json!({
        "issuer": name,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/api/oauth2/v2/token"),
        "revocation_endpoint": format!("{issuer}/api/oauth2/v2/revoke"),
        "authorization_response_iss_parameter_supported": true,
    });
    answer(StatusCode::OK, &metadata)
}

async fn authorize(State(fake): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let asked = pairs(query.unwrap_or_default().as_bytes());
    let mut inner = fake.inner.lock().unwrap();
    let mut back = url::Url::parse(&asked["redirect_uri"]).unwrap();
    back.query_pairs_mut().append_pair("state", &asked["state"]);
    match inner.iss {
        Some("") => {}
        iss => {
            back.query_pairs_mut().append_pair("iss", iss.unwrap_or(&fake.issuer));
        }
    }
    match inner.refuse {
        Some((error, description)) => {
            back.query_pairs_mut().append_pair("error", error).append_pair("error_description", description);
        }
        None => {
            let code = inner.mint("code");
            back.query_pairs_mut().append_pair("code", &code);
            inner.codes.insert(code, asked.clone());
        }
    }
    inner.authorizations.push(asked);
    (StatusCode::SEE_OTHER, [(header::LOCATION, back.to_string())]).into_response()
}

fn is_client(headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes() == expected.as_bytes())
}

async fn token(State(fake): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let fields = pairs(&body);
    let mut inner = fake.inner.lock().unwrap();
    if let Some((status, body)) = inner.token_faults.pop() {
        return answer(status, &body);
    }
    if !is_client(&headers) {
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let refused = || oauth_error(StatusCode::BAD_REQUEST, "invalid_grant");
    match fields["grant_type"].as_str() {
        "authorization_code" => {
            let Some(asked) = inner.codes.remove(&fields["code"]) else {
                return refused();
            };
            let verifier = PkceCodeVerifier::new(fields["code_verifier"].clone());
            let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
            if asked["code_challenge"] != challenge.as_str()
                || asked["code_challenge_method"] != "S256"
                || asked["redirect_uri"] != fields["redirect_uri"]
            {
                return refused();
            }
            let scope = inner.granted.map_or_else(|| asked["scope"].clone(), str::to_owned);
            answer(StatusCode::OK, &inner.pair(scope))
        }
        "refresh_token" => {
            let presented = &fields["refresh_token"];
            if inner.spent.contains(presented) {
                inner.replays += 1;
                return refused();
            }
            let Some(scope) = inner.refresh.get(presented).cloned() else {
                return refused();
            };
            inner.refreshes += 1;
            if inner.lost_answers > 0 {
                // Not spent: the real server, too, lets a lost answer be asked for again.
                inner.lost_answers -= 1;
                drop(inner);
                // Ends the connection without an answer.
                std::panic::resume_unwind(Box::new("the answer is lost"));
            }
            inner.spent.insert(presented.clone());
            answer(StatusCode::OK, &inner.pair(scope))
        }
        _ => oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    }
}

async fn revoke(State(fake): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_client(&headers) {
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let token = pairs(&body)["token"].clone();
    let mut inner = fake.inner.lock().unwrap();
    inner.refresh.remove(&token);
    inner.revoked.push(token);
    StatusCode::OK.into_response()
}

/// The bearer check of every API call; `Err` is the answer.
async fn allowed(fake: &Shared, headers: &HeaderMap, scope: &str) -> Result<(), Response> {
    let meet = {
        let mut inner = fake.inner.lock().unwrap();
        if let Some((status, challenge, body)) = inner.api_faults.pop() {
            let mut answer = answer(status, &body);
            if !challenge.is_empty() {
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.parse().unwrap());
            }
            return Err(answer);
        }
        let bearer = headers.get(header::AUTHORIZATION).unwrap().to_str().unwrap();
        match inner.access.get(bearer.strip_prefix("Bearer ").unwrap()) {
            Some(granted) if granted.split(' ').any(|one| one == scope) => return Ok(()),
            Some(_) => {
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
                let body = json!({ "customCode": 403, "message": "Forbidden", "errors": "scope" });
                let mut answer = answer(StatusCode::FORBIDDEN, &body);
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.parse().unwrap());
                return Err(answer);
            }
            None => inner.meet.clone(),
        }
    };
    if let Some(meet) = meet {
        tokio::time::timeout(Duration::from_secs(20), meet.wait()).await.expect("nobody else came");
    }
    let body = json!({ "customCode": 401, "message": "Unauthorized", "errors": "expired" });
    let mut answer = answer(StatusCode::UNAUTHORIZED, &body);
    let challenge = "Bearer error=\"invalid_token\"".parse().unwrap();
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    Err(answer)
}

async fn profile(State(fake): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Response> {
    allowed(&fake, &headers, "user:read").await?;
    let profile = json!({ "_id": USER_ID, "name": "Asha", "lname": "Rao", "email": "asha@example.org" });
    Ok(answer(StatusCode::OK, &profile))
}

async fn list(
    State(fake): State<Arc<Shared>>,
    Path(user): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    allowed(&fake, &headers, "meeting:read").await?;
    if user != USER_ID {
        return Ok(answer(StatusCode::NOT_FOUND, &json!({ "customCode": 404 })));
    }
    let query = pairs(query.unwrap().as_bytes());
    let (limit, offset): (usize, usize) = (query["limit"].parse().unwrap(), query["offset"].parse().unwrap());
    let inner = fake.inner.lock().unwrap();
    let all = if query["past"] == "true" { &inner.past } else { &inner.coming };
    let page: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
    let body = json!({
        "totalCount": all.len(),
        "moreAvailable": offset + page.len() < all.len(),
        "meetingDetails": page,
    });
    Ok(answer(StatusCode::OK, &body))
}

async fn details(
    State(fake): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    allowed(&fake, &headers, "meeting:read").await?;
    let inner = fake.inner.lock().unwrap();
    let found = inner.coming.iter().chain(&inner.past).find(|meeting| meeting["_id"] == id);
    Ok(match found {
        Some(meeting) => answer(StatusCode::OK, &json!([meeting])),
        None => answer(StatusCode::NOT_FOUND, &json!({ "customCode": 404, "message": "Not found" })),
    })
}

async fn create(State(fake): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, Response> {
    allowed(&fake, &headers, "meeting:create").await?;
    let mut meeting: Value = serde_json::from_slice(&body).unwrap();
    let mut inner = fake.inner.lock().unwrap();
    inner.writes.push(("create".into(), meeting.clone()));
    meeting["_id"] = format!("sm-{}", inner.writes.len()).into();
    meeting["participants"] = json!([]);
    inner.coming.push(meeting.clone());
    let body = json!({ "status": "Meeting created successfully.", "meetingDetails": [meeting] });
    Ok(answer(StatusCode::OK, &body))
}

async fn update(
    State(fake): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    allowed(&fake, &headers, "meeting:update").await?;
    let change: Value = serde_json::from_slice(&body).unwrap();
    let mut inner = fake.inner.lock().unwrap();
    inner.writes.push((format!("update {id}"), change.clone()));
    let Some(meeting) = inner.coming.iter_mut().find(|meeting| meeting["_id"] == id) else {
        return Ok(answer(StatusCode::NOT_FOUND, &json!({ "customCode": 404 })));
    };
    for name in ["topic", "startTime", "endTime"] {
        meeting[name] = change[name].clone();
    }
    Ok(answer(StatusCode::OK, meeting))
}

async fn cancel(
    State(fake): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    allowed(&fake, &headers, "meeting:delete").await?;
    let what: Value = serde_json::from_slice(&body).unwrap();
    let mut inner = fake.inner.lock().unwrap();
    inner.writes.push((format!("cancel {id}"), what));
    inner.coming.retain(|meeting| meeting["_id"] != id);
    let status = json!({ "status": "Your meeting has been cancelled successfully." });
    Ok(answer(StatusCode::OK, &status))
}
