//! The server on a large data set: how it is made, and what is slower on it than on an empty one.
//!
//! [`rows`] draws people, apps, tokens and meetings, always the same ones, and [`loader`] writes them into an embedded
//! database; the product's own `db copy` takes them to PostgreSQL.

mod databases;
mod desk;
mod dice;
mod expiry;
mod latency;
mod loader;
mod operations;
mod plans;
mod probes;
mod rows;
mod size;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiomeet_oauth::time::Clock;

use crate::Fallible;
use crate::deployment::{Deployment, Setting};
use rows::World;
use size::{SMALL, Size};

/// The server on a large data set.
#[derive(Debug, Args)]
pub struct Scale {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Make the data sets: an empty one, a fiftieth and the whole, each in a folder of its own, where it is not there yet.
    Load(Load),
    /// Take them to a PostgreSQL, by the product's own `db copy`, each into a database of its own, likewise.
    Copy(Copy),
    /// Ask everything on each of them and compare.
    Measure(Measure),
    /// Explain every statement of the program on the large one.
    Plans(Plans),
    /// Let a million rows expire at once while people go on.
    Expiry(Expiry),
    /// Start, look up, back up.
    Operations(Operations),
    /// All of that: what is there already is not made again.
    All(Measure),
}

/// Where the data sets are and which server runs on them.
#[derive(Debug, Args)]
struct Place {
    /// The built server.
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// Where the data sets are.
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct Load {
    #[command(flatten)]
    place: Place,
    /// How much of a million people, a hundred thousand apps, ten million tokens and ten million meetings.
    #[arg(long, value_name = "PART", default_value = "1")]
    factor: f64,
}

#[derive(Debug, Args)]
struct Copy {
    #[command(flatten)]
    place: Place,
    /// The PostgreSQL, by any database of it.
    #[arg(long, value_name = "URL")]
    database_url: String,
}

#[derive(Debug, Args)]
struct Measure {
    #[command(flatten)]
    place: Place,
    /// The part that was loaded.
    #[arg(long, value_name = "PART", default_value = "1")]
    factor: f64,
    /// The PostgreSQL where `copy` put them, in place of the embedded ones.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How often each question is asked.
    #[arg(long, value_name = "NUMBER", default_value = "300")]
    calls: usize,
    /// How often all of it is done.
    #[arg(long, value_name = "NUMBER", default_value = "2")]
    rounds: usize,
}

#[derive(Debug, Args)]
struct Plans {
    #[command(flatten)]
    place: Place,
    /// The PostgreSQL where `copy` put the data sets, in place of the embedded ones.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Args)]
struct Expiry {
    #[command(flatten)]
    place: Place,
    /// The PostgreSQL where `copy` put the data sets, in place of the embedded ones.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How many rows expire.
    #[arg(long, value_name = "NUMBER", default_value = "1000000")]
    rows: u64,
}

#[derive(Debug, Args)]
struct Operations {
    #[command(flatten)]
    place: Place,
    /// The PostgreSQL where `copy` put the data sets, in place of the embedded ones.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How many revocations are to be remembered at a start.
    #[arg(long, value_name = "NUMBER", default_value = "900000")]
    revocations: u64,
    /// Also back up, which needs as much of the disk again.
    #[arg(long)]
    backup: bool,
}

/// The large data set's database on that PostgreSQL.
fn large(database_url: Option<&str>) -> Fallible<Option<String>> {
    let urls = database_url.map(databases::urls).transpose()?;
    Ok(urls.map(|[_, _, large]| large))
}

/// The data sets, by the names of their folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DataSet {
    /// The demo's people and apps alone.
    Empty,
    /// A fiftieth of the whole: pages are as full, tables are not.
    Small,
    /// All of it.
    Large,
}

impl DataSet {
    const ALL: [DataSet; 3] = [DataSet::Empty, DataSet::Small, DataSet::Large];

