//! The published description of the API, as far as it goes, holds here too: what was written against it goes on working.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::answers::{Witness, meeting};
use super::document::Document;
use super::schema::{Schemas, types};
use crate::support::World;

const PUBLISHED: &str = include_str!("../../data/jiomeet-user-oauth-apis.openapi.json");

/// Calls that are published with a 412 but have nothing that could be invalid in that sense: no body and no query, or, at
/// the token endpoint, the words of OAuth (RFC 6749 5.2), which answer 400.
const NEVER_412: &[(&str, &str)] =
    &[("get", "/api/my_profile"), ("get", "/api/meeting/meetingDetails/{meetingId}"), ("post", "/api/oauth2/v2/token")];

/// Where the published description contradicts itself or the standard, and what is so here.
const OTHERWISE: &[(&str, &str)] = &[
    // Its own example is an array.
    ("post /api/meeting 200 meetingDetails", "array"),
    // RFC 6749 5.1; the string is there for apps that ask for it.
    ("post /api/oauth2/v2/token 200 expires_in", "integer"),
];

fn published() -> Value {
    serde_json::from_str(PUBLISHED).unwrap()
}

fn published_calls(published: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = published["paths"].as_object().unwrap().iter();
    let calls = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, call)| (method.as_str(), path.as_str(), call))
    });
    calls.collect()
}

/// Every property of an object and of what is in it, with its types: `meetingDetails[].topic`.
fn properties<'d>(schemas: &Schemas<'d>, schema: &'d Value, at: &str, into: &mut Vec<(String, Vec<String>)>) {
    let schema = schemas.resolve(schema);
    for part in ["allOf", "oneOf", "anyOf"] {
        for part in schema[part].as_array().into_iter().flatten() {
            properties(schemas, part, at, into);
        }
    }
    if let Some(items) = schema.get("items") {
        properties(schemas, items, at, into);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        into.push((at.clone(), all_types(schemas, property)));
        properties(schemas, property, &at, into);
    }
}

/// The types of a property; the published description writes some of them with a capital letter.
fn all_types<'d>(schemas: &Schemas<'d>, property: &'d Value) -> Vec<String> {
    let property = schemas.resolve(property);
    let mut all = Vec::new();
    for part in ["oneOf", "anyOf"] {
        all.extend(property[part].as_array().into_iter().flatten().flat_map(|part| all_types(schemas, part)));
    }
    if property.get("type").is_some() {
        all.extend(types(&property["type"]).iter().map(|word| word.to_lowercase()));
    }
    all
}

#[tokio::test]
async fn every_published_call_and_property_is_here_with_a_compatible_type() {
    let world = World::new().await;
    let document = Document::of(&world).await;
    let published = published();
    let (mut compared, mut otherwise) = (0, 0);
    for (method, path, call) in published_calls(&published) {
        for (status, response) in call["responses"].as_object().unwrap() {
            if status == "412" && NEVER_412.contains(&(method, path)) {
                continue;
            }
            let ours = document.response(method, path, status.parse().unwrap());
            let pick = |response: &'_ Value| response["content"]["application/json"]["schema"].clone();
            let (theirs, ours) = (pick(response), pick(ours));
            let (mut wanted, mut given) = (Vec::new(), Vec::new());
            properties(&Schemas(&published), &theirs, "", &mut wanted);
            properties(&Schemas(&document.0), &ours, "", &mut given);
            assert!(!wanted.is_empty());
            for (name, wanted) in wanted {
                let at = format!("{method} {path} {status} {name}");
                let given: Vec<&String> =
                    given.iter().filter(|(given, _)| *given == name).flat_map(|(_, types)| types).collect();
                assert!(!given.is_empty(), "{at} is missing");
                let exception = OTHERWISE.iter().find(|(place, _)| *place == at).map(|(_, word)| *word);
                otherwise += usize::from(exception.is_some());
                for given in given {
                    let compatible = wanted.contains(given) || (given == "integer" && wanted[0] == "number");
                    assert!(compatible || exception == Some(given), "{at}: {given} instead of {wanted:?}");
                }
                compared += 1;
            }
        }
    }
    assert_eq!(otherwise, OTHERWISE.len());
    assert!(compared > 100, "{compared}");
}

