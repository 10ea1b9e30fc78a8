//! Lesson S9, RFC 6749 section 4.1.2: one code, redeemed many times at the same moment, gave many grants and hid itself from
//! reuse detection. Exactly one wins, on one node and on two; and because the losers came with all that the winner had, the
//! winner's tokens are dead after.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::oauth::races::scene;
use crate::oauth::{redeem, refresh};
use crate::support::Answer;

/// Lesson S9: exactly one wins, and because the others came with all that the winner had, its tokens are dead after.
async fn race_for_codes(clients: usize, rounds: usize) {
    let scene = scene().await;
    for round in 0..rounds {
        let code = scene.world.code(&scene.app, &scene.ada).await;
        let answers = scene.redeem_at_once(clients, &code).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1, "round {round}");
        for answer in lost {
            answer.is_refused(400, "invalid_grant", "code_spent");
        }
        let tokens = won[0].tokens();
        refresh(&scene.world, &scene.app, &tokens.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
    }
    let grants = scene.world.count("SELECT COUNT(*) FROM grants", &[]).await;
    assert_eq!(grants, i64::try_from(rounds).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_clients_with_one_code_exactly_one_wins() {
    race_for_codes(64, 25).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_clients_with_one_code_exactly_one_wins_a_thousand_times() {
    race_for_codes(2, 1000).await;
}

/// 10,000 times over 64 connections: one grant, and the server answers each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_times_the_same_code_is_one_grant() {
    const TIMES: usize = 10_000;
    let scene = scene().await;
    let code: Arc<str> = scene.world.code(&scene.app, &scene.ada).await.into();
    let (next, won) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    let mut connections = JoinSet::new();
    for _ in 0..64 {
        let (world, app, code) = (Arc::clone(&scene.world), scene.app.clone(), Arc::clone(&code));
        let (next, won) = (Arc::clone(&next), Arc::clone(&won));
        connections.spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < TIMES {
                let answer = redeem(&world, &app, &code).await;
                if answer.status == 200 {
                    won.fetch_add(1, Ordering::Relaxed);
                } else {
                    answer.is_refused(400, "invalid_grant", "code_spent");
                }
            }
        });
    }
    connections.join_all().await;
    assert_eq!(won.load(Ordering::Relaxed), 1);
    assert_eq!(scene.world.count("SELECT COUNT(*) FROM grants", &[]).await, 1);
    assert_eq!(scene.world.count("SELECT COUNT(*) FROM grants WHERE ended_at IS NULL", &[]).await, 0);
    // Far more than it takes on a slow machine: what is bounded here is that nobody waits for ever.
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    // Nothing of it was in the way of anybody else.
    redeem(&scene.world, &scene.app, &scene.world.code(&scene.app, &scene.ada).await).await.tokens();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_with_one_code_exactly_one_wins() {
    let scene = scene().await;
    let (one, two) = (&scene.world, scene.world.second_node().await);
    for round in 0..50 {
        let code = one.code(&scene.app, &scene.ada).await;
        let (a, b, c, d) = tokio::join!(
            redeem(one, &scene.app, &code),
            redeem(&two, &scene.app, &code),
            redeem(one, &scene.app, &code),
            redeem(&two, &scene.app, &code),
        );
        let answers: [Answer; 4] = [a, b, c, d];
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "round {round}: {answers:?}");
        refresh(&two, &scene.app, &won[0].tokens().refresh).await.is_refused(400, "invalid_grant", "grant_ended");
    }
    assert_eq!(one.count("SELECT COUNT(*) FROM grants", &[]).await, 50);
}
