//! A refusal in the API's documented envelope: `{customCode, message, errors}`, or `errorsArray` where fields are at fault.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use protocol::fault::{self, Fault};
use serde::Serialize;
use sql::DbError;
use utoipa::ToSchema;

use super::RETRY_SOON;
use super::body::BodyFault;
use super::page_error::{database_fault, log, retry_after_header};

/// A refusal that a program reads.
#[derive(Debug)]
pub struct ApiError {
    /// The HTTP status, `customCode` in the body.
    pub status: StatusCode,
    /// The entry of the catalogue; its code is `message` in the body.
    pub fault: &'static Fault,
    /// What the catalogue cannot know, as a full sentence. Public.
    pub detail: Option<String>,
    /// Every field at fault: `errorsArray` in the body.
    pub fields: Vec<FieldFault>,
    /// The challenge of a 401 or 403.
    pub www_authenticate: Option<HeaderValue>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// For the log alone.
    pub private: Option<String>,
}

/// What is wrong with one property of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// The property, `advancedOptions.waitingRoom` where it is nested.
    pub property: String,
    /// What is wrong and what it must be.
    pub message: String,
}

impl ApiError {
    /// A refusal with nothing but its entry in the catalogue.
    pub fn new(status: StatusCode, fault: &'static Fault) -> ApiError {
        ApiError {
            status,
            fault,
            detail: None,
            fields: Vec::new(),
            www_authenticate: None,
            retry_after: None,
            private: None,
        }
    }

    /// Fields at fault, all at once: 412, as the API description has it.
    pub fn fields(fault: &'static Fault, fields: Vec<FieldFault>) -> ApiError {
        ApiError { fields, ..ApiError::new(StatusCode::PRECONDITION_FAILED, fault) }
    }

    /// Adds what the catalogue cannot know, as a full sentence. Public.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> ApiError {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the challenge.
    #[must_use]
    pub fn with_www_authenticate(mut self, challenge: HeaderValue) -> ApiError {
        self.www_authenticate = Some(challenge);
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> ApiError {
        self.retry_after = Some(wait);
        self
    }

    /// The body of the answer.
    pub fn envelope(&self) -> Envelope<'_> {
        let words = || {
            [self.fault.sentence, self.detail.as_deref().unwrap_or_default(), self.fault.mend]
                .iter()
                .filter(|text| !text.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(" ")
        };
        Envelope {
            custom_code: self.status.as_u16(),
            message: self.fault.code,
            errors: self.fields.is_empty().then(words),
            errors_array: &self.fields,
        }
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn with_private(mut self, private: impl Into<String>) -> ApiError {
        self.private = Some(private.into());
        self
    }
}

/// A refusal: `errors` in words, or `errorsArray` where fields are at fault.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiError)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a> {
    /// The HTTP status.
    custom_code: u16,
    /// The stable name of the fault, explained at `/docs/errors`.
    message: &'a str,
    /// What is wrong and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<String>,
    /// Every field at fault, at once.
    #[schema(value_type = Vec<FieldFault>)]
    #[serde(skip_serializing_if = "<[FieldFault]>::is_empty")]
    errors_array: &'a [FieldFault],
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        log(self.status, self.fault.code, self.detail.as_deref(), self.private.as_deref());
        let body = serde_json::to_string(&self.envelope()).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.www_authenticate {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, retry_after_header(wait));
        }
        response
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> ApiError {
        let (status, fault) = database_fault(&error);
        let refusal = ApiError::new(status, fault).with_private(error.to_string());
        if error.is_outage() { refusal.with_retry_after(RETRY_SOON) } else { refusal }
    }
}

impl From<BodyFault> for ApiError {
    fn from(fault: BodyFault) -> ApiError {
        match fault {
            BodyFault::TooLarge => ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, &fault::BODY_TOO_LARGE),
            BodyFault::TooSlow | BodyFault::Broken => {
                ApiError::new(StatusCode::REQUEST_TIMEOUT, &fault::REQUEST_TIMEOUT)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body_of(error: ApiError) -> serde_json::Value {
        let bytes = axum::body::to_bytes(error.into_response().into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_refusal_has_the_documented_envelope() {
        let body =
            body_of(ApiError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND).with_detail("No meeting has this id."))
                .await;
        assert_eq!(body["customCode"], 404);
        assert_eq!(body["message"], "not_found");
        assert!(body["errors"].as_str().unwrap().contains("No meeting has this id."));
        assert!(body.get("errorsArray").is_none());
    }

    #[tokio::test]
    async fn fields_at_fault_are_listed_all_at_once() {
        let fault = |property: &str| FieldFault { property: property.to_owned(), message: "is required".to_owned() };
        let body = body_of(ApiError::fields(&fault::PARAMETER_TYPE, vec![fault("topic"), fault("startTime")])).await;
        assert_eq!(body["customCode"], 412);
        assert_eq!(body["errorsArray"][1]["property"], "startTime");
        assert!(body.get("errors").is_none());
    }
}
