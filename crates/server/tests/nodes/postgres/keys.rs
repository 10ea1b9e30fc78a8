//! Keys are rotated by the operator's verb while every node works: no token is refused anywhere, and no key is made twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use protocol::secret::base64url_decode;

use super::need_postgres;
use crate::cluster::{Cluster, eventually};
use crate::flow::{Browser, Client};

/// Clients that refresh and call through the proxy, until they are told to stop; each gives what it held last.
struct Load {
    stop: Arc<AtomicBool>,
    turns: Arc<AtomicUsize>,
    clients: Vec<tokio::task::JoinHandle<String>>,
}

impl Load {
    async fn start(cluster: &Cluster, client: &Client, browser: &Browser) -> Load {
        let (stop, turns) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut clients = Vec::new();
        for _ in 0..4 {
            let code = browser.code(&client.credentials, "ada@example.com", "user:read").await;
            let mut refresh = client.redeem(&code).await.text("refresh_token");
            let nodes: Vec<_> = cluster.nodes.iter().map(|node| node.address).collect();
            let (client, stop, turns) = (client.clone(), Arc::clone(&stop), Arc::clone(&turns));
            clients.push(tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let tokens = client.refresh(&refresh).await;
                    refresh = tokens.text("refresh_token");
                    let access = tokens.text("access_token");
                    for node in &nodes {
                        let answer = client.profile_at(*node, &access).await;
                        assert_eq!(answer.status, 200, "{}", answer.json);
                    }
                    let told = client.send("/api/oauth2/v2/introspect", &[("token", &refresh)]).await;
                    assert_eq!(told.json["active"], true, "{}", told.json);
                    turns.fetch_add(1, Ordering::SeqCst);
                }
                refresh
            }));
        }
        Load { stop, turns, clients }
    }

    /// So much more is done, and none of it refused.
    async fn goes_on(&self) {
        let then = self.turns.load(Ordering::SeqCst) + 12;
        eventually("the load goes on", async || {
            assert!(self.clients.iter().all(|client| !client.is_finished()), "a client was refused");
            self.turns.load(Ordering::SeqCst) >= then
        })
        .await;
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        let mut held = Vec::new();
        for client in self.clients {
            held.push(client.await.unwrap());
        }
        held
    }
}

fn kid_of(token: &str) -> String {
    let header = base64url_decode(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_under_load_refuses_nothing_and_makes_no_key_twice() {
    need_postgres();
    let cluster = Arc::new(Cluster::start(3, "").await);
    let app = cluster.approved_app();
    let (client, browser) = (Client::new(&cluster, &app), Browser::new(&cluster));
    browser.sign_in("ada@example.com").await;
    let load = Load::start(&cluster, &client, &browser).await;
    load.goes_on().await;

    // Three operators at once. Who comes second is told so, or makes the successor's successor.
    let made = cluster.verbs_at_once(&[&["key", "rotate"][..]; 3]).await;
    let made = made.iter().filter(|output| output.status.success()).count();
    let roots = cluster.verbs_at_once(&[&["key", "rotate", "--root"][..]; 3]).await;
    let roots = roots.iter().filter(|output| output.status.success()).count();
    assert!(made >= 1 && roots >= 1);
    let (made, roots) = (i64::try_from(made).unwrap(), i64::try_from(roots).unwrap());
    assert_eq!(cluster.count("SELECT COUNT(*) FROM signing_keys", &[]).await, 1 + made);
    assert_eq!(cluster.count("SELECT COUNT(*) FROM signing_keys WHERE retired_at IS NULL", &[]).await, 1);
    assert_eq!(cluster.count("SELECT MAX(number) FROM server_keys", &[]).await, 1 + roots);
    assert_eq!(cluster.count("SELECT COUNT(*) FROM server_keys WHERE retired_at IS NULL", &[]).await, 1);
    load.goes_on().await;

    // `keys.publish_ahead` goes by: a quarter of an hour in two seconds, of which every node hears.
    for table in ["signing_keys", "server_keys"] {
        let soon = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT + 2000";
        let text =
            format!("UPDATE {table} SET active_at = LEAST(active_at, {soon}), retired_at = LEAST(retired_at, {soon})");
        assert!(cluster.execute(Box::leak(text.into_boxed_str()), &[]).await >= 2);
    }
    let old: BTreeSet<String> = {
        let tokens = client.redeem(&browser.code(&app, "ada@example.com", "user:read").await).await;
        [kid_of(&tokens.text("access_token"))].into()
    };
    eventually("another key signs", async || {
        let tokens = client.redeem(&browser.code(&app, "ada@example.com", "user:read").await).await;
        !old.contains(&kid_of(&tokens.text("access_token")))
    })
    .await;
    load.goes_on().await;
    // A node takes up the next root key when it reads the keys again.
    cluster.execute("UPDATE server_keys SET number = number", &[]).await;
    load.goes_on().await;
    let by_new_root = "SELECT COUNT(*) FROM grants WHERE key_number > 1";
    eventually("every client holds tokens of another root key", async || cluster.count(by_new_root, &[]).await >= 4)
        .await;
    load.goes_on().await;
    for held in load.end().await {
        client.refresh(&held).await.text("access_token");
    }
    let page = browser.get("/account").await;
    assert_eq!(page.status, 200, "who was signed in still is");
    Arc::into_inner(cluster).unwrap().finish().await;
}
