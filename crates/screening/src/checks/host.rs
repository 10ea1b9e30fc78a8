//! Host names that hide where they lead or read like another.

use url::Url;

use crate::evidence::{Evidence, HostEvidence};
use crate::host::{self, HostName};
use crate::lookalike::{self, Likeness, Resemblance};
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Screener;

/// Services that turn a long URL into a short one, so that the URL does not tell where it leads.
const SHORTENERS: [&str; 56] = [
    "adf.ly",
    "amzn.to",
    "b.link",
    "bit.do",
    "bit.ly",
    "bitly.com",
    "bl.ink",
    "buff.ly",
    "clck.ru",
    "cutt.ly",
    "db.tt",
    "dlvr.it",
    "fb.me",
    "g.co",
    "gg.gg",
    "git.io",
    "goo.gl",
    "goo.su",
    "ift.tt",
    "is.gd",
    "j.mp",
    "kutt.it",
    "linktr.ee",
    "lnk.bio",
    "lnkd.in",
    "mcaf.ee",
    "n9.cl",
    "ow.ly",
    "page.link",
    "pse.is",
    "qr.ae",
    "qrco.de",
    "rb.gy",
    "rebrand.ly",
    "reurl.cc",
    "s.id",
    "s2r.co",
    "short.gy",
    "short.io",
    "shorte.st",
    "shorturl.asia",
    "shorturl.at",
    "smarturl.it",
    "soo.gd",
    "spoo.me",
    "surl.li",
    "t.co",
    "t.ly",
    "t2m.io",
    "tiny.cc",
    "tinyurl.com",
    "tr.ee",
    "trib.al",
    "u.to",
    "v.gd",
    "youtu.be",
];

/// Whether the host is a link shortener.
#[must_use]
pub fn link_shortener(field: Field, typed: &str, screener: &Screener) -> Finding {
    let check = Check::LinkShortener;
    let Some(name) = Url::parse(typed).ok().as_ref().and_then(host::key_of) else {
        return super::not_fetched(field, check, typed);
    };
    if is_shortener(&name, screener) {
        let sentence = format!("'{name}' is a link shortener: the URL does not tell where it leads.");
        let mend = "Give the URL that the short link leads to.";
        return Finding::new(field, check, typed, Severity::Suspicious, sentence, mend);
    }
    Finding::passed(field, check, typed, "The host is no known link shortener.")
}

fn is_shortener(name: &str, screener: &Screener) -> bool {
    let more = &screener.config().more_shorteners;
    let known = |name: &str| SHORTENERS.contains(&name) || more.iter().any(|other| other.eq_ignore_ascii_case(name));
    known(name) || host::with_parents(name).any(known) || host::shared_suffix_of(name).is_some_and(known)
}

/// Whether the host name reads like another: by mixed scripts, by the operator's words, by a known app's host.
#[must_use]
pub fn look_alike_host(field: Field, typed: &str, app_id: Option<&str>, screener: &Screener) -> Finding {
    let check = Check::LookAlikeHost;
    let Some(ascii) = Url::parse(typed).ok().as_ref().and_then(host::key_of) else {
        return super::not_fetched(field, check, typed);
    };
    let name = HostName::new(&ascii);
    let mixed: Vec<String> = labels(&name, lookalike::mixes_scripts);
    let disguised: Vec<String> = labels(&name, lookalike::reads_as_latin);
    let known = screener.known_apps();
    let resembles = screener.config().brand.imitated_by_host(&name).or_else(|| {
        let (app, host, likeness) = known.with_host_like(&ascii, app_id)?;
        Some(Resemblance { to: format!("{host} ({})", app.name), likeness })
    });
    let mut sentences = Vec::new();
    if let Some(label) = mixed.first() {
        sentences.push(format!("'{label}' mixes letters of different scripts, as imitations of other names do."));
    }
    if let Some(label) = disguised.first() {
        sentences.push(format!("'{label}' reads like plain Latin letters but is written in another script."));
    }
    if let Some(resemblance) = &resembles {
        sentences.push(told(&name.unicode, resemblance));
    }
    let finding = if sentences.is_empty() {
        Finding::passed(field, check, typed, "The host name does not read like another known one.")
    } else {
        if name.is_internationalised() {
            sentences.push(format!("On the wire the host is '{}'.", name.ascii));
        }
        let mend = "Use a host name that is clearly your own; if it is, tell the reviewer why it reads like that.";
        Finding::new(field, check, typed, Severity::Suspicious, sentences.join(" "), mend)
    };
    let odd_labels = mixed.into_iter().chain(disguised).collect();
    finding.with(Evidence::Host(HostEvidence { host: name, odd_labels, resembles }))
}

fn labels(name: &HostName, odd: fn(&str) -> bool) -> Vec<String> {
    name.unicode.split('.').filter(|label| odd(label)).map(str::to_owned).collect()
}

pub(super) fn told(name: &str, resemblance: &Resemblance) -> String {
    let to = &resemblance.to;
    match resemblance.likeness {
        Likeness::Contains => format!("'{name}' contains '{to}'."),
        Likeness::ReadsLike => format!("'{name}' can be read as '{to}'."),
        Likeness::OneLetterOff => format!("'{name}' is one letter away from '{to}'."),
    }
}
