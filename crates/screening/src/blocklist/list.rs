//! One list: importing it, and asking it about a URL.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::parse::{self, Line};
use super::table::{Inserted, StringSet};
use crate::host;

/// Lines longer than this are skipped, in bytes.
const MAX_LINE: usize = 8 * 1024;
/// Entries of one list.
const MAX_ENTRIES: usize = 5_000_000;

/// Sites whose pages belong to many different people, so that one bad page says nothing of the others.
const SHARED_SITES: [&str; 24] = [
    "1drv.ms",
    "amazonaws.com",
    "archive.org",
    "bitbucket.org",
    "box.com",
    "discord.com",
    "discordapp.com",
    "discordapp.net",
    "dropbox.com",
    "dropboxusercontent.com",
    "github.com",
    "githubusercontent.com",
    "gitlab.com",
    "gofile.io",
    "google.com",
    "googleapis.com",
    "live.com",
    "mediafire.com",
    "mega.nz",
    "pastebin.com",
    "sharepoint.com",
    "sourceforge.net",
    "t.me",
    "telegra.ph",
];

/// Why a list could not be imported.
#[derive(Debug, Error)]
pub enum ListError {
    /// Reading failed.
    #[error("blocklist '{name}' could not be read: {source}")]
    Unreadable {
        /// The list's name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing in it was an entry: a wrong file, or an error page that was saved as a list.
    #[error(
        "blocklist '{name}' has no entry in {lines} lines; it should be a hosts file, one domain a line, or URLhaus' CSV"
    )]
    NoEntries {
        /// The list's name.
        name: String,
        /// Lines that were read.
        lines: usize,
    },
    /// More than a list may have.
    #[error("blocklist '{name}' has more than {MAX_ENTRIES} entries")]
    TooLong {
        /// The list's name.
        name: String,
    },
}

/// What an import took and left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSummary {
    /// Lines read.
    pub lines: usize,
    /// Entries that count from now on.
    pub entries: usize,
    /// Entries that were there already.
    pub duplicates: usize,
    /// Lines or names that are no entry.
    pub unreadable: usize,
    /// Number of the first such line, from 1.
    pub first_unreadable: Option<usize>,
}

/// Name and date of a list, as a finding quotes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTag {
    /// The operator's name for it.
    pub name: String,
    /// When the file was last changed, or what the importer said.
    pub dated: Option<Timestamp>,
    /// What the list says of its own date, in its own words.
    pub says: Option<String>,
    /// How many entries it has.
    pub entries: usize,
}

/// One imported list.
#[derive(Clone, Debug)]
pub struct Blocklist {
    tag: ListTag,
    hosts: StringSet,
    /// Whole URLs, for shared sites only.
    urls: StringSet,
    summary: ImportSummary,
}

/// A URL that a list condemns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The list.
    pub list: ListTag,
    /// The entry that matched: a host, or a URL on a shared site.
    pub entry: String,
}

impl Blocklist {
    /// Imports the file at `path`, dated by its last change.
    ///
    /// # Errors
    /// See [`ListError`].
    pub fn open(name: &str, path: &Path) -> Result<Self, ListError> {
        let unreadable = |source| ListError::Unreadable { name: name.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let changed = file.metadata().and_then(|about| about.modified()).ok();
        let dated = changed.and_then(|time| Timestamp::try_from(time).ok());
        Self::read(name, dated, BufReader::with_capacity(64 * 1024, file))
    }

    /// Imports a list from any source, line by line.
    ///
    /// # Errors
    /// See [`ListError`].
    pub fn read(name: &str, dated: Option<Timestamp>, mut source: impl BufRead) -> Result<Self, ListError> {
        let tag = ListTag { name: name.to_owned(), dated, says: None, entries: 0 };
        let mut list = Self { tag, hosts: StringSet::new(), urls: StringSet::new(), summary: ImportSummary::default() };
        let mut line = Vec::new();
        while read_line(&mut source, &mut line)
            .map_err(|source| ListError::Unreadable { name: name.to_owned(), source })?
        {
            list.summary.lines += 1;
            let text = String::from_utf8_lossy(&line);
            list.note_date(&text);
            if line.len() >= MAX_LINE || !list.add(&text) {
                list.summary.unreadable += 1;
                list.summary.first_unreadable.get_or_insert(list.summary.lines);
            }
            if list.summary.entries > MAX_ENTRIES {
                return Err(ListError::TooLong { name: name.to_owned() });
            }
        }
        if list.summary.entries == 0 {
            return Err(ListError::NoEntries { name: name.to_owned(), lines: list.summary.lines });
        }
        list.hosts.finish();
        list.urls.finish();
        list.tag.entries = list.summary.entries;
        Ok(list)
    }

    /// What the import took and left.
    #[must_use]
    pub fn summary(&self) -> ImportSummary {
        self.summary
    }

    /// Name, date and size.
    #[must_use]
    pub fn tag(&self) -> &ListTag {
        &self.tag
    }

    /// Bytes of memory that the entries take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.hosts.bytes() + self.urls.bytes()
    }

