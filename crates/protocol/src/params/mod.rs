//! The parameters of a request, read so that nothing is lost that the rules need to see.
//!
//! RFC 6749 3.1 and 3.2 ask three things of parameters: one without a value counts as left out, an
//! unknown one is ignored, and none may come twice. The last is why they are not read into a map:
//! [`Params`] keeps every pair, and a fault shows when the parameter is asked for. So a repeated,
//! ill-encoded or ill-typed parameter that nobody asks for disturbs nobody, and while one is
//! refused the others (`state` above all) can still be read.
//!
//! A body may be a form (the guide) or a JSON object (the API description); both end up here.

#[cfg(test)]
mod tests;

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::OAuthError;
use crate::fault::{self, Fault};

/// The most parameters in a request.
pub const MAX_PARAMS: usize = 100;

/// The most bytes in a query or body. Callers have tighter bounds of their own; this one makes the
/// parser safe by itself.
pub const MAX_BYTES: usize = 64 * 1024;

/// The parameters of a query, a form or a JSON object, in their order.
#[derive(Clone, Default)]
pub struct Params {
    pairs: Vec<(String, Value)>,
}

#[derive(Clone)]
enum Value {
    Text(String),
    Bad(&'static Fault),
}

/// A parameter that can not be used: it came twice, or its value is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamFault {
    /// The parameter's name.
    pub name: String,
    /// [`fault::PARAMETER_REPEATED`], [`fault::PARAMETER_ENCODING`] or [`fault::PARAMETER_TYPE`].
    pub fault: &'static Fault,
}

impl ParamFault {
    /// Whether the parameter came more than once.
    pub fn is_repeated(&self) -> bool {
        *self.fault == fault::PARAMETER_REPEATED
    }

    /// Which parameter it is, for a person.
    pub fn detail(&self) -> String {
        format!("It is {}.", self.name)
    }
}

impl From<ParamFault> for OAuthError {
    fn from(bad: ParamFault) -> Self {
        OAuthError::invalid_request(bad.fault).with_detail(bad.detail())
    }
}

impl Params {
    /// Reads a query string or an `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    /// `invalid_request` when there are too many bytes or parameters.
    pub fn from_form(bytes: &[u8]) -> Result<Self, OAuthError> {
        if bytes.len() > MAX_BYTES {
            return Err(OAuthError::invalid_request(&fault::REQUEST_TOO_LONG));
        }
        let mut params = Self::default();
        for pair in bytes.split(|&b| b == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|&b| b == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            params.push(form_decode(name), form_decode(value))?;
        }
        Ok(params)
    }

    /// Reads the members of a JSON object. Numbers and booleans are taken as their text; arrays,
    /// objects and null can not be parameters.
    ///
    /// # Errors
    /// `invalid_request` when the body is no JSON object, or there are too many bytes or members.
    pub fn from_json(bytes: &[u8]) -> Result<Self, OAuthError> {
        if bytes.len() > MAX_BYTES {
            return Err(OAuthError::invalid_request(&fault::REQUEST_TOO_LONG));
        }
        let members = serde_json::from_slice(bytes)
            .map_err(|error| OAuthError::invalid_request(&fault::JSON_MALFORMED).with_private(error.to_string()))?;
        let Members::Object(members) = members else {
            return Err(OAuthError::invalid_request(&fault::JSON_NOT_OBJECT));
        };
        let mut params = Self::default();
        for (name, value) in members {
            params.push(Some(name), value)?;
        }
        Ok(params)
    }

    /// Adds a pair. A name that is not text is nobody's name, so the pair is left out.
    fn push(&mut self, name: Option<String>, value: impl Into<Value>) -> Result<(), OAuthError> {
        if self.pairs.len() >= MAX_PARAMS {
            return Err(OAuthError::invalid_request(&fault::PARAMETERS_TOO_MANY));
        }
        if let Some(name) = name {
            let value = match value.into() {
                Value::Text(text) if text.contains('\0') => Value::Bad(&fault::PARAMETER_ENCODING),
                value => value,
            };
            self.pairs.push((name, value));
        }
        Ok(())
    }

    /// The parameter's value, or `None` when it was left out or is empty.
    ///
    /// # Errors
    /// The parameter came more than once (an empty one counts), or its value is not text.
    pub fn get(&self, name: &str) -> Result<Option<&str>, ParamFault> {
        let mut values = self.values(name);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let bad = |fault| ParamFault { name: name.to_owned(), fault };
        if values.next().is_some() {
            return Err(bad(&fault::PARAMETER_REPEATED));
        }
        match value {
            Value::Text(text) if text.is_empty() => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Bad(fault) => Err(bad(fault)),
        }
    }

    /// Every value of a parameter that may come more than once, empty ones left out.
    ///
    /// # Errors
    /// A value is not text.
    pub fn get_all(&self, name: &str) -> Result<Vec<&str>, ParamFault> {
        self.values(name)
            .filter(|value| !matches!(value, Value::Text(text) if text.is_empty()))
            .map(|value| match value {
                Value::Text(text) => Ok(text.as_str()),
                Value::Bad(fault) => Err(ParamFault { name: name.to_owned(), fault }),
            })
            .collect()
    }

    /// The parameters as a form again, without those of these names.
    ///
    /// # Errors
    /// A value is not text.
    pub fn to_form(&self, without: &[&str]) -> Result<String, ParamFault> {
        let mut form = String::new();
        for (name, value) in self.pairs.iter().filter(|(name, _)| !without.contains(&name.as_str())) {
            let value = match value {
                Value::Text(text) => text,
                Value::Bad(fault) => return Err(ParamFault { name: name.clone(), fault }),
            };
            if !form.is_empty() {
                form.push('&');
            }
            form.extend(utf8_percent_encode(name, NON_ALPHANUMERIC));
            form.push('=');
            form.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        Ok(form)
    }

    fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Value> + use<'a, 'n> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value)
    }
}

impl fmt::Debug for Params {
    /// Names alone: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Value::Bad(&fault::PARAMETER_ENCODING), Value::Text)
    }
}

/// Decodes one name or value of a form; `None` when it is not UTF-8.
pub(crate) fn form_decode(bytes: &[u8]) -> Option<String> {
    if !bytes.iter().any(|b| matches!(b, b'+' | b'%')) {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let spaced: Vec<u8> = bytes.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    String::from_utf8(percent_decode(&spaced).collect()).ok()
}

/// A JSON value, as far as parameters are concerned.
enum Members {
    Object(Vec<(String, Value)>),
    Other,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Members, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Members::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Members, E> {
        Ok(Members::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Members, E> {
        Ok(Members::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Members, E> {
        Ok(Members::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Members, E> {
        Ok(Members::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Members, E> {
        Ok(Members::Other)
    }

    fn visit_unit<E>(self) -> Result<Members, E> {
        Ok(Members::Other)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Bad(&fault::PARAMETER_TYPE))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Bad(&fault::PARAMETER_TYPE))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Bad(&fault::PARAMETER_TYPE))
    }
}
