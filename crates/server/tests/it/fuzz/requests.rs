//! Whole requests: any method, path, query, headers and body, through everything that the server has. Whatever comes, the
//! answer is one of ours: no 500, no panic, no header that the request wrote, no page without its policy.

use axum::body::{Body, to_bytes};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::{almost, bytes, fuzz};
use crate::oauth::flow::authorize_url;
use crate::oauth::redeem;
use crate::support::{TestApp, World};

/// A server with a person who is signed in, and an app that holds a token.
struct Scene {
    runtime: Runtime,
    world: Option<World>,
    router: axum::Router,
    app: TestApp,
    user: String,
    access: String,
    cookies: String,
    sealed: String,
    csrf: String,
}

impl Scene {
    fn new() -> Scene {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (world, app, user, access, cookies, sealed, csrf) = runtime.block_on(async {
            // Limits are not what is asked about.
            let world = World::with("limits.client_burst = 1000000000\nlimits.sign_in_burst = 1000000000\nlimits.account_burst = 1000000000\nlimits.sign_up_burst = 1000000000\n").await;
            let app = world.approved_app("planner").await;
            let ada = world.person("ada@example.com").await;
            let access = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens().access;
            let browser = world.browser();
            let sealed = browser.get(&authorize_url(&app, &[])).await.form("/sign-in").value("request");
            browser.sign_in("ada@example.com").await;
            let csrf = browser.get("/account").await.form("/account").value("csrf");
            let cookie = |name: &str| format!("{name}={}", browser.cookie(name).unwrap());
            let cookies = format!("{}; {}", cookie("jm_session"), cookie("jm_browser"));
            (world, app, ada.to_string(), access, cookies, sealed, csrf)
        });
        let router = jiomeet_oauth::middleware::around(jiomeet_oauth::routes::all(), world.app.clone());
        Scene { runtime, world: Some(world), router, app, user, access, cookies, sealed, csrf }
    }

    fn world(&self) -> &World {
        self.world.as_ref().unwrap()
    }

    /// Sends a request; gives nothing where HTTP itself could not carry it.
    fn send(&self, method: &Method, target: &str, headers: &[(&str, &[u8])], body: Vec<u8>) -> Option<Sent> {
        let mut request =
            Request::builder().method(method).uri(target).header("host", self.world().app.issuer.authority());
        for (name, value) in headers {
            let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
            else {
                continue;
            };
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body)).ok()?;
        Some(self.runtime.block_on(async {
            let mut response = self.router.clone().oneshot(request).await.unwrap();
            let body = to_bytes(std::mem::take(response.body_mut()), 4 << 20).await.unwrap();
            let header = |name: &str| {
                response
                    .headers()
                    .get(name)
                    .map_or(String::new(), |value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            Sent {
                status: response.status(),
                injected: response.headers().contains_key("x-injected"),
                location: header("location"),
                policy: header("content-security-policy"),
                kind: header("content-type"),
                text: String::from_utf8_lossy(&body).into_owned(),
            }
        }))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let world = self.world.take();
        self.runtime.block_on(async { drop(world) });
    }
}

struct Sent {
    status: StatusCode,
    injected: bool,
    location: String,
    policy: String,
    kind: String,
    text: String,
}

impl Sent {
    /// What holds of every answer.
    fn is_ours(&self, what: &str) -> Result<(), TestCaseError> {
        prop_assert!(
            self.status.as_u16() < 500 || self.status == StatusCode::SERVICE_UNAVAILABLE,
            "{} to {}: {}",
            self.status,
            what,
            self.text
        );
        prop_assert!(!self.injected, "{what}");
        if self.kind.starts_with("text/html") && !self.text.is_empty() {
            prop_assert!(self.policy.contains("frame-ancestors 'none'"), "{}", what);
            prop_assert!(!self.text.contains("<script>alert"), "{}", what);
        }
        if self.kind.starts_with("application/json") && !self.text.is_empty() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&self.text).is_ok(), "{}: {}", what, self.text);
        }
        Ok(())
    }
}

const PATHS: &[&str] = &[
    "/",
    "/sign-in",
    "/sign-up",
    "/sign-out",
    "/forgot-password",
    "/reset-password?token=x",
    "/account",
    "/account/password",
    "/account/sessions",
    "/account/connected-apps",
    "/oauth2/authorize?client_id=c1&redirect_uri=https%3A%2F%2Fa.example&response_type=code",
    "/oauth2/continue?request=AAAA",
    "/oauth2/consent",
    "/api/oauth2/v2/token",
    "/api/oauth2/v2/revoke",
    "/api/oauth2/v2/introspect",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/openapi.json",
    "/docs/errors",
    "/docs/api",
    "/oauth/apps",
    "/oauth/apps/new",
    "/oauth/apps/check",
    "/oauth/apps/app-00000000-0000-0000-0000-000000000000/edit",
    "/invitations",
    "/review",
    "/review/apps/app-x",
    "/admin/users",
    "/admin/users/u-1",
    "/api/user/profile",
    "/api/my_profile",
    "/api/meeting",
    "/api/meeting/u-1?past=true&limit=10&offset=0",
    "/api/meeting/meetingDetails/m-1",
    "/api/meeting/cancel/m-1",
    "/api/meeting/join",
    "/assets/style.css",
    "/healthz",
    "/readyz",
    "/metrics",
];

