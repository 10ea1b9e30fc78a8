use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::meeting::{AdvancedOptions, JiomeetId, Pin, Plan};
use super::super::repeat::{Kind, Repeat, Weekdays, Zone};
use super::*;
use crate::ids::{MeetingId, UserId};

fn meeting(number: usize, starts_at: i64, length_ms: i64, repeat: Option<Repeat>) -> Meeting {
    Meeting {
        // Ids do not come in the order of times.
        id: MeetingId::from_text(format!("sm-{}-{number}", (number * 7919) % 101)),
        jiomeet_id: JiomeetId::from_text("1234567890"),
        owner: UserId::from_text("u-1"),
        pin: Pin::from_text("aaaaa"),
        plan: Plan {
            topic: number.to_string(),
            starts_at: Timestamp::from_millis(starts_at),
            ends_at: Timestamp::from_millis(starts_at + length_ms),
            pin_required: true,
            options: AdvancedOptions::default(),
            repeat,
        },
    }
}

/// What the database does: the counts and the first rows from an edge on, of single meetings.
fn counts(singles: &[Meeting], view: View) -> SingleCounts {
    let shown = singles.iter().filter(|meeting| (meeting.plan.ends_at <= view.now) == view.past);
    let near = shown.filter(|meeting| view.near().contains(&meeting.plan.starts_at)).count() as u64;
    let mut months = BTreeMap::new();
    for meeting in singles {
        *months.entry(Month::at(meeting.plan.starts_at)).or_insert(0) += 1;
    }
    let whole = |month: &Month| if view.past { *month < view.whole_months() } else { *month >= view.whole_months() };
    SingleCounts { near, months: months.into_iter().filter(|(month, _)| whole(month)).collect() }
}

fn read(singles: &[Meeting], view: View, seek: Seek, limit: usize) -> Vec<Meeting> {
    let from_edge = |meeting: &&Meeting| match seek.edge {
        Edge::Beginning => true,
        Edge::At(at) => (meeting.plan.starts_at < at) == view.past,
    };
    let mut found: Vec<_> = singles
        .iter()
        .filter(|meeting| (meeting.plan.ends_at <= view.now) == view.past)
        .filter(from_edge)
        .cloned()
        .collect();
    found.sort_by(|a, b| (a.plan.starts_at, &a.id).cmp(&(b.plan.starts_at, &b.id)));
    if view.past {
        found.reverse();
    }
    found.truncate(usize::try_from(seek.skip).unwrap() + limit);
    found
}

/// The oracle: every row there is, filtered and sorted.
fn naive(singles: &[Meeting], series: &[(Meeting, Vec<Day>)], view: View) -> Vec<(Timestamp, MeetingId)> {
    let mut rows: Vec<_> =
        singles.iter().map(|meeting| (meeting.plan.starts_at, meeting.plan.ends_at, meeting.id.clone())).collect();
    for (meeting, cancelled) in series {
        let endless = meeting.plan.repeat.as_ref().unwrap().end_date.is_none();
        let series = meeting.plan.series().unwrap();
        for (index, occurrence) in series.ascending(series.days()).enumerate() {
            let in_sight = !endless || index == 0 || occurrence.starts_at < view.now.plus(HORIZON) || view.past;
            if in_sight && !cancelled.contains(&occurrence.day) {
                rows.push((occurrence.starts_at, occurrence.ends_at, meeting.id.clone()));
            }
        }
    }
    rows.retain(|(_, ends_at, _)| (*ends_at <= view.now) == view.past);
    rows.sort_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)));
    if view.past {
        rows.reverse();
    }
    rows.into_iter().map(|(starts_at, _, id)| (starts_at, id)).collect()
}

const DAY: i64 = 86_400_000;
const NOW: i64 = 1_795_000_000_000;

