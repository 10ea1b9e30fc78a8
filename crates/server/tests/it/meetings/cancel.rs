use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{Answer, World};

const ONE: &str = "Your meeting has been cancelled successfully.";
const ALL: &str = "Your meetings has been cancelled successfully.";

impl World {
    async fn cancel(&self, meeting: &Value, what: &str) -> Answer {
        self.post(&format!("/api/meeting/cancel/{}", meeting["_id"].as_str().unwrap()), &json!({"cancel": what})).await
    }

    async fn starts(&self, query: &str) -> Vec<String> {
        let rows = self.list(query).await["meetingDetails"].take();
        rows.as_array().unwrap().iter().map(|row| row["startTime"].as_str().unwrap()[..16].to_owned()).collect()
    }
}

fn single() -> Value {
    json!({"topic": "T", "startTime": "2026-12-01T10:00:00Z", "endTime": "2026-12-01T11:00:00Z"})
}

fn daily() -> Value {
    let mut body = single();
    body["repeatOptions"] = json!({"repeat": "daily", "endDate": "2026-12-04", "timeZone": "UTC"});
    body
}

#[tokio::test]
async fn a_single_meeting_is_cancelled_by_either_word_and_is_gone() {
    let world = World::new().await;
    for (word, status) in [("current", ONE), ("all", ALL)] {
        let meeting = world.scheduled(&single()).await;
        assert_eq!(world.cancel(&meeting, word).await.expect(StatusCode::OK), json!({"status": status}));
        let path = format!("/api/meeting/meetingDetails/{}", meeting["_id"].as_str().unwrap());
        assert_eq!(world.get(&path).await.refused(StatusCode::NOT_FOUND), "meeting_not_found");
        assert_eq!(world.put(&path, &single()).await.refused(StatusCode::NOT_FOUND), "meeting_not_found");
        assert_eq!(world.cancel(&meeting, word).await.refused(StatusCode::NOT_FOUND), "meeting_not_found");
        assert_eq!(world.list("").await["totalCount"], 0);
    }
}

#[tokio::test]
async fn what_is_over_can_be_taken_off_the_list() {
    let world = World::new().await;
    let meeting = world
        .scheduled(&json!({"topic": "T", "startTime": "2026-11-01T10:00:00Z", "endTime": "2026-11-01T11:00:00Z"}))
        .await;
    assert_eq!(world.list("past=true").await["totalCount"], 1);
    world.cancel(&meeting, "current").await.expect(StatusCode::OK);
    assert_eq!(world.list("past=true").await["totalCount"], 0);
}

#[tokio::test]
async fn current_cancels_the_occurrence_that_runs_or_comes_next() {
    let world = World::new().await;
    let meeting = world.scheduled(&daily()).await;
    assert_eq!(world.cancel(&meeting, "current").await.expect(StatusCode::OK), json!({"status": ONE}));
    assert_eq!(world.starts("").await, ["2026-12-02T10:00", "2026-12-03T10:00", "2026-12-04T10:00"]);
    // In the middle of the second, that one.
    world.wait(Duration::from_secs(8 * 86_400 + 2 * 3_600));
    assert_eq!(world.server.now().to_iso(), "2026-12-02T10:30:00.000Z");
    world.cancel(&meeting, "current").await.expect(StatusCode::OK);
    assert_eq!(world.starts("").await, ["2026-12-03T10:00", "2026-12-04T10:00"]);
    assert_eq!(world.starts("past=true").await, Vec::<String>::new());
    // The end of an occurrence is when it is over.
    world.wait(Duration::from_secs(86_400 + 30 * 60));
    world.cancel(&meeting, "current").await.expect(StatusCode::OK);
    assert_eq!(world.starts("").await, Vec::<String>::new());
    assert_eq!(world.starts("past=true").await, ["2026-12-03T10:00"]);
    let refused = world.cancel(&meeting, "current").await;
    assert_eq!(refused.refused(StatusCode::CONFLICT), "meeting_over");
    world.cancel(&meeting, "all").await.expect(StatusCode::OK);
    assert_eq!(world.starts("past=true").await, Vec::<String>::new());
}

#[tokio::test]
async fn all_cancels_the_series() {
    let world = World::new().await;
    let (series, other) = (world.scheduled(&daily()).await, world.scheduled(&single()).await);
    assert_eq!(world.cancel(&series, "all").await.expect(StatusCode::OK), json!({"status": ALL}));
    let list = world.list("").await;
    assert_eq!((&list["totalCount"], &list["meetingDetails"][0]["_id"]), (&json!(1), &other["_id"]));
}

#[tokio::test]
async fn cancelling_the_same_twice_at_once_has_one_winner() {
    let world = World::new().await;
    for word in ["current", "all"] {
        for body in [single(), daily()] {
            if word == "current" && body != single() {
                continue;
            }
            let meeting = world.scheduled(&body).await;
            let answers = <[Answer; 3]>::from(tokio::join!(
                world.cancel(&meeting, word),
                world.cancel(&meeting, word),
                world.cancel(&meeting, word)
            ));
            let won = answers.iter().filter(|answer| answer.status() == 200).count();
            let lost = answers.iter().filter(|answer| answer.status() == 404).count();
            assert_eq!((won, lost), (1, 2), "{word}");
            assert_eq!(world.list("").await["totalCount"], 0);
        }
    }
}

#[tokio::test]
async fn of_a_series_each_call_that_succeeds_cancels_one_occurrence() {
    let world = World::new().await;
    let mut body = daily();
    body["repeatOptions"] = json!({"repeat": "daily", "timeZone": "UTC"});
    for _ in 0..5 {
        let meeting = world.scheduled(&body).await;
        let before = world.list("").await["totalCount"].as_u64().unwrap();
        let answers = <[Answer; 4]>::from(tokio::join!(
            world.cancel(&meeting, "current"),
            world.cancel(&meeting, "current"),
            world.cancel(&meeting, "current"),
            world.cancel(&meeting, "current"),
        ));
        let mut won = 0;
        for answer in answers {
            if answer.status() == 200 {
                won += 1;
            } else {
                assert_eq!(answer.refused(StatusCode::CONFLICT), "meeting_overtaken");
            }
        }
        assert!(won >= 1);
        assert_eq!(world.list("").await["totalCount"].as_u64().unwrap(), before - won);
        world.cancel(&meeting, "all").await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_word_is_asked_for() {
    let world = World::new().await;
    let meeting = world.scheduled(&single()).await;
    let path = format!("/api/meeting/cancel/{}", meeting["_id"].as_str().unwrap());
    for body in [json!({}), json!({"cancel": "one"}), json!({"cancel": null}), json!({"cancel": 1})] {
        assert_eq!(world.post(&path, &body).await.faulty(), ["cancel"], "{body}");
    }
    let without_body = world.request(Method::POST, &path, &world.asha.token);
    assert_eq!(Answer::of(without_body).await.faulty(), ["cancel"]);
    assert_eq!(world.list("").await["totalCount"], 1);
}
