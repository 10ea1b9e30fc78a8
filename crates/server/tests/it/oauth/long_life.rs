//! A grant that is refreshed for years: each refresh costs what the first did, and leaves nothing behind.
//!
//! `TEST_REFRESHES=n` makes it so many, in place of a few thousand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sql::Engine;
use tokio::task::JoinSet;

use super::{bearer_call, redeem, refresh};
use crate::support::{TestApp, Tokens, World};

const GRANTS: usize = 8;

/// Refreshes at the beginning and at the end whose times are compared.
const SAMPLE: usize = 100;

/// How many rows the tables have that a grant can leave something in.
async fn rows(world: &World) -> [i64; 6] {
    [
        world.count("SELECT COUNT(*) FROM grants", &[]).await,
        world.count("SELECT COUNT(*) FROM authorization_codes", &[]).await,
        world.count("SELECT COUNT(*) FROM revocations", &[]).await,
        world.count("SELECT COUNT(*) FROM consents", &[]).await,
        world.count("SELECT COUNT(*) FROM audit", &[]).await,
        world.count("SELECT COUNT(*) FROM one_time_ids", &[]).await,
    ]
}

/// One client's life: refreshes and, now and then, uses what it got. Gives how long each refresh took.
async fn live(world: Arc<World>, app: TestApp, mut held: Tokens, times: usize) -> Vec<Duration> {
    let mut took = Vec::with_capacity(times);
    for number in 0..times {
        let start = Instant::now();
        held = refresh(&world, &app, &held.refresh).await.tokens();
        took.push(start.elapsed());
        if number % 16 == 0 {
            bearer_call(&world, &held.access).await.unwrap();
        }
    }
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_refresh_of_a_long_life_costs_what_the_first_did() {
    let all: usize = std::env::var("TEST_REFRESHES").map_or(4_000, |number| number.parse().unwrap());
    let times = all / GRANTS;
    let world = Arc::new(World::with("database.connections = 4").await);
    let app = world.approved_app("planner").await;
    let mut holders = Vec::new();
    for number in 0..GRANTS {
        let person = world.person(&format!("person-{number}@example.com")).await;
        holders.push(redeem(&world, &app, &world.code(&app, &person).await).await.tokens());
    }
    let before = rows(&world).await;
    let sqlite = world.app.db.engine() == Engine::Sqlite;
    let pages = "SELECT page_count FROM pragma_page_count()";
    let pages_before = if sqlite { world.count(pages, &[]).await } else { 0 };
    let units_before = world.app.db.stats().write_units;

    let mut clients = JoinSet::new();
    let start = Instant::now();
    for held in holders {
        clients.spawn(live(Arc::clone(&world), app.clone(), held, times));
    }
    let took = clients.join_all().await;

    let elapsed = start.elapsed();
    let units = world.app.db.stats().write_units - units_before;
    let sample =
        |of: &dyn Fn(&Vec<Duration>) -> &[Duration]| median(took.iter().flat_map(|took| of(took).to_vec()).collect());
    // The very first ones warm up connections and caches.
    let first = sample(&|took| &took[SAMPLE / 2..SAMPLE / 2 + SAMPLE]);
    let last = sample(&|took| &took[times - SAMPLE..]);
    println!("{all} refreshes in {elapsed:?}: a refresh took {first:?} at first and {last:?} at last");
    assert_eq!(rows(&world).await, before, "grants, codes, revocations, consents, audit, ids");
    if sqlite {
        let pages = world.count(pages, &[]).await;
        assert!(pages <= pages_before + 8, "{pages_before} pages before, {pages} after");
    }
    let used = (times.div_ceil(16) * GRANTS) as u64;
    assert!(units <= (all as u64) + used + 8, "one unit a refresh and one a first use: {units}");
    assert!(last < first * 3, "it took {first:?} at first and {last:?} at last");
}
