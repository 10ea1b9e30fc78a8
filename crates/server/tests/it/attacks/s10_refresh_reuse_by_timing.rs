//! Lesson S10: a check for reuse that reads first and writes then was passed twice by good timing, and a grant forked. However
//! many refresh at once, one chain goes on.

use std::collections::HashSet;

use crate::oauth::races::scene;
use crate::oauth::{bearer_call, refresh};
use crate::support::{Answer, Tokens};

/// Lessons 3, 5 and S10: tabs that refresh at once all get the same usable pair, and one chain goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_refresh_at_once_get_the_same_successor() {
    let scene = scene().await;
    for (clients, rounds) in [(2, 200), (32, 10)] {
        let mut tokens = scene.granted().await;
        for round in 0..rounds {
            let answers = scene.refresh_at_once(clients, &tokens.refresh).await;
            let all: Vec<Tokens> = answers.iter().map(Answer::tokens).collect();
            let successors: HashSet<&str> = all.iter().map(|tokens| tokens.refresh.as_str()).collect();
            assert_eq!(successors.len(), 1, "round {round}");
            let caller = bearer_call(&scene.world, &all[round % clients].access).await.unwrap();
            assert_eq!(caller["generation"], round + 1);
            tokens = all.into_iter().last().unwrap();
        }
    }
}

/// After the grace, a thief and the app come with the spent token at once: whoever is first, the grant is gone for both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_replays_at_once_all_fail_and_the_grant_ends() {
    let scene = scene().await;
    let first = scene.granted().await;
    let second = refresh(&scene.world, &scene.app, &first.refresh).await.tokens();
    bearer_call(&scene.world, &second.access).await.unwrap();
    scene.world.wait(std::time::Duration::from_secs(60));
    for answer in scene.refresh_at_once(50, &first.refresh).await {
        let fault = answer.text_of("message");
        assert!(["refresh_token_replayed", "grant_ended"].contains(&&*fault), "{}", answer.text);
    }
    refresh(&scene.world, &scene.app, &second.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
    bearer_call(&scene.world, &second.access).await.unwrap_err().is(401, "token_revoked");
    assert_eq!(scene.world.count("SELECT COUNT(*) FROM grants", &[]).await, 1);
}
