//! Reading the form of a page.

use axum::body::Body;
use axum::extract::FromRequestParts;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, StatusCode};
use protocol::fault;
use protocol::params::{ParamFault, Params};

use super::PageError;
use super::body::{BodyFault, MAX_BODY_BYTES, has_media_type, read_body};
use crate::app::SharedApp;

/// How browsers send a form.
pub const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Reads the fields of a `POST`ed form, at most 64 KiB.
///
/// # Errors
/// The page for another content type (415), too many bytes (413), too little speed (408) or too many fields (400).
pub async fn read(request: Request<Body>) -> Result<Params, PageError> {
    let (parts, body) = request.into_parts();
    read_parts(&parts, body).await
}

/// As [`read`], where the head of the request is still needed.
///
/// # Errors
/// As [`read`].
pub async fn read_parts(parts: &Parts, body: Body) -> Result<Params, PageError> {
    let bytes = read_raw(parts, body).await?;
    Params::from_form(&bytes).map_err(|error| PageError::new(StatusCode::BAD_REQUEST, error.fault))
}

/// As [`read`], but gives the form as it came.
///
/// # Errors
/// As [`read`], but for the number of fields.
pub async fn read_bytes(request: Request<Body>) -> Result<Bytes, PageError> {
    let (parts, body) = request.into_parts();
    read_raw(&parts, body).await
}

async fn read_raw(parts: &Parts, body: Body) -> Result<Bytes, PageError> {
    if !has_media_type(parts, MEDIA_TYPE) {
        let detail = format!("A form is sent as {MEDIA_TYPE}.");
        return Err(
            PageError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &fault::UNSUPPORTED_MEDIA_TYPE).with_detail(detail)
        );
    }
    Ok(read_body(parts, body, MAX_BODY_BYTES).await?)
}

/// The parameters of a page's query, as an extractor.
#[derive(Debug, Clone, Default)]
pub struct QueryParams(pub Params);

impl QueryParams {
    /// The parameter's value; one that is empty, came twice or is no text counts as left out.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).ok().flatten()
    }
}

impl FromRequestParts<SharedApp> for QueryParams {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedApp) -> Result<QueryParams, PageError> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        Params::from_form(query).map(QueryParams).map_err(|error| PageError::new(StatusCode::BAD_REQUEST, error.fault))
    }
}

impl From<BodyFault> for PageError {
    fn from(fault: BodyFault) -> PageError {
        match fault {
            BodyFault::TooLarge => PageError::new(StatusCode::PAYLOAD_TOO_LARGE, &fault::BODY_TOO_LARGE),
            BodyFault::TooSlow | BodyFault::Broken => {
                PageError::new(StatusCode::REQUEST_TIMEOUT, &fault::REQUEST_TIMEOUT)
            }
        }
    }
}

/// A field that came twice or is no text: 400, and the page names it.
impl From<ParamFault> for PageError {
    fn from(bad: ParamFault) -> PageError {
        PageError::new(StatusCode::BAD_REQUEST, bad.fault).with_detail(bad.detail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(content_type: &str, body: &str) -> Result<Params, PageError> {
        read(Request::builder().header("content-type", content_type).body(Body::from(body.to_owned())).unwrap()).await
    }

    #[tokio::test]
    async fn a_form_is_read_as_browsers_send_it() {
        let form = answer(MEDIA_TYPE, "email=asha%40example.com&password=two+words").await.unwrap();
        assert_eq!(form.get("email"), Ok(Some("asha@example.com")));
        assert_eq!(form.get("password"), Ok(Some("two words")));
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused_by_its_status() {
        assert_eq!(answer("text/plain", "email=x").await.unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(
            answer(MEDIA_TYPE, &"x".repeat(MAX_BODY_BYTES + 1)).await.unwrap_err().status,
            StatusCode::PAYLOAD_TOO_LARGE
        );
    }

    #[tokio::test]
    async fn a_field_that_is_no_text_is_named() {
        for body in ["email=%ff", "email=a%00b", "email=a&email=b"] {
            let form = answer(MEDIA_TYPE, body).await.unwrap();
            let error = PageError::from(form.get("email").unwrap_err());
            assert_eq!(error.status, StatusCode::BAD_REQUEST, "{body}");
            assert!(error.detail.unwrap().contains("email"), "{body}");
        }
    }
}
