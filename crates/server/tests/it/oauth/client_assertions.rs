//! `private_key_jwt`: apps that say who they are with assertions that they signed (RFC 7523, OpenID Connect Core 9).

use std::time::Duration;

use jiomeet_oauth::time::Timestamp;
use protocol::client_assertion::ASSERTION_TYPE;
use protocol::jwt::ClientAlgorithm;
use protocol::jwt::testing::ClientSigner;
use serde_json::{Value as Json, json};

use super::redeem;
use crate::apps::{audited, path, send};
use crate::support::{Answer, Browser, TestApp, World};

const TOKEN: &str = "/api/oauth2/v2/token";
const INTROSPECT: &str = "/api/oauth2/v2/introspect";

/// An app's server that has a key.
struct Keyholder<'w> {
    world: &'w World,
    app: TestApp,
    signer: ClientSigner,
}

impl<'w> Keyholder<'w> {
    /// Registers the key in the console.
    async fn new(world: &'w World, app: TestApp, dev: &Browser<'_>, algorithm: ClientAlgorithm) -> Keyholder<'w> {
        let signer = ClientSigner::new(algorithm);
        let done = send(dev, &path(&app, "/keys"), &[("jwks", &jwks(&[&signer]))]).await;
        assert_eq!(done.location().unwrap(), path(&app, "?done=keys-saved#security"), "{}", done.text());
        Keyholder { world, app, signer }
    }

    fn claims(&self, id: &str) -> Json {
        let now = self.world.now().as_seconds();
        let client = self.app.client_id.as_str();
        json!({"iss": client, "sub": client, "aud": self.world.app.issuer.as_str(), "exp": now + 60, "jti": id})
    }

    fn sign(&self, claims: &Json) -> String {
        self.signer.sign(&json!({"alg": self.signer.algorithm.as_str(), "kid": "k0"}), claims)
    }

    /// A call that carries this assertion.
    async fn call(&self, path: &str, assertion: &str, params: &[(&str, &str)]) -> Answer {
        let mut params = params.to_vec();
        params.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)]);
        Answer::of(self.world.http.post(self.world.url(path)).form(&params).send().await.unwrap()).await
    }

    /// Whether the assertion is believed: what is asked with it is then about nothing.
    async fn judge(&self, assertion: &str) -> Answer {
        self.call(INTROSPECT, assertion, &[("token", "nothing")]).await
    }
}

fn jwks(signers: &[&ClientSigner]) -> String {
    let keys = signers.iter().enumerate().map(|(index, signer)| {
        let mut jwk = signer.jwk();
        jwk["kid"] = json!(format!("k{index}"));
        jwk["alg"] = json!(signer.algorithm.as_str());
        jwk
    });
    json!({"keys": keys.collect::<Vec<_>>()}).to_string()
}

#[tokio::test]
async fn every_endpoint_believes_an_assertion_of_every_algorithm() {
    let world = World::new().await;
    let ada = world.person("ada@example.com").await;
    for algorithm in ClientAlgorithm::ALL {
        let name = algorithm.as_str().to_lowercase();
        let app = world.approved_app(&name).await;
        let dev = world.owner_of(&name).await;
        let code = world.code(&app, &ada).await;
        let holder = Keyholder::new(&world, app, &dev, *algorithm).await;
        let next = |id: &str| holder.sign(&holder.claims(id));
        let params = [("grant_type", "authorization_code"), ("code", &*code)];
        let first = holder.call(TOKEN, &next("1"), &params).await.tokens();
        let params = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh)];
        let second = holder.call(TOKEN, &next("2"), &params).await.tokens();
        let active = holder.call(INTROSPECT, &next("3"), &[("token", &second.access)]).await;
        assert_eq!(active.json["active"], true, "{}", active.text);
        assert_eq!(holder.call("/api/oauth2/v2/revoke", &next("4"), &[("token", &second.access)]).await.status, 200);
        let inactive = holder.call(INTROSPECT, &next("5"), &[("token", &second.access)]).await;
        assert_eq!(inactive.json, json!({"active": false}));
    }
}

