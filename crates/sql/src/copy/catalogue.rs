//! Which tables a database has, and the statements that move their rows.

use std::collections::BTreeSet;

use super::PAGE;
use crate::{DbError, Statement, Tx};

/// Columns of a database's own tables, in the order of the table's definition, with the place of each in the primary key
/// (counted from 1; 0 is not in it).
const LIST_COLUMNS: Statement = Statement::twin(
    "LIST_COLUMNS",
    "SELECT t.name, c.name, c.pk FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid",
    "SELECT t.relname, c.attname, COALESCE(array_position(k.conkey, c.attnum), 0)::BIGINT FROM pg_class AS t
     JOIN pg_attribute AS c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
     LEFT JOIN pg_constraint AS k ON k.conrelid = t.oid AND k.contype = 'p'
     WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::REGNAMESPACE ORDER BY t.relname, c.attnum",
);

/// Which table refers to which.
const LIST_REFERENCES: Statement = Statement::twin(
    "LIST_REFERENCES",
    "SELECT t.name, r.\"table\" FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS r
     WHERE t.type = 'table'",
    "SELECT t.relname, r.relname FROM pg_constraint AS k JOIN pg_class AS t ON t.oid = k.conrelid
     JOIN pg_class AS r ON r.oid = k.confrelid
     WHERE k.contype = 'f' AND t.relnamespace = current_schema()::REGNAMESPACE",
);

/// What stands on PostgreSQL's tables and can be made when the rows are there: one index or reference after the other, each
/// with what removes it and what makes it.
const LIST_LATER: Statement = Statement::new(
    "LIST_LATER",
    "SELECT 'DROP INDEX ' || quote_ident(i.relname), pg_get_indexdef(i.oid) FROM pg_index AS x
     JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE i.relnamespace = current_schema()::REGNAMESPACE
         AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
     UNION ALL
     SELECT 'ALTER TABLE ' || conrelid::REGCLASS || ' DROP CONSTRAINT ' || quote_ident(conname),
         'ALTER TABLE ' || conrelid::REGCLASS || ' ADD CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
     FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::REGNAMESPACE",
);

/// The tables of this crate: each database has its own.
const OWN: [&str; 3] = ["schema_migrations", "database_probe", "announcements"];

/// A table that can be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of their names: the engines may have added them in different orders.
    pub columns: Vec<String>,
    /// The columns of the primary key, by their index in `columns`.
    pub key: Vec<usize>,
    pub first_page: Statement,
    pub next_page: Statement,
    /// Takes one row.
    pub insert: Statement,
    /// Takes rows from the connection, where the engine can do that.
    pub copy: Statement,
    pub delete: Statement,
}

/// The tables, each after those it refers to.
///
/// # Errors
/// [`DbError::Broken`] when a table has no primary key or tables refer to each other in a circle.
pub fn catalogue(tx: &mut Tx<'_>) -> Result<Vec<Table>, DbError> {
    let columns: Vec<(String, String, i64)> =
        tx.list(&LIST_COLUMNS, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let references: Vec<(String, String)> = tx.list(&LIST_REFERENCES, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let names: BTreeSet<&str> = columns.iter().map(|(table, _, _)| table.as_str()).collect();
    let mut tables = Vec::new();
    for name in names.into_iter().filter(|name| !OWN.contains(name)) {
        let mut own: Vec<(&str, i64)> = columns
            .iter()
            .filter(|(table, _, _)| table == name)
            .map(|(_, name, place)| (name.as_str(), *place))
            .collect();
        own.sort_unstable();
        let mut key: Vec<usize> = (0..own.len()).filter(|index| own[*index].1 > 0).collect();
        key.sort_by_key(|index| own[*index].1);
        if key.is_empty() {
            return Err(DbError::Broken(format!("{name} has no primary key")));
        }
        let columns = own.into_iter().map(|(name, _)| name.to_owned()).collect();
        tables.push(Table::new(name, columns, key));
    }
    in_order(tables, &references)
}

/// Removes what PostgreSQL would keep up to date for every row that is written, and gives the texts that make it again.
pub fn lift(tx: &mut Tx<'_>) -> Result<Vec<String>, DbError> {
    let later: Vec<(String, String)> = tx.list(&LIST_LATER, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (removal, _) in &later {
        tx.batch("LIFT", removal)?;
    }
    Ok(later.into_iter().map(|(_, text)| text).collect())
}

fn in_order(mut waiting: Vec<Table>, references: &[(String, String)]) -> Result<Vec<Table>, DbError> {
    let mut ordered: Vec<Table> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let stands = |name: &str, ordered: &[Table]| ordered.iter().any(|table| table.name == name);
        let is_ready = |table: &Table| {
            let mut parents = references.iter().filter(|(child, _)| *child == table.name).map(|(_, parent)| parent);
            parents.all(|parent| *parent == table.name || stands(parent, &ordered))
        };
        let (ready, rest): (Vec<Table>, Vec<Table>) = waiting.into_iter().partition(is_ready);
        if ready.is_empty() {
            let names: Vec<&str> = rest.iter().map(|table| table.name.as_str()).collect();
            return Err(DbError::Broken(format!("tables refer to each other in a circle: {}", names.join(", "))));
        }
        ordered.extend(ready);
        waiting = rest;
    }
    Ok(ordered)
}

impl Table {
    fn new(name: &str, columns: Vec<String>, key: Vec<usize>) -> Table {
        let (quoted, all, width) = (quote(name), list(columns.iter()), columns.len());
        let order = list(key.iter().map(|index| &columns[*index]));
        let after = marks(key.len());
        Table {
            first_page: lasting(format!("SELECT {all} FROM {quoted} ORDER BY {order} LIMIT {PAGE}")),
            next_page: lasting(format!(
                "SELECT {all} FROM {quoted} WHERE ({order}) > ({after}) ORDER BY {order} LIMIT {PAGE}"
            )),
            insert: lasting(format!("INSERT INTO {quoted} ({all}) VALUES ({})", marks(width))),
            copy: lasting(format!("COPY {quoted} ({all}) FROM STDIN (FORMAT BINARY)")),
            delete: lasting(format!("DELETE FROM {quoted}")),
            name: name.to_owned(),
            columns,
            key,
        }
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

fn marks(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// Statements are constants everywhere else. These few, made once a table, live as long as the program too.
fn lasting(text: String) -> Statement {
    Statement::new("copy", Box::leak(text.into_boxed_str()))
}
