//! Several nodes on one database: what ends on one is obeyed by the others within a second of real time, and a token that
//! was checked once costs no trip to the database.

use std::time::{Duration, Instant};

use jiomeet_oauth::apps::write_refusals;
use jiomeet_oauth::ids::{GrantId, UserId};
use jiomeet_oauth::jobs::{self, Kind};
use jiomeet_oauth::review::Decision;
use jiomeet_oauth::{oauth, upkeep, users};
use protocol::fault;
use protocol::redirect_uri::ClientKind;
use sql::Engine;

use super::{bearer_call, introspect, redeem, refresh, revoke};
use crate::program::support::run;
use crate::support::{TestApp, Tokens, World};

/// Two nodes, an app, a person, and a token that both nodes have seen.
struct Nodes {
    here: World,
    there: World,
    app: TestApp,
    ada: UserId,
    tokens: Tokens,
}

impl Nodes {
    async fn new() -> Nodes {
        let here = World::new().await;
        let there = here.second_node().await;
        let app = here.approved_app("planner").await;
        let ada = here.person("ada@example.com").await;
        let tokens = redeem(&here, &app, &here.code(&app, &ada).await).await.tokens();
        within_a_second(async || there.app.oauth.view.size().apps == 1).await;
        let nodes = Nodes { here, there, app, ada, tokens };
        nodes.both_admit().await;
        nodes
    }

    /// Another grant of the person's.
    async fn another_grant(&mut self) {
        self.here.wait(Duration::from_secs(1));
        self.tokens = redeem(&self.here, &self.app, &self.here.code(&self.app, &self.ada).await).await.tokens();
        self.both_admit().await;
    }

    async fn both_admit(&self) {
        for node in [&self.here, &self.there] {
            // It may have been widened on the other node a moment ago.
            within_a_second(async || bearer_call(node, &self.tokens.access).await.is_ok()).await;
            bearer_call(node, &self.tokens.access).await.unwrap();
        }
    }

    /// The node that was told refuses at once, the other within a second.
    async fn both_refuse(&self, what: &str, code: &str) {
        let refusal = async |node: &World| match bearer_call(node, &self.tokens.access).await {
            Ok(_) => String::new(),
            Err(refusal) => refusal.text_of("message"),
        };
        assert_eq!(refusal(&self.here).await, code, "{what}, here");
        within_a_second(async || !refusal(&self.there).await.is_empty()).await;
        assert_eq!(refusal(&self.there).await, code, "{what}, there");
    }
}

