//! Fuzz targets: everything that reads what comes from outside, fed with what nobody should send, for as long as one likes.
//!
//! Each target is a strategy and a law. It runs for `FUZZ_SECONDS` (a fifth of a second where nothing is said, so that the
//! test command has them all in seconds), with other random values each time, and shrinks what breaks the law. The rooms have
//! property tests of their own beside their code; here is what can be left running: `docs/testing.md`.

mod config;
mod headers;
mod parameters;
mod requests;
mod screening;
mod tokens;
mod urls;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Runs a target for its time.
#[track_caller]
fn fuzz<S: Strategy>(target: &str, strategy: S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(0.2, |text| text.parse().unwrap());
    let (began, time) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut cases = 0_u64;
    while cases == 0 || began.elapsed() < time {
        let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
        if let Err(error) = TestRunner::new(config).run(&strategy, &law) {
            panic!("{target}: {error}");
        }
        cases += 16;
    }
    println!("{target}: {cases} cases in {:.1} s", began.elapsed().as_secs_f64());
}

/// Texts that are almost one of these: cut, doubled, joined, and with letters in them that parsers trip over.
fn almost(seeds: &[&str]) -> impl Strategy<Value = String> + use<> {
    let seeds: Vec<String> = seeds.iter().map(|&seed| seed.to_owned()).collect();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), piece()), 0..5);
    (prop::sample::select(seeds.clone()), prop::sample::select(seeds), 0..6_u8, edits).prop_map(
        |(seed, other, whole, edits)| {
            let mut text: Vec<char> = seed.chars().collect();
            for (at, to, piece) in edits {
                let (at, to) = (at.index(text.len() + 1), to.index(text.len() + 1));
                let (from, to) = (at.min(to), at.max(to).min(at.min(to) + 8));
                text.splice(from..to, piece.chars());
            }
            let text: String = text.into_iter().collect();
            if whole == 0 { format!("{text}{other}") } else { text }
        },
    )
}

/// What is put into a text.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(
            [
                "", "%", "%2", "%00", "%2f", "%5c", "%ff", "+", "&", "=", "==", ";", ",", ":", "/", "//", "\\", "?", "#", "@", "..",
                "*", "[", "]", "{", "}", "\"", "'", "<", ">", "\0", "\r\n", "\t", " ", "\u{7f}", "\u{a0}", "\u{200b}", "\u{202e}",
                "\u{feff}", "\u{10ffff}", "é", "ß", "İ", "0", "-1", "9999999999999999999", "1e999", "NaN", "null", "true", "http:",
                "https:", "javascript:", "localhost", "127.0.0.1", "[::1]", "xn--", ".", "A", "z", "_", "~", "|",
            ]
            .as_slice()
        )
        .prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[ -~]{0,6}",
    ]
}

/// Bytes: some text's, and any.
fn bytes(seeds: &[&str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let damaged = (almost(seeds), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
        let mut bytes = text.into_bytes();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    });
    prop_oneof![damaged, almost(seeds).prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..300)]
}
