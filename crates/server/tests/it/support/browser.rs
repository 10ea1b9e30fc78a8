//! A browser as far as our pages need one: cookies, forms, and redirects that it follows only when told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};

use super::World;

/// One browser of one person.
pub struct Browser<'w> {
    world: &'w World,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl World {
    /// A browser that was never here before.
    pub fn browser(&self) -> Browser<'_> {
        Browser { world: self, cookies: Mutex::default() }
    }
}

static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();

impl World {
    /// Lets this account sign in with [`super::PASSWORD`].
    pub async fn give_password(&self, email: &str) {
        let hash = HASH.get_or_init(|| async {
            let password = jiomeet_oauth::users::Password::new(super::PASSWORD);
            self.app.passwords.hash(password).await.unwrap()
        });
        let values = [hash.await.as_str(), email];
        assert_eq!(self.execute("UPDATE users SET password_hash = $1 WHERE email = $2", &values).await, 1, "{email}");
    }
}

impl Browser<'_> {
    /// Opens an address: a path of ours or an absolute URL.
    pub async fn get(&self, address: &str) -> Page {
        self.send(self.world.http.get(self.absolute(address))).await
    }

    /// Opens an address with headers of the test's own.
    pub async fn get_with(&self, address: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.world.http.get(self.absolute(address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Sends a form.
    pub async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from(address, fields, &[]).await
    }

    /// Sends a form with headers of the test's own.
    pub async fn post_from(&self, address: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let mut request = self.world.http.post(self.absolute(address)).form(fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Sends a form of a page, as it stands.
    pub async fn submit(&self, form: &Form) -> Page {
        let fields: Vec<(&str, &str)> = form.sent().collect();
        self.post(&form.action, &fields).await
    }

    /// Follows redirects as long as they stay with us.
    pub async fn follow(&self, mut page: Page) -> Page {
        while let Some(location) = page.location().filter(|location| self.is_ours(location)) {
            page = self.get(&location).await;
        }
        page
    }

    /// Signs in on this sign-in page, and follows.
    pub async fn sign_in_on(&self, page: &Page, email: &str) -> Page {
        self.world.give_password(email).await;
        let mut form = page.form("/sign-in");
        form.set("email", email);
        form.set("password", super::PASSWORD);
        let answer = self.submit(&form).await;
        assert_eq!(answer.status, 303, "{}", answer.html);
        self.follow(answer).await
    }

    /// Signs in without any app.
    pub async fn sign_in(&self, email: &str) {
        let page = self.get("/sign-in").await;
        self.sign_in_on(&page, email).await;
    }

    /// Signs in as somebody else in another tab, without a word to the first.
    pub async fn sign_in_elsewhere(&self, email: &str) {
        self.forget_cookie("jm_session");
        self.sign_in(email).await;
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    /// Gives the browser a cookie that is not its own.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.to_owned(), value.to_owned());
    }

    /// Takes a cookie away.
    pub fn forget_cookie(&self, name: &str) {
        self.jar().remove(name);
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) };
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar().remove(name);
            } else {
                self.jar().insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { status, headers, html: response.text().await.unwrap() }
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn absolute(&self, address: &str) -> String {
        if address.starts_with('/') { self.world.url(address) } else { address.to_owned() }
    }

    fn is_ours(&self, location: &str) -> bool {
        location.starts_with('/') || location.starts_with(&format!("{}/", self.world.app.issuer))
    }
}

/// What came: a page or a redirect.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
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