/// RFC 7523 3, at the real surface; the table of all claims stands in `protocol`.
#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_said() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let holder = Keyholder::new(&world, app, &dev, ClientAlgorithm::Es256).await;
    let judged = async |id: &str, change: &dyn Fn(&mut Json)| {
        let mut claims = holder.claims(id);
        change(&mut claims);
        holder.judge(&holder.sign(&claims)).await
    };
    let issuer = world.app.issuer.as_str();
    for (id, aud) in [("1", world.url(TOKEN)), ("2", world.url(INTROSPECT)), ("3", issuer.to_owned())] {
        assert_eq!(judged(id, &|claims| claims["aud"] = json!(aud)).await.status, 200, "{aud}");
    }
    for (aud, fault) in [
        (json!([issuer, "https://other.example"]), "assertion_audience"),
        (json!(world.url("/api/oauth2/v2/revoke")), "assertion_audience"),
        (json!([]), "assertion_audience"),
    ] {
        judged("4", &|claims| claims["aud"] = aud.clone()).await.is_refused(401, "invalid_client", fault);
    }
    let other = |claims: &mut Json| claims["iss"] = json!("somebody");
    judged("5", &other).await.is_refused(401, "invalid_client", "assertion_subject");
    let long = |claims: &mut Json| claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 1000);
    judged("6", &long).await.is_refused(401, "invalid_client", "assertion_lifetime");
    let nameless = |claims: &mut Json| drop(claims.as_object_mut().unwrap().remove("jti"));
    judged("7", &nameless).await.is_refused(401, "invalid_client", "assertion_malformed");

    let late = holder.sign(&holder.claims("8"));
    world.wait(Duration::from_secs(120));
    holder.judge(&late).await.is_refused(401, "invalid_client", "assertion_expired");

    let good = holder.sign(&holder.claims("9"));
    let untyped = [("token", "x"), ("client_assertion", good.as_str())];
    let ask = |params: &[(&str, &str)]| world.http.post(world.url(INTROSPECT)).form(&params.to_vec());
    let send = async |request: reqwest::RequestBuilder| Answer::of(request.send().await.unwrap()).await;
    send(ask(&untyped)).await.is_refused(401, "invalid_client", "assertion_type_unsupported");
    let both = ask(&[untyped[0], untyped[1], ("client_assertion_type", ASSERTION_TYPE)]);
    let both = both.basic_auth(&holder.app.client_id, Some(&holder.app.client_secret));
    send(both).await.is_refused(400, "invalid_request", "client_auth_twice");
    holder.call(INTROSPECT, &good, &[("token", "x"), ("client_secret", "jmcs_x")]).await.is_refused(
        400,
        "invalid_request",
        "client_auth_twice",
    );
    let named = holder.call(INTROSPECT, &good, &[("token", "x"), ("client_id", "somebody")]).await;
    named.is_refused(401, "invalid_client", "assertion_subject");
    assert_eq!(
        holder.call(INTROSPECT, &good, &[("token", "x"), ("client_id", &holder.app.client_id)]).await.status,
        200
    );
}

#[tokio::test]
async fn only_the_apps_own_keys_speak_for_it() {
    let world = World::new().await;
    let (app, other) = (world.approved_app("planner").await, world.approved_app("other").await);
    let (dev, other_dev) = (world.owner_of("planner").await, world.owner_of("other").await);
    let holder = Keyholder::new(&world, app, &dev, ClientAlgorithm::EdDsa).await;
    let thief = Keyholder::new(&world, other, &other_dev, ClientAlgorithm::EdDsa).await;

    let wrong = |assertion: String| async { holder.judge(&{ assertion }).await };
    let signed_by_other = thief.signer.sign(&json!({"alg": "EdDSA", "kid": "k0"}), &holder.claims("1"));
    wrong(signed_by_other).await.is_refused(401, "invalid_client", "assertion_wrong");
    let with_own_key = json!({"alg": "EdDSA", "jwk": thief.signer.jwk()});
    wrong(thief.signer.sign(&with_own_key, &holder.claims("2"))).await.is_refused(
        401,
        "invalid_client",
        "assertion_wrong",
    );
    for header in [
        json!({"alg": "none", "kid": "k0"}),
        json!({"alg": "HS256", "kid": "k0"}),
        json!({"alg": "EdDSA", "kid": "k9"}),
    ] {
        let refused = wrong(holder.signer.sign(&header, &holder.claims("3"))).await;
        refused.is_refused(401, "invalid_client", "assertion_wrong");
    }
    let mut nobody = holder.claims("4");
    (nobody["iss"], nobody["sub"]) = (json!("0123456789abcdef01234567"), json!("0123456789abcdef01234567"));
    wrong(holder.sign(&nobody)).await.is_refused(401, "invalid_client", "assertion_wrong");

    // One app's good assertion opens nothing of another's.
    let ada = world.person("ada@example.com").await;
    let code = world.code(&holder.app, &ada).await;
    let params = [("grant_type", "authorization_code"), ("code", &*code)];
    let stolen = thief.call(TOKEN, &thief.sign(&thief.claims("1")), &params).await;
    stolen.is_refused(400, "invalid_grant", "code_unknown");
    holder.call(TOKEN, &holder.sign(&holder.claims("5")), &params).await.tokens();
}

