//! The form for scheduling and changing a meeting: from what was typed to the API's JSON, and from
//! the API's faults back to the fields.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::Meeting;
use crate::problem::Fault;
use crate::times::Zone;
use crate::web::Fields;

/// What stands in the form's fields. Nothing that was typed is lost when the API finds faults.
#[derive(Clone, Debug, Default)]
pub struct MeetingForm {
    /// The title.
    pub topic: String,
    /// As a `datetime-local` field writes it, or in full with an offset.
    pub start_time: String,
    /// The same for the end.
    pub end_time: String,
    /// Whether a PIN is needed to join.
    pub is_pin_enabled: bool,
    /// E-mail addresses, one a line or with commas.
    pub participants: String,
    /// Empty, `daily`, `weekly` or `monthly`.
    pub repeat: String,
    /// The last day of a series.
    pub repeat_end_date: String,
    /// The IANA name of the zone of all these times.
    pub time_zone: String,
    faults: Vec<Fault>,
}

/// The form's fields, in their order on the page, with the API's property for each.
const FIELDS: [(&str, &str); 8] = [
    ("topic", "topic"),
    ("startTime", "startTime"),
    ("endTime", "endTime"),
    ("isPinEnabled", "isPinEnabled"),
    ("participants", "participants"),
    ("repeat", "repeat"),
    ("repeatEndDate", "endDate"),
    ("timeZone", "timeZone"),
];

impl MeetingForm {
    /// An empty form that proposes the next full hour.
    pub fn blank(zone: &Zone, now: Timestamp) -> Self {
        let start = zone.full_hour_after(now, 0);
        let end = Timestamp::from_second(start.as_second() + 30 * 60).unwrap_or(start);
        Self {
            start_time: zone.for_field(start),
            end_time: zone.for_field(end),
            is_pin_enabled: true,
            time_zone: zone.name().to_owned(),
            ..Self::default()
        }
    }

    /// The form for changing `meeting`.
    pub fn of(meeting: &Meeting, zone: &Zone) -> Self {
        let field = |instant: Option<Timestamp>, text: &str| {
            instant.map_or_else(|| text.to_owned(), |instant| zone.for_field(instant))
        };
        let invited = meeting
            .participants
            .iter()
            .filter(|participant| !participant.role.as_deref().unwrap_or_default().eq_ignore_ascii_case("host"));
        let invited: Vec<&str> = invited.filter_map(|person| person.email.as_deref()).collect();
        Self {
            topic: meeting.topic.clone(),
            start_time: field(meeting.start(), &meeting.start_time),
            end_time: field(meeting.end(), &meeting.end_time),
            is_pin_enabled: meeting.pin().is_some(),
            participants: invited.join("\n"),
            time_zone: zone.name().to_owned(),
            ..Self::default()
        }
    }

    /// What was sent.
    pub fn from_fields(fields: &Fields, zone: &Zone) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        let pin = fields.text("isPinEnabled");
        let time_zone = fields.text("timeZone").trim();
        Self {
            topic: text("topic"),
            start_time: text("startTime"),
            end_time: text("endTime"),
            is_pin_enabled: matches!(pin, "on" | "true" | "1" | "yes"),
            participants: text("participants"),
            repeat: match fields.text("repeat") {
                "none" => String::new(),
                other => other.to_owned(),
            },
            repeat_end_date: text("repeatEndDate"),
            time_zone: if time_zone.is_empty() { zone.name() } else { time_zone }.to_owned(),
            faults: Vec::new(),
        }
    }

    /// The zone that the form names.
    ///
    /// # Errors
    /// When there is none of that name, as a fault at its field: without it the times mean nothing.
    pub fn zone(&self) -> Result<Zone, Fault> {
        Zone::named(&self.time_zone).ok_or_else(|| Fault {
            property: "timeZone".to_owned(),
            message: format!("There is no time zone named '{}'. Write it like Asia/Kolkata.", self.time_zone),
        })
    }

    /// The body for the API. Values are not checked here: the API names all faults at once, and two
    /// places with rules would one day disagree.
    pub fn to_json(&self, zone: &Zone) -> Value {
        let mut body = json!({
            "topic": self.topic.trim(),
            "isPinEnabled": self.is_pin_enabled,
            "participants": self.participant_list(),
        });
        for (name, typed) in [("startTime", &self.start_time), ("endTime", &self.end_time)] {
            if !typed.trim().is_empty() {
                body[name] = zone.for_api(typed).into();
            }
        }
        if !self.repeat.is_empty() {
            body["repeatOptions"] = json!({ "repeat": self.repeat, "timeZone": zone.name() });
            if !self.repeat_end_date.trim().is_empty() {
                body["repeatOptions"]["endDate"] = self.repeat_end_date.trim().into();
            }
        }
        body
    }

    fn participant_list(&self) -> Vec<&str> {
        let separators = |c: char| c.is_whitespace() || c == ',' || c == ';';
        self.participants.split(separators).filter(|part| !part.is_empty()).collect()
    }

    /// The same form with faults to show.
    pub fn with_faults(self, faults: Vec<Fault>) -> Self {
        Self { faults, ..self }
    }

    /// Whether there is anything to mend.
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The sentences to show at a field.
    pub fn faults_at(&self, field: &str) -> Vec<&str> {
        self.faults
            .iter()
            .filter(|fault| field_of(&fault.property) == Some(field))
            .map(|fault| fault.message.as_str())
            .collect()
    }

    /// Faults that belong to no field of this form, to show above it.
    pub fn other_faults(&self) -> Vec<String> {
        let others = self.faults.iter().filter(|fault| field_of(&fault.property).is_none());
        others.map(Fault::in_full).collect()
    }

    /// The zones to choose from.
    pub fn zones(&self) -> Vec<String> {
        Zone::choices(&self.time_zone)
    }
}

