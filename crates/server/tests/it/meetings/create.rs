use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{Answer, World, keys};

/// The body in the published description.
fn example() -> Value {
    json!({
        "topic": "The title of your meeting",
        "startTime": "2023-11-11T12:50:00.000Z",
        "endTime": "2023-11-11T15:50:00.000Z",
        "isPinEnabled": true
    })
}

#[tokio::test]
async fn the_published_example_is_answered_in_the_published_shape() {
    let world = World::new().await;
    let answer = world.post("/api/meeting", &example()).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let mut body = answer.expect(StatusCode::OK);
    let meeting = body["meetingDetails"][0].clone();
    let (id, number, pin) =
        (meeting["_id"].as_str().unwrap(), meeting["jiomeetId"].as_str().unwrap(), meeting["pin"].as_str().unwrap());
    let uuid = id.strip_prefix("sm-").unwrap();
    assert!(uuid.len() == 36 && uuid.split('-').map(str::len).eq([8, 4, 4, 4, 12]), "{id}");
    assert!(number.len() == 10 && number.bytes().all(|b| b.is_ascii_digit()), "{number}");
    assert!(pin.len() == 5 && pin.bytes().all(|b| b.is_ascii_alphanumeric()), "{pin}");
    assert_eq!(meeting["meetingUrl"], world.server.url(&format!("/shortener?meetingId={number}&pwd={pin}")));
    for varying in ["_id", "jiomeetId", "pin", "meetingUrl"] {
        body["meetingDetails"][0].as_object_mut().unwrap().remove(varying);
    }
    assert_eq!(
        body,
        json!({
            "status": "Meeting created successfully.",
            "meetingDetails": [{
                "topic": "The title of your meeting",
                "startTime": "2023-11-11T12:50:00.000Z",
                "endTime": "2023-11-11T15:50:00.000Z",
                "scheduledDuration": 10_800_000,
                "advancedOptions": {
                    "joinBeforeHost": true,
                    "waitingRoom": false,
                    "participantHardAudioMute": false,
                    "participantHardVideoMute": false,
                    "isClassroomMode": false
                },
                "status": "active"
            }]
        })
    );
}

#[tokio::test]
async fn without_a_pin_the_link_has_none() {
    let world = World::new().await;
    let mut body = example();
    body["isPinEnabled"] = json!(false);
    let meeting = world.scheduled(&body).await;
    assert_eq!(meeting["pin"], "");
    let number = meeting["jiomeetId"].as_str().unwrap();
    assert_eq!(meeting["meetingUrl"], world.server.url(&format!("/shortener?meetingId={number}")));
}

#[tokio::test]
async fn every_fault_is_in_the_answer_at_once() {
    let world = World::new().await;
    let answer = world
        .post(
            "/api/meeting",
            &json!({
                "topic": "a\u{0}b",
                "startTime": "tomorrow",
                "isPinEnabled": "yes",
                "advancedOptions": {"waitingRoom": 1},
                "participants": ["asha@example.com", 5],
                "repeatOptions": {"repeat": "weekly", "daysOfWeek": [true, false, false, "x", false, false, false]}
            }),
        )
        .await;
    assert_eq!(
        answer.faulty(),
        [
            "topic",
            "startTime",
            "endTime",
            "isPinEnabled",
            "advancedOptions.waitingRoom",
            "participants[1]",
            "repeatOptions.daysOfWeek[3]"
        ]
    );
    assert_eq!(world.list("").await["totalCount"], 0);
}

#[tokio::test]
async fn no_body_at_all_is_told_what_a_body_needs() {
    let world = World::new().await;
    let answer = Answer::of(world.request(Method::POST, "/api/meeting", &world.asha.token)).await;
    assert_eq!(answer.faulty(), ["topic", "startTime", "endTime"]);
}

#[tokio::test]
async fn a_series_says_how_it_repeats_and_when_it_first_takes_place() {
    let world = World::new().await;
    let mut body = example();
    // A Saturday; the first Monday after it is the 13th.
    let options = json!({
        "repeat": "weekly", "daysOfWeek": [false, true, false, false, false, false, false],
        "endDate": "2023-12-31", "timeZone": "Asia/Kolkata"
    });
    body["repeatOptions"] = options.clone();
    let meeting = world.scheduled(&body).await;
    assert_eq!(meeting["repeatOptions"], options);
    assert_eq!(meeting["startTime"], "2023-11-13T12:50:00.000Z");
    assert_eq!(meeting["endTime"], "2023-11-13T15:50:00.000Z");
    assert_eq!(meeting["scheduledDuration"], 10_800_000);
    assert!(!keys(&world.scheduled(&example()).await).contains(&"repeatOptions"));
}

#[tokio::test]
async fn numbers_and_links_differ_from_meeting_to_meeting() {
    let world = World::new().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let meeting = world.scheduled(&example()).await;
        for field in ["_id", "jiomeetId", "meetingUrl"] {
            assert!(seen.insert(meeting[field].as_str().unwrap().to_owned()), "{meeting}");
        }
    }
}
