//! The description as an OpenAPI 3.1 document.

use std::collections::BTreeMap;

use http::StatusCode;
use protocol::error::{OAuthError, OAuthErrorCode};
use protocol::fault::Fault;
use serde_json::{Map, Value, json};

use super::operations::{Caller, Group, Operation, Parameter, Shape};
use super::refusals::Words;
use super::schemas::{PREFIX, Schemas};
use crate::catalogue::Catalogue;
use crate::config::Issuer;
use crate::web::{ApiError, FieldFault};

/// The whole document.
pub fn of(issuer: &Issuer, catalogue: &Catalogue, operations: &[Operation], schemas: Schemas) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        paths.entry(operation.path).or_default().insert(operation.method.to_owned(), describe(operation, issuer));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "JioMeet for apps",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What an app can do for a person: get tokens by OAuth 2.0, read the profile, schedule meetings.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": issuer.as_str()}],
        "externalDocs": {"url": issuer.url("/docs/api"), "description": "The same, to read"},
        "tags": Group::ALL.map(|group| json!({"name": group.title(), "description": group.description()})),
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security_schemes(issuer, catalogue)},
    })
}

fn describe(operation: &Operation, issuer: &Issuer) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.group.title()],
        "summary": operation.summary,
        "description": operation.description,
        "security": security(operation.caller),
        "responses": responses(operation, issuer),
    });
    let parameters: Vec<Value> = operation.all_parameters().map(parameter).collect();
    if !parameters.is_empty() {
        described["parameters"] = json!(parameters);
    }
    if let Some(body) = &operation.body {
        let examples: Map<String, Value> =
            (body.examples)().into_iter().map(|(name, value)| (name.to_owned(), json!({"value": value}))).collect();
        let content: Map<String, Value> = body
            .media_types
            .iter()
            .map(|&media_type| {
                (media_type.to_owned(), json!({"schema": shape(Shape::One(body.schema)), "examples": examples}))
            })
            .collect();
        described["requestBody"] = json!({"required": true, "content": content});
    }
    described
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = (parameter.schema)();
    let example = match schema["type"].as_str() {
        Some("string") => json!(parameter.example),
        _ => serde_json::from_str(parameter.example).unwrap_or_default(),
    };
    let mut described = json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": schema,
        "example": example,
    });
    if parameter.place == "query" {
        // An empty value is as good as none.
        described["allowEmptyValue"] = json!(true);
    }
    described
}

fn responses(operation: &Operation, issuer: &Issuer) -> Map<String, Value> {
    let answer = &operation.answer;
    let content = json!({answer.media_type: {"schema": shape(answer.schema), "example": (answer.example)()}});
    let ok = json!({"description": answer.description, "headers": headers(200, operation), "content": content});
    // RFC 9126 2.2: a request that was pushed is a resource that was created.
    let status = if operation.path == "/oauth2/par" { "201" } else { "200" };
    let mut responses = Map::from_iter([(status.to_owned(), ok)]);
    if operation.path == "/openapi.json" {
        let headers = headers(304, operation);
        let known = json!({"description": "The client has this very description.", "headers": headers});
        responses.insert("304".to_owned(), known);
    }
    for (status, faults) in refusals(operation) {
        responses.insert(status.to_string(), refusal(status, &faults, operation, issuer));
    }
    responses
}

/// Every status with which the call may be refused, and every fault that may come with it.
pub fn refusals(operation: &Operation) -> BTreeMap<u16, Vec<&'static Fault>> {
    let mut all: BTreeMap<u16, Vec<&'static Fault>> = BTreeMap::new();
    for (status, faults) in operation.refusals.iter().copied().flatten() {
        all.entry(*status).or_default().extend(faults.iter());
    }
    all
}

fn refusal(status: u16, faults: &[&'static Fault], operation: &Operation, issuer: &Issuer) -> Value {
    let lines: Vec<String> = faults.iter().map(|fault| format!("`{}`: {}", fault.code, fault.sentence)).collect();
    let example = |fault: &'static Fault| match operation.words {
        Words::Api => json!(example_in_the_api(status, fault).envelope()),
        Words::OAuth => {
            let error = OAuthError::new(oauth_code(status, fault), fault).with_status(status);
            serde_json::from_str(&error.json_body(&issuer.url("/docs/errors"))).unwrap_or_default()
        }
        Words::Text => json!("the database takes no writes\n"),
    };
    let examples: Map<String, Value> =
        faults.iter().map(|&fault| (fault.code.to_owned(), json!({"value": example(fault)}))).collect();
    let (media_type, schema) = match operation.words {
        Words::Api => ("application/json", Shape::One("ApiError")),
        Words::OAuth => ("application/json", Shape::One("OAuthError")),
        Words::Text => ("text/plain", Shape::Text),
    };
    json!({
        "description": lines.join("\n\n"),
        "headers": headers(status, operation),
        "content": {media_type: {"schema": shape(schema), "examples": examples}},
    })
}