/// The field for a property such as `participants[2]` or `repeatOptions.endDate`.
fn field_of(property: &str) -> Option<&'static str> {
    let mut parts = property.split(['.', '[']);
    let first = parts.next()?;
    let name = if first == "repeatOptions" { parts.next().unwrap_or("repeat") } else { first };
    FIELDS.iter().find(|(_, api)| *api == name).map(|(field, _)| *field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Zone {
        Zone::named("Asia/Kolkata").unwrap()
    }

    fn fields(text: &str) -> Fields {
        Fields::parse(text.as_bytes())
    }

    #[test]
    fn a_full_form_becomes_the_documented_body() {
        let fields = fields(
            "topic=+Stand-up+&startTime=2030-01-02T10:00&endTime=2030-01-02T10:15&isPinEnabled=on\
             &participants=a@example.org%0D%0Ab@example.org,+c@example.org&repeat=weekly\
             &repeatEndDate=2030-03-01&timeZone=Asia/Kolkata",
        );
        let form = MeetingForm::from_fields(&fields, &zone());
        assert_eq!(
            form.to_json(&form.zone().unwrap()),
            json!({
                "topic": "Stand-up",
                "startTime": "2030-01-02T04:30:00.000Z",
                "endTime": "2030-01-02T04:45:00.000Z",
                "isPinEnabled": true,
                "participants": ["a@example.org", "b@example.org", "c@example.org"],
                "repeatOptions":
                    { "repeat": "weekly", "endDate": "2030-03-01", "timeZone": "Asia/Kolkata" },
            })
        );
    }

    #[test]
    fn an_empty_form_leaves_out_what_is_missing() {
        let form = MeetingForm::from_fields(&fields("repeat=none"), &zone());
        assert_eq!(form.to_json(&zone()), json!({ "topic": "", "isPinEnabled": false, "participants": [] }));
    }

    #[test]
    fn faults_stand_at_their_fields() {
        let fault = |property: &str| Fault { property: property.into(), message: "bad".into() };
        let form = MeetingForm::default().with_faults(vec![
            fault("participants[2]"),
            fault("participants.0"),
            fault("repeatOptions.endDate"),
            fault("repeatOptions"),
            fault("advancedOptions"),
        ]);
        assert_eq!(form.faults_at("participants").len(), 2);
        assert_eq!(form.faults_at("repeatEndDate"), ["bad"]);
        assert_eq!(form.faults_at("repeat"), ["bad"]);
        assert_eq!(form.other_faults(), ["advancedOptions: bad"]);
    }

    #[test]
    fn an_unknown_zone_is_a_fault_of_its_field() {
        let form = MeetingForm::from_fields(&fields("timeZone=Mars/Olympus"), &zone());
        assert_eq!(form.zone().unwrap_err().property, "timeZone");
        assert!(form.zones().contains(&"Mars/Olympus".to_owned()), "what was chosen stays chosen");
    }

    #[test]
    fn a_meeting_fills_the_form_without_its_host() {
        let meeting: Meeting = serde_json::from_value(json!({
            "_id": "sm-1", "topic": "T", "startTime": "2030-01-02T04:30:00.000Z", "pin": "abc",
            "participants": [
                { "email": "me@example.org", "role": "host" }, { "email": "a@example.org", "role": "invitee" }
            ],
        }))
        .unwrap();
        let form = MeetingForm::of(&meeting, &zone());
        assert_eq!(form.start_time, "2030-01-02T10:00");
        assert_eq!(form.participants, "a@example.org");
        assert!(form.is_pin_enabled);
    }
}
