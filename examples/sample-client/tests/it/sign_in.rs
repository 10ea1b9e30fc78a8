//! Signing in and out, and everything that can go wrong on the way.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::House;
use crate::fake::{CLIENT_ID, Fake};

#[tokio::test]
async fn a_person_signs_in_and_sees_who_they_are() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.get("/").await.expect(200, "Sign in with JioMeet").lacks("csrf");
    let home = browser.get("/login").await;
    home.expect(200, "Hello, Asha Rao").expect(200, "asha@example.org");
    home.expect(200, "Schedule meetings for you").lacks("You did not let it");
    assert_eq!(home.url.path(), "/", "the code is gone from the address");
}

#[tokio::test]
async fn the_request_is_what_the_overview_and_the_rfcs_ask_for() {
    let house = House::new().await;
    house.signed_in().await;
    let asked = house.fake.set().authorizations.remove(0);
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], CLIENT_ID);
    assert_eq!(asked["redirect_uri"], house.client.join("/callback").unwrap().as_str());
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(!asked.contains_key("prompt"));
    let state: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&asked["state"]).unwrap()).unwrap();
    assert_eq!(state["page"], "/");
    assert!(state["nonce"].as_str().unwrap().len() >= 43, "256 random bits");
}

#[tokio::test]
async fn tokens_never_reach_the_browser() {
    let house = House::new().await;
    let mut browser = house.browser();
    let home = browser.get("/login").await;
    for kind in ["access.", "refresh.", "sample-secret"] {
        home.lacks(kind);
    }
    assert!(browser.cookie("companion_session").unwrap().len() >= 43);
}

#[tokio::test]
async fn cookies_and_pages_carry_their_guards() {
    let house = House::new().await;
    let mut browser = house.browser();
    let login = browser.get_one("/login").await;
    let cookie = login.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let welcome = browser.get("/").await;
    let policy = welcome.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(welcome.headers["cache-control"], "no-store");
    assert_eq!(welcome.headers["referrer-policy"], "no-referrer");
    welcome.lacks("<script").lacks("style=");
}

#[tokio::test]
async fn every_sign_in_gets_a_new_session_id_and_gives_the_old_tokens_back() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let first = browser.cookie("companion_session").unwrap().to_owned();
    browser.get("/login?again=1").await.expect(200, "Hello, Asha Rao");
    assert_ne!(browser.cookie("companion_session").unwrap(), first);
    assert_eq!(house.fake.set().authorizations[1]["prompt"], "consent");
    while house.fake.set().revoked.is_empty() {
        tokio::task::yield_now().await;
    }
    browser.get("/").await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn after_the_sign_in_the_page_that_needed_it_is_shown() {
    let house = House::new().await;
    house.fake.set().coming.push(json!({ "_id": "sm-1", "topic": "Stand-up" }));
    let mut browser = house.browser();
    let page = browser.get("/meetings/sm-1").await;
    page.expect(401, "You are not signed in").expect(401, "/login?page=%2Fmeetings%2Fsm-1");
    let page = browser.get("/login?page=%2Fmeetings%2Fsm-1").await;
    page.expect(200, "Stand-up");
    assert_eq!(page.url.path(), "/meetings/sm-1");
}

#[tokio::test]
async fn a_sign_in_never_leads_to_another_site() {
    let house = House::new().await;
    for evil in ["https://evil.example/", "//evil.example", "/%5Cevil.example", "/%09/evil.example"] {
        let page = house.browser().get(&format!("/login?page={evil}")).await;
        page.expect(200, "Hello, Asha Rao");
        assert_eq!(page.url.path(), "/");
    }
}

/// Opens `/login`, takes the redirect with the answer and lets `change` alter it.
async fn answered(house: &House, change: impl FnOnce(&mut Url)) -> crate::browser::Page {
    let mut browser = house.browser();
    let login = browser.get_one("/login").await;
    let authorize = login.location().unwrap();
    let back = browser.get_one(authorize.as_str()).await;
    let mut callback = back.location().unwrap();
    change(&mut callback);
    browser.get(callback.as_str()).await
}

