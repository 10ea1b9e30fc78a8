//! The description as a page for people, `/docs/api`.

use askama::Template;
use protocol::fault::Fault;
use protocol::scope::KnownScope;
use serde_json::Value;

use super::document::refusals;
use super::operations::{Caller, Group, Operation, Shape};
use super::schemas::{PREFIX, Schemas};
use crate::catalogue::Catalogue;
use crate::config::Issuer;
use crate::web::Shell;

/// The page.
#[derive(Template)]
#[template(path = "openapi/api_doc.html")]
pub struct ApiPage {
    shell: Shell,
    issuer: String,
    scopes: Vec<KnownScope>,
    groups: Vec<Section>,
    schemas: Vec<Schema>,
}

/// Calls that belong together.
struct Section {
    group: Group,
    calls: Vec<Call>,
}

/// A call.
struct Call {
    id: &'static str,
    method: String,
    path: &'static str,
    summary: &'static str,
    description: &'static str,
    caller: &'static str,
    scope: Option<&'static str>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answer: &'static str,
    answer_type: Type,
    answer_example: String,
    refusals: Vec<(u16, Vec<&'static Fault>)>,
    curl: String,
}

/// What stands in the path or the query.
struct Parameter {
    name: &'static str,
    place: &'static str,
    kind: Type,
    description: &'static str,
}

/// What goes in.
struct Body {
    media_types: String,
    kind: Type,
    /// What it is, and how it reads.
    examples: Vec<(&'static str, String)>,
}

/// A type in words: the schema that it leads to stands between what is said before and after.
#[derive(Default)]
struct Type {
    before: String,
    schema: Option<String>,
    after: String,
}

/// A named schema.
struct Schema {
    name: String,
    description: String,
    /// One of these.
    kinds: Vec<Type>,
    properties: Vec<Property>,
}

/// A property of an object.
struct Property {
    name: String,
    kind: Type,
    required: bool,
    description: String,
}

impl ApiPage {
    /// The page of these calls.
    pub fn of(issuer: &Issuer, catalogue: &Catalogue, operations: &[Operation], schemas: &Schemas) -> ApiPage {
        let section = |group| Section {
            group,
            calls: operations.iter().filter(|call| call.group == group).map(|call| Call::of(call, issuer)).collect(),
        };
        ApiPage {
            shell: Shell::nobody(issuer.authority().to_owned()),
            issuer: issuer.as_str().to_owned(),
            scopes: catalogue.own_scopes().cloned().collect(),
            groups: Group::ALL.map(section).into(),
            schemas: schemas.iter().map(|(name, schema)| Schema::of(name, schema)).collect(),
        }
    }
}

impl Call {
    fn of(call: &Operation, issuer: &Issuer) -> Call {
        let (caller, scope) = match call.caller {
            Caller::Anyone => ("anyone", None),
            Caller::Client => ("an app that says who it is", None),
            Caller::ConfidentialClient => ("an app with a secret", None),
            Caller::Person(scope) => ("an app with an access token for the scope", Some(scope)),
        };
        let body = call.body.as_ref().map(|body| Body {
            media_types: body.media_types.join(" or "),
            kind: Type::of_shape(Shape::One(body.schema)),
            examples: (body.examples)().iter().map(|(what, value)| (*what, pretty(value))).collect(),
        });
        let parameters = call.all_parameters().map(|parameter| Parameter {
            name: parameter.name,
            place: parameter.place,
            kind: Type::of(&(parameter.schema)()),
            description: parameter.description,
        });
        let example = (call.answer.example)();
        Call {
            id: call.id,
            method: call.method.to_uppercase(),
            path: call.path,
            summary: call.summary,
            description: call.description,
            caller,
            scope,
            parameters: parameters.collect(),
            body,
            answer: call.answer.description,
            answer_type: Type::of_shape(call.answer.schema),
            answer_example: example.as_str().map_or_else(|| pretty(&example), |text| text.trim_end().to_owned()),
            refusals: refusals(call).into_iter().collect(),
            curl: curl(call, issuer),
        }
    }
}

/// The call as a command that can be pasted into a shell where `ACCESS_TOKEN`, or `CLIENT_ID` and `CLIENT_SECRET`, are set.
fn curl(call: &Operation, issuer: &Issuer) -> String {
    let mut url = issuer.url(call.path);
    for parameter in call.parameters.iter().filter(|parameter| parameter.place == "path") {
        url = url.replace(&format!("{{{}}}", parameter.name), parameter.example);
    }
    let mut words = match call.method {
        "get" => format!("curl '{url}'"),
        method => format!("curl -X {} '{url}'", method.to_uppercase()),
    };
    match call.caller {
        Caller::Anyone => {}
        Caller::Client | Caller::ConfidentialClient => words.push_str(" \\\n  -u \"$CLIENT_ID:$CLIENT_SECRET\""),
        Caller::Person(_) => words.push_str(" \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\""),
    }
    let Some(body) = &call.body else { return words };
    let Some((_, example)) = (body.examples)().into_iter().next() else { return words };
    if body.media_types.contains(&"application/x-www-form-urlencoded") {
        for (name, value) in example.as_object().into_iter().flatten() {
            words.push_str(&format!(" \\\n  --data-urlencode '{name}={}'", value.as_str().unwrap_or_default()));
        }
    } else {
        words.push_str(&format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'", pretty(&example)));
    }
    words
}

impl Schema {
    fn of(name: &str, schema: &Value) -> Schema {
        let mut kinds: Vec<Type> = Vec::new();
        for part in ["oneOf", "anyOf"] {
            kinds.extend(schema[part].as_array().into_iter().flatten().map(Type::of));
        }
        let mut properties = properties_of(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            match part["$ref"].as_str() {
                Some(_) => properties.push(Property {
                    name: "…".to_owned(),
                    kind: Type::of(part),
                    required: true,
                    description: "and all of its properties".to_owned(),
                }),
                None => properties.extend(properties_of(part)),
            }
        }
        let description = text_of(schema);
        if kinds.is_empty() && properties.is_empty() {
            kinds.push(Type::of(schema));
        }
        Schema { name: name.to_owned(), description, kinds, properties }
    }
}

fn properties_of(schema: &Value) -> Vec<Property> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut properties: Vec<Property> = properties
        .map(|(name, property)| Property {
            name: name.clone(),
            kind: Type::of(property),
            required: required.iter().any(|required| required == name),
            description: text_of(property),
        })
        .collect();
    properties.sort_by_key(|property| !property.required);
    properties
}

fn text_of(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('`', "").replace('\n', " ")
}

impl Type {
    fn words(words: impl Into<String>) -> Type {
        Type { before: words.into(), ..Type::default() }
    }

