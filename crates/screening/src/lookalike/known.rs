//! The approved apps that a new one must not be mistaken for.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{Likeness, fold, label_of, within_one_edit};
use crate::host;

/// Folded labels and names shorter than this are too common to mean anything.
const TOO_SHORT: usize = 4;
/// Folded labels at least this long are also compared with one letter off.
const LONG_ENOUGH: usize = 6;

/// An approved app, as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownApp {
    /// The server's id for it; an app is never compared with itself.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Hosts of its homepage and callbacks.
    pub hosts: Vec<String>,
}

/// Approved apps, indexed so that a question takes the same time for ten of them and for a hundred thousand.
#[derive(Clone, Debug, Default)]
pub struct KnownApps {
    apps: Vec<KnownApp>,
    by_name: Index,
    /// Folded labels, and each with one letter left out, to apps: two words that are one edit apart share one.
    by_label: Index,
}

/// From words to apps, eight bytes each: the words' hashes in order, since there are a dozen words for each host. Two words
/// may share a hash, so whatever is found is compared.
#[derive(Clone, Debug, Default)]
struct Index(Vec<(u32, u32)>);

impl Index {
    fn new(mut entries: Vec<(u32, u32)>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        entries.shrink_to_fit();
        Self(entries)
    }

    /// The numbers of the apps under that word, and perhaps of some others.
    fn under(&self, word: &str) -> impl Iterator<Item = usize> + use<'_> {
        let key = key(word);
        let start = self.0.partition_point(|(other, _)| *other < key);
        let entries = self.0.get(start..).unwrap_or_default().iter().take_while(move |(other, _)| *other == key);
        entries.filter_map(|(_, number)| usize::try_from(*number).ok())
    }
}

fn key(word: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap_or(0)
}

impl KnownApps {
    /// Indexes the apps.
    #[must_use]
    pub fn new(mut apps: Vec<KnownApp>) -> Self {
        apps.shrink_to_fit();
        let (mut names, mut labels) = (Vec::new(), Vec::new());
        for (number, app) in (0_u32..).zip(&apps) {
            let name = fold(&app.name);
            if name.chars().count() >= TOO_SHORT {
                names.push((key(&name), number));
            }
            let folded: HashSet<String> = app.hosts.iter().map(|host| fold(&label_of(host))).collect();
            for label in &folded {
                labels.extend(neighbours(label).iter().map(|word| (key(word), number)));
            }
        }
        Self { apps, by_name: Index::new(names), by_label: Index::new(labels) }
    }

    /// How many apps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.apps.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty()
    }

    /// Another app whose name reads like this one.
    #[must_use]
    pub fn with_name_like(&self, name: &str, own_id: Option<&str>) -> Option<&KnownApp> {
        let folded = fold(name);
        let apps = self.by_name.under(&folded).filter_map(|number| self.apps.get(number));
        apps.filter(|app| own_id != Some(app.id.as_str())).find(|app| fold(&app.name) == folded)
    }

    /// Another app, and its host, that this host could be mistaken for. Apps on the same site are the same
    /// people's.
    #[must_use]
    pub fn with_host_like(&self, asked: &str, own_id: Option<&str>) -> Option<(&KnownApp, &str, Likeness)> {
        let label = fold(&label_of(asked));
        let site = host::site_of(asked);
        let mut numbers: Vec<usize> = neighbours(&label).iter().flat_map(|word| self.by_label.under(word)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let apps: Vec<&KnownApp> = numbers.iter().filter_map(|&number| self.apps.get(number)).collect();
        if apps.iter().flat_map(|app| &app.hosts).any(|known| host::site_of(known) == site) {
            return None;
        }
        let others = apps.into_iter().filter(|app| own_id != Some(app.id.as_str()));
        others.flat_map(|app| app.hosts.iter().map(move |known| (app, known.as_str()))).find_map(|(app, known)| {
            let likeness = likeness(&label, &fold(&label_of(known)))?;
            Some((app, known, likeness))
        })
    }
}