fn replace(url: &mut Url, name: &str, value: &str) {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut query = url.query_pairs_mut();
    query.clear();
    for (n, v) in pairs {
        query.append_pair(&n, if n == name { value } else { &v });
    }
}

#[tokio::test]
async fn a_wrong_state_signs_nobody_in() {
    let house = House::new().await;
    let other = URL_SAFE_NO_PAD.encode(r#"{"nonce":"guessed","page":"/"}"#);
    for state in ["", "%%%", "nonsense", &other] {
        let page = answered(&house, |url| replace(url, "state", state)).await;
        page.expect(400, "This is not a sign-in that you began here");
        page.expect(400, "Sign in with JioMeet");
    }
}

#[tokio::test]
async fn a_state_with_another_page_in_it_signs_nobody_in() {
    let house = House::new().await;
    let page = answered(&house, |url| {
        let (_, state) = url.query_pairs().into_owned().find(|(name, _)| name == "state").unwrap();
        let mut state: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(state).unwrap()).unwrap();
        state["page"] = "//evil.example".into();
        replace(url, "state", &URL_SAFE_NO_PAD.encode(state.to_string()));
    })
    .await;
    page.expect(400, "This is not a sign-in that you began here");
}

#[tokio::test]
async fn an_answer_cannot_be_finished_in_another_browser() {
    let house = House::new().await;
    let mut attacker = house.browser();
    let authorize = attacker.get_one("/login").await.location().unwrap();
    let callback = attacker.get_one(authorize.as_str()).await.location().unwrap();
    let mut victim = house.browser();
    victim.get(callback.as_str()).await.expect(400, "not a sign-in that you began here");
    victim.get_one("/login").await;
    victim.get(callback.as_str()).await.expect(400, "not a sign-in that you began here");
}