#[tokio::test]
async fn every_published_body_can_be_sent() {
    let world = World::new().await;
    let document = Document::of(&world).await;
    let published = published();
    let mut examples = 0;
    for (method, path, call) in published_calls(&published) {
        let Some(body) = call["requestBody"]["content"].get("application/json") else { continue };
        let ours = &document.0["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"];
        let (mut wanted, mut given) = (Vec::new(), Vec::new());
        properties(&Schemas(&published), &body["schema"], "", &mut wanted);
        properties(&document.schemas(), ours, "", &mut given);
        for (name, types) in wanted {
            let found = given.iter().find(|(given, _)| *given == name);
            assert!(found.is_some_and(|(_, given)| types.iter().all(|word| given.contains(word))), "{path} {name}");
        }
        for example in [&body["schema"]["example"], &body["example"]].into_iter().filter(|example| example.is_object())
        {
            assert_eq!(document.schemas().faults(ours, example), Vec::<String>::new(), "{method} {path}");
            examples += 1;
        }
    }
    assert_eq!(examples, 4);
}

/// An answer with every value replaced by the name of its type.
fn shape(value: &Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.iter().take(1).map(shape).collect()),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect::<Map<_, _>>().into()
        }
        Value::String(_) => json!("string"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::Null => json!("null"),
    }
}

/// Whether all of the example is in the answer, at the same place and of the same type.
fn holds(answer: &Value, example: &Value) -> bool {
    match (answer, example) {
        (Value::Object(answer), Value::Object(example)) => {
            example.iter().all(|(name, example)| answer.get(name).is_some_and(|answer| holds(answer, example)))
        }
        (Value::Array(answer), Value::Array(example)) => {
            example.iter().zip(answer).all(|(example, answer)| holds(answer, example)) && !answer.is_empty()
        }
        (answer, example) => answer == example,
    }
}

#[tokio::test]
async fn real_answers_have_all_that_the_published_examples_show() {
    let mut witness = Witness::new().await;
    // The published example shows the time of expiry: the app asked for it.
    let id = witness.app.id.to_string();
    assert_eq!(witness.world.execute("UPDATE apps SET expires_in_as_time_at = 1 WHERE id = $1", &[&id]).await, 1);
    let refresh = witness.tokens.refresh.clone();
    let meeting_id = witness.schedule(&meeting()).await;
    let published = published();
    let mut compared = 0;
    for (method, path, call) in published_calls(&published) {
        let examples = &call["responses"]["200"]["content"]["application/json"]["examples"];
        let Some((_, example)) = examples.as_object().into_iter().flatten().next() else { continue };
        let real = path.replace("{meetingId}", &meeting_id).replace("{userId}", &witness.user);
        let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let request = match path {
            "/api/oauth2/v2/token" => {
                witness.client(path).json(&json!({"grant_type": "refresh_token", "refresh_token": refresh}))
            }
            // Cancelled meetings are gone: another one.
            "/api/meeting/cancel/{meetingId}" => {
                let other = witness.schedule(&meeting()).await;
                witness.call(verb, &format!("/api/meeting/cancel/{other}")).json(&json!({"cancel": "current"}))
            }
            _ if method == "get" => witness.call(verb, &real),
            _ => witness.call(verb, &real).json(&meeting()),
        };
        let answer = witness.see(method, path, request).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
        let (answer, example) = (shape(&answer.json), shape(&example["value"]));
        assert!(holds(&answer, &example), "{method} {path}: {answer:#} does not hold {example:#}");
        compared += 1;
    }
    assert_eq!(compared, published_calls(&published).len());
}