fn example_in_the_api(status: u16, fault: &'static Fault) -> ApiError {
    let property = match fault.code {
        "validation_failed" => "topic",
        "query_invalid" => "limit",
        _ => return ApiError::new(StatusCode::from_u16(status).unwrap_or_default(), fault),
    };
    let message = match property {
        "topic" => "topic is required.",
        _ => "limit must be a whole number from 1 to 100.",
    };
    ApiError::fields(fault, vec![FieldFault { property: property.to_owned(), message: message.to_owned() }])
}

/// The code of RFC 6749 with which a fault comes at the token endpoints.
fn oauth_code(status: u16, fault: &Fault) -> OAuthErrorCode {
    match (status, fault.code) {
        (401, _) => OAuthErrorCode::InvalidClient,
        (429 | 503, _) => OAuthErrorCode::TemporarilyUnavailable,
        (500, _) => OAuthErrorCode::ServerError,
        (_, code) if code.starts_with("dpop_proof_") => OAuthErrorCode::InvalidDpopProof,
        (_, "grant_type_unsupported") => OAuthErrorCode::UnsupportedGrantType,
        (_, "scope_malformed" | "scope_exceeds_grant") => OAuthErrorCode::InvalidScope,
        (
            _,
            "code_unknown"
            | "code_expired"
            | "code_spent"
            | "code_revoked"
            | "redirect_uri_mismatch"
            | "verifier_missing"
            | "verifier_mismatch"
            | "verifier_malformed"
            | "verifier_unexpected"
            | "refresh_token_unknown"
            | "refresh_token_expired"
            | "refresh_token_replaced"
            | "refresh_token_replayed"
            | "grant_ended"
            | "client_inactive",
        ) => OAuthErrorCode::InvalidGrant,
        _ => OAuthErrorCode::InvalidRequest,
    }
}

fn headers(status: u16, operation: &Operation) -> Value {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    let mut headers = json!({
        "X-Request-Id": text("Names this request in the server's log."),
        "Cache-Control": text("Who may keep the answer, and for how long."),
    });
    let by_token = matches!(operation.caller, Caller::Person(_));
    if matches!(status, 401 | 403) || by_token && status == 400 {
        headers["WWW-Authenticate"] = text("The challenge: what is wanted (RFC 6749 section 5.2, RFC 6750 section 3).");
    }
    if matches!(status, 429 | 503) {
        headers["Retry-After"] =
            json!({"description": "After how many seconds to come back.", "schema": {"type": "integer", "minimum": 1}});
    }
    if operation.path == "/openapi.json" && matches!(status, 200 | 304) {
        headers["ETag"] = text("Changes when the description does.");
    }
    headers
}

fn shape(shape: Shape) -> Value {
    let reference = |name: &str| json!({"$ref": format!("{PREFIX}{name}")});
    match shape {
        Shape::One(name) => reference(name),
        Shape::ArrayOf(name) => json!({"type": "array", "items": reference(name), "minItems": 1, "maxItems": 1}),
        Shape::EmptyObject => json!({"type": "object", "maxProperties": 0}),
        Shape::Object => json!({"type": "object"}),
        Shape::Text => json!({"type": "string"}),
    }
}

fn security(caller: Caller) -> Value {
    match caller {
        Caller::Anyone => json!([]),
        // The app may say who it is in the body instead.
        Caller::Client | Caller::ConfidentialClient => json!([{"basicAuth": []}, {}]),
        Caller::Person(scope) => json!([{"bearerAuth": [scope]}, {"dpopAuth": [scope]}, {"oauth2": [scope]}]),
    }
}

fn security_schemes(issuer: &Issuer, catalogue: &Catalogue) -> Value {
    let scopes: Map<String, Value> =
        catalogue.own_scopes().map(|scope| (scope.name.to_string(), json!(scope.description))).collect();
    json!({
        "basicAuth": {
            "type": "http",
            "scheme": "basic",
            "description": "The app's client id and client secret, each form-urlencoded first (RFC 6749 section 2.3.1).",
        },
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access_token from /api/oauth2/v2/token, in the header alone.",
        },
        "dpopAuth": {
            "type": "http",
            "scheme": "dpop",
            "description": "An access_token that is bound to the app's key, beside a proof in the header DPoP (RFC 9449 section 7.1).",
        },
        "oauth2": {
            "type": "oauth2",
            "description": "The authorization code flow, with PKCE by S256 (RFC 7636).",
            "flows": {"authorizationCode": {
                "authorizationUrl": issuer.url("/oauth2/authorize"),
                "tokenUrl": issuer.url("/api/oauth2/v2/token"),
                "refreshUrl": issuer.url("/api/oauth2/v2/token"),
                "scopes": scopes,
            }},
        },
    })
}
