//! Scopes and resource servers that the operator declares, and resource indicators (RFC 8707).

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::flow::{allow, authorize_url, code_in, consent_to, error_in};
use super::{bearer_call, introspect, redeem, refresh, token};
use crate::support::{Answer, Browser, TestApp, World};

const ADA: &str = "ada@example.com";
const RECORDINGS: &str = "https://recordings.example";

const DECLARED: &str = r#"
    [[resource_servers]]
    identifier = "https://recordings.example"
    id = "recordings"
    secret = "recordings-secret-0123456789"
    [[resource_servers]]
    identifier = "urn:example:captions"
    id = "captions"
    secret = "captions-secret-0123456789"
    [[scopes]]
    name = "recording:read"
    description = "Lets the app read the recordings of your meetings."
    audience = "https://recordings.example"
    [[scopes]]
    name = "captions:write"
    description = "Lets the app add captions."
    audience = "urn:example:captions"
"#;

/// An app that may ask for everything there is, and Ada, signed in.
async fn scene(world: &World) -> (Browser<'_>, TestApp) {
    let all = world.app.catalogue.scopes.names().to_string();
    let app = world.approved_app_for("planner", &all).await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    (browser, app)
}

async fn asked_by(world: &World, id: &str, secret: &str, access: &str) -> Answer {
    let request = world.http.post(world.url("/api/oauth2/v2/introspect")).basic_auth(id, Some(secret));
    Answer::of(request.form(&[("token", access)]).send().await.unwrap()).await
}

async fn recordings_ask(world: &World, access: &str) -> Answer {
    asked_by(world, "recordings", "recordings-secret-0123456789", access).await
}

async fn redeem_for(world: &World, app: &TestApp, code: &str, resources: &[&str]) -> Answer {
    let mut params = vec![("grant_type", "authorization_code"), ("code", code)];
    params.extend(resources.iter().map(|&resource| ("resource", resource)));
    token(world, app, &params).await
}

#[tokio::test]
async fn a_declared_scope_is_consented_to_and_names_its_server_in_the_token() {
    let world = World::with(DECLARED).await;
    let (browser, app) = scene(&world).await;
    let page = browser.get(&authorize_url(&app, &[("scope", "recording:read user:read")])).await;
    assert!(page.text().contains("Lets the app read the recordings of your meetings."), "{}", page.text());
    let code = code_in(&browser.submit(&allow(&page)).await, &app);
    let tokens = redeem(&world, &app, &code).await.tokens();
    assert_eq!(tokens.scope, "recording:read user:read");
    assert_eq!(tokens.claims()["aud"], json!([RECORDINGS, world.app.issuer.as_str()]));
    assert!(bearer_call(&world, &tokens.access).await.is_ok());
    let connected = browser.get("/account/connected-apps").await;
    assert!(connected.text().contains("Lets the app read the recordings of your meetings."));

    let code = consent_to(&browser, &app, &[("scope", "recording:read"), ("prompt", "consent")]).await;
    let alone = redeem(&world, &app, &code).await.tokens();
    assert_eq!(alone.claims()["aud"], RECORDINGS);
    let refused = bearer_call(&world, &alone.access).await.unwrap_err();
    refused.is(401, "token_wrong_kind");
}

#[tokio::test]
async fn declared_scopes_stand_wherever_scopes_are_listed() {
    let world = World::with(DECLARED).await;
    let metadata =
        Answer::of(world.http.get(world.url("/.well-known/oauth-authorization-server")).send().await.unwrap());
    let scopes = metadata.await.json["scopes_supported"].clone();
    assert!(scopes.as_array().unwrap().contains(&json!("recording:read")), "{scopes}");
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let form = browser.get("/oauth/apps/new").await;
    assert!(form.text().contains("Lets the app add captions."));
    assert!(form.form("/oauth/apps").boxes("scope").contains(&("captions:write".into(), false)));
}