fn repeats() -> impl Strategy<Value = Repeat> {
    let kind = prop_oneof![
        Just(Kind::Daily),
        prop::option::of(any::<Weekdays>()).prop_map(Kind::Weekly),
        prop::option::of(1..=31_i8).prop_map(Kind::Monthly),
    ];
    let end = prop::option::weighted(0.8, -500..900_i64);
    let zone = prop::sample::select(vec!["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Auckland"]);
    (kind, end, zone).prop_map(|(kind, end, zone)| Repeat {
        kind,
        end_date: end.map(|days| Day::at(Timestamp::from_millis(NOW + days * DAY), &jiff::tz::TimeZone::UTC)),
        zone: Zone::parse(zone).unwrap(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_page_is_what_sorting_everything_would_give(
        times in prop::collection::vec((-40_i64..40, 0..24_i64, 1..=48_i64, 1..20_i64), 0..60),
        rules in prop::collection::vec((repeats(), -600..600_i64, 0..1440_i64, 1..=48_i64, prop::collection::vec(-400..400_i64, 0..4)), 0..4),
        jitter in 0..DAY,
        past in any::<bool>(),
        limit in 1..12_usize,
        offset in 0..1_500_u64,
    ) {
        let view = View { past, now: Timestamp::from_millis(NOW + jitter) };
        let singles: Vec<_> = times
            .iter()
            .enumerate()
            // Half hours, so that starts and ends meet `now` and each other; now and then far away.
            .map(|(number, (days, hours, halves, far))| meeting(number, NOW + days * far * DAY + hours * 3_600_000, halves * 1_800_000, None))
            .collect();
        let series: Vec<_> = rules
            .into_iter()
            .enumerate()
            .map(|(number, (repeat, days, minutes, halves, cancelled))| {
                let meeting = meeting(1_000 + number, NOW + days * DAY + minutes * 60_000, halves * 1_800_000, Some(repeat));
                let today = Day::at(view.now, &jiff::tz::TimeZone::UTC);
                (meeting, cancelled.into_iter().map(|off| today.plus(off)).collect::<Vec<_>>())
            })
            .filter(|(meeting, _)| meeting.plan.series().is_some())
            .collect();
        let repeating = series.iter().filter_map(|(meeting, cancelled)| Repeating::new(meeting.clone(), cancelled.clone(), view));
        let listing = Listing::new(view, counts(&singles, view), repeating.collect());
        let expected = naive(&singles, &series, view);
        prop_assert_eq!(listing.total(), expected.len() as u64);
        for offset in [0, offset, offset % (expected.len() as u64 + 1), expected.len() as u64] {
            let seek = listing.seek(offset);
            let starts: Vec<_> =
                read(&singles, view, seek, 0).iter().map(|meeting| meeting.plan.starts_at).collect();
            let nearer = listing.nearer(seek, &starts);
            prop_assert!(nearer.skip <= seek.skip);
            for seek in [seek, nearer] {
            let alone = read(&singles, view, seek, limit);
            let page: Vec<_> = listing.page(seek, limit, &alone).iter().map(|row| (row.starts_at, row.meeting.id.clone())).collect();
            let wanted: Vec<_> = expected.iter().skip(usize::try_from(offset).unwrap()).take(limit).cloned().collect();
            prop_assert_eq!(page, wanted);
            }
        }
    }
}

#[test]
fn deep_pages_begin_at_their_month() {
    let view = View { past: true, now: Timestamp::from_millis(NOW) };
    let singles: Vec<_> = (0..3_000)
        .map(|number| meeting(number, NOW - 5 * DAY - i64::try_from(number).unwrap() * DAY, 3_600_000, None))
        .collect();
    let listing = Listing::new(view, counts(&singles, view), Vec::new());
    for offset in [0, 100, 1_000, 2_999] {
        let seek = listing.seek(offset);
        assert!(seek.skip <= 62, "{seek:?}");
        let starts: Vec<_> = read(&singles, view, seek, 0).iter().map(|meeting| meeting.plan.starts_at).collect();
        assert!(listing.nearer(seek, &starts).skip <= 1, "{seek:?}");
    }
}

#[test]
fn a_series_far_ahead_shows_its_first_occurrence_and_one_without_end_a_year_of_them() {
    let view = View { past: false, now: Timestamp::from_millis(NOW) };
    let daily = |starts_at| {
        meeting(
            1,
            starts_at,
            3_600_000,
            Some(Repeat { kind: Kind::Daily, end_date: None, zone: Zone::parse("UTC").unwrap() }),
        )
    };
    let total = |meeting| {
        Listing::new(
            view,
            SingleCounts { near: 0, months: vec![] },
            Repeating::new(meeting, [], view).into_iter().collect(),
        )
        .total()
    };
    assert_eq!(total(daily(NOW + 1_000 * DAY)), 1);
    assert_eq!(total(daily(NOW + 1)), 366);
    // The one that runs, too.
    assert_eq!(total(daily(NOW - 1_000 * DAY - 1)), 366 + 1);
}
