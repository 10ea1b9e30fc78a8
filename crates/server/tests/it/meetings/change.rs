use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::World;

fn path(meeting: &Value) -> String {
    format!("/api/meeting/meetingDetails/{}", meeting["_id"].as_str().unwrap())
}

#[tokio::test]
async fn the_published_example_is_answered_in_the_published_shape() {
    let world = World::new().await;
    let created = world
        .scheduled(&json!({"topic": "My Scheduled Meeting", "startTime": "2023-11-11T12:50:00.000Z", "endTime": "2023-11-11T15:50:00.000Z"}))
        .await;
    let changed = world
        .put(
            &path(&created),
            &json!({
                "topic": "My Updated Scheduled Meeting",
                "startTime": "2023-12-12T13:50:00.000Z",
                "endTime": "2023-12-12T14:20:00.000Z",
                "isPinEnabled": true
            }),
        )
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        changed,
        json!({
            "jiomeetId": created["jiomeetId"],
            "topic": "My Updated Scheduled Meeting",
            "startTime": "2023-12-12T13:50:00.000Z",
            "endTime": "2023-12-12T14:20:00.000Z",
            "scheduledDuration": 1_800_000,
            "meetingUrl": created["meetingUrl"],
            "advancedOptions": {
                "joinBeforeHost": true, "waitingRoom": false, "participantHardAudioMute": false,
                "participantHardVideoMute": false, "isClassroomMode": false
            },
            "isPinEnabled": true,
            "status": "active",
            "pin": created["pin"],
            "_id": created["_id"]
        })
    );
}

#[tokio::test]
async fn what_is_left_out_stays_and_the_pin_comes_back() {
    let world = World::new().await;
    let required = json!({"topic": "T", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T11:00:00Z"});
    let with = |more: Value| {
        let mut body = required.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let created = world
        .scheduled(&with(json!({
            "participants": ["carla@example.com"], "advancedOptions": {"waitingRoom": true},
            "repeatOptions": {"repeat": "daily", "timeZone": "Asia/Kolkata"}
        })))
        .await;
    let changed = world.put(&path(&created), &with(json!({"isPinEnabled": false}))).await.expect(StatusCode::OK);
    assert_eq!((&changed["pin"], &changed["isPinEnabled"]), (&json!(""), &json!(false)));
    assert_eq!(changed["advancedOptions"]["waitingRoom"], true);
    assert_eq!(changed["repeatOptions"], json!({"repeat": "daily", "timeZone": "Asia/Kolkata"}));

    let changed = world.put(&path(&created), &required).await.expect(StatusCode::OK);
    assert_eq!(changed["isPinEnabled"], false);
    let changed = world
        .put(&path(&created), &with(json!({"isPinEnabled": true, "repeatOptions": null})))
        .await
        .expect(StatusCode::OK);
    assert_eq!(changed["pin"], created["pin"]);
    assert_eq!(changed.get("repeatOptions"), None);
    let details = world.get(&path(&created)).await.expect(StatusCode::OK);
    assert_eq!(details[0]["participants"][0]["email"], "carla@example.com");
}

#[tokio::test]
async fn topic_and_times_are_required_here_too() {
    let world = World::new().await;
    let created = world
        .scheduled(&json!({"topic": "T", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T11:00:00Z"}))
        .await;
    assert_eq!(
        world.put(&path(&created), &json!({"isPinEnabled": true})).await.faulty(),
        ["topic", "startTime", "endTime"]
    );
    assert_eq!(
        world
            .put(
                &path(&created),
                &json!({"topic": "", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T09:00:00Z"})
            )
            .await
            .faulty(),
        ["topic", "endTime"]
    );
}

#[tokio::test]
async fn a_change_of_a_series_changes_its_rows() {
    let world = World::new().await;
    let body = |start: &str, end: &str| json!({"topic": "T", "startTime": start, "endTime": end, "repeatOptions": {"repeat": "daily", "endDate": "2026-12-03", "timeZone": "UTC"}});
    let created = world.scheduled(&body("2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z")).await;
    world.put(&path(&created), &body("2026-12-02T12:00:00Z", "2026-12-02T12:15:00Z")).await.expect(StatusCode::OK);
    let list = world.list("").await;
    let starts: Vec<_> =
        list["meetingDetails"].as_array().unwrap().iter().map(|row| row["startTime"].as_str().unwrap()).collect();
    assert_eq!(starts, ["2026-12-02T12:00:00.000Z", "2026-12-03T12:00:00.000Z"]);
    // The series would be over before it begins.
    let late = json!({"topic": "T", "startTime": "2026-12-04T10:00:00Z", "endTime": "2026-12-04T11:00:00Z"});
    assert_eq!(world.put(&path(&created), &late).await.faulty(), ["repeatOptions.endDate"]);
    assert_eq!(world.list("").await, list);
}

#[tokio::test]
async fn changes_at_the_same_time_never_mix() {
    let world = World::new().await;
    let created = world
        .scheduled(&json!({"topic": "T", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T11:00:00Z"}))
        .await;
    for round in 0..6 {
        // Each change has topic, month, options and guests of its own.
        let body = |n: u8| {
            json!({
                "topic": format!("{round}-{n}"), "startTime": format!("2027-{:02}-01T10:00:00Z", n + 1), "endTime": format!("2027-{:02}-01T1{n}:30:00Z", n + 1),
                "isPinEnabled": n.is_multiple_of(2), "participants": [format!("guest{n}@example.com"), format!("other{n}@example.com")],
                "repeatOptions": if n == 3 { json!({"repeat": "daily", "endDate": "2027-04-02"}) } else { Value::Null }
            })
        };
        let bodies: Vec<_> = (0..5).map(body).collect();
        let path = path(&created);
        let (a, b, c, d, e) = tokio::join!(
            world.put(&path, &bodies[0]),
            world.put(&path, &bodies[1]),
            world.put(&path, &bodies[2]),
            world.put(&path, &bodies[3]),
            world.put(&path, &bodies[4]),
        );
        let answers = [a, b, c, d, e].map(|answer| answer.expect(StatusCode::OK));
        let mut stored = world.get(&path).await.expect(StatusCode::OK)[0].take();
        let participants = stored.as_object_mut().unwrap().remove("participants").unwrap();
        let winner = answers
            .iter()
            .position(|answer| *answer == stored)
            .unwrap_or_else(|| panic!("{stored} is none of {answers:?}"));
        let guests: Vec<_> = participants.as_array().unwrap().iter().map(|guest| guest["email"].clone()).collect();
        assert_eq!(json!(guests), bodies[winner]["participants"]);
        let expected = if winner == 3 { 2 } else { 1 };
        assert_eq!(world.list("").await["totalCount"], expected);
    }
}
