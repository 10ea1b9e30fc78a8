//! The data sets on PostgreSQL: a database for each, filled by the product's own `db copy`.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use super::{DataSet, Place, file_size};
use crate::Fallible;
use crate::process::Memory;

/// Where the data sets are in a PostgreSQL: the URL of any of its databases, with another name at its end.
pub fn urls(url: &str) -> Fallible<[String; 3]> {
    let (server, rest) = url.rsplit_once('/').ok_or("the URL names no database")?;
    let options = rest.split_once('?').map(|(_, options)| format!("?{options}")).unwrap_or_default();
    Ok(DataSet::ALL.map(|set| format!("{server}/{}{options}", database(set))))
}

fn database(set: DataSet) -> String {
    format!("scale_{}", set.name())
}

/// A connection for what the product has no words for.
pub async fn connect(url: &str) -> Fallible<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::task::spawn_local(async { drop(connection.await) });
    Ok(client)
}

async fn exists(client: &Client, name: &str) -> Fallible<bool> {
    Ok(client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await?.is_some())
}

/// Copies each that is not there and says how long it took, what memory it took, and how large it is now.
pub async fn copy(place: &Place, url: &str) -> Fallible<()> {
    let client = connect(url).await?;
    for (set, to) in DataSet::ALL.into_iter().zip(urls(url)?) {
        let name = database(set);
        if exists(&client, &name).await? {
            continue;
        }
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let begun = Instant::now();
        let mut program = Command::new(&place.server);
        let from = format!("sqlite:{}", set.file(place).display());
        program.args(["db", "copy", "--json", "--database-url", &from, "--to", &to]).stdout(Stdio::piped());
        let (output, peak_kib) = watch(program.spawn()?)?;
        let tables: Vec<serde_json::Value> = serde_json::from_slice(&output)?;
        let rows: u64 = tables.iter().filter_map(|table| table["rows"].as_u64()).sum();
        let size: i64 = client.query_one("SELECT pg_database_size($1)", &[&name]).await?.get(0);
        println!(
            "{name}: {rows} rows of {} tables in {:.0?}, the program held {:.0} MiB; {:.2} GB, as SQLite {:.2} GB",
            tables.len(),
            begun.elapsed(),
            peak_kib as f64 / 1024.0,
            size as f64 / 1e9,
            file_size(&set.file(place))? as f64 / 1e9,
        );
    }
    Ok(())
}

/// Waits for a program; gives what it said and the most memory that it held.
pub fn watch(mut program: Child) -> Fallible<(Vec<u8>, u64)> {
    let mut peak = 0;
    let output = program.stdout.take();
    // What is said is short enough for the pipe.
    let status = loop {
        if let Some(status) = program.try_wait()? {
            break status;
        }
        if let Ok(memory) = Memory::of(program.id()) {
            peak = memory.peak_kib.max(peak);
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let mut said = Vec::new();
    if let Some(mut output) = output {
        std::io::Read::read_to_end(&mut output, &mut said)?;
    }
    if status.success() { Ok((said, peak)) } else { Err(format!("the program ended with {status}").into()) }
}
