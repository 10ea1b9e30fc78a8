//! Units of work on a real database: what the desk does against a model that keeps everything in memory.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use sql::testing::{Scratch, engine};
use sql::{Db, Options};

use super::super::body::Purpose;
use super::super::listing::HORIZON;
use super::*;
use crate::migrations::MIGRATIONS;

const DAY: i64 = 86_400_000;
const NOW: i64 = 1_795_000_000_000;

async fn database() -> (Db, Scratch) {
    let (url, scratch) = Scratch::migrated(engine(), MIGRATIONS);
    (Db::open(&url, Options::default()).await.unwrap(), scratch)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn draft(start: i64, minutes: i64, more: Value) -> Draft {
    try_draft(start, minutes, more).unwrap()
}

fn try_draft(start: i64, minutes: i64, more: Value) -> Result<Draft, Refusal> {
    let mut body =
        json!({"topic": "T", "startTime": at(start).to_iso(), "endTime": at(start + minutes * 60_000).to_iso()});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    Draft::read(&body, Purpose::Change).map_err(Refusal::Faults)
}

/// The desk, with its units run on a database.
struct Desk {
    db: Db,
    random: Random,
    owner: UserId,
}

impl Desk {
    fn new(db: &Db) -> Desk {
        let random = Random::default();
        Desk { db: db.clone(), owner: UserId::mint(&random), random }
    }

    async fn unit<T: Send + 'static>(
        &self,
        unit: impl Fn(&mut Tx<'_>, &UserId) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        let owner = self.owner.clone();
        self.db.write(move |tx| unit(tx, &owner)).await.unwrap()
    }

    async fn create(&self, draft: Draft, now: i64) -> Result<Meeting, Refusal> {
        let mint = Mint::new(&self.random, at(now));
        self.unit(move |tx, owner| create(tx, owner, &draft, &mint, at(now))).await
    }

    async fn change(&self, id: &MeetingId, draft: Draft, now: i64) -> Result<Meeting, Refusal> {
        let id = id.clone();
        self.unit(move |tx, owner| change(tx, owner, &id, &draft, at(now))).await
    }

    async fn cancel(&self, id: &MeetingId, what: Cancel, now: i64) -> Result<Option<Day>, Refusal> {
        let meant = id.clone();
        match self.unit(move |tx, owner| cancel(tx, owner, &meant, what, at(now))).await? {
            Cancelling::Done => Ok(None),
            Cancelling::Occurrence(day) => {
                let meant = id.clone();
                self.unit(move |tx, owner| cancel_occurrence(tx, owner, &meant, day, at(now))).await.map(|()| Some(day))
            }
        }
    }

    async fn list(&self, past: bool, limit: usize, offset: u64, now: i64) -> Page {
        self.unit(move |tx, owner| list(tx, owner, ListQuery { past, limit, offset }, at(now))).await
    }
}

#[tokio::test]
async fn a_meeting_is_stored_as_it_was_planned() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let week = [true, false, true, false, false, true, false];
    for more in [
        json!({}),
        json!({"topic": "Größe 🙂 '\"", "isPinEnabled": false, "advancedOptions": {"joinBeforeHost": false, "waitingRoom": true}}),
        json!({"advancedOptions": {"participantHardAudioMute": true, "participantHardVideoMute": true, "isClassroomMode": true}}),
        json!({"repeatOptions": {"repeat": "daily"}}),
        json!({"repeatOptions": {"repeat": "weekly", "timeZone": "Europe/Berlin", "endDate": "2027-01-01"}}),
        json!({"repeatOptions": {"repeat": "weekly", "daysOfWeek": week, "timeZone": "Asia/Kolkata"}}),
        json!({"repeatOptions": {"repeat": "monthly", "timeZone": "-03:30"}}),
        json!({"repeatOptions": {"repeat": "monthly", "dateInMonth": 31}}),
    ] {
        let meeting = desk.create(draft(NOW, 30, more.clone()), NOW).await.unwrap();
        let id = meeting.id.clone();
        let (found, participants) = desk.unit(move |tx, owner| find(tx, owner, &id)).await.unwrap();
        assert_eq!(found, meeting, "{more}");
        assert!(participants.is_empty());

        // Changed to it from something else, it is the same again.
        let other =
            desk.create(draft(NOW - DAY, 45, json!({"repeatOptions": {"repeat": "daily"}})), NOW).await.unwrap();
        let mut all = json!({"repeatOptions": null, "isPinEnabled": true, "advancedOptions":
            {"joinBeforeHost": true, "waitingRoom": false, "participantHardAudioMute": false, "participantHardVideoMute": false, "isClassroomMode": false}});
        for (key, value) in more.as_object().unwrap() {
            match (&mut all[key], value) {
                (Value::Object(under), Value::Object(over)) => under.extend(over.clone()),
                (under, over) => *under = over.clone(),
            }
        }
        let changed = desk.change(&other.id, draft(NOW, 30, all), NOW + 1).await.unwrap();
        let id = changed.id.clone();
        let (found, _) = desk.unit(move |tx, owner| find(tx, owner, &id)).await.unwrap();
        assert_eq!(found, changed);
        // A zone that was not named stays that of the series.
        assert_eq!(found.plan, meeting.plan, "{more}");
    }
}

