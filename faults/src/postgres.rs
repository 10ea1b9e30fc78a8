//! PostgreSQL servers of our own, durable as in real life, which can be killed and promoted.
//!
//! PostgreSQL refuses to run as root: root runs it as the user postgres, or nobody.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use crate::Fallible;
use crate::shim::Shim;

/// Where PostgreSQL's programs are, and who runs them.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
    owner: Option<(u32, u32)>,
}

/// One server.
pub struct Postgres {
    programs: Programs,
    /// Its files.
    pub data: PathBuf,
    /// Its own port.
    pub address: SocketAddr,
    /// Its disk.
    pub shim: Shim,
    process: Option<Child>,
}

impl Programs {
    /// Finds the newest version that is installed.
    pub fn find() -> Fallible<Programs> {
        let mut found: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
            found.push(entry.path().join("bin"));
        }
        found.retain(|folder| folder.join("initdb").exists());
        found.sort();
        let folder =
            found.pop().ok_or("no initdb found: install PostgreSQL 15 or newer (apt-get install postgresql)")?;
        let number = |option: &str, name: &str| -> Option<u32> {
            let output =
                Command::new("id").args([option, name]).output().ok().filter(|output| output.status.success())?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        let own = Command::new("id").arg("-u").output()?;
        let is_root = String::from_utf8_lossy(&own.stdout).trim() == "0";
        let ids = |name| number("-u", name).zip(number("-g", name));
        let owner = is_root.then(|| ids("postgres").or_else(|| ids("nobody"))).flatten();
        Ok(Programs { folder, owner })
    }

    /// Makes a folder that the servers may write in.
    pub fn make_folder(&self, folder: &Path) -> Fallible<()> {
        std::fs::create_dir_all(folder)?;
        if let Some((user, group)) = self.owner {
            std::os::unix::fs::chown(folder, Some(user), Some(group))?;
        }
        Ok(())
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn run(&self, name: &str, arguments: &[&str], log: &Path) -> Fallible<()> {
        let file = std::fs::File::options().create(true).append(true).open(log)?;
        let status = self.command(name).args(arguments).stderr(file).status()?;
        if status.success() { Ok(()) } else { Err(format!("{name} failed, see {}", log.display()).into()) }
    }
}

impl Postgres {
    /// A new, empty server, which is not running yet.
    pub fn init(programs: &Programs, folder: &Path, name: &str, port: u16, shim: Shim) -> Fallible<Postgres> {
        let data = folder.join(name);
        let place = data.display().to_string();
        let options = ["--pgdata", &place, "--username", "test", "--auth", "trust", "--encoding", "UTF8"];
        let more = ["--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en-US", "--no-sync"];
        let options: Vec<&str> = options.into_iter().chain(more).collect();
        programs.run("initdb", &options, &data.with_extension("log"))?;
        Ok(Postgres { programs: programs.clone(), data, address: ([127, 0, 0, 1], port).into(), shim, process: None })
    }

    /// A replica of this server in another place, which is not running yet.
    pub fn copy(&self, name: &str, port: u16, shim: Shim) -> Fallible<Postgres> {
        let data = self.data.with_file_name(name);
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        let url = format!("postgres://test@{}/postgres?application_name={name}", self.address);
        let place = data.display().to_string();
        let options = ["-D", &place, "-d", &url, "-R", "-X", "stream", "-c", "fast", "--no-sync"];
        self.programs.run("pg_basebackup", &options, &data.with_extension("log"))?;
        let address = ([127, 0, 0, 1], port).into();
        Ok(Postgres { programs: self.programs.clone(), data, address, shim, process: None })
    }

    /// Starts it without waiting. Commits reach the disk.
    pub fn launch(&mut self) -> Fallible<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.data.with_extension("log"))?;
        let port = format!("port={}", self.address.port());
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(&self.data);
        for setting in [
            "listen_addresses=127.0.0.1",
            &port,
            "unix_socket_directories=",
            "fsync=on",
            "full_page_writes=on",
            "synchronous_commit=on",
            "max_connections=100",
            "shared_buffers=64MB",
            "wal_level=replica",
            "wal_receiver_status_interval=1s",
            "wal_retrieve_retry_interval=100ms",
        ] {
            command.args(["-c", setting]);
        }
        command.envs(self.shim.environment()).stderr(log);
        self.process = Some(command.spawn()?);
        Ok(())
    }

    /// Starts it unless it runs, again if it gives up at once, and waits until it answers.
    pub async fn start(&mut self) -> Fallible<()> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if self.ask("SELECT 1").await.is_ok() {
                return Ok(());
            }
            if self.has_ended() {
                self.launch()?;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("PostgreSQL does not start, see {}", self.data.with_extension("log").display()).into())
    }

    /// Whether the process is gone.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| !matches!(process.try_wait(), Ok(None)))
    }

    /// Ends all its processes at once, as a power cut would.
    pub fn kill(&mut self) -> Fallible<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let main = process.id().to_string();
        let signal = |which: &str, processes: &[&str]| {
            let _ = Command::new("kill").arg(which).args(processes).stderr(Stdio::null()).status();
        };
        // Stopped first, they end together: none goes on for a moment without the others, or is missed.
        signal("-STOP", &[&main]);
        let children = std::fs::read_to_string(format!("/proc/{main}/task/{main}/children")).unwrap_or_default();
        let children: Vec<&str> = children.split_whitespace().collect();
        signal("-STOP", &children);
        signal("-KILL", &children);
        process.kill()?;
        process.wait()?;
        let is_there = |child: &&str| {
            let about = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            about.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
        };
        let begun = Instant::now();
        while children.iter().any(is_there) && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let lock = self.data.join("postmaster.pid");
        let _ = std::fs::remove_file(lock);
        Ok(())
    }

    /// Ends all sessions in order, as an operator's restart does.
    pub async fn stop_in_order(&mut self) -> Fallible<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let _ = Command::new("kill").args(["-INT", &process.id().to_string()]).status();
        tokio::task::spawn_blocking(move || process.wait()).await??;
        Ok(())
    }

    /// Runs statements as the superuser.
    pub async fn ask(&self, sql: &str) -> Fallible<String> {
        let url = format!("postgres://test@{}/postgres?connect_timeout=2", self.address);
        let work = async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            tokio::spawn(connection);
            let rows = client.simple_query(sql).await?;
            let first = rows.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(first.unwrap_or_default())
        };
        tokio::time::timeout(Duration::from_secs(20), work).await?
    }

    /// Waits until the statement answers `wanted`.
    pub async fn wait_for(&self, sql: &str, wanted: &str) -> Fallible<()> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if self.ask(sql).await.is_ok_and(|answer| answer == wanted) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("PostgreSQL does not answer {wanted} to {sql}").into())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A port that is free now.
pub fn free_port() -> Fallible<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
