//! Tokens that are bound to a key of the client (DPoP, RFC 9449).

use std::time::Duration;

use protocol::jwt::ClientAlgorithm;
use protocol::jwt::testing::ClientSigner;
use protocol::secret::{Sha256Digest, base64url_encode};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::flow::{authorize_url, consent_to, error_in};
use super::{bearer_call, introspect, redeem, refresh, revoke};
use crate::apps::{path, send};
use crate::support::{Answer, CHALLENGE, TestApp, Tokens, VERIFIER, World};

const TOKEN: &str = "/api/oauth2/v2/token";
const API: &str = "/api/probe/user:read";

/// A device with a key.
struct Device<'w> {
    world: &'w World,
    signer: ClientSigner,
    made: std::sync::atomic::AtomicU64,
}

impl<'w> Device<'w> {
    fn new(world: &'w World, algorithm: ClientAlgorithm) -> Device<'w> {
        Device { world, signer: ClientSigner::new(algorithm), made: std::sync::atomic::AtomicU64::new(0) }
    }

    fn thumbprint(&self) -> String {
        self.signer.material.checked_thumbprint().unwrap().to_string()
    }

    /// What a proof for this request says, each with an id of its own.
    fn claims(&self, method: &str, path: &str, access_token: Option<&str>) -> Json {
        let number = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let now = self.world.now().as_seconds();
        let mut claims =
            json!({"jti": format!("proof-{number}"), "htm": method, "htu": self.world.url(path), "iat": now});
        if let Some(token) = access_token {
            claims["ath"] = json!(base64url_encode(Sha256Digest::of(token.as_bytes()).as_bytes()));
        }
        claims
    }

    fn sign(&self, claims: &Json) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": self.signer.algorithm.as_str(), "jwk": self.signer.jwk()});
        self.signer.sign(&header, claims)
    }

    /// A call to the token endpoint with that proof.
    async fn token_with(&self, app: &TestApp, proof: &str, params: &[(&str, &str)]) -> Answer {
        let mut params = params.to_vec();
        let mut request = self.world.http.post(self.world.url(TOKEN)).header("DPoP", proof);
        if app.client_secret.is_empty() {
            params.push(("client_id", &app.client_id));
        } else {
            request = request.basic_auth(&app.client_id, Some(&app.client_secret));
        }
        Answer::of(request.form(&params).send().await.unwrap()).await
    }

    async fn token(&self, app: &TestApp, params: &[(&str, &str)]) -> Answer {
        self.token_with(app, &self.sign(&self.claims("POST", TOKEN, None)), params).await
    }

    async fn redeem(&self, app: &TestApp, code: &str) -> Answer {
        let params = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
        self.token(app, &params[..if app.client_secret.is_empty() { 3 } else { 2 }]).await
    }

