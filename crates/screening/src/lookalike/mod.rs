//! Names that read like other names (Unicode TS 39): mixed scripts, confusable letters, brand words, and names
//! one letter away from an app that people know.
//!
//! All comparisons are made on *folded* text: what remains of a name when case, accents, separators and the
//! difference between letters and digits that look alike are taken away. Folding is coarse on purpose; it only
//! ever makes something suspicious, for a person to look at.

mod known;

pub use known::{KnownApp, KnownApps};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection as _, skeleton};

use crate::host::{self, HostName};

/// Folded words shorter than this count only as a whole word.
const SHORT: usize = 6;

/// How one name resembles another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// It contains the other.
    Contains,
    /// It reads the same.
    ReadsLike,
    /// It is one letter off.
    OneLetterOff,
}

/// What a name resembles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resemblance {
    /// A brand word, an app's name or an app's host.
    pub to: String,
    /// How.
    pub likeness: Likeness,
}

/// The operator's own words and sites, which others must not imitate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    /// Words, the one to be shown first: `JioMeet`.
    pub words: Vec<String>,
    /// Own sites, with all that is below them: `jio.com`.
    pub sites: Vec<String>,
    /// Words in an app's name that claim to speak for the operator.
    pub claims: Vec<String>,
}

impl Default for Brand {
    fn default() -> Self {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            words: owned(&["JioMeet", "Jio"]),
            sites: owned(&["jio.com"]),
            claims: owned(&[
                "official",
                "support",
                "verified",
                "admin",
                "administrator",
                "security",
                "helpdesk",
                "moderator",
                "staff",
            ]),
        }
    }
}

impl Brand {
    /// Whether the host is the operator's own.
    #[must_use]
    pub fn owns(&self, host: &str) -> bool {
        let below = |site: &str| host.strip_suffix(site).is_some_and(|rest| rest.ends_with('.'));
        self.sites.iter().any(|site| host == site || below(site))
    }

    /// The brand word that a host name imitates, unless the host is the operator's own.
    #[must_use]
    pub fn imitated_by_host(&self, name: &HostName) -> Option<Resemblance> {
        if self.owns(&name.ascii) {
            return None;
        }
        let suffix = psl::suffix_str(&name.ascii).map_or(0, |suffix| HostName::new(suffix).unicode.len());
        let own = name.unicode.get(..name.unicode.len().saturating_sub(suffix)).unwrap_or(&name.unicode);
        self.imitated_in(own)
    }

    /// The brand word that occurs in a text, or almost.
    #[must_use]
    pub fn imitated_in(&self, text: &str) -> Option<Resemblance> {
        let whole = fold(text);
        let words = folded_words(text);
        self.words.iter().find_map(|brand| {
            let folded = fold(brand);
            let likeness = likeness_to_brand(&folded, &whole, &words)?;
            Some(Resemblance { to: brand.clone(), likeness })
        })
    }

    /// A word in an app's name that claims to speak for the operator.
    #[must_use]
    pub fn claim_in(&self, name: &str) -> Option<&str> {
        let words = folded_words(name);
        self.claims.iter().find(|claim| words.contains(&fold(claim))).map(String::as_str)
    }
}

fn likeness_to_brand(brand: &str, whole: &str, words: &[String]) -> Option<Likeness> {
    if brand.is_empty() {
        None
    } else if whole == brand || words.iter().any(|word| word == brand) {
        Some(Likeness::ReadsLike)
    } else if brand.chars().count() < SHORT {
        None
    } else if whole.contains(brand) {
        Some(Likeness::Contains)
    } else if words.iter().any(|word| within_one_edit(word, brand)) {
        Some(Likeness::OneLetterOff)
    } else {
        None
    }
}

/// Text as the eye takes it in: no case, accents, separators; letters and digits that look alike are one.
#[must_use]
pub fn fold(text: &str) -> String {
    let lower: String = text.nfkc().collect::<String>().to_lowercase();
    let bones: String = skeleton(&lower).collect::<String>().to_lowercase();
    let letters = bones.nfd().filter(|&c| !is_combining_mark(c) && c.is_alphanumeric());
    letters.map(look_alike).collect::<String>().replace("vv", "w")
}

fn look_alike(character: char) -> char {
    match character {
        '0' => 'o',
        '1' | 'i' | 'ı' => 'l',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    }
}

fn folded_words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    words.map(fold).filter(|word| !word.is_empty()).collect()
}

/// Whether a word or label mixes scripts in a way that no language does (TS 39, 'highly restrictive').
#[must_use]
pub fn mixes_scripts(label: &str) -> bool {
    let letters: String = label.chars().filter(|c| c.is_alphabetic()).collect();
    letters.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive
}

/// Whether a label is written in another script throughout, yet reads like plain Latin letters.
#[must_use]
pub fn reads_as_latin(label: &str) -> bool {
    let has_latin = label.chars().any(|c| c.is_ascii_alphabetic());
    !label.is_ascii() && !has_latin && skeleton(label).all(|c| c.is_ascii())
}