/// Waits until it holds, which takes no longer than a second.
async fn within_a_second(mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(1), "it took longer than a second");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_checked_costs_no_trip_to_the_database() {
    let nodes = Nodes::new().await;
    for node in [&nodes.here, &nodes.there] {
        let before = node.app.db.stats();
        for _ in 0..50 {
            bearer_call(node, &nodes.tokens.access).await.unwrap();
        }
        let after = node.app.db.stats();
        assert_eq!((after.read_units, after.write_units), (before.read_units, before.write_units));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_obeyed_by_the_other_node_within_a_second() {
    let mut nodes = Nodes::new().await;

    assert_eq!(revoke(&nodes.here, &nodes.app, &nodes.tokens.refresh).await.status, 200);
    nodes.both_refuse("the app revokes", "token_revoked").await;
    let answer = introspect(&nodes.there, &nodes.app, &nodes.tokens.access).await;
    assert_eq!(answer.text, r#"{"active":false}"#);

    nodes.another_grant().await;
    let (random, user, app, now) =
        (nodes.here.app.random.clone(), nodes.ada.clone(), nodes.app.id.clone(), nodes.here.now());
    nodes.here.write(move |tx| oauth::remove_access(tx, &random, &user, &app, "192.0.2.1", now)).await;
    nodes.both_refuse("the person removes the app", "token_revoked").await;

    nodes.another_grant().await;
    let (user, now) = (nodes.ada.clone(), nodes.here.now());
    nodes.here.write(move |tx| users::raise_epoch(tx, &user, now)).await;
    nodes.both_refuse("everything is ended with a new password", "token_revoked").await;

    nodes.another_grant().await;
    let (user, now) = (nodes.ada.clone(), nodes.here.now());
    nodes.here.write(move |tx| users::lock(tx, &user, now).map(drop)).await;
    nodes.both_refuse("the account is locked", "token_revoked").await;
    let user = nodes.ada.clone();
    nodes.here.write(move |tx| users::unlock(tx, &user).map(drop)).await;
    nodes.both_refuse("unlocking revives nothing", "token_revoked").await;

    nodes.another_grant().await;
    let narrow = "UPDATE apps SET serving_scopes = 'meeting:read' WHERE id = $1";
    nodes.here.execute(narrow, &[nodes.app.id.as_str()]).await;
    nodes.both_refuse("the app is narrowed", "scope_insufficient").await;
    let widen = "UPDATE apps SET serving_scopes = 'meeting:read user:read' WHERE id = $1";
    nodes.here.execute(widen, &[nodes.app.id.as_str()]).await;
    nodes.both_admit().await;

    nodes.here.decide(&nodes.app, Decision::Suspend).await;
    nodes.both_refuse("the app is suspended", "token_revoked").await;
    nodes.here.decide(&nodes.app, Decision::Reinstate).await;
    nodes.both_refuse("reinstating revives nothing", "token_revoked").await;

    nodes.another_grant().await;
    let replayed = nodes.tokens.refresh.clone();
    let second = refresh(&nodes.there, &nodes.app, &replayed).await.tokens();
    bearer_call(&nodes.there, &second.access).await.unwrap();
    nodes.here.wait(Duration::from_secs(60));
    refresh(&nodes.here, &nodes.app, &replayed).await.is_refused(400, "invalid_grant", "refresh_token_replayed");
    nodes.both_refuse("a refresh token is replayed", "token_revoked").await;
}

/// An operator's verb writes from another process.
#[tokio::test(flavor = "multi_thread")]
async fn an_operators_verb_is_obeyed_by_running_nodes_within_a_second() {
    let nodes = Nodes::new().await;
    let database = nodes.here.database.with_password();
    let suspend =
        ["app", "suspend", nodes.app.client_id.as_str(), "--reason", "Seen in a test.", "--database-url", &database];
    let output = run(&suspend, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for node in [&nodes.here, &nodes.there] {
        within_a_second(async || bearer_call(node, &nodes.tokens.access).await.is_err()).await;
        bearer_call(node, &nodes.tokens.access).await.unwrap_err().is(401, "token_revoked");
    }
}

/// The other node has not heard of the withdrawal when the token comes: the first use of a generation asks the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_generation_opens_nothing_on_any_node() {
    let nodes = Nodes::new().await;
    let first = &nodes.tokens.refresh;
    let lost = refresh(&nodes.here, &nodes.app, first).await.tokens();
    nodes.here.wait(Duration::from_secs(60));
    let recovered = refresh(&nodes.here, &nodes.app, first).await.tokens();
    bearer_call(&nodes.there, &lost.access).await.unwrap_err().is(401, "token_revoked");
    bearer_call(&nodes.here, &lost.access).await.unwrap_err().is(401, "token_revoked");
    bearer_call(&nodes.there, &recovered.access).await.unwrap();
    // Generation 0 was replaced in order: it lives on.
    bearer_call(&nodes.there, &nodes.tokens.access).await.unwrap();
    assert_eq!(nodes.here.app.oauth.view.size().generations, 1);
}

/// First used on one node, replayed on the other.
#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_successor_on_one_node_counts_on_every_node() {
    let nodes = Nodes::new().await;
    let second = refresh(&nodes.here, &nodes.app, &nodes.tokens.refresh).await.tokens();
    let marked = "SELECT COUNT(*) FROM grants WHERE successor_used_at IS NOT NULL";
    bearer_call(&nodes.there, &second.access).await.unwrap();
    assert_eq!(nodes.here.count(marked, &[]).await, 1);
    bearer_call(&nodes.here, &second.access).await.unwrap();
    nodes.here.wait(Duration::from_secs(60));
    let replay = refresh(&nodes.here, &nodes.app, &nodes.tokens.refresh).await;
    replay.is_refused(400, "invalid_grant", "refresh_token_replayed");
}

/// Who may use an app in test mode depends on the person: no memory answers for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_in_test_mode_is_looked_up_for_each_call() {
    let world = World::new().await;
    let app = world.draft_app("draft", ClientKind::Confidential).await;
    let ada = world.person("ada@example.com").await;
    let tester = "INSERT INTO testers (app_id, user_id, accepted_at) VALUES ($1, $2, 0)";
    world.execute(tester, &[app.id.as_str(), ada.as_str()]).await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    for _ in 0..3 {
        bearer_call(&world, &tokens.access).await.unwrap();
    }
    world.execute("DELETE FROM testers WHERE app_id = $1", &[app.id.as_str()]).await;
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
}

/// Nothing that can no longer be refreshed is used: the database is asked, and is right.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_hear_asks_the_database() {
    let nodes = Nodes::new().await;
    if nodes.here.app.db.engine() == Engine::Sqlite {
        // A unit that does not end: its writer cannot look around.
        let there = nodes.there.app.db.clone();
        let held = tokio::spawn(async move {
            let unit = there.write(|_| {
                std::thread::sleep(Duration::from_millis(1_600));
                Ok::<_, sql::DbError>(())
            });
            unit.await
        });
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert!(!nodes.there.app.db.hears());
        let before = nodes.there.app.db.stats().read_units;
        bearer_call(&nodes.there, &nodes.tokens.access).await.unwrap();
        assert_eq!(nodes.there.app.db.stats().read_units, before + 1, "the database was asked");
        held.await.unwrap().unwrap();
    } else {
        // Until the listeners have nothing else to say than this.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let listening = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (query LIKE '%pg_listening_channels%' OR query LIKE 'LISTEN announcements%')";
        assert!(nodes.here.count(listening, &[]).await >= 2, "both listeners lost their connections");
    }
    assert_eq!(revoke(&nodes.here, &nodes.app, &nodes.tokens.refresh).await.status, 200);
    nodes.both_refuse("revoked while the other was deaf", "token_revoked").await;
    within_a_second(async || nodes.there.app.db.hears()).await;
    nodes.both_refuse("and afterwards", "token_revoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_holds_what_deviates_and_only_while_it_matters() {
    let mut nodes = Nodes::new().await;
    for number in 0..20 {
        let person = nodes.here.person(&format!("person-{number}@example.com")).await;
        redeem(&nodes.here, &nodes.app, &nodes.here.code(&nodes.app, &person).await).await.tokens();
    }
    let size = nodes.here.app.oauth.view.size();
    assert_eq!((size.grants, size.generations, size.users, size.apps), (0, 0, 0, 1), "people and grants cost nothing");

    revoke(&nodes.here, &nodes.app, &nodes.tokens.access).await;
    let (ada, now) = (nodes.ada.clone(), nodes.here.now());
    nodes.here.write(move |tx| users::raise_epoch(tx, &ada, now)).await;
    let size = nodes.here.app.oauth.view.size();
    assert_eq!((size.grants, size.users), (1, 1));
    within_a_second(async || nodes.there.app.oauth.view.size() == size).await;
    nodes.here.restart().await;
    assert_eq!(nodes.here.app.oauth.view.size(), size, "loaded at the start");

    nodes.here.wait(Duration::from_secs(86_400));
    upkeep::run_once(&nodes.here.app).await;
    let still = nodes.here.app.oauth.view.size();
    assert_eq!((still.grants, still.users), (1, 1), "another node's clock may be a little behind");
    nodes.here.wait(Duration::from_secs(302));
    for node in [&nodes.here, &nodes.there] {
        upkeep::run_once(&node.app).await;
        let gone = node.app.oauth.view.size();
        assert_eq!((gone.grants, gone.generations, gone.users), (0, 0, 0));
    }
    assert_eq!(nodes.here.count("SELECT COUNT(*) FROM revocations", &[]).await, 0);
}

/// An account's end is remembered as long as the longest-lived token that any node makes or has made.
#[tokio::test(flavor = "multi_thread")]
async fn shorter_lives_do_not_shorten_the_memory_of_longer_ones() {
    let mut nodes = Nodes::new().await;
    nodes.here.restart_with("tokens.access_token_ttl = \"5m\"").await;
    let (ada, now) = (nodes.ada.clone(), nodes.here.now());
    nodes.here.write(move |tx| users::raise_epoch(tx, &ada, now)).await;
    nodes.here.wait(Duration::from_secs(80_000));
    upkeep::run_once(&nodes.here.app).await;
    assert_eq!(nodes.here.app.oauth.view.size().users, 1);
    nodes.both_refuse("hours later", "token_revoked").await;
}

/// Three nodes look around at the same moment, as nodes do that were started together: one of them sweeps.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_swept_by_one_node() {
    let here = World::with("database.connections = 8").await;
    let nodes = [here.second_node().await, here.second_node().await];
    here.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1800)
        INSERT INTO pushed_requests (uri_hash, request_id, client_id, query, created_at, expires_at)
        SELECT CAST(CAST(i AS TEXT) AS BYTEA), CAST(i AS TEXT), 'c', 'q', 0, 1 FROM n",
        &[],
    )
    .await;
    const LEFT: &str = "SELECT COUNT(*) FROM pushed_requests";
    assert_eq!(here.count(LEFT, &[]).await, 1800);
    let before: u64 = nodes.iter().map(|node| node.app.db.stats().write_units).sum();
    for round in 0..3 {
        let all = [&here, &nodes[0], &nodes[1]].map(|node| async move { upkeep::run_once(&node.app).await });
        let [one, two, three] = all;
        tokio::join!(one, two, three);
        assert_eq!(here.count(LEFT, &[]).await, 0, "round {round}");
        let held = "SELECT COUNT(*) FROM jobs WHERE kind = 'sweeping' AND (claimed_until > 0 OR attempts > 0)";
        assert_eq!(here.count(held, &[]).await, 0, "whoever had it gave it back");
        here.wait(Duration::from_secs(30));
    }
    assert_eq!(here.count("SELECT COUNT(*) FROM jobs WHERE kind = 'sweeping'", &[]).await, 7, "one for each room");
    let asked: u64 = nodes.iter().map(|node| node.app.db.stats().write_units).sum::<u64>() - before;
    assert!(asked > 0, "the others asked whether there was work");
}

