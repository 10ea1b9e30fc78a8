//! The whole flow, each step at another node.

use reqwest::Method;
use serde_json::json;

use crate::cluster::{Cluster, eventually};
use crate::flow::{Browser, Client, code_of, consent};
use crate::seed::{PASSWORD, SCOPES};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_may_be_at_another_node() {
    let cluster = Cluster::start(3, "").await;
    let app = cluster.approved_app();
    let scopes = SCOPES.join(" ");
    // The nodes take turns; each time around the flow begins at another one.
    for _ in 0..3 {
        cluster.proxy.skip();
        let (browser, client) = (Browser::new(&cluster), Client::new(&cluster, &app));

        // A request that the app pushed to one node is opened at another, and carried sealed through the next ones.
        let fields = [("redirect_uri", crate::seed::REDIRECT_URI), ("response_type", "code"), ("scope", &scopes)];
        let pushed = client.send("/oauth2/par", &fields).await;
        assert_eq!(pushed.status, 201, "{}", pushed.json);
        let request_uri = pushed.json["request_uri"].as_str().unwrap();
        let query = [("client_id", app.client_id.as_str()), ("request_uri", request_uri), ("prompt", "consent")];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mut form = browser.get(&format!("/oauth2/authorize?{query}")).await.form("/sign-in");
        form.set("email", "ada@example.com");
        form.set("password", PASSWORD);
        let answer = browser.submit(&form).await;
        let mut page = browser.follow(answer).await;
        if page.has_form("/oauth2/consent") {
            page = browser.submit(&consent(&page)).await;
        }
        let code = code_of(&page).unwrap_or_else(|| panic!("{} {}", page.status, page.html));

        let first = client.redeem(&code).await;
        let access = first.text("access_token");
        let profile = client.profile(&access).await;
        let user = profile.json["_id"].as_str().or(profile.json["userId"].as_str()).unwrap_or_default().to_owned();
        assert_eq!(profile.status, 200, "{}", profile.json);
        let meeting =
            json!({"topic": "Standup", "startTime": "2033-01-01T10:00:00Z", "endTime": "2033-01-01T11:00:00Z"});
        let made = client.call(Method::POST, "/api/meeting", &access, Some(&meeting)).await;
        assert_eq!(made.status, 200, "{}", made.json);
        let id = made.json["meetingDetails"][0]["_id"].as_str().unwrap();
        let details = format!("/api/meeting/meetingDetails/{id}");
        assert_eq!(client.call(Method::GET, &details, &access, None).await.status, 200, "{user}");

        let second = client.refresh(&first.text("refresh_token")).await;
        assert_eq!(client.profile(&second.text("access_token")).await.status, 200);
        let told = client.send("/api/oauth2/v2/introspect", &[("token", &second.text("access_token"))]).await;
        assert_eq!(told.json["active"], true, "{}", told.json);

        // A form of one node's page is taken by the next: its token is every node's.
        let account = browser.get("/account").await;
        assert_eq!(account.status, 200);
        assert_eq!(browser.submit(&account.form("/sign-out")).await.status, 303);
        assert_eq!(browser.get("/account").await.status, 303, "signed out everywhere");

        assert_eq!(client.revoke(&second.text("refresh_token")).await.status, 200);
        client.refresh(&second.text("refresh_token")).await.is(400, "grant_ended");
        for node in &cluster.nodes {
            for access in [&access, &second.text("access_token")] {
                eventually("the token is dead", async || client.profile_at(node.address, access).await.status == 401)
                    .await;
            }
        }
    }
    let served = cluster.proxy.served();
    assert!(served.iter().all(|&served| served > 15), "{served:?}");
    cluster.finish().await;
}
