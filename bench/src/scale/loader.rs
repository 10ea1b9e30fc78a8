//! Writes rows into an embedded database that nobody else has open, as quickly as the disk takes them: without a journal,
//! and with the indexes and triggers made after the rows.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags, Statement};

use crate::Fallible;

/// An embedded database that is being filled.
pub struct Loader {
    connection: Connection,
    /// What stood on the tables, to be made again.
    schema: Vec<String>,
    begun: Instant,
}

impl Loader {
    /// Opens a database that has its schema, and takes its indexes and triggers away.
    pub fn open(file: &Path) -> Fallible<Loader> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // A load that fails leaves a file of no use: it is made anew, never mended.
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
             PRAGMA foreign_keys = OFF; PRAGMA cache_size = -1000000; PRAGMA threads = 2;",
        )?;
        let listed = "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
            AND tbl_name <> 'announcements' ORDER BY type, name";
        let mut schema = Vec::new();
        let mut statement = connection.prepare(listed)?;
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let found = rows.collect::<Result<Vec<(String, String, String)>, _>>()?;
        drop(statement);
        for (kind, name, text) in found {
            connection.execute_batch(&format!("DROP {kind} {name}"))?;
            schema.push(text);
        }
        Ok(Loader { connection, schema, begun: Instant::now() })
    }

    /// Writes one row for each number. `row` binds and executes; it may write several rows, or none.
    pub fn fill(
        &mut self,
        what: &str,
        insert: &str,
        count: u64,
        mut row: impl FnMut(&mut Statement<'_>, u64) -> rusqlite::Result<()>,
    ) -> Fallible<()> {
        let begun = Instant::now();
        self.connection.execute_batch("BEGIN")?;
        {
            let mut statement = self.connection.prepare(insert)?;
            for number in 0..count {
                row(&mut statement, number).map_err(|error| format!("{what} {number}: {error}"))?;
            }
        }
        self.connection.execute_batch("COMMIT")?;
        eprintln!("{what}: {count} in {:.1?}", begun.elapsed());
        Ok(())
    }

    /// One statement over rows that are there.
    pub fn run(&mut self, what: &str, statement: &str) -> Fallible<()> {
        let begun = Instant::now();
        let rows = self.connection.execute(statement, ()).map_err(|error| format!("{what}: {error}"))?;
        eprintln!("{what}: {rows} in {:.1?}", begun.elapsed());
        Ok(())
    }

    /// Makes those indexes now whose name begins so; what follows may read in their order.
    pub fn index(&mut self, names: &str) -> Fallible<()> {
        let begins = |text: &String| {
            let name = text.split_whitespace().nth(2).unwrap_or_default();
            text.starts_with("CREATE INDEX") && name.starts_with(names)
        };
        let (now, later): (Vec<String>, Vec<String>) = self.schema.drain(..).partition(begins);
        self.schema = later;
        for text in now {
            let begun = Instant::now();
            self.connection.execute_batch(&text)?;
            let name = text.split_whitespace().nth(2).unwrap_or_default().to_owned();
            eprintln!("index {name} in {:.1?}", begun.elapsed());
        }
        Ok(())
    }

    /// Makes the indexes and triggers and closes the database as the server expects it.
    pub fn finish(mut self) -> Fallible<()> {
        self.index("")?;
        for text in std::mem::take(&mut self.schema) {
            self.connection.execute_batch(&text)?;
        }
        self.connection
            .execute_batch("PRAGMA locking_mode = NORMAL; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;")?;
        self.connection.close().map_err(|(_, error)| error)?;
        eprintln!("written in {:.0?}", self.begun.elapsed());
        Ok(())
    }

    /// A value that is there already.
    pub fn find(&self, query: &str, with: &str) -> Fallible<String> {
        let found = self.connection.query_row(query, (with,), |row| row.get(0));
        found.map_err(|error| format!("{query} with {with}: {error}").into())
    }
}
