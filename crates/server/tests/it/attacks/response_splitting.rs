//! Response splitting (RFC 6749 section 10.14 and RFC 6819 section 4.4.1.7): a line break in a value that comes back in a
//! header begins a header of the attacker's.

use crate::oauth::flow::{allow, authorize_url, raw_url};
use crate::support::World;

use super::ADA;

const BREAKS: &[&str] = &[
    "x\r\nSet-Cookie: jm_session=planted",
    "x\nLocation: https://evil.example/",
    "x\r\n\r\n<script>alert(1)</script>",
    "x\rX-Injected: 1",
    "x\u{2028}X-Injected: 1",
    "x\u{e010a}X-Injected: 1",
    "x\u{560a}X-Injected: 1",
    "\0\u{7f}\t",
];

#[tokio::test]
async fn a_line_break_stays_inside_its_value() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    for text in BREAKS {
        for name in ["state", "scope", "prompt", "nonce", "login_hint", "code_challenge", "response_type", "max_age"] {
            let usual = [
                ("client_id", app.client_id.as_str()),
                ("redirect_uri", app.redirect_uri.as_str()),
                ("response_type", "code"),
                ("prompt", "consent"),
            ];
            let mut params: Vec<(&str, &str)> = usual.into_iter().filter(|(known, _)| *known != name).collect();
            params.push((name, text));
            for page in [world.browser().get(&raw_url(&params)).await, browser.get(&raw_url(&params)).await] {
                assert!(page.headers.get("x-injected").is_none(), "{name}={text:?}");
                let cookies = page.headers.get_all("set-cookie").iter();
                assert!(cookies.into_iter().all(|cookie| !cookie.to_str().unwrap().contains("planted")), "{name}");
                let leads_away = page.location().is_some_and(|location| !location.starts_with(&app.redirect_uri));
                assert!(!leads_away, "{name}={text:?}: {:?}", page.location());
            }
        }
    }
}

/// What the app sent comes back to it, byte for byte, and nowhere else.
#[tokio::test]
async fn a_state_with_line_breaks_comes_back_as_it_was() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    for text in BREAKS.iter().filter(|text| !text.contains('\0')) {
        let url = authorize_url(&app, &[("prompt", "consent")]);
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let url = url.replace("eyJuIjoxfQ%3D%3D", &encoded);
        let answer = browser.submit(&allow(&browser.get(&url).await)).await;
        assert_eq!(answer.sent_to(&app.redirect_uri)["state"], *text);
    }
}
