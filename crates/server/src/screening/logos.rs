//! Logos, drawn anew and served from our own origin under the hash of what is in them.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use protocol::fault;

use super::store;
use crate::app::SharedApp;
use crate::web::PageError;

/// `GET /logos/{hash}.png`
pub(super) async fn serve(State(app): State<SharedApp>, Path(file): Path<String>) -> Result<Response, PageError> {
    let not_found = || PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND);
    let hash = parse_file_name(&file).ok_or_else(not_found)?;
    let png = app.db.read(move |tx| store::find_logo(tx, &hash)).await?.ok_or_else(not_found)?;
    let headers = [
        (CONTENT_TYPE, "image/png"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, png).into_response())
}

fn parse_file_name(file: &str) -> Option<[u8; 32]> {
    let hex = file.strip_suffix(".png").filter(|hex| hex.len() == 64)?;
    if !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut hash = [0; 32];
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::logo_url;

    #[test]
    fn a_logo_is_named_by_its_hash_in_one_spelling_only() {
        let hash = [0xab; 32];
        let name = logo_url(&hash).trim_start_matches("/logos/").to_owned();
        assert_eq!(parse_file_name(&name), Some(hash));
        for wrong in
            ["", ".png", "ab.png", &name.to_uppercase(), &name.replace(".png", ".svg"), &format!("é{}", &name[2..])]
        {
            assert_eq!(parse_file_name(wrong), None, "{wrong}");
        }
    }
}
