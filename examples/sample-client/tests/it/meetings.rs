//! Listing, scheduling, changing and cancelling meetings.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::House;

fn meeting(id: &str, topic: &str) -> Value {
    json!({
        "_id": id, "topic": topic, "jiomeetId": "7212310665", "status": "active", "pin": "7mVhq",
        "startTime": "2030-01-03T04:30:00.000Z", "endTime": "2030-01-03T05:00:00.000Z",
        "scheduledDuration": 1_800_000,
        "meetingUrl": format!("https://jiomeet.example/shortener?meetingId={id}"),
    })
}

#[tokio::test]
async fn coming_and_past_meetings_are_listed_in_the_persons_zone() {
    let house = House::new().await;
    house.fake.set().coming.push(meeting("sm-1", "Stand-up"));
    house.fake.set().past.push(meeting("sm-0", "Retro"));
    let mut browser = house.signed_in().await;
    let page = browser.get("/").await;
    page.expect(200, "Tomorrow, Thursday 3 January").expect(200, "10:00 – 10:30");
    page.expect(200, "Stand-up").expect(200, "Retro");
    let page = browser.post("/time-zone", &[("timeZone", "America/New_York")]).await;
    page.expect(200, "Wednesday 2 January").expect(200, "23:30 – Thu 3 Jan, 00:00");
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let house = House::new().await;
    for number in 1..=23 {
        house.fake.set().coming.push(meeting(&format!("c-{number}"), &format!("Plan {number}.")));
        house.fake.set().past.push(meeting(&format!("p-{number}"), &format!("Done {number}.")));
    }
    let mut browser = house.signed_in().await;
    let first = browser.get("/").await;
    first.expect(200, "Plan 10.").expect(200, "Done 5.").lacks("Plan 11.").lacks("Done 6.");
    first.expect(200, "/?coming=10&#38;past=0#coming").lacks("Sooner");
    let second = browser.get("/?coming=10&past=5").await;
    second.expect(200, "Plan 20.").expect(200, "Done 6.").lacks("Plan 10.");
    second.expect(200, "/?coming=0&#38;past=5#coming");
    let last = browser.get("/?coming=20&past=20").await;
    last.expect(200, "Plan 23.").lacks("coming=30");
}

#[tokio::test]
async fn a_meeting_is_scheduled_with_everything() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let fields = [
        ("topic", "Weekly review"),
        ("startTime", "2030-01-03T10:00"),
        ("endTime", "2030-01-03T11:00"),
        ("isPinEnabled", "true"),
        ("participants", "a@example.org\r\nb@example.org"),
        ("repeat", "weekly"),
        ("repeatEndDate", "2030-03-01"),
        ("timeZone", "Europe/Berlin"),
    ];
    let page = browser.post("/meetings", &fields).await;
    page.expect(200, "'Weekly review' is scheduled.");
    assert_eq!((page.url.path(), page.url.fragment()), ("/", Some("main")), "a reload does not schedule it again");
    let (_, body) = house.fake.set().writes.remove(0);
    let expected = json!({
        "topic": "Weekly review",
        "startTime": "2030-01-03T09:00:00.000Z",
        "endTime": "2030-01-03T10:00:00.000Z",
        "isPinEnabled": true,
        "participants": ["a@example.org", "b@example.org"],
        "repeatOptions":
            { "repeat": "weekly", "endDate": "2030-03-01", "timeZone": "Europe/Berlin" },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn faults_of_the_api_stand_at_their_fields_all_at_once_and_nothing_typed_is_lost() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let faults = json!({
        "customCode": 412, "message": "Validation failed", "errorsArray": [
            { "property": "topic", "message": "The topic is missing." },
            { "property": "endTime", "message": "The end is before the start." },
            { "property": "participants[1]", "message": "'b@' is no e-mail address." },
            { "property": "repeatOptions.endDate", "message": "The last day is before the first." },
            { "property": "advancedOptions", "message": "is not an object." },
        ],
    });
    house.fake.set().api_faults = vec![(StatusCode::PRECONDITION_FAILED, "", faults)];
    let fields = [
        ("topic", ""),
        ("startTime", "2030-01-03T10:00"),
        ("endTime", "2030-01-03T09:00"),
        ("participants", "a@example.org b@"),
        ("repeat", "monthly"),
        ("timeZone", "Asia/Tokyo"),
    ];
    let page = browser.post("/meetings", &fields).await;
    for words in [
        "id=\"topic-fault\">The topic is missing.",
        "id=\"endTime-fault\">The end is before the start.",
        "id=\"participants-fault\">'b@' is no e-mail address.",
        "id=\"repeatEndDate-fault\">The last day is before the first.",
        "advancedOptions: is not an object.",
        "value=\"2030-01-03T10:00\"",
        "a@example.org b@</textarea>",
        "<option value=\"monthly\" selected>",
        "<option selected>Asia/Tokyo</option>",
    ] {
        page.expect(422, words);
    }
}

#[tokio::test]
async fn what_is_no_time_goes_to_the_api_which_says_so() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let fields = [("topic", "T"), ("startTime", "soon"), ("endTime", "2030-01-03T10:00:00Z")];
    browser.post("/meetings", &fields).await;
    let (_, body) = house.fake.set().writes.remove(0);
    assert_eq!(body["startTime"], "soon");
    assert_eq!(body["endTime"], "2030-01-03T10:00:00.000Z");
}

