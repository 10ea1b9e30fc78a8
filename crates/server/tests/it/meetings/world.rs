//! A server, two people, and tokens of an app that each of them lets do everything.

use std::time::Duration;

use jiomeet_oauth::ids::UserId;
use jiomeet_oauth::time::Timestamp;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::support::{self, TestApp, Tokens};

pub const ALL_SCOPES: &str = "user:read meeting:create meeting:read meeting:update meeting:delete meeting:join";

pub struct World {
    pub server: support::World,
    pub asha: Person,
    pub ben: Person,
    calendar: TestApp,
}

/// Somebody with an access token for everything.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub token: String,
}

impl World {
    /// It begins on a Tuesday morning, half past eight UTC.
    pub async fn new() -> World {
        // Tests move the clock by weeks.
        let overrides = "tokens.access_token_ttl = \"300d\"\ntokens.refresh_token_ttl = \"400d\"\n";
        let server = support::World::with(overrides).await;
        server.clock.set(moment("2026-11-24T08:30:00Z"));
        let calendar = server.approved_app("calendar").await;
        let asha = person(&server, &calendar, "asha@example.com").await;
        let ben = person(&server, &calendar, "ben@example.com").await;
        World { server, asha, ben, calendar }
    }

    pub fn wait(&self, time: Duration) {
        self.server.wait(time);
    }

    /// A request with that token.
    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.request_without_token(method, path).bearer_auth(token)
    }

    /// A request without any.
    pub fn request_without_token(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.http.request(method, self.server.url(path))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path, &self.asha.token)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path, &self.asha.token).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path, &self.asha.token).json(body)).await
    }

    /// Schedules a meeting of Asha's and gives it as it was answered.
    pub async fn scheduled(&self, body: &Value) -> Value {
        self.post("/api/meeting", body).await.expect(StatusCode::OK)["meetingDetails"][0].take()
    }

    /// Asha's list.
    pub async fn list(&self, query: &str) -> Value {
        self.get(&format!("/api/meeting/{}?{query}", self.asha.id)).await.expect(StatusCode::OK)
    }

    /// A token of that person with those scopes alone.
    pub async fn token(&self, person: &Person, scopes: &str) -> String {
        tokens(&self.server, &self.calendar, &person.id, scopes).await.access
    }

    /// A token that a refresh gave, never used so far.
    pub async fn refreshed_token(&self, person: &Person) -> String {
        let tokens = tokens(&self.server, &self.calendar, &person.id, ALL_SCOPES).await;
        let form = [("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)];
        ask_for_tokens(&self.server, &self.calendar, &form).await.access
    }

    /// How many grants remember the first use of a refreshed token.
    pub async fn marked_grants(&self) -> i64 {
        self.server.count("SELECT COUNT(*) FROM grants WHERE successor_used_at IS NOT NULL", &[]).await
    }

    /// Runs a statement of the test's own.
    pub async fn execute(&self, statement: &'static str) {
        self.server.execute(statement, &[]).await;
    }
}

pub fn moment(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

async fn person(server: &support::World, app: &TestApp, email: &str) -> Person {
    let id = server.person(email).await;
    let token = tokens(server, app, &id, ALL_SCOPES).await.access;
    Person { id, token }
}

async fn tokens(server: &support::World, app: &TestApp, person: &UserId, scopes: &str) -> Tokens {
    let code = server.code_of(app, person).scopes(scopes).issue().await;
    ask_for_tokens(server, app, &[("grant_type", "authorization_code"), ("code", &code)]).await
}

async fn ask_for_tokens(server: &support::World, app: &TestApp, form: &[(&str, &str)]) -> Tokens {
    let request = server.http.post(server.url("/api/oauth2/v2/token"));
    let request = request.basic_auth(&app.client_id, Some(&app.client_secret)).form(form);
    support::Answer::of(request.send().await.unwrap()).await.tokens()
}

/// An answer in JSON.
#[derive(Debug)]
pub struct Answer(support::Answer);

impl Answer {
    pub async fn of(request: RequestBuilder) -> Answer {
        let answer = support::Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.header("content-type"), "application/json", "{}: {}", answer.status, answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        Answer(answer)
    }

    pub fn status(&self) -> u16 {
        self.0.status
    }

    pub fn header(&self, name: &str) -> &str {
        self.0.header(name)
    }

    /// The body, whatever the status.
    pub fn body(self) -> Value {
        self.0.json
    }

    /// The body, when the status is that one.
    #[track_caller]
    pub fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.0.status, status, "{}", self.0.text);
        self.0.json
    }

    /// The refusal's stable name, when the status is that one and the body the documented envelope.
    #[track_caller]
    pub fn refused(self, status: StatusCode) -> String {
        let body = self.expect(status);
        assert_eq!(body["customCode"], status.as_u16());
        assert!(body["errors"].as_str().is_some_and(|text| text.ends_with('.')), "{body}");
        body["message"].as_str().unwrap().to_owned()
    }

    /// The properties at fault, when it is a refusal of fields.
    #[track_caller]
    pub fn faulty(self) -> Vec<String> {
        let body = self.expect(StatusCode::PRECONDITION_FAILED);
        assert_eq!(body["customCode"], 412);
        assert!(body["message"].is_string());
        let property_of = |fault: &Value| {
            assert!(fault["message"].as_str().is_some_and(|message| message.len() > 10), "{fault}");
            fault["property"].as_str().unwrap().to_owned()
        };
        body["errorsArray"].as_array().unwrap().iter().map(property_of).collect()
    }
}

/// The names of an object's fields.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}
