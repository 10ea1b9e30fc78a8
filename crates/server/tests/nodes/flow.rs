//! A person at a browser and an app's server, both at the proxy.

use std::net::SocketAddr;

use reqwest::header::HOST;
use reqwest::{Method, RequestBuilder};
use serde_json::Value as Json;

use crate::cluster::Cluster;
use crate::jar::Jar;
use crate::page::{Form, Page};
use crate::proxy::COMES_FROM;
use crate::seed::{Credentials, PASSWORD, REDIRECT_URI};

fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// One browser of one person.
pub struct Browser {
    http: reqwest::Client,
    issuer: String,
    comes_from: String,
    jar: Jar,
}

impl Browser {
    pub fn new(cluster: &Cluster) -> Browser {
        Browser::from_address(cluster, "203.0.113.20")
    }

    pub fn from_address(cluster: &Cluster, address: &str) -> Browser {
        let issuer = format!("http://{}", cluster.proxy.address);
        Browser { http: http(), issuer, comes_from: address.to_owned(), jar: Jar::default() }
    }

    /// Another tab of it: the same cookies, another connection.
    pub fn tab(&self) -> Browser {
        let (issuer, comes_from) = (self.issuer.clone(), self.comes_from.clone());
        Browser { http: http(), issuer, comes_from, jar: self.jar.clone() }
    }

    pub async fn get(&self, address: &str) -> Page {
        self.send(self.http.get(self.absolute(address))).await
    }

    pub async fn submit(&self, form: &Form) -> Page {
        let fields: Vec<(&str, &str)> = form.sent().collect();
        self.post(&form.action, &fields).await
    }

    pub async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.absolute(address)).form(fields)).await
    }

    /// Follows redirects as long as they stay with us.
    pub async fn follow(&self, mut page: Page) -> Page {
        let is_ours = |location: &String| location.starts_with('/') || location.starts_with(&self.issuer);
        while let Some(location) = page.location().filter(is_ours) {
            page = self.get(&location).await;
        }
        page
    }

    /// Sends an e-mail address and a password; what is answered.
    pub async fn try_password(&self, email: &str, password: &str) -> Page {
        let page = self.get("/sign-in").await;
        let mut form = page.form("/sign-in");
        form.set("email", email);
        form.set("password", password);
        self.submit(&form).await
    }

    pub async fn sign_in(&self, email: &str) {
        let answer = self.try_password(email, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.html);
    }

    /// Opens an app's authorization request, and follows: to a page, or back to the app.
    pub async fn authorize(&self, app: &Credentials, scopes: &str) -> Page {
        let page = self.get(&authorization_url(app, scopes)).await;
        self.follow(page).await
    }

    /// The code of a fresh authorization request, signed in or not, asked or not.
    pub async fn code(&self, app: &Credentials, email: &str, scopes: &str) -> String {
        let mut page = self.authorize(app, scopes).await;
        if page.has_form("/sign-in") {
            let mut form = page.form("/sign-in");
            form.set("email", email);
            form.set("password", PASSWORD);
            let answer = self.submit(&form).await;
            page = self.follow(answer).await;
        }
        if page.has_form("/oauth2/consent") {
            page = self.submit(&consent(&page)).await;
        }
        code_of(&page).unwrap_or_else(|| panic!("no code in {} {:?} {}", page.status, page.location(), page.html))
    }

    async fn send(&self, request: RequestBuilder) -> Page {
        Page::read(self.jar.send(request.header(COMES_FROM, &self.comes_from)).await).await
    }

    fn absolute(&self, address: &str) -> String {
        if address.starts_with('/') { format!("{}{address}", self.issuer) } else { address.to_owned() }
    }
}

pub fn authorization_url(app: &Credentials, scopes: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &app.client_id).append_pair("redirect_uri", REDIRECT_URI);
    query.append_pair("response_type", "code").append_pair("state", "s").append_pair("scope", scopes);
    format!("/oauth2/authorize?{}", query.finish())
}

/// The consent page's form, with Allow pressed.
pub fn consent(page: &Page) -> Form {
    let mut form = page.form("/oauth2/consent");
    form.press("decision", "allow");
    form
}

/// The code of a redirect back to the app.
pub fn code_of(page: &Page) -> Option<String> {
    let location = page.location().filter(|location| location.starts_with(REDIRECT_URI))?;
    let url = reqwest::Url::parse(&location).unwrap();
    url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
}

/// Status and body of a call.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub json: Json,
}

impl Answer {
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.json)).to_owned()
    }

    #[track_caller]
    pub fn is(&self, status: u16, fault: &str) {
        assert_eq!((self.status, self.json["message"].as_str()), (status, Some(fault)), "{}", self.json);
    }
}

/// An app's server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    issuer: String,
    pub credentials: Credentials,
    comes_from: &'static str,
}

impl Client {
    pub fn new(cluster: &Cluster, credentials: &Credentials) -> Client {
        let issuer = format!("http://{}", cluster.proxy.address);
        Client { http: http(), issuer, credentials: credentials.clone(), comes_from: "203.0.113.80" }
    }

    pub fn coming_from(self, address: &'static str) -> Client {
        Client { comes_from: address, ..self }
    }

    /// A form that the app sends with its secret.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.issuer)).form(fields);
        let Credentials { client_id, client_secret, .. } = &self.credentials;
        answer(request.basic_auth(client_id, Some(client_secret)).header(COMES_FROM, self.comes_from)).await
    }

    pub async fn redeem(&self, code: &str) -> Answer {
        self.send("/api/oauth2/v2/token", &[("grant_type", "authorization_code"), ("code", code)]).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.send("/api/oauth2/v2/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub async fn revoke(&self, token: &str) -> Answer {
        self.send("/api/oauth2/v2/revoke", &[("token", token)]).await
    }

    /// A call of the API.
    pub async fn call(&self, method: Method, path: &str, access: &str, body: Option<&Json>) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.issuer)).bearer_auth(access);
        answer(body.into_iter().fold(request, RequestBuilder::json)).await
    }

    pub async fn profile(&self, access: &str) -> Answer {
        self.call(Method::GET, "/api/user/profile", access, None).await
    }

    /// As [`Client::profile`], asked of one node, past the proxy.
    pub async fn profile_at(&self, node: SocketAddr, access: &str) -> Answer {
        let host = self.issuer.trim_start_matches("http://");
        let request = self.http.get(format!("http://{node}/api/user/profile")).header(HOST, host);
        answer(request.bearer_auth(access)).await
    }
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Answer { status, json: serde_json::from_str(&text).unwrap_or(Json::String(text)) }
}
