//! Lesson S20: a parameter of the authorization request, `state` or an error's hint among them, came back as markup.

use crate::oauth::flow::raw_url;
use crate::support::{Page, World};

use super::ADA;

/// Texts that become code, or leave their place, wherever they are not escaped.
const PROBES: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'\"><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{1234*1001}}",
    "\u{202e}txt.exe",
    "</title><script>",
    "x\r\nSet-Cookie: jm_session=1",
    "x\nLocation: https://evil.example",
    "%3Cscript%3E",
    "&lt;script&gt;",
];

/// No text became markup, nor left its header.
#[track_caller]
pub fn holds_no_markup(page: &Page, what: &str) {
    assert!(page.status < 500, "{what}: {}", page.status);
    for wrong in ["<script>alert", "<img src=x", "<svg/", "onerror=alert(1)>", "href=\"javascript", "1235234"] {
        assert!(!page.html.contains(wrong), "{wrong} after {what}: {}", page.html);
    }
    let lower = page.html.to_lowercase();
    assert!(!lower.contains("href=\"javascript") && !lower.contains("href=\"data:"), "{what}");
    if !page.html.is_empty() {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{what}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
    assert!(
        page.headers.get_all("set-cookie").iter().all(|cookie| !cookie.to_str().unwrap().contains("jm_session=1")),
        "{what}"
    );
}

/// As [`holds_no_markup`], on a page that runs no script at all.
#[track_caller]
fn is_harmless(page: &Page, what: &str) {
    holds_no_markup(page, what);
    assert!(!page.html.contains("<script"), "{what}: {}", page.html);
    assert!(!page.header("content-security-policy").contains("script-src"), "{what}");
}

#[tokio::test]
async fn no_parameter_becomes_code_on_any_page() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let signed_in = world.browser();
    signed_in.sign_in(ADA).await;
    for probe in PROBES {
        for name in [
            "clientId",
            "client_id",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "login_hint",
            "max_age",
            "nonce",
            "resource",
            "unknown",
        ] {
            let usual = [
                ("clientId", app.client_id.as_str()),
                ("redirect_uri", app.redirect_uri.as_str()),
                ("response_type", "code"),
            ];
            let mut params: Vec<(&str, &str)> = usual.into_iter().filter(|(known, _)| *known != name).collect();
            params.push((name, probe));
            for browser in [&world.browser(), &signed_in] {
                let page = browser.get(&raw_url(&params)).await;
                is_harmless(&page, &format!("{name}={probe}"));
                if let Some(location) = page.location() {
                    assert!(location.starts_with("https://planner.example/callback?"), "{name}={probe}: {location}");
                }
            }
            is_harmless(&world.browser().post("/oauth2/authorize", &params).await, &format!("POST {name}={probe}"));
        }
        for path in ["/oauth2/continue?request=", "/sign-in?request=", "/sign-in?return="] {
            let encoded = raw_url(&[("x", probe)]).replace("/oauth2/authorize?x=", "");
            is_harmless(&world.browser().get(&format!("{path}{encoded}")).await, path);
        }
        for path in ["/oauth2/consent", "/sign-in"] {
            let fields = [
                ("request", *probe),
                ("csrf", probe),
                ("decision", probe),
                ("scope", probe),
                ("email", probe),
                ("password", probe),
            ];
            is_harmless(&signed_in.post(path, &fields).await, path);
        }
    }
}
