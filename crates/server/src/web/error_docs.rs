//! `/docs/errors`: the catalogue, a paragraph for each fault; `error_uri` leads here.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use protocol::fault::{self, Fault};

use super::{Shell, page};
use crate::app::SharedApp;

#[derive(Template)]
#[template(path = "web/errors_doc.html")]
pub(super) struct ErrorsPage {
    pub shell: Shell,
    pub faults: &'static [Fault],
}

/// `GET /docs/errors`
pub(super) async fn show_errors(State(app): State<SharedApp>) -> Response {
    let mut response = page(StatusCode::OK, &ErrorsPage { shell: Shell::of(&app), faults: fault::ALL });
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("public, max-age=3600"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_anchor() {
        let html = ErrorsPage { shell: Shell::nobody(String::new()), faults: fault::ALL }.render().unwrap();
        for fault in fault::ALL {
            assert!(html.contains(&format!("id=\"{}\"", fault.code)), "{}", fault.code);
        }
    }
}
