//! Reading `repeatOptions`, every fault in it at once.

use serde_json::Value;

use super::body::{Object, given};
use super::day::Day;
use super::faults::Faults;
use super::recurrence::Series;
use super::repeat::{Kind, Repeat, Weekdays, Zone};
use crate::time::Timestamp;

/// What a body says about repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repetition {
    /// Nothing was said.
    AsItIs,
    /// It does not repeat, or no longer.
    Never,
    /// By this rule.
    By(Rule),
}

/// A rule of repetition; the zone may have to come from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    kind: Kind,
    end_date: Option<Day>,
    /// As the body names it.
    pub zone: Option<Zone>,
}

impl Rule {
    /// The rule, meant in that zone.
    pub fn in_zone(&self, zone: Zone) -> Repeat {
        Repeat { kind: self.kind, end_date: self.end_date, zone }
    }
}

/// A rule that yields nothing is a fault, for nobody would ever see such a meeting.
pub fn check_rule(repeat: &Repeat, starts_at: Timestamp, faults: &mut Faults) {
    if Series::new(repeat, starts_at, starts_at).is_none() {
        match repeat.end_date {
            Some(day) => {
                faults.add(
                    "repeatOptions.endDate",
                    format!("({}) leaves no day on which the meeting takes place", day.date()),
                );
            }
            None => faults.add("repeatOptions", "leaves no day before the year 2100 on which the meeting takes place"),
        }
    }
}

/// Reads `repeatOptions`.
pub fn read_repetition(body: &Object, faults: &mut Faults) -> Repetition {
    let options = match body.get("repeatOptions") {
        None => return Repetition::AsItIs,
        Some(Value::Null) => return Repetition::Never,
        Some(Value::Object(options)) => options,
        Some(_) => {
            faults.add("repeatOptions", "must be an object");
            return Repetition::AsItIs;
        }
    };
    // All four are read before anything is decided, so that every fault is named.
    let word = read_word(options, faults);
    let days = read_days(options, faults);
    let date = read_date_in_month(options, faults);
    let end_date = read_end_date(options, faults);
    let zone = read_zone(options, faults);
    let kind = match word {
        Some("daily") => Kind::Daily,
        Some("weekly") => {
            if days == Some([false; 7]) {
                faults.add("repeatOptions.daysOfWeek", "must have at least one day that is true");
                return Repetition::AsItIs;
            }
            Kind::Weekly(days)
        }
        Some("monthly") => match date.map(|date| i8::try_from(date).ok().filter(|date| (1..=31).contains(date))) {
            Some(None) => {
                faults.add("repeatOptions.dateInMonth", "must be a whole number from 1 to 31");
                return Repetition::AsItIs;
            }
            date => Kind::Monthly(date.flatten()),
        },
        Some(_) => {
            faults.add("repeatOptions.repeat", "must be \"daily\", \"weekly\" or \"monthly\"");
            return Repetition::AsItIs;
        }
        None => return Repetition::AsItIs,
    };
    Repetition::By(Rule { kind, end_date, zone })
}

fn read_word<'a>(options: &'a Object, faults: &mut Faults) -> Option<&'a str> {
    let Some(value) = given(options, "repeat") else {
        faults.add("repeatOptions.repeat", "is required: \"daily\", \"weekly\" or \"monthly\"");
        return None;
    };
    // What is no text is as wrong as a wrong word.
    Some(value.as_str().unwrap_or_default())
}

fn read_days(options: &Object, faults: &mut Faults) -> Option<Weekdays> {
    const PROPERTY: &str = "repeatOptions.daysOfWeek";
    let value = given(options, "daysOfWeek")?;
    let Some(values) = value.as_array().filter(|values| values.len() == 7) else {
        faults.add(PROPERTY, "must be an array of seven booleans, Sunday first");
        return None;
    };
    let mut days = [false; 7];
    for (index, (day, value)) in days.iter_mut().zip(values).enumerate() {
        match value.as_bool() {
            Some(taken) => *day = taken,
            None => faults.add(&format!("{PROPERTY}[{index}]"), "must be true or false"),
        }
    }
    Some(days).filter(|_| values.iter().all(Value::is_boolean))
}

/// The number as it is: its range counts only where the series is monthly.
fn read_date_in_month(options: &Object, faults: &mut Faults) -> Option<i64> {
    let value = given(options, "dateInMonth")?;
    if value.as_i64().is_none() {
        faults.add("repeatOptions.dateInMonth", "must be a whole number from 1 to 31");
    }
    value.as_i64()
}

fn read_end_date(options: &Object, faults: &mut Faults) -> Option<Day> {
    const PROPERTY: &str = "repeatOptions.endDate";
    let value = given(options, "endDate")?;
    let day = value.as_str().and_then(Day::parse);
    match day {
        None => faults.add(PROPERTY, "must be a day such as 2026-12-31"),
        Some(day) if !(Day::FIRST..=Day::LAST).contains(&day) => {
            faults.add(PROPERTY, "must lie in the years 2000 to 2099")
        }
        Some(_) => {}
    }
    day
}

fn read_zone(options: &Object, faults: &mut Faults) -> Option<Zone> {
    let value = given(options, "timeZone")?;
    let zone = value.as_str().and_then(Zone::parse);
    if zone.is_none() {
        faults.add("repeatOptions.timeZone", "must be the name of a time zone, such as Asia/Kolkata or Europe/Berlin");
    }
    zone
}
