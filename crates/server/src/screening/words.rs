//! What was found, in words: the names of fields and checks, and the evidence line by line.

use ::screening::evidence::{DomainEvidence, Evidence, HostEvidence, ListEvidence, NameEvidence, SitesEvidence};
use ::screening::net::fetch::FetchEvidence;
use ::screening::{Check, Field, Severity};

/// The field as the form names it.
pub(super) fn field_name(field: Field) -> String {
    match field {
        Field::Name => "name".to_owned(),
        Field::Homepage => "homepage_url".to_owned(),
        Field::Policy => "policy_url".to_owned(),
        Field::Terms => "terms_url".to_owned(),
        Field::Logo => "logo_url".to_owned(),
        Field::Callback(index) => format!("callback_urls[{index}]"),
        Field::PostLogout(index) => format!("post_logout_urls[{index}]"),
        Field::AllUrls => "all_urls".to_owned(),
    }
}

/// A field's label, from its name on the form.
pub fn field_label(name: &str) -> String {
    for (list, label) in [("callback_urls[", "Callback URL"), ("post_logout_urls[", "URL after signing out")] {
        let index = name.strip_prefix(list).and_then(|rest| rest.strip_suffix(']'));
        if let Some(index) = index.and_then(|index| index.parse::<usize>().ok()) {
            return format!("{label} {}", index + 1);
        }
    }
    match name {
        "name" => "App name",
        "homepage_url" => "Homepage URL",
        "policy_url" => "Policy URL",
        "terms_url" => "Terms URL",
        "logo_url" => "Logo URL",
        "all_urls" => "All URLs together",
        other => other,
    }
    .to_owned()
}

/// The check, as stored.
pub(super) const fn check_name(check: Check) -> &'static str {
    match check {
        Check::UrlForm => "url_form",
        Check::Blocklist => "blocklist",
        Check::LinkShortener => "link_shortener",
        Check::LookAlikeHost => "look_alike_host",
        Check::Reachable => "reachable",
        Check::Redirects => "redirects",
        Check::CredentialsForm => "credentials_form",
        Check::PolicyPlace => "policy_place",
        Check::Logo => "logo",
        Check::DomainAge => "domain_age",
        Check::OneSite => "one_site",
        Check::AppName => "app_name",
    }
}

/// The severity, as stored.
pub(super) const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Passed => "passed",
        Severity::NotChecked => "not_checked",
        Severity::Suspicious => "suspicious",
        Severity::Invalid => "invalid",
        Severity::Malicious => "malicious",
    }
}

/// The severity of that name.
pub(super) fn parse_severity(name: &str) -> Option<Severity> {
    let all = [Severity::Passed, Severity::NotChecked, Severity::Suspicious, Severity::Invalid, Severity::Malicious];
    all.into_iter().find(|severity| severity_name(*severity) == name)
}

/// The severity as a person reads it.
pub(super) const fn severity_words(severity: Severity) -> &'static str {
    match severity {
        Severity::Passed => "Passed",
        Severity::NotChecked => "Not checked",
        Severity::Suspicious => "Suspicious",
        Severity::Invalid => "Invalid",
        Severity::Malicious => "Malicious",
    }
}

/// Its class in the style sheet.
pub(super) const fn severity_tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Passed => "good",
        Severity::NotChecked => "",
        Severity::Suspicious => "warn",
        Severity::Invalid | Severity::Malicious => "danger",
    }
}

/// A line of evidence: what, and what about it.
pub type EvidenceLine = (String, String);

/// The evidence line by line; none where the sentence says it all.
pub(super) fn evidence_lines(evidence: &Evidence) -> Vec<EvidenceLine> {
    let mut lines = Lines::default();
    match evidence {
        Evidence::None => {}
        Evidence::Fetch(fetch) => lines.fetch(fetch),
        Evidence::Page(page) => {
            lines.fetch(&page.fetch);
            if let Some(counts) = &page.page {
                let text = format!(
                    "{} links, {} password fields, {} scripts, {} characters of text",
                    counts.links, counts.password_fields, counts.scripts, counts.text_characters
                );
                lines.add("On the page", text);
            }
        }
        Evidence::Logo(logo) => {
            lines.fetch(&logo.fetch);
            if let Some(image) = &logo.image {
                lines.add("Image", format!("{}, {} × {} pixels", image.format, image.width, image.height));
            }
        }
        Evidence::Host(host) => lines.host(host),
        Evidence::Lists(lists) => lines.lists(lists),
        Evidence::Domain(domain) => lines.domain(domain),
        Evidence::Sites(sites) => lines.sites(sites),
        Evidence::Name(name) => lines.name(name),
    }
    lines.0
}

