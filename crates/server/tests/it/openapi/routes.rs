//! Nothing is described that is not there, and nothing is there that is not described.

use std::fs;
use std::path::Path;

use reqwest::Method;

use super::document::Document;
use crate::support::{Answer, World};

#[tokio::test]
async fn every_call_that_is_described_is_served() {
    let world = World::new().await;
    let document = Document::of(&world).await;
    for (method, path, _) in document.calls() {
        let url = world.url(&path.replace(['{', '}'], ""));
        let request = world.http.request(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), url);
        let answer = Answer::of(request.send().await.unwrap()).await;
        document.check(method, path, &answer);
        let message = answer.json["message"].as_str().unwrap_or_default();
        assert!(!["not_found", "method_not_allowed"].contains(&message), "{method} {path}: {}", answer.text);
    }
}

/// Reads the routes from the source, for the router does not tell.
#[tokio::test]
async fn every_route_for_programs_is_described() {
    let world = World::new().await;
    let document = Document::of(&world).await;
    let mut described: Vec<String> = document.calls().iter().map(|(_, path, _)| without_names(path)).collect();
    described.dedup();
    let mut source = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    let routes = source.split(".route(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
    let mut found: Vec<String> = routes
        .map(|rest| without_names(rest.split('"').next().unwrap()))
        .filter(|path| {
            let programs =
                ["/api/", "/.well-known/", "/oauth2/par", "/oauth2/userinfo", "/openapi.json", "/healthz", "/readyz"];
            programs.iter().any(|start| path.starts_with(start))
        })
        .collect();
    found.sort();
    described.sort();
    assert_eq!(found, described);
}

fn read(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// The path without the names of its parameters.
fn without_names(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}
