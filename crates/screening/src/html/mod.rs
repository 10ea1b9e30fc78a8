//! A tolerant scan of a web page for the few things screening asks about: links, password fields, an automatic
//! redirect, how much there is to read. It follows the HTML standard's tokeniser where that matters (comments,
//! quoted attributes, elements whose content is not markup) and builds no tree. One pass, linear time.

mod entities;

use serde::{Deserialize, Serialize};
use url::Url;

use entities::decode;

/// Links of one page that are kept.
const MAX_LINKS: usize = 2000;
/// Attributes of one tag that are looked at.
const MAX_ATTRIBUTES: usize = 100;

/// What is on a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Targets of links, as written, entities decoded.
    pub links: Vec<String>,
    /// `<base href>`.
    pub base: Option<String>,
    /// Target of a `<meta http-equiv="refresh">`.
    pub refresh: Option<String>,
    /// For each password field the action of its form; None for the page itself or no form.
    pub password_forms: Vec<Option<String>>,
    /// Characters of text outside tags, white space not counted.
    pub text_characters: usize,
    /// Script elements.
    pub scripts: usize,
}

/// The counts of a [`Page`], as evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageCounts {
    /// Links found.
    pub links: usize,
    /// Fields that ask for a password.
    pub password_fields: usize,
    /// Characters of text outside tags, white space not counted.
    pub text_characters: usize,
    /// Script elements.
    pub scripts: usize,
}

impl Page {
    /// Scans a page.
    #[must_use]
    pub fn scan(html: &str) -> Self {
        let mut scanner = Scanner { rest: html, page: Self::default(), form: None };
        scanner.run();
        scanner.page
    }

    /// The counts.
    #[must_use]
    pub fn counts(&self) -> PageCounts {
        PageCounts {
            links: self.links.len(),
            password_fields: self.password_forms.len(),
            text_characters: self.text_characters,
            scripts: self.scripts,
        }
    }

    /// What relative addresses on this page, which was found at `at`, are relative to.
    #[must_use]
    pub fn base_url(&self, at: &Url) -> Url {
        self.base.as_deref().and_then(|base| at.join(base.trim()).ok()).unwrap_or_else(|| at.clone())
    }
}

/// Elements whose content is text to the parser, up to their own end tag.
const RAW_ELEMENTS: [&str; 8] = ["script", "style", "textarea", "title", "iframe", "noembed", "xmp", "template"];

