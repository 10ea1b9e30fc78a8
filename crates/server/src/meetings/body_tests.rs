use proptest::prelude::*;
use serde_json::json;

use super::super::day::Day;
use super::super::meeting::AdvancedOptions;
use super::super::repeat::Kind;
use super::*;

fn read(body: Value) -> Draft {
    Draft::read(&body, Purpose::Create).unwrap()
}

fn faults(body: Value) -> Faults {
    Draft::read(&body, Purpose::Create).unwrap_err()
}

/// A good body with some fields replaced.
fn body_with(changes: Value) -> Value {
    let mut body = json!({"topic": "Stand-up", "startTime": "2026-11-24T09:00:00Z", "endTime": "2026-11-24T09:15:00Z"});
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn the_example_of_the_published_description_is_good_and_gets_its_defaults() {
    let plan = read(json!({
        "topic": "The title of your meeting",
        "startTime": "2023-11-11T12:50:00.000Z",
        "endTime": "2023-11-11T15:50:00.000Z",
        "isPinEnabled": true
    }))
    .plan(None)
    .unwrap();
    assert_eq!(plan.topic, "The title of your meeting");
    assert_eq!(plan.starts_at.to_iso(), "2023-11-11T12:50:00.000Z");
    assert_eq!(plan.ends_at.to_iso(), "2023-11-11T15:50:00.000Z");
    assert!(plan.pin_required && plan.repeat.is_none());
    assert_eq!(plan.options, AdvancedOptions::default());
}

#[test]
fn every_fault_is_named_at_once() {
    let all = faults(json!({
        "topic": "",
        "startTime": "tomorrow",
        "endTime": 5,
        "isPinEnabled": "yes",
        "advancedOptions": {"waitingRoom": 1, "isClassroomMode": true, "joinBeforeHost": []},
        "participants": ["ann@example.com", "ben", 7],
        "repeatOptions": {"repeat": "hourly", "daysOfWeek": [true, false, false, "x", false, false, false],
                          "dateInMonth": "1", "endDate": "31.12.2026", "timeZone": "Mars"}
    }));
    assert_eq!(
        all.properties(),
        [
            "topic",
            "startTime",
            "endTime",
            "isPinEnabled",
            "advancedOptions.joinBeforeHost",
            "advancedOptions.waitingRoom",
            "participants[1]",
            "participants[2]",
            "repeatOptions.daysOfWeek[3]",
            "repeatOptions.dateInMonth",
            "repeatOptions.endDate",
            "repeatOptions.timeZone",
            "repeatOptions.repeat"
        ]
    );
    for (property, message) in all.into_pairs() {
        assert!(message.starts_with(&property) && message.ends_with('.'), "{message}");
    }
}

#[test]
fn topic_and_both_times_are_required() {
    assert_eq!(faults(json!({})).properties(), ["topic", "startTime", "endTime"]);
    assert_eq!(
        faults(json!({"topic": null, "startTime": null, "endTime": null})).properties(),
        ["topic", "startTime", "endTime"]
    );
}

#[test]
fn a_body_is_an_object() {
    for body in [json!([]), json!("text"), json!(1), json!(null), json!([{"topic": "x"}])] {
        assert_eq!(faults(body.clone()).properties(), ["body"]);
        assert_eq!(Cancel::read(&body).unwrap_err().properties(), ["body"]);
    }
}

#[test]
fn a_topic_is_one_line_of_at_most_255_characters() {
    assert_eq!(read(body_with(json!({"topic": "  Plan — über 🙂  "}))).topic, "Plan — über 🙂");
    assert_eq!(read(body_with(json!({"topic": "ü".repeat(255)}))).topic.chars().count(), 255);
    for wrong in [
        json!("ü".repeat(256)),
        json!("a\u{0}b"),
        json!("a\nb"),
        json!("a\u{85}b"),
        json!("   "),
        json!(["x"]),
        json!(true),
    ] {
        assert_eq!(faults(body_with(json!({"topic": wrong}))).properties(), ["topic"]);
    }
}

#[test]
fn times_come_with_their_offset() {
    for (text, utc) in [
        ("2026-11-24T08:30:00.000Z", "2026-11-24T08:30:00.000Z"),
        ("2026-11-24T14:00:00+05:30", "2026-11-24T08:30:00.000Z"),
        ("2026-11-24T08:30Z", "2026-11-24T08:30:00.000Z"),
        ("2026-11-24T08:30:00.123456+00:00", "2026-11-24T08:30:00.123Z"),
        ("2026-11-24T14:00:00+05:30[Asia/Kolkata]", "2026-11-24T08:30:00.000Z"),
    ] {
        assert_eq!(read(body_with(json!({"startTime": text}))).starts_at.to_iso(), utc, "{text}");
    }
    for (text, lack) in
        [("2026-11-24T08:30:00", "offset"), ("2026-11-24 08:30", "offset"), ("2026-11-24", "a time in ISO 8601")]
    {
        let pairs = faults(body_with(json!({"startTime": text}))).into_pairs();
        assert!(pairs.len() == 1 && pairs[0].1.contains(lack), "{pairs:?}");
    }
    for wrong in [
        json!(""),
        json!("24.11.2026 08:30"),
        json!(1_795_000_000),
        json!("2026-02-30T10:00:00Z"),
        json!("2026-11-24T25:00:00Z"),
        json!("0203-11-24T08:30:00Z"),
        json!("1999-12-31T23:59:59Z"),
        json!("2100-01-01T00:00:00Z"),
        json!("+012026-11-24T08:30:00Z"),
    ] {
        assert!(faults(body_with(json!({"startTime": wrong}))).properties().contains(&"startTime"), "{wrong}");
    }
}

#[test]
fn the_end_is_after_the_start_and_within_24_hours() {
    for (end, good) in [
        ("2026-11-24T09:00:00.001Z", true),
        ("2026-11-25T09:00:00Z", true),
        ("2026-11-25T09:00:00.001Z", false),
        ("2026-11-24T09:00:00Z", false),
        ("2026-11-24T08:00:00Z", false),
        ("2026-11-24T13:00:00+05:30", false),
    ] {
        let body = body_with(json!({"endTime": end}));
        match Draft::read(&body, Purpose::Create) {
            Ok(_) => assert!(good, "{end}"),
            Err(faults) => assert!(!good && faults.properties() == ["endTime"], "{end}"),
        }
    }
}

#[test]
fn unknown_fields_are_ignored_and_null_is_as_good_as_left_out() {
    let plain = read(body_with(json!({})));
    let odd = body_with(
        json!({"colour": "red", "isPinEnabled": null, "advancedOptions": null, "participants": null, "_id": 7}),
    );
    assert_eq!(read(odd), plain);
    assert_eq!(read(body_with(json!({"advancedOptions": {"waitingRoom": null, "x": 1}}))), plain);
}

#[test]
fn participants_are_normalised_and_folded() {
    let draft = read(body_with(json!({"participants": [" Ann@Example.COM", "ben@example.com", "ann@example.com"]})));
    let addresses: Vec<_> = draft.participants().unwrap().iter().map(Email::as_str).collect();
    assert_eq!(addresses, ["ann@example.com", "ben@example.com"]);
    assert_eq!(read(body_with(json!({"participants": []}))).participants(), Some(&[][..]));
    assert_eq!(read(body_with(json!({}))).participants(), None);
    let many: Vec<_> = (0..=MOST_PARTICIPANTS).map(|n| format!("p{n}@example.com")).collect();
    assert_eq!(faults(body_with(json!({"participants": many}))).properties(), ["participants"]);
    assert_eq!(faults(body_with(json!({"participants": "ann@example.com"}))).properties(), ["participants"]);
}

#[test]
fn a_rule_says_what_it_repeats_by() {
    let repeat =
        |options: Value| read(body_with(json!({"repeatOptions": options}))).plan(None).unwrap().repeat.unwrap();
    let week = [false, true, false, true, false, true, false];
    assert_eq!(repeat(json!({"repeat": "daily"})).kind, Kind::Daily);
    assert_eq!(repeat(json!({"repeat": "weekly"})).kind, Kind::Weekly(None));
    assert_eq!(repeat(json!({"repeat": "weekly", "daysOfWeek": week})).kind, Kind::Weekly(Some(week)));
    assert_eq!(repeat(json!({"repeat": "monthly"})).kind, Kind::Monthly(None));
    assert_eq!(repeat(json!({"repeat": "monthly", "dateInMonth": 31})).kind, Kind::Monthly(Some(31)));
    // What belongs to another kind is no fault while its type is right: forms send all fields.
    assert_eq!(repeat(json!({"repeat": "daily", "daysOfWeek": [false, false, false, false, false, false, false], "dateInMonth": 0})).kind, Kind::Daily);
    let full = repeat(json!({"repeat": "daily", "endDate": "2026-12-31", "timeZone": "asia/kolkata"}));
    assert_eq!((full.end_date, full.zone.name()), (Day::parse("2026-12-31"), "Asia/Kolkata"));
}

#[test]
fn without_a_zone_the_offset_of_the_start_counts() {
    let zone = |start: &str| {
        let body = body_with(json!({"startTime": start, "repeatOptions": {"repeat": "daily"}}));
        read(body).plan(None).unwrap().repeat.unwrap().zone.name().to_owned()
    };
    assert_eq!(zone("2026-11-24T09:00:00Z"), "UTC");
    assert_eq!(zone("2026-11-24T14:30:00+05:30"), "+05:30");
}

#[test]
fn faults_of_a_rule_stand_at_their_property() {
    let week = |days: Value| json!({"repeat": "weekly", "daysOfWeek": days});
    for (options, property) in [
        (json!({}), "repeatOptions.repeat"),
        (json!({"repeat": 7}), "repeatOptions.repeat"),
        (json!({"repeat": "Daily"}), "repeatOptions.repeat"),
        (json!([]), "repeatOptions"),
        (week(json!([true])), "repeatOptions.daysOfWeek"),
        (week(json!("monday")), "repeatOptions.daysOfWeek"),
        (week(json!([false, false, false, false, false, false, false])), "repeatOptions.daysOfWeek"),
        (week(json!([false, false, 1, false, false, false, true])), "repeatOptions.daysOfWeek[2]"),
        (json!({"repeat": "monthly", "dateInMonth": 0}), "repeatOptions.dateInMonth"),
        (json!({"repeat": "monthly", "dateInMonth": 32}), "repeatOptions.dateInMonth"),
        (json!({"repeat": "monthly", "dateInMonth": 1.5}), "repeatOptions.dateInMonth"),
        (json!({"repeat": "daily", "endDate": "2026-11-31"}), "repeatOptions.endDate"),
        (json!({"repeat": "daily", "endDate": "2100-01-01"}), "repeatOptions.endDate"),
        // Before the start, or before the first day that fits: the rule yields nothing.
        (json!({"repeat": "daily", "endDate": "2026-11-23"}), "repeatOptions.endDate"),
        (json!({"repeat": "monthly", "dateInMonth": 23, "endDate": "2026-12-22"}), "repeatOptions.endDate"),
        (json!({"repeat": "daily", "timeZone": 330}), "repeatOptions.timeZone"),
    ] {
        assert_eq!(faults(body_with(json!({"repeatOptions": options}))).properties(), [property], "{options}");
    }
    // Together with the faults of other fields.
    let body = body_with(json!({"topic": "", "repeatOptions": {"repeat": "daily", "endDate": "2026-11-23"}}));
    assert_eq!(faults(body).properties(), ["topic", "repeatOptions.endDate"]);
}

#[test]
fn a_change_keeps_what_it_leaves_out() {
    let stored = read(body_with(json!({
        "isPinEnabled": false,
        "advancedOptions": {"waitingRoom": true, "joinBeforeHost": false},
        "repeatOptions": {"repeat": "weekly", "timeZone": "Europe/Berlin"}
    })))
    .plan(None)
    .unwrap();
    let change =
        |changes: Value| Draft::read(&body_with(changes), Purpose::Change).unwrap().plan(Some(&stored)).unwrap();

    assert_eq!(change(json!({})), stored);
    let partly = change(json!({"topic": "Other", "advancedOptions": {"isClassroomMode": true}}));
    assert_eq!(partly.topic, "Other");
    assert_eq!(partly.options, AdvancedOptions { is_classroom_mode: true, ..stored.options });
    assert_eq!(partly.repeat, stored.repeat);

    assert_eq!(change(json!({"repeatOptions": null})).repeat, None);
    let daily = change(json!({"repeatOptions": {"repeat": "daily"}})).repeat.unwrap();
    assert_eq!((daily.kind, daily.zone.name()), (Kind::Daily, "Europe/Berlin"));
}

#[test]
fn a_change_that_leaves_no_occurrence_is_refused_against_the_stored_rule() {
    let stored =
        read(body_with(json!({"repeatOptions": {"repeat": "daily", "endDate": "2026-11-30"}}))).plan(None).unwrap();
    let later = body_with(json!({"startTime": "2026-12-01T09:00:00Z", "endTime": "2026-12-01T10:00:00Z"}));
    let draft = Draft::read(&later, Purpose::Change).unwrap();
    assert_eq!(draft.plan(Some(&stored)).unwrap_err().properties(), ["repeatOptions.endDate"]);
}

#[test]
fn cancel_is_one_of_two_words() {
    assert_eq!(Cancel::read(&json!({"cancel": "current"})), Ok(Cancel::Current));
    assert_eq!(Cancel::read(&json!({"cancel": "all", "why": "rain"})), Ok(Cancel::All));
    for wrong in [
        json!({}),
        json!({"cancel": null}),
        json!({"cancel": "ALL"}),
        json!({"cancel": true}),
        json!({"cancel": ["all"]}),
    ] {
        assert_eq!(Cancel::read(&wrong).unwrap_err().properties(), ["cancel"], "{wrong}");
    }
}

/// Any JSON that is a few levels deep, with the names of our fields more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "topic",
        "startTime",
        "endTime",
        "isPinEnabled",
        "advancedOptions",
        "waitingRoom",
        "participants",
        "repeatOptions",
        "repeat",
        "daysOfWeek",
        "dateInMonth",
        "endDate",
        "timeZone",
        "cancel",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "daily",
            "weekly",
            "monthly",
            "2026-01-01",
            "2026-01-01T10:00:00Z",
            "UTC",
            "a@b.example"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..10)
                .prop_map(|map| Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_is_too_odd_to_be_judged(body in any_json(), start in ".{0,30}", change in any::<bool>()) {
        let purpose = if change { Purpose::Change } else { Purpose::Create };
        let mut bodies = vec![body.clone(), json!({"startTime": start, "endTime": start})];
        bodies.extend(body.is_object().then(|| {
            let mut body = body;
            for (key, value) in [("topic", "T"), ("startTime", "2026-01-01T10:00:00Z"), ("endTime", "2026-01-01T11:00:00Z")] {
                body[key] = json!(value);
            }
            body
        }));
        for body in bodies {
            match Draft::read(&body, purpose) {
                Ok(draft) => prop_assert!(draft.plan(None).is_ok() || change),
                Err(faults) => prop_assert!(!faults.into_pairs().is_empty()),
            }
            let _ = Cancel::read(&body);
        }
    }

    #[test]
    fn a_moment_reads_back_as_it_was_written(millis in 946_684_800_000..4_102_444_800_000_i64, minutes in -840..=840_i32) {
        let moment = jiff::Timestamp::from_millisecond(millis).unwrap();
        let offset = Offset::from_seconds(minutes * 60).unwrap();
        let text = moment.display_with_offset(offset).to_string();
        prop_assert_eq!(parse_moment(&text), Some((Timestamp::from_millis(millis), offset)), "{}", text);
    }
}
