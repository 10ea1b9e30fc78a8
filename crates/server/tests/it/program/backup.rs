//! `db backup`, `db restore` and `db copy`: what comes along, and what must stay dead.

use std::path::Path;

use serde_json::Value as Json;
use sql::Engine;
use sql::testing::engine;

use super::client::Client;
use super::support::{Demo, empty_database, run};

fn verb(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The rows of each table, as a verb reported them.
fn rows(report: &str, table: &str) -> Option<u64> {
    let report: Json = serde_json::from_str(report).unwrap();
    let row = report.as_array().unwrap().iter().find(|row| row["table"] == table)?;
    row["rows"].as_u64()
}

/// Another folder for the same demo: its secrets come along, its database does not.
fn moved(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(from.join("demo-seed.json"), folder.path().join("demo-seed.json")).unwrap();
    folder
}

/// A database of the engine under test where a demo in that folder will look for it.
fn database_of(folder: &Path, first: &Demo, from: &Path, server: &str) -> String {
    match engine() {
        Engine::Sqlite => first.text("/database_url").replace(from.to_str().unwrap(), folder.to_str().unwrap()),
        Engine::Postgres => server.to_owned(),
    }
}

fn token<'a>(answer: &'a (u16, Json), name: &str) -> &'a str {
    assert_eq!(answer.0, 200, "{}", answer.1);
    answer.1[name].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_comes_back_without_what_was_spent_or_ended_since() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _scratch) = empty_database();
    let demo = Demo::start(folder.path(), &database, 0, &[]);
    let port = demo.port();
    let client = Client::sign_in(&demo).await;
    assert!(client.is_signed_in().await);
    let waiting = client.code().await.unwrap();
    let first = client.redeem(&client.code().await.unwrap()).await.unwrap();
    let source = if engine() == Engine::Sqlite { demo.text("/database_url").to_owned() } else { database.clone() };

    let file = folder.path().join("backup.db");
    let to = file.to_str().unwrap();
    verb(&["db", "backup", "--database-url", &source, "--to", to]);
    assert!(refused(&["db", "backup", "--database-url", &source, "--to", to]).contains("exists"));
    let later = client.refresh(token(&first, "refresh_token")).await.unwrap();
    assert_eq!(client.redeem(&waiting).await.unwrap().0, 200, "spent after the backup");

    let (second_database, _second) = empty_database();
    let second_folder = moved(folder.path());
    let target = database_of(second_folder.path(), &demo, folder.path(), &second_database);
    demo.kill();
    let report = verb(&["db", "restore", "--database-url", &target, "--from", to, "--json"]);
    assert_eq!(rows(&report, "grants"), Some(1));
    assert_eq!((rows(&report, "sessions"), rows(&report, "authorization_codes")), (None, None));
    let again = refused(&["db", "restore", "--database-url", &target, "--from", to]);
    assert!(again.contains("in use"), "{again}");

    let restored = Demo::start(second_folder.path(), &second_database, port, &[]);
    assert_eq!(client.profile(token(&first, "access_token")).await, 401, "an access token of before the restore");
    assert_eq!(client.redeem(&waiting).await.unwrap().0, 400, "a code that was spent after the backup");
    assert!(!client.is_signed_in().await, "sessions of before are over");
    let newer = client.refresh(token(&later, "refresh_token")).await.unwrap();
    assert_eq!(newer.0, 400, "made after the backup: the database knows nothing of it");
    let refreshed = client.refresh(token(&first, "refresh_token")).await.unwrap();
    assert_eq!(client.profile(token(&refreshed, "access_token")).await, 200, "whoever held a grant goes on");
    drop(restored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_moves_to_another_one_and_everything_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _scratch) = empty_database();
    let demo = Demo::start(folder.path(), &database, 0, &[]);
    let port = demo.port();
    let client = Client::sign_in(&demo).await;
    let tokens = client.redeem(&client.code().await.unwrap()).await.unwrap();
    let source = if engine() == Engine::Sqlite { demo.text("/database_url").to_owned() } else { database.clone() };
    let (second_database, _second) = empty_database();
    let second_folder = moved(folder.path());
    let target = database_of(second_folder.path(), &demo, folder.path(), &second_database);
    demo.kill();

    // By way of the embedded engine, so that on PostgreSQL it goes there and back.
    let between = format!("sqlite:{}", folder.path().join("between.db").display());
    let there = verb(&["db", "copy", "--database-url", &source, "--to", &between, "--json"]);
    let back = verb(&["db", "copy", "--database-url", &between, "--to", &target, "--json"]);
    assert_eq!(there, back, "the same rows and digests");
    assert!(rows(&back, "users").unwrap() > 3 && rows(&back, "sessions").unwrap() >= 1);

    let moved = Demo::start(second_folder.path(), &second_database, port, &[]);
    assert_eq!(client.profile(token(&tokens, "access_token")).await, 200);
    assert_eq!(client.refresh(token(&tokens, "refresh_token")).await.unwrap().0, 200);
    assert!(client.is_signed_in().await, "whoever was signed in still is");
    drop(moved);
}

#[test]
fn a_database_that_is_not_there_is_neither_made_nor_copied() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}", folder.path().join("missing.db").display());
    let to = folder.path().join("new.db");
    let to = to.to_str().unwrap();
    assert!(refused(&["db", "backup", "--database-url", &missing, "--to", to]).contains("not there"));
    let copy = ["db", "copy", "--database-url", &missing, "--to", &format!("sqlite:{to}")];
    assert!(refused(&copy).contains("not there"));
    let restore = ["db", "restore", "--database-url", &missing, "--from", to];
    assert!(refused(&restore).contains("not there"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
