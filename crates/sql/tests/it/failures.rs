//! The process dies.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use sql::{DatabaseUrl, Db, testing, testing::Scratch};

use crate::support::{MIGRATIONS, insert, small, users};

const URL: &str = "SQL_TEST_CHILD_URL";

/// Run again as a child with a database's URL, this test writes and says what was answered, until
/// it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_kill() {
    if let Ok(url) = std::env::var(URL) {
        return write_until_killed(&url.parse().unwrap()).await;
    }
    let (url, _scratch) = Scratch::migrated(testing::engine(), MIGRATIONS);
    let mut answered = Vec::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failures::what_was_answered_survives_a_kill", "--nocapture"])
            .env(URL, url.with_password())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let answers =
            lines.map(|line| line.unwrap()).filter_map(|line| line.strip_prefix("answered ").map(str::to_owned));
        answered.extend(answers.take(200 * round));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let db = Db::open(&url, small()).await.unwrap();
    let there = users(&db).await;
    assert_eq!(answered.len(), 1200);
    for id in answered {
        assert!(there.binary_search(&id).is_ok(), "{id} was answered and is lost");
    }
}

async fn write_until_killed(url: &DatabaseUrl) {
    let db = Db::open(url, small()).await.unwrap();
    let writers = (0..8).map(|writer| {
        let db = db.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let id = format!("{}-{writer}-{number}", std::process::id());
                insert(&db, id.clone()).await.unwrap();
                // One write each: a line that is half written when the end comes is no answer.
                std::io::stdout().write_all(format!("answered {id}\n").as_bytes()).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}