struct Scanner<'a> {
    rest: &'a str,
    page: Page,
    /// Action of the form that is open.
    form: Option<String>,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) {
        while let Some(open) = self.rest.find('<') {
            let (text, markup) = self.rest.split_at(open);
            self.read_text(text);
            self.rest = markup;
            self.read_markup();
        }
        self.read_text(self.rest);
    }

    fn read_text(&mut self, text: &str) {
        self.page.text_characters += text.chars().filter(|c| !c.is_whitespace()).count();
    }

    fn read_markup(&mut self) {
        let after = self.rest.get(1..).unwrap_or_default();
        if let Some(comment) = after.strip_prefix("!--") {
            self.rest = after_text(comment, "-->");
        } else if after.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.rest = after;
            self.read_tag();
        } else if let Some(end) = after.strip_prefix('/') {
            self.rest = after_text(end, ">");
            if starts_with_name(end, "form") {
                self.form = None;
            }
        } else if after.starts_with(['!', '?']) {
            self.rest = after_text(after, ">");
        } else {
            self.read_text("<");
            self.rest = after;
        }
    }

    fn read_tag(&mut self) {
        let end = self.rest.find(|c: char| c.is_whitespace() || c == '/' || c == '>').unwrap_or(self.rest.len());
        let name = self.take(end).to_ascii_lowercase();
        let mut attributes = Vec::new();
        while let Some(attribute) = self.read_attribute() {
            if attributes.len() < MAX_ATTRIBUTES {
                attributes.push(attribute);
            }
        }
        self.note_tag(&name, &Attributes(attributes));
        if RAW_ELEMENTS.contains(&name.as_str()) {
            self.skip_raw(&name);
        }
    }

    /// The next attribute of the tag, or None when the tag ends, which is then consumed.
    fn read_attribute(&mut self) -> Option<(&'a str, &'a str)> {
        let skipped = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        self.rest = skipped;
        if let Some(rest) = skipped.strip_prefix('>') {
            self.rest = rest;
            return None;
        }
        if skipped.is_empty() {
            return None;
        }
        // A name may begin with '=', so that each turn takes at least one character.
        let first = skipped.chars().next().map_or(0, char::len_utf8);
        let more = skipped.get(first..).unwrap_or_default();
        let length = more.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')).unwrap_or(more.len());
        let name = self.take(first + length);
        let after = self.rest.trim_start();
        let Some(value) = after.strip_prefix('=') else {
            return Some((name, ""));
        };
        self.rest = value.trim_start();
        Some((name, self.read_value()))
    }

    fn read_value(&mut self) -> &'a str {
        for quote in ['"', '\''] {
            if let Some(quoted) = self.rest.strip_prefix(quote) {
                let (value, rest) = quoted.split_once(quote).unwrap_or((quoted, ""));
                self.rest = rest;
                return value;
            }
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(self.rest.len());
        self.take(end)
    }

    fn note_tag(&mut self, name: &str, attributes: &Attributes<'_>) {
        match name {
            "a" | "area" => {
                if let Some(target) = attributes.get("href").filter(|_| self.page.links.len() < MAX_LINKS) {
                    self.page.links.push(decode(target));
                }
            }
            "base" if self.page.base.is_none() => self.page.base = attributes.get("href").map(decode),
            "form" => self.form = attributes.get("action").map(decode).filter(|action| !action.trim().is_empty()),
            "input" => self.note_input(attributes),
            "meta" => self.note_meta(attributes),
            "script" => self.page.scripts += 1,
            _ => {}
        }
    }

    fn note_input(&mut self, attributes: &Attributes<'_>) {
        let is = |name: &str, values: &[&str]| {
            attributes.get(name).is_some_and(|value| values.iter().any(|v| value.trim().eq_ignore_ascii_case(v)))
        };
        if is("type", &["password"]) || is("autocomplete", &["current-password", "new-password"]) {
            self.page.password_forms.push(attributes.get("formaction").map(decode).or_else(|| self.form.clone()));
        }
    }

    fn note_meta(&mut self, attributes: &Attributes<'_>) {
        let is_refresh = attributes.get("http-equiv").is_some_and(|v| v.trim().eq_ignore_ascii_case("refresh"));
        let Some(content) = attributes.get("content").filter(|_| is_refresh && self.page.refresh.is_none()) else {
            return;
        };
        self.page.refresh = refresh_target(&decode(content));
    }

    fn skip_raw(&mut self, name: &str) {
        let mut rest = self.rest;
        while let Some(at) = rest.find("</") {
            let end = rest.get(at + 2..).unwrap_or_default();
            if starts_with_name(end, name) {
                self.rest = after_text(end, ">");
                return;
            }
            rest = end;
        }
        self.rest = "";
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

/// The target in `5; url=https://…`, as in a `Refresh` header or its `<meta>`; number and quotes in any shape that
/// browsers take.
#[must_use]
pub fn refresh_target(content: &str) -> Option<String> {
    let (_, target) = content.split_once([';', ','])?;
    let target = target.trim();
    let target = match target.split_at_checked(3) {
        Some((word, rest)) if word.eq_ignore_ascii_case("url") => {
            rest.trim_start().trim_start_matches('=').trim_start()
        }
        _ => target,
    };
    let target = target.trim_matches(['"', '\'', ' ']);
    (!target.is_empty()).then(|| target.to_owned())
}

struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    /// The first one of that name counts, as in browsers.
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn after_text<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or("", |(_, rest)| rest)
}

