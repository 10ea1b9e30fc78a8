//! A page as a browser has it: its forms, its links, its words.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;

/// What came: a page or a redirect.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
    /// Reads all of an answer.
    pub async fn read(response: reqwest::Response) -> Page {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { status, headers, html: response.text().await.unwrap() }
    }

    /// A header's text, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<String> {
        self.headers.get("location").map(|value| value.to_str().unwrap().to_owned())
    }

    /// The parameters of a redirect that leads to this redirect URI.
    #[track_caller]
    pub fn sent_to(&self, redirect_uri: &str) -> BTreeMap<String, String> {
        assert_eq!(self.status, 303, "{}", self.html);
        let location = self.location().unwrap();
        let rest = location.strip_prefix(redirect_uri).unwrap_or_else(|| panic!("sent to {location}"));
        assert!(rest.starts_with(['?', '&']), "sent to {location}");
        let pairs: Vec<(String, String)> = reqwest::Url::parse(&location).unwrap().query_pairs().into_owned().collect();
        let params: BTreeMap<String, String> = pairs.iter().cloned().collect();
        assert_eq!(pairs.len(), params.len(), "no parameter comes twice: {location}");
        params
    }

    /// Asserts that it is an error page of that entry of the catalogue, and no redirect.
    #[track_caller]
    pub fn is_closed(&self, status: u16, fault: &str) {
        assert_eq!(self.status, status, "{}", self.html);
        assert_eq!(self.location(), None);
        assert!(self.html.contains(&format!("/docs/errors#{fault}\"")), "no {fault} in {}", self.html);
    }

    /// Whether the page has a form that is sent there.
    pub fn has_form(&self, action: &str) -> bool {
        self.html.contains(&format!("action=\"{action}\""))
    }

    /// The form that is sent there.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let start = self.html.find(&format!("action=\"{action}\"")).unwrap_or_else(|| {
            panic!("no form for {action} in {} {}", self.status, self.html);
        });
        let body = self.html[start..].split("</form>").next().unwrap();
        let controls = tags(body, "input").chain(tags(body, "button")).map(Control::of);
        let controls = controls.chain(elements(body, "textarea").map(Control::of_lines));
        let controls = controls.chain(elements(body, "select").map(Control::of_menu)).collect();
        Form { action: action.to_owned(), controls, pressed: None }
    }

    /// The address of the first link with these words.
    #[track_caller]
    pub fn link(&self, words: &str) -> String {
        let end = self.html.find(&format!("{words}</a>")).unwrap_or_else(|| panic!("no link {words} in {}", self.html));
        let start = self.html[..end].rfind("<a ").unwrap();
        attribute(&self.html[start..end], "href").unwrap()
    }

    /// What the page says, without its tags.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for piece in self.html.split('<').skip(1) {
            text.push_str(piece.split_once('>').map_or("", |(_, text)| text));
            text.push(' ');
        }
        unescape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A form of a page.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    controls: Vec<Control>,
    pressed: Option<(String, String)>,
}

#[derive(Debug, Clone)]
struct Control {
    kind: String,
    name: String,
    value: String,
    ticked: bool,
    disabled: bool,
}

impl Control {
    fn of(tag: &str) -> Control {
        let text = |name| attribute(tag, name).unwrap_or_default();
        let has = |word: &str| tag.split_whitespace().any(|part| part.trim_end_matches('>') == word);
        Control {
            kind: text("type"),
            name: text("name"),
            value: text("value"),
            ticked: has("checked"),
            disabled: has("disabled"),
        }
    }

    /// A field of several lines, from its tag and what it holds.
    fn of_lines((tag, content): (&str, &str)) -> Control {
        Control { value: unescape(content), ..Control::of(tag) }
    }

    /// A menu, from its tag and its options; the first is chosen where none is.
    fn of_menu((tag, options): (&str, &str)) -> Control {
        let options: Vec<(&str, &str)> = elements(options, "option").collect();
        let chosen = options.iter().find(|(tag, _)| tag.contains(" selected")).or(options.first());
        let value = chosen.map(|(tag, text)| attribute(tag, "value").unwrap_or_else(|| unescape(text)));
        Control { value: value.unwrap_or_default(), ..Control::of(tag) }
    }

    fn is_sent(&self) -> bool {
        !self.name.is_empty()
            && !self.disabled
            && match self.kind.as_str() {
                "checkbox" | "radio" => self.ticked,
                "submit" => false,
                _ => true,
            }
    }
}

impl Form {
    /// A field's value.
    #[track_caller]
    pub fn value(&self, name: &str) -> String {
        self.find(name).value.clone()
    }

    /// Types into a field.
    #[track_caller]
    pub fn set(&mut self, name: &str, value: &str) {
        let control = self.controls.iter_mut().find(|control| control.name == name);
        control.unwrap_or_else(|| panic!("no field {name}")).value = value.to_owned();
    }

    /// The checkboxes of that name: value, and whether it is ticked.
    pub fn boxes(&self, name: &str) -> Vec<(String, bool)> {
        let boxes = self.controls.iter().filter(|control| control.name == name && control.kind == "checkbox");
        boxes.map(|control| (control.value.clone(), control.ticked)).collect()
    }

    /// Ticks or unticks one of the checkboxes `scope`.
    #[track_caller]
    pub fn tick(&mut self, scope: &str, ticked: bool) {
        let found = self.controls.iter_mut().find(|control| control.value == scope && control.kind == "checkbox");
        found.unwrap_or_else(|| panic!("no checkbox {scope}")).ticked = ticked;
    }

    /// Presses one of the submit buttons.
    #[track_caller]
    pub fn press(&mut self, name: &str, value: &str) {
        let button = self.controls.iter().find(|control| control.name == name && control.value == value);
        assert_eq!(button.map(|button| button.kind.as_str()), Some("submit"), "no button {name}={value}");
        self.pressed = Some((name.to_owned(), value.to_owned()));
    }

    /// The fields that are sent.
    pub fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.controls.iter().filter(|control| control.is_sent());
        let button = self.pressed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        fields.map(|control| (control.name.as_str(), control.value.as_str())).chain(button)
    }

    #[track_caller]
    fn find(&self, name: &str) -> &Control {
        self.controls.iter().find(|control| control.name == name).unwrap_or_else(|| panic!("no field {name}"))
    }
}

fn tags<'h>(html: &'h str, name: &str) -> impl Iterator<Item = &'h str> {
    let opening = format!("<{name} ");
    html.match_indices(&opening)
        .map(|(at, _)| &html[at..=at + html[at..].find('>').unwrap()])
        .collect::<Vec<_>>()
        .into_iter()
}

/// Elements with what they hold: each tag, and the text up to its end.
fn elements<'h>(html: &'h str, name: &str) -> impl Iterator<Item = (&'h str, &'h str)> {
    let end = format!("</{name}>");
    html.match_indices(&format!("<{name}"))
        .map(|(at, _)| {
            let (tag, rest) = html[at..].split_once('>').unwrap();
            (tag, rest.split(&end).next().unwrap())
        })
        .collect::<Vec<_>>()
        .into_iter()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescape(value))
}

fn unescape(text: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
