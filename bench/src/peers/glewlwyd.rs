//! Debian's glewlwyd, set up through its API by `bench/peers/glewlwyd`.

use std::path::Path;
use std::process::Command;

use super::Plan;
use super::competitor::{Competitor, Home, Processes, Running, VERIFIER, code_request};
use super::contestants::Database;
use super::install::run;
use crate::Fallible;
use crate::calls::Service;
use crate::deployment::{free_address, wait_for};

const PROGRAM: &str = "/usr/bin/glewlwyd";

/// Starts it on the embedded database.
pub fn start(plan: &Plan, algorithm: &str) -> Fallible<Competitor> {
    install()?;
    let home = Home::make(plan, Database::Sqlite)?;
    let address = free_address()?;
    let syncs = home.sync_counter()?;
    let script = |step: &str| {
        let mut command = Command::new("python3");
        command
            .arg(plan.repository.join("bench/peers/glewlwyd/setup_glewlwyd.py"))
            .arg(step)
            .env("HOME_FOLDER", home.folder.path())
            .env("PORT", address.port().to_string())
            .env("ALGORITHM", algorithm);
        command
    };
    run(&mut script("prepare"))?;
    let mut server = Command::new(PROGRAM);
    server.arg("--config-file").arg(home.folder.path().join("glewlwyd.conf")).envs(syncs.environment());
    let process = Running::start(&mut server, &home.folder.path().join("server.log"))?;
    wait_for(address)?;
    let log = home.folder.path().join("setup.log");
    let report = Running::start(&mut script("set-up"), &log)?.report(&log)?;

    let query = code_request(&report.client, "profile");
    let target = home.target(&report.issuer, process.pid(), syncs)?;
    let service = Service {
        origin: report.issuer,
        client: report.client,
        // With what its own page adds when the person goes on.
        authorize: format!("/api/oidc/auth?{query}&g_continue="),
        cookies: report.cookies,
        token: "/api/oidc/token",
        introspect: "/api/oidc/introspect",
        protected: "/api/oidc/userinfo",
        verifier: Some(VERIFIER),
    };
    Competitor::new(service, target, Processes::Peer { _first: process }, home)
}

/// From Debian's packages, where that may be done.
fn install() -> Fallible<()> {
    if Path::new(PROGRAM).exists() {
        return Ok(());
    }
    eprintln!("installing glewlwyd");
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--no-install-recommends", "glewlwyd"]).env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut apt).map_err(|error| format!("{error}; install Debian's package glewlwyd to measure it").into())
}
