//! Lesson S19: a URL of an app, its logo above all, was fetched from inside the house, directly or by a redirect.
//! `crates/screening/tests/it` (`addresses.rs`, `bounds.rs`, `logos.rs`) has each kind of address, changing DNS answers,
//! redirects by name and by literal, slow, endless and compressed bodies; here is the way there, through the product.

use crate::screening::site::{Site, declared};
use crate::support::World;

/// Without the operator's word the product fetches nothing from this machine, whatever an app declares.
#[tokio::test]
async fn nothing_inside_is_fetched_on_a_developers_word() {
    let site = Site::start().await;
    let world = World::with("screening.online = true\nscreening.ask_registries = false\n").await;
    let draft = world.draft(declared(&format!("http://localhost:{}", site.port))).await;
    world.submit(&draft.app).await;
    world.screen().await;
    assert_eq!(site.asked(), 0, "nobody knocked");
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&format!("/review/apps/{}", draft.app)).await;
    assert!(!page.text().contains("→ 200"), "{}", page.text());
}

/// Nor does anything else in the product: a request parameter, a logo, a client's document.
#[tokio::test]
async fn no_request_makes_the_server_fetch() {
    let site = Site::start().await;
    let world = site.world().await;
    let app = world.approved_app("planner").await;
    let inside = format!("http://localhost:{}/", site.port);
    let asked = site.asked();
    for name in ["request_uri", "request", "client_id", "redirect_uri", "logo_uri", "jwks_uri", "sector_identifier_uri"]
    {
        let usual = [
            ("client_id", app.client_id.as_str()),
            ("redirect_uri", app.redirect_uri.as_str()),
            ("response_type", "code"),
        ];
        let mut params: Vec<(&str, &str)> = usual.into_iter().filter(|(known, _)| *known != name).collect();
        params.push((name, &inside));
        let page = world.browser().get(&crate::oauth::flow::raw_url(&params)).await;
        assert!(page.status < 500, "{name}: {}", page.status);
    }
    assert_eq!(site.asked(), asked);
}
