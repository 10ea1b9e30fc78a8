use jiff::civil::Date;
use jiff::tz::Offset;
use proptest::prelude::*;
use serde_json::Value;

use super::super::repeat::Zone;
use super::*;

fn moment(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn series_of(kind: Kind, zone: &str, start: &str, minutes: i64, end_date: Option<&str>) -> Option<Series> {
    let repeat = Repeat { kind, end_date: end_date.map(day), zone: Zone::parse(zone).unwrap() };
    let start = moment(start);
    Series::new(&repeat, start, Timestamp::from_millis(start.as_millis() + minutes * 60_000))
}

fn starts(series: &Series, days: Range<Day>, at_most: usize) -> Vec<String> {
    series.ascending(days).take(at_most).map(|occurrence| occurrence.starts_at.to_iso()).collect()
}

#[test]
fn the_local_time_stays_when_clocks_change() {
    let series = series_of(Kind::Weekly(None), "Europe/Berlin", "2026-03-18T08:00:00Z", 30, None).unwrap();
    assert_eq!(
        starts(&series, series.days(), 3),
        ["2026-03-18T08:00:00.000Z", "2026-03-25T08:00:00.000Z", "2026-04-01T07:00:00.000Z"]
    );
}

#[test]
fn a_time_that_is_skipped_moves_on_for_that_day_alone() {
    let series = series_of(Kind::Daily, "Europe/Berlin", "2026-03-28T01:30:00Z", 30, None).unwrap();
    // 02:30, then 03:30 because there is no 02:30, then 02:30 again.
    assert_eq!(
        starts(&series, series.days(), 3),
        ["2026-03-28T01:30:00.000Z", "2026-03-29T01:30:00.000Z", "2026-03-30T00:30:00.000Z"]
    );
}

#[test]
fn a_time_that_comes_twice_is_the_earlier_one_but_for_the_start_itself() {
    let later = series_of(Kind::Daily, "Europe/Berlin", "2026-10-25T01:30:00Z", 30, None).unwrap();
    assert_eq!(starts(&later, later.days(), 2), ["2026-10-25T01:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
    let before = series_of(Kind::Daily, "Europe/Berlin", "2026-10-24T00:30:00Z", 30, None).unwrap();
    assert_eq!(starts(&before, before.days(), 2), ["2026-10-24T00:30:00.000Z", "2026-10-25T00:30:00.000Z"]);
}

#[test]
fn a_month_without_the_day_is_skipped() {
    let series = series_of(Kind::Monthly(Some(31)), "UTC", "2026-01-31T10:00:00Z", 60, Some("2026-08-31")).unwrap();
    let found: Vec<_> = series.ascending(series.days()).map(|occurrence| occurrence.day.date().to_string()).collect();
    assert_eq!(found, ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"]);
}

#[test]
fn the_end_date_is_included_and_counts_in_the_zone() {
    // 20:00Z is the next day in Kolkata.
    let series = series_of(Kind::Daily, "Asia/Kolkata", "2026-01-01T20:00:00Z", 60, Some("2026-01-03")).unwrap();
    assert_eq!(starts(&series, series.days(), 9), ["2026-01-01T20:00:00.000Z", "2026-01-02T20:00:00.000Z"]);
}

#[test]
fn a_rule_without_a_single_day_is_no_series() {
    let sundays = Kind::Weekly(Some([true, false, false, false, false, false, false]));
    for (kind, end) in [(Kind::Daily, "2026-01-04"), (sundays, "2026-01-10"), (Kind::Monthly(Some(31)), "2026-01-30")] {
        assert!(series_of(kind, "UTC", "2026-01-05T10:00:00Z", 60, Some(end)).is_none(), "{kind:?}");
    }
    assert!(series_of(Kind::Weekly(Some([false; 7])), "UTC", "2026-01-05T10:00:00Z", 60, None).is_none());
}

#[test]
fn an_occurrence_that_runs_is_not_over_and_one_that_ends_now_is() {
    let series = series_of(Kind::Daily, "UTC", "2026-01-05T10:00:00Z", 60, None).unwrap();
    for (now, first) in [
        ("2026-01-01T00:00:00Z", "2026-01-05"),
        ("2026-01-06T10:59:59.999Z", "2026-01-06"),
        ("2026-01-06T11:00:00Z", "2026-01-07"),
        ("2031-01-06T11:00:00Z", "2031-01-07"),
    ] {
        let not_over = series.first_day_not_over(moment(now));
        assert_eq!(series.ascending(not_over..day("2099-12-31")).next().unwrap().day, day(first), "{now}");
    }
}

#[test]
fn dateutil_agrees_on_every_known_case() {
    let cases = include_str!("../../tests/data/recurrence_cases.jsonl");
    assert!(cases.lines().count() >= 100);
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let options = &case["options"];
        let kind = match options["repeat"].as_str().unwrap() {
            "daily" => Kind::Daily,
            "weekly" => Kind::Weekly(
                options["daysOfWeek"]
                    .as_array()
                    .map(|days| std::array::from_fn(|index| days[index].as_bool().unwrap())),
            ),
            _ => Kind::Monthly(options["dateInMonth"].as_i64().map(|date| i8::try_from(date).unwrap())),
        };
        let zone = text(&options["timeZone"]);
        let series = series_of(kind, &zone, &text(&case["start"]), 30, options["endDate"].as_str()).unwrap();
        let expected = |key: &str| -> Vec<String> {
            case[key].as_array().unwrap().iter().map(|start| text(start).replace('Z', ".000Z")).collect()
        };
        assert_eq!(series.count(&series.days()), case["count"].as_u64().unwrap(), "{line}");
        assert_eq!(starts(&series, series.days(), 8), expected("first"), "{line}");
        assert_eq!(series.first().starts_at.to_iso(), expected("first")[0], "{line}");
        assert_eq!(series.last().starts_at, moment(&text(&case["last"])), "{line}");
        let from = series.first_day_from(moment(&text(&case["moment"])));
        assert_eq!(series.count(&(series.days().start..from)), case["before"].as_u64().unwrap(), "{line}");
        assert_eq!(starts(&series, from..series.days().end, 4), expected("from"), "{line}");
    }
}

/// The oracle: walks day by day, asks each day's own fields, and finds the moment by trying the offsets around it.
fn walk(repeat: &Repeat, start: Timestamp) -> Vec<(Day, Timestamp)> {
    let zone = repeat.zone.rules();
    let offset_at =
        |millis: i64| i64::from(zone.to_offset(jiff::Timestamp::from_millisecond(millis).unwrap()).seconds()) * 1000;
    let local_start = start.as_millis() + offset_at(start.as_millis());
    let date_of = |local: i64| Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(local).unwrap()).date();
    let first_date: Date = date_of(local_start);
    let mut found = Vec::new();
    let mut local = local_start;
    loop {
        let date = date_of(local);
        if Day::of(date) > repeat.end_date.unwrap_or(Day::LAST) {
            return found;
        }
        let taken = match repeat.kind {
            Kind::Daily => true,
            Kind::Weekly(None) => date.weekday() == first_date.weekday(),
            Kind::Weekly(Some(days)) => days[usize::try_from(date.weekday().to_sunday_zero_offset()).unwrap()],
            Kind::Monthly(None) => date.day() == first_date.day(),
            Kind::Monthly(Some(day)) => date.day() == day,
        };
        if taken {
            let (before, after) = (offset_at(local - 86_400_000), offset_at(local + 86_400_000));
            let fitting =
                [before, after].into_iter().map(|offset| local - offset).filter(|at| at + offset_at(*at) == local);
            let at = if local == local_start { start.as_millis() } else { fitting.min().unwrap_or(local - before) };
            found.push((Day::of(date), Timestamp::from_millis(at)));
        }
        local += 86_400_000;
    }
}

fn zones() -> impl Strategy<Value = Zone> {
    prop::sample::select(vec![
        "UTC",
        "Asia/Kolkata",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "America/Scoresbysund",
        "Asia/Tehran",
        "Pacific/Chatham",
        "Atlantic/Azores",
        "+05:45",
        "-11:00",
    ])
    .prop_map(|name| Zone::parse(name).unwrap())
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Daily),
        prop::option::of(any::<Weekdays>()).prop_map(Kind::Weekly),
        prop::option::of(1..=31_i8).prop_map(Kind::Monthly),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn counts_and_look_ups_agree_with_a_walk_day_by_day(
        kind in kinds(),
        zone in zones(),
        start in 1_577_836_800_000..1_893_456_000_000_i64,
        length_ms in 1..=86_400_000_i64,
        span in 0..1_200_i64,
        offsets in prop::collection::vec(-90_000_000_000..130_000_000_000_i64, 6),
    ) {
        let start = Timestamp::from_millis(start / 60_000 * 60_000);
        let end = Timestamp::from_millis(start.as_millis() + length_ms);
        let end_date = Some(Day::at(start, zone.rules()).plus(span));
        let repeat = Repeat { kind, end_date, zone };
        let walked = walk(&repeat, start);
        let Some(series) = Series::new(&repeat, start, end) else {
            prop_assert!(walked.is_empty());
            return Ok(());
        };
        let all: Vec<_> = series.ascending(series.days()).map(|occurrence| (occurrence.day, occurrence.starts_at)).collect();
        prop_assert_eq!(&all, &walked);
        let mut backwards: Vec<_> = series.descending(series.days()).map(|occurrence| (occurrence.day, occurrence.starts_at)).collect();
        backwards.reverse();
        prop_assert_eq!(&backwards, &walked);
        prop_assert_eq!(series.count(&series.days()), walked.len() as u64);
        prop_assert_eq!(Some(series.first().day), walked.first().map(|(day, _)| *day));
        prop_assert_eq!(Some(series.last().starts_at), walked.last().map(|(_, at)| *at));
        for offset in offsets {
            let at = Timestamp::from_millis(start.as_millis() + offset);
            let from = series.first_day_from(at);
            let before = walked.iter().filter(|(_, starts_at)| *starts_at < at).count() as u64;
            prop_assert_eq!(series.count(&(series.days().start..from)), before);
            prop_assert_eq!(series.count(&(from..series.days().end)), walked.len() as u64 - before);
            let over = walked.iter().filter(|(_, starts_at)| starts_at.as_millis() + length_ms <= at.as_millis()).count() as u64;
            prop_assert_eq!(series.count(&(series.days().start..series.first_day_not_over(at))), over);
        }
        for (day, _) in &walked {
            prop_assert!(series.takes(*day));
        }
    }

    #[test]
    fn an_endless_series_is_reached_anywhere_at_once(kind in kinds(), zone in zones(), start in 1_577_836_800_000..1_893_456_000_000_i64) {
        let start = Timestamp::from_millis(start);
        let repeat = Repeat { kind, end_date: None, zone };
        prop_assume!(!matches!(kind, Kind::Weekly(Some(days)) if !days.contains(&true)));
        let series = Series::new(&repeat, start, Timestamp::from_millis(start.as_millis() + 1)).unwrap();
        prop_assert!(series.is_endless());
        let far = day("2090-01-01");
        let found: Vec<_> = series.ascending(far..day("2092-01-01")).collect();
        prop_assert!(found.len() >= 14);
        prop_assert_eq!(found.len() as u64, series.count(&(far..day("2092-01-01"))));
        prop_assert!(found.iter().all(|occurrence| occurrence.starts_at > start));
    }
}