    const fn name(self) -> &'static str {
        match self {
            DataSet::Empty => "empty",
            DataSet::Small => "small",
            DataSet::Large => "large",
        }
    }

    fn folder(self, place: &Place) -> PathBuf {
        place.folder.join(self.name())
    }

    fn file(self, place: &Place) -> PathBuf {
        self.folder(place).join("data/jiomeet-oauth.db")
    }

    /// The server on it.
    fn start(self, place: &Place, database_url: Option<&str>) -> Fallible<Deployment> {
        Deployment::start(&Setting {
            program: &place.server,
            folder: &self.folder(place),
            algorithm: "ES256",
            database_url,
        })
    }
}

impl Scale {
    /// Runs the step.
    pub fn run(self) -> Fallible<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        tokio::task::LocalSet::new().block_on(&runtime, async {
            match self.step {
                Step::Load(load) => load.run(),
                Step::Copy(Copy { place, database_url }) => databases::copy(&place, &database_url).await,
                Step::Measure(measure) => measure.run().await,
                Step::Plans(Plans { place, database_url }) => {
                    let url = large(database_url.as_deref())?;
                    println!("{}", plans::look(&DataSet::Large.file(&place), url.as_deref()).await?);
                    Ok(())
                }
                Step::Expiry(Expiry { place, database_url, rows }) => {
                    let url = large(database_url.as_deref())?;
                    println!("{}", expiry::watch(&place, url.as_deref(), rows).await?);
                    Ok(())
                }
                Step::Operations(Operations { place, database_url, revocations, backup }) => {
                    let url = large(database_url.as_deref())?;
                    println!("{}", operations::measure(&place, url.as_deref(), revocations, backup).await?);
                    Ok(())
                }
                Step::All(all) => all.everything().await,
            }
        })
    }
}

impl Load {
    fn run(&self) -> Fallible<()> {
        let sizes = [None, Some(Size::of(SMALL)?), Some(Size::of(self.factor)?)];
        for (set, size) in DataSet::ALL.into_iter().zip(sizes) {
            let folder = set.folder(&self.place);
            std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            if set.file(&self.place).exists() {
                eprintln!("{} is there: remove it to load anew", folder.display());
                continue;
            }
            // Once for the schema and the people.
            let report = {
                let mut deployment = set.start(&self.place, None)?;
                deployment.stop()?;
                deployment.report.clone()
            };
            if let Some(size) = size {
                eprintln!("{}: {size:?}", set.name());
                World::fill(&set.file(&self.place), &report, size, Clock::system().now().as_millis())?;
            }
            let bytes = file_size(&set.file(&self.place))?;
            println!("{}: {:.2} GB", folder.display(), bytes as f64 / 1e9);
        }
        Ok(())
    }
}

impl Measure {
    async fn run(&self) -> Fallible<()> {
        let size = Size::of(self.factor)?;
        let urls = self.database_url.as_deref().map(databases::urls).transpose()?;
        let measured = latency::measure(&self.place, urls.as_ref(), size, self.calls, self.rounds).await?;
        println!("{measured}");
        Ok(())
    }

    async fn everything(&self) -> Fallible<()> {
        let Place { server, folder } = &self.place;
        let place = Place { server: server.clone(), folder: folder.clone() };
        Load { place, factor: self.factor }.run()?;
        if let Some(url) = &self.database_url {
            databases::copy(&self.place, url).await?;
        }
        let (place, url) = (&self.place, large(self.database_url.as_deref())?);
        let (url, users) = (url.as_deref(), Size::of(self.factor)?.users);
        println!("{}", operations::measure(place, url, users * 9 / 10, false).await?);
        println!("{}", plans::look(&DataSet::Large.file(place), url).await?);
        self.run().await?;
        println!("{}", expiry::watch(place, url, users).await?);
        Ok(())
    }
}

fn file_size(file: &Path) -> Fallible<u64> {
    Ok(std::fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?.len())
}