    fn of_shape(shape: Shape) -> Type {
        let named = |name: &str| Some(name.to_owned());
        match shape {
            Shape::One(name) => Type { schema: named(name), ..Type::default() },
            Shape::ArrayOf(name) => {
                Type { before: "array of one ".to_owned(), schema: named(name), after: String::new() }
            }
            Shape::EmptyObject => Type::words("empty object"),
            Shape::Object => Type::words("object"),
            Shape::Text => Type::words("text"),
        }
    }

    fn of(schema: &Value) -> Type {
        if let Some(name) = schema["$ref"].as_str() {
            return Type { schema: Some(name.trim_start_matches(PREFIX).to_owned()), ..Type::default() };
        }
        for part in ["oneOf", "anyOf"] {
            if let Some(kinds) = schema[part].as_array() {
                return Type::of_one(kinds);
            }
        }
        if schema["type"] == "array"
            || schema["type"].as_array().is_some_and(|types| types.iter().any(|t| t == "array"))
        {
            let item = Type::of(&schema["items"]);
            let size = match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
                (Some(least), Some(most)) if least == most => format!("array of {most} "),
                (_, Some(most)) => format!("array of at most {most} "),
                _ => "array of ".to_owned(),
            };
            return Type { before: size + &item.before, ..item };
        }
        Type::words(simple_words(schema))
    }

    /// One of several. What may be null is that, or null.
    fn of_one(kinds: &[Value]) -> Type {
        let is_null = |kind: &&Value| kind["type"] == "null";
        let nullable = kinds.iter().any(|kind| is_null(&kind));
        let mut kinds: Vec<Type> = kinds.iter().filter(|kind| !is_null(kind)).map(Type::of).collect();
        let mut only = match (kinds.pop(), kinds.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                let words =
                    kinds.into_iter().chain(last).map(|kind| kind.before + kind.schema.as_deref().unwrap_or(""));
                Type::words(words.collect::<Vec<_>>().join(" or "))
            }
        };
        if nullable {
            only.after.push_str(" or null");
        }
        only
    }
}

/// What a schema without parts allows.
fn simple_words(schema: &Value) -> String {
    let mut words: Vec<String> = match &schema["type"] {
        Value::Array(types) => vec![types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")],
        Value::String(one) => vec![one.clone()],
        _ => vec!["anything".to_owned()],
    };
    if let Some(format) = schema["format"].as_str().filter(|format| !format.starts_with("int")) {
        words.push(format.to_owned());
    }
    if let Some(values) = schema["enum"].as_array() {
        words.push(values.iter().map(Value::to_string).collect::<Vec<_>>().join(" or "));
    }
    if let Some(value) = schema.get("const") {
        words.push(value.to_string());
    }
    for (key, what) in [
        ("minLength", "at least so many characters:"),
        ("maxLength", "at most so many characters:"),
        ("minimum", "from"),
        ("maximum", "to"),
        ("default", "default"),
    ] {
        if let Some(limit) = schema.get(key) {
            words.push(format!("{what} {limit}"));
        }
    }
    words.join(", ")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
