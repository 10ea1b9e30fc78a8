//! A page of the app: whether it answers, where it redirects to, whether it asks for passwords.

use http::{Method, StatusCode};
use jiff::SignedDuration;
use url::Url;

use crate::evidence::{Evidence, PageEvidence};
use crate::host;
use crate::html::{self, Page};
use crate::net::fetch::{Failed, FetchEvidence, Fetched, Oversize, Request};
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Run;

const ACCEPT: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5";
/// A page with less text than this, in characters, and less than [`FEW_LINKS`] to its own site is bare.
const LITTLE_TEXT: usize = 300;
const FEW_LINKS: usize = 3;
/// A certificate that ends sooner than this is mentioned.
const CERTIFICATE_ENDS_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A page as it was fetched, or why it was not.
pub(crate) struct Loaded {
    pub(crate) url: Url,
    pub(crate) outcome: Result<Fetched, Box<Failed>>,
    /// The scan, or why there is none.
    pub(crate) page: Result<Page, &'static str>,
}

/// Fetches a page and judges it: [`Check::Reachable`], [`Check::Redirects`], [`Check::CredentialsForm`].
pub async fn page(field: Field, typed: &str, run: &Run) -> Vec<Finding> {
    match super::fetchable(field, typed, run.screener()) {
        Some(url) => judge_page(field, typed, &load(url, run).await, run),
        None => {
            let checks = [Check::Reachable, Check::Redirects, Check::CredentialsForm];
            checks.map(|check| super::not_fetched(field, check, typed)).into()
        }
    }
}

/// Fetches a page, its redirects included.
pub(crate) async fn load(url: Url, run: &Run) -> Loaded {
    let outcome = run.fetch(Request {
        method: Method::GET,
        url: &url,
        accept: ACCEPT,
        max_bytes: run.screener().config().max_page_bytes,
        oversize: Oversize::Cut,
        follow: true,
        deadline: run.deadline(),
        now: run.now(),
    });
    let outcome = outcome.await;
    let page = match &outcome {
        Ok(fetched) => scan(fetched),
        Err(_) => Err("the page could not be fetched"),
    };
    Loaded { url, outcome, page }
}

fn scan(fetched: &Fetched) -> Result<Page, &'static str> {
    if !fetched.status.is_success() {
        return Err("the page answered with an error status");
    }
    if fetched.evidence.content_encoding.as_deref().is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err("the answer is compressed although none was asked for, and is not unpacked");
    }
    if !is_html(fetched) {
        return Err("the answer is not a web page");
    }
    if fetched.body.starts_with(&[0xff, 0xfe]) || fetched.body.starts_with(&[0xfe, 0xff]) {
        return Err("the page is not written in UTF-8");
    }
    Ok(Page::scan(&String::from_utf8_lossy(&fetched.body)))
}

fn is_html(fetched: &Fetched) -> bool {
    match &fetched.evidence.content_type {
        Some(kind) => kind.to_ascii_lowercase().contains("html"),
        None => fetched.body.trim_ascii_start().starts_with(b"<"),
    }
}

/// All that is said of a page by itself.
pub(crate) fn judge_page(field: Field, typed: &str, loaded: &Loaded, run: &Run) -> Vec<Finding> {
    let findings = [
        reachable(field, typed, loaded, run),
        redirects(field, typed, loaded, run),
        credentials_form(field, typed, loaded),
    ];
    findings.into_iter().map(|finding| finding.with(evidence(loaded))).collect()
}

pub(crate) fn evidence(loaded: &Loaded) -> Evidence {
    let page = loaded.page.as_ref().ok().map(Page::counts);
    Evidence::Page(PageEvidence { fetch: trail(loaded).clone(), page })
}

fn trail(loaded: &Loaded) -> &FetchEvidence {
    match &loaded.outcome {
        Ok(fetched) => &fetched.evidence,
        Err(failed) => &failed.evidence,
    }
}

fn reachable(field: Field, typed: &str, loaded: &Loaded, run: &Run) -> Finding {
    let check = Check::Reachable;
    match &loaded.outcome {
        Err(failed) => {
            let fault = &failed.fault;
            let sentence = format!("The page cannot be fetched: {fault}.");
            Finding::new(field, check, typed, fault.severity(), sentence, fault.mend())
        }
        Ok(fetched) if !fetched.status.is_success() => {
            let (severity, mend) = error_status(fetched.status, run);
            let sentence = format!("The page answers with HTTP status {}.", fetched.status);
            Finding::new(field, check, typed, severity, sentence, mend)
        }
        Ok(fetched) if fetched.body.is_empty() => {
            let sentence = "The URL answers, but the page is empty.";
            Finding::new(field, check, typed, Severity::Invalid, sentence, "Put the page at this URL.")
        }
        Ok(fetched) => {
            let mut finding = Finding::passed(
                field,
                check,
                typed,
                format!("The page answers with HTTP status {}.", fetched.status.as_u16()),
            );
            if let Some(words) = certificate_ends_soon(&fetched.evidence, run) {
                finding.sentence.push_str(&words);
                finding.mend = Some("Renew the certificate before it ends.".to_owned());
            }
            finding
        }
    }
}

