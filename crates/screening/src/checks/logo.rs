//! The logo: fetched, judged by its bytes, drawn anew.

use http::Method;
use url::Url;

use crate::evidence::{Evidence, LogoEvidence};
use crate::logo::{self, ImageEvidence, LogoFault, LogoImage, SMALL_SIDE};
use crate::net::fault::Fault;
use crate::net::fetch::{FetchEvidence, Fetched, Oversize, Request};
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Run;

const ACCEPT: &str = "image/png,image/webp,image/jpeg,image/gif";

/// Fetches and judges a logo; the picture to serve comes with a finding that passed.
pub async fn logo(typed: &str, run: &Run) -> (Finding, Option<LogoImage>) {
    let Some(url) = super::fetchable(Field::Logo, typed, run.screener()) else {
        return (super::not_fetched(Field::Logo, Check::Logo, typed), None);
    };
    match fetch(&url, run).await {
        Ok(fetched) => judge(typed, fetched, run).await,
        Err((fault, fetch)) => {
            let sentence = format!("The logo cannot be fetched: {fault}.");
            let finding = invalid(typed, fault.severity(), sentence, fault.mend());
            (finding.with(Evidence::Logo(LogoEvidence { fetch, image: None })), None)
        }
    }
}

async fn fetch(url: &Url, run: &Run) -> Result<Fetched, (Fault, FetchEvidence)> {
    let fetched = run.fetch(Request {
        method: Method::GET,
        url,
        accept: ACCEPT,
        max_bytes: run.screener().config().max_logo_bytes,
        oversize: Oversize::Refuse,
        follow: true,
        deadline: run.deadline(),
        now: run.now(),
    });
    fetched.await.map_err(|failed| (failed.fault, failed.evidence))
}

async fn judge(typed: &str, fetched: Fetched, run: &Run) -> (Finding, Option<LogoImage>) {
    let fetch = fetched.evidence.clone();
    let with = |finding: Finding, image| finding.with(Evidence::Logo(LogoEvidence { fetch: fetch.clone(), image }));
    if !fetched.status.is_success() {
        let sentence = format!("The logo answers with HTTP status {}.", fetched.status);
        let mend = "Put the image at this URL, or correct the URL.";
        return (with(invalid(typed, Severity::Invalid, sentence, mend), None), None);
    }
    if let Some(coding) = fetch.content_encoding.as_deref().filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        let sentence =
            format!("The logo is sent with '{coding}' compression although none was asked for; it is not unpacked.");
        let mend = "Send images as they are, without Content-Encoding.";
        return (with(invalid(typed, Severity::Invalid, sentence, mend), None), None);
    }
    match run.convert_logo(fetched.body).await {
        Ok(Ok((picture, about))) => {
            let finding = passed(typed, &about, fetch.content_type.as_deref());
            (with(finding, Some(about)), Some(picture))
        }
        Ok(Err((fault, about))) => {
            let finding = invalid(typed, Severity::Invalid, format!("The logo cannot be used: {fault}."), fault.mend());
            (with(finding, about), None)
        }
        Err(fault) => {
            let sentence = format!("The logo was fetched but not looked at: {fault}.");
            (with(invalid(typed, fault.severity(), sentence, fault.mend()), None), None)
        }
    }
}

fn invalid(typed: &str, severity: Severity, sentence: String, mend: &str) -> Finding {
    Finding::new(Field::Logo, Check::Logo, typed, severity, sentence, mend)
}

fn passed(typed: &str, about: &ImageEvidence, declared: Option<&str>) -> Finding {
    let ImageEvidence { format, width, height } = about;
    let mut sentence = format!("The logo is a {} image of {width} by {height} pixels.", format.to_uppercase());
    let names_it =
        |kind: &str| kind.to_ascii_lowercase().contains(format.as_str()) || (format == "jpeg" && kind.contains("jpg"));
    if let Some(kind) = declared.filter(|kind| !names_it(kind)) {
        sentence.push_str(&format!(" Its server calls it '{kind}', which is not so."));
    }
    let mut finding = Finding::passed(Field::Logo, Check::Logo, typed, sentence);
    if (*width).min(*height) < SMALL_SIDE {
        finding.mend = Some("It will look blurred; an image of 256 by 256 pixels or more is better.".to_owned());
    }
    finding
}

/// What [`logo::convert`] answers.
pub(crate) type Converted = Result<(LogoImage, ImageEvidence), (LogoFault, Option<ImageEvidence>)>;

/// Converts on the spot; a decoder that panics has met a broken picture.
pub(crate) fn convert_safely(bytes: &[u8]) -> Converted {
    std::panic::catch_unwind(|| logo::convert(bytes))
        .unwrap_or_else(|_| Err((LogoFault::Broken("such an".to_owned()), None)))
}