#[derive(Default)]
struct Lines(Vec<EvidenceLine>);

impl Lines {
    fn add(&mut self, label: &str, text: impl Into<String>) {
        self.0.push((label.to_owned(), text.into()));
    }

    fn fetch(&mut self, fetch: &FetchEvidence) {
        for hop in &fetch.hops {
            let status = hop.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let peer = hop.peer.map_or_else(String::new, |peer| format!(", at {}", peer.ip()));
            let location = hop.location.as_ref().map_or_else(String::new, |to| format!(", sends on to {to}"));
            self.add(&fetch.method, format!("{} → {status}{peer}{location}", hop.url));
        }
        if let Some(certificate) = fetch.hops.iter().rev().find_map(|hop| hop.certificate.as_ref()) {
            let until = certificate.not_after.strftime("%-d %b %Y");
            self.add(
                "Certificate",
                format!("for {}, from {}, valid until {until}", certificate.names.join(", "), certificate.issuer),
            );
        }
        if let Some(kind) = &fetch.content_type {
            self.add("Content type", kind.clone());
        }
        if !fetch.hops.is_empty() {
            let cut = if fetch.cut { ", the rest was not read" } else { "" };
            self.add("Read", format!("{} bytes in {} ms{cut}", fetch.bytes, fetch.milliseconds));
        }
    }

    fn host(&mut self, host: &HostEvidence) {
        let name = &host.host;
        if name.is_internationalised() {
            self.add("Host", format!("{} (shown as {})", name.ascii, name.unicode));
        } else {
            self.add("Host", name.ascii.clone());
        }
        if !host.odd_labels.is_empty() {
            self.add("Odd parts", host.odd_labels.join(", "));
        }
        if let Some(resembles) = &host.resembles {
            self.add("Resembles", resembles.to.clone());
        }
    }

    fn lists(&mut self, lists: &ListEvidence) {
        if let Some(listed) = &lists.listed {
            self.add("Entry", listed.entry.clone());
        }
        for list in &lists.asked {
            let date = match (&list.says, list.dated) {
                (Some(says), _) => format!(", {says}"),
                (None, Some(date)) => format!(", of {}", date.strftime("%-d %b %Y")),
                (None, None) => String::new(),
            };
            self.add("List", format!("{}{date}, {} entries", list.name, list.entries));
        }
    }

    fn domain(&mut self, domain: &DomainEvidence) {
        self.add("Domain", domain.domain.clone());
        if let Some(days) = domain.age_days {
            self.add("Age", format!("{days} days"));
        }
        if let Some(registration) = &domain.registration {
            let day = |date: jiff::Timestamp| date.strftime("%-d %b %Y").to_string();
            for (label, date) in [
                ("Registered", registration.registered),
                ("Moved to another registrar", registration.transferred),
                ("Expires", registration.expires),
            ] {
                if let Some(date) = date {
                    self.add(label, day(date));
                }
            }
            if !registration.status.is_empty() {
                self.add("State", registration.status.join(", "));
            }
        }
        if let Some(server) = &domain.server {
            self.add("Asked", server.clone());
        }
    }

    fn sites(&mut self, sites: &SitesEvidence) {
        for site in &sites.sites {
            let fields: Vec<String> = site.fields.iter().map(ToString::to_string).collect();
            self.add(&site.site, fields.join(", "));
        }
    }

    fn name(&mut self, name: &NameEvidence) {
        self.add("Compared as", name.folded.clone());
        if let Some(resembles) = &name.resembles {
            self.add("Resembles", resembles.to.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_name_and_a_label() {
        for (field, name, label) in [
            (Field::Homepage, "homepage_url", "Homepage URL"),
            (Field::Callback(2), "callback_urls[2]", "Callback URL 3"),
            (Field::PostLogout(0), "post_logout_urls[0]", "URL after signing out 1"),
            (Field::AllUrls, "all_urls", "All URLs together"),
        ] {
            assert_eq!(field_name(field), name);
            assert_eq!(field_label(name), label);
        }
    }

    #[test]
    fn a_severity_is_read_as_it_was_written() {
        for severity in [Severity::Passed, Severity::NotChecked, Severity::Suspicious, Severity::Malicious] {
            assert_eq!(parse_severity(severity_name(severity)), Some(severity));
        }
        assert_eq!(parse_severity("fine"), None);
    }
}
