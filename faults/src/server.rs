//! A server under test: the built program, started as its operator would.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::Fallible;
use crate::shim::Shim;

/// What `demo --json` says about itself, as far as it is needed here.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Report {
    /// The sample client, which may ask for everything.
    pub client: Client,
    /// Every app.
    pub apps: Vec<App>,
    /// The people.
    pub users: Vec<Person>,
}

/// An app's credentials.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where codes go.
    pub redirect_uri: String,
}

/// An app.
#[derive(Debug, Clone, Deserialize)]
pub struct App {
    /// Its id.
    pub app_id: String,
    /// Its name.
    pub name: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    redirect_uris: Vec<String>,
}

/// A person.
#[derive(Debug, Clone, Deserialize)]
pub struct Person {
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: String,
    /// The account's id.
    pub user_id: String,
}

impl Report {
    /// The person of that address.
    pub fn person(&self, email: &str) -> Fallible<Person> {
        let found = self.users.iter().find(|person| person.email == email);
        found.cloned().ok_or_else(|| format!("the demo has nobody with the address {email}").into())
    }

    /// The app of that name.
    pub fn app(&self, name: &str) -> Fallible<App> {
        let found = self.apps.iter().find(|app| app.name == name);
        found.cloned().ok_or_else(|| format!("the demo has no app {name}").into())
    }
}

impl App {
    /// What it authenticates with.
    pub fn client(&self) -> Fallible<Client> {
        let (Some(client_id), Some(client_secret), Some(redirect_uri)) =
            (self.client_id.clone(), self.client_secret.clone(), self.redirect_uris.first().cloned())
        else {
            return Err(format!("{} has no credentials", self.name).into());
        };
        Ok(Client { client_id, client_secret, redirect_uri })
    }
}

/// Where a server is and what it is told.
pub struct Place {
    /// The built program.
    pub program: PathBuf,
    /// Where it logs to.
    pub log: PathBuf,
    /// Where clients come in.
    pub issuer: String,
    /// Where the database is, as the server knows it.
    pub database_url: String,
    /// Its disk and clock.
    pub shim: Shim,
}

/// A server, and how it is started again.
pub struct Server {
    /// Where it is.
    pub place: Place,
    /// Where it listens itself.
    pub address: SocketAddr,
    process: Option<Child>,
}

impl Server {
    /// One that serves there with `serve` once it is launched.
    pub fn new(place: Place) -> Fallible<Server> {
        let address = ([127, 0, 0, 1], crate::postgres::free_port()?).into();
        Ok(Server { place, address, process: None })
    }

    /// Starts the process, which must not be running, without waiting for it.
    pub fn launch(&mut self) -> Fallible<()> {
        let Place { program, log, issuer, database_url, shim } = &self.place;
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .envs(shim.environment())
            .env("JIOMEET_OAUTH_SERVER__LISTEN", self.address.to_string())
            .env("JIOMEET_OAUTH_SERVER__ISSUER", issuer)
            .env("JIOMEET_OAUTH_DATABASE__URL", database_url)
            .env("JIOMEET_OAUTH_KEYS__SIGNING_ALGORITHM", "ES256")
            .env("JIOMEET_OAUTH_SCREENING__ONLINE", "false")
            .env("JIOMEET_OAUTH_LIMITS__SILENT_AUTHORIZATIONS", "0")
            .env("JIOMEET_OAUTH_LOG__FILTER", "warn")
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(command.spawn()?);
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop_in_order(mut self) -> Fallible<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let _ = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        let stopped = tokio::task::spawn_blocking(move || process.wait());
        let status = tokio::time::timeout(Duration::from_secs(30), stopped).await???;
        if status.success() {
            Ok(())
        } else {
            Err(format!("a server that was asked to stop ended with {status}").into())
        }
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) -> Fallible<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Whether the process has ended by itself, which it never should.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(Some(_))))
    }

    /// Waits until it says that it is ready, and says how long that took.
    pub async fn wait_until_ready(&mut self, patience: Duration) -> Fallible<Duration> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build()?;
        let begun = Instant::now();
        let url = format!("http://{}/readyz", self.address);
        while begun.elapsed() < patience {
            if let Ok(answer) = http.get(&url).send().await
                && answer.status().is_success()
            {
                return Ok(begun.elapsed());
            }
            if self.has_ended() {
                return Err(format!("the server has ended, see {}", self.place.log.display()).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the server is not ready after {patience:?}, see {}", self.place.log.display()).into())
    }

    /// Runs a command of the program on the same database and gives what it printed.
    pub async fn command(&self, arguments: &[&str]) -> Fallible<String> {
        let mut command = tokio::process::Command::new(&self.place.program);
        let output = command.args(arguments).args(["--database-url", &self.place.database_url]).output().await?;
        if !output.status.success() {
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Lets `demo` fill an empty database with people and apps.
pub fn seed(program: &Path, folder: &Path, database_url: &str) -> Fallible<Report> {
    use std::io::BufRead as _;
    let log = File::create(folder.join("demo.log"))?;
    let mut command = Command::new(program);
    command.args(["demo", "--json", "--listen", "127.0.0.1:0", "--client-listen", "127.0.0.1:0"]);
    command.args(["--database-url", database_url, "--data-dir"]).arg(folder.join("demo"));
    command.env("JIOMEET_OAUTH_KEYS__SIGNING_ALGORITHM", "ES256");
    let mut process = command.stdout(Stdio::piped()).stderr(log).spawn()?;
    let mut line = String::new();
    if let Some(output) = process.stdout.take() {
        std::io::BufReader::new(output).read_line(&mut line)?;
    }
    let report = serde_json::from_str(&line);
    process.kill()?;
    process.wait()?;
    report.map_err(|error| format!("the demo did not start ({error}), see {}", folder.display()).into())
}