#[tokio::test]
async fn an_unknown_time_zone_is_a_fault_of_its_field() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let page = browser.post("/meetings", &[("topic", "T"), ("timeZone", "Mars/Olympus")]).await;
    page.expect(422, "There is no time zone named 'Mars/Olympus'.");
    assert!(house.fake.set().writes.is_empty());
    let page = browser.post("/time-zone", &[("timeZone", "Mars/Olympus")]).await;
    page.expect(422, "There is no time zone of that name.");
}

#[tokio::test]
async fn details_show_participants_and_the_series() {
    let house = House::new().await;
    let mut found = meeting("sm-1", "Review <1>");
    found["repeatOptions"] = json!({ "repeat": "weekly", "endDate": "2030-03-01", "timeZone": "Asia/Kolkata" });
    found["participants"] = json!([
        { "email": "asha@example.org", "name": "Asha Rao", "role": "host",
          "joinedTime": "2030-01-03T04:31:00.000Z", "leftTime": null },
        { "email": "b@example.org", "name": null, "role": "invitee",
          "joinedTime": null, "leftTime": null },
    ]);
    house.fake.set().coming.push(found);
    let mut browser = house.signed_in().await;
    let page = browser.get("/meetings/sm-1").await;
    page.expect(200, "Review &#60;1&#62;").expect(200, "721 231 0665").expect(200, "7mVhq");
    page.expect(200, "Every week until 1 March 2030, by the clock of Asia/Kolkata");
    page.expect(200, "joined Thu 3 January 2030, 10:01").expect(200, "has not joined");
    page.expect(200, "Cancel series").expect(200, "b@example.org");
}

#[tokio::test]
async fn a_link_that_is_no_web_address_is_not_shown_as_one() {
    let house = House::new().await;
    let mut odd = meeting("sm-1", "Odd");
    odd["meetingUrl"] = "javascript:alert(1)".into();
    house.fake.set().coming.push(odd);
    house.signed_in().await.get("/").await.expect(200, "Odd").lacks("javascript");
}

#[tokio::test]
async fn a_meeting_is_changed() {
    let house = House::new().await;
    house.fake.set().coming.push(meeting("sm-1", "Stand-up"));
    let mut browser = house.signed_in().await;
    let form = browser.get("/meetings/sm-1/change").await;
    form.expect(200, "value=\"Stand-up\"").expect(200, "value=\"2030-01-03T10:00\"");
    let fields = [
        ("topic", "Sit-down"),
        ("startTime", "2030-01-03T11:00"),
        ("endTime", "2030-01-03T11:30"),
        ("timeZone", "Asia/Kolkata"),
    ];
    let page = browser.post("/meetings/sm-1", &fields).await;
    page.expect(200, "Your changes are saved.").expect(200, "Sit-down");
    let (what, body) = house.fake.set().writes.remove(0);
    assert_eq!((what.as_str(), &body["isPinEnabled"]), ("update sm-1", &json!(false)));
    assert_eq!(body["startTime"], "2030-01-03T05:30:00.000Z");
}