#[tokio::test]
async fn ten_digits_that_are_taken_are_not_given_again() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let first = desk.create(draft(NOW, 30, json!({})), NOW).await.unwrap();
    let mut mint = Mint::new(&desk.random, at(NOW));
    let free = mint.jiomeet_ids[1].clone();
    mint.jiomeet_ids[0] = first.jiomeet_id.clone();
    let draft = draft(NOW, 30, json!({}));
    let second = desk.unit(move |tx, owner| create(tx, owner, &draft, &mint, at(NOW))).await.unwrap();
    assert_eq!(second.jiomeet_id, free);
    // The lost attempt is not counted.
    assert_eq!(desk.list(false, 100, 0, NOW).await.total, 2);
}

#[tokio::test]
async fn invitations_are_replaced_and_whoever_was_there_stays() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let meeting = desk
        .create(draft(NOW, 30, json!({"participants": ["a@example.com", "b@example.com", "c@example.com"]})), NOW)
        .await
        .unwrap();
    let id = meeting.id.clone();
    desk.unit(move |tx, _| {
        const JOIN: sql::Statement = sql::Statement::new(
            "JOIN",
            "UPDATE meeting_participants SET joined_at = $3 WHERE meeting_id = $1 AND email = $2",
        );
        tx.execute(&JOIN, sql::params![id, "b@example.com", NOW])
    })
    .await;
    desk.change(&meeting.id, draft(NOW, 30, json!({"participants": ["d@example.com", "a@example.com"]})), NOW)
        .await
        .unwrap();
    let id = meeting.id.clone();
    let (_, participants) = desk.unit(move |tx, owner| find(tx, owner, &id)).await.unwrap();
    let mut emails: Vec<_> = participants.iter().map(|p| (p.email.as_str(), p.joined_at)).collect();
    assert_eq!(
        emails.iter().filter(|(_, joined)| joined.is_none()).map(|(email, _)| *email).collect::<Vec<_>>(),
        ["d@example.com", "a@example.com"]
    );
    emails.retain(|(_, joined)| joined.is_some());
    assert_eq!(emails, [("b@example.com", Some(at(NOW)))]);
    // Nothing said: nobody is uninvited.
    desk.change(&meeting.id, draft(NOW, 60, json!({})), NOW).await.unwrap();
    let id = meeting.id.clone();
    assert_eq!(desk.unit(move |tx, owner| find(tx, owner, &id)).await.unwrap().1.len(), 3);
}

