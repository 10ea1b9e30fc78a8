//! `docs/conformance.md` names a test for what each RFC asks: every one of them must be there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A test that the page names: its file from the repository's root, and its function.
fn named(page: &str) -> Vec<(PathBuf, String)> {
    let in_ticks = page.split('`').skip(1).step_by(2);
    let tests = in_ticks.filter_map(|text| text.split_once(".rs::")).map(|(file, function)| {
        let root = if file.starts_with("crates/") { "" } else { "crates/server/tests/it/" };
        (PathBuf::from(format!("{root}{file}.rs")), function.to_owned())
    });
    tests.collect()
}

/// Whether a function of that name is marked as a test, or stands in a property's braces.
fn is_test(source: &str, function: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let place = lines.iter().position(|line| line.contains(&format!("fn {function}(")));
    place.is_some_and(|place| {
        let above = lines[..place].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        above.into_iter().any(|line| line.contains("test"))
    })
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/conformance.md")).unwrap();
    let mut sources: HashMap<PathBuf, String> = HashMap::new();
    let mut missing = Vec::new();
    let tests = named(&page);
    for (file, function) in &tests {
        let source =
            sources.entry(file.clone()).or_insert_with(|| std::fs::read_to_string(root.join(file)).unwrap_or_default());
        if !is_test(source, function) {
            missing.push(format!("{}::{function}", file.display()));
        }
    }
    assert!(missing.is_empty(), "docs/conformance.md names tests that do not exist:\n{}", missing.join("\n"));
    assert!(tests.len() > 100, "{}", tests.len());
}

/// A row says what keeps it: a test, or why there is none.
#[test]
fn every_row_has_a_section_a_demand_and_what_keeps_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/conformance.md")).unwrap();
    for row in page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| section") && !line.starts_with("| ---"))
    {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row}");
        let explained = ["not offered", "not used", "does not apply", "Not kept"];
        assert!(cells[2].contains(".rs::") || explained.iter().any(|words| cells[2].contains(words)), "{row}");
    }
}
