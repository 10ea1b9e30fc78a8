//! Every page: its headers, its files, its methods.

use crate::support::World;
use jiomeet_oauth::web::assets;
use protocol::fault;

const OPEN_PAGES: &[&str] = &["/sign-in", "/docs/errors"];
const OWN_PAGES: &[&str] = &["/account", "/account/password", "/account/sessions", "/account/connected-apps"];

#[tokio::test]
async fn every_page_has_a_policy_without_script_and_is_not_kept() {
    let world = World::new().await;
    world.person("ada@example.com").await;
    let browser = world.browser();
    browser.sign_in("ada@example.com").await;
    let signed_out = world.browser();
    let mut pages = vec![signed_out.get("/sign-in").await, signed_out.get("/nowhere").await];
    for path in OWN_PAGES {
        pages.push(browser.get(path).await);
    }
    for page in pages {
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn head_answers_where_get_does_with_the_same_headers() {
    let world = World::new().await;
    let style = assets::STYLE.url();
    for path in
        OPEN_PAGES.iter().chain(&["/", "/healthz", "/.well-known/oauth-authorization-server", style, "/nowhere"])
    {
        let get = world.http.get(world.url(path)).send().await.unwrap();
        let head = world.http.head(world.url(path)).send().await.unwrap();
        assert_eq!(get.status(), head.status(), "{path}");
        assert_eq!(get.headers().get("content-type"), head.headers().get("content-type"), "{path}");
        if path.starts_with("/assets") {
            assert_eq!(get.headers().get("content-length"), head.headers().get("content-length"), "{path}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_served_is_405_and_says_which_are() {
    let world = World::new().await;
    for (path, allowed) in [
        ("/sign-in", "GET,HEAD,POST"),
        ("/sign-out", "POST"),
        ("/account", "GET,HEAD,POST"),
        ("/account/sessions/end", "POST"),
        ("/docs/errors", "GET,HEAD"),
        ("/healthz", "GET,HEAD"),
    ] {
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let answer = world.http.request(method.clone(), world.url(path)).send().await.unwrap();
            assert_eq!(answer.status(), 405, "{method} {path}");
            assert_eq!(answer.headers()["allow"], allowed, "{method} {path}");
            assert!(answer.text().await.unwrap().contains("method_not_allowed"));
        }
    }
}

#[tokio::test]
async fn programs_are_refused_in_json_and_oauth_clients_in_oauths_words() {
    let world = World::new().await;
    let answer = |method: &str, path: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        world.http.request(method, world.url(path)).send()
    };
    let missing = answer("GET", "/api/nowhere").await.unwrap();
    assert_eq!(missing.status(), 404);
    let json: serde_json::Value = serde_json::from_str(&missing.text().await.unwrap()).unwrap();
    assert_eq!((&json["customCode"], &json["message"]), (&404.into(), &"not_found".into()));

    let token = answer("GET", "/api/oauth2/v2/token").await.unwrap();
    assert_eq!(token.status(), 405);
    assert!(token.headers()["allow"].to_str().unwrap().contains("POST"));
    let json: serde_json::Value = serde_json::from_str(&token.text().await.unwrap()).unwrap();
    assert_eq!((&json["error"], &json["message"]), (&"invalid_request".into(), &"method_not_allowed".into()));
}

#[tokio::test]
async fn files_are_kept_for_a_year_under_the_name_of_their_content() {
    let world = World::new().await;
    let page = world.browser().get("/sign-in").await;
    for asset in assets::all() {
        // Scripts are the console's alone: nothing runs where a password is typed.
        assert_ne!(page.html.contains(asset.url()), asset.url().ends_with(".js"), "{}", asset.url());
        let file = world.http.get(world.url(asset.url())).send().await.unwrap();
        assert_eq!(file.status(), 200);
        assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(file.text().await.unwrap(), asset.content());
    }
    for other in ["/assets/style.css", "/assets/style.AAAA.css", "/assets/..%2fstyle.css", "/assets/"] {
        assert_eq!(world.browser().get(other).await.status, 404, "{other}");
    }
}

#[tokio::test]
async fn every_error_that_has_an_address_in_the_docs_is_found_there() {
    let world = World::new().await;
    let page = world.browser().get("/docs/errors").await;
    assert_eq!(page.status, 200);
    for fault in fault::ALL {
        assert!(page.html.contains(&format!("id=\"{}\"", fault.code)), "{}", fault.code);
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_a_time_to_come_back() {
    let world = World::new().await;
    world.person("ada@example.com").await;
    let browser = world.browser();
    browser.sign_in("ada@example.com").await;
    world.app.db.close().await;
    for path in OWN_PAGES {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.header("retry-after")), (503, "1"), "{path}");
        page.is_closed(503, "unavailable");
    }
    assert_eq!(browser.get("/docs/errors").await.status, 200);
}
