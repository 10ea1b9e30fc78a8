//! The crate `screening` knows nothing of the server, and so reads a URL by rules of its own. They are the same rules: what
//! the form accepts is well formed to the screening too.

use std::sync::LazyLock;

use proptest::prelude::*;
use protocol::redirect_uri::ClientKind;
use protocol::url_rules::{check_callback_url, check_page_url};
use screening::{Field, Screener, ScreenerConfig, Severity, checks};

static SCREENER: LazyLock<Screener> = LazyLock::new(|| {
    Screener::new(ScreenerConfig { online: false, system_roots: false, ..ScreenerConfig::default() }).unwrap()
});

/// Texts that are nearly URLs.
fn almost_url() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec!["/", "?", "=", "&", ";", ":8443", ".example", "%20", "a", "b1", "@", "+", "//", "~", ","]),
        1 => prop::sample::select(vec!["#", "\\", "..", "%2e", "%40", "%2a", "%23", "*", "[::1]", "127.0.0.1", "é", "token", "code", "'", "xn--", ":0", "%"]),
    ];
    let start = prop::sample::select(vec![
        "https://a",
        "https://app.example/",
        "https://App.Example:8443/cb",
        "http://localhost",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:80/cb",
        "com.example.app:/cb",
        "http://app.example/",
        "https://2130706433/",
    ]);
    (start, prop::collection::vec(piece, 0..6)).prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_the_form_accepts_is_well_formed_to_the_screening(
        text in almost_url(),
        kind in prop::sample::select(ClientKind::ALL),
    ) {
        if check_callback_url(&text, kind).is_ok() {
            let native = kind == ClientKind::PublicNative;
            let found = checks::url_form(Field::Callback(0), &text, native, &SCREENER);
            prop_assert_eq!(found.severity, Severity::Passed, "{} as a callback: {}", text, found.sentence);
        }
        if check_page_url(&text).is_ok() {
            let found = checks::url_form(Field::Homepage, &text, false, &SCREENER);
            prop_assert_eq!(found.severity, Severity::Passed, "{} as a page: {}", text, found.sentence);
        }
    }
}