#[test]
fn whatever_is_asked_the_answer_is_ours() {
    let scene = Scene::new();
    let methods =
        prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW"]);
    let kinds = prop::sample::select(vec![
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=\u{fc}",
        "",
    ]);
    let bodies = bytes(&[
        "csrf=1.x&email=ada%40example.com&password=x&action=save&name=X&decision=allow&scope=user:read",
        r#"{"topic":"T","startTime":"2026-01-06T10:00:00Z","endTime":"2026-01-06T11:00:00Z"}"#,
        "--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nc\r\n--x--\r\n",
        "",
    ]);
    let extra = (
        prop::sample::select(vec![
            "cookie",
            "origin",
            "referer",
            "x-forwarded-for",
            "forwarded",
            "accept",
            "range",
            "if-none-match",
            "authorization",
            "transfer-encoding",
        ]),
        bytes(&["jm_session=x", "https://evil.example", "bytes=0-", "*", "Basic YTpi"]),
    );
    let strategy = (methods, almost(PATHS), kinds, bodies, any::<bool>(), any::<bool>(), extra);
    fuzz("whole requests", strategy, |(method, path, kind, body, signed_in, bearer, (name, value))| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let target = if path.starts_with('/') { path } else { format!("/{path}") };
        let token = format!("Bearer {}", scene.access);
        let mut headers: Vec<(&str, &[u8])> = vec![("content-type", kind.as_bytes()), (name, &value)];
        if signed_in {
            headers.push(("cookie", scene.cookies.as_bytes()));
        }
        if bearer {
            headers.push(("authorization", token.as_bytes()));
        }
        if let Some(sent) = scene.send(&method, &target, &headers, body) {
            sent.is_ours(&format!("{method} {target}"))?;
        }
        Ok(())
    });
}

#[test]
fn an_authorization_request_leads_to_the_app_or_nowhere() {
    let scene = Scene::new();
    let good = authorize_url(&scene.app, &[("scope", "user:read"), ("prompt", "consent"), ("nonce", "n")]);
    let pkce = authorize_url(
        &scene.app,
        &[
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("max_age", "0"),
        ],
    );
    let carried = format!("/oauth2/continue?request={}", scene.sealed);
    fuzz("authorization requests", (almost(&[&good, &pkce, &carried]), any::<bool>()), |(target, signed_in)| {
        let headers = [("cookie", scene.cookies.as_bytes())];
        let headers = if signed_in { &headers[..] } else { &[] };
        if let Some(sent) = scene.send(&Method::GET, &target, headers, Vec::new()) {
            sent.is_ours(&target)?;
            let ours = sent.location.is_empty() || sent.location.starts_with('/') && !sent.location.starts_with("//");
            let the_apps =
                sent.location.strip_prefix(&*scene.app.redirect_uri).is_some_and(|rest| rest.starts_with('?'));
            prop_assert!(ours || the_apps, "{} leads to {}", target, sent.location);
        }
        Ok(())
    });
}

/// Consent, account and console forms with the right token and cookies, and anything else in their fields.
#[test]
fn a_form_with_the_right_token_may_hold_anything() {
    let scene = Scene::new();
    let csrf = &scene.csrf;
    let forms = [
        format!(
            "csrf={csrf}&action=check&name=X&homepage_url=https%3A%2F%2Fx.example&policy_url=y&logo_url=z&kind=confidential&callback_url=https%3A%2F%2Fx.example%2Fcb&callback_url=a&scope=user%3Aread&required=user%3Aread&use_case=Other"
        ),
        format!("csrf={csrf}&action=save&app=app-x&seen=rev-x@1&description=%F0%9F%98%80&reason-user-read=because"),
        format!("csrf={csrf}&request={}&decision=allow&scope=user%3Aread", scene.sealed),
        format!("csrf={csrf}&name=Ada&lname=L%C3%B6velace&timezone=Asia%2FKolkata"),
        format!("csrf={csrf}&current_password=x&new_password=y&new_password_again=z&id=s-1&invitation=i-1"),
    ];
    let seeds: Vec<&str> = forms.iter().map(String::as_str).collect();
    let paths = prop::sample::select(vec![
        "/oauth/apps",
        "/oauth/apps/check",
        "/oauth2/consent",
        "/account",
        "/account/sessions/end",
        "/account/connected-apps/remove",
        "/invitations",
        "/oauth/access",
    ]);
    fuzz("forms", (paths, bytes(&seeds)), |(path, body)| {
        let headers: [(&str, &[u8]); 2] =
            [("content-type", b"application/x-www-form-urlencoded"), ("cookie", scene.cookies.as_bytes())];
        match scene.send(&Method::POST, path, &headers, body) {
            Some(sent) => sent.is_ours(path),
            None => Ok(()),
        }
    });
}