#[tokio::test]
async fn a_resource_server_hears_of_tokens_that_are_for_it_and_of_its_own_scopes() {
    let world = World::with(DECLARED).await;
    let (browser, app) = scene(&world).await;
    let code = consent_to(&browser, &app, &[("scope", "user:read recording:read")]).await;
    let tokens = redeem(&world, &app, &code).await.tokens();

    let mut expected = tokens.claims();
    expected["active"] = json!(true);
    expected["token_type"] = json!("Bearer");
    let own = introspect(&world, &app, &tokens.access).await;
    assert_eq!(own.json, expected, "the app hears all of its own token");
    expected["scope"] = json!("recording:read");
    let heard = recordings_ask(&world, &tokens.access).await;
    assert_eq!((heard.status, &heard.json), (200, &expected));

    let inactive = json!({"active": false});
    let captions = asked_by(&world, "captions", "captions-secret-0123456789", &tokens.access).await;
    assert_eq!(captions.json, inactive, "for another");
    assert_eq!(recordings_ask(&world, &tokens.refresh).await.json, inactive, "a refresh token is the app's affair");
    assert_eq!(recordings_ask(&world, "x").await.json, inactive);
    let code = consent_to(&browser, &app, &[("scope", "user:read"), ("prompt", "consent")]).await;
    let ours = redeem(&world, &app, &code).await.tokens();
    assert_eq!(recordings_ask(&world, &ours.access).await.json, inactive);
    super::revoke(&world, &app, &tokens.access).await;
    assert_eq!(recordings_ask(&world, &tokens.access).await.json, inactive, "revoked");
}

#[tokio::test]
async fn a_resource_server_proves_who_it_is_and_is_no_app() {
    let world = World::with(DECLARED).await;
    let (browser, app) = scene(&world).await;
    let tokens = redeem(&world, &app, &consent_to(&browser, &app, &[("scope", "recording:read")]).await).await.tokens();
    for (id, secret) in [
        ("recordings", "wrong"),
        ("recordings", "captions-secret-0123456789"),
        ("Recordings", "recordings-secret-0123456789"),
        ("nobody", "recordings-secret-0123456789"),
    ] {
        let refused = asked_by(&world, id, secret, &tokens.access).await;
        refused.is_refused(401, "invalid_client", "client_credentials_wrong");
    }
    let as_app =
        TestApp { client_id: "recordings".into(), client_secret: "recordings-secret-0123456789".into(), ..app.clone() };
    refresh(&world, &as_app, &tokens.refresh).await.is_refused(401, "invalid_client", "client_credentials_wrong");
    super::revoke(&world, &as_app, &tokens.access).await.is_refused(401, "invalid_client", "client_credentials_wrong");
}

#[tokio::test]
async fn a_resource_narrows_what_is_granted_and_for_whom() {
    let world = World::with(DECLARED).await;
    let (browser, app) = scene(&world).await;
    let asked = [
        ("scope", "user:read recording:read captions:write"),
        ("resource", RECORDINGS),
        ("resource", "urn:example:captions"),
    ];
    let page = browser.get(&authorize_url(&app, &asked)).await;
    let shown: Vec<String> = page.form("/oauth2/consent").boxes("scope").into_iter().map(|(scope, _)| scope).collect();
    assert_eq!(shown, ["recording:read", "captions:write"]);
    let code = code_in(&browser.submit(&allow(&page)).await, &app);

    // What was not granted is no reason to lose the code.
    let issuer = world.app.issuer.as_str().to_owned();
    redeem_for(&world, &app, &code, &[&issuer]).await.is_refused(400, "invalid_target", "target_exceeds_grant");
    redeem_for(&world, &app, &code, &["https://x.example"]).await.is_refused(400, "invalid_target", "target_unknown");
    let first = redeem_for(&world, &app, &code, &[RECORDINGS]).await.tokens();
    assert_eq!((first.scope.as_str(), &first.claims()["aud"]), ("recording:read", &json!(RECORDINGS)));

    let again = |token_text: String, resource: Option<&'static str>| {
        let (world, app) = (&world, &app);
        async move {
            let mut params = vec![("grant_type", "refresh_token"), ("refresh_token", token_text.as_str())];
            params.extend(resource.map(|resource| ("resource", resource)));
            token(world, app, &params).await
        }
    };
    let second = again(first.refresh.clone(), None).await.tokens();
    assert_eq!(second.scope, "recording:read captions:write", "the grant is wider than its first token");
    assert_eq!(second.claims()["aud"], json!([RECORDINGS, "urn:example:captions"]));
    let third = again(second.refresh, Some("urn:example:captions")).await.tokens();
    assert_eq!(third.claims()["aud"], "urn:example:captions");
    again(third.refresh, Some("https://x.example")).await.is_refused(400, "invalid_target", "target_unknown");
}

