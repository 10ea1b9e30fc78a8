//! Lesson S13: an opaque token that had lost its end was still accepted. Every prefix and suffix, other case, padding and
//! white space of each secret text that we give out is refused, and the whole one goes on working.

use std::fmt::Write as _;

use crate::oauth::flow::authorize_url;
use crate::oauth::{bearer_call, introspect, redeem, refresh, revoke};
use crate::support::{TestApp, Tokens, World};

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let tokens = redeem(world, &app, &world.code(&app, &ada).await).await.tokens();
    (app, tokens)
}

/// Texts that are almost this one: cut at a few places from either side, and with something before, behind or changed.
fn almost(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for length in (0..text.len()).filter(|length| length % 7 == 0 || length + 4 > text.len()) {
        all.push(text[..length].to_owned());
        all.push(text[text.len() - length..].to_owned());
    }
    for more in ["=", "==", " ", "\t", "\n", "\0", "A", ".", "%00", "\u{feff}"] {
        all.push(format!("{text}{more}"));
        all.push(format!("{more}{text}"));
    }
    all.push(format!("{text}{text}"));
    all.push(text.to_uppercase());
    all.push(text.to_lowercase());
    // The last character's unused bits: another spelling of the same bytes in lenient base64.
    let (rest, _) = text.split_at(text.len() - 1);
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        all.push(format!("{rest}{other}"));
    }
    // Another character in the middle, and the other alphabet.
    let middle = text.len() / 2;
    let swapped = if text.as_bytes()[middle] == b'x' { 'y' } else { 'x' };
    all.push(format!("{}{swapped}{}", &text[..middle], &text[middle + 1..]));
    all.push(text.replace('-', "+").replace('_', "/"));
    let mut encoded = String::new();
    for byte in text.bytes() {
        let _ = write!(encoded, "%{byte:02X}");
    }
    all.push(encoded);
    all.retain(|other| other != text);
    all
}

#[tokio::test]
async fn no_text_but_the_code_is_the_code() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let code = world.code(&app, &ada).await;
    for altered in almost(&code).iter().filter(|altered| !altered.is_empty()) {
        let answer = redeem(&world, &app, altered).await;
        assert!(
            (answer.status, &*answer.text_of("message")) == (400, "code_unknown")
                || (answer.status, &*answer.text_of("message")) == (400, "parameter_encoding"),
            "{altered:?}: {}",
            answer.text
        );
    }
    redeem(&world, &app, &code).await.tokens();
}

#[tokio::test]
async fn no_text_but_the_refresh_token_is_the_refresh_token() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    for altered in almost(&tokens.refresh).iter().filter(|altered| !altered.is_empty()) {
        let units = world.app.db.stats().write_units;
        let answer = refresh(&world, &app, altered).await;
        assert_eq!(world.app.db.stats().write_units, units, "refused without a look at the database");
        assert_eq!(answer.status, 400, "{altered:?}: {}", answer.text);
        assert!(["refresh_token_unknown", "parameter_encoding"].contains(&&*answer.text_of("message")), "{altered:?}");
        assert_ne!(introspect(&world, &app, altered).await.json["active"], true, "{altered:?}");
    }
    refresh(&world, &app, &tokens.refresh).await.tokens();
}

#[tokio::test]
async fn an_altered_token_is_refused_without_a_look_at_the_database() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    let units = world.app.db.stats().write_units;
    let flipped = first.refresh.replace("jmrt_A", "jmrt_B").to_uppercase();
    for altered in [&first.refresh[..100], &format!("{}A", first.refresh), &flipped, "jmrt_", "x", &first.access] {
        refresh(&world, &app, altered).await.is_refused(400, "invalid_grant", "refresh_token_unknown");
    }
    assert_eq!(world.app.db.stats().write_units, units);
}

#[tokio::test]
async fn no_text_but_the_access_token_is_the_access_token() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    // What no HTTP header can carry, or HTTP itself takes away, cannot even be asked.
    let sendable = |text: &&String| text.bytes().all(|byte| byte.is_ascii_graphic());
    for altered in almost(&tokens.access).iter().filter(sendable) {
        let refused = bearer_call(&world, altered).await.unwrap_err();
        assert!([400, 401].contains(&refused.status), "{altered}: {}", refused.text);
        assert_ne!(introspect(&world, &app, altered).await.json["active"], true, "{altered}");
    }
    bearer_call(&world, &tokens.access).await.unwrap();
}

/// Nor does a text that is almost a token end anything.
#[tokio::test]
async fn what_is_almost_a_token_revokes_nothing() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    for altered in almost(&tokens.refresh).iter().chain(&almost(&tokens.access)) {
        let status = revoke(&world, &app, altered).await.status;
        assert!([200, 400].contains(&status), "{altered:?}: {status}");
    }
    bearer_call(&world, &tokens.access).await.unwrap();
    refresh(&world, &app, &tokens.refresh).await.tokens();
}

#[tokio::test]
async fn no_text_but_the_session_is_the_session() {
    let world = World::new().await;
    world.person(super::ADA).await;
    let browser = world.browser();
    browser.sign_in(super::ADA).await;
    let session = browser.cookie("jm_session").unwrap();
    // A cookie's value ends at white space and semicolons: what is around them is not part of it.
    for altered in almost(&session).iter().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic())) {
        let thief = world.browser();
        thief.set_cookie("jm_session", altered);
        assert_eq!(thief.get("/account").await.status, 303, "{altered:?}");
    }
    assert_eq!(browser.get("/account").await.status, 200);
}

#[tokio::test]
async fn no_text_but_the_client_secret_is_the_client_secret() {
    let world = World::with("limits.client_burst = 1000\n").await;
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let code = world.code(&app, &ada).await;
    for altered in almost(&app.client_secret) {
        // Both spellings of a Basic header are read, so an encoded secret is the secret.
        if altered.starts_with("%6A") || altered.is_empty() {
            continue;
        }
        let thief = TestApp { client_secret: altered.clone(), ..app.clone() };
        let answer = redeem(&world, &thief, &code).await;
        assert!([400, 401].contains(&answer.status), "{altered:?}: {}", answer.text);
    }
    redeem(&world, &app, &code).await.tokens();
}

/// The sealed request too is all or nothing.
#[tokio::test]
async fn no_text_but_the_seal_is_the_seal() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let browser = world.browser();
    let sealed = browser.get(&authorize_url(&app, &[])).await.form("/sign-in").value("request");
    for altered in almost(&sealed).iter().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic())) {
        let address = format!("/oauth2/continue?request={}", altered.replace('%', "%25").replace('+', "%2B"));
        browser.get(&address).await.is_closed(400, "request_tampered");
    }
    assert!(browser.get(&format!("/oauth2/continue?request={sealed}")).await.has_form("/sign-in"));
}