fn starts_with_name(text: &str, name: &str) -> bool {
    let Some((start, rest)) = text.split_at_checked(name.len()) else {
        return false;
    };
    start.eq_ignore_ascii_case(name) && !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn links(html: &str) -> Vec<String> {
        Page::scan(html).links
    }

    #[test]
    fn links_in_every_spelling() {
        let html = r#"<A HREF="/one">1</A><a class=x href=/two>2</a><a href='/th&amp;ree?a=1&b=2'>3</a>
            <a
              data-x="<a href='/not'>" href = "/four" href="/ignored">4</a><area href=/five/><a name=top>"#;
        assert_eq!(links(html), ["/one", "/two", "/th&ree?a=1&b=2", "/four", "/five/"]);
    }

    #[test]
    fn what_is_not_markup_has_no_links() {
        let html = r#"<!-- <a href="/comment"> --><script>var x = '<a href="/script"></a>';</script>
            <style>a[href="<a href=/style>"]{}</style><title><a href=/title></title><textarea><a href=/area></textarea>
            <template><a href="/template"></template>5 < 6 <a href="/real">"#;
        assert_eq!(links(html), ["/real"]);
        assert_eq!(links("<!-- never closed <a href=/x>"), Vec::<String>::new());
        assert_eq!(links("<script>never closed <a href=/x>"), Vec::<String>::new());
    }

    #[test]
    fn password_fields_know_where_they_are_sent() {
        let html = r#"<input type=PASSWORD><form action="https://other.example/take"><input name=u>
            <input type="password"></form><form><input autocomplete=current-password type=text></form><input type=text>"#;
        let forms = Page::scan(html).password_forms;
        assert_eq!(forms, [None, Some("https://other.example/take".to_owned()), None]);
    }

    #[test]
    fn refresh_and_base() {
        let page = Page::scan(r#"<base href="/sub/"><meta HTTP-EQUIV=Refresh content="0; URL='https://x.example/a'">"#);
        assert_eq!(page.refresh.as_deref(), Some("https://x.example/a"));
        assert_eq!(page.base.as_deref(), Some("/sub/"));
        assert_eq!(Page::scan("<meta http-equiv=refresh content=30>").refresh, None);
        assert_eq!(Page::scan("<meta http-equiv=refresh content='0;/next'>").refresh.as_deref(), Some("/next"));
    }

    #[test]
    fn text_is_counted_without_markup() {
        let page = Page::scan("<p class='long name'>ab c</p><script>ignored()</script> d<!-- e -->");
        assert_eq!((page.text_characters, page.scripts), (4, 1));
    }

    proptest! {
        #[test]
        fn any_text_is_scanned(html in "\\PC{0,300}") {
            let _ = Page::scan(&html);
        }

        #[test]
        fn markup_like_text_is_scanned(html in "(<|>|/|\"|'|=|&|;|#|!|-|a|href|script|form|input|meta| |\n|é){0,120}") {
            let page = Page::scan(&html);
            prop_assert!(page.text_characters <= html.len());
        }

        #[test]
        fn a_link_is_found_among_noise(before in "[^<>\"'&]{0,40}", path in "/[a-z0-9/._-]{0,30}", after in "\\PC{0,40}") {
            let html = format!("{before}<p><a id=\"x\" href=\"{path}\">t</a>{after}");
            let found = links(&html);
            prop_assert_eq!(found.first(), Some(&path));
        }
    }

    /// Half a megabyte of the worst there is to scan takes no more than a blink.
    #[test]
    fn hostile_pages_take_linear_time() {
        for piece in ["<", "<a ", "<a href=", "</script", "<!--", "&#", "<script>", "<a x='", "</"] {
            let html = piece.repeat(512 * 1024 / piece.len());
            let start = std::time::Instant::now();
            let _ = Page::scan(&html);
            assert!(start.elapsed().as_secs() < 5, "{piece}: {:?}", start.elapsed());
        }
    }
}