#[tokio::test]
async fn faults_of_a_change_stand_at_their_fields() {
    let house = House::new().await;
    house.fake.set().coming.push(meeting("sm-1", "Stand-up"));
    let mut browser = house.signed_in().await;
    let faults = json!({ "customCode": 412, "message": "Validation failed", "errorsArray": [
        { "property": "topic", "message": "The topic is missing." } ] });
    house.fake.set().api_faults = vec![(StatusCode::PRECONDITION_FAILED, "", faults)];
    let fields = [("topic", " "), ("formerTopic", "Stand-up"), ("startTime", "2030-01-03T11:00")];
    let page = browser.post("/meetings/sm-1", &fields).await;
    page.expect(422, "Change 'Stand-up'").expect(422, "The topic is missing.");
    page.expect(422, "value=\"2030-01-03T11:00\"");
}

#[tokio::test]
async fn a_meeting_or_a_series_is_cancelled() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    for what in ["current", "all"] {
        house.fake.set().coming.push(meeting("sm-1", "Stand-up"));
        let page = browser.post("/meetings/sm-1/cancel", &[("cancel", what)]).await;
        page.expect(200, "Your meeting has been cancelled successfully.").lacks("Stand-up");
        let written = house.fake.set().writes.pop().unwrap();
        assert_eq!(written, ("cancel sm-1".to_owned(), json!({ "cancel": what })));
    }
    browser.post("/meetings/sm-1/cancel", &[("cancel", "x")]).await.expect(400, "could not be read");
}

#[tokio::test]
async fn only_the_next_of_a_series_offers_to_be_cancelled_alone() {
    let house = House::new().await;
    for _ in 0..3 {
        house.fake.set().coming.push(meeting("sm-1", "Stand-up"));
    }
    let page = house.signed_in().await.get("/").await;
    assert_eq!(page.text().matches("Cancel the next one only").count(), 1);
    assert_eq!(page.text().matches("Cancel series").count(), 3);
}

#[tokio::test]
async fn a_meeting_that_is_gone_is_told_in_words() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    for path in ["/meetings/sm-9", "/meetings/sm-9/change"] {
        browser.get(path).await.expect(404, "There is no such meeting");
    }
    let fields = [("topic", "T")];
    browser.post("/meetings/sm-9", &fields).await.expect(404, "It may have been cancelled");
}

#[tokio::test]
async fn what_was_not_granted_is_named_and_can_be_asked_for() {
    let house = House::new().await;
    house.fake.set().granted = Some("user:read meeting:read");
    let mut browser = house.signed_in().await;
    let page = browser.get("/").await;
    page.expect(200, "You did not let it").expect(200, "Cancel meetings that you created");
    page.expect(200, "You have not let Calendar Companion schedule").lacks("name=\"topic\"");
    page.expect(200, "href=\"/login?again=1\"");
    // Even without the form: the API's refusal is told in words.
    let page = browser.post("/meetings", &[("topic", "T")]).await;
    page.expect(403, "needs the permission 'Schedule meetings for you' (meeting:create)");
    page.expect(403, "Ask again");
}

#[tokio::test]
async fn a_permission_taken_away_later_is_named_too() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"meeting:delete\"";
    house.fake.set().api_faults = vec![(StatusCode::FORBIDDEN, challenge, json!({}))];
    let page = browser.post("/meetings/sm-1/cancel", &[("cancel", "all")]).await;
    page.expect(403, "'Cancel meetings that you created' (meeting:delete)");
}

#[tokio::test]
async fn without_the_profile_the_meetings_are_still_listed() {
    let house = House::new().await;
    house.fake.set().granted = Some("meeting:read");
    house.fake.set().coming.push(meeting("sm-1", "Stand-up"));
    let page = house.browser().get("/login").await;
    page.expect(200, "Stand-up").expect(200, "You have not let Calendar Companion see your name");
}

#[tokio::test]
async fn without_reading_the_list_says_what_is_missing() {
    let house = House::new().await;
    house.fake.set().granted = Some("user:read meeting:create");
    let page = house.signed_in().await.get("/").await;
    page.expect(200, "needs the permission 'See your meetings, their details and participants'");
}

#[tokio::test]
async fn other_refusals_are_told_in_the_apis_words() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let body = json!({ "customCode": 409, "message": "Conflict", "errors": "The meeting is over" });
    house.fake.set().api_faults = vec![(StatusCode::CONFLICT, "", body)];
    let page = browser.post("/meetings/sm-1/cancel", &[("cancel", "all")]).await;
    page.expect(409, "The meeting is over.").expect(409, "Back to Calendar Companion");
}
