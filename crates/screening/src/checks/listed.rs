//! The host against the imported lists of harmful sites.

use url::Url;

use crate::blocklist::Listed;
use crate::evidence::{Evidence, ListEvidence};
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Screener;

/// Looks the URL up in every list.
#[must_use]
pub fn blocklist(field: Field, typed: &str, screener: &Screener) -> Finding {
    let lists = screener.blocklists();
    let Ok(url) = Url::parse(typed) else {
        return super::not_fetched(field, Check::Blocklist, typed);
    };
    if lists.is_empty() {
        let (sentence, mend) = (
            "Not looked up, because no list of harmful sites has been imported.",
            "Nothing to do for the developer; the operator can import lists.",
        );
        return Finding::new(field, Check::Blocklist, typed, Severity::NotChecked, sentence, mend);
    }
    let listed = lists.find(&url);
    let asked = lists.tags();
    let finding = match &listed {
        Some(listed) => Finding::new(field, Check::Blocklist, typed, Severity::Malicious, told(listed), MEND),
        None => {
            let sentence = match asked.len() {
                1 => "Not on the imported list of harmful sites.".to_owned(),
                count => format!("Not on any of the {count} imported lists of harmful sites."),
            };
            Finding::passed(field, Check::Blocklist, typed, sentence)
        }
    };
    finding.with(Evidence::Lists(ListEvidence { listed, asked }))
}

pub(super) const MEND: &str = "Use a site that is not on the list. If yours is listed by mistake, have the list's maintainers remove it, then submit again.";

pub(super) fn told(listed: &Listed) -> String {
    let date = match (&listed.list.says, listed.list.dated) {
        (Some(words), _) => format!(" ({words})"),
        (None, Some(date)) => format!(" ({})", date.strftime("%Y-%m-%d")),
        (None, None) => String::new(),
    };
    format!("'{}' is on the list of harmful sites '{}'{date}.", listed.entry, listed.list.name)
}
