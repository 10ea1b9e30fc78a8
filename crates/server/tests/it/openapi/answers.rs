//! What the server really answers is as it is described: every call that works, and the ways in which it is refused.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::document::Document;
use crate::support::{Answer, TestApp, Tokens, World};

/// Sends requests, and holds each answer against the description.
pub struct Witness {
    pub world: World,
    pub document: Document,
    pub app: TestApp,
    pub user: String,
    pub tokens: Tokens,
    seen: BTreeSet<(String, String, u16)>,
}

const TOKEN: &str = "/api/oauth2/v2/token";
const DETAILS: &str = "/api/meeting/meetingDetails/{meetingId}";
const CANCEL: &str = "/api/meeting/cancel/{meetingId}";

impl Witness {
    pub async fn new() -> Witness {
        let world = World::new().await;
        let document = Document::of(&world).await;
        let app = world.approved_app("witness").await;
        let person = world.person("asha@example.com").await;
        let code = world.code(&app, &person).await;
        let tokens = Tokens { access: String::new(), refresh: String::new(), scope: String::new() };
        let mut witness = Witness { world, document, app, user: person.to_string(), tokens, seen: BTreeSet::default() };
        let request = witness.client(TOKEN).form(&[("grant_type", "authorization_code"), ("code", &code)]);
        witness.tokens = witness.see("post", TOKEN, request).await.tokens();
        witness
    }

    /// A call by the app.
    pub fn client(&self, path: &str) -> RequestBuilder {
        let request = self.world.http.post(self.world.url(path));
        request.basic_auth(&self.app.client_id, Some(&self.app.client_secret))
    }

    /// A call for the person.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.world.http.request(method, self.world.url(path)).bearer_auth(&self.tokens.access)
    }

    /// Sends it.
    pub async fn see(&mut self, method: &str, path: &str, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request.send().await.unwrap()).await;
        self.document.check(method, path, &answer);
        self.seen.insert((method.to_owned(), path.to_owned(), answer.status));
        answer
    }

    /// Schedules a meeting and gives its id.
    pub async fn schedule(&mut self, body: &Value) -> String {
        let request = self.call(Method::POST, "/api/meeting").json(body);
        let answer = self.see("post", "/api/meeting", request).await;
        answer.json["meetingDetails"][0]["_id"].as_str().unwrap().to_owned()
    }

    fn has_seen(&self, method: &str, path: &str, statuses: &[u16]) {
        for status in statuses {
            let key = (method.to_owned(), path.to_owned(), *status);
            assert!(self.seen.contains(&key), "{method} {path} never answered {status}");
        }
    }
}

pub fn meeting() -> Value {
    json!({"topic": "Review", "startTime": "2026-01-06T09:30:00Z", "endTime": "2026-01-06T10:30:00Z",
        "participants": ["ben@example.com"]})
}

pub fn series() -> Value {
    json!({"topic": "Stand-up", "startTime": "2026-01-05T09:00:00Z", "endTime": "2026-01-05T09:15:00Z",
        "repeatOptions": {"repeat": "weekly", "daysOfWeek": [false, true, false, true, false, true, false],
            "endDate": "2026-01-30", "timeZone": "Europe/Berlin"}})
}

#[tokio::test]
async fn the_meeting_api_answers_as_described() {
    let mut witness = Witness::new().await;
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    for path in ["/api/user/profile", "/api/my_profile"] {
        let request = witness.call(get.clone(), path);
        witness.see("get", path, request).await;
    }
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-protected-resource"] {
        let request = witness.world.http.get(witness.world.url(path));
        witness.see("get", path, request).await;
    }
    for (method, name) in [(get.clone(), "get"), (post.clone(), "post")] {
        let request = witness.call(method, "/oauth2/userinfo");
        assert_eq!(witness.see(name, "/oauth2/userinfo", request).await.status, 403, "without openid");
    }
    let once = witness.schedule(&meeting()).await;
    let often = witness.schedule(&series()).await;
    let monthly = json!({"topic": "Retro", "startTime": "2026-01-31T09:00:00Z", "endTime": "2026-01-31T10:00:00Z",
        "isPinEnabled": false, "repeatOptions": {"repeat": "monthly", "dateInMonth": 31}});
    witness.schedule(&monthly).await;
    let list = "/api/meeting/{userId}";
    for query in ["", "?past=true", "?limit=2&offset=1", "?past=&limit=", "?limit=0", "?offset=x&past=maybe"] {
        let request = witness.call(get.clone(), &format!("/api/meeting/{}{query}", witness.user));
        witness.see("get", list, request).await;
    }
    for id in [&once, &often, "sm-nobody", "%FF", "%00"] {
        let request = witness.call(get.clone(), &format!("/api/meeting/meetingDetails/{id}"));
        witness.see("get", DETAILS, request).await;
    }
    let request = witness.call(get.clone(), "/api/meeting/u-somebody-else");
    witness.see("get", list, request).await;

    for body in [meeting(), series(), json!({"topic": 7}), json!([]), json!(null)] {
        let request = witness.call(put.clone(), &format!("/api/meeting/meetingDetails/{once}")).json(&body);
        witness.see("put", DETAILS, request).await;
    }
    let request = witness.call(put.clone(), "/api/meeting/meetingDetails/sm-nobody").json(&meeting());
    witness.see("put", DETAILS, request).await;
    for extent in ["current", "all", "all", "nothing"] {
        let request =
            witness.call(post.clone(), &format!("/api/meeting/cancel/{often}")).json(&json!({"cancel": extent}));
        witness.see("post", CANCEL, request).await;
    }

    let long = "x".repeat(70_000);
    for (method, path, real) in [
        ("post", "/api/meeting", "/api/meeting".to_owned()),
        ("put", DETAILS, format!("/api/meeting/meetingDetails/{once}")),
        ("post", CANCEL, format!("/api/meeting/cancel/{once}")),
    ] {
        let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        for (media_type, body) in
            [("application/json", "{"), ("application/json", "{}"), ("text/plain", "x"), ("application/json", &long)]
        {
            let request = witness.call(verb.clone(), &real).header("content-type", media_type).body(body.to_owned());
            witness.see(method, path, request).await;
        }
        witness.has_seen(method, path, &[200, 400, 412, 413, 415]);
    }
    witness.has_seen("get", list, &[200, 404, 412]);
    witness.has_seen("get", DETAILS, &[200, 404]);
    witness.has_seen("put", DETAILS, &[404]);
    witness.has_seen("post", CANCEL, &[404]);
}

