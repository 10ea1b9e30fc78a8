//! PyPI's django-oauth-toolkit, with the project in `bench/peers/django-oauth-toolkit`.

use std::process::Command;

use super::Plan;
use super::competitor::{Competitor, Home, Processes, Running, VERIFIER, code_request};
use super::contestants::Database;
use crate::Fallible;
use crate::browser::Browser;
use crate::calls::Service;
use crate::deployment::{free_address, wait_for};

/// Starts it: tables, a person and an app by its own commands, then gunicorn with two workers.
pub async fn start(plan: &Plan, database: Database, algorithm: &str) -> Fallible<Competitor> {
    let installed = super::install::pip(plan, "django-oauth-toolkit")?;
    let home = Home::make(plan, database)?;
    let address = free_address()?;
    let origin = format!("http://{address}");
    let syncs = home.sync_counter()?;
    let environment = |command: &mut Command| {
        command
            .current_dir(&installed)
            .env("DJANGO_SETTINGS_MODULE", "site_settings")
            .env("DATABASE_URL", home.database_url("django.db"))
            .env("ORIGIN", &origin)
            .env("ALGORITHM", algorithm)
            .env("KEY_FILE", home.folder.path().join("key.pem"));
    };
    let log = home.folder.path().join("setup.log");
    let mut setup = Command::new(installed.join("venv/bin/python"));
    environment(setup.arg("setup_site.py"));
    let report = Running::start(&mut setup, &log)?.report(&log)?;

    let mut server = Command::new(installed.join("venv/bin/gunicorn"));
    server.args(["site_wsgi:application", "--config", "gunicorn_settings.py", "--bind", &address.to_string()]);
    environment(&mut server);
    if home.postgres.is_none() {
        server.envs(syncs.environment());
    }
    let process = Running::start(&mut server, &home.folder.path().join("server.log"))?;
    wait_for(address)?;

    let query = code_request(&report.client, "openid email");
    let authorize = format!("/o/authorize/?{query}");
    let mut browser = Browser::at(address, &report.issuer).await?;
    let known = [("username", "asha"), ("password", "asha-bench-password"), ("allow", "Authorize")];
    browser.fill_in(&authorize, &known, &report.client.redirect_uri).await?;
    let target = home.target(&report.issuer, process.pid(), syncs)?;
    let service = Service {
        origin: report.issuer,
        client: report.client,
        authorize,
        cookies: browser.cookies(),
        token: "/o/token/",
        introspect: "/o/introspect/",
        protected: "/profile/",
        verifier: Some(VERIFIER),
    };
    Competitor::new(service, target, Processes::Peer { _first: process }, home)
}
