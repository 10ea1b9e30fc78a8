use super::document::Document;
use crate::support::World;

#[tokio::test]
async fn the_page_shows_every_call_and_schema_without_a_script() {
    let world = World::new().await;
    let document = Document::of(&world).await;
    let page = world.browser().get("/docs/api").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), "public, max-age=3600");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    for forbidden in ["<script", "<style", " style=", " onclick="] {
        assert!(!page.html.contains(forbidden), "{forbidden}");
    }
    for (method, path, call) in document.calls() {
        let id = call["operationId"].as_str().unwrap();
        assert!(page.html.contains(&format!("id=\"{id}\"")), "{id}");
        assert!(page.html.contains(&format!("{} {path}</code>", method.to_uppercase())), "{method} {path}");
    }
    for name in document.0["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.html.contains(&format!("id=\"schema-{name}\"")), "{name}");
    }
    let text = page.text();
    assert!(text.contains(&format!("curl -X POST '{}'", world.url("/api/meeting"))), "{text}");
    assert!(text.contains("Authorization: Bearer $ACCESS_TOKEN"));
}

#[tokio::test]
async fn its_links_lead_somewhere() {
    let world = World::new().await;
    let browser = world.browser();
    let (page, errors) = (browser.get("/docs/api").await, browser.get("/docs/errors").await);
    let mut links = 0;
    for link in page.html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let (target, anchor) = match link.split_once('#') {
            Some(("", anchor)) => (&page, anchor),
            Some(("/docs/errors", anchor)) => (&errors, anchor),
            _ => {
                assert_eq!(browser.get(link).await.status / 100, if link == "/" { 3 } else { 2 }, "{link}");
                continue;
            }
        };
        assert!(target.html.contains(&format!("id=\"{anchor}\"")), "{link}");
        links += 1;
    }
    assert!(links > 150, "{links}");
}
