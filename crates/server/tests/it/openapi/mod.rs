//! `GET /openapi.json` and `/docs/api`: what they say is what the server does, and what was published.

mod answers;
mod document;
mod page;
mod published;
mod routes;
mod schema;

use document::Document;
use serde_json::Value;

use crate::support::{Answer, World};

#[tokio::test]
async fn it_is_cached_and_known_by_its_tag() {
    let world = World::new().await;
    let get = || world.http.get(world.url("/openapi.json"));
    let first = Answer::of(get().send().await.unwrap()).await;
    assert_eq!(first.json["openapi"], "3.1.0");
    assert_eq!(first.json["servers"], serde_json::json!([{"url": world.app.issuer.as_str()}]));
    assert_eq!(first.header("cache-control"), "public, max-age=3600");
    assert_eq!(first.header("access-control-allow-origin"), "*");
    let tag = first.header("etag");
    assert!(tag.starts_with('"') && tag.len() > 40, "{tag}");

    let again = Answer::of(get().header("if-none-match", tag).send().await.unwrap()).await;
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag));
    let other = Answer::of(get().header("if-none-match", "\"another\"").send().await.unwrap()).await;
    assert_eq!((other.status, &other.text), (200, &first.text));
}

#[tokio::test]
async fn its_scopes_are_the_catalogue_and_each_call_names_one() {
    let world = World::new().await;
    let document = Document::of(&world).await;
    let flow = &document.0["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"];
    assert_eq!(flow["tokenUrl"], world.url("/api/oauth2/v2/token"));
    assert_eq!(flow["authorizationUrl"], world.url("/oauth2/authorize"));
    let scopes = flow["scopes"].as_object().unwrap();
    let table = protocol::scope::ScopeTable::default();
    assert_eq!(scopes.len(), table.iter().count());
    for known in &table {
        assert_eq!(scopes[known.name.as_ref()], *known.description);
    }
    let mut protected = 0;
    for (method, path, call) in document.calls() {
        for requirement in call["security"].as_array().unwrap() {
            for scope in requirement.get("oauth2").and_then(Value::as_array).into_iter().flatten() {
                assert!(scopes.contains_key(scope.as_str().unwrap()), "{method} {path}");
                protected += 1;
            }
        }
    }
    assert_eq!(protected, 9);
}

#[tokio::test]
async fn its_examples_keep_to_its_schemas() {
    let world = World::new().await;
    let document = Document::of(&world).await;
    let mut checked = 0;
    for (method, path, call) in document.calls() {
        let body = call["requestBody"]["content"].as_object().into_iter().flatten();
        let responses = call["responses"].as_object().unwrap().values();
        let contents = responses.flat_map(|response| response["content"].as_object().into_iter().flatten());
        for (media_type, content) in body.chain(contents) {
            let several = content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
            let mut examples = content.get("example").into_iter().chain(several).peekable();
            assert!(examples.peek().is_some(), "{method} {path} {media_type} has no example");
            for example in examples {
                let faults = document.schemas().faults(&content["schema"], example);
                assert!(faults.is_empty(), "{method} {path} {media_type}: {faults:#?}");
                checked += 1;
            }
        }
        for parameter in call["parameters"].as_array().into_iter().flatten() {
            let faults = document.schemas().faults(&parameter["schema"], &parameter["example"]);
            assert!(faults.is_empty(), "{method} {path}: {faults:#?}");
        }
    }
    assert!(checked > 150, "{checked}");
}
