//! Oddities of the Basic header (RFC 6749 section 2.3.1, RFC 7617): percent-encoding, colons, empty parts, other alphabets, two
//! methods at once. What can be read is read in one way, and everything else is a refusal that names it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

use crate::support::{Answer, TestApp, World};

const PATHS: &[&str] = &["/api/oauth2/v2/token", "/api/oauth2/v2/revoke", "/api/oauth2/v2/introspect"];
const CODE: (&str, &str) = ("grant_type", "authorization_code");

async fn send(world: &World, path: &str, authorization: &str, fields: &[(&str, &str)]) -> Answer {
    let request = world.http.post(world.url(path)).header("authorization", authorization).form(fields);
    Answer::of(request.send().await.unwrap()).await
}

async fn redeem_with(world: &World, app: &TestApp, authorization: &str) -> Answer {
    let ada = world.count("SELECT COUNT(*) FROM users WHERE email = 'ada@example.com'", &[]).await;
    assert_eq!(ada, 1);
    send(world, PATHS[0], authorization, &[CODE, ("code", "jmac_unknown"), ("redirect_uri", &app.redirect_uri)]).await
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

fn every_byte_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[tokio::test]
async fn every_spelling_of_the_right_credentials_is_believed() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(super::ADA).await;
    let (id, secret) = (&app.client_id, &app.client_secret);
    for header in [
        basic(&format!("{id}:{secret}")),
        basic(&format!("{id}:{}", every_byte_encoded(secret))),
        basic(&format!("{}:{}", every_byte_encoded(id), every_byte_encoded(secret).to_uppercase())),
        basic(&format!("{id}:{secret}")).replacen("Basic", "basic", 1),
        basic(&format!("{id}:{secret}")).replacen("Basic ", "BASIC   ", 1),
    ] {
        // Believed: what is refused is the code.
        redeem_with(&world, &app, &header).await.is_refused(400, "invalid_grant", "code_unknown");
    }
}

#[tokio::test]
async fn what_cannot_be_read_in_one_way_is_refused_by_name() {
    let world = World::with("limits.client_burst = 1000\n").await;
    let app = world.approved_app("planner").await;
    world.person(super::ADA).await;
    let pair = format!("{}:{}", app.client_id, app.client_secret);
    let malformed = [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic =".to_owned(),
        format!("Basic {pair}"),
        format!("Basic {}", STANDARD_NO_PAD.encode(format!("{pair}xx")).trim_end_matches('=')) + "!",
        format!("Basic {}", URL_SAFE.encode("\u{3ff}\u{3ff}:\u{3ff}\u{3ff}~~~???")),
        format!("Basic {} {}", STANDARD.encode(&pair), STANDARD.encode(&pair)),
        format!("Basic {},", STANDARD.encode(&pair)),
        basic(""),
        basic(":"),
        basic(&format!(":{}", app.client_secret)),
        basic(&app.client_id),
        basic(&format!("{pair}\0")),
        basic(&format!("{pair}\n")),
        basic(&format!("{}%00:{}", app.client_id, app.client_secret)),
        basic(&format!("{}:{}%0d%0a", app.client_id, app.client_secret)),
        basic(&format!("{}:%ff", app.client_id)),
        basic(&format!("{}:{}", app.client_id, "x".repeat(3000))),
    ];
    for path in PATHS {
        for header in &malformed {
            let answer = send(&world, path, header, &[CODE, ("code", "x"), ("token", "x")]).await;
            let fault = answer.text_of("message");
            assert!([400, 401].contains(&answer.status), "{header}: {}", answer.text);
            assert!(["client_auth_malformed", "client_credentials_wrong"].contains(&&*fault), "{header}: {fault}");
            if answer.status == 401 {
                assert!(answer.header("www-authenticate").starts_with("Basic "), "{header}");
            }
        }
    }
    for wrong in [
        format!("{}:", app.client_id),
        format!("{}:{}:", app.client_id, app.client_secret),
        format!("{}:x:{}", app.client_id, app.client_secret),
        format!("{}::{}", app.client_id, app.client_secret),
        format!("{}:{}+", app.client_id, app.client_secret),
        format!("{} :{}", app.client_id, app.client_secret),
        format!("{}:{}", app.client_id.to_uppercase(), app.client_secret),
        format!("{}%20:{}", app.client_id, app.client_secret),
        format!("{}:{}", app.client_secret, app.client_id),
    ] {
        let answer = redeem_with(&world, &app, &basic(&wrong)).await;
        assert_eq!(answer.status, 401, "{wrong}: {}", answer.text);
        assert_eq!(answer.text_of("error"), "invalid_client", "{wrong}");
    }
}

/// RFC 6749 section 2.3: not more than one method in a request.
#[tokio::test]
async fn two_methods_at_once_are_refused_even_when_both_are_right() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let good = basic(&format!("{}:{}", app.client_id, app.client_secret));
    for path in PATHS {
        let body = [
            CODE,
            ("code", "x"),
            ("token", "x"),
            ("client_id", &*app.client_id),
            ("client_secret", &*app.client_secret),
        ];
        send(&world, path, &good, &body).await.is_refused(400, "invalid_request", "client_auth_twice");
        let twice = world.http.post(world.url(path)).header("authorization", &good).header("authorization", &good);
        let twice = Answer::of(twice.form(&[CODE, ("code", "x"), ("token", "x")]).send().await.unwrap()).await;
        twice.is_refused(400, "invalid_request", "client_auth_twice");
        let secret_twice = [
            CODE,
            ("code", "x"),
            ("token", "x"),
            ("client_id", &*app.client_id),
            ("client_secret", &*app.client_secret),
            ("client_secret", "y"),
        ];
        let request = world.http.post(world.url(path)).form(&secret_twice);
        let answer = Answer::of(request.send().await.unwrap()).await;
        answer.is_refused(400, "invalid_request", "parameter_repeated");
    }
}
