//! Where the server is, and how its connections are secured and set up.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::voice::{Voice, drive};
use crate::{DbError, Options};

/// Where systems keep the authorities that they trust.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A server, or several of which one takes writes, its bounds and its certificates' authorities.
pub(crate) struct Target {
    /// The URL's, with all hosts.
    config: Config,
    /// One for each host, so that a host that is silent does not take the time of the others.
    hosts: Vec<Config>,
    /// Which of them let us in last.
    last: AtomicUsize,
    tls: Option<MakeRustlsConnect>,
    setup: String,
    pub statement_timeout: Duration,
    pub connect_timeout: Duration,
}

/// What the driver leaves to us of a URL.
pub(crate) struct Parsed {
    config: Config,
    root_certificates: Option<PathBuf>,
}

impl Target {
    /// Reads the URL. `sslmode` is `disable` (also when it is absent) or `require`, `verify-ca` and
    /// `verify-full`, which mean the same here: encrypted, and certificate and host name are checked
    /// against `sslrootcert` or the system's authorities.
    pub fn parse(url: &str) -> Result<Parsed, String> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut root_certificates = None;
        let mut mode = SslMode::Disable;
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslrootcert", "system")) => {}
                Some(("sslrootcert", path)) => root_certificates = Some(PathBuf::from(path)),
                Some(("sslmode", "disable")) => mode = SslMode::Disable,
                Some(("sslmode", "require" | "verify-ca" | "verify-full")) => mode = SslMode::Require,
                Some(("sslmode", _)) => return Err("sslmode is disable or verify-full".to_owned()),
                _ => rest.push(pair),
            }
        }
        let text = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
        config.ssl_mode(mode);
        Ok(Parsed { config, root_certificates })
    }

    pub fn new(url: &str, options: &Options) -> Result<Self, DbError> {
        let Parsed { mut config, root_certificates } = Self::parse(url).map_err(DbError::Broken)?;
        if config.get_application_name().is_none() {
            config.application_name(&options.application_name);
        }
        config.connect_timeout(options.connect_timeout);
        // A peer that is gone without a word is noticed by a connection that waits, and by one that sends.
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(3));
        config.keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(8));
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(client_config(root_certificates)?)),
        };
        let remote = |host: &Host| match host {
            Host::Tcp(name) => name != "localhost" && !name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
            Host::Unix(_) => false,
        };
        if tls.is_none() && config.get_hosts().iter().any(remote) {
            tracing::warn!("the connection to PostgreSQL is not encrypted: add sslmode=verify-full to its URL");
        }
        Ok(Target {
            hosts: host_by_host(&config),
            last: AtomicUsize::new(0),
            config,
            tls,
            setup: setup(options),
            statement_timeout: options.statement_timeout,
            connect_timeout: options.connect_timeout,
        })
    }

    /// Connects to the first host that takes writes, beginning with the one that did so last; each has its time.
    pub(super) async fn connect(&self, voice: &Arc<Voice>) -> Result<Client, DbError> {
        let (limit, last) = (self.connect_timeout, self.last.load(Ordering::Relaxed));
        let mut failure = DbError::unavailable("no host in the database's URL");
        for at in (0..self.hosts.len()).map(|step| (last + step) % self.hosts.len()) {
            match tokio::time::timeout(limit, self.connect_to(&self.hosts[at], voice)).await {
                Ok(Ok(client)) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(client);
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = DbError::away(format!("PostgreSQL did not answer within {limit:?}")),
            }
        }
        Err(failure)
    }

    /// Connects, sets the session up, and leaves the connection's driving to the current runtime. What the server says
    /// unasked goes to `voice`.
    async fn connect_to(&self, host: &Config, voice: &Arc<Voice>) -> Result<Client, DbError> {
        let refused = |error: tokio_postgres::Error| {
            // Who it is and what it is called will not be right by waiting.
            let is_wrong = error.code().is_some_and(|code| ["28", "3D"].contains(&&code.code()[..2]));
            let reason = self.explain(&error);
            if is_wrong { DbError::unavailable(reason) } else { DbError::away(reason) }
        };
        let client = match &self.tls {
            None => {
                let (client, connection) = host.connect(NoTls).await.map_err(refused)?;
                tokio::spawn(drive(connection, voice.clone()));
                client
            }
            Some(tls) => {
                let (client, connection) = host.connect(tls.clone()).await.map_err(refused)?;
                tokio::spawn(drive(connection, voice.clone()));
                client
            }
        };
        client.batch_execute(&self.setup).await.map_err(refused)?;
        let encoding = client.query_one("SHOW server_encoding", &[]).await.map_err(refused)?;
        match encoding.try_get::<_, &str>(0) {
            Ok("UTF8") => Ok(client),
            _ => Err(DbError::Broken("the PostgreSQL database must be made with ENCODING 'UTF8'".into())),
        }
    }

    /// Where we wanted to go and what was in the way, down to the operating system's word.
    fn explain(&self, error: &tokio_postgres::Error) -> String {
        let ports = self.config.get_ports();
        let place = |(at, host): (usize, &Host)| match (host, ports.get(at).or(ports.first())) {
            (Host::Tcp(name), port) => format!("{name}:{}", port.unwrap_or(&5432)),
            (Host::Unix(path), _) => path.display().to_string(),
        };
        let places: Vec<_> = self.config.get_hosts().iter().enumerate().map(place).collect();
        let mut text = format!("PostgreSQL at {} cannot be reached: {error}", places.join(", "));
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.ends_with(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        text
    }
}

