//! How many units of work a second: `cargo run --release -p sql --example throughput -- URL [SECONDS [CALLERS,…]]`.
//!
//! The unit is the one of a redeemed code: find the row, claim it, insert another. `URL` names an
//! empty database whose disk is the one to be measured.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use sql::{DatabaseUrl, Db, DbError, Migration, Options, params};

const MIGRATIONS: &[Migration] = &[Migration::common(
    1,
    "codes",
    "CREATE TABLE codes (hash BYTEA PRIMARY KEY, app TEXT NOT NULL, expires_at BIGINT NOT NULL, redeemed_at BIGINT);
     CREATE TABLE grants (id TEXT PRIMARY KEY, app TEXT NOT NULL, generation BIGINT NOT NULL);
     CREATE INDEX grants_app ON grants (app, id);",
)];

sql::statements! {
    INSERT_CODE = "INSERT INTO codes (hash, app, expires_at) VALUES ($1, $2, $3)";
    FIND_CODE = "SELECT app, expires_at, redeemed_at FROM codes WHERE hash = $1";
    CLAIM_CODE = "UPDATE codes SET redeemed_at = $1 WHERE hash = $2 AND redeemed_at IS NULL";
    INSERT_GRANT = "INSERT INTO grants (id, app, generation) VALUES ($1, $2, $3)";
}

fn hash(number: i64) -> [u8; 32] {
    // Spread over the tree, as real hashes are.
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&mixed.to_be_bytes());
    hash
}

async fn issue(db: &Db, from: i64, count: i64) {
    db.write(move |tx| {
        for number in from..from + count {
            tx.execute(&INSERT_CODE, params![hash(number), "app-1", 1_i64])?;
        }
        Ok::<_, DbError>(())
    })
    .await
    .unwrap();
}

async fn redeem(db: &Db, number: i64) {
    let hash = hash(number);
    let id = format!("{:016x}", (number as u64).rotate_left(40));
    let won = db
        .write(move |tx| {
            let found = tx.find(&FIND_CODE, params![hash], |row| {
                Ok((row.get::<String>(0)?, row.get::<i64>(1)?, row.get::<Option<i64>>(2)?))
            })?;
            let Some((app, _, None)) = found else {
                return Ok(false);
            };
            if tx.execute(&CLAIM_CODE, params![5_i64, hash])? == 0 {
                return Ok(false);
            }
            tx.execute(&INSERT_GRANT, params![id, app, 0_i64])?;
            Ok::<_, DbError>(true)
        })
        .await
        .unwrap();
    assert!(won);
}

async fn look_up(db: &Db, number: i64) {
    let hash = hash(number);
    db.read(move |tx| tx.one(&FIND_CODE, params![hash], |row| row.get::<String>(0)))
        .await
        .map_err(|e: DbError| e)
        .unwrap();
}

/// Processor time of this process so far, in seconds, by the system's count of hundredths.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

async fn measure(
    db: &Db,
    label: &str,
    callers: usize,
    time: Duration,
    numbers: &Arc<AtomicI64>,
    limit: i64,
    write: bool,
) {
    let before = db.stats();
    let processor = processor_seconds();
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let (db, numbers) = (db.clone(), numbers.clone());
        tasks.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            while start.elapsed() < time {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let number = if write { number } else { number % 80_000 };
                if number >= limit {
                    break;
                }
                let begun = Instant::now();
                if write {
                    redeem(&db, number).await
                } else {
                    look_up(&db, number).await
                }
                waits.push(begun.elapsed());
            }
            waits
        }));
    }
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    let seconds = start.elapsed().as_secs_f64();
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let after = db.stats();
    println!(
        "{label:5} {callers:3} callers: {:8.0} units/s, {:5.1} µs of CPU each, p50 {:6.2} ms, p99 {:6.2} ms, p99.9 {:6.2} ms, max {:6.2} ms, {:5.1} units a commit, log {} pages",
        waits.len() as f64 / seconds,
        (processor_seconds() - processor) * 1e6 / waits.len() as f64,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        (after.write_units - before.write_units) as f64 / (after.commits - before.commits).max(1) as f64,
        after.log_pages,
    );
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url: DatabaseUrl = arguments.next().unwrap_or_else(|| "sqlite:throughput.db".into()).parse().unwrap();
    let time = Duration::from_secs(arguments.next().map_or(5, |text| text.parse().unwrap()));
    let callers = arguments.next().unwrap_or_else(|| "1,8,32".into());
    let callers: Vec<usize> = callers.split(',').map(|text| text.parse().unwrap()).collect();
    let mut options = Options::default();
    let figure = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    options.connections = figure("CONNECTIONS").map_or(options.connections, |count| count as usize);
    options.checkpoint_pages = figure("CHECKPOINT_PAGES").unwrap_or(options.checkpoint_pages);
    options.log_pages = figure("LOG_PAGES").unwrap_or(options.log_pages);
    let db = Db::open(&url, options).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    let per_run = 60_000 * time.as_secs() as i64;
    let total = per_run * callers.len() as i64;
    for from in (0..total).step_by(5_000) {
        issue(&db, from, 5_000).await;
    }
    for (run, &callers) in callers.iter().enumerate() {
        let from = run as i64 * per_run;
        measure(&db, "write", callers, time, &Arc::new(AtomicI64::new(from)), from + per_run, true).await;
    }
    for &callers in &callers {
        measure(&db, "read", callers, time, &Arc::new(AtomicI64::new(0)), total, false).await;
    }
    db.close().await;
}
