//! What was tried against others (lessons S5, S16, S20, S21, S25), tried here.

use super::flow::{allow, authorize_url, raw_url};
use crate::support::{Page, World};

const ADA: &str = "ada@example.com";

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

#[track_caller]
fn is_harmless(page: &Page, what: &str) {
    assert!(page.status < 500, "{what}: {}", page.status);
    for wrong in ["<script", "<img src=x", "<svg/", "onerror=alert(1)>", "href=\"javascript", "1235234"] {
        assert!(!page.html.contains(wrong), "{wrong} after {what}: {}", page.html);
    }
    if !page.html.is_empty() {
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("script-src"),
            "{what}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
    assert!(
        page.headers.get_all("set-cookie").iter().all(|cookie| !cookie.to_str().unwrap().contains("jm_session=1")),
        "{what}"
    );
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

#[tokio::test]
async fn what_a_developer_declares_is_text_on_the_consent_page_and_no_link_runs_code() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    for probe in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        " javascript:alert(1)",
    ] {
        for column in ["name", "homepage_url", "policy_url", "logo_url"] {
            let statement: &'static str = match column {
                "name" => "UPDATE app_revisions SET name = $1 WHERE app_id = $2",
                "homepage_url" => "UPDATE app_revisions SET homepage_url = $1 WHERE app_id = $2",
                "policy_url" => "UPDATE app_revisions SET policy_url = $1 WHERE app_id = $2",
                _ => "UPDATE app_revisions SET logo_url = $1 WHERE app_id = $2",
            };
            assert_eq!(world.execute(statement, &[probe, app.id.as_str()]).await, 1);
            let page = browser.get(&authorize_url(&app, &[("prompt", "consent")])).await;
            is_harmless(&page, &format!("{column}={probe}"));
            assert!(
                !page.html.to_lowercase().contains("href=\"javascript")
                    && !page.html.contains("href=\"data:")
                    && !page.html.contains("href=\" "),
                "{}",
                page.html
            );
            allow(&page);
        }
    }
}

/// Lesson S21: nothing from outside decides where one goes after the sign-in.
#[tokio::test]
async fn sign_in_leads_nowhere_that_was_not_sealed() {
    let world = World::new().await;
    world.person(ADA).await;
    for target in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "\\\\evil.example",
        "/%0a/evil.example",
        "javascript:alert(1)",
    ] {
        for name in ["request", "return", "return_to", "next", "redirect_uri", "continue", "asker"] {
            let browser = world.browser();
            let page = browser.get(&format!("/sign-in?{name}={target}")).await;
            let mut form = page.form("/sign-in");
            form.set("email", ADA);
            form.set("password", crate::support::PASSWORD);
            world.give_password(ADA).await;
            let mut fields: Vec<(&str, &str)> = form.sent().filter(|(field, _)| *field != name).collect();
            fields.push((name, target));
            let answer = browser.post("/sign-in", &fields).await;
            assert_eq!(answer.location().as_deref(), Some("/account"), "{name}={target}");
        }
    }
}

/// Lesson S25, RFC 9207: every answer names its issuer, in the very bytes of the metadata.
#[tokio::test]
async fn every_answer_names_the_issuer_of_the_metadata() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let metadata = world.http.get(world.url("/.well-known/oauth-authorization-server")).send().await.unwrap();
    let metadata: serde_json::Value = serde_json::from_str(&metadata.text().await.unwrap()).unwrap();
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    for more in [&[("prompt", "none")][..], &[("scope", "nonsense")], &[("prompt", "x")], &[("response_type", "token")]]
    {
        let page = world.browser().get(&authorize_url(&app, more)).await;
        assert_eq!(page.sent_to(&app.redirect_uri)["iss"], metadata["issuer"], "{more:?}");
    }
}

/// Lesson S18: whatever a request calls us, our own addresses stay those of the issuer.
#[tokio::test]
async fn a_forged_host_changes_no_address() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let url = world.url(&authorize_url(&app, &[("prompt", "none")]));
    let forged =
        world.http.get(&url).header("x-forwarded-host", "evil.example").header("forwarded", "host=evil.example");
    let answer = forged.send().await.unwrap();
    assert!(!answer.headers()["location"].to_str().unwrap().contains("evil.example"));
    let foreign = world.http.get(&url).header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
}

#[tokio::test]
async fn a_session_that_the_attacker_knows_is_not_the_one_after_the_sign_in() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    world.person("mallory@example.com").await;
    let mallory = world.browser();
    mallory.sign_in("mallory@example.com").await;
    let planted = mallory.cookie("jm_session").unwrap();

    let victim = world.browser();
    victim.set_cookie("jm_session", &planted);
    let page = victim.get(&authorize_url(&app, &[("prompt", "login")])).await;
    let page = victim.sign_in_on(&page, ADA).await;
    assert!(page.text().contains(ADA));
    assert_ne!(victim.cookie("jm_session"), Some(planted));
    assert!(mallory.get(&authorize_url(&app, &[])).await.has_form("/sign-in"), "the planted session has ended");
}
