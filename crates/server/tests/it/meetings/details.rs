use reqwest::StatusCode;
use serde_json::json;

use super::world::World;

#[tokio::test]
async fn the_details_are_an_array_of_one_with_all_there_is_to_know() {
    let world = World::new().await;
    let created = world
        .scheduled(&json!({
            "topic": "Plan", "startTime": "2026-12-01T15:30:00+05:30", "endTime": "2026-12-01T16:00:00+05:30",
            "participants": ["Carla@Example.com", "asha@example.com", "carla@example.com"],
            "advancedOptions": {"waitingRoom": true}
        }))
        .await;
    let path = format!("/api/meeting/meetingDetails/{}", created["_id"].as_str().unwrap());
    let body = world.get(&path).await.expect(StatusCode::OK);
    assert_eq!(
        body,
        json!([{
            "jiomeetId": created["jiomeetId"],
            "topic": "Plan",
            "startTime": "2026-12-01T10:00:00.000Z",
            "endTime": "2026-12-01T10:30:00.000Z",
            "scheduledDuration": 1_800_000,
            "meetingUrl": created["meetingUrl"],
            "status": "active",
            "pin": created["pin"],
            "_id": created["_id"],
            "advancedOptions": {
                "joinBeforeHost": true, "waitingRoom": true, "participantHardAudioMute": false,
                "participantHardVideoMute": false, "isClassroomMode": false
            },
            "isPinEnabled": true,
            // Nobody's name is told before they come, but for the host's own.
            "participants": [
                {"email": "carla@example.com", "name": "", "role": "participant", "joinedTime": null, "leftTime": null},
                {"email": "asha@example.com", "name": "asha Tester", "role": "host", "joinedTime": null, "leftTime": null}
            ]
        }])
    );
}

#[tokio::test]
async fn inviting_somebody_with_an_account_does_not_tell_their_name() {
    let world = World::new().await;
    let created = world
        .scheduled(&json!({"topic": "T", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T11:00:00Z", "participants": ["ben@example.com"]}))
        .await;
    let path = format!("/api/meeting/meetingDetails/{}", created["_id"].as_str().unwrap());
    let body = world.get(&path).await.expect(StatusCode::OK);
    assert_eq!(
        body[0]["participants"],
        json!([{"email": "ben@example.com", "name": "", "role": "participant", "joinedTime": null, "leftTime": null}])
    );
}

#[tokio::test]
async fn what_the_details_say_can_be_sent_back_unchanged() {
    let world = World::new().await;
    let created = world
        .scheduled(&json!({
            "topic": "T", "startTime": "2026-11-30T10:00:00Z", "endTime": "2026-11-30T11:00:00Z", "isPinEnabled": false,
            "repeatOptions": {"repeat": "monthly", "dateInMonth": 31, "timeZone": "Europe/Berlin"}
        }))
        .await;
    let path = format!("/api/meeting/meetingDetails/{}", created["_id"].as_str().unwrap());
    let mut before = world.get(&path).await.expect(StatusCode::OK);
    let participants = before[0].as_object_mut().unwrap().remove("participants").unwrap();
    let answer = world.put(&path, &before[0]).await.expect(StatusCode::OK);
    assert_eq!(answer, before[0]);
    before[0]["participants"] = participants;
    assert_eq!(world.get(&path).await.expect(StatusCode::OK), before);
}
