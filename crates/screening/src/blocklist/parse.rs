//! One line of a list to what it lists. Three forms are in use; a line tells by itself which one it is, so a
//! list that mixes them or carries the wrong label still imports.

use std::borrow::Cow;
use std::net::IpAddr;

use url::Url;

use crate::host;

/// What a line lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Nothing: empty, a comment, a header.
    Blank,
    /// Host names, each to be normalised with [`host_name`].
    Hosts(Vec<&'a str>),
    /// One URL.
    Url(Cow<'a, str>),
    /// Text that is none of these.
    Unreadable,
}

/// Names that hosts files map for the machine's own sake.
const OWN_NAMES: [&str; 12] = [
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
    "0.0.0.0",
];

/// Column of the URL in URLhaus' CSV: `id,dateadded,url,url_status,…`.
const URLHAUS_URL: usize = 2;

pub(super) fn line(text: &str) -> Line<'_> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() || text.starts_with(['#', '!', ';']) {
        return Line::Blank;
    }
    if text.starts_with('"') || text.split(',').nth(URLHAUS_URL).is_some() {
        return csv(text);
    }
    if text.contains("://") {
        return Line::Url(Cow::Borrowed(text));
    }
    let bare = text.split('#').next().unwrap_or(text);
    let mut words = bare.split_whitespace();
    let Some(first) = words.next() else {
        return Line::Blank;
    };
    let names: Vec<&str> = if first.parse::<IpAddr>().is_ok() && bare.trim() != first {
        words.collect()
    } else {
        std::iter::once(first).chain(words).collect()
    };
    let listed: Vec<&str> = names.into_iter().filter(|name| !is_own_name(name)).collect();
    match listed.as_slice() {
        [] => Line::Blank,
        // Several words and no address in front: a sentence, not a list.
        [_, _, ..] if first.parse::<IpAddr>().is_err() => Line::Unreadable,
        _ => Line::Hosts(listed),
    }
}

fn is_own_name(name: &str) -> bool {
    OWN_NAMES.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn csv(text: &str) -> Line<'_> {
    match fields(text).nth(URLHAUS_URL) {
        Some(url) if url.contains("://") => Line::Url(url),
        Some(url) if url.eq_ignore_ascii_case("url") => Line::Blank,
        _ => Line::Unreadable,
    }
}

/// The fields of one line of CSV (RFC 4180); a doubled quote within quotes is a quote.
fn fields(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?.trim_start();
        let Some(quoted) = text.strip_prefix('"') else {
            let (field, tail) = text.split_once(',').map_or((text, None), |(field, tail)| (field, Some(tail)));
            rest = tail;
            return Some(Cow::Borrowed(field.trim_end()));
        };
        let end = closing_quote(quoted);
        let field = quoted.get(..end).unwrap_or(quoted);
        let tail = quoted.get(end..).unwrap_or("");
        rest = tail.split_once(',').map(|(_, tail)| tail);
        Some(if field.contains("\"\"") { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) })
    })
}

fn closing_quote(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == b'"')) {
        let quote = at + found;
        if bytes.get(quote + 1) != Some(&b'"') {
            return quote;
        }
        at = quote + 2;
    }
    text.len()
}

/// A listed host as it is compared: lower case, ASCII, no dot at the end. None for what is no host.
pub(super) fn host_name(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_start_matches("*.").trim_matches('.');
    if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Some(Cow::Owned(address.to_canonical().to_string()));
    }
    if text.len() > 1000 {
        return None;
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    let name = if text.bytes().all(plain) {
        Cow::Borrowed(text)
    } else if text.is_ascii() {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Owned(idna::domain_to_ascii(text).ok()?)
    };
    let fits = name.len() <= 253 && name.contains('.') && name.bytes().all(plain) && !name.contains("..");
    fits.then_some(name)
}

/// A listed URL as it is compared, and its host.
pub(super) fn url_and_host(text: &str) -> Option<(Url, String)> {
    if text.len() > crate::net::fetch::MAX_URL {
        return None;
    }
    let url = comparable(Url::parse(text.trim()).ok()?);
    let host = host::key_of(&url)?;
    Some((url, host))
}

/// A URL without what does not change where it leads.
pub(super) fn comparable(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(text: &str) -> Vec<String> {
        match line(text) {
            Line::Hosts(names) => names.into_iter().filter_map(host_name).map(Cow::into_owned).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn hosts_file_lines() {
        assert_eq!(hosts("0.0.0.0 bad.example"), ["bad.example"]);
        assert_eq!(hosts("127.0.0.1\tBad.Example. other.example # why\r"), ["bad.example", "other.example"]);
        assert_eq!(hosts("::1 evil.example"), ["evil.example"]);
        for own in ["127.0.0.1 localhost", "::1 ip6-localhost ip6-loopback", "0.0.0.0 0.0.0.0", "# comment", "", "  "] {
            assert_eq!(line(own), Line::Blank, "{own}");
        }
    }

    #[test]
    fn plain_domain_lines() {
        assert_eq!(hosts("bad.example"), ["bad.example"]);
        assert_eq!(hosts("\u{feff}*.bad.example   # seen today"), ["bad.example"]);
        assert_eq!(hosts("bücher.example"), ["xn--bcher-kva.example"]);
        assert_eq!(hosts("192.0.2.7"), ["192.0.2.7"]);
        assert_eq!(line("this is prose"), Line::Unreadable);
        for bad in ["nodots", "a..b", "bad host", "x/y.example", "-", "\u{0}"] {
            assert_eq!(hosts(bad), Vec::<String>::new(), "{bad}");
        }
    }

    #[test]
    fn urlhaus_lines() {
        let row = r#""3","2026-01-02 03:04:05","http://evil.example:8080/a,b/""x"".exe","online","2026-01-02","malware_download","exe","https://urlhaus.example/url/3/","someone""#;
        assert_eq!(line(row), Line::Url(Cow::Borrowed("http://evil.example:8080/a,b/\"x\".exe")));
        assert_eq!(line("id,dateadded,url,url_status"), Line::Blank);
        assert_eq!(line("1,2026,http://evil.example/,online"), Line::Url(Cow::Borrowed("http://evil.example/")));
        assert_eq!(line("http://evil.example/only"), Line::Url(Cow::Borrowed("http://evil.example/only")));
        assert_eq!(line("\"1\",\"2\",\"not a url\""), Line::Unreadable);
        assert_eq!(line("\"unclosed"), Line::Unreadable);
        assert_eq!(url_and_host("http://EVIL.example./a#b").map(|(_, host)| host).as_deref(), Some("evil.example"));
        assert!(url_and_host("http://").is_none());
    }

    proptest! {
        #[test]
        fn no_line_panics_and_every_host_is_clean(text in "\\PC{0,80}|[\"#,./:a-z0-9 ]{0,60}") {
            if let Line::Url(url) = line(&text) {
                let _ = url_and_host(&url);
            }
            for name in hosts(&text) {
                prop_assert!(name.len() <= 253);
                let again = host_name(&name).map(Cow::into_owned);
                prop_assert_eq!(again.as_ref(), Some(&name), "normal form is stable");
            }
        }

        #[test]
        fn a_quoted_field_comes_back(before in "[^\"]{0,10}", url in "[^\\r\\n]{0,30}") {
            let row = format!("\"{before}\",\"x\",\"{}\",\"y\"", url.replace('"', "\"\""));
            let field = fields(&row).nth(2).map(Cow::into_owned);
            prop_assert_eq!(field, Some(url));
        }
    }
}
