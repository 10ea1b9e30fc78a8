//! Keys come and go by schedule and by hand, on two nodes, and nobody notices: each is known before it is used and kept until
//! what it made has expired.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiomeet_oauth::time::Timestamp;
use jiomeet_oauth::{keys, upkeep};
use protocol::jwt::{JwkSet, KeySet, TokenType, VerifyingKey};
use protocol::secret::base64url_decode;

use super::{bearer_call, introspect, redeem, refresh};
use crate::support::{Answer, World};

const MINUTE: Duration = Duration::from_secs(60);

/// Short enough that an afternoon has several of each.
const BRISK: &str = "
    keys.publish_ahead = \"4m\"
    keys.rotate_signing_key_after = \"25m\"
    keys.rotate_root_key_after = \"40m\"
    tokens.access_token_ttl = \"20m\"
    tokens.refresh_token_ttl = \"50m\"
";

async fn published(world: &World) -> KeySet {
    let answer = Answer::of(world.http.get(world.url("/.well-known/jwks.json")).send().await.unwrap()).await;
    let set: JwkSet = serde_json::from_str(&answer.text).unwrap();
    KeySet::new(set.keys.iter().map(|key| VerifyingKey::from_jwk(key).unwrap()))
}

fn kid_of(token: &str) -> String {
    let header = base64url_decode(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn expiry(world: &World) -> Timestamp {
    world.now().plus(20 * MINUTE)
}

#[tokio::test]
async fn rotation_by_schedule_fails_no_verification_and_breaks_no_chain() {
    let here = World::with(BRISK).await;
    let there = here.second_node().await;
    let nodes = [&here, &there];
    let app = here.approved_app("planner").await;
    let ada = here.person("ada@example.com").await;
    let mut held = redeem(&here, &app, &here.code(&app, &ada).await).await.tokens();
    let mut live: VecDeque<(String, Timestamp)> = VecDeque::from([(held.access.clone(), expiry(&here))]);
    let mut kids = BTreeSet::new();
    // Another service that keeps the key set for a while, from whichever node it asked.
    let mut cached = published(&there).await;
    for minute in 1..=180_usize {
        here.wait(MINUTE);
        // Each node reads the keys twice a minute, some time after the other.
        upkeep::run_once(&nodes[minute % 2].app).await;
        let (maker, checker) = (nodes[minute / 2 % 2], nodes[(minute / 2 + 1) % 2]);
        held = refresh(maker, &app, &held.refresh).await.tokens();
        kids.insert(kid_of(&held.access));
        live.push_back((held.access.clone(), expiry(&here)));
        while live.front().is_some_and(|(_, end)| *end <= here.now()) {
            live.pop_front();
        }
        for (access, _) in [live.front(), live.back()].into_iter().flatten() {
            cached.verify(access, TokenType::AccessToken).unwrap_or_else(|fault| panic!("minute {minute}: {fault}"));
            bearer_call(checker, access).await.unwrap_or_else(|refusal| panic!("minute {minute}: {}", refusal.text));
        }
        if minute % 2 == 0 {
            cached = published(checker).await;
        }
        upkeep::run_once(&nodes[(minute + 1) % 2].app).await;
    }
    assert!(kids.len() >= 7, "every 25 minutes in three hours: {kids:?}");
    assert!(here.app.keys.current().number >= 5, "every 40 minutes: {:?}", here.app.keys);
    // What has done its work is gone, and what could have signed is overwritten.
    let shown = published(&here).await.jwks().keys.len();
    assert!((2..=3).contains(&shown), "{shown} keys published");
    let gone = "SELECT COUNT(*) FROM signing_keys WHERE gone_at IS NOT NULL AND LENGTH(private_key) = 0";
    let all = here.count("SELECT COUNT(*) FROM signing_keys", &[]).await;
    assert_eq!(here.count(gone, &[]).await + i64::try_from(shown).unwrap(), all);
}

#[tokio::test]
async fn a_root_key_goes_when_the_last_token_made_with_it_has_expired() {
    let world = World::with("tokens.refresh_token_ttl = \"500d\"").await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let random = world.app.random.clone();
    keys::rotate_root_key(&world.app.db, &world.app.config.keys, &world.clock, &random).await.unwrap().unwrap();
    upkeep::run_once(&world.app).await;
    assert_eq!(world.app.keys.current().number, 1, "known, and not used yet");
    world.wait(15 * MINUTE);
    upkeep::run_once(&world.app).await;
    assert_eq!(world.app.keys.current().number, 2);

    // The old key's token still turns on its last day, and its successor is the new key's.
    world.wait(Duration::from_secs(499 * 86_400));
    upkeep::run_once(&world.app).await;
    let turned = refresh(&world, &app, &tokens.refresh).await.tokens();
    world.wait(Duration::from_secs(2 * 86_400));
    upkeep::run_once(&world.app).await;
    assert!(world.app.keys.numbered(1).is_none(), "gone with what it made");
    assert_eq!(world.count("SELECT COUNT(*) FROM server_keys WHERE number = 1", &[]).await, 0);
    refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "refresh_token_unknown");
    refresh(&world, &app, &turned.refresh).await.tokens();
}

/// Both find that a key is due in the same moment: one makes it.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_rotate_at_once_make_one_key() {
    let here = World::with(BRISK).await;
    let there = here.second_node().await;
    here.wait(24 * MINUTE);
    tokio::join!(upkeep::run_once(&here.app), upkeep::run_once(&there.app));
    assert_eq!(here.count("SELECT COUNT(*) FROM signing_keys", &[]).await, 2);
    here.wait(16 * MINUTE);
    tokio::join!(upkeep::run_once(&here.app), upkeep::run_once(&there.app));
    assert_eq!(here.count("SELECT COUNT(*) FROM server_keys", &[]).await, 2);
}

/// Nodes that start together on an empty database sign with one key from the first token on.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_have_the_same_first_keys() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    // As new, and as a backup without its signing keys leaves it.
    for emptied in [&["DELETE FROM signing_keys", "DELETE FROM server_keys"][..], &["DELETE FROM signing_keys"]] {
        for table in emptied {
            world.execute(table, &[]).await;
        }
        let nodes = tokio::join!(world.second_node(), world.second_node(), world.second_node());
        assert_eq!(world.count("SELECT COUNT(*) FROM signing_keys", &[]).await, 1);
        let tokens = redeem(&nodes.0, &app, &world.code(&app, &ada).await).await.tokens();
        bearer_call(&nodes.1, &tokens.access).await.unwrap();
        refresh(&nodes.2, &app, &tokens.refresh).await.tokens();
    }
}

#[tokio::test]
async fn another_algorithm_takes_over_as_another_key_does() {
    let mut world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let mut held = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let mut made = vec![("ES256", held.access.clone())];
    for algorithm in ["EdDSA", "RS256"] {
        world.restart_with(&format!("keys.signing_algorithm = {algorithm:?}")).await;
        let before = kid_of(&held.access);
        held = refresh(&world, &app, &held.refresh).await.tokens();
        assert_eq!(kid_of(&held.access), before, "{algorithm} is published first");
        world.wait(15 * MINUTE);
        held = refresh(&world, &app, &held.refresh).await.tokens();
        made.push((algorithm, held.access.clone()));
    }
    let keys = published(&world).await;
    for (algorithm, access) in &made {
        let kid = keys.verify(access, TokenType::AccessToken).unwrap().kid;
        assert_eq!(keys.get(&kid).unwrap().algorithm().as_str(), *algorithm);
        bearer_call(&world, access).await.unwrap();
        assert_eq!(introspect(&world, &app, access).await.json["active"], true);
    }
}
