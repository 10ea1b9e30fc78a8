//! Lesson S4: a comparison without regard to case, and a loopback rule that forgot the query, let an app be answered at an
//! address that it had not registered. Bytes are compared; the port of a native app's loopback address alone may vary.

use super::assert_never_redirected_to;
use crate::oauth::flow::raw_url;
use crate::support::{CHALLENGE, World};

#[tokio::test]
async fn case_query_and_fragment_count() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    assert_never_redirected_to(
        &world,
        &app,
        &[
            "https://planner.example/CALLBACK",
            "https://planner.example/Callback",
            "https://PLANNER.example/callback",
            "HTTPS://planner.example/callback",
            "http://planner.example/callback",
            "https://planner.example/callback?",
            "https://planner.example/callback?x=1",
            "https://planner.example/callback#",
            "https://planner.example/callback#x",
            "https://planner.example/callback%3Fx=1",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_native_apps_loopback_varies_in_its_port_and_in_nothing_else() {
    let world = World::new().await;
    let app = world.native_app("tray").await;
    let ask = |uri: String| {
        let (world, id) = (&world, app.client_id.clone());
        async move {
            let params = [("client_id", id.as_str()), ("redirect_uri", &uri), ("response_type", "code")];
            world.browser().get(&raw_url(&[&params[..], &CHALLENGE].concat())).await
        }
    };
    assert!(ask("http://127.0.0.1:4711/callback".into()).await.has_form("/sign-in"));
    for other in [
        "http://127.0.0.1:4711/callback?x=1",
        "http://127.0.0.1:4711/CALLBACK",
        "http://127.0.0.1:4711/callback/",
        "http://127.0.0.1:4711/callback#x",
        "http://127.0.0.1:4711",
        "http://127.0.0.1:04711/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:4711@evil.example/callback",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.2:4711/callback",
        "https://127.0.0.1:4711/callback",
        "http://[::2]:4711/callback",
        "http://localhost:4711/callback",
        "http://LOCALHOST:7777/callback",
        "https://tray.example:8443/callback",
    ] {
        ask(other.into()).await.is_closed(400, "redirect_uri_unregistered");
    }
}
