//! The schemas, by name: derived from the types that the handlers write and from [`super::bodies`].

use protocol::error::ErrorBody;
use protocol::jwt::JwkSet;
use protocol::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::bodies::{CancelBody, MeetingBody, PresentedBody, PushedBody, TokenBody};
use crate::meetings::{CancelledAnswer, CreatedAnswer, ListAnswer, MeetingAnswer, ProfileAnswer};
use crate::oauth::{Introspection, PushedResponse, TokenResponse, UserInfo};
use crate::web::Envelope;

/// Schemas by their names.
pub type Schemas = Map<String, Value>;

/// Where a reference to a schema leads.
pub const PREFIX: &str = "#/components/schemas/";

/// Every schema of the description.
pub fn all() -> Schemas {
    let mut absent = Schemas::new();
    collect::<ProfileAnswer<'_>>(&mut absent);
    collect::<MeetingAnswer<'_>>(&mut absent);
    collect::<CreatedAnswer<'_>>(&mut absent);
    collect::<ListAnswer<'_>>(&mut absent);
    collect::<CancelledAnswer>(&mut absent);
    collect::<Envelope<'_>>(&mut absent);
    collect::<ErrorBody<'_>>(&mut absent);
    collect::<TokenResponse<'_>>(&mut absent);
    collect::<PushedResponse>(&mut absent);
    collect::<Introspection>(&mut absent);
    collect::<AuthorizationServerMetadata>(&mut absent);
    collect::<ProtectedResourceMetadata>(&mut absent);
    collect::<UserInfo<'_>>(&mut absent);
    collect::<JwkSet>(&mut absent);
    collect::<TokenBody>(&mut absent);
    collect::<PushedBody>(&mut absent);
    collect::<PresentedBody>(&mut absent);
    absent.values_mut().for_each(forbid_null);
    told_apart_by_hand(&mut absent);

    let mut schemas = Schemas::new();
    // In the bodies of the meeting API null is as good as left out.
    collect::<MeetingBody>(&mut schemas);
    collect::<CancelBody>(&mut schemas);
    schemas.append(&mut absent);
    schemas
}

/// A type's schema, and those that it refers to.
fn collect<T: ToSchema>(schemas: &mut Schemas) {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        schemas.insert(name, json!(schema));
    }
}

/// What may be left out is left out in our answers, never null; and OAuth's parameters are texts. A derived schema of an
/// `Option` allows both.
fn forbid_null(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(&json!(name))) {
            without_null(property);
        }
    }
    for part in ["allOf", "oneOf"] {
        schema.get_mut(part).and_then(Value::as_array_mut).into_iter().flatten().for_each(forbid_null);
    }
}

fn without_null(property: &mut Value) {
    if let Some(kind) = property.get_mut("type")
        && let Some(types) = kind.as_array_mut()
    {
        types.retain(|word| word != "null");
        if let [only] = types.as_slice() {
            *kind = only.clone();
        }
    }
    let null = json!({"type": "null"});
    if let Some([schema, other]) = property.get("oneOf").and_then(Value::as_array).map(Vec::as_slice)
        && *other == null
    {
        *property = schema.clone();
    }
}

/// The answers of introspection are told apart by `active` and `token_type`, which the derived schemas do not know: they
/// would allow an access token to be taken for a refresh token as well.
fn told_apart_by_hand(schemas: &mut Schemas) {
    if let Some(introspection) = schemas.get_mut("IntrospectionResponse").and_then(Value::as_object_mut)
        && let Some(kinds) = introspection.remove("oneOf")
    {
        introspection.insert("anyOf".to_owned(), kinds);
    }
    for (name, active) in [("InactiveToken", false), ("ActiveRefreshToken", true)] {
        let property = schemas.get_mut(name).and_then(|schema| schema.pointer_mut("/properties/active"));
        if let Some(property) = property.and_then(Value::as_object_mut) {
            property.insert("const".to_owned(), json!(active));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_referred_to_is_there() {
        let schemas = all();
        let text = json!(schemas).to_string();
        let mut references = 0;
        for reference in text.split(PREFIX).skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
            references += 1;
        }
        assert!(references > 10, "{references}");
    }

    #[test]
    fn null_stands_only_where_it_is_meant() {
        let schemas = all();
        let nulls = |name: &str| schemas[name].to_string().contains("\"null\"");
        for name in
            ["ScheduledMeeting", "RepeatOptions", "ApiError", "AccessTokenRequestBody", "AuthorizationServerMetadata"]
        {
            assert!(!nulls(name), "{name}: {}", schemas[name]);
        }
        for name in ["Participant", "ScheduledMeetingRequestBody", "RepeatOptionsBody"] {
            assert!(nulls(name), "{name}: {}", schemas[name]);
        }
    }
}
