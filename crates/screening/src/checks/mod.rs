//! The checks, each a function of what was typed. Those that need the network take a [`Run`](crate::Run): a screener with
//! the time and the deadline of this look.

mod age;
mod callback;
mod form;
mod host;
mod listed;
mod logo;
mod name;
mod page;
mod policy;
mod sites;

pub use age::domain_age;
pub use callback::callback;
pub use form::{fetchable, url_form};
pub use host::{link_shortener, look_alike_host};
pub use listed::blocklist;
pub use logo::logo;
pub use name::app_name;
pub use page::page;
pub use policy::policy;
pub use sites::one_site;

pub(crate) use logo::{Converted, convert_safely};
pub(crate) use page::{Loaded, judge_page, load};
pub(crate) use policy::judge_place;

use url::Url;

use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Screener;

/// Everything that can be said of one URL without the network, in no time: what the console asks on each pause
/// in typing. A URL that is not one gets a single finding.
#[must_use]
pub fn local(field: Field, typed: &str, app_id: Option<&str>, native: bool, screener: &Screener) -> Vec<Finding> {
    let form = url_form(field, typed, native, screener);
    let mut findings = vec![form];
    if Url::parse(typed).is_ok_and(|url| is_web(&url)) {
        findings.push(blocklist(field, typed, screener));
        findings.push(link_shortener(field, typed, screener));
        findings.push(look_alike_host(field, typed, app_id, screener));
    }
    findings
}

/// Whether a URL leads to a host on the web, rather than to an app on the visitor's device.
pub(crate) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// 'Not checked' for a URL that breaks the URL rules: it is not fetched before it is mended.
pub(crate) fn not_fetched(field: Field, check: Check, typed: &str) -> Finding {
    Finding::new(
        field,
        check,
        typed,
        Severity::NotChecked,
        "Not looked at, because the URL itself has to be mended first.",
        "Mend the URL; this check then runs by itself.",
    )
}
