//! Callback URLs and URLs after signing out: whether anything answers there.
//!
//! A callback does something when it is visited with a code, so it is visited as sparingly as can be: a HEAD
//! request to the registered URL as it is, no `code`, no `state`, no body, redirects not followed. HEAD and GET
//! are safe methods (RFC 9110, section 9.2.1): any crawler may send them. A GET follows only where a HEAD may
//! have been misunderstood. Without a code a callback rightly answers 400 or 401, or sends the visitor to sign
//! in, so all of that counts as reachable; only 'there is no such page' and 'nobody is behind this' do not.

use http::{Method, StatusCode};
use url::Url;

use crate::evidence::Evidence;
use crate::host;
use crate::net::fault::Fault;
use crate::net::fetch::{Failed, Fetched, Oversize, Request};
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Run;

const ACCEPT: &str = "text/html,*/*;q=0.8";

/// Looks whether a URL answers to which people are sent: a callback, or one after signing out.
pub async fn callback(field: Field, typed: &str, native: bool, run: &Run) -> Finding {
    let check = Check::Reachable;
    if let Some(why) = leads_to_the_visitor(typed, native, run) {
        let sentence = format!("Not visited: {why}.");
        return Finding::new(field, check, typed, Severity::NotChecked, sentence, "Nothing to do.");
    }
    let Some(url) = super::fetchable(field, typed, run.screener()) else {
        return super::not_fetched(field, check, typed);
    };
    match visit(&url, run).await {
        Ok(fetched) => judge(field, typed, fetched.status).with(Evidence::Fetch(fetched.evidence)),
        Err(failed) => {
            let sentence = format!("{} cannot be reached: {}.", what(field), failed.fault);
            let finding = Finding::new(field, check, typed, failed.fault.severity(), sentence, failed.fault.mend());
            finding.with(Evidence::Fetch(failed.evidence))
        }
    }
}

fn leads_to_the_visitor(typed: &str, native: bool, run: &Run) -> Option<&'static str> {
    let url = Url::parse(typed).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return native.then_some("it opens an app on the visitor's own device");
    }
    let name = host::key_of(&url)?;
    let loopback = host::is_localhost(&name)
        || (native && name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()));
    let opened = run.screener().policy().allows_name(&name, url.port_or_known_default().unwrap_or(80));
    (loopback && !opened).then_some("it leads to the visitor's own machine")
}

async fn visit(url: &Url, run: &Run) -> Result<Fetched, Box<Failed>> {
    let request = |method| Request {
        method,
        url,
        accept: ACCEPT,
        max_bytes: 1024,
        oversize: Oversize::Cut,
        follow: false,
        deadline: run.deadline(),
        now: run.now(),
    };
    let head = match run.fetch(request(Method::HEAD)).await {
        Err(failed) if failed.fault == Fault::BadAnswer => {
            return run.fetch(request(Method::GET)).await;
        }
        outcome => outcome?,
    };
    let maybe_misunderstood = matches!(head.status.as_u16(), 404 | 405 | 410 | 500..);
    if maybe_misunderstood { run.fetch(request(Method::GET)).await } else { Ok(head) }
}

fn what(field: Field) -> &'static str {
    match field {
        Field::PostLogout(_) => "The page after signing out",
        _ => "The callback",
    }
}

fn judge(field: Field, typed: &str, status: StatusCode) -> Finding {
    let check = Check::Reachable;
    let sentence = format!("{} answers with HTTP status {status}.", what(field));
    match status.as_u16() {
        404 | 410 => {
            let mend = match field {
                Field::PostLogout(_) => "Put a page at this URL, or correct the URL.",
                _ => "Put the callback at this URL, or correct the URL. Without a code it may answer 400, not 404.",
            };
            Finding::new(field, check, typed, Severity::Invalid, sentence, mend)
        }
        502..=504 => {
            let mend = "Start the application behind this URL.";
            Finding::new(field, check, typed, Severity::Invalid, sentence, mend)
        }
        400.. if matches!(field, Field::PostLogout(_)) => {
            let mend = "People end here after they signed out; show them a page.";
            Finding::new(field, check, typed, Severity::Invalid, sentence, mend)
        }
        500.. => {
            let mut finding = Finding::passed(field, check, typed, sentence);
            finding.mend =
                Some("It may be better to answer 400 and a readable page when the code is missing.".to_owned());
            finding
        }
        400.. => Finding::passed(field, check, typed, format!("{sentence} That is right without a code.")),
        _ => Finding::passed(field, check, typed, sentence),
    }
}