#[tokio::test]
async fn a_call_without_a_good_token_is_refused_as_described() {
    let mut witness = Witness::new().await;
    let code = {
        let user = witness.world.person("ben@example.com").await;
        witness.world.code_of(&witness.app, &user).scopes("meeting:join").issue().await
    };
    let request = witness.client(TOKEN).form(&[("grant_type", "authorization_code"), ("code", &code)]);
    let narrow = witness.see("post", TOKEN, request).await.tokens().access;
    let calls: Vec<(String, String)> = witness
        .document
        .calls()
        .iter()
        .filter(|(_, _, call)| call["security"][0].get("bearerAuth").is_some())
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(calls.len(), 9);
    for (method, path) in calls {
        let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let url = witness.world.url(&path.replace(['{', '}'], ""));
        let http = witness.world.http.clone();
        let request = || http.request(verb.clone(), &url);
        let twice = request().bearer_auth("a").header("authorization", "Bearer b");
        for request in [request(), request().bearer_auth("wrong"), request().bearer_auth(&narrow), twice] {
            witness.see(&method, &path, request).await;
        }
        witness.has_seen(&method, &path, &[400, 401, 403]);
    }
}

#[tokio::test]
async fn the_token_endpoints_answer_as_described() {
    let mut witness = Witness::new().await;
    let (revoke, introspect) = ("/api/oauth2/v2/revoke", "/api/oauth2/v2/introspect");
    let Tokens { access, refresh, .. } = witness.tokens.clone();
    for token in [&access, &refresh, "nonsense"] {
        let request = witness.client(introspect).json(&json!({"token": token}));
        let answer = witness.see("post", introspect, request).await;
        assert_eq!(answer.json["active"], *token != *"nonsense");
    }
    let request = witness.client(TOKEN).json(&json!({"grant_type": "refresh_token", "refresh_token": refresh}));
    witness.see("post", TOKEN, request).await.tokens();
    for form in [
        &[("grant_type", "refresh_token"), ("refresh_token", "nonsense")][..],
        &[("grant_type", "password")],
        &[("grant_type", "authorization_code"), ("code", "jmac_nonsense")],
        &[],
    ] {
        let request = witness.client(TOKEN).form(form);
        witness.see("post", TOKEN, request).await;
    }
    let request = witness.client(revoke).form(&[("token", &refresh)]);
    assert_eq!(witness.see("post", revoke, request).await.json, json!({}));
    for path in [TOKEN, revoke, introspect] {
        let wrong = witness.world.http.post(witness.world.url(path)).basic_auth(&witness.app.client_id, Some("wrong"));
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("token", "x")];
        let long = "x".repeat(70_000);
        for request in [
            wrong.form(&form),
            witness.client(path).json(&json!([])),
            witness.client(path).body("x"),
            witness.client(path).form(&[("token", &long)]),
        ] {
            witness.see("post", path, request).await;
        }
        witness.has_seen("post", path, &[200, 400, 401, 413, 415]);
    }
    // Failures alone are counted; more than the burst of them come back as 429.
    for _ in 0..witness.world.app.config.limits.client_burst {
        let wrong =
            witness.world.http.post(witness.world.url(revoke)).basic_auth(&witness.app.client_id, Some("wrong"));
        witness.see("post", revoke, wrong.form(&[("token", "x")])).await;
    }
    witness.has_seen("post", revoke, &[429]);
}

#[tokio::test]
async fn the_server_speaks_of_itself_as_described() {
    let mut witness = Witness::new().await;
    for path in
        ["/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/openapi.json", "/healthz", "/readyz"]
    {
        let request = witness.world.http.get(witness.world.url(path));
        witness.see("get", path, request).await;
        witness.has_seen("get", path, &[200]);
    }
    let request = witness.world.http.get(witness.world.url("/openapi.json")).header("host", "elsewhere.example");
    witness.see("get", "/openapi.json", request).await.is(421, "host_unknown");
}
