//! Whether all URLs of an app belong to one site.

use url::Url;

use crate::config::AppUrls;
use crate::evidence::{Evidence, SiteUse, SitesEvidence};
use crate::host;
use crate::report::{Check, Field, Finding, Severity};

/// Compares the sites of all URLs. `localhost` and what leads to the device itself is left out.
#[must_use]
pub fn one_site(app: &AppUrls) -> Finding {
    let (field, check) = (Field::AllUrls, Check::OneSite);
    let sites = sites_of(app);
    let main: Vec<&SiteUse> = sites.iter().filter(|site| site.fields != [Field::Logo]).collect();
    let names: Vec<&str> = main.iter().map(|site| site.site.as_str()).collect();
    let logo_apart = main.len() < sites.len() && !main.is_empty();
    let finding = match main.as_slice() {
        [] if sites.is_empty() => {
            let sentence = "No URL has a host to compare.";
            Finding::new(field, check, "", Severity::NotChecked, sentence, "Mend the URLs first.")
        }
        [] | [_] if logo_apart => {
            let sentence = "All URLs but the logo's belong to one site. The logo is copied here, so that does no harm.";
            Finding::passed(field, check, &names.join(", "), sentence)
        }
        [] | [_] => Finding::passed(field, check, &names.join(", "), "All URLs belong to one site."),
        several => {
            let listed: Vec<String> = several.iter().map(|site| describe(site)).collect();
            let sentence = format!("The URLs lead to {} different sites: {}.", several.len(), listed.join("; "));
            let mend = "Put all pages of the app on one domain, or tell the reviewer why they are apart.";
            Finding::new(field, check, &names.join(", "), Severity::Suspicious, sentence, mend)
        }
    };
    finding.with(Evidence::Sites(SitesEvidence { sites }))
}

fn describe(site: &SiteUse) -> String {
    let fields: Vec<String> = site.fields.iter().map(Field::to_string).collect();
    format!("{} ({})", site.site, fields.join(", "))
}

fn sites_of(app: &AppUrls) -> Vec<SiteUse> {
    let mut sites: Vec<SiteUse> = Vec::new();
    for (field, typed) in app.urls() {
        let Some(name) = Url::parse(typed).ok().filter(super::is_web).as_ref().and_then(host::key_of) else {
            continue;
        };
        if host::is_localhost(&name) || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()) {
            continue;
        }
        let site = host::site_of(&name);
        match sites.iter_mut().find(|known| known.site == site) {
            Some(known) => known.fields.push(field),
            None => sites.push(SiteUse { site: site.to_owned(), fields: vec![field] }),
        }
    }
    sites
}
