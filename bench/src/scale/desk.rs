//! People in front of a running server: signed in, with tokens, ready to ask for anything.

use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{Method, Request, StatusCode};
use serde_json::Value as Json;

use crate::Fallible;
use crate::browser::{Browser, attribute, authorize_path};
use crate::calls::{Caller, Service, Tokens};
use crate::deployment::Deployment;
use crate::http::{Call, Connection};
use crate::load;

/// Somebody who is signed in and has consented to the sample client.
pub struct Person {
    /// The `Cookie` header.
    pub cookies: String,
    /// Their id.
    pub id: String,
    /// Of the sample client.
    pub tokens: Tokens,
    /// An access token that opens userinfo.
    pub openid: String,
    /// Calls the token endpoints for them.
    pub caller: Caller,
}

/// Writes requests to one server.
pub struct Desk<'d> {
    /// The server.
    pub deployment: &'d Deployment,
}

impl Desk<'_> {
    /// A person of the demo, signed in, who lets the sample client in.
    pub async fn person(&self, email: &str) -> Fallible<Person> {
        let mut browser = self.visitor(email).await?;
        let user =
            self.deployment.report.users.iter().find(|user| user.email == email).ok_or("nobody of that address")?;
        browser.sign_in_and_allow(user, &self.deployment.report.client).await?;
        let caller = Caller::new(Service::ours(self.deployment, browser.cookies()))?;
        let target = &self.deployment.target;
        let (_, codes) = load::run(target, 1, caller.authorize(), vec![()]).await?;
        let (_, mut tokens) = load::run(target, 1, caller.exchange(), codes).await?;
        let tokens = tokens.pop().ok_or("no tokens")?;
        let profile = self.ask(self.api(Method::GET, "/api/user/profile", &tokens.access_token, None)?).await?;
        let id = profile["_id"].as_str().ok_or("a profile without an id")?.to_owned();
        // As an app that signs people in asks.
        let client = &self.deployment.report.client;
        let path = format!("{}&scope=openid%20profile%20email", authorize_path(client));
        let code = browser.authorize(&path, user, client).await?;
        let (_, mut with_openid) = load::run(target, 1, caller.exchange(), vec![code]).await?;
        let openid = with_openid.pop().ok_or("no tokens")?.access_token;
        Ok(Person { cookies: browser.cookies(), id, tokens, openid, caller })
    }

    /// A person of the demo, signed in.
    pub async fn visitor(&self, email: &str) -> Fallible<Browser> {
        let user =
            self.deployment.report.users.iter().find(|user| user.email == email).ok_or("nobody of that address")?;
        let mut browser = Browser::open(self.deployment).await?;
        browser.sign_in(user).await?;
        Ok(browser)
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let origin = &self.deployment.report.issuer;
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, origin.trim_start_matches("http://"))
            .header(ORIGIN, origin)
    }

    /// A page, for whoever has those cookies.
    pub fn page(&self, path: &str, cookies: &str) -> Fallible<Call> {
        let request = self.request(Method::GET, path);
        let request = if cookies.is_empty() { request } else { request.header(COOKIE, cookies) };
        Ok(request.body(Vec::new().into())?)
    }

    /// A form, sent by whoever has those cookies.
    pub fn form(&self, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Fallible<Call> {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header(COOKIE, cookies);
        Ok(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.into())?)
    }

    /// A call of the API.
    pub fn api(&self, method: Method, path: &str, token: &str, body: Option<&Json>) -> Fallible<Call> {
        let request = self.request(method, path).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = if body.is_some() { request.header(CONTENT_TYPE, "application/json") } else { request };
        Ok(request.body(body.map(Json::to_string).unwrap_or_default().into())?)
    }

    /// What the server answers a program with.
    pub async fn ask(&self, call: Call) -> Fallible<Json> {
        let path = call.uri().to_string();
        let mut connection = Connection::open(self.deployment.target.node(0)).await?;
        let reply = connection.send(call).await?.expect(StatusCode::OK, &path)?;
        Ok(serde_json::from_slice(&reply.body)?)
    }
}

/// The token of a page's form.
pub fn csrf(page: &str) -> Fallible<String> {
    let field = page.split("<input ").find(|tag| tag.contains("name=\"csrf\""));
    field.and_then(|tag| attribute(tag, "value")).ok_or_else(|| "the form has no token".into())
}

/// Where the link or button with these words leads.
pub fn link_after(page: &str, words: &str) -> Option<String> {
    page.split("<a ")
        .find(|tag| tag.split("</a>").next().is_some_and(|link| link.contains(words)))
        .and_then(|tag| attribute(tag, "href"))
}
