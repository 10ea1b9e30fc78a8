use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::{World, keys};

fn meeting(topic: &str, start: &str, end: &str) -> Value {
    json!({"topic": topic, "startTime": start, "endTime": end})
}

fn topics(list: &Value) -> Vec<&str> {
    list["meetingDetails"].as_array().unwrap().iter().map(|row| row["topic"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_person_without_meetings_has_an_empty_list() {
    let world = World::new().await;
    let empty = json!({"totalCount": 0, "moreAvailable": false, "meetingDetails": []});
    for query in ["", "past=true", "offset=7"] {
        assert_eq!(world.list(query).await, empty);
    }
}

#[tokio::test]
async fn a_row_has_the_published_fields() {
    let world = World::new().await;
    let created = world.scheduled(&meeting("T", "2026-12-01T10:00:00Z", "2026-12-01T10:30:00Z")).await;
    let list = world.list("").await;
    let row = &list["meetingDetails"][0];
    assert_eq!(
        keys(row),
        ["_id", "endTime", "jiomeetId", "meetingUrl", "pin", "scheduledDuration", "startTime", "status", "topic"]
    );
    for field in keys(row) {
        assert_eq!(row[field], created[field], "{field}");
    }
    assert_eq!((&list["totalCount"], &list["moreAvailable"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn what_runs_or_comes_is_listed_earliest_first_and_what_is_over_latest_first() {
    let world = World::new().await;
    for (topic, start, end) in [
        ("next month", "2026-12-24T08:30:00Z", "2026-12-24T09:30:00Z"),
        ("runs since yesterday", "2026-11-23T08:30:01Z", "2026-11-24T08:30:01Z"),
        ("ended now", "2026-11-24T08:00:00Z", "2026-11-24T08:30:00Z"),
        ("begins now", "2026-11-24T08:30:00Z", "2026-11-24T08:45:00Z"),
        ("last year", "2025-11-24T08:00:00Z", "2025-11-24T08:30:00Z"),
        ("yesterday", "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"),
        ("next year", "2028-02-29T08:00:00Z", "2028-02-29T08:30:00Z"),
    ] {
        world.scheduled(&meeting(topic, start, end)).await;
    }
    assert_eq!(topics(&world.list("").await), ["runs since yesterday", "begins now", "next month", "next year"]);
    assert_eq!(world.list("past=false").await, world.list("").await);
    assert_eq!(topics(&world.list("past=true").await), ["ended now", "yesterday", "last year"]);
    world.wait(Duration::from_secs(1));
    assert_eq!(topics(&world.list("").await), ["begins now", "next month", "next year"]);
    assert_eq!(topics(&world.list("past=true").await), ["ended now", "yesterday", "runs since yesterday", "last year"]);
}

#[tokio::test]
async fn each_occurrence_is_a_row_with_times_of_its_own() {
    let world = World::new().await;
    let mut body = meeting("Stand-up", "2026-10-23T07:00:00Z", "2026-10-23T07:15:00Z");
    body["repeatOptions"] = json!({"repeat": "weekly", "endDate": "2026-12-04", "timeZone": "Europe/Berlin"});
    let series = world.scheduled(&body).await;
    world.scheduled(&meeting("Between", "2026-11-30T08:00:00Z", "2026-11-30T09:00:00Z")).await;

    let coming = world.list("").await;
    assert_eq!(topics(&coming), ["Stand-up", "Between", "Stand-up"]);
    let row = &coming["meetingDetails"][2];
    assert_eq!((&row["_id"], &row["jiomeetId"]), (&series["_id"], &series["jiomeetId"]));
    // Nine in the morning in Berlin, before and after the clocks went back.
    assert_eq!(
        (row["startTime"].as_str(), row["endTime"].as_str()),
        (Some("2026-12-04T08:00:00.000Z"), Some("2026-12-04T08:15:00.000Z"))
    );
    assert_eq!(row["scheduledDuration"], 900_000);
    let past = world.list("past=true").await;
    let starts: Vec<_> =
        past["meetingDetails"].as_array().unwrap().iter().map(|row| row["startTime"].as_str().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "2026-11-20T08:00:00.000Z",
            "2026-11-13T08:00:00.000Z",
            "2026-11-06T08:00:00.000Z",
            "2026-10-30T08:00:00.000Z",
            "2026-10-23T07:00:00.000Z"
        ]
    );
}

#[tokio::test]
async fn a_series_without_an_end_is_listed_a_year_ahead() {
    let world = World::new().await;
    let mut body = meeting("Daily", "2026-11-24T09:00:00Z", "2026-11-24T09:15:00Z");
    body["repeatOptions"] = json!({"repeat": "daily", "timeZone": "UTC"});
    world.scheduled(&body).await;
    let list = world.list("limit=1&offset=365").await;
    assert_eq!((&list["totalCount"], &list["moreAvailable"]), (&json!(366), &json!(false)));
    assert_eq!(list["meetingDetails"][0]["startTime"], "2027-11-24T09:00:00.000Z");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let world = World::new().await;
    for day in 1..=23 {
        let topic = format!("{day:02}");
        world
            .scheduled(&meeting(&topic, &format!("2026-12-{day:02}T10:00:00Z"), &format!("2026-12-{day:02}T11:00:00Z")))
            .await;
    }
    // Three at the same time.
    for topic in ["a", "b"] {
        world.scheduled(&meeting(topic, "2026-12-12T10:00:00Z", "2026-12-12T11:00:00Z")).await;
    }
    for past in [false, true] {
        if past {
            world.wait(Duration::from_secs(60 * 86_400));
        }
        let whole = world.list(&format!("past={past}")).await;
        assert_eq!(whole["totalCount"], 25);
        for limit in [1, 4, 24, 25, 100] {
            let mut rows = Vec::new();
            loop {
                let page = world.list(&format!("past={past}&limit={limit}&offset={}", rows.len())).await;
                assert_eq!(page["totalCount"], 25);
                rows.extend(page["meetingDetails"].as_array().unwrap().clone());
                assert_eq!(page["moreAvailable"], rows.len() < 25);
                if page["moreAvailable"] == false {
                    break;
                }
                assert!(rows.len().is_multiple_of(limit));
            }
            assert_eq!(Value::Array(rows), whole["meetingDetails"]);
        }
    }
}

#[tokio::test]
async fn a_page_has_at_most_a_hundred_rows() {
    let world = World::new().await;
    let mut body = meeting("Daily", "2026-11-24T09:00:00Z", "2026-11-24T09:15:00Z");
    body["repeatOptions"] = json!({"repeat": "daily", "timeZone": "UTC"});
    world.scheduled(&body).await;
    let list = world.list("").await;
    assert_eq!((list["meetingDetails"].as_array().unwrap().len(), &list["moreAvailable"]), (100, &json!(true)));
}

#[tokio::test]
async fn faults_in_the_query_are_named() {
    let world = World::new().await;
    let faults = async |query: &str| world.get(&format!("/api/meeting/{}?{query}", world.asha.id)).await.faulty();
    assert_eq!(faults("past=maybe&limit=0&offset=-1").await, ["past", "limit", "offset"]);
    assert_eq!(faults("limit=101").await, ["limit"]);
    assert_eq!(faults("past=true&past=false").await, ["past"]);
    world.get(&format!("/api/meeting/{}?past=&colour=red", world.asha.id)).await.expect(StatusCode::OK);
}
