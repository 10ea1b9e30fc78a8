//! Clickjacking (RFC 6749 section 10.13, RFC 9700 section 4.16): a page of ours in a frame of theirs, under a button of theirs.

use crate::oauth::flow::{authorize_url, raw_url};
use crate::support::World;

use super::ADA;

#[tokio::test]
async fn no_page_of_ours_lets_itself_be_framed() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let (signed_out, signed_in) = (world.browser(), world.browser());
    signed_in.sign_in(ADA).await;
    let consent = authorize_url(&app, &[]);
    let wrong = raw_url(&[("client_id", &app.client_id), ("redirect_uri", "https://evil.example/")]);
    let mut seen = 0;
    for path in [
        "/",
        "/sign-in",
        "/sign-up",
        "/forgot-password",
        "/account",
        "/account/password",
        "/account/connected-apps",
        "/oauth/apps",
        "/oauth/apps/new",
        "/docs/errors",
        "/docs/api",
        "/nowhere",
        &consent,
        &wrong,
    ] {
        for browser in [&signed_out, &signed_in] {
            let page = browser.get(path).await;
            let policy = page.header("content-security-policy");
            if page.html.is_empty() {
                continue; // A redirect.
            }
            seen += 1;
            assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
            assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        }
    }
    assert!(seen >= 16, "{seen}");
}