    /// The entry that condemns this URL, if any. The time does not depend on the length of the list.
    #[must_use]
    pub fn find(&self, url: &Url) -> Option<Listed> {
        let hit = |entry: &str| Listed { list: self.tag.clone(), entry: entry.to_owned() };
        let host = host::key_of(url)?;
        if let Some(entry) = host::with_parents(&host).find(|name| self.hosts.contains(name)) {
            return Some(hit(entry));
        }
        let whole = parse::comparable(url.clone());
        (is_shared(&host) && self.urls.contains(whole.as_str())).then(|| hit(whole.as_str()))
    }

    /// Takes a line; false when it is unreadable, in whole or in part.
    fn add(&mut self, text: &str) -> bool {
        match parse::line(text) {
            Line::Blank => true,
            Line::Unreadable => false,
            Line::Hosts(names) => {
                // Every name is taken, also after one that cannot be read.
                let unread = names.into_iter().filter(|name| !self.add_host(name)).count();
                unread == 0
            }
            Line::Url(url) => self.add_url(&url),
        }
    }

    fn add_host(&mut self, name: &str) -> bool {
        let Some(name) = parse::host_name(name) else {
            return false;
        };
        let inserted = self.hosts.insert(&name);
        self.count(inserted)
    }

    fn add_url(&mut self, text: &str) -> bool {
        let Some((url, host)) = parse::url_and_host(text) else {
            return false;
        };
        let inserted = if is_shared(&host) { self.urls.insert(url.as_str()) } else { self.hosts.insert(&host) };
        self.count(inserted)
    }

    fn count(&mut self, inserted: Inserted) -> bool {
        match inserted {
            Inserted::New => self.summary.entries += 1,
            Inserted::Known => self.summary.duplicates += 1,
            Inserted::NoRoom => return false,
        }
        true
    }

    /// Lists date themselves in a comment near the top, each in its own words.
    fn note_date(&mut self, text: &str) {
        const HEADER_LINES: usize = 40;
        const MARKS: [&str; 4] = ["last updated", "last modified", "date:", "updated:"];
        if self.tag.says.is_some() || self.summary.lines > HEADER_LINES || !text.starts_with(['#', '!']) {
            return;
        }
        let lower = text.to_ascii_lowercase();
        if let Some(at) = MARKS.iter().find_map(|mark| lower.find(mark)) {
            let words = text.get(at..).unwrap_or_default();
            let words: String = words.chars().filter(|c| !c.is_control()).take(80).collect();
            self.tag.says = Some(words.trim().trim_end_matches('#').trim_end().to_owned());
        }
    }
}

fn is_shared(host: &str) -> bool {
    let mut names = host::with_parents(host);
    names.any(|name| SHARED_SITES.contains(&name)) || host::shared_suffix_of(host).is_some_and(|suffix| suffix == host)
}