#[tokio::test]
async fn repeating_meetings_are_bounded_in_number_and_single_ones_are_not() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let daily = || draft(NOW, 30, json!({"repeatOptions": {"repeat": "daily"}}));
    let mints: Vec<_> = (0..MOST_SERIES).map(|_| Mint::new(&desk.random, at(NOW))).collect();
    let first = mints[0].id.clone();
    let rule = daily();
    desk.unit(move |tx, owner| {
        for mint in &mints {
            assert!(create(tx, owner, &rule, mint, at(NOW))?.is_ok());
        }
        Ok(())
    })
    .await;
    let properties = |refused: Result<Meeting, Refusal>| match refused {
        Err(Refusal::Faults(faults)) => {
            faults.properties().iter().map(|property| (*property).to_owned()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(properties(desk.create(daily(), NOW).await), ["repeatOptions"]);
    let single = desk.create(draft(NOW, 30, json!({})), NOW).await.unwrap();
    assert_eq!(properties(desk.change(&single.id, daily(), NOW).await), ["repeatOptions"]);
    assert!(desk.change(&first, daily(), NOW).await.is_ok());
    desk.cancel(&first, Cancel::All, NOW).await.unwrap();
    assert!(desk.create(daily(), NOW).await.is_ok());
    assert_eq!(desk.list(false, 1, 300_000, NOW).await.total, 366 * u64::from(MOST_SERIES) + 1);
}

#[tokio::test]
async fn of_two_calls_that_mean_one_occurrence_one_cancels_it() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let meeting = desk.create(draft(NOW + DAY, 30, json!({"repeatOptions": {"repeat": "daily"}})), NOW).await.unwrap();
    let ask = || {
        let id = meeting.id.clone();
        desk.unit(move |tx, owner| cancel(tx, owner, &id, Cancel::Current, at(NOW)))
    };
    let (first, second) = tokio::join!(ask(), ask());
    let Ok(Cancelling::Occurrence(day)) = first else { panic!("{first:?}") };
    assert_eq!(first, second);
    let claim = || {
        let id = meeting.id.clone();
        desk.unit(move |tx, owner| cancel_occurrence(tx, owner, &id, day, at(NOW)))
    };
    let mut outcomes = <[_; 2]>::from(tokio::join!(claim(), claim()));
    outcomes.sort_by_key(Result::is_err);
    assert_eq!(outcomes, [Ok(()), Err(Refusal::Overtaken)]);
    assert_eq!(desk.list(false, 100, 0, NOW).await.rows[0].starts_at, at(NOW + 2 * DAY));
}

#[tokio::test]
async fn a_series_goes_with_its_last_occurrence() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let end = Day::at(at(NOW + 2 * DAY), &jiff::tz::TimeZone::UTC).date().to_string();
    let daily = json!({"repeatOptions": {"repeat": "daily", "endDate": end}});
    let meeting = desk.create(draft(NOW, 30, daily), NOW).await.unwrap();
    for _ in 0..2 {
        assert!(desk.cancel(&meeting.id, Cancel::Current, NOW).await.is_ok());
    }
    // What would be left by this change is cancelled already.
    let shorter = Day::at(at(NOW + DAY), &jiff::tz::TimeZone::UTC).date().to_string();
    let refused = desk
        .change(&meeting.id, draft(NOW, 30, json!({"repeatOptions": {"repeat": "daily", "endDate": shorter}})), NOW)
        .await;
    assert!(matches!(refused, Err(Refusal::Faults(_))), "{refused:?}");
    assert!(desk.cancel(&meeting.id, Cancel::Current, NOW).await.is_ok());
    assert_eq!(desk.cancel(&meeting.id, Cancel::Current, NOW).await, Err(Refusal::NoSuchMeeting));
    assert_eq!(desk.change(&meeting.id, draft(NOW, 30, json!({})), NOW).await, Err(Refusal::NoSuchMeeting));
}