    async fn refresh(&self, app: &TestApp, token: &str) -> Answer {
        self.token(app, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// A call to the API with that proof.
    async fn call_with(&self, access_token: &str, proof: &str) -> Answer {
        let call = self.world.http.get(self.world.url(API)).header("authorization", format!("DPoP {access_token}"));
        Answer::of(call.header("DPoP", proof).send().await.unwrap()).await
    }

    async fn call(&self, access_token: &str) -> Answer {
        self.call_with(access_token, &self.sign(&self.claims("GET", API, Some(access_token)))).await
    }
}

#[track_caller]
fn is_bound(answer: &Answer, device: &Device<'_>) -> Tokens {
    let tokens = answer.tokens();
    assert_eq!(answer.json["token_type"], "DPoP", "{}", answer.text);
    assert_eq!(tokens.claims()["cnf"], json!({"jkt": device.thumbprint()}));
    tokens
}

#[track_caller]
fn challenges(answer: &Answer, error: &str, fault: &str) {
    answer.is(401, fault);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with(&format!("DPoP error=\"{error}\"")), "{challenge}");
    assert!(challenge.ends_with("algs=\"RS256 PS256 ES256 EdDSA\""), "{challenge}");
}

#[tokio::test]
async fn a_bound_token_opens_the_api_with_a_proof_and_with_nothing_less() {
    let world = World::new().await;
    let (app, ada) = (world.approved_app("planner").await, world.person("ada@example.com").await);
    for algorithm in ClientAlgorithm::ALL {
        let device = Device::new(&world, *algorithm);
        let tokens = is_bound(&device.redeem(&app, &world.code(&app, &ada).await).await, &device);
        assert_eq!(device.call(&tokens.access).await.status, 200);

        // Stolen, it opens nothing (section 7.1).
        let stolen = bearer_call(&world, &tokens.access).await.unwrap_err();
        challenges(&stolen, "invalid_token", "dpop_token_as_bearer");
        let thief = Device::new(&world, *algorithm);
        challenges(&thief.call(&tokens.access).await, "invalid_token", "dpop_key_mismatch");
    }
    let device = Device::new(&world, ClientAlgorithm::Es256);
    let bound = device.redeem(&app, &world.code(&app, &ada).await).await.tokens().access;
    let call = world.http.get(world.url(API)).header("authorization", format!("DPoP {bound}"));
    let bare = Answer::of(call.send().await.unwrap()).await;
    challenges(&bare, "invalid_dpop_proof", "dpop_proof_missing");

    // A token that is bound to nothing is no better for a proof.
    let plain = redeem(&world, &app, &world.code(&app, &ada).await).await;
    assert_eq!(plain.json["token_type"], "Bearer");
    assert!(plain.tokens().claims().get("cnf").is_none());
    challenges(&device.call(&plain.tokens().access).await, "invalid_token", "dpop_token_unbound");
    bearer_call(&world, &plain.tokens().access).await.unwrap();
    let none = Answer::of(world.http.get(world.url(API)).send().await.unwrap()).await;
    assert_eq!(none.header("www-authenticate"), "Bearer", "who never heard of proofs sees no difference");
}

/// Section 4.3, at both ends; the table of all claims stands in `protocol`.
#[tokio::test]
async fn a_proof_is_for_one_request_and_seen_once() {
    let world = World::new().await;
    let (app, ada) = (world.approved_app("planner").await, world.person("ada@example.com").await);
    let device = Device::new(&world, ClientAlgorithm::EdDsa);
    let code = world.code(&app, &ada).await;
    let params = [("grant_type", "authorization_code"), ("code", &*code)];
    let with = async |name: &str, value: Json| {
        let mut claims = device.claims("POST", TOKEN, None);
        claims[name] = value;
        device.token_with(&app, &device.sign(&claims), &params).await
    };
    let stale = json!(world.now().as_seconds() - 120);
    for (name, value, fault) in [
        ("htm", json!("GET"), "dpop_proof_target"),
        ("htu", json!(world.url("/api/oauth2/v2/revoke")), "dpop_proof_target"),
        ("iat", stale, "dpop_proof_stale"),
        ("jti", json!(7), "dpop_proof_malformed"),
    ] {
        with(name, value).await.is_refused(400, "invalid_dpop_proof", fault);
    }
    device.token_with(&app, "nonsense", &params).await.is_refused(400, "invalid_dpop_proof", "dpop_proof_malformed");
    let two = world.http.post(world.url(TOKEN)).basic_auth(&app.client_id, Some(&app.client_secret));
    let proof = || device.sign(&device.claims("POST", TOKEN, None));
    let two = two.header("DPoP", proof()).header("DPoP", proof()).form(&params);
    let two = Answer::of(two.send().await.unwrap()).await;
    two.is_refused(400, "invalid_dpop_proof", "dpop_proof_repeated");

    // None of that has spent the code. The proof that redeems it is spent.
    let proof = proof();
    let tokens = device.token_with(&app, &proof, &params).await.tokens();
    let again = world.code(&app, &ada).await;
    let params = [("grant_type", "authorization_code"), ("code", &*again)];
    let replayed = device.token_with(&app, &proof, &params).await;
    replayed.is_refused(400, "invalid_dpop_proof", "dpop_proof_replayed");

    // At the API.
    let proof = device.sign(&device.claims("GET", API, Some(&tokens.access)));
    assert_eq!(device.call_with(&tokens.access, &proof).await.status, 200);
    challenges(&device.call_with(&tokens.access, &proof).await, "invalid_dpop_proof", "dpop_proof_replayed");
    world.wait(Duration::from_secs(120));
    challenges(&device.call_with(&tokens.access, &proof).await, "invalid_dpop_proof", "dpop_proof_stale");
    for (method, path, token, fault) in [
        ("POST", API, &*tokens.access, "dpop_proof_target"),
        ("GET", "/api/user/profile", &tokens.access, "dpop_proof_target"),
        ("GET", API, "another token", "dpop_proof_token"),
    ] {
        let proof = device.sign(&device.claims(method, path, Some(token)));
        challenges(&device.call_with(&tokens.access, &proof).await, "invalid_dpop_proof", fault);
    }
    let unhashed = device.sign(&device.claims("GET", API, None));
    challenges(&device.call_with(&tokens.access, &unhashed).await, "invalid_dpop_proof", "dpop_proof_token");
    assert_eq!(device.call(&tokens.access).await.status, 200);
}

/// Section 7.1: a client that proves its key hears in the same scheme what is wrong with its token.
#[tokio::test]
async fn a_bound_token_that_lacks_a_scope_or_was_revoked_is_challenged_as_what_it_is() {
    let world = World::new().await;
    let (app, ada) = (world.approved_app("planner").await, world.person("ada@example.com").await);
    let device = Device::new(&world, ClientAlgorithm::Es256);
    let code = world.code_of(&app, &ada).scopes("user:read").issue().await;
    let tokens = is_bound(&device.redeem(&app, &code).await, &device);

    let path = "/api/probe/meeting:delete";
    let proof = device.sign(&device.claims("GET", path, Some(&tokens.access)));
    let call = world.http.get(world.url(path)).header("authorization", format!("DPoP {}", tokens.access));
    let narrow = Answer::of(call.header("DPoP", proof).send().await.unwrap()).await;
    narrow.is(403, "scope_insufficient");
    let challenge = narrow.header("www-authenticate");
    assert!(challenge.starts_with("DPoP error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"meeting:delete\""), "{challenge}");

    revoke(&world, &app, &tokens.refresh).await;
    challenges(&device.call(&tokens.access).await, "invalid_token", "token_revoked");
}

#[tokio::test]
async fn a_proof_of_the_token_endpoint_stays_spent_after_a_restart() {
    let mut world = World::new().await;
    let (app, ada) = (world.approved_app("planner").await, world.person("ada@example.com").await);
    let (proof, code) = {
        let device = Device::new(&world, ClientAlgorithm::Es256);
        let proof = device.sign(&device.claims("POST", TOKEN, None));
        let code = world.code(&app, &ada).await;
        let params = [("grant_type", "authorization_code"), ("code", &*code)];
        device.token_with(&app, &proof, &params).await.tokens();
        (proof, world.code(&app, &ada).await)
    };
    world.restart().await;
    let device = Device::new(&world, ClientAlgorithm::Es256);
    let params = [("grant_type", "authorization_code"), ("code", &*code)];
    let replayed = device.token_with(&app, &proof, &params).await;
    replayed.is_refused(400, "invalid_dpop_proof", "dpop_proof_replayed");
}

/// Section 5: without a secret, the key is what a refresh token is bound to.
#[tokio::test]
async fn a_public_clients_refresh_token_is_bound_to_its_key_before_the_table_counts() {
    let world = World::new().await;
    let ada = world.person("ada@example.com").await;
    let public = world.public_app("pocket").await;
    let (device, thief) = (Device::new(&world, ClientAlgorithm::Es256), Device::new(&world, ClientAlgorithm::Es256));
    let code = world.code_of(&public, &ada).with_pkce().issue().await;
    let first = is_bound(&device.redeem(&public, &code).await, &device);
    let second = is_bound(&device.refresh(&public, &first.refresh).await, &device);

    // The spent token in other hands: were the table asked, it would end the grant.
    assert_eq!(device.call(&second.access).await.status, 200);
    world.wait(Duration::from_secs(120));
    for token in [&first.refresh, &second.refresh] {
        let stolen = thief.refresh(&public, token).await;
        stolen.is_refused(400, "invalid_grant", "dpop_key_mismatch");
        refresh(&world, &public, token).await.is_refused(400, "invalid_grant", "dpop_key_mismatch");
    }
    let third = is_bound(&device.refresh(&public, &second.refresh).await, &device);
    // A lost answer is given again, to the same key alone.
    is_bound(&device.refresh(&public, &second.refresh).await, &device);
    assert_eq!(device.call(&third.access).await.status, 200);

    // A confidential client proves itself; its next token is bound to the key of its next request, or to none.
    let app = world.approved_app("planner").await;
    let tokens = is_bound(&device.redeem(&app, &world.code(&app, &ada).await).await, &device);
    let other = is_bound(&thief.refresh(&app, &tokens.refresh).await, &thief);
    let plain = refresh(&world, &app, &other.refresh).await;
    assert_eq!(plain.json["token_type"], "Bearer");
}

/// Section 10: a code that was asked for with a key is worth nothing without it.
#[tokio::test]
async fn the_authorization_request_can_name_the_key() {
    let world = World::new().await;
    let (app, public) = (world.approved_app("planner").await, world.public_app("pocket").await);
    world.person("ada@example.com").await;
    let browser = world.browser();
    browser.sign_in("ada@example.com").await;
    let (device, thief) = (Device::new(&world, ClientAlgorithm::Es256), Device::new(&world, ClientAlgorithm::Es256));
    let jkt = device.thumbprint();

    let code = consent_to(&browser, &public, &[CHALLENGE[0], CHALLENGE[1], ("dpop_jkt", &jkt)]).await;
    is_bound(&device.redeem(&public, &code).await, &device);
    let named = [("dpop_jkt", jkt.as_str())];
    let page = browser.get(&authorize_url(&app, &[("dpop_jkt", "short")])).await;
    assert_eq!(error_in(&page, &app), ("invalid_request".to_owned(), "dpop_jkt_malformed".to_owned()));
    let code = consent_to(&browser, &app, &named).await;
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "dpop_key_mismatch");
    let silent = async || super::flow::code_in(&browser.get(&authorize_url(&app, &named)).await, &app);
    let code = silent().await;
    thief.redeem(&app, &code).await.is_refused(400, "invalid_grant", "dpop_key_mismatch");
    is_bound(&device.redeem(&app, &silent().await).await, &device);

