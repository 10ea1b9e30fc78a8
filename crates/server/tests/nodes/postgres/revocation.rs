//! What is revoked at one node is refused by every other one within a second, whatever befalls the connections by which they
//! hear of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use super::need_postgres;
use super::relay::Relay;
use crate::cluster::{Cluster, PATIENCE, eventually};
use crate::flow::{Browser, Client};
use crate::seed::Credentials;

const LAW: Duration = Duration::from_secs(1);

/// The law: of what is asked of this node a second after the revocation was answered, nothing is admitted.
async fn obeys(client: &Client, node: SocketAddr, access: &str, answered: Instant) {
    loop {
        let asked = Instant::now();
        let answer = client.profile_at(node, access).await;
        match answer.status {
            200 => assert!(asked < answered + LAW, "admitted when asked {:?} after it was revoked", asked - answered),
            401 => return,
            // It may have lost a connection in the middle of asking.
            503 => {}
            other => panic!("{other} {}", answer.json),
        }
        assert!(asked.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A fresh grant that every node has admitted, revoked; every node obeys.
async fn revoke_everywhere(cluster: &Cluster, app: &Credentials, browser: &Browser) {
    let client = Client::new(cluster, app);
    let access = client.redeem(&browser.code(app, "ada@example.com", "user:read").await).await.text("access_token");
    for node in &cluster.nodes {
        eventually("a node admits the token", async || client.profile_at(node.address, &access).await.status == 200)
            .await;
    }
    assert_eq!(client.revoke(&access).await.status, 200);
    let answered = Instant::now();
    let obeying = cluster.nodes.iter().map(|node| {
        let (client, access, address) = (client.clone(), access.clone(), node.address);
        tokio::spawn(async move { obeys(&client, address, &access, answered).await })
    });
    for node in obeying.collect::<Vec<_>>() {
        node.await.unwrap();
    }
}

/// By what they ask, since all connections of a node have one name.
const KILL_LISTENERS: &str = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'jiomeet-oauth' AND state = 'idle'
    AND pid <> pg_backend_pid() AND (query LIKE '%pg_listening_channels%' OR query LIKE 'LISTEN announcements%')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_obeyed_within_a_second_while_listening_connections_are_killed_again_and_again() {
    need_postgres();
    let cluster = Arc::new(Cluster::start(3, "").await);
    let app = cluster.approved_app();
    let browser = Browser::new(&cluster);
    browser.sign_in("ada@example.com").await;
    let killed = Arc::new(AtomicI64::new(0));
    let killing = tokio::spawn({
        let (cluster, killed) = (Arc::clone(&cluster), Arc::clone(&killed));
        async move {
            loop {
                killed.fetch_add(cluster.count(KILL_LISTENERS, &[]).await, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(90)).await;
            }
        }
    });
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 8 || killed.load(Ordering::SeqCst) < 8 {
        assert!(start.elapsed() < PATIENCE, "{rounds} rounds, {killed:?} killed");
        revoke_everywhere(&cluster, &app, &browser).await;
        rounds += 1;
    }
    killing.abort();
    let _ = killing.await;
    Arc::into_inner(cluster).unwrap().finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_obeyed_within_a_second_by_a_node_whose_listening_connection_says_nothing_any_more() {
    need_postgres();
    let mut cluster = Cluster::start(2, "").await;
    let relay = Relay::to(&cluster.database).await;
    let url = relay.url(&cluster.database);
    cluster.add_node_with(&[("JIOMEET_OAUTH_DATABASE__URL", &url)]).await;
    let app = cluster.approved_app();
    let browser = Browser::new(&cluster);
    browser.sign_in("ada@example.com").await;
    revoke_everywhere(&cluster, &app, &browser).await;
    for _ in 0..3 {
        relay.silence();
        // The second time the node has given the silent connection up, and another one is as silent.
        revoke_everywhere(&cluster, &app, &browser).await;
        revoke_everywhere(&cluster, &app, &browser).await;
        relay.speak_again();
        revoke_everywhere(&cluster, &app, &browser).await;
    }
    cluster.finish().await;
}
