//! What may happen once happens once, whoever comes at the same moment.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiomeet_oauth::ids::UserId;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{bearer_call, redeem, refresh, revoke};
use crate::support::{Answer, TestApp, Tokens, World};

/// One app and one person, for many at once.
pub struct Scene {
    pub world: Arc<World>,
    pub app: TestApp,
    pub ada: UserId,
}

/// A server with enough connections for a race.
pub async fn scene() -> Scene {
    let world = Arc::new(World::with("database.connections = 8\n").await);
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    Scene { world, app, ada }
}

impl Scene {
    pub async fn granted(&self) -> Tokens {
        redeem(&self.world, &self.app, &self.world.code(&self.app, &self.ada).await).await.tokens()
    }

    /// So many calls of one kind, let go at the same moment.
    async fn at_once<F>(
        &self,
        number: usize,
        token: &str,
        call: impl Fn(Arc<World>, TestApp, String) -> F,
    ) -> Vec<Answer>
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let barrier = Arc::new(Barrier::new(number));
        let mut calls = JoinSet::new();
        for _ in 0..number {
            let call = call(Arc::clone(&self.world), self.app.clone(), token.to_owned());
            let barrier = Arc::clone(&barrier);
            calls.spawn(async move {
                barrier.wait().await;
                call.await
            });
        }
        calls.join_all().await
    }

    pub async fn redeem_at_once(&self, number: usize, code: &str) -> Vec<Answer> {
        self.at_once(number, code, |world, app, code| async move { redeem(&world, &app, &code).await }).await
    }

    pub async fn refresh_at_once(&self, number: usize, token: &str) -> Vec<Answer> {
        self.at_once(number, token, |world, app, token| async move { refresh(&world, &app, &token).await }).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_made_good_once_however_many_ask() {
    let scene = scene().await;
    let first = scene.granted().await;
    for round in 1..=50 {
        let current = scene.refresh_at_once(4, &first.refresh).await;
        let successors: HashSet<String> = current.iter().map(|answer| answer.tokens().refresh).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        let generation = scene.world.count("SELECT generation FROM grants", &[]).await;
        assert_eq!(generation, round);
        scene.world.wait(Duration::from_secs(60));
    }
}

/// Either the successor was in use first, and its predecessor is a replay; or it was withdrawn first, and opens nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_is_used_or_withdrawn_but_never_both() {
    let scene = scene().await;
    let mut seen = HashSet::new();
    for round in 0..300 {
        let first = scene.granted().await;
        let lost = refresh(&scene.world, &scene.app, &first.refresh).await.tokens();
        scene.world.wait(Duration::from_secs(60));
        let call = {
            let (world, access) = (Arc::clone(&scene.world), lost.access.clone());
            tokio::spawn(async move { bearer_call(&world, &access).await })
        };
        let recovery = refresh(&scene.world, &scene.app, &first.refresh).await;
        let call = call.await.unwrap();
        match (call, recovery.status) {
            (Ok(_), 400) => recovery.is_refused(400, "invalid_grant", "refresh_token_replayed"),
            (Err(call), 200) => call.is(401, "token_revoked"),
            // The call was admitted and its use remembered before the replay ended the grant; or it came after that.
            (Err(call), 400) => panic!("round {round}: {} and {}", call.text, recovery.text),
            (Ok(call), _) => panic!("round {round}: {call} and {}", recovery.text),
            (Err(call), status) => panic!("round {round}: {} and {status}", call.text),
        }
        seen.insert(recovery.status);
    }
    assert!(!seen.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_outlives_a_revocation_that_was_answered() {
    let scene = scene().await;
    for _ in 0..150 {
        let first = scene.granted().await;
        let refreshing = {
            let (world, app, token) = (Arc::clone(&scene.world), scene.app.clone(), first.refresh.clone());
            tokio::spawn(async move { refresh(&world, &app, &token).await })
        };
        assert_eq!(revoke(&scene.world, &scene.app, &first.access).await.status, 200);
        let refreshed = refreshing.await.unwrap();
        if refreshed.status == 200 {
            bearer_call(&scene.world, &refreshed.tokens().access).await.unwrap_err().is(401, "token_revoked");
        } else {
            refreshed.is_refused(400, "invalid_grant", "grant_ended");
        }
        bearer_call(&scene.world, &first.access).await.unwrap_err().is(401, "token_revoked");
    }
}

/// A redemption under way when the person removes the app's access: no grant is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_outlives_a_removal_that_was_answered() {
    let scene = scene().await;
    for _ in 0..200 {
        let code = scene.world.code(&scene.app, &scene.ada).await;
        let redeeming = {
            let (world, app) = (Arc::clone(&scene.world), scene.app.clone());
            tokio::spawn(async move { redeem(&world, &app, &code).await })
        };
        let (user, app, now) = (scene.ada.clone(), scene.app.id.clone(), scene.world.now());
        let random = scene.world.app.random.clone();
        scene.world.write(move |tx| jiomeet_oauth::oauth::remove_access(tx, &random, &user, &app, "", now)).await;
        let redeemed = redeeming.await.unwrap();
        if redeemed.status == 200 {
            bearer_call(&scene.world, &redeemed.tokens().access).await.unwrap_err().is(401, "token_revoked");
        } else {
            redeemed.is_refused(400, "invalid_grant", "code_revoked");
        }
    }
    assert_eq!(scene.world.count("SELECT COUNT(*) FROM grants WHERE ended_at IS NULL", &[]).await, 0);
}
