//! Times between people and the API: people read and write local times in a zone they choose, the
//! API speaks UTC in ISO 8601 form.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

/// The zones that forms offer; any other IANA name is taken, too.
const OFFERED: [&str; 36] = [
    "UTC",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Toronto",
    "Asia/Bangkok",
    "Asia/Colombo",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Pacific/Auckland",
];

/// A time zone with its IANA name.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    name: String,
}

impl Default for Zone {
    /// JioMeet's home; a page without script cannot know where its reader is.
    fn default() -> Self {
        Self::named("Asia/Kolkata").unwrap_or_else(|| Self { zone: TimeZone::UTC, name: "UTC".to_owned() })
    }
}

impl Zone {
    /// The zone of that IANA name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name.trim()).ok()?;
        let name = zone.iana_name()?.to_owned();
        Some(Self { zone, name })
    }

    /// The IANA name, such as `Asia/Kolkata`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What to offer in a form: the usual zones, and `chosen` where it is none of them.
    pub fn choices(chosen: &str) -> Vec<String> {
        let mut names: Vec<String> = OFFERED.map(str::to_owned).to_vec();
        if !chosen.is_empty() && !OFFERED.contains(&chosen) {
            names.insert(0, chosen.to_owned());
        }
        names
    }

    /// What a person typed into a time field, for the API. A time with its own offset stands as it
    /// is; what cannot be read goes to the API unchanged, whose answer says what is wrong with it.
    pub fn for_api(&self, typed: &str) -> String {
        let typed = typed.trim();
        if let Ok(instant) = typed.parse::<Timestamp>() {
            return api_text(instant);
        }
        let local = typed.parse::<DateTime>();
        match local.and_then(|local| self.zone.to_zoned_datetime(local)) {
            Ok(zoned) => api_text(zoned.timestamp()),
            Err(_) => typed.to_owned(),
        }
    }

    /// An instant for the value of a `datetime-local` field.
    pub fn for_field(&self, instant: Timestamp) -> String {
        self.at(instant).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// The next full hour after `now` plus `hours`, for a form to begin with.
    pub fn full_hour_after(&self, now: Timestamp, hours: i64) -> Timestamp {
        let second = now.as_second();
        Timestamp::from_second(second - second.rem_euclid(3600) + (hours + 1) * 3600).unwrap_or(now)
    }

    fn at(&self, instant: Timestamp) -> ZonedDateTime {
        instant.to_zoned_datetime(self.zone.clone())
    }

    /// `Tue 25 November 2025, 10:00`.
    pub fn in_words(&self, instant: Timestamp) -> String {
        self.at(instant).strftime("%a %-d %B %Y, %H:%M").to_string()
    }

    /// A meeting's times as pages show them.
    pub fn span(&self, start: Timestamp, end: Option<Timestamp>, now: Timestamp) -> SpanWords {
        let (from, today) = (self.at(start), self.at(now));
        let clock = |zoned: &ZonedDateTime| zoned.strftime("%H:%M").to_string();
        let until = end.map(|end| self.at(end)).map(|until| {
            if until.date() == from.date() { clock(&until) } else { until.strftime("%a %-d %b, %H:%M").to_string() }
        });
        let days_away = from.date().duration_since(today.date()).as_hours() / 24;
        SpanWords {
            weekday: from.strftime("%a").to_string(),
            day: from.strftime("%-d").to_string(),
            month: from.strftime("%b").to_string(),
            relative: match days_away {
                -1 => "Yesterday",
                0 => "Today",
                1 => "Tomorrow",
                _ => "",
            },
            date: if from.year() == today.year() {
                from.strftime("%A %-d %B").to_string()
            } else {
                from.strftime("%A %-d %B %Y").to_string()
            },
            clock: match until {
                Some(until) => format!("{} – {until}", clock(&from)),
                None => clock(&from),
            },
            machine: start.to_string(),
        }
    }
}

