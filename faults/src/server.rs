//! The server under test: the built program, started as its operator would.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::Fallible;
use crate::shim::Shim;

/// What `demo --json` says about itself, as far as it is needed here.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// The sample client, which may ask for everything.
    pub client: Client,
    /// Every app.
    pub apps: Vec<App>,
    /// The people.
    pub users: Vec<Person>,
}

/// An app's credentials.
#[derive(Debug, Clone, Deserialize)]
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

/// The server, and how it is started again.
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    /// Where the database is, as the server knows it.
    pub database_url: String,
    /// Where it is called.
    pub issuer: String,
    /// What `demo` said.
    pub report: Report,
    /// Its disk and clock.
    pub shim: Shim,
    process: Option<Child>,
}

impl Server {
    /// Lets `demo` fill an empty database with people and apps, then serves it with `serve`.
    pub async fn start(program: &Path, folder: &Path, database_url: &str, shim: Shim) -> Fallible<Server> {
        let report = seed(program, folder, database_url)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Server {
            program: program.to_owned(),
            folder: folder.to_owned(),
            database_url: database_url.to_owned(),
            issuer: format!("http://127.0.0.1:{port}"),
            report,
            shim,
            process: None,
        };
        server.launch()?;
        server.wait_until_ready(Duration::from_secs(30)).await?;
        Ok(server)
    }

    /// Starts the process, which must not be running, without waiting for it.
    pub fn launch(&mut self) -> Fallible<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let listen = self.issuer.trim_start_matches("http://");
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .envs(self.shim.environment())
            .env("JIOMEET_OAUTH_SERVER__LISTEN", listen)
            .env("JIOMEET_OAUTH_SERVER__ISSUER", &self.issuer)
            .env("JIOMEET_OAUTH_DATABASE__URL", &self.database_url)
            .env("JIOMEET_OAUTH_KEYS__SIGNING_ALGORITHM", "ES256")
            .env("JIOMEET_OAUTH_SCREENING__ONLINE", "false")
            .env("JIOMEET_OAUTH_LIMITS__SILENT_AUTHORIZATIONS", "0")
            .env("JIOMEET_OAUTH_LOG__FILTER", "warn")
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(command.spawn()?);
        Ok(())
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

    /// Where its log is.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Waits until it says that it is ready, and says how long that took.
    pub async fn wait_until_ready(&mut self, patience: Duration) -> Fallible<Duration> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build()?;
        let begun = Instant::now();
        let url = format!("{}/readyz", self.issuer);
        while begun.elapsed() < patience {
            if let Ok(answer) = http.get(&url).send().await
                && answer.status().is_success()
            {
                return Ok(begun.elapsed());
            }
            if self.has_ended() {
                return Err(format!("the server has ended, see {}", self.log().display()).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the server is not ready after {patience:?}, see {}", self.log().display()).into())
    }

    /// Runs a command of the program on the same database and gives what it printed.
    pub async fn command(&self, arguments: &[&str]) -> Fallible<String> {
        let mut command = tokio::process::Command::new(&self.program);
        let output = command.args(arguments).args(["--database-url", &self.database_url]).output().await?;
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

fn seed(program: &Path, folder: &Path, database_url: &str) -> Fallible<Report> {
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