#[tokio::test]
async fn an_assertion_is_used_once_also_at_once_and_after_a_restart() {
    let mut world = World::new().await;
    let app = world.approved_app("planner").await;
    let assertion = {
        let dev = world.owner_of("planner").await;
        let holder = Keyholder::new(&world, app.clone(), &dev, ClientAlgorithm::Es256).await;
        let assertion = holder.sign(&holder.claims("once"));
        let many = futures_of((0..20).map(|_| holder.judge(&assertion))).await;
        assert_eq!(many.iter().filter(|answer| answer.status == 200).count(), 1, "exactly one passes");
        for answer in many.iter().filter(|answer| answer.status != 200) {
            answer.is_refused(401, "invalid_client", "assertion_replayed");
        }
        assertion
    };
    world.restart().await;
    let again = |world: &World| {
        let params = [("token", "x"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &*assertion)];
        world.http.post(world.url(INTROSPECT)).form(&params)
    };
    let answer = Answer::of(again(&world).send().await.unwrap()).await;
    answer.is_refused(401, "invalid_client", "assertion_replayed");

    // It is kept no longer than somebody could take it.
    let kept = "SELECT COUNT(*) FROM one_time_ids";
    let sweep = async |world: &World| {
        let now: Timestamp = world.now();
        for sweeper in jiomeet_oauth::oauth::SWEEPERS {
            world.write(move |tx| sweeper(tx, now, 100)).await;
        }
        world.count(kept, &[]).await
    };
    assert_eq!(sweep(&world).await, 1);
    world.wait(Duration::from_secs(121));
    assert_eq!(sweep(&world).await, 0);
    let answer = Answer::of(again(&world).send().await.unwrap()).await;
    answer.is_refused(401, "invalid_client", "assertion_expired");
}

/// Runs all of them at once.
async fn futures_of<F: Future<Output = Answer>>(all: impl Iterator<Item = F>) -> Vec<Answer> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<Answer>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (place, future) in done.iter_mut().zip(&mut pending).filter(|(place, _)| place.is_none()) {
            if let std::task::Poll::Ready(answer) = future.as_mut().poll(context) {
                *place = Some(answer);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn keys_are_changed_as_a_set_and_an_app_can_refuse_its_secrets() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let dev = world.owner_of("planner").await;
    let switch = [("assertions_only", "yes")];
    assert_eq!(send(&dev, &path(&app, "/settings"), &switch).await.status, 409, "nobody locks an app out");

    let holder = Keyholder::new(&world, app.clone(), &dev, ClientAlgorithm::Es256).await;
    assert_eq!(holder.judge(&holder.sign(&holder.claims("1"))).await.status, 200);
    redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    assert_eq!(send(&dev, &path(&app, "/settings"), &switch).await.status, 303);
    redeem(&world, &app, "jmac_x").await.is_refused(401, "invalid_client", "client_secret_refused");
    assert_eq!(holder.judge(&holder.sign(&holder.claims("2"))).await.status, 200);
    let shown = dev.get(&path(&app, "")).await.text();
    assert!(shown.contains("k0 ES256") && shown.contains("last used 5 Jan 2026"), "{shown}");

    // A second key beside the first, which stays as it was.
    let second = ClientSigner::new(ClientAlgorithm::EdDsa);
    let both = jwks(&[&holder.signer, &second]);
    assert_eq!(send(&dev, &path(&app, "/keys"), &[("jwks", &both)]).await.status, 303);
    let used = world.count("SELECT COUNT(last_used_at) FROM app_keys WHERE app_id = $1", &[app.id.as_str()]).await;
    assert_eq!(used, 1, "what stays keeps its history");
    let by_second = second.sign(&json!({"alg": "EdDSA", "kid": "k1"}), &holder.claims("3"));
    assert_eq!(holder.judge(&by_second).await.status, 200);

    // The first goes: what it signs opens nothing from that moment on.
    let mut alone = second.jwk();
    (alone["kid"], alone["alg"]) = (json!("k1"), json!("EdDSA"));
    assert_eq!(send(&dev, &path(&app, "/keys"), &[("jwks", &alone.to_string())]).await.status, 303);
    holder.judge(&holder.sign(&holder.claims("4"))).await.is_refused(401, "invalid_client", "assertion_wrong");
    assert_eq!(send(&dev, &path(&app, "/keys"), &[("action", "remove")]).await.status, 409, "it needs one");
    assert_eq!(audited(&world, "app.keys_changed").await, 3);

    for (typed, words) in [
        ("", "not a JWK Set"),
        ("{\"keys\": 1}", "not a JWK Set"),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"}"#,
            "private or secret key",
        ),
        (r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#, "cannot be used"),
    ] {
        let page = send(&dev, &path(&app, "/keys"), &[("jwks", typed)]).await;
        assert_eq!(page.status, 400);
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }

    let public = world.public_app("pocket").await;
    let owner = world.owner_of("pocket").await;
    assert_eq!(send(&owner, &path(&public, "/keys"), &[("jwks", &alone.to_string())]).await.status, 409);
}

#[tokio::test]
async fn failed_assertions_are_limited_and_a_good_one_always_passes() {
    let world = World::with("limits.client_burst = 3\nlimits.client_interval = \"10s\"").await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let holder = Keyholder::new(&world, app, &dev, ClientAlgorithm::Es256).await;
    let stranger = ClientSigner::new(ClientAlgorithm::Es256);
    let guess = stranger.sign(&json!({"alg": "ES256", "kid": "k0"}), &holder.claims("1"));
    for _ in 0..3 {
        holder.judge(&guess).await.is_refused(401, "invalid_client", "assertion_wrong");
    }
    assert_eq!(holder.judge(&guess).await.status, 429);
    assert_eq!(holder.judge(&holder.sign(&holder.claims("2"))).await.status, 200);
}
