//! Every page in every variation, for looking at: `jiomeet-oauth pages --out DIR` writes them as files.

use std::io;
use std::path::Path;

use crate::web::samples::{Sample, write_all};
use crate::{apps, mail, oauth, review, screening, users, web};

/// Every room's samples.
pub fn samples() -> Vec<Sample> {
    [
        web::samples::all(),
        users::samples(),
        apps::samples(),
        oauth::samples(),
        mail::samples(),
        screening::samples(),
        review::samples(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Writes them into a folder, with an index; gives their number.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path) -> io::Result<usize> {
    let samples = samples();
    write_all(folder, &samples)?;
    Ok(samples.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_page_renders_in_every_variation_and_keeps_to_its_policy() {
        for Sample { page, variation, html } in samples() {
            let name = format!("{page}, {variation}");
            assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"), "{name}");
            // The Content-Security-Policy lets none of these through.
            // Our own script files alone: nothing between the tags, and nothing from elsewhere.
            let html = html.replace("<script src=\"/assets/", "");
            for forbidden in ["<script", " style=", "<style", " onclick=", " onload=", "javascript:alert(1)\""] {
                assert!(!html.contains(forbidden), "{name} holds {forbidden}");
            }
            for heading in ["<h1", "<title>", "<main"] {
                assert_eq!(html.matches(heading).count(), 1, "{name}: {heading}");
            }
        }
    }

    #[test]
    fn every_form_carries_its_token_and_every_field_its_label() {
        for Sample { page, variation, html } in samples() {
            let name = format!("{page}, {variation}");
            for form in html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap_or_default()) {
                let changes_something = form.contains("method=\"post\"");
                assert!(!changes_something || form.contains("name=\"csrf\""), "{name}: a form without its token");
            }
            let labels: BTreeSet<&str> = values(&html, "for");
            for input in html.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
                let is_labelled = values(input, "id").iter().any(|id| labels.contains(id));
                let needs_none = ["type=\"hidden\"", "type=\"checkbox\"", "type=\"radio\"", "aria-hidden=\"true\""];
                assert!(is_labelled || needs_none.iter().any(|mark| input.contains(mark)), "{name}: {input}");
            }
        }
    }

    #[test]
    fn no_id_stands_twice_on_a_page() {
        for Sample { page, variation, html } in samples() {
            let ids = html.matches(" id=\"").count();
            assert_eq!(values(&html, "id").len(), ids, "{page}, {variation}");
        }
    }

    #[test]
    fn names_of_files_are_unique() {
        let samples = samples();
        let names: BTreeSet<_> = samples.iter().map(|sample| (sample.page, sample.variation)).collect();
        assert_eq!(names.len(), samples.len());
    }

    fn values<'a>(html: &'a str, attribute: &str) -> BTreeSet<&'a str> {
        let mark = format!(" {attribute}=\"");
        let first = html.strip_prefix(mark.trim_start()).into_iter();
        first.chain(html.split(mark.as_str()).skip(1)).filter_map(|rest| rest.split('"').next()).collect()
    }
}