/// A node that dies in the middle of sweeping leaves a claim that runs out; until then nobody sweeps that room.
#[tokio::test]
async fn the_sweeping_of_a_dead_node_is_taken_over_when_its_claim_has_run_out() {
    let world = World::new().await;
    let minute = Duration::from_secs(60);
    let now = world.now();
    let claim =
        world.write(move |tx| jobs::claim_recurring(tx, Kind::Sweeping, "oauth", now, 2 * minute)).await.unwrap();
    world
        .execute(
            "INSERT INTO one_time_ids (id_hash, claimed_by, expires_at) VALUES (CAST('a' AS BYTEA), CAST('b' AS BYTEA), 1)",
            &[],
        )
        .await;
    const LEFT: &str = "SELECT COUNT(*) FROM one_time_ids";
    upkeep::run_once(&world.app).await;
    assert_eq!(world.count(LEFT, &[]).await, 1, "it is the other node's");
    world.wait(2 * minute);
    upkeep::run_once(&world.app).await;
    assert_eq!(world.count(LEFT, &[]).await, 0);
    // Should the other one come back to life, its claim is nobody's.
    let late = claim;
    let until = world.now().plus(minute);
    assert!(!world.write(move |tx| jobs::extend(tx, &mut late.clone(), until)).await);
}