/// A time span in words, in pieces for the page to arrange.
#[derive(Clone, Debug, Default)]
pub struct SpanWords {
    /// `Tue`.
    pub weekday: String,
    /// `25`.
    pub day: String,
    /// `Nov`.
    pub month: String,
    /// `Today`, `Tomorrow`, `Yesterday` or nothing.
    pub relative: &'static str,
    /// `Tuesday 25 November`, with the year where it is not this one.
    pub date: String,
    /// `10:00 – 10:30`.
    pub clock: String,
    /// The start for `<time datetime>`.
    pub machine: String,
}

/// `2030-03-01` as `1 March 2030`; what is no date stays as it is.
pub fn date_in_words(date: &str) -> String {
    let parsed = date.parse::<Date>();
    parsed.map_or_else(|_| date.to_owned(), |date| date.strftime("%-d %B %Y").to_string())
}

/// The form in which the API's description writes times.
fn api_text(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A duration in words, rounded down to its two largest units' worth of sense.
pub fn duration_in_words(duration: SignedDuration) -> String {
    let count = |number: i64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    let (minutes, seconds) = (duration.as_mins(), duration.as_secs());
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, rest) {
        _ if seconds < 60 => count(seconds.max(0), "second"),
        (0, 0, rest) => count(rest, "minute"),
        (0, hours, 0) => count(hours, "hour"),
        (0, hours, rest) => format!("{} {}", count(hours, "hour"), count(rest, "minute")),
        (days, 0, _) => count(days, "day"),
        (days, hours, _) => format!("{} {}", count(days, "day"), count(hours, "hour")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kolkata() -> Zone {
        Zone::named("Asia/Kolkata").unwrap()
    }

    #[test]
    fn every_offered_zone_exists() {
        for name in OFFERED {
            assert_eq!(Zone::named(name).unwrap().name(), name);
        }
        assert!(Zone::named("Mars/Olympus").is_none());
        assert_eq!(Zone::default().name(), "Asia/Kolkata");
    }

    #[test]
    fn local_times_become_utc() {
        assert_eq!(kolkata().for_api("2030-01-02T10:00"), "2030-01-02T04:30:00.000Z");
        assert_eq!(kolkata().for_api(" 2030-01-02T10:00:30 "), "2030-01-02T04:30:30.000Z");
    }

    #[test]
    fn a_time_with_an_offset_stands_as_it_is() {
        assert_eq!(kolkata().for_api("2030-01-02T10:00:00Z"), "2030-01-02T10:00:00.000Z");
        assert_eq!(kolkata().for_api("2030-01-02T10:00:00+01:00"), "2030-01-02T09:00:00.000Z");
    }

    #[test]
    fn what_is_no_time_is_left_to_the_api() {
        for typed in ["tomorrow", "2030-13-45T99:99", "2030-02-30T10:00"] {
            assert_eq!(kolkata().for_api(typed), typed);
        }
    }

    #[test]
    fn a_field_shows_what_was_typed_into_it() {
        let instant = kolkata().for_api("2030-01-02T10:00").parse().unwrap();
        assert_eq!(kolkata().for_field(instant), "2030-01-02T10:00");
    }

    #[test]
    fn spans_name_near_days_and_other_years() {
        let now: Timestamp = "2030-01-02T20:00:00Z".parse().unwrap();
        let start: Timestamp = "2030-01-02T23:00:00Z".parse().unwrap();
        let span = kolkata().span(start, Some(start + SignedDuration::from_mins(45)), now);
        assert_eq!((span.relative, span.clock.as_str()), ("Today", "04:30 – 05:15"));
        assert_eq!(span.date, "Thursday 3 January");
        let utc = Zone::named("UTC").unwrap().span(start, None, now - SignedDuration::from_hours(24));
        assert_eq!((utc.relative, utc.clock.as_str()), ("Tomorrow", "23:00"));
        let far = kolkata().span(start + SignedDuration::from_hours(24 * 400), None, now);
        assert_eq!((far.relative, far.date.as_str()), ("", "Friday 7 February 2031"));
    }

    #[test]
    fn durations_are_short_and_in_the_right_number() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute"),
            (3600, "1 hour"),
            (86_000, "23 hours 53 minutes"),
            (86_400, "1 day"),
            (200_000, "2 days 7 hours"),
        ] {
            assert_eq!(duration_in_words(SignedDuration::from_secs(seconds)), words);
        }
    }
}
