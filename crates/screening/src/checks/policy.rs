//! The policy page: a page like others, on the homepage's site, and linked from the homepage, so that people who
//! come by the homepage find it.

use url::Url;

use super::page::{Loaded, evidence};
use crate::host;
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Run;

/// Fetches policy and homepage and judges the policy: the checks of a page, and [`Check::PolicyPlace`].
pub async fn policy(typed: &str, homepage: &str, run: &Run) -> Vec<Finding> {
    let screener = run.screener();
    let field = Field::Policy;
    let Some(url) = super::fetchable(field, typed, screener) else {
        let mut findings = super::page(field, typed, run).await;
        findings.push(super::not_fetched(field, Check::PolicyPlace, typed));
        return findings;
    };
    let home = async {
        match super::fetchable(Field::Homepage, homepage, screener) {
            Some(url) => Some(super::load(url, run).await),
            None => None,
        }
    };
    let (loaded, home) = tokio::join!(super::load(url, run), home);
    let mut findings = super::judge_page(field, typed, &loaded, run);
    findings.push(judge_place(typed, &loaded, home.as_ref()));
    findings
}

/// Whether the policy stands where it should.
pub(crate) fn judge_place(typed: &str, policy: &Loaded, home: Option<&Loaded>) -> Finding {
    let (field, check) = (Field::Policy, Check::PolicyPlace);
    let Some(home) = home else {
        return Finding::new(
            field,
            check,
            typed,
            Severity::NotChecked,
            "Not compared with the homepage, because the homepage URL has to be mended first.",
            "Mend the homepage URL.",
        );
    };
    let mut reasons = Vec::new();
    if !on_one_site(&policy.url, &home.url) {
        reasons.push(format!("The policy is not on the homepage's site, '{}'.", site(&home.url)));
    }
    if comparable(&policy.url) == comparable(&home.url) {
        reasons.push("The policy and the homepage are the same page.".to_owned());
    }
    let linked = is_linked(policy, home);
    if linked == Linked::No {
        reasons.push("The homepage has no link to the policy.".to_owned());
    }
    let finding = if !reasons.is_empty() {
        let mend = "Put the policy on a page of its own, on the homepage's domain, and link to it from the homepage.";
        Finding::new(field, check, typed, Severity::Suspicious, reasons.join(" "), mend)
    } else if let Linked::Unknown(why) = linked {
        let sentence = format!("Whether the homepage links to the policy is not known, because {why}.");
        let mend = "Link to the policy in the homepage's own HTML, so that it is found without running scripts.";
        Finding::new(field, check, typed, Severity::NotChecked, sentence, mend)
    } else {
        Finding::passed(field, check, typed, "The policy is on the homepage's site and linked from it.")
    };
    finding.with(evidence(home))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Linked {
    Yes,
    No,
    Unknown(&'static str),
}

fn is_linked(policy: &Loaded, home: &Loaded) -> Linked {
    let (page, at) = match (&home.page, &home.outcome) {
        (Ok(page), Ok(fetched)) => (page, &fetched.url),
        (Err(why), _) => return Linked::Unknown(why),
        (Ok(_), Err(_)) => return Linked::Unknown("the homepage could not be fetched"),
    };
    // A link may name the policy's old address that redirects, or the one it redirects to.
    let ended = policy.outcome.as_ref().ok().map(|fetched| &fetched.url);
    let wanted: Vec<String> = std::iter::once(&policy.url).chain(ended).map(comparable).collect();
    let base = page.base_url(at);
    let links = page.links.iter().filter_map(|link| base.join(link.trim()).ok());
    if links.map(|link| comparable(&link)).any(|link| wanted.contains(&link)) {
        return Linked::Yes;
    }
    if page.links.is_empty() && page.scripts > 0 {
        return Linked::Unknown("the homepage draws its links by script");
    }
    match &home.outcome {
        Ok(fetched) if fetched.evidence.cut => Linked::Unknown("the homepage is too long to be read to its end"),
        _ => Linked::No,
    }
}

/// An address without what does not change the page: scheme, fragment, a slash at the end.
fn comparable(url: &Url) -> String {
    let name = host::key_of(url).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{name}{port}{path}{query}")
}

fn on_one_site(one: &Url, other: &Url) -> bool {
    site(one) == site(other)
}

fn site(url: &Url) -> String {
    host::key_of(url).map(|name| host::site_of(&name).to_owned()).unwrap_or_default()
}
