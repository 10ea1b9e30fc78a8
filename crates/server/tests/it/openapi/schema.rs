//! JSON Schema (2020-12), as much of it as the description uses. A keyword that is not known here fails the test, so that
//! nothing is passed over in silence.

use serde_json::Value;

/// What says nothing about values.
const NOTES: &[&str] = &["description", "default", "example", "examples", "title", "deprecated"];

/// A document with schemas in it.
pub struct Schemas<'d>(pub &'d Value);

impl<'d> Schemas<'d> {
    /// Everything in which the value differs from the schema.
    pub fn faults(&self, schema: &'d Value, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(schema, value, "$", &mut faults);
        faults
    }

    /// The schema itself, where it is a reference.
    #[track_caller]
    pub fn resolve(&self, schema: &'d Value) -> &'d Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let path = reference.strip_prefix('#').unwrap();
                self.0.pointer(path).unwrap_or_else(|| panic!("{reference} leads nowhere"))
            }
            None => schema,
        }
    }

    fn check(&self, schema: &'d Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (keyword, limit) in schema.as_object().unwrap() {
            if !self.holds(schema, keyword, limit, value, at, faults) {
                faults.push(format!("{at}: {value} is against {keyword} {limit}"));
            }
        }
    }

    /// Whether the value keeps to one keyword. Faults inside of it are added where they are.
    fn holds(
        &self,
        schema: &'d Value,
        keyword: &str,
        limit: &'d Value,
        value: &Value,
        at: &str,
        faults: &mut Vec<String>,
    ) -> bool {
        let passing = |kinds: &'d Value| {
            kinds.as_array().unwrap().iter().filter(|kind| self.faults(kind, value).is_empty()).count()
        };
        let number =
            |over: fn(f64, f64) -> bool| value.as_f64().is_none_or(|value| over(value, limit.as_f64().unwrap()));
        let characters = value.as_str().map(|text| text.chars().count() as u64);
        let items = value.as_array().map(|items| items.len() as u64);
        let limit_of = || limit.as_u64().unwrap();
        match keyword {
            "$ref" => self.check(self.resolve(schema), value, at, faults),
            "type" => return types(limit).iter().any(|word| is_of_type(value, word)),
            "enum" => return limit.as_array().unwrap().contains(value),
            "const" => return limit == value,
            "oneOf" => return passing(limit) == 1,
            "anyOf" => return passing(limit) > 0,
            "allOf" => limit.as_array().unwrap().iter().for_each(|part| self.check(part, value, at, faults)),
            "required" => {
                let Some(object) = value.as_object() else { return true };
                return limit.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()));
            }
            "properties" => {
                for (name, property) in limit.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        self.check(property, value, &format!("{at}.{name}"), faults);
                    }
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(limit, value, &format!("{at}[{index}]"), faults);
                }
            }
            "maxProperties" => return value.as_object().is_none_or(|object| object.len() as u64 <= limit_of()),
            "minItems" => return items.is_none_or(|count| count >= limit_of()),
            "maxItems" => return items.is_none_or(|count| count <= limit_of()),
            "minLength" => return characters.is_none_or(|count| count >= limit_of()),
            "maxLength" => return characters.is_none_or(|count| count <= limit_of()),
            "minimum" => return number(|value, limit| value >= limit),
            "maximum" => return number(|value, limit| value <= limit),
            "format" => return value.as_str().is_none_or(|text| has_format(text, limit.as_str().unwrap())),
            "pattern" => {
                assert_eq!(limit, r"\S", "the only pattern that is known here");
                return value.as_str().is_none_or(|text| !text.trim().is_empty());
            }
            note => assert!(NOTES.contains(&note), "{at}: the keyword {note} is not known"),
        }
        true
    }
}

/// The types that a schema allows.
pub fn types(types: &Value) -> Vec<&str> {
    match types {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        other => panic!("{other} is no type"),
    }
}

fn is_of_type(value: &Value, word: &str) -> bool {
    match word {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("there is no type {other}"),
    }
}

fn has_format(text: &str, format: &str) -> bool {
    match format {
        "date-time" => text.len() >= 20 && text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "uri" => reqwest::Url::parse(text).is_ok(),
        // The range of a number is said by minimum and maximum.
        "int32" | "int64" => true,
        other => panic!("the format {other} is not known"),
    }
}
