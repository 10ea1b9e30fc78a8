//! What every request passes through.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use axum::routing::get;
use jiomeet_oauth::app::SharedApp;
use jiomeet_oauth::middleware;
use tower::ServiceExt as _;

use crate::support::World;

#[tokio::test]
async fn each_request_has_an_id_of_its_own_that_its_error_page_shows() {
    let world = World::new().await;
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let page = world.browser().get("/nowhere").await;
        let id = page.header("x-request-id").to_owned();
        assert!(page.html.contains(&format!("<code>{id}</code>")), "{id}");
        ids.insert(id);
    }
    assert_eq!(ids.len(), 20);
}

async fn ask(app: &SharedApp, routes: Router<SharedApp>, path: &str) -> (Response, String) {
    let request = http::Request::get(path).header("host", app.issuer.authority()).body(Body::empty()).unwrap();
    let mut response = middleware::around(routes, Arc::clone(app)).oneshot(request).await.unwrap();
    let body = to_bytes(std::mem::take(response.body_mut()), 100_000).await.unwrap();
    (response, String::from_utf8(body.to_vec()).unwrap())
}

async fn panic_with_a_secret() -> &'static str {
    panic!("the secret is s3cr3t")
}

#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing_and_ends_nothing_else() {
    let world = World::new().await;
    let routes =
        || Router::new().route("/broken", get(panic_with_a_secret)).route("/api/broken", get(panic_with_a_secret));
    for path in ["/broken", "/api/broken"] {
        let (response, text) = ask(&world.app, routes(), path).await;
        assert_eq!(response.status(), 500);
        assert!(text.contains("server_error") && !text.contains("s3cr3t"), "{text}");
        assert!(response.headers().contains_key("x-request-id"));
    }
    assert_eq!(world.browser().get("/sign-in").await.status, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up_with_503() {
    let world = World::with("server.request_timeout = \"20ms\"\n").await;
    let never = || async { std::future::pending::<&'static str>().await };
    let routes = Router::new().route("/slow", get(never)).route("/api/oauth2/v2/slow", get(never));
    let (page, _) = ask(&world.app, routes.clone(), "/slow").await;
    assert_eq!((page.status().as_u16(), &page.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let (answer, text) = ask(&world.app, routes, "/api/oauth2/v2/slow").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after") && text.contains("temporarily_unavailable"), "{text}");
}

#[tokio::test]
async fn a_body_that_does_not_end_is_given_up() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::with("server.request_timeout = \"200ms\"\n").await;
    let mut stream = tokio::net::TcpStream::connect(world.app.issuer.authority()).await.unwrap();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nemail=",
        world.app.issuer.authority()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 503");
}