/// Characters that are not seen, or that turn the direction of what is seen.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether two words differ by at most one letter inserted, left out, replaced or swapped with its neighbour.
#[must_use]
pub fn within_one_edit(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (a, b) = (one.get(same..).unwrap_or_default(), other.get(same..).unwrap_or_default());
    let (a_rest, b_rest) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
    let swapped = match (a, b) {
        ([a1, a2, a @ ..], [b1, b2, b @ ..]) => a1 == b2 && a2 == b1 && a == b,
        _ => false,
    };
    swapped || a_rest == b_rest || a_rest == b || a == b_rest
}

/// The label by which people know a site: `example` of `www.example.co.uk`, in Unicode.
#[must_use]
pub fn label_of(host: &str) -> String {
    let site = host::site_of(host);
    let label = site.split('.').next().unwrap_or(site);
    HostName::new(label).unicode
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host_imitates(host: &str) -> Option<Likeness> {
        Brand::default().imitated_by_host(&HostName::new(host)).map(|found| found.likeness)
    }

    #[test]
    fn hosts_that_imitate_the_brand() {
        for (host, likeness) in [
            ("jiomeet.example.com", Likeness::ReadsLike),
            ("j1omeet.com", Likeness::ReadsLike),
            ("jlomeet.com", Likeness::ReadsLike),
            ("ji0meet.com", Likeness::ReadsLike),
            ("jiorneet.com", Likeness::ReadsLike),
            ("xn--jomeet-pvf.com", Likeness::ReadsLike),
            ("xn--jomeet-p9a.com", Likeness::ReadsLike),
            ("jio-meet.com", Likeness::ReadsLike),
            ("myjiomeetlogin.com", Likeness::Contains),
            ("jio.meet.example.com", Likeness::Contains),
            ("jiomet.com", Likeness::OneLetterOff),
            ("jiomeeet.com", Likeness::OneLetterOff),
            ("jiomete.com", Likeness::OneLetterOff),
            ("login-jio.example.com", Likeness::ReadsLike),
        ] {
            assert_eq!(host_imitates(host), Some(likeness), "{host}");
        }
        for host in ["example.com", "jiomeetpro.jio.com", "jio.com", "radjiosa.com", "meet.example.com", "jigsaw.com"] {
            assert_eq!(host_imitates(host), None, "{host}");
        }
    }

    #[test]
    fn scripts_that_no_language_mixes() {
        for mixed in ["pаypal", "gοogle", "аpple", "jіomeet"] {
            assert!(mixes_scripts(mixed), "{mixed}");
        }
        for honest in ["paypal", "bücher", "пример", "例え", "日本語カナabc", "उदाहरण", "δοκιμή", "3com", "한국abc"]
        {
            assert!(!mixes_scripts(honest), "{honest}");
        }
        assert!(reads_as_latin("аррӏе"));
        assert!(!reads_as_latin("пример") && !reads_as_latin("apple") && !reads_as_latin("例え"));
    }

    #[test]
    fn claims_are_whole_words() {
        let brand = Brand::default();
        assert_eq!(brand.claim_in("Calendar OFFICIAL app"), Some("official"));
        assert_eq!(brand.claim_in("Supp0rt desk"), Some("support"));
        assert_eq!(brand.claim_in("Unofficially good"), None);
    }

    #[test]
    fn one_edit() {
        for (a, b) in [
            ("abcdef", "abcdef"),
            ("abcdef", "abcef"),
            ("abcdef", "abXdef"),
            ("abcdef", "abdcef"),
            ("", "a"),
            ("ab", "ba"),
        ] {
            assert!(within_one_edit(a, b) && within_one_edit(b, a), "{a} {b}");
        }
        for (a, b) in [("abcdef", "abdf"), ("abcdef", "fedcba"), ("", "ab"), ("abcd", "badc")] {
            assert!(!within_one_edit(a, b) && !within_one_edit(b, a), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_stable_under_case_and_separators(word in "[a-z0-9]{1,12}", at in 0_usize..12) {
            let mut spaced = word.to_uppercase();
            spaced.insert(at.min(word.len()), '-');
            prop_assert_eq!(fold(&word), fold(&spaced.to_lowercase()));
        }

        #[test]
        fn any_text_is_judged(text in "\\PC{0,40}") {
            let _ = (fold(&text), mixes_scripts(&text), reads_as_latin(&text), Brand::default().imitated_in(&text));
            let _ = Brand::default().imitated_by_host(&HostName::new(&text));
        }

        /// The definition, by trying every edit.
        #[test]
        fn one_edit_is_what_it_says(a in "[ab]{0,5}", b in "[ab]{0,5}") {
            let chars: Vec<char> = a.chars().collect();
            let mut near = std::collections::HashSet::from([chars.clone()]);
            for at in 0..=chars.len() {
                for letter in ['a', 'b'] {
                    let mut longer = chars.clone();
                    longer.insert(at, letter);
                    near.insert(longer);
                    if at < chars.len() {
                        let mut replaced = chars.clone();
                        replaced[at] = letter;
                        near.insert(replaced);
                    }
                }
                if at < chars.len() {
                    let mut shorter = chars.clone();
                    shorter.remove(at);
                    near.insert(shorter);
                }
                if at + 1 < chars.len() {
                    let mut swapped = chars.clone();
                    swapped.swap(at, at + 1);
                    near.insert(swapped);
                }
            }
            prop_assert_eq!(within_one_edit(&a, &b), near.contains(&b.chars().collect::<Vec<_>>()));
        }
    }
}
