//! Reading a request's body, bounded in bytes and in time.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::BodyExt as _;

/// The most bytes in the body of a form or of a call.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest that a body may take to arrive.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);

/// A body that was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// More bytes than allowed.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken,
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// It is too large (known from its declared length before a byte is read), too slow, or broke off.
pub async fn read_body(parts: &Parts, body: Body, limit: usize) -> Result<Bytes, BodyFault> {
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(BodyFault::TooLarge);
    }
    collect_within(MAX_BODY_TIME, body, limit).await
}

async fn collect_within(time: Duration, body: Body, limit: usize) -> Result<Bytes, BodyFault> {
    tokio::time::timeout(time, collect(body, limit)).await.unwrap_or(Err(BodyFault::TooSlow))
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, BodyFault> {
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        if first.as_ref().map_or(0, Bytes::len) + more.len() + data.len() > limit {
            return Err(BodyFault::TooLarge);
        }
        // Nearly every body comes in one piece: that one is taken as it is.
        match first {
            None => first = Some(data),
            Some(_) => more.extend_from_slice(&data),
        }
    }
    let first = first.unwrap_or_default();
    if more.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + more.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&more);
    Ok(whole.freeze())
}

/// Whether the request says that its body is of that media type, whatever parameters follow.
pub fn has_media_type(parts: &Parts, media_type: &str) -> bool {
    parts.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(content_type: &str, length: Option<&str>) -> Parts {
        let mut request = http::Request::builder().header("content-type", content_type);
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_and_not_beyond() {
        let parts = parts("text/plain", None);
        assert_eq!(read_body(&parts, Body::from("12345"), 5).await, Ok(Bytes::from("12345")));
        assert_eq!(read_body(&parts, Body::from("123456"), 5).await, Err(BodyFault::TooLarge));
        assert_eq!(read_body(&parts, Body::empty(), 5).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn a_declared_length_beyond_the_limit_is_refused_before_reading() {
        let parts = parts("text/plain", Some("6"));
        assert_eq!(read_body(&parts, Body::empty(), 5).await, Err(BodyFault::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        assert_eq!(collect_within(Duration::from_millis(1), Body::new(Silent), 5).await, Err(BodyFault::TooSlow));
    }

    /// A body of which nothing ever arrives.
    struct Silent;

    impl hyper::body::Body for Silent {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }

    #[test]
    fn a_media_type_is_compared_without_case_and_parameters() {
        let form = "application/x-www-form-urlencoded";
        for good in [form, "Application/X-WWW-Form-Urlencoded", "application/x-www-form-urlencoded; charset=utf-8"] {
            assert!(has_media_type(&parts(good, None), form), "{good}");
        }
        for wrong in ["", "text/plain", "application/x-www-form-urlencodedx", "multipart/form-data"] {
            assert!(!has_media_type(&parts(wrong, None), form), "{wrong}");
        }
    }
}
