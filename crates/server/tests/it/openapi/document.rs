//! The description as a test reads it.

use serde_json::Value;

use super::schema::Schemas;
use crate::support::{Answer, World};

/// The document that a server serves.
pub struct Document(pub Value);

impl Document {
    pub async fn of(world: &World) -> Document {
        let answer = Answer::of(world.http.get(world.url("/openapi.json")).send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
        Document(answer.json)
    }

    pub fn schemas(&self) -> Schemas<'_> {
        Schemas(&self.0)
    }

    /// Method, path and description of every call.
    pub fn calls(&self) -> Vec<(&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        paths
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().iter().map(|(method, call)| (method.as_str(), path.as_str(), call))
            })
            .collect()
    }

    /// How that answer is described.
    #[track_caller]
    pub fn response(&self, method: &str, path: &str, status: u16) -> &Value {
        let response = &self.0["paths"][path][method]["responses"][status.to_string()];
        assert!(response.is_object(), "{method} {path} is not described to answer {status}");
        response
    }

    /// Asserts that an answer is one of those that the call is described to give: status, media type, body, headers.
    #[track_caller]
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let response = self.response(method, path, answer.status);
        let media_type = answer.header("content-type").split(';').next().unwrap();
        let content = &response["content"][media_type];
        assert!(content.is_object(), "{method} {path} {} came as {media_type}", answer.status);
        let body = if media_type.ends_with("json") { answer.json.clone() } else { Value::from(answer.text.clone()) };
        let faults = self.schemas().faults(&content["schema"], &body);
        assert!(faults.is_empty(), "{method} {path} {}: {faults:#?} in {}", answer.status, answer.text);
        for header in ["www-authenticate", "retry-after", "etag"] {
            let mut described = response["headers"].as_object().unwrap().keys();
            let described = described.any(|name| name.eq_ignore_ascii_case(header));
            assert!(described || answer.header(header).is_empty(), "{method} {path} {}: {header}", answer.status);
        }
    }
}