    // Pushed with a proof, the request names the key by it (section 10.1).
    let push = async |proof: String, more: &[(&str, &str)]| {
        let mut params = vec![("response_type", "code"), ("redirect_uri", app.redirect_uri.as_str())];
        params.extend(more);
        let request = world.http.post(world.url("/oauth2/par")).header("DPoP", proof);
        let request = request.basic_auth(&app.client_id, Some(&app.client_secret)).form(&params);
        Answer::of(request.send().await.unwrap()).await
    };
    let proof = |device: &Device<'_>| device.sign(&device.claims("POST", "/oauth2/par", None));
    let pushed = push(proof(&device), &[]).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
    let parameters = [("client_id", app.client_id.as_str()), ("request_uri", &pushed.text_of("request_uri"))];
    let page = browser.get(&super::flow::raw_url(&parameters)).await;
    let code = super::flow::code_in(&page, &app);
    thief.redeem(&app, &code).await.is_refused(400, "invalid_grant", "dpop_key_mismatch");
    let differ = push(proof(&thief), &named).await;
    differ.is_refused(400, "invalid_dpop_proof", "dpop_key_mismatch");
    let spent = proof(&device);
    assert_eq!(push(spent.clone(), &[]).await.status, 201);
    push(spent, &[]).await.is_refused(400, "invalid_dpop_proof", "dpop_proof_replayed");
}

