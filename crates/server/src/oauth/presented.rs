//! What of a call to the API says who calls: the `Authorization` header, a DPoP proof, and what the proof must be about.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::dpop;

/// What a call presents. It is taken out of the request without a copy of its headers.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The `Authorization` header, and whether there is more than one.
    pub authorization: Option<(HeaderValue, bool)>,
    /// The `DPoP` header, and whether there is more than one.
    pub proof: Option<(HeaderValue, bool)>,
    /// The method.
    pub method: Method,
    uri: Uri,
}

impl Presented {
    /// Takes it out of a request.
    pub fn of(parts: &Parts) -> Presented {
        Presented {
            authorization: first(&parts.headers, &AUTHORIZATION),
            proof: first(&parts.headers, &dpop::HEADER),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
        }
    }

    /// The path that is called.
    pub fn path(&self) -> &str {
        self.uri.path()
    }
}

fn first(headers: &HeaderMap, name: &HeaderName) -> Option<(HeaderValue, bool)> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.clone();
    Some((first, values.next().is_some()))
}

impl<S: Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Presented, Infallible> {
        Ok(Presented::of(parts))
    }
}
