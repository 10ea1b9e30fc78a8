//! How a meeting repeats, in the vendor's words: `repeatOptions`.

use jiff::tz::{Offset, TimeZone};

use super::day::Day;

/// The seven days, Sunday first.
pub type Weekdays = [bool; 7];

/// What makes a meeting repeat. What is `None` in a kind is the start's own: its weekday, its day of the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Every day.
    Daily,
    /// Every week, on these days.
    Weekly(Option<Weekdays>),
    /// Every month, on this day of it; a month without that day is skipped.
    Monthly(Option<i8>),
}

impl Kind {
    /// The word on the wire and in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Daily => "daily",
            Kind::Weekly(_) => "weekly",
            Kind::Monthly(_) => "monthly",
        }
    }
}

/// A rule of repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// Which days it takes.
    pub kind: Kind,
    /// The last day that it may take, in `zone`; without it the series goes on.
    pub end_date: Option<Day>,
    /// Where its days and its time of day are meant.
    pub zone: Zone,
}

/// A time zone and its name: one of IANA's, or an offset such as `+05:30` where only a start's offset is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Reads a name; upper and lower case are the same to IANA's names, and the name is kept as IANA writes it.
    pub fn parse(text: &str) -> Option<Zone> {
        if text.starts_with(['+', '-']) {
            return parse_offset(text).map(Zone::fixed);
        }
        let rules = TimeZone::get(text).ok().filter(|zone| !zone.is_unknown())?;
        let name = rules.iana_name()?.to_owned();
        Some(Zone { name, rules })
    }

    /// A zone that never changes its offset.
    pub fn fixed(offset: Offset) -> Zone {
        if offset == Offset::UTC {
            return Zone { name: "UTC".to_owned(), rules: TimeZone::UTC };
        }
        let (sign, seconds) = (if offset.is_negative() { '-' } else { '+' }, offset.seconds().unsigned_abs());
        let mut name = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
        if seconds % 60 != 0 {
            name.push_str(&format!(":{:02}", seconds % 60));
        }
        Zone { name, rules: TimeZone::fixed(offset) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its offsets.
    pub const fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

fn parse_offset(text: &str) -> Option<Offset> {
    let zone = jiff::fmt::temporal::DateTimeParser::new().parse_time_zone(text).ok()?;
    zone.to_fixed_offset().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_an_iana_name_or_an_offset_and_reads_back_by_its_name() {
        for (text, name) in [
            ("Asia/Kolkata", "Asia/Kolkata"),
            ("asia/kolkata", "Asia/Kolkata"),
            ("US/Eastern", "US/Eastern"),
            ("UTC", "UTC"),
            ("utc", "UTC"),
            ("Etc/UTC", "Etc/UTC"),
            ("+05:30", "+05:30"),
            ("-03", "-03:00"),
            ("-00:30:10", "-00:30:10"),
            ("+00:00", "UTC"),
        ] {
            let zone = Zone::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(zone.name(), name);
            assert_eq!(Zone::parse(zone.name()), Some(zone));
        }
        for wrong in [
            "",
            " ",
            "Mars/Olympus",
            "IST5:30",
            "Asia/Kolkata ",
            "Etc/Unknown",
            "../UTC",
            "+99:00",
            "+",
            "EST5EDT,M3.2.0,M11.1.0",
            "Asia/\0",
        ] {
            assert_eq!(Zone::parse(wrong), None, "{wrong}");
        }
    }
}
