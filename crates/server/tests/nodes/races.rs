//! What happens at all nodes at the same moment happens once, and nothing that was changed is lost.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::cluster::{Cluster, eventually};
use crate::flow::{Answer, Browser, Client, code_of, consent};
use crate::seed::{Credentials, PASSWORD};

/// Runs the same at the same moment; every answer.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    times: usize,
    run: impl Fn(usize) -> F,
) -> Vec<T> {
    let barrier = Arc::new(tokio::sync::Barrier::new(times));
    let mut running = JoinSet::new();
    for number in 0..times {
        let (barrier, run) = (Arc::clone(&barrier), run(number));
        running.spawn(async move {
            barrier.wait().await;
            run.await
        });
    }
    running.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_code_one_refresh_token_and_one_request_at_all_nodes_at_once() {
    let cluster = Cluster::start(3, "").await;
    let app = cluster.approved_app();
    let client = Client::new(&cluster, &app);
    let browser = Browser::new(&cluster);
    browser.sign_in("ada@example.com").await;

    // One request, allowed eight times: one code.
    let page = browser.authorize(&app, "user:read").await;
    let (form, tabs) = (consent(&page), Arc::new(browser.tab()));
    let answers = at_once(8, |_| {
        let (form, tabs) = (form.clone(), Arc::clone(&tabs));
        async move { tabs.submit(&form).await }
    })
    .await;
    let codes: Vec<String> = answers.iter().filter_map(code_of).collect();
    let [code] = codes.as_slice() else { panic!("{codes:?}") };
    assert!(answers.iter().filter(|page| page.status == 200).all(|page| page.html.contains("answered")), "the others");
    assert_eq!(cluster.count("SELECT COUNT(*) FROM authorization_codes", &[]).await, 1);
    assert_eq!(cluster.count("SELECT COUNT(*) FROM audit WHERE action = 'consent.granted'", &[]).await, 1);

    // That code, redeemed by 64: one wins, and because the others came with all that it had, its grant is over.
    let answers = at_once(64, |_| {
        let (client, code) = (client.clone(), code.clone());
        async move { client.redeem(&code).await }
    })
    .await;
    let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    lost.iter().for_each(|answer| answer.is(400, "code_spent"));
    client.refresh(&won[0].text("refresh_token")).await.is(400, "grant_ended");

    // A refresh token that is presented at all nodes at once has one successor.
    let mut refresh =
        client.redeem(&browser.code(&app, "ada@example.com", "user:read").await).await.text("refresh_token");
    for _ in 0..5 {
        let answers = at_once(12, |_| {
            let (client, refresh) = (client.clone(), refresh.clone());
            async move { client.refresh(&refresh).await.text("refresh_token") }
        })
        .await;
        assert!(answers.iter().all(|next| *next == answers[0]), "{answers:?}");
        refresh = answers[0].clone();
    }
    let five = "SELECT COUNT(*) FROM grants WHERE ended_at IS NULL AND generation = 5";
    assert_eq!(cluster.count(five, &[]).await, 1);

    // The person takes the access back while codes are redeemed and tokens turned: nothing lives on.
    for _ in 0..3 {
        let code = browser.code(&app, "ada@example.com", "user:read").await;
        let live = client.redeem(&browser.code(&app, "ada@example.com", "user:read").await).await.text("refresh_token");
        let form = browser.get("/account/connected-apps").await.form("/account/connected-apps/remove");
        let removing = browser.tab();
        let (removed, redeemed, turned) =
            tokio::join!(removing.submit(&form), client.redeem(&code), client.refresh(&live));
        assert_eq!(removed.status, 303, "{}", removed.html);
        for answer in [redeemed, turned] {
            if answer.status == 200 {
                client.refresh(&answer.text("refresh_token")).await.is(400, "grant_ended");
            }
        }
        client.refresh(&live).await.is(400, "grant_ended");
    }
    assert_eq!(cluster.count("SELECT COUNT(*) FROM grants WHERE ended_at IS NULL", &[]).await, 0);
    cluster.finish().await;
}

/// Two tabs ask for different scopes, and both are allowed at the same moment: both are remembered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_at_the_same_moment_is_all_there_after() {
    let cluster = Cluster::start(3, "").await;
    let app = cluster.approved_app();
    let client = Client::new(&cluster, &app);
    for round in 0..6 {
        let email = format!("person{round}@example.com");
        cluster.person(&email, "user");
        let browser = Browser::new(&cluster);
        browser.sign_in(&email).await;
        let mut forms = Vec::new();
        for scope in ["user:read", "meeting:read", "meeting:create", "meeting:update"] {
            forms.push((consent(&browser.authorize(&app, scope).await), Arc::new(browser.tab())));
        }
        let codes = at_once(forms.len(), |number| {
            let (form, tab) = forms[number].clone();
            async move { code_of(&tab.submit(&form).await) }
        })
        .await;
        assert!(codes.iter().all(Option::is_some), "{codes:?}");
        let scopes = "user:read meeting:read meeting:create meeting:update";
        let page = browser.authorize(&app, scopes).await;
        assert!(
            code_of(&page).is_some(),
            "round {round}: something that was allowed is asked for again: {}",
            page.html
        );
        let mails = "SELECT COUNT(*) FROM outbox WHERE recipient = $1";
        assert_eq!(cluster.count(mails, &[&email]).await, 1, "the first grant is told once");
    }

    // Five changes of one meeting, each of something else.
    let browser = Browser::new(&cluster);
    let scopes = "meeting:create meeting:update meeting:read";
    let access = client.redeem(&browser.code(&app, "ada@example.com", scopes).await).await.text("access_token");
    let required = json!({"topic": "T", "startTime": "2033-01-01T10:00:00Z", "endTime": "2033-01-01T11:00:00Z"});
    for _ in 0..4 {
        let made = client.call(Method::POST, "/api/meeting", &access, Some(&required)).await;
        let path = format!("/api/meeting/meetingDetails/{}", made.json["meetingDetails"][0]["_id"].as_str().unwrap());
        let options = ["waitingRoom", "participantHardAudioMute", "participantHardVideoMute", "isClassroomMode"];
        let answers = at_once(options.len() + 1, |number| {
            let (client, access, path, mut body) = (client.clone(), access.clone(), path.clone(), required.clone());
            match options.get(number) {
                Some(option) => body["advancedOptions"] = json!({ *option: true }),
                None => body["participants"] = json!(["carla@example.com", "dev@example.com"]),
            }
            async move { client.call(Method::PUT, &path, &access, Some(&body)).await }
        })
        .await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        let details = client.call(Method::GET, &path, &access, None).await.json;
        let text = details.to_string();
        assert!(options.iter().all(|option| text.contains(&format!("\"{option}\":true"))), "{text}");
        assert!(text.contains("carla@example.com") && text.contains("dev@example.com"), "{text}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_counted_over_all_nodes_together() {
    let limits = "limits.sign_in_burst = 6\nlimits.sign_in_interval = \"1h\"\nlimits.client_burst = 9\nlimits.client_interval = \"1h\"";
    let cluster = Cluster::start(3, limits).await;
    let app = cluster.approved_app();
    let issuer = Arc::new(cluster);

    // All guesses at the same moment, each at the next node, none of them known before.
    let guesses = at_once(20, |_| {
        let browser = Browser::from_address(&issuer, "192.0.2.66");
        async move { browser.try_password("ada@example.com", "not her password").await.status }
    })
    .await;
    let wrong = guesses.iter().filter(|&&status| status != 429).count();
    assert_eq!(wrong, 6, "{guesses:?}");
    let there = Browser::from_address(&issuer, "192.0.2.67");
    assert_eq!(there.try_password("ada@example.com", PASSWORD).await.status, 429, "the whole block waits");
    Browser::from_address(&issuer, "203.0.113.5").sign_in("ada@example.com").await;

    let forged = Credentials { client_secret: "jmcs_wrong".to_owned(), ..app.clone() };
    let forger = Client::new(&issuer, &forged).coming_from("192.0.2.66");
    let guesses = at_once(30, |_| {
        let forger = forger.clone();
        async move { forger.redeem("jmac_x").await.status }
    })
    .await;
    assert_eq!(guesses.iter().filter(|&&status| status == 401).count(), 9, "{guesses:?}");
    assert_eq!(guesses.iter().filter(|&&status| status == 429).count(), 21, "{guesses:?}");
    let owner = Client::new(&issuer, &app).coming_from("192.0.2.66");
    owner.redeem("jmac_x").await.is(400, "code_unknown");
    Arc::into_inner(issuer).unwrap().finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_handed_in_decided_on_and_given_a_secret_once() {
    let cluster = Cluster::start(3, "").await;
    let app = cluster.approved_app();
    cluster.person("ravi@example.com", "reviewer");
    cluster.person("rosa@example.com", "reviewer");
    let cluster = Arc::new(cluster);

    // Handed in by four processes: once. Approved and rejected by four: one decision, in the history and in the log.
    let draft = cluster.draft("dev@example.com", "Tray");
    let submit: &[&str] = &["app", "submit", &draft.app];
    let outputs = cluster.verbs_at_once(&[submit; 4]).await;
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1, "{outputs:?}");
    let approve: &[&str] = &["app", "approve", &draft.app];
    let reject: &[&str] = &["app", "reject", &draft.app, "--reason", "Seen in a test."];
    let outputs = cluster.verbs_at_once(&[approve, reject, approve, reject]).await;
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1, "{outputs:?}");
    let decisions = "SELECT COUNT(*) FROM review_decisions WHERE app_id = $1";
    assert_eq!(cluster.count(decisions, &[&draft.app]).await, 1);
    let told = "SELECT COUNT(*) FROM audit WHERE app_id = $1 AND action IN ('app.approved', 'app.rejected')";
    assert_eq!(cluster.count(told, &[&draft.app]).await, 1);

    // Two reviewers at their pages, each at another node.
    let other = cluster.draft("dev@example.com", "Board");
    cluster.done(&["app", "submit", &other.app], "");
    eventually("the screening is over", async || {
        cluster.count("SELECT COUNT(*) FROM jobs WHERE kind = 'screening'", &[]).await == 0
    })
    .await;
    let mut forms = Vec::new();
    for (email, decision) in [("ravi@example.com", "approve"), ("rosa@example.com", "hold")] {
        let browser = Browser::new(&cluster);
        browser.sign_in(email).await;
        forms.push((Arc::new(browser), decision));
    }
    let answers = at_once(2, |number| {
        let ((browser, decision), app) = (forms[number].clone(), other.app.clone());
        async move { decide(&browser, &app, decision).await }
    })
    .await;
    let done = answers.iter().filter(|location| location.is_some()).count();
    assert_eq!(done, 1, "{answers:?}");
    assert_eq!(cluster.count(decisions, &[&other.app]).await, 1);

    // A new secret, asked for twice with one form, while the old one is in use everywhere: it goes on for its hour.
    let developer = Browser::new(&cluster);
    developer.sign_in("dev@example.com").await;
    let client = Client::new(&cluster, &app);
    let page = developer.get(&format!("/oauth/apps/{}", app.app)).await;
    let form = page.form(&format!("/oauth/apps/{}/secret", app.app));
    let fields = [("csrf", form.value("csrf")), ("current", form.value("current")), ("overlap", "1h".to_owned())];
    let (first, second) = (developer.tab(), developer.tab());
    let sent: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let in_use = at_once(24, |_| {
        let client = client.clone();
        async move { client.redeem("jmac_x").await }
    });
    let (one, two, in_use) = tokio::join!(first.post(&form.action, &sent), second.post(&form.action, &sent), in_use);
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text(), two.text());
    in_use.iter().for_each(|answer| answer.is(400, "code_unknown"));
    assert_eq!(cluster.count("SELECT COUNT(*) FROM app_secrets WHERE app_id = $1", &[&app.app]).await, 2);
    Arc::into_inner(cluster).unwrap().finish().await;
}

/// Decides on an app's page, everything in order (or, to hold it, but for its name); where that leads, if it was done.
async fn decide(browser: &Browser, app: &str, decision: &str) -> Option<String> {
    let path = format!("/review/apps/{app}");
    let form = browser.get(&path).await.form(&format!("{path}/decide"));
    let mut fields = vec![("decision".to_owned(), decision.to_owned())];
    for name in ["csrf", "revision", "changed_at", "decided_at"] {
        fields.push((name.to_owned(), form.value(name)));
    }
    for item in ["name", "homepage_url", "policy_url", "logo_url", "callback_urls[0]", "scopes"] {
        let choice = if decision == "hold" && item == "name" { "other" } else { "ok" };
        fields.push((format!("choice.{item}"), choice.to_owned()));
        fields.push((format!("note.{item}"), if choice == "ok" { "" } else { "Seen in a test." }.to_owned()));
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&form.action, &fields).await.location()
}
