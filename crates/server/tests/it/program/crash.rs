//! `kill -9` in the middle of a load: what clients were told stands, and what was spent stays spent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value as Json;

use super::client::Client;
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
