//! A database with two small tables.

use sql::{DatabaseUrl, Db, DbError, Migration, Options, params, testing, testing::Scratch};

pub const MIGRATIONS: &[Migration] = &[Migration::common(
    1,
    "users",
    "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, seen BIGINT, hash BYTEA);
     CREATE TABLE grants (
         user_id TEXT NOT NULL REFERENCES users (id), app TEXT NOT NULL, note TEXT NOT NULL,
         UNIQUE (user_id, app));
     CREATE UNIQUE INDEX grants_lower_note ON grants (lower(note));
     CREATE TABLE words (word TEXT COLLATE \"C\" NOT NULL);",
)];

sql::statements! {
    INSERT_USER = "INSERT INTO users (id, email) VALUES ($1, $2)";
    FIND_SEEN = "SELECT seen FROM users WHERE id = $1";
    LIST_USERS = "SELECT id FROM users ORDER BY id";
    CLAIM = "UPDATE users SET seen = $1 WHERE id = $2 AND seen IS NULL";
}

/// An open database and its end.
pub struct Fixture {
    pub db: Db,
    #[expect(dead_code, reason = "for what comes")]
    pub url: DatabaseUrl,
    _scratch: Scratch,
}

pub async fn fixture_with(options: Options) -> Fixture {
    let (url, scratch) = Scratch::migrated(testing::engine(), MIGRATIONS);
    let db = Db::open(&url, options).await.unwrap();
    Fixture { db, url, _scratch: scratch }
}

pub async fn fixture() -> Fixture {
    fixture_with(Options { connections: 8, ..Options::default() }).await
}

impl Fixture {
    pub async fn insert(&self, id: &str) -> Result<(), DbError> {
        let id = id.to_owned();
        self.db.write(move |tx| tx.execute(&INSERT_USER, params![id, format!("{id}@example.test")]).map(drop)).await
    }

    pub async fn users(&self) -> Vec<String> {
        self.db.read(|tx| tx.list(&LIST_USERS, params![], |row| row.get(0))).await.map_err(|e: DbError| e).unwrap()
    }
}
