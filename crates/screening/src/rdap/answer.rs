//! What a registry says of a domain (RFC 9083, section 5.3), read leniently: registries differ in the details,
//! and one odd member must not hide the date.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// The dates and states of a registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// When the domain was registered.
    pub registered: Option<Timestamp>,
    /// When it last moved to another registrar.
    pub transferred: Option<Timestamp>,
    /// When anything was last changed.
    pub changed: Option<Timestamp>,
    /// When it ends unless renewed.
    pub expires: Option<Timestamp>,
    /// Status values, the first 20.
    pub status: Vec<String>,
}

/// A parsed answer: the registration, and where the registrar's own record is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Dates and states.
    pub registration: Registration,
    /// The registrar's record of the same domain, when the registry names one.
    pub related: Option<Url>,
}

/// Why an answer says nothing of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAnswer {
    /// Not JSON, or not an object.
    NotJson,
    /// An RDAP object, but not a domain.
    NotADomain,
    /// A domain, but another one.
    OtherDomain,
}

/// Reads the answer to a question about `domain` (ASCII, lower case).
///
/// # Errors
/// [`BadAnswer`] when it is not about that domain.
pub fn parse(json: &[u8], domain: &str) -> Result<Answer, BadAnswer> {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(json) else {
        return Err(BadAnswer::NotJson);
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    if text("objectClassName").is_some_and(|class| !class.eq_ignore_ascii_case("domain")) {
        return Err(BadAnswer::NotADomain);
    }
    match text("ldhName") {
        Some(name) if name.trim_end_matches('.').eq_ignore_ascii_case(domain) => {}
        Some(_) => return Err(BadAnswer::OtherDomain),
        // Some registries give only the Unicode name; without either it is not a domain object.
        None if text("unicodeName").is_some() => {}
        None => return Err(BadAnswer::NotADomain),
    }
    let list = |name: &str| object.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let events = list("events");
    Ok(Answer {
        registration: Registration {
            registered: date_of(events, "registration", Pick::First),
            transferred: date_of(events, "transfer", Pick::Last),
            changed: date_of(events, "last changed", Pick::Last),
            expires: date_of(events, "expiration", Pick::Last),
            status: list("status").iter().filter_map(Value::as_str).take(20).map(clip).collect(),
        },
        related: related(list("links")),
    })
}

#[derive(Clone, Copy)]
enum Pick {
    First,
    Last,
}

/// The date of an event (RFC 9083, section 4.5). A domain that was registered anew after it had lapsed may list
/// several; its present life began with the latest, but registries only keep one, so the earliest is the rule.
fn date_of(events: &[Value], action: &str, pick: Pick) -> Option<Timestamp> {
    let is_action = |event: &&Value| {
        event.get("eventAction").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(action))
    };
    let dates = events
        .iter()
        .filter(is_action)
        .filter_map(|event| event.get("eventDate").and_then(Value::as_str))
        .filter_map(timestamp);
    match pick {
        Pick::First => dates.min(),
        Pick::Last => dates.max(),
    }
}

/// RFC 3339, or what some registries send instead: without an offset, or a bare date. Those are taken as UTC.
fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let utc = |time: DateTime| TimeZone::UTC.to_timestamp(time).ok();
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|date| utc(date.to_datetime(jiff::civil::Time::midnight()))))
}

/// The link to the registrar's record (RFC 9083, section 4.2).
fn related(links: &[Value]) -> Option<Url> {
    let text = |link: &Value, name: &str| link.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let is_related = |link: &&Value| {
        text(link, "rel").as_deref() == Some("related")
            && text(link, "type").is_none_or(|kind| kind.starts_with("application/rdap+json"))
    };
    let urls = links.iter().filter(is_related).filter_map(|link| link.get("href").and_then(Value::as_str));
    urls.filter_map(|href| Url::parse(href).ok()).find(|url| matches!(url.scheme(), "http" | "https"))
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_registry_answer() {
        let json =
            br#"{"objectClassName": "domain", "ldhName": "EXAMPLE.COM", "status": ["client transfer prohibited", 7],
            "events": [
                {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
                {"eventAction": "expiration", "eventDate": "2027-08-13T04:00:00+02:00"},
                {"eventAction": "Transfer", "eventDate": "2020-02-03"},
                {"eventAction": "last changed", "eventDate": "2024-08-14T07:01:34.500"},
                {"eventAction": "last update of RDAP database"}, "odd", null
            ],
            "links": [{"rel": "self", "href": "https://a.example/"},
                {"rel": "related", "type": "text/html", "href": "https://b.example/"},
                {"rel": "related", "type": "application/rdap+json", "href": "https://c.example/domain/EXAMPLE.COM"}]}"#;
        let answer = parse(json, "example.com").unwrap();
        assert_eq!(answer.registration.registered, at("1995-08-14T04:00:00Z"));
        assert_eq!(answer.registration.expires, at("2027-08-13T02:00:00Z"));
        assert_eq!(answer.registration.transferred, at("2020-02-03T00:00:00Z"));
        assert_eq!(answer.registration.changed, at("2024-08-14T07:01:34.5Z"));
        assert_eq!(answer.registration.status, ["client transfer prohibited"]);
        assert_eq!(answer.related.unwrap().as_str(), "https://c.example/domain/EXAMPLE.COM");
    }

    #[test]
    fn answers_about_something_else() {
        assert_eq!(parse(b"<html>", "a.example"), Err(BadAnswer::NotJson));
        assert_eq!(parse(b"[]", "a.example"), Err(BadAnswer::NotJson));
        assert_eq!(parse(b"{}", "a.example"), Err(BadAnswer::NotADomain));
        assert_eq!(
            parse(br#"{"objectClassName":"entity","ldhName":"a.example"}"#, "a.example"),
            Err(BadAnswer::NotADomain)
        );
        assert_eq!(parse(br#"{"ldhName":"b.example"}"#, "a.example"), Err(BadAnswer::OtherDomain));
        assert_eq!(parse("[".repeat(100_000).as_bytes(), "a.example"), Err(BadAnswer::NotJson));
    }

    #[test]
    fn a_date_that_is_none_is_left_out() {
        let json =
            br#"{"ldhName":"a.example","events":[{"eventAction":"registration","eventDate":"yesterday"}],"status":{}}"#;
        assert_eq!(parse(json, "a.example"), Ok(Answer::default()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = parse(&bytes, "a.example");
        }

        #[test]
        fn any_json_is_read(text in "\\PC{0,40}", date in "[0-9TZ:+. -]{0,30}", number: f64) {
            let json = serde_json::json!({
                "ldhName": "a.example", "status": [text, number], "links": [{"rel": "related", "href": text}],
                "events": [{"eventAction": "registration", "eventDate": date}, {"eventAction": number}, text],
            });
            let answer = parse(json.to_string().as_bytes(), "a.example");
            prop_assert!(answer.is_ok());
        }
    }
}