#[tokio::test]
async fn an_unknown_resource_goes_back_to_the_app_as_invalid_target() {
    let world = World::with(DECLARED).await;
    let (browser, app) = scene(&world).await;
    for (resource, fault) in [
        ("https://unknown.example", "target_unknown"),
        ("https://recordings.example/", "target_unknown"),
        ("not a uri", "target_unknown"),
    ] {
        let page = browser.get(&authorize_url(&app, &[("resource", resource)])).await;
        assert_eq!(error_in(&page, &app), ("invalid_target".into(), fault.into()), "{resource}");
    }
    let page = browser.get(&authorize_url(&app, &[("scope", "user:read"), ("resource", RECORDINGS)])).await;
    assert_eq!(error_in(&page, &app), ("invalid_target".into(), "target_without_scope".into()));
    let api = world.url("/api/meeting");
    let code = consent_to(&browser, &app, &[("resource", &api)]).await;
    let tokens = redeem(&world, &app, &code).await.tokens();
    assert_eq!(tokens.claims()["aud"], world.app.issuer.as_str(), "an address of ours is our API");
    assert!(!tokens.scope.contains("recording"), "{}", tokens.scope);
}

/// `docs/tokens.md`: use at a resource server is out of sight.
#[tokio::test]
async fn a_successor_that_may_be_used_elsewhere_counts_as_used_after_the_grace() {
    let world = World::with(DECLARED).await;
    let (browser, app) = scene(&world).await;
    for (scope, recovered) in [("user:read", true), ("recording:read", false), ("user:read recording:read", false)] {
        let code = consent_to(&browser, &app, &[("scope", scope), ("prompt", "consent")]).await;
        let first = redeem(&world, &app, &code).await.tokens();
        let second = refresh(&world, &app, &first.refresh).await.tokens();
        world.wait(Duration::from_secs(59));
        assert_eq!(
            refresh(&world, &app, &first.refresh).await.tokens().refresh,
            second.refresh,
            "{scope}: in the grace"
        );
        world.wait(Duration::from_secs(1));
        let late = refresh(&world, &app, &first.refresh).await;
        if recovered {
            late.tokens();
        } else {
            late.is_refused(400, "invalid_grant", "refresh_token_replayed");
        }
    }
}

#[tokio::test]
async fn what_the_operator_takes_back_opens_nothing_more() {
    let mut world = World::with(DECLARED).await;
    let (browser, app) = scene(&world).await;
    let code = consent_to(&browser, &app, &[("scope", "user:read recording:read")]).await;
    let tokens = redeem(&world, &app, &code).await.tokens();
    drop(browser);
    world.restart_with("").await;
    let narrowed = refresh(&world, &app, &tokens.refresh).await.tokens();
    assert_eq!((narrowed.scope.as_str(), &narrowed.claims()["aud"]), ("user:read", &json!(world.app.issuer.as_str())));
    let refused = recordings_ask(&world, &tokens.access).await;
    refused.is_refused(401, "invalid_client", "client_credentials_wrong");
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let page = browser.get(&authorize_url(&app, &[("scope", "recording:read")])).await;
    assert_eq!(error_in(&page, &app), ("invalid_scope".into(), "scope_not_registered".into()));
}

#[tokio::test]
async fn an_app_that_never_asks_for_openid_sees_nothing_of_it() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    let page = browser.get(&authorize_url(&app, &[])).await;
    let shown: Vec<String> = page.form("/oauth2/consent").boxes("scope").into_iter().map(|(scope, _)| scope).collect();
    assert_eq!(shown.join(" "), crate::support::ALL_SCOPES);
    let answer = redeem(&world, &app, &code_in(&browser.submit(&allow(&page)).await, &app)).await;
    assert_eq!(answer.json["id_token"], Json::Null);
    assert_eq!(answer.tokens().claims()["aud"], world.app.issuer.as_str());
}

#[tokio::test]
async fn openid_is_not_unticked_and_profile_and_email_are() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    let page = browser.get(&authorize_url(&app, &[("scope", "email openid profile")])).await;
    let mut form = allow(&page);
    assert_eq!(form.sent().filter(|(name, _)| *name == "scope").count(), 3);
    form.tick("email", false);
    let tokens = redeem(&world, &app, &code_in(&browser.submit(&form).await, &app)).await.tokens();
    assert_eq!(tokens.scope, "email openid profile".replace("email ", ""));
    let page = browser.get(&authorize_url(&app, &[("scope", "openid user:read")])).await;
    let form = page.form("/oauth2/consent");
    let fields: Vec<(&str, &str)> = form.sent().filter(|field| *field != ("scope", "openid")).collect();
    let answer = browser.post("/oauth2/consent", &[&fields[..], &[("decision", "allow")]].concat()).await;
    assert_eq!(error_in(&answer, &app), ("access_denied".into(), "consent_denied".into()));
}
