//! A browser without a window: cookies by host, redirects, forms.

use std::collections::HashMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode, redirect};
use url::Url;

#[derive(Clone)]
pub struct Browser {
    home: Url,
    http: reqwest::Client,
    cookies: HashMap<String, HashMap<String, String>>,
    csrf: String,
}

pub struct Page {
    pub status: StatusCode,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    pub fn new(home: &Url) -> Self {
        let builder = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy();
        Self { home: home.clone(), http: builder.build().unwrap(), cookies: HashMap::new(), csrf: String::new() }
    }

    /// Opens a page and follows where it leads.
    pub async fn get(&mut self, path: &str) -> Page {
        let url = self.home.join(path).unwrap();
        self.follow(Method::GET, url, None).await
    }

    /// Opens a page and stays at its answer, even if that is a redirect.
    pub async fn get_one(&mut self, path: &str) -> Page {
        let url = self.home.join(path).unwrap();
        self.send(Method::GET, &url, None).await
    }

    /// Sends a form with the hidden field of the page that was seen last.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf.clone();
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        self.post_as_is(path, &fields).await
    }

    /// Sends exactly these fields.
    pub async fn post_as_is(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.home.join(path).unwrap();
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.follow(Method::POST, url, Some(body)).await
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get("localhost")?.get(name).map(String::as_str)
    }

    async fn follow(&mut self, method: Method, url: Url, body: Option<String>) -> Page {
        let mut page = self.send(method, &url, body).await;
        for _ in 0..10 {
            let Some(next) = page.location() else {
                return page;
            };
            page = self.send(Method::GET, &next, None).await;
        }
        panic!("too many redirects, the last to {}", page.url);
    }

    async fn send(&mut self, method: Method, url: &Url, body: Option<String>) -> Page {
        let host = url.host_str().unwrap().to_owned();
        let mut request = self.http.request(method, url.clone());
        if let Some(cookies) = self.cookies.get(&host) {
            let text: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(COOKIE, text.join("; "));
        }
        if let Some(body) = body {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let jar = self.cookies.entry(host).or_default();
        for cookie in headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, rest) = text.split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => jar.remove(name),
                value => jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        let body = answer.text().await.unwrap();
        if let Some((_, rest)) = body.split_once("name=\"csrf\" value=\"") {
            self.csrf = rest.split('"').next().unwrap().to_owned();
        }
        Page { status, url: url.clone(), headers, body }
    }
}

impl Page {
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION)?.to_str().unwrap();
        self.status.is_redirection().then(|| self.url.join(location).unwrap())
    }

    /// The page has this status and says this.
    #[track_caller]
    pub fn expect(&self, status: u16, words: &str) -> &Self {
        assert!(
            self.status.as_u16() == status && self.text().contains(words),
            "wanted {status} and {words:?}, got {} at {}:\n{}",
            self.status,
            self.url,
            self.text()
        );
        self
    }

    /// The page does not say this.
    #[track_caller]
    pub fn lacks(&self, words: &str) -> &Self {
        assert!(!self.text().contains(words), "{words:?} is in:\n{}", self.text());
        self
    }

    /// The body with white space as a reader sees it.
    pub fn text(&self) -> String {
        let text = self.body.replace("&#39;", "'").replace("&#x27;", "'").replace("&quot;", "\"");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
