//! Lesson S17: an empty POST stepped over a stage of the sign-in, and an unparsable forwarded address skipped the password.

use crate::oauth::flow::{ada, ask, codes, world};
use crate::support::World;
use crate::users::world_with_mail;

use super::ADA;

/// Lesson S17: nothing and nonsense lead nowhere.
#[tokio::test]
async fn an_empty_or_garbled_answer_is_refused() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    browser.post("/oauth2/consent", &[]).await.is_closed(400, "request_tampered");
    let form = page.form("/oauth2/consent");
    browser.submit(&form).await.is_closed(400, "form_expired");
    let fields: Vec<(&str, &str)> = form.sent().chain([("decision", "perhaps")]).collect();
    browser.post("/oauth2/consent", &fields).await.is_closed(400, "form_expired");
    let fields: Vec<(&str, &str)> = form.sent().chain([("decision", "allow"), ("decision", "deny")]).collect();
    browser.post("/oauth2/consent", &fields).await.is_closed(400, "parameter_repeated");
    let request = world.http.post(world.url("/oauth2/consent")).header("content-type", "application/json").body("{}");
    assert_eq!(request.send().await.unwrap().status(), 415);
    assert_eq!(codes(&world).await, 0);
}

#[tokio::test]
async fn garbage_in_headers_moves_nothing_forward() {
    let world = World::new().await;
    let browser = world.browser();
    let page = browser.get("/sign-in").await;
    let form = page.form("/sign-in");
    let fields: Vec<(&str, &str)> = form.sent().collect();
    for header in ["x-forwarded-for", "x-forwarded-host", "forwarded", "x-forwarded-proto", "x-original-url"] {
        for value in ["garbage", "evil.example", "/account", "for=127.0.0.1;host=evil.example", "'\"<>"] {
            let answer = browser.post_from("/sign-in", &fields, &[(header, value)]).await;
            assert_eq!(answer.status, 400, "{header}: {value}");
            assert!(!answer.html.contains("evil.example"));
        }
    }
}

/// Where a browser posts to, signed out or in.
const PAGES: &[&str] = &[
    "/sign-in",
    "/sign-up",
    "/sign-out",
    "/forgot-password",
    "/reset-password",
    "/oauth2/authorize",
    "/oauth2/consent",
    "/account",
    "/account/password",
    "/account/sessions/end",
    "/account/sessions/end-all",
    "/account/connected-apps",
    "/oauth/apps",
    "/oauth/access",
    "/invitations",
    "/admin/oauth-requests",
];

#[tokio::test]
async fn nothing_at_all_is_no_step_forward_on_any_page() {
    let (world, _mail) = world_with_mail().await;
    world.person(ADA).await;
    let tables = ["sessions", "authorization_codes", "grants", "consents", "apps", "users", "outbox"];
    let state = || async {
        let mut counts = Vec::new();
        for table in tables {
            let sql: &'static str = match table {
                "sessions" => "SELECT COUNT(*) FROM sessions",
                "authorization_codes" => "SELECT COUNT(*) FROM authorization_codes",
                "grants" => "SELECT COUNT(*) FROM grants",
                "consents" => "SELECT COUNT(*) FROM consents",
                "apps" => "SELECT COUNT(*) FROM apps",
                "users" => "SELECT COUNT(*) FROM users",
                _ => "SELECT COUNT(*) FROM outbox",
            };
            counts.push(world.count(sql, &[]).await);
        }
        counts
    };
    let signed_in = ada(&world).await;
    let before = state().await;
    for path in PAGES {
        for browser in [&world.browser(), &signed_in] {
            let answer = browser.post(path, &[]).await;
            let outside = answer.location().is_some_and(|location| !location.starts_with('/'));
            assert!(answer.status < 500 && !outside, "{path}: {} {:?}", answer.status, answer.location());
            if answer.status < 400 {
                assert!(answer.location().unwrap_or_default().starts_with("/sign-in"), "{path}: {}", answer.status);
            }
        }
        for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
            let request = world.http.post(world.url(path)).header("content-type", content_type).body("{}");
            let answer = request.send().await.unwrap();
            assert!((300..500).contains(&answer.status().as_u16()), "{path} {content_type}: {}", answer.status());
            let cookies = answer.headers().get_all("set-cookie").iter();
            assert_eq!(cookies.filter(|cookie| cookie.to_str().unwrap().contains("jm_session=")).count(), 0, "{path}");
        }
    }
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn forged_headers_skip_no_password_and_choose_no_address() {
    let (world, _) = world().await;
    world.give_password(ADA).await;
    for (name, value) in [
        ("x-forwarded-for", "garbage"),
        ("x-forwarded-for", "127.0.0.1, , \u{fc}"),
        ("x-forwarded-for", "::ffff:127.0.0.1"),
        ("forwarded", "for=127.0.0.1;proto=https"),
        ("x-real-ip", "127.0.0.1"),
        ("x-forwarded-user", ADA),
        ("remote-user", ADA),
        ("x-original-url", "/account"),
        ("x-rewrite-url", "/account"),
        ("x-http-method-override", "GET"),
        ("authorization", "Basic YWRhQGV4YW1wbGUuY29tOng="),
    ] {
        let browser = world.browser();
        let mut form = browser.get("/sign-in").await.form("/sign-in");
        form.set("email", ADA);
        form.set("password", "not the password");
        let fields: Vec<(&str, &str)> = form.sent().collect();
        let answer = browser.post_from("/sign-in", &fields, &[(name, value)]).await;
        assert!([400, 403, 429].contains(&answer.status), "{name}: {value}: {}", answer.status);
        assert_eq!(browser.cookie("jm_session"), None, "{name}: {value}");
    }
    let trusted = "SELECT COUNT(*) FROM audit WHERE address LIKE '%garbage%' OR address LIKE '%::ffff%'";
    assert_eq!(world.count(trusted, &[]).await, 0);
}
