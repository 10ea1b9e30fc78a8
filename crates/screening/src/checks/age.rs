//! How long the domain has been registered. Domains made for fraud are used within days of their registration.

use jiff::Timestamp;
use url::Url;

use crate::evidence::{DomainEvidence, Evidence};
use crate::host;
use crate::net::fault::Fault;
use crate::rdap::answer::Registration;
use crate::rdap::{Known, Lookup};
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Run;

const HOURS_PER_DAY: i64 = 24;
/// States in which a domain is about to be lost or has been taken off the net (RFC 8056 spells them so).
const BAD_STATES: [&str; 4] = ["redemption period", "pending delete", "server hold", "client hold"];

/// Asks the registry how long the URL's domain has been registered.
pub async fn domain_age(field: Field, typed: &str, run: &Run) -> Finding {
    let check = Check::DomainAge;
    let not_checked =
        |sentence: String, mend: &str| Finding::new(field, check, typed, Severity::NotChecked, sentence, mend);
    let Some(name) = Url::parse(typed).ok().filter(super::is_web).as_ref().and_then(host::key_of) else {
        return super::not_fetched(field, check, typed);
    };
    if let Some(suffix) = host::shared_suffix_of(&name) {
        let sentence = format!("'{suffix}' lends its domain to many people, so its age says nothing of this site.");
        return not_checked(sentence, "A domain of your own makes the review easier.");
    }
    let Some(domain) = host::registered_domain_of(&name) else {
        return not_checked(format!("'{name}' is not below a domain that a public registry knows."), "Nothing to do.");
    };
    let screener = run.screener();
    if !screener.config().online || !screener.config().ask_registries {
        return not_checked(format!("The age of '{domain}' is not known: {}.", Fault::Offline), Fault::Offline.mend());
    }
    let lookup = run.lookup_domain(domain).await;
    let finding = match &lookup.outcome {
        Ok(Known::Registered(registration)) => judge(field, typed, domain, registration, run),
        Ok(Known::NotRegistered) => {
            let sentence = format!("The registry knows no domain '{domain}'.");
            let mend = "Check the spelling, or register the domain.";
            Finding::new(field, check, typed, Severity::Suspicious, sentence, mend)
        }
        Err(why) => {
            let mend = "Nothing to do: a reviewer may look it up by hand.";
            not_checked(format!("The age of '{domain}' is not known: {why}."), mend)
        }
    };
    finding.with(evidence(domain, lookup, run))
}

fn evidence(domain: &str, lookup: Lookup, run: &Run) -> Evidence {
    let registration = match lookup.outcome {
        Ok(Known::Registered(registration)) => Some(registration),
        _ => None,
    };
    Evidence::Domain(Box::new(DomainEvidence {
        domain: domain.to_owned(),
        age_days: registration.as_ref().and_then(|known| known.registered).map(|date| days_since(date, run.now())),
        registration,
        server: lookup.server,
        asked_at: Some(lookup.asked_at),
        suffix_list: host::PUBLIC_SUFFIX_LIST.to_owned(),
        bootstrap: run.screener().bootstrap_date(),
        fetch: lookup.trail,
    }))
}

fn days_since(date: Timestamp, now: Timestamp) -> i64 {
    (now.duration_since(date).as_hours() / HOURS_PER_DAY).max(0)
}

fn judge(field: Field, typed: &str, domain: &str, registration: &Registration, run: &Run) -> Finding {
    let (check, now) = (Check::DomainAge, run.now());
    let young = i64::from(run.screener().config().young_domain_days);
    let day = |date: Timestamp| date.strftime("%Y-%m-%d").to_string();
    let mut reasons = Vec::new();
    let age = registration.registered.map(|date| (date, days_since(date, now)));
    if let Some((date, days)) = age.filter(|(_, days)| *days < young) {
        reasons.push(format!("'{domain}' was registered only {days} days ago, on {}.", day(date)));
    } else if let Some(date) = registration.transferred.filter(|date| days_since(*date, now) < young) {
        reasons.push(format!("'{domain}' moved to another registrar on {}.", day(date)));
    }
    if let Some(date) = registration.expires.filter(|date| *date < now) {
        reasons.push(format!("The registration of '{domain}' ended on {}.", day(date)));
    }
    let is_bad = |state: &&String| BAD_STATES.iter().any(|bad| state.eq_ignore_ascii_case(bad));
    if let Some(state) = registration.status.iter().find(is_bad) {
        reasons.push(format!("The registry lists '{domain}' as '{state}'."));
    }
    if reasons.is_empty() {
        let since = age.map(|(date, days)| format!("'{domain}' has been registered since {}, {days} days.", day(date)));
        return Finding::passed(field, check, typed, since.unwrap_or_default());
    }
    let mend = "Tell the reviewer who you are and how long you have had the domain; nothing else helps but time.";
    Finding::new(field, check, typed, Severity::Suspicious, reasons.join(" "), mend)
}
