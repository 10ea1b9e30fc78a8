//! Moving a database to another one, whole and verified: the same tables, whichever engines are on either side.
//!
//! The source is read at one moment, table by table in the order of their primary keys, parents before children. Each
//! table is counted and digested on the way out; the target is read back and must give the same.

mod catalogue;
mod digest;

use tokio::sync::mpsc;

use crate::{Cell, Db, DbError, Engine, FromValue, Migration, Statement, ToValue, Tx, Value};
use catalogue::{Table, catalogue, lift};
use digest::Digest;

/// Rows that travel together: read in one statement, written in one transaction.
const PAGE: usize = 2_000;

/// Pages that may wait to be written.
const AHEAD: usize = 4;

/// A table that was copied and found the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// What its rows add up to, in hexadecimal; the same on both engines, whatever the order of rows.
    pub digest: String,
}

/// Copies every table of one database to another, but for those of `except`, which stay empty. The target must be one
/// that no program has used: it gets its schema here. Gives the tables in the order of their names.
///
/// # Errors
/// [`DbError::Migration`] when the target is in use or the source has another schema, [`DbError::Broken`] when what was
/// read back differs, and any other [`DbError`] of either database. What stands in the target is then of no use.
pub async fn copy(
    from: &Db,
    to: &Db,
    migrations: &[Migration],
    except: &'static [&'static str],
) -> Result<Vec<CopiedTable>, DbError> {
    if to.migrate(migrations).await?.len() < migrations.len() {
        return Err(DbError::Migration("the target database is in use: name a new, empty one".into()));
    }
    let tables = from.read(catalogue).await?;
    if to.read(catalogue).await? != tables {
        return Err(DbError::Migration(
            "the tables of the two databases differ: bring the source's schema up to date first (db migrate)".into(),
        ));
    }
    // What the migrations put into the tables comes with the copy.
    let emptied = tables.clone();
    to.write(move |tx| emptied.iter().rev().try_for_each(|table| tx.execute(&table.delete, &[]).map(drop))).await?;
    let wanted: Vec<Table> = tables.iter().filter(|table| !except.contains(&table.name.as_str())).cloned().collect();
    // Indexes are made from the whole of a table in a fraction of the time that it takes to keep them up to date. (SQLite
    // would sort all of it in memory.)
    let later = match to.engine() {
        Engine::Postgres => to.write(lift).await?,
        Engine::Sqlite => Vec::new(),
    };
    let sent = send(from, to, wanted).await?;
    for text in later {
        to.write(move |tx| make(tx, &text)).await?;
    }
    if to.engine() == Engine::Postgres {
        // Until it knows how much there is, it plans as if there were nothing.
        to.write(|tx| tx.be_patient().and_then(|()| tx.batch("ANALYZE", "ANALYZE"))).await?;
    }
    let mut copied = verify(to, tables, sent, except).await?;
    copied.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(copied)
}

enum Parcel {
    /// The unit that reads begins. A second time means that it had to begin again, half sent.
    Begin,
    Rows {
        table: usize,
        rows: Vec<Record>,
    },
}

/// Reads the tables at one moment and writes them page by page; gives what was read of each.
async fn send(from: &Db, to: &Db, tables: Vec<Table>) -> Result<Vec<(String, Digest)>, DbError> {
    let (parcels, mut arrived) = mpsc::channel(AHEAD);
    let (source, listed) = (from.clone(), tables.clone());
    let reading = tokio::spawn(async move {
        source
            .read(move |tx| {
                tx.be_patient()?;
                let gone = |_| DbError::Broken("the target stopped taking rows".into());
                parcels.blocking_send(Parcel::Begin).map_err(gone)?;
                for (index, table) in listed.iter().enumerate() {
                    each_page(tx, table, |rows| {
                        parcels.blocking_send(Parcel::Rows { table: index, rows }).map_err(gone)
                    })?;
                }
                Ok::<_, DbError>(())
            })
            .await
    });
    let mut digests = vec![Digest::default(); tables.len()];
    let mut begun = false;
    while let Some(parcel) = arrived.recv().await {
        match parcel {
            Parcel::Begin if begun => return Err(DbError::Contended("reading the source".into())),
            Parcel::Begin => begun = true,
            Parcel::Rows { table: index, rows } => {
                rows.iter().for_each(|row| digests[index].add(row));
                let table = tables[index].clone();
                let unit = move |tx: &mut Tx<'_>| tx.load(&table.insert, &table.copy, &mut rows.iter().map(values));
                to.write(unit).await?;
            }
        }
    }
    // The channel closes when the unit is over, whatever became of it.
    reading.await.map_err(|_| DbError::Panicked)??;
    Ok(tables.into_iter().map(|table| table.name).zip(digests).collect())
}