/// A clock jumped two days ahead while its node claimed work, and while work failed and was put off; then it was set right.
#[tokio::test]
async fn work_of_a_clock_that_was_ahead_does_not_wait_until_then() {
    let world = World::new().await;
    let (right, minute) = (world.now(), Duration::from_secs(60));
    let ahead = right.plus(Duration::from_secs(2 * 86_400));
    world.write(move |tx| jobs::claim_recurring(tx, Kind::Sweeping, "oauth", ahead, 2 * minute)).await.unwrap();
    world.write(move |tx| jobs::schedule(tx, Kind::Screening, "claimed", right)).await;
    world.write(move |tx| jobs::claim(tx, Kind::Screening, ahead, minute)).await.unwrap();
    world.write(move |tx| jobs::schedule(tx, Kind::Screening, "put off", right)).await;
    let claim = world.write(move |tx| jobs::claim(tx, Kind::Screening, ahead, minute)).await.unwrap();
    world.write(move |tx| jobs::postpone(tx, &claim, "no answer", ahead)).await;

    let claim = world.write(move |tx| jobs::claim(tx, Kind::Screening, right, minute)).await.unwrap();
    assert_eq!((claim.subject.as_str(), claim.attempt), ("claimed", 2));
    assert!(world.write(move |tx| jobs::claim(tx, Kind::Screening, right, minute)).await.is_none(), "it is held now");
    world.write(move |tx| jobs::claim_recurring(tx, Kind::Sweeping, "oauth", right, minute)).await.unwrap();

    upkeep::run_once(&world.app).await;
    let claim = world.write(move |tx| jobs::claim(tx, Kind::Screening, right, minute)).await.unwrap();
    assert_eq!((claim.subject.as_str(), claim.attempt), ("put off", 2));
}