#[tokio::test]
async fn a_cancelled_day_stays_cancelled_when_the_hour_changes_and_is_forgotten_with_the_day() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let meeting = desk.create(draft(NOW + DAY, 30, json!({"repeatOptions": {"repeat": "daily"}})), NOW).await.unwrap();
    desk.cancel(&meeting.id, Cancel::Current, NOW).await.unwrap();
    desk.change(&meeting.id, draft(NOW + DAY - 3_600_000, 30, json!({})), NOW).await.unwrap();
    assert_eq!(desk.list(false, 1, 0, NOW).await.rows[0].starts_at, at(NOW + 2 * DAY - 3_600_000));
    // From the next day on, and back again: the day was forgotten.
    desk.change(&meeting.id, draft(NOW + 2 * DAY, 30, json!({})), NOW).await.unwrap();
    desk.change(&meeting.id, draft(NOW + DAY, 30, json!({})), NOW).await.unwrap();
    assert_eq!(desk.list(false, 1, 0, NOW).await.rows[0].starts_at, at(NOW + DAY));
}

#[tokio::test]
async fn a_series_that_is_over_has_no_current_occurrence() {
    let (db, _scratch) = database().await;
    let desk = Desk::new(&db);
    let end = Day::at(at(NOW + DAY), &jiff::tz::TimeZone::UTC).date().to_string();
    let meeting =
        desk.create(draft(NOW, 30, json!({"repeatOptions": {"repeat": "daily", "endDate": end}})), NOW).await.unwrap();
    let later = NOW + DAY + 30 * 60_000;
    assert_eq!(desk.cancel(&meeting.id, Cancel::Current, later).await, Err(Refusal::Over));
    assert_eq!(desk.list(true, 100, 0, later).await.total, 2);
    assert_eq!(desk.cancel(&meeting.id, Cancel::All, later).await, Ok(None));
    assert_eq!(desk.list(true, 100, 0, later).await.total, 0);
}

/// What happens to a person's meetings.
#[derive(Debug, Clone)]
enum Step {
    Create { start: i64, minutes: i64, rule: Option<Value> },
    Change { which: usize, start: i64, minutes: i64, rule: Option<Value> },
    Cancel { which: usize, all: bool },
    Wait { millis: i64 },
}

fn rules() -> impl Strategy<Value = Option<Value>> {
    let rule = (prop::sample::select(vec!["daily", "weekly", "monthly"]), prop::option::of(5..400_i64)).prop_map(
        |(word, days)| {
            let mut rule = json!({"repeat": word, "timeZone": "America/New_York"});
            if let Some(days) = days {
                rule["endDate"] = json!(Day::at(at(NOW + days * DAY), &jiff::tz::TimeZone::UTC).date().to_string());
            }
            rule
        },
    );
    prop::option::weighted(0.4, rule)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let start = || (-70..70_i64, 0..48_i64).prop_map(|(days, halves)| NOW + days * DAY + halves * 1_800_000);
    let minutes = || (1..=48_i64).prop_map(|halves| halves * 30);
    let step = prop_oneof![
        4 => (start(), minutes(), rules()).prop_map(|(start, minutes, rule)| Step::Create { start, minutes, rule }),
        2 => (any::<usize>(), start(), minutes(), rules()).prop_map(|(which, start, minutes, rule)| Step::Change { which, start, minutes, rule }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, all)| Step::Cancel { which, all }),
        1 => (0..40 * DAY).prop_map(|millis| Step::Wait { millis }),
    ];
    prop::collection::vec(step, 1..25)
}

/// A person's meetings, kept in memory: every list is made anew by looking at everything.
#[derive(Default)]
struct Model(Vec<(Meeting, BTreeSet<Day>)>);

