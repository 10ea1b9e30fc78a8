//! The style sheet, the script and the pictures, compiled in. The content's hash is part of the name, so that a browser may keep
//! a file for a year and still sees the next version at once.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use protocol::fault;
use protocol::secret::{Sha256Digest, base64url_encode};

use super::PageError;

/// A file that pages refer to.
#[derive(Debug)]
pub struct Asset {
    url: String,
    media_type: &'static str,
    content: &'static str,
}

/// The one style sheet.
pub static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", include_str!("../../assets/style.css")));
/// The wordmark.
pub static LOGO: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("logo", "svg", "image/svg+xml", include_str!("../../assets/logo.svg")));
/// The mark alone.
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")));
/// What makes the console's pages more comfortable.
pub static CONSOLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("../../assets/console.js"))
});

impl Asset {
    fn new(name: &str, extension: &str, media_type: &'static str, content: &'static str) -> Asset {
        let digest = Sha256Digest::of(content.as_bytes());
        let hash = base64url_encode(&digest.as_bytes()[..9]);
        Asset { url: format!("/assets/{name}.{hash}.{extension}"), media_type, content }
    }

    /// Where the file is served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What is in it.
    pub fn content(&self) -> &'static str {
        self.content
    }
}

/// Every file.
pub fn all() -> [&'static Asset; 4] {
    [&STYLE, &LOGO, &ICON, &CONSOLE]
}

/// `GET /assets/{file}`
pub(super) async fn serve(Path(file): Path<String>) -> Response {
    match all().into_iter().find(|asset| asset.url.strip_prefix("/assets/") == Some(&file)) {
        Some(asset) => {
            let headers = [
                (CONTENT_TYPE, asset.media_type),
                (CACHE_CONTROL, "public, max-age=31536000, immutable"),
                // An SVG that is opened by itself is a document: it may carry its own colours and nothing else.
                (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
            ];
            (headers, asset.content).into_response()
        }
        None => PageError::new(http::StatusCode::NOT_FOUND, &fault::NOT_FOUND).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_changes_with_its_content() {
        assert!(STYLE.url().starts_with("/assets/style."));
        let other = Asset::new("style", "css", "text/css", "body{}");
        assert_ne!(STYLE.url(), other.url());
    }

    #[test]
    fn pictures_hold_no_script_and_files_fetch_nothing_from_elsewhere() {
        for asset in all() {
            let content = asset.content().replace("http://www.w3.org/2000/svg", "").replace("a[href^=\"http\"]", "");
            for forbidden in ["<script", "http:", "https:", "@import", "url("] {
                assert!(!content.contains(forbidden), "{} holds {forbidden}", asset.url());
            }
        }
    }
}
