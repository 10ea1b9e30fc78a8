//! Lists of harmful sites that the operator imports: hosts files, plain domains, URLhaus' CSV.
//!
//! A listed host covers itself and everything below it, as far up as its registrable domain: `evil.example`
//! also condemns `www.evil.example`, while a list that names `github.io` does not condemn everyone there. A
//! listed *URL* on a host that many people share (a code forge, a file drop) condemns that URL only.

mod list;
mod parse;
mod table;

pub use list::{Blocklist, ImportSummary, ListError, ListTag, Listed};

use url::Url;

/// All imported lists.
#[derive(Clone, Debug, Default)]
pub struct Blocklists {
    lists: Vec<Blocklist>,
}

impl Blocklists {
    /// These lists, asked in this order.
    #[must_use]
    pub fn new(lists: Vec<Blocklist>) -> Self {
        Self { lists }
    }

    /// Whether there is anything to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Name, date and size of each list.
    #[must_use]
    pub fn tags(&self) -> Vec<ListTag> {
        self.lists.iter().map(|list| list.tag().clone()).collect()
    }

    /// The first entry that condemns this URL.
    #[must_use]
    pub fn find(&self, url: &Url) -> Option<Listed> {
        self.lists.iter().find_map(|list| list.find(url))
    }
}