#[tokio::test]
async fn introspection_shows_the_key_and_an_app_can_insist_on_one() {
    let world = World::new().await;
    let (app, ada) = (world.approved_app("planner").await, world.person("ada@example.com").await);
    let device = Device::new(&world, ClientAlgorithm::Es256);
    let tokens = device.redeem(&app, &world.code(&app, &ada).await).await.tokens();
    let shown = introspect(&world, &app, &tokens.access).await;
    assert_eq!((&shown.json["token_type"], &shown.json["cnf"]["jkt"]), (&json!("DPoP"), &json!(device.thumbprint())));

    let dev = world.owner_of("planner").await;
    assert_eq!(send(&dev, &path(&app, "/settings"), &[("require_dpop", "yes")]).await.status, 303);
    let code = world.code(&app, &ada).await;
    redeem(&world, &app, &code).await.is_refused(400, "invalid_request", "dpop_required");
    refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_request", "dpop_required");
    is_bound(&device.redeem(&app, &code).await, &device);
    is_bound(&device.refresh(&app, &tokens.refresh).await, &device);
}

#[tokio::test]
async fn the_real_api_takes_proofs_with_every_method_and_path() {
    let world = World::new().await;
    let (app, ada) = (world.approved_app("planner").await, world.person("ada@example.com").await);
    let device = Device::new(&world, ClientAlgorithm::Es256);
    let token = device.redeem(&app, &world.code(&app, &ada).await).await.tokens().access;
    let send = async |method: Method, path: &str, query: &str, body: Option<Json>| {
        let proof = device.sign(&device.claims(method.as_str(), path, Some(&token)));
        let request = world.http.request(method, world.url(&format!("{path}{query}")));
        let request = request.header("authorization", format!("dpop {token}")).header("DPoP", proof);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(send(Method::GET, "/api/user/profile", "", None).await.status, 200);
    let meeting = json!({"topic": "x", "startTime": "2026-01-06T10:00:00Z", "endTime": "2026-01-06T11:00:00Z"});
    let made = send(Method::POST, "/api/meeting", "", Some(meeting.clone())).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.json["meetingDetails"][0]["_id"].as_str().unwrap().to_owned();
    let details = format!("/api/meeting/meetingDetails/{id}");
    assert_eq!(send(Method::PUT, &details, "", Some(meeting)).await.status, 200);
    let listed = send(Method::GET, &format!("/api/meeting/{ada}"), "?past=false&limit=1", None).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
}
