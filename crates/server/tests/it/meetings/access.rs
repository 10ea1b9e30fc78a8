//! What every call of the API has in common: the token first, then everything else.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{Answer, World};

/// Each call with the scope that it needs, for a meeting of Asha's.
fn calls(world: &World, meeting: &str) -> Vec<(Method, String, &'static str)> {
    vec![
        (Method::GET, "/api/user/profile".to_owned(), "user:read"),
        (Method::GET, "/api/my_profile".to_owned(), "user:read"),
        (Method::POST, "/api/meeting".to_owned(), "meeting:create"),
        (Method::GET, format!("/api/meeting/{}", world.asha.id), "meeting:read"),
        (Method::GET, format!("/api/meeting/meetingDetails/{meeting}"), "meeting:read"),
        (Method::PUT, format!("/api/meeting/meetingDetails/{meeting}"), "meeting:update"),
        (Method::POST, format!("/api/meeting/cancel/{meeting}"), "meeting:delete"),
    ]
}

fn body() -> Value {
    json!({"topic": "T", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T11:00:00Z", "cancel": "all"})
}

#[tokio::test]
async fn without_a_token_a_call_is_challenged_and_told_nothing_more() {
    let world = World::new().await;
    for (method, path, _) in calls(&world, "sm-1") {
        let answer = Answer::of(world.request_without_token(method, &path).json(&body())).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{path}");
        assert_eq!(answer.refused(StatusCode::UNAUTHORIZED), "token_missing");
    }
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which_one_is_needed() {
    let world = World::new().await;
    let meeting = world.scheduled(&body()).await;
    for (method, path, scope) in calls(&world, meeting["_id"].as_str().unwrap()) {
        let others = super::world::ALL_SCOPES.replace(scope, "").replace("  ", " ");
        let token = world.token(&world.asha, others.trim()).await;
        // The body is wrong too: whoever may not call does not hear of it.
        let answer = Answer::of(world.request(method, &path, &token).json(&json!([]))).await;
        let challenge = answer.header("www-authenticate").to_owned();
        assert!(
            challenge.contains("error=\"insufficient_scope\"") && challenge.contains(&format!("scope=\"{scope}\"")),
            "{challenge}"
        );
        assert_eq!(answer.refused(StatusCode::FORBIDDEN), "scope_insufficient", "{path}");
    }
    world
        .get(&format!("/api/meeting/meetingDetails/{}", meeting["_id"].as_str().unwrap()))
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_is_forged_expired_or_ended_opens_nothing() {
    let world = World::new().await;
    let good = world.asha.token.clone();
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let refused = async |token: &str| {
        for (method, path, _) in calls(&world, "sm-1") {
            let answer = Answer::of(world.request(method, &path, token).json(&body())).await;
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains("error=\"invalid_token\""), "{path}: {challenge}");
            answer.refused(StatusCode::UNAUTHORIZED);
        }
    };
    refused(&forged).await;
    refused("x").await;
    world
        .execute("UPDATE grants SET ended_at = 1 WHERE user_id IN (SELECT id FROM users WHERE email LIKE 'ben%')")
        .await;
    refused(&world.ben.token).await;
    world.get("/api/my_profile").await.expect(StatusCode::OK);
    world.wait(Duration::from_secs(301 * 86_400));
    refused(&good).await;
}

#[tokio::test]
async fn other_peoples_meetings_are_not_there_by_any_verb() {
    let world = World::new().await;
    let meeting = world.scheduled(&body()).await;
    let id = meeting["_id"].as_str().unwrap();
    for (method, path, scope) in calls(&world, id) {
        if scope == "user:read" || scope == "meeting:create" {
            continue;
        }
        let answer = Answer::of(world.request(method.clone(), &path, &world.ben.token).json(&body())).await;
        let name = answer.refused(StatusCode::NOT_FOUND);
        assert!(name == "meeting_not_found" || name == "user_not_found", "{method} {path}: {name}");
    }
    assert_eq!(world.list("").await["totalCount"], 1);
}

#[tokio::test]
async fn ids_that_cannot_be_are_not_there() {
    let world = World::new().await;
    for id in
        ["sm-00000000-0000-4000-8000-000000000000", "x", "%00", "%FF", "a%2Fb", "'%20OR%201=1", &"x".repeat(2_000)]
    {
        for (method, path) in [
            (Method::GET, format!("/api/meeting/{id}")),
            (Method::GET, format!("/api/meeting/meetingDetails/{id}")),
            (Method::PUT, format!("/api/meeting/meetingDetails/{id}")),
            (Method::POST, format!("/api/meeting/cancel/{id}")),
        ] {
            let answer = Answer::of(world.request(method, &path, &world.asha.token).json(&body())).await;
            answer.refused(StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn the_first_use_of_a_refreshed_token_is_remembered_whatever_the_answer() {
    let world = World::new().await;
    // A list, a detail that is not there, a body that is wrong, a change that is refused.
    let calls = [
        (Method::GET, format!("/api/meeting/{}", world.asha.id), StatusCode::OK),
        (Method::GET, "/api/meeting/meetingDetails/sm-1".to_owned(), StatusCode::NOT_FOUND),
        (Method::POST, "/api/meeting".to_owned(), StatusCode::PRECONDITION_FAILED),
        (Method::POST, "/api/meeting/cancel/sm-1".to_owned(), StatusCode::NOT_FOUND),
    ];
    for ((method, path, status), marked) in calls.into_iter().zip(1..) {
        let token = world.refreshed_token(&world.asha).await;
        assert_eq!(world.marked_grants().await, marked - 1);
        let answer = Answer::of(world.request(method, &path, &token).json(&json!({"cancel": "all"}))).await;
        assert_eq!(answer.status(), status.as_u16(), "{answer:?}");
        assert_eq!(world.marked_grants().await, marked);
    }
}

#[tokio::test]
async fn a_body_is_json_of_at_most_64_kib() {
    let world = World::new().await;
    let send = async |method: Method, path: &str, content_type: Option<&str>, body: Vec<u8>| {
        let request = world.request(method, path, &world.asha.token).body(body);
        let request = content_type
            .into_iter()
            .fold(request, |request, content_type| request.header("content-type", content_type));
        Answer::of(request).await
    };
    let good = body().to_string().into_bytes();
    for (method, path) in [
        (Method::POST, "/api/meeting"),
        (Method::PUT, "/api/meeting/meetingDetails/sm-1"),
        (Method::POST, "/api/meeting/cancel/sm-1"),
    ] {
        for content_type in
            [Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx"), Some(""), None]
        {
            let answer = send(method.clone(), path, content_type, good.clone()).await;
            assert_eq!(
                answer.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE),
                "unsupported_media_type",
                "{content_type:?}"
            );
        }
        for content_type in ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"] {
            let status = send(method.clone(), path, Some(content_type), good.clone()).await.status();
            assert!(status == 200 || status == 404, "{content_type}: {status}");
        }
        for broken in
            [&b"{"[..], b"{\"topic\": \xff}", b"nonsense", b"{} {}", b"{\"topic\": \"\\ud800\"}", &[b'['; 500]]
        {
            let answer = send(method.clone(), path, Some("application/json"), broken.to_vec()).await;
            assert_eq!(answer.refused(StatusCode::BAD_REQUEST), "body_not_json");
        }
        for no_object in ["[]", "\"text\"", "7", "null"] {
            let answer = send(method.clone(), path, Some("application/json"), no_object.into()).await;
            assert_eq!(answer.faulty(), ["body"]);
        }
        let padded = |length: usize| [&good[..], &vec![b' '; length - good.len()]].concat();
        let status = send(method.clone(), path, Some("application/json"), padded(64 * 1024)).await.status();
        assert!(status == 200 || status == 404, "{status}");
        let answer = send(method.clone(), path, Some("application/json"), padded(64 * 1024 + 1)).await;
        assert_eq!(answer.refused(StatusCode::PAYLOAD_TOO_LARGE), "body_too_large");
    }
}

#[tokio::test]
async fn joining_is_not_served_here() {
    let world = World::new().await;
    let request = world.request(Method::POST, "/api/meeting/join", &world.asha.token).json(&body());
    assert_eq!(Answer::of(request).await.refused(StatusCode::METHOD_NOT_ALLOWED), "method_not_allowed");
}
