//! Whether a client exists must not be told by how long a refusal takes (RFC 6819 section 5.1.4.2.2, RFC 9700 section 4.13 on
//! guessing): an unknown client costs the server the work that a wrong secret does.

use std::time::{Duration, Instant};

use crate::oauth::redeem;
use crate::support::{TestApp, World};

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_cost_the_same() {
    let world = World::with("limits.client_burst = 100000\n").await;
    let app = world.approved_app("planner").await;
    let wrong = TestApp { client_secret: app.client_secret.replace("jmcs_", "jmcs-"), ..app.clone() };
    let unknown = TestApp { client_id: "0123456789abcdef01234567".into(), ..app.clone() };
    let mut times = [Vec::new(), Vec::new()];
    let mut units = [0, 0];
    // Taken in turns, so that whatever else the machine does, it does to both.
    for round in 0..300 {
        for (side, client) in [&wrong, &unknown].into_iter().enumerate() {
            let before = world.app.db.stats();
            let began = Instant::now();
            let answer = redeem(&world, client, "jmac_x").await;
            let took = began.elapsed();
            answer.is_refused(401, "invalid_client", "client_credentials_wrong");
            let after = world.app.db.stats();
            if round >= 20 {
                times[side].push(took);
                units[side] += after.read_units + after.write_units - before.read_units - before.write_units;
            }
        }
    }
    assert_eq!(units[0], units[1], "units of work");
    let [wrong, unknown] = times.map(median);
    let ratio = wrong.as_secs_f64() / unknown.as_secs_f64();
    // Wide enough for any machine; a password hash, or a look-up that is left out, is beyond it.
    assert!((0.5..2.0).contains(&ratio), "wrong secret {wrong:?}, unknown client {unknown:?}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