fn likeness(label: &str, known: &str) -> Option<Likeness> {
    let length = label.chars().count().min(known.chars().count());
    if length < TOO_SHORT {
        None
    } else if label == known {
        Some(Likeness::ReadsLike)
    } else if length >= LONG_ENOUGH && within_one_edit(label, known) {
        Some(Likeness::OneLetterOff)
    } else {
        None
    }
}

/// The word itself and, when it is long enough, all words with one letter left out.
fn neighbours(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    if word.chars().count() + 1 >= LONG_ENOUGH {
        all.extend(word.char_indices().map(|(at, letter)| {
            let (before, rest) = word.split_at(at);
            let after = rest.get(letter.len_utf8()..).unwrap_or_default();
            format!("{before}{after}")
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known() -> KnownApps {
        KnownApps::new(vec![
            KnownApp {
                id: "a".to_owned(),
                name: "Acme Calendar".to_owned(),
                hosts: vec!["www.acmecalendar.com".to_owned(), "acme.io".to_owned()],
            },
            KnownApp {
                id: "b".to_owned(),
                name: "Böb".to_owned(),
                hosts: vec!["xn--bcher-kva.example.com".to_owned()],
            },
        ])
    }

    fn like(host: &str) -> Option<(String, Likeness)> {
        known().with_host_like(host, None).map(|(_, known, likeness)| (known.to_owned(), likeness))
    }

    #[test]
    fn names_are_compared_as_they_are_read() {
        let apps = known();
        for name in ["ACME calendar", "Acme-Calendar", "Acmе Calendar", "Acme Ca1endar"] {
            assert_eq!(apps.with_name_like(name, None).map(|app| app.id.as_str()), Some("a"), "{name}");
        }
        assert!(apps.with_name_like("Acme Calendar", Some("a")).is_none(), "never with itself");
        assert!(apps.with_name_like("Acme Mail", None).is_none());
        assert!(apps.with_name_like("Bob", None).is_none(), "too short to mean anything");
    }

    #[test]
    fn hosts_are_compared_by_the_label_people_know() {
        let original = "www.acmecalendar.com".to_owned();
        assert_eq!(like("acmecalendar.net"), Some((original.clone(), Likeness::ReadsLike)));
        assert_eq!(like("acmeca1endar.com"), Some((original.clone(), Likeness::ReadsLike)));
        assert_eq!(like("acmecalender.com"), Some((original.clone(), Likeness::OneLetterOff)));
        assert_eq!(like("login.acmecalenda.org"), Some((original, Likeness::OneLetterOff)));
        assert_eq!(like("login.acmecalendar.com"), None, "the same site");
        assert_eq!(like("acne.io"), None, "short names are not compared letter by letter");
        assert_eq!(like("example.org"), Some(("xn--bcher-kva.example.com".to_owned(), Likeness::ReadsLike)));
        assert_eq!(known().with_host_like("acmecalendar.net", Some("a")), None);
    }

    proptest! {
        /// The index finds whatever comparing with every app finds.
        #[test]
        fn the_index_misses_nothing(names in prop::collection::vec("[abc]{4,8}", 1..20), asked in "[abc]{4,8}") {
            let host = |name: &String| format!("{name}.com");
            let apps = names.iter().map(|name| KnownApp { id: name.clone(), name: name.clone(), hosts: vec![host(name)] });
            let known = KnownApps::new(apps.collect());
            let found = known.with_host_like(&format!("{asked}.com"), None).is_some();
            let same_site = names.contains(&asked);
            let expected = !same_site && names.iter().any(|name| likeness(&fold(&asked), &fold(name)).is_some());
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn ten_thousand_apps_are_asked_at_once() {
        let apps = (0..10_000).map(|n| KnownApp {
            id: n.to_string(),
            name: format!("Application {n}"),
            hosts: vec![format!("application-{n}.com")],
        });
        let known = KnownApps::new(apps.collect());
        assert_eq!(known.len(), 10_000);
        let (app, _, _) = known.with_host_like("application-77777.com", None).unwrap();
        assert!(app.name.starts_with("Application 7"));
    }
}
