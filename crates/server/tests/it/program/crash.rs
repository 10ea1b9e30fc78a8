//! `kill -9` in the middle of a load: what clients were told stands, and what was spent stays spent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::Value as Json;

use super::support::{Demo, empty_database};

/// What one client was told about one grant, the latest last.
#[derive(Default)]
struct Told {
    /// The code, once it was redeemed.
    code: String,
    /// Refresh tokens in the order in which they were given; the last may have been presented without an answer.
    refresh: Vec<String>,
    /// Access tokens that were given.
    access: Vec<String>,
    /// The client revoked the grant: it was told that this is done, or was told nothing before the server was gone.
    revoked: Option<Revoked>,
}

#[derive(PartialEq, Eq)]
enum Revoked {
    Told,
    Unknown,
}

/// A client and a person who is signed in and has consented: codes come without a page.
struct Client {
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
    async fn sign_in(demo: &Demo) -> Client {
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

    async fn code(&self) -> Option<String> {
        let answer = self.http.get(&self.authorize).header(COOKIE, &self.cookies).send().await.ok()?;
        let location = answer.headers().get(LOCATION)?.to_str().ok()?.to_owned();
        let url = reqwest::Url::parse(&location).ok()?;
        url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Option<(u16, Json)> {
        let url = format!("{}/api/oauth2/v2/token", self.issuer);
        let answer = self.http.post(url).basic_auth(&self.id, Some(&self.secret)).form(fields).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    async fn redeem(&self, code: &str) -> Option<(u16, Json)> {
        self.token(&[("grant_type", "authorization_code"), ("code", code)]).await
    }

    async fn refresh(&self, token: &str) -> Option<(u16, Json)> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn revoke(&self, token: &str) -> Option<u16> {
        let url = format!("{}/api/oauth2/v2/revoke", self.issuer);
        let request = self.http.post(url).basic_auth(&self.id, Some(&self.secret)).form(&[("token", token)]);
        Some(request.send().await.ok()?.status().as_u16())
    }

    async fn profile(&self, access: &str) -> u16 {
        let url = format!("{}/api/user/profile", self.issuer);
        self.http.get(url).bearer_auth(access).send().await.unwrap().status().as_u16()
    }
}

fn remember(told: &mut Told, answer: &Json) {
    told.access.push(answer["access_token"].as_str().unwrap().to_owned());
    told.refresh.push(answer["refresh_token"].as_str().unwrap().to_owned());
}

/// One grant after the other: redeemed, refreshed a few times, every third revoked; until the server is gone.
async fn work(client: Arc<Client>, redeemed: Arc<AtomicUsize>) -> Vec<Told> {
    let mut all = Vec::new();
    loop {
        let Some(code) = client.code().await else { break };
        let Some((200, answer)) = client.redeem(&code).await else { break };
        let mut told = Told { code, ..Told::default() };
        remember(&mut told, &answer);
        all.push(told);
        redeemed.fetch_add(1, Ordering::SeqCst);
        let number = all.len();
        let Some(told) = all.last_mut() else { break };
        let mut alive = true;
        for _ in 0..number % 3 {
            let Some(latest) = told.refresh.last().cloned() else { break };
            match client.refresh(&latest).await {
                Some((200, answer)) => remember(told, &answer),
                _ => alive = false,
            }
        }
        if alive && number.is_multiple_of(3) {
            let Some(latest) = told.refresh.last().cloned() else { break };
            told.revoked = Some(match client.revoke(&latest).await {
                Some(200) => Revoked::Told,
                _ => Revoked::Unknown,
            });
        }
        if !alive {
            break;
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_told_is_lost_and_nothing_spent_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _scratch) = empty_database();
    let environment = [("JIOMEET_OAUTH_KEYS__SIGNING_ALGORITHM", "ES256")];
    let mut demo = Demo::start(folder.path(), &database, 0, &environment);
    let port = demo.port();
    for round in 0..4 {
        let client = Arc::new(Client::sign_in(&demo).await);
        let redeemed = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..8).map(|_| tokio::spawn(work(Arc::clone(&client), Arc::clone(&redeemed)))).collect();
        // In mid-load, and each time at another moment of what goes on.
        while redeemed.load(Ordering::SeqCst) < 40 + 17 * round {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        demo.kill();
        let mut told = Vec::new();
        for worker in workers {
            told.extend(worker.await.unwrap());
        }
        assert!(told.len() >= 40, "the load was a load: {}", told.len());

        demo = Demo::start(folder.path(), &database, port, &environment);
        for grant in &told {
            if grant.revoked == Some(Revoked::Unknown) {
                continue;
            }
            if grant.revoked == Some(Revoked::Told) {
                for access in &grant.access {
                    assert_eq!(client.profile(access).await, 401, "a revoked token stays revoked");
                }
                let last = grant.refresh.last().unwrap();
                assert_eq!(client.refresh(last).await.unwrap().0, 400, "a revoked grant stays ended");
                continue;
            }
            for access in &grant.access {
                assert_eq!(client.profile(access).await, 200, "an access token that was given opens the API");
            }
            // The last one given may have been presented when the server died; it must lead on all the same.
            let (status, answer) = client.refresh(grant.refresh.last().unwrap()).await.unwrap();
            assert_eq!(status, 200, "{answer}");
            let (status, answer) = client.redeem(&grant.code).await.unwrap();
            assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "a spent code stays spent");
        }
    }
}
