//! `docs/api.md` for app developers: its commands are sent as they stand there, and are answered as it says.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{Answer, World};

const DOCS: &str = include_str!("../../../../../docs/api.md");

/// The fenced blocks of the page: language and text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    DOCS.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

/// A curl command: method, path and body.
fn command(text: &'static str) -> Option<(Method, &'static str, Option<Value>)> {
    let (_, curl) = text.rsplit_once("curl ")?;
    let word_after = |option: &str| curl.split_once(option).and_then(|(_, rest)| rest.split_whitespace().next());
    let method = Method::from_bytes(word_after("-X ").unwrap_or("GET").as_bytes()).unwrap();
    let path = curl.split_once("\"$ISSUER")?.1.split('"').next()?;
    let body = curl.split_once("-d '").map(|(_, rest)| serde_json::from_str(rest.split('\'').next().unwrap()).unwrap());
    Some((method, path, body))
}

/// An answer with what differs from server to server replaced by its kind.
fn without_what_varies(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(without_what_varies).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match name.as_str() {
                "_id" | "jiomeetId" | "pin" | "meetingUrl" | "name" | "lname" if value.as_str() != Some("") => {
                    (name.clone(), json!("a text of its own"))
                }
                _ => (name.clone(), without_what_varies(value)),
            })
            .collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn its_commands_are_answered_as_it_says() {
    let world = World::new().await;
    let (mut meeting, mut sent, mut compared) = (String::new(), 0, 0);
    let blocks = blocks();
    for (index, (language, text)) in blocks.iter().enumerate() {
        if *language != "sh" {
            continue;
        }
        let Some((method, path, body)) = command(text) else { continue };
        let path = path.replace("$USER_ID", world.asha.id.as_str()).replace("$MEETING_ID", &meeting);
        let mut request = world.request(method, &path, &world.asha.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = Answer::of(request).await.body();
        sent += 1;
        if let Some(id) = answer["meetingDetails"][0]["_id"].as_str()
            && meeting.is_empty()
        {
            id.clone_into(&mut meeting);
        }
        if let Some(("json", expected)) = blocks.get(index + 1) {
            let expected: Value = serde_json::from_str(expected).unwrap();
            assert_eq!(without_what_varies(&answer), without_what_varies(&expected), "{text}");
            compared += 1;
        } else {
            assert!(answer.get("customCode").is_none(), "{text}: {answer}");
        }
    }
    assert_eq!((sent, compared), (8, 6));
    let gone = world.get(&format!("/api/meeting/meetingDetails/{meeting}")).await.body();
    assert!(DOCS.contains(gone["errors"].as_str().unwrap()), "{gone}");
}
