//! What a verdict rests on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::blocklist::{ListTag, Listed};
use crate::host::HostName;
use crate::html::PageCounts;
use crate::logo::ImageEvidence;
use crate::lookalike::Resemblance;
use crate::net::fetch::FetchEvidence;
use crate::rdap::answer::Registration;
use crate::report::Field;

/// One kind of evidence for each kind of check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// The sentence says it all.
    #[default]
    None,
    /// A fetch.
    Fetch(FetchEvidence),
    /// A fetched page and what is on it.
    Page(PageEvidence),
    /// A fetched logo.
    Logo(LogoEvidence),
    /// A host name in both spellings.
    Host(HostEvidence),
    /// Blocklists that were asked.
    Lists(ListEvidence),
    /// A domain's registration.
    Domain(Box<DomainEvidence>),
    /// The sites of all URLs.
    Sites(SitesEvidence),
    /// An app's name.
    Name(NameEvidence),
}

/// A fetched page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEvidence {
    /// The fetch.
    pub fetch: FetchEvidence,
    /// What is on the page, if it could be read.
    pub page: Option<PageCounts>,
}

/// A fetched logo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoEvidence {
    /// The fetch.
    pub fetch: FetchEvidence,
    /// What kind of image it is, if it is one.
    pub image: Option<ImageEvidence>,
}

/// A host name and what it resembles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEvidence {
    /// Both spellings.
    pub host: HostName,
    /// Labels that mix scripts, or read like plain letters in another script.
    pub odd_labels: Vec<String>,
    /// What it could be mistaken for.
    pub resembles: Option<Resemblance>,
}

/// Blocklists that were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEvidence {
    /// The entry that matched.
    pub listed: Option<Listed>,
    /// All lists, with their dates.
    pub asked: Vec<ListTag>,
}

/// A domain's registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainEvidence {
    /// The registrable domain, ASCII.
    pub domain: String,
    /// Whole days since registration.
    pub age_days: Option<i64>,
    /// What the registry says.
    pub registration: Option<Registration>,
    /// The RDAP server that was asked.
    pub server: Option<String>,
    /// When it was asked.
    pub asked_at: Option<Timestamp>,
    /// The public suffix list that made this the registrable domain.
    pub suffix_list: String,
    /// Date of the RDAP bootstrap file.
    pub bootstrap: String,
    /// The fetch.
    pub fetch: Option<FetchEvidence>,
}

/// The sites of all URLs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SitesEvidence {
    /// Each site with the fields that lead there.
    pub sites: Vec<SiteUse>,
}

/// One site and the fields that lead there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteUse {
    /// The registrable domain.
    pub site: String,
    /// Fields of the app.
    pub fields: Vec<Field>,
}

/// An app's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameEvidence {
    /// What remains of it when look-alike letters are made one.
    pub folded: String,
    /// What it could be mistaken for.
    pub resembles: Option<Resemblance>,
}