/// The same configuration for each of its hosts alone.
fn host_by_host(all: &Config) -> Vec<Config> {
    let (hosts, addresses, ports) = (all.get_hosts(), all.get_hostaddrs(), all.get_ports());
    let one = |at: usize| {
        let mut one = Config::new();
        one.ssl_mode(all.get_ssl_mode()).channel_binding(all.get_channel_binding());
        one.target_session_attrs(all.get_target_session_attrs());
        one.keepalives(all.get_keepalives()).keepalives_idle(all.get_keepalives_idle());
        all.get_keepalives_interval().map(|interval| one.keepalives_interval(interval));
        all.get_keepalives_retries().map(|retries| one.keepalives_retries(retries));
        all.get_connect_timeout().map(|limit| one.connect_timeout(*limit));
        all.get_tcp_user_timeout().map(|limit| one.tcp_user_timeout(*limit));
        all.get_user().map(|user| one.user(user));
        all.get_password().map(|password| one.password(password));
        all.get_dbname().map(|name| one.dbname(name));
        all.get_options().map(|options| one.options(options));
        all.get_application_name().map(|name| one.application_name(name));
        match hosts.get(at) {
            Some(Host::Tcp(name)) => drop(one.host(name)),
            Some(Host::Unix(path)) => drop(one.host_path(path)),
            None => {}
        }
        addresses.get(at).map(|address| one.hostaddr(*address));
        ports.get(at).or(ports.first()).map(|port| one.port(*port));
        one
    };
    (0..hosts.len().max(addresses.len())).map(one).collect()
}

/// How long a transaction may wait for its next statement. Ours come at once: one that does not has lost its client, and
/// keeps others from its rows until the server knows.
const IDLE: Duration = Duration::from_secs(3);

/// Read-only is the default, so that nothing is written outside `BEGIN READ WRITE`. Commits are
/// durable, whatever the server's default is.
fn setup(options: &Options) -> String {
    let statement = options.statement_timeout.as_millis();
    let lock = options.lock_timeout.as_millis();
    format!(
        "SET statement_timeout = {statement}; SET lock_timeout = {lock};
         SET idle_in_transaction_session_timeout = {idle}; SET client_min_messages = notice;
         SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3;
         SELECT set_config('synchronous_commit', 'on', false)
          WHERE current_setting('synchronous_commit') = 'off';
         SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
        idle = IDLE.as_millis(),
    )
}

fn client_config(root_certificates: Option<PathBuf>) -> Result<ClientConfig, DbError> {
    let system = || BUNDLES.iter().map(PathBuf::from).find(|path| path.exists());
    let path = root_certificates.or_else(system).ok_or_else(|| {
        DbError::unavailable("no certificate authorities on this system: name a file with sslrootcert in the URL")
    })?;
    let unreadable = |error: &dyn std::fmt::Display| {
        DbError::unavailable(format!("sslrootcert {} cannot be read: {error}", path.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| unreadable(&error))? {
        // A system's bundle may hold old ones that nobody can use.
        let _ = roots.add(certificate.map_err(|error| unreadable(&error))?);
    }
    if roots.is_empty() {
        return Err(unreadable(&"no certificate in it"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| DbError::Broken(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