/// Bodies of meetings, repeating ones among them: a meeting, or every fault by name.
#[test]
fn a_meeting_is_made_or_every_fault_is_named() {
    let scene = Scene::new();
    let seeds = [
        r#"{"topic":"Standup","startTime":"2026-01-06T10:00:00Z","endTime":"2026-01-06T10:30:00+05:30","participants":["b@example.com"]}"#,
        r#"{"topic":"T","startTime":"2026-03-29T00:59:59.999Z","endTime":"2026-03-29T02:30:00Z","repeatOptions":{"repeat":"daily","endDate":"2026-04-02","timeZone":"Europe/Berlin"}}"#,
        r#"{"topic":"T","startTime":"2026-01-31T10:00:00Z","endTime":"2026-01-31T11:00:00Z","repeatOptions":{"repeat":"monthly","dateInMonth":31,"endDate":"9999-12-31","timeZone":"Asia/Kolkata"}}"#,
        r#"{"topic":"T","startTime":"2026-01-06T10:00:00Z","endTime":"2026-01-06T11:00:00Z","repeatOptions":{"repeat":"weekly","daysOfWeek":[true,false,true,false,false,false,true],"timeZone":"Pacific/Apia"}}"#,
        r#"{"cancel":"all"}"#,
    ];
    let token = format!("Bearer {}", scene.access);
    let list = format!("/api/meeting/{}", scene.user);
    let queries = almost(&["?past=true&limit=10&offset=0", "?limit=9999999999&offset=-1", ""]);
    fuzz("meetings", (bytes(&seeds), any::<bool>(), queries), |(body, change, query)| {
        let (method, path) =
            if change { (Method::PUT, "/api/meeting/meetingDetails/m-1") } else { (Method::POST, "/api/meeting") };
        let headers: [(&str, &[u8]); 2] = [("content-type", b"application/json"), ("authorization", token.as_bytes())];
        if let Some(sent) = scene.send(&method, path, &headers, body) {
            sent.is_ours(path)?;
            if sent.status == StatusCode::PRECONDITION_FAILED {
                let answer: serde_json::Value = serde_json::from_str(&sent.text).unwrap();
                prop_assert!(
                    answer["errorsArray"].as_array().is_some_and(|faults| !faults.is_empty()),
                    "{}",
                    sent.text
                );
            }
        }
        match scene.send(&Method::GET, &format!("{list}{query}"), &headers, Vec::new()) {
            Some(sent) => sent.is_ours(&query),
            None => Ok(()),
        }
    });
}

/// The token endpoints, with credentials that are right and everything else that is not.
#[test]
fn a_token_request_is_answered_in_oauths_words() {
    let scene = Scene::new();
    let (id, secret) = (&scene.app.client_id, &scene.app.client_secret);
    let forms = [
        format!(
            "grant_type=authorization_code&code=jmac_x&client_id={id}&client_secret={secret}&redirect_uri=https://a.example"
        ),
        format!("grant_type=refresh_token&refresh_token=jmrt_x&client_id={id}&client_secret={secret}&scope=user:read"),
        format!("token={}&client_id={id}&client_secret={secret}&token_type_hint=access_token", scene.access),
        format!(r#"{{"grant_type":"authorization_code","code":"x","client_id":"{id}","client_secret":"{secret}"}}"#),
    ];
    let seeds: Vec<&str> = forms.iter().map(String::as_str).collect();
    let paths = prop::sample::select(vec!["/api/oauth2/v2/token", "/api/oauth2/v2/introspect"]);
    fuzz("token requests", (paths, bytes(&seeds), any::<bool>()), |(path, body, json)| {
        let kind: &[u8] = if json { b"application/json" } else { b"application/x-www-form-urlencoded" };
        let Some(sent) = scene.send(&Method::POST, path, &[("content-type", kind)], body) else { return Ok(()) };
        sent.is_ours(path)?;
        let answer: serde_json::Value = serde_json::from_str(&sent.text).unwrap_or_default();
        prop_assert!(sent.status == StatusCode::OK || answer["error"].is_string(), "{}", sent.text);
        Ok(())
    });
}
