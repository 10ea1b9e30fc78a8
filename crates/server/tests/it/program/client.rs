//! An app's server and a person's browser, against the program as a process of its own.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::Value as Json;

use super::support::Demo;

/// A client, and a person who is signed in and has consented: codes come without a page.
pub struct Client {
    http: reqwest::Client,
    issuer: String,
    authorize: String,
    id: String,
    secret: String,
    cookies: String,
}

fn field(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name} in {html}"));
    rest.split_once('"').unwrap().0.to_owned()
}

fn cookies(response: &reqwest::Response) -> Vec<String> {
    let set = response.headers().get_all(SET_COOKIE).iter();
    set.map(|cookie| cookie.to_str().unwrap().split_once(';').unwrap().0.to_owned()).collect()
}

impl Client {
    pub async fn sign_in(demo: &Demo) -> Client {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let issuer = demo.text("/issuer").to_owned();
        let mut url = reqwest::Url::parse(demo.text("/authorization_endpoint")).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", demo.text("/client/client_id"))
            .append_pair("redirect_uri", demo.text("/client/redirect_uri"))
            .append_pair("response_type", "code");
        let authorize = url.to_string();
        let page = http.get(&authorize).send().await.unwrap();
        let mut jar = cookies(&page);
        let html = page.text().await.unwrap();
        let (csrf, request) = (field(&html, "csrf"), field(&html, "request"));
        let asker = if html.contains("name=\"asker\"") { field(&html, "asker") } else { String::new() };
        let form = [
            ("csrf", csrf.as_str()),
            ("request", &request),
            ("asker", &asker),
            ("email", demo.text("/users/0/email")),
            ("password", demo.text("/users/0/password")),
        ];
        let answer =
            http.post(format!("{issuer}/sign-in")).header(COOKIE, jar.join("; ")).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        jar.extend(cookies(&answer));
        let cookies = jar.join("; ");
        let next = format!("{issuer}{}", answer.headers()[LOCATION].to_str().unwrap());
        let html = http.get(next).header(COOKIE, &cookies).send().await.unwrap().text().await.unwrap();
        let (csrf, request) = (field(&html, "csrf"), field(&html, "request"));
        let form = [
            ("csrf", csrf.as_str()),
            ("request", &request),
            ("scope", "user:read"),
            ("scope", "meeting:read"),
            ("decision", "allow"),
        ];
        let answer =
            http.post(format!("{issuer}/oauth2/consent")).header(COOKIE, &cookies).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let authorize = format!("{authorize}&scope=user:read%20meeting:read");
        let (id, secret) = (demo.text("/client/client_id").to_owned(), demo.text("/client/client_secret").to_owned());
        Client { http, issuer, authorize, id, secret, cookies }
    }

    pub async fn code(&self) -> Option<String> {
        let answer = self.http.get(&self.authorize).header(COOKIE, &self.cookies).send().await.ok()?;
        let location = answer.headers().get(LOCATION)?.to_str().ok()?.to_owned();
        let url = reqwest::Url::parse(&location).ok()?;
        url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
    }

    pub async fn token(&self, fields: &[(&str, &str)]) -> Option<(u16, Json)> {
        let url = format!("{}/api/oauth2/v2/token", self.issuer);
        let answer = self.http.post(url).basic_auth(&self.id, Some(&self.secret)).form(fields).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    pub async fn redeem(&self, code: &str) -> Option<(u16, Json)> {
        self.token(&[("grant_type", "authorization_code"), ("code", code)]).await
    }

    pub async fn refresh(&self, token: &str) -> Option<(u16, Json)> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub async fn profile(&self, access: &str) -> u16 {
        let url = format!("{}/api/user/profile", self.issuer);
        self.http.get(url).bearer_auth(access).send().await.unwrap().status().as_u16()
    }

    /// Whether the person is still signed in.
    pub async fn is_signed_in(&self) -> bool {
        let account = format!("{}/account", self.issuer);
        let answer = self.http.get(account).header(COOKIE, &self.cookies).send().await.unwrap();
        match answer.status().as_u16() {
            200 => true,
            303 => false,
            other => panic!("the account's page answered {other}"),
        }
    }
}