fn error_status(status: StatusCode, run: &Run) -> (Severity, String) {
    match status.as_u16() {
        401 | 403 => {
            let agent = &run.screener().config().user_agent;
            let mend = format!(
                "Let visitors see it without signing in. If it turns automatic visitors away, let '{agent}' in."
            );
            (Severity::Invalid, mend)
        }
        404 | 410 => (Severity::Invalid, "Put the page at this URL, or correct the URL.".to_owned()),
        429 => (Severity::NotChecked, "Check again in a few minutes.".to_owned()),
        _ => (Severity::Invalid, "Make the page answer with status 200.".to_owned()),
    }
}

fn certificate_ends_soon(trail: &FetchEvidence, run: &Run) -> Option<String> {
    let ends = trail.hops.last()?.certificate.as_ref()?.not_after;
    let soon = ends.duration_since(run.now()) < CERTIFICATE_ENDS_SOON;
    soon.then(|| format!(" Its certificate ends on {}.", ends.strftime("%Y-%m-%d")))
}

fn redirects(field: Field, typed: &str, loaded: &Loaded, run: &Run) -> Finding {
    let check = Check::Redirects;
    let trail = trail(loaded);
    let refresh = refresh_target(loaded);
    let stops: Vec<Url> =
        trail.hops.iter().skip(1).filter_map(|hop| Url::parse(&hop.url).ok()).chain(refresh).collect();
    let lists = run.screener().blocklists();
    if let Some(listed) = stops.iter().find_map(|url| lists.find(url)) {
        let sentence = format!("It redirects to a harmful site: {}", super::listed::told(&listed));
        return Finding::new(field, check, typed, Severity::Malicious, sentence, super::listed::MEND);
    }
    let foreign = stops.iter().filter_map(host::key_of).find(|stop| !same_site(&loaded.url, stop));
    let mut reasons = Vec::new();
    if let Some(stop) = &foreign {
        reasons.push(format!("It redirects to another site, '{stop}'."));
    }
    if trail.downgrades() {
        reasons.push("It redirects from https to plain http.".to_owned());
    }
    if !reasons.is_empty() {
        let mend = "Give the URL that visitors end at, on your own site and with https.";
        return Finding::new(field, check, typed, Severity::Suspicious, reasons.join(" "), mend);
    }
    if let Err(failed) = &loaded.outcome {
        let sentence = "Not known, because the page cannot be fetched.";
        return Finding::new(field, check, typed, Severity::NotChecked, sentence, failed.fault.mend());
    }
    let sentence = match stops.last() {
        None => "It does not redirect.".to_owned(),
        Some(last) => format!("It redirects within its own site, to {last}."),
    };
    Finding::passed(field, check, typed, sentence)
}

/// Where the page sends visitors on by itself, by header or by markup.
fn refresh_target(loaded: &Loaded) -> Option<Url> {
    let fetched = loaded.outcome.as_ref().ok()?;
    let by_header = fetched.refresh.as_deref().and_then(html::refresh_target);
    let by_header = by_header.and_then(|target| fetched.url.join(&target).ok());
    by_header.or_else(|| {
        let page = loaded.page.as_ref().ok()?;
        page.base_url(&fetched.url).join(page.refresh.as_deref()?).ok()
    })
}

fn same_site(url: &Url, name: &str) -> bool {
    host::key_of(url).is_some_and(|own| host::site_of(&own) == host::site_of(name))
}

fn credentials_form(field: Field, typed: &str, loaded: &Loaded) -> Finding {
    let check = Check::CredentialsForm;
    let (page, at) = match (&loaded.page, &loaded.outcome) {
        (Ok(page), Ok(fetched)) => (page, &fetched.url),
        (Err(why), _) => {
            let sentence = format!("Not looked for, because {why}.");
            let mend = "Make the URL answer with an HTML page, uncompressed when asked so.";
            return Finding::new(field, check, typed, Severity::NotChecked, sentence, mend);
        }
        (Ok(_), Err(failed)) => {
            let sentence = format!("Not looked for, because {}.", failed.fault);
            return Finding::new(field, check, typed, Severity::NotChecked, sentence, failed.fault.mend());
        }
    };
    if page.password_forms.is_empty() {
        return Finding::passed(field, check, typed, "The page asks for no password.");
    }
    let base = page.base_url(at);
    let targets = page.password_forms.iter().filter_map(|action| base.join(action.as_deref()?).ok());
    let targets: Vec<Url> = targets.collect();
    let foreign = targets.iter().filter_map(host::key_of).find(|name| !same_site(at, name));
    let reason = if let Some(name) = foreign {
        format!("The page asks for a password and sends it to another site, '{name}'.")
    } else if targets.iter().any(|url| url.scheme() == "http") && at.scheme() == "https" {
        "The page asks for a password and sends it without encryption.".to_owned()
    } else if matches!(field, Field::Policy | Field::Terms) {
        "The page should be for reading, but it asks for a password.".to_owned()
    } else if is_bare(page, at) {
        "The page asks for a password and shows hardly anything else.".to_owned()
    } else {
        return Finding::passed(field, check, typed, "The page has a sign-in form that stays on its own site.");
    };
    let mend = "Show visitors what the app does before asking for anything; people sign in through this platform.";
    Finding::new(field, check, typed, Severity::Suspicious, reason, mend)
}

fn is_bare(page: &Page, at: &Url) -> bool {
    let base = page.base_url(at);
    let own = page.links.iter().filter_map(|link| base.join(link).ok()).filter(|link| link.path() != at.path());
    let own = own.filter_map(|link| host::key_of(&link)).filter(|name| same_site(at, name)).take(FEW_LINKS).count();
    page.text_characters < LITTLE_TEXT && own < FEW_LINKS
}