#[tokio::test]
async fn two_tabs_may_sign_in_at_once() {
    let house = House::new().await;
    let mut browser = house.browser();
    let first = browser.get_one("/login").await.location().unwrap();
    let second = browser.get_one("/login").await.location().unwrap();
    browser.get(second.as_str()).await.expect(200, "Hello, Asha Rao");
    browser.get(first.as_str()).await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn the_answers_page_reloaded_says_that_all_is_done() {
    let house = House::new().await;
    let mut browser = house.browser();
    let authorize = browser.get_one("/login").await.location().unwrap();
    let callback = browser.get_one(authorize.as_str()).await.location().unwrap();
    browser.get(callback.as_str()).await.expect(200, "Hello");
    browser.get(callback.as_str()).await.expect(400, "This sign-in is already done");
    browser.get("/").await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn a_sign_in_older_than_an_hour_is_begun_anew() {
    let house = House::new().await;
    let mut browser = house.browser();
    let authorize = browser.get_one("/login").await.location().unwrap();
    house.seconds_pass(3600);
    browser.get(authorize.as_str()).await.expect(400, "older than an hour");
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_not_used() {
    let house = House::new().await;
    for iss in ["https://evil.example", ""] {
        house.fake.set().iss = Some(iss);
        let page = house.browser().get("/login").await;
        page.expect(400, "This answer came from somewhere else");
    }
}

#[tokio::test]
async fn who_denies_is_told_so_kindly() {
    let house = House::new().await;
    house.fake.set().refuse = Some(("access_denied", "The user said no"));
    let page = house.browser().get("/login").await;
    page.expect(403, "You did not give access").expect(403, "Sign in with JioMeet");
}

#[tokio::test]
async fn errors_on_the_redirect_are_told_in_words() {
    let house = House::new().await;
    for (code, words) in [
        ("invalid_scope", "a permission that JioMeet does not offer"),
        ("server_error", "Please sign in again in a minute"),
        ("temporarily_unavailable", "Please sign in again in a minute"),
        ("unauthorized_client", "please tell the app's developer"),
    ] {
        house.fake.set().refuse = Some((code, "<b>details</b>"));
        let page = house.browser().get("/login").await;
        page.expect(400, words).expect(400, code).lacks("<b>details</b>");
    }
}

#[tokio::test]
async fn an_answer_without_one_code_signs_nobody_in() {
    let house = House::new().await;
    let empty = answered(&house, |url| replace(url, "code", "")).await;
    empty.expect(400, "JioMeet's answer is incomplete");
    let twice = answered(&house, |url| {
        url.query_pairs_mut().append_pair("code", "another");
    })
    .await;
    twice.expect(400, "JioMeet's answer is incomplete");
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_are_told_in_words() {
    let house = House::new().await;
    let spent = answered(&house, |url| replace(url, "code", "spent")).await;
    spent.expect(502, "The sign-in took too long").expect(502, "Please sign in again");
    for (status, body, expected, words) in [
        (401, json!({ "error": "invalid_client" }), 502, "CLIENT_ID and CLIENT_SECRET"),
        (400, json!({ "error": "unauthorized_client" }), 502, "please tell the app's developer"),
        (400, json!({ "customCode": 400 }), 502, "JioMeet's answer made no sense"),
        (200, json!({ "access_token": 7 }), 502, "JioMeet's answer made no sense"),
        (500, json!({}), 502, "JioMeet has a problem"),
        (429, json!({}), 503, "JioMeet is busy"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        house.fake.set().token_faults.push((status, body));
        house.browser().get("/login").await.expect(expected, words);
    }
}

#[tokio::test]
async fn without_a_server_the_start_page_works_and_the_sign_in_says_why_not() {
    let fake = Fake::start().await;
    let house = House::with(fake, |config| {
        // Nothing listens at port 1.
        config.issuer = Url::parse("http://127.0.0.1:1").unwrap();
    })
    .await;
    let mut browser = house.browser();
    browser.get("/").await.expect(200, "Sign in with JioMeet");
    let page = browser.get("/login").await;
    page.expect(502, "JioMeet cannot be reached").expect(502, "check that the server is up");
}

#[tokio::test]
async fn a_server_that_calls_itself_otherwise_is_not_believed() {
    let house = House::new().await;
    house.fake.set().metadata_issuer = Some("https://evil.example");
    let mut browser = house.browser();
    browser.get("/login").await.expect(502, "the server calls itself https://evil.example");
    house.fake.set().metadata_issuer = None;
    browser.get("/login").await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn signing_out_forgets_the_session_and_gives_the_tokens_back() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let kept = browser.clone();
    browser.post("/sign-out", &[]).await.expect(200, "You are signed out");
    assert!(browser.cookie("companion_session").is_none());
    let revoked = house.fake.set().revoked.clone();
    assert!(revoked[0].starts_with("refresh."), "{revoked:?}");
    let mut kept = kept;
    kept.get("/").await.expect(200, "Sign in with JioMeet").lacks("Asha");
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    for csrf in ["", "guessed"] {
        let fields = [("csrf", csrf), ("topic", "Forged")];
        for path in ["/meetings", "/sign-out", "/refresh", "/time-zone", "/meetings/sm-1/cancel"] {
            browser.post_as_is(path, &fields).await.expect(403, "This form is out of date");
        }
    }
    assert!(house.fake.set().writes.is_empty());
    browser.get("/").await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn an_idle_session_ends() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.seconds_pass(12 * 3600);
    browser.get("/").await.expect(200, "Sign in with JioMeet").lacks("Asha");
}

#[tokio::test]
async fn someone_at_the_number_is_sent_to_the_name() {
    let house = House::new().await;
    let mut browser = house.browser();
    let mut by_number = house.client.clone();
    by_number.set_host(Some("127.0.0.1")).unwrap();
    let page = browser.get(by_number.join("/login").unwrap().as_str()).await;
    page.expect(200, "Hello, Asha Rao");
    assert_eq!(page.url.host_str(), Some("localhost"));
}

#[tokio::test]
async fn an_unknown_address_leads_back() {
    let house = House::new().await;
    let page = house.browser().get("/nowhere").await;
    page.expect(404, "There is no such page").expect(404, "Back to Calendar Companion");
}