/// Reads one line without its end into `line`, keeping at most [`MAX_LINE`] bytes of it. False at the end.
fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = source.by_ref().take(MAX_LINE as u64).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() >= MAX_LINE {
        source.skip_until(b'\n')?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn import(text: &str) -> Blocklist {
        Blocklist::read("test", None, text.as_bytes()).unwrap()
    }

    fn entry(list: &Blocklist, url: &str) -> Option<String> {
        list.find(&Url::parse(url).unwrap()).map(|listed| listed.entry)
    }

    #[test]
    fn a_listed_host_covers_what_is_below_it_only() {
        let list = import("# Last updated: 2026-01-02 03:04:05 (UTC)  #\n0.0.0.0 bad.example\nsub.other.example\n");
        assert_eq!(entry(&list, "https://bad.example/x").as_deref(), Some("bad.example"));
        assert_eq!(entry(&list, "https://a.b.bad.example./x").as_deref(), Some("bad.example"));
        assert_eq!(entry(&list, "https://notbad.example/"), None);
        assert_eq!(entry(&list, "https://other.example/"), None);
        assert_eq!(list.tag().says.as_deref(), Some("Last updated: 2026-01-02 03:04:05 (UTC)"));
    }

    #[test]
    fn a_listed_suffix_does_not_condemn_everyone_below() {
        let list = import("github.io\nco.uk\n");
        assert_eq!(entry(&list, "https://someone.github.io/"), None);
        assert_eq!(entry(&list, "https://example.co.uk/"), None);
    }

    #[test]
    fn urlhaus_condemns_hosts_but_only_urls_on_shared_sites() {
        let list = import(concat!(
            "# id,dateadded,url,url_status\r\n",
            "\"1\",\"2026-01-01 00:00:00\",\"http://evil.example/a.exe\",\"online\"\r\n",
            "\"2\",\"2026-01-01 00:00:00\",\"https://github.com/x/y/raw/z.exe\",\"online\"\r\n",
            "\"3\",\"2026-01-01 00:00:00\",\"http://192.0.2.7:81/b\",\"offline\"\r\n",
        ));
        assert_eq!(entry(&list, "https://www.evil.example/").as_deref(), Some("evil.example"));
        assert_eq!(entry(&list, "https://192.0.2.7/").as_deref(), Some("192.0.2.7"));
        assert_eq!(entry(&list, "https://github.com/good/app"), None);
        assert!(entry(&list, "https://github.com/x/y/raw/z.exe#top").is_some());
        assert_eq!(list.summary().entries, 3);
    }

    #[test]
    fn an_import_says_what_it_left_out() {
        let long = "x".repeat(3 * MAX_LINE);
        let list = import(&format!("good.example\n<html>error</html>\n{long}\nGOOD.example.\nlast.example"));
        let summary = list.summary();
        assert_eq!((summary.lines, summary.entries, summary.duplicates), (5, 2, 1));
        assert_eq!((summary.unreadable, summary.first_unreadable), (2, Some(2)));
        assert!(entry(&list, "https://last.example").is_some());
        assert!(matches!(
            Blocklist::read("x", None, "<html>\n".as_bytes()),
            Err(ListError::NoEntries { lines: 1, .. })
        ));
    }

    #[test]
    fn a_file_is_dated_by_its_last_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        std::fs::write(&path, "bad.example\n").unwrap();
        assert!(Blocklist::open("x", &path).unwrap().tag().dated.is_some());
        assert!(matches!(Blocklist::open("x", folder.path()), Err(ListError::Unreadable { .. })));
        assert!(matches!(Blocklist::open("x", &folder.path().join("none")), Err(ListError::Unreadable { .. })));
    }

    /// The figures of the docs: a million entries take less than 40 MB and a look-up stays in microseconds.
    #[test]
    fn a_million_entries_are_small_and_quick() {
        use std::fmt::Write as _;
        let mut text = String::new();
        for n in 0..1_000_000_u32 {
            let _ = writeln!(text, "0.0.0.0 host-{n:x}.site{}.example", n % 50_000);
        }
        let list = import(&text);
        assert_eq!(list.summary().entries, 1_000_000);
        assert!(list.bytes() < 40_000_000, "{} bytes", list.bytes());
        let url = Url::parse("https://a.b.host-f423f.site49999.example/").unwrap();
        assert!(list.find(&url).is_some());
        let start = std::time::Instant::now();
        assert!((0..1000).all(|_| list.find(&url).is_some()));
        assert!(start.elapsed().as_millis() < 1000, "{:?} for 1,000 look-ups", start.elapsed());
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_imported(bytes: Vec<u8>, url in "https://[a-z0-9.]{1,20}/") {
            if let (Ok(list), Ok(url)) = (Blocklist::read("fuzz", None, bytes.as_slice()), Url::parse(&url)) {
                let _ = list.find(&url);
            }
        }

        /// Exactness: what the list does not name, no look-up finds.
        #[test]
        fn no_false_positives(listed in prop::collection::hash_set("[a-z]{1,6}", 1..50), asked in "[a-z]{1,6}") {
            let text: String = listed.iter().map(|name| format!("{name}.example\n")).collect();
            let list = import(&text);
            let url = Url::parse(&format!("https://{asked}.example/")).unwrap();
            prop_assert_eq!(list.find(&url).is_some(), listed.contains(&asked));
        }
    }
}