impl Model {
    fn rows(&self, past: bool, now: i64) -> Vec<(Timestamp, MeetingId)> {
        let mut rows = Vec::new();
        for (meeting, cancelled) in &self.0 {
            let Some(series) = meeting.plan.series() else {
                rows.push((meeting.plan.starts_at, meeting.plan.ends_at, meeting.id.clone()));
                continue;
            };
            for (index, occurrence) in series.ascending(series.days()).enumerate() {
                if series.is_endless() && index > 0 && occurrence.starts_at >= at(now).plus(HORIZON) {
                    break;
                }
                if !cancelled.contains(&occurrence.day) {
                    rows.push((occurrence.starts_at, occurrence.ends_at, meeting.id.clone()));
                }
            }
        }
        rows.retain(|(_, ends_at, _)| (*ends_at <= at(now)) == past);
        rows.sort_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)));
        if past {
            rows.reverse();
        }
        rows.into_iter().map(|(starts_at, _, id)| (starts_at, id)).collect()
    }

    fn changed(&mut self, meeting: Meeting) {
        for (stored, cancelled) in &mut self.0 {
            if stored.id == meeting.id {
                let series = meeting.plan.series();
                cancelled.retain(|day| series.as_ref().is_some_and(|series| series.takes(*day)));
                *stored = meeting.clone();
            }
        }
    }

    fn cancelled(&mut self, id: &MeetingId, day: Option<Day>) {
        let gone = |meeting: &Meeting, cancelled: &BTreeSet<Day>| match (day, meeting.plan.series()) {
            (Some(_), Some(series)) => {
                series.ascending(series.days()).all(|occurrence| cancelled.contains(&occurrence.day))
            }
            _ => true,
        };
        self.0.retain_mut(|(meeting, cancelled)| {
            if meeting.id != *id {
                return true;
            }
            cancelled.extend(day);
            !gone(meeting, cancelled)
        });
    }
}

async fn play(desk: &Desk, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let mut now = NOW;
    for step in steps {
        let with = |rule: &Option<Value>| {
            rule.as_ref().map_or(json!({"repeatOptions": null}), |rule| json!({"repeatOptions": rule}))
        };
        match step {
            Step::Create { start, minutes, rule } => {
                let Ok(draft) = try_draft(start, minutes, with(&rule)) else { continue };
                if let Ok(meeting) = desk.create(draft, now).await {
                    model.0.push((meeting, BTreeSet::new()));
                }
            }
            Step::Change { which, start, minutes, rule } if !model.0.is_empty() => {
                let id = model.0[which % model.0.len()].0.id.clone();
                let Ok(draft) = try_draft(start, minutes, with(&rule)) else { continue };
                if let Ok(meeting) = desk.change(&id, draft, now).await {
                    model.changed(meeting);
                }
            }
            Step::Cancel { which, all } if !model.0.is_empty() => {
                let id = model.0[which % model.0.len()].0.id.clone();
                if let Ok(day) = desk.cancel(&id, if all { Cancel::All } else { Cancel::Current }, now).await {
                    model.cancelled(&id, day);
                }
            }
            Step::Wait { millis } => now += millis,
            Step::Change { .. } | Step::Cancel { .. } => {}
        }
    }
    for past in [false, true] {
        let expected = model.rows(past, now);
        for offset in [0, expected.len() / 2, expected.len().saturating_sub(3)] {
            let page = desk.list(past, 7, offset as u64, now).await;
            prop_assert_eq!(page.total, expected.len() as u64);
            let found: Vec<_> = page.rows.into_iter().map(|row| (row.starts_at, row.meeting.id)).collect();
            let wanted: Vec<_> = expected.iter().skip(offset).take(7).cloned().collect();
            prop_assert_eq!(found, wanted);
        }
    }
    Ok(())
}

#[test]
fn whatever_happens_the_list_is_what_looking_at_everything_would_give() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (db, _scratch) = runtime.block_on(database());
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let played = TestRunner::new(config).run(&steps(), |steps| runtime.block_on(play(&Desk::new(&db), steps)));
    played.unwrap_or_else(|error| panic!("{error}"));
}