/// Reads the target back.
async fn verify(
    to: &Db,
    tables: Vec<Table>,
    sent: Vec<(String, Digest)>,
    except: &'static [&'static str],
) -> Result<Vec<CopiedTable>, DbError> {
    let found = to
        .read(move |tx| {
            tx.be_patient()?;
            let digest = |table: &Table| {
                let mut digest = Digest::default();
                each_page(tx, table, |rows| {
                    rows.iter().for_each(|row| digest.add(row));
                    Ok(())
                })?;
                Ok::<_, DbError>((table.name.clone(), digest))
            };
            tables.iter().map(digest).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    for (name, digest) in &found {
        let expected = sent.iter().find(|(sent, _)| sent == name).map_or_else(Digest::default, |(_, digest)| *digest);
        if *digest != expected {
            return Err(DbError::Broken(format!(
                "{name} came out different: {} rows were read, {} are there",
                expected.rows(),
                digest.rows()
            )));
        }
    }
    let kept = found.into_iter().filter(|(name, _)| !except.contains(&name.as_str()));
    Ok(kept.map(|(name, digest)| CopiedTable { name, rows: digest.rows(), digest: digest.to_hex() }).collect())
}

/// A row as it travels.
type Record = Vec<Field>;

/// An owned [`Value`].
#[derive(Clone)]
enum Field {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl FromValue for Field {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        Ok(match cell {
            Value::Null => Field::Null,
            Value::Int(int) => Field::Int(int),
            Value::Text(text) => Field::Text(text.to_owned()),
            Value::Blob(blob) => Field::Blob(blob.to_vec()),
        })
    }
}

impl ToValue for Field {
    fn to_value(&self) -> Value<'_> {
        match self {
            Field::Null => Value::Null,
            Field::Int(int) => Value::Int(*int),
            Field::Text(text) => Value::Text(text),
            Field::Blob(blob) => Value::Blob(blob),
        }
    }
}

/// Reads a table in the order of its key.
fn each_page(
    tx: &mut Tx<'_>,
    table: &Table,
    mut take: impl FnMut(Vec<Record>) -> Result<(), DbError>,
) -> Result<(), DbError> {
    let mut after: Option<Record> = None;
    loop {
        let read = |tx: &mut Tx<'_>, statement: &Statement, key: &[Value<'_>]| {
            tx.list(statement, key, |row| (0..table.columns.len()).map(|column| row.get(column)).collect())
        };
        let rows: Vec<Record> = match &after {
            None => read(tx, &table.first_page, &[])?,
            Some(key) => read(tx, &table.next_page, &values(key))?,
        };
        let is_last = rows.len() < PAGE;
        after = rows.last().map(|row| table.key.iter().map(|column| row[*column].clone()).collect());
        if !rows.is_empty() {
            take(rows)?;
        }
        if is_last {
            return Ok(());
        }
    }
}

fn make(tx: &mut Tx<'_>, text: &str) -> Result<(), DbError> {
    tx.be_patient()?;
    tx.batch("MAKE", "SET LOCAL maintenance_work_mem = '256MB'")?;
    tx.batch("MAKE", text)
}

fn values(row: &Record) -> Vec<Value<'_>> {
    row.iter().map(ToValue::to_value).collect()
}