/// Nodes note who used what, each in an order of its own, and write it at the same moment: none waits for another one that
/// waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_nodes_note_is_written_without_waiting_for_each_other() {
    let here = World::with("database.connections = 8").await;
    let nodes = [here.second_node().await, here.second_node().await];
    let app = here.approved_app("planner").await;
    let ada = here.person("ada@example.com").await;
    for _ in 0..60 {
        redeem(&here, &app, &here.code(&app, &ada).await).await.tokens();
    }
    let text = "SELECT id FROM grants";
    let ids: Vec<GrantId> =
        here.write(move |tx| tx.list(&sql::Statement::new("TEST", text), &[], |row| row.get(0))).await;
    for round in 1..=8_u64 {
        here.wait(Duration::from_secs(61));
        for node in [&here, &nodes[0], &nodes[1]] {
            for id in &ids {
                node.app.oauth.last_used.note_grant(*id, here.now());
            }
            for fault in [&fault::CODE_SPENT, &fault::CODE_EXPIRED, &fault::CODE_UNKNOWN, &fault::CODE_REVOKED] {
                node.app.refusals.note(app.client_id.as_str(), fault, here.now());
            }
        }
        let (one, two, three) = tokio::join!(
            oauth::write_last_used(&here.app),
            oauth::write_last_used(&nodes[0].app),
            oauth::write_last_used(&nodes[1].app),
        );
        let (four, five, six) =
            tokio::join!(write_refusals(&here.app), write_refusals(&nodes[0].app), write_refusals(&nodes[1].app),);
        for written in [one, two, three, four, five, six] {
            written.unwrap();
        }
        let counted = here.count("SELECT CAST(SUM(count) AS BIGINT) FROM app_errors", &[]).await;
        assert_eq!(counted, i64::try_from(round * 12).unwrap(), "none is lost");
        let missed = "SELECT COUNT(*) FROM grants WHERE last_used_at < (SELECT MAX(last_used_at) FROM grants)";
        assert_eq!(here.count(missed, &[]).await, 0);
    }
    let (engine, database) = (here.app.db.engine(), here.database.clone());
    for node in [&here, &nodes[0], &nodes[1]] {
        // What a session counted is in the statistics once it has ended.
        node.app.db.close().await;
    }
    if engine == Engine::Postgres {
        let db = sql::Db::open(&database, sql::Options { connections: 1, ..sql::Options::default() }).await.unwrap();
        let text = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        let count = db.read(move |tx| tx.one(&sql::Statement::new("TEST", text), &[], |row| row.get::<i64>(0))).await;
        assert_eq!(count.unwrap(), 0, "deadlocks");
        db.close().await;
    }
}

/// Two codes of one person for one app, redeemed at the same moment at two nodes, where one grant may live. Both have found
/// the older grant, and neither the other's, when they come to end it.
#[tokio::test(flavor = "multi_thread")]
async fn how_many_grants_live_is_bounded_over_all_nodes() {
    let here = World::with("database.connections = 8\ntokens.max_live_grants = 1").await;
    let there = here.second_node().await;
    let app = here.approved_app("planner").await;
    let ada = here.person("ada@example.com").await;
    redeem(&here, &app, &here.code(&app, &ada).await).await.tokens();
    let (one, other) = (here.code(&app, &ada).await, here.code(&app, &ada).await);
    let (begun, waits) = std::sync::mpsc::channel();
    let db = here.app.db.clone();
    let holding = tokio::spawn(async move {
        let hold = sql::Statement::new("TEST", "UPDATE grants SET last_used_at = last_used_at");
        let unit = db.write(move |tx| {
            let held = tx.execute(&hold, &[]);
            let _ = begun.send(());
            std::thread::sleep(Duration::from_millis(700));
            held
        });
        unit.await
    });
    tokio::task::spawn_blocking(move || waits.recv()).await.unwrap().unwrap();
    let (one, other) = tokio::join!(redeem(&here, &app, &one), redeem(&there, &app, &other));
    holding.await.unwrap().unwrap();
    one.tokens();
    other.tokens();
    assert_eq!(here.count("SELECT COUNT(*) FROM grants WHERE ended_at IS NULL", &[]).await, 1);
}
