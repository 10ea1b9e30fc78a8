//! The console and the review on a large data set: how long their pages take among 100,000 apps and 1,000,000 entries of
//! the audit log. Each page is asked for by one person, again and again.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use form_urlencoded::Serializer;
use http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{Request, StatusCode};

use crate::Fallible;
use crate::browser::{Browser, attribute};
use crate::crowd::{self, Size, Someone};
use crate::deployment::{Deployment, Setting};
use crate::http::{Call, Connection};
use crate::load::{self, Operation, Phase};
use crate::report::Machine;

/// What to measure.
pub struct Plan {
    /// The built server.
    pub program: PathBuf,
    /// A folder on the disk to be measured.
    pub scratch: PathBuf,
    /// Another database than the embedded one.
    pub database_url: Option<String>,
    /// How much there is.
    pub size: Size,
    /// How often each page is asked for.
    pub calls: usize,
}

/// A page, or a form that is sent.
struct Page {
    what: &'static str,
    path: String,
    form: Option<Vec<(&'static str, String)>>,
}

fn get(what: &'static str, path: impl Into<String>) -> Page {
    Page { what, path: path.into(), form: None }
}

impl Plan {
    /// Fills a database and measures. Must run on a `LocalSet`.
    pub async fn run(&self) -> Fallible<String> {
        let folder = tempfile::Builder::new().prefix("jiomeet-oauth-console-").tempdir_in(&self.scratch)?;
        let setting = Setting {
            program: &self.program,
            folder: folder.path(),
            algorithm: "ES256",
            database_url: self.database_url.as_deref(),
        };
        // Once for the schema and the people.
        drop(Deployment::start(&setting)?);
        let embedded = format!("sqlite:{}", folder.path().join("data/jiomeet-oauth.db").display());
        let url = self.database_url.as_deref().unwrap_or(&embedded);
        let Size { served, waiting, entries } = self.size;
        eprintln!("writing {served} apps that serve, {waiting} that wait, {entries} entries of the audit log");
        let begun = Instant::now();
        let someone = crowd::fill(url, self.size, "dev@example.com").await?;
        eprintln!("written in {:.0?}", begun.elapsed());
        let deployment = Deployment::start(&setting)?;
        let mut phases = self.developer(&deployment, &someone).await?;
        phases.extend(self.reviewer(&deployment, &someone).await?);
        let memory = deployment.target.usage()?.memory_mib();
        Ok(table(self, &phases, memory))
    }

    async fn developer(&self, deployment: &Deployment, someone: &Someone) -> Fallible<Vec<Phase>> {
        let mut browser = signed_in(deployment, "dev@example.com").await?;
        let list = browser.page("/oauth/apps").await?;
        let second = link_after(&list, "Older apps").ok_or("the list has one page")?;
        let form = browser.page("/oauth/apps/new").await?;
        let csrf =
            form.split("<input ").find(|tag| tag.contains("name=\"csrf\"")).and_then(|tag| attribute(tag, "value"));
        let csrf = csrf.ok_or("the form has no token")?;
        let host = &someone.host;
        let typed = |look: &[&'static str]| {
            let mut fields = vec![
                ("csrf", csrf.clone()),
                ("name", someone.name.replace('i', "1").to_uppercase()),
                ("homepage_url", format!("https://{}", host.replace('e', "3"))),
                ("policy_url", format!("https://{host}/policy")),
                ("logo_url", format!("https://{host}/logo.png")),
                ("callback_url", format!("https://{host}/callback")),
                ("scope", "user:read".to_owned()),
            ];
            fields.extend(look.iter().map(|field| ("look", (*field).to_owned())));
            fields
        };
        self.wait_for_known_apps(deployment, &browser, typed(&["name"])).await?;
        let app = format!("/oauth/apps/{}", someone.app);
        let pages = [
            get("the list of a developer with a tenth of the apps", "/oauth/apps"),
            get("its second page", second),
            get("an app's page", app.clone()),
            get("the form of an app", format!("{app}/edit")),
            Page { what: "the form's rules, while typing", path: "/oauth/apps/check".into(), form: Some(typed(&[])) },
            Page {
                what: "a name among all approved apps, while typing",
                path: "/oauth/apps/preflight".into(),
                form: Some(typed(&["name"])),
            },
        ];
        self.measure(deployment, &browser, pages).await
    }

    async fn reviewer(&self, deployment: &Deployment, someone: &Someone) -> Fallible<Vec<Phase>> {
        let mut browser = signed_in(deployment, "ravi@example.com").await?;
        let queue = browser.page("/review").await?;
        let second = link_after(&queue, "Next page").ok_or("the queue has one page")?;
        let log = browser.page("/review/audit").await?;
        let deep = link_after(&log, "Earlier entries").ok_or("the log has one page")?;
        let app = &someone.app;
        let pages = [
            get("the review queue", "/review"),
            get("its second page", second),
            get("the reviewer's page of an app", format!("/review/apps/{}", someone.waiting_app)),
            get("the audit log", "/review/audit"),
            get("its second page", deep),
            get("… about an app with a tenth of all entries", format!("/review/audit?app={app}")),
            get("… about that app, of a rare action", format!("/review/audit?app={app}&action=app.held")),
            get("… about that app, of an action that never was", format!("/review/audit?app={app}&action=app.deleted")),
            get("… of a rare action", "/review/audit?action=app.held"),
            get("… about a person", "/review/audit?user=developer000042@crowd.example"),
        ];
        self.measure(deployment, &browser, pages).await
    }

    async fn measure(
        &self,
        deployment: &Deployment,
        browser: &Browser,
        pages: impl IntoIterator<Item = Page>,
    ) -> Fallible<Vec<Phase>> {
        let mut phases = Vec::new();
        for page in pages {
            eprintln!("{}", page.what);
            let (what, cookies, origin) = (page.what, browser.cookies(), deployment.report.issuer.clone());
            let operation = || Operation {
                name: what,
                call: Box::new({
                    let (page, cookies, origin) = (
                        Page { form: page.form.clone(), path: page.path.clone(), what },
                        cookies.clone(),
                        origin.clone(),
                    );
                    move |(): &()| page.call(&cookies, &origin)
                }),
                read: Box::new(move |reply| reply.expect(StatusCode::OK, what).map(drop)),
            };
            load::run(&deployment.target, 1, operation(), vec![(); 5]).await?;
            let (phase, _) = load::run(&deployment.target, 1, operation(), vec![(); self.calls]).await?;
            phases.push(phase);
        }
        Ok(phases)
    }

    /// The approved apps are read in the background after the start.
    async fn wait_for_known_apps(
        &self,
        deployment: &Deployment,
        browser: &Browser,
        form: Vec<(&'static str, String)>,
    ) -> Fallible<()> {
        let begun = Instant::now();
        let page = Page { what: "", path: "/oauth/apps/preflight".to_owned(), form: Some(form) };
        let mut connection = Connection::open(deployment.target.node(0)).await?;
        while begun.elapsed() < Duration::from_secs(120) {
            let reply = connection.send(page.call(&browser.cookies(), &deployment.report.issuer)?).await?;
            let reply = reply.expect(StatusCode::OK, "the check of a name")?;
            if String::from_utf8_lossy(&reply.body).contains("can be read as") {
                eprintln!("the approved apps were known {:.1?} after the start", begun.elapsed());
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("the approved apps are not known after two minutes".into())
    }
}

impl Page {
    fn call(&self, cookies: &str, origin: &str) -> Fallible<Call> {
        let request = Request::builder()
            .method(if self.form.is_some() { "POST" } else { "GET" })
            .uri(&self.path)
            .header(HOST, origin.trim_start_matches("http://"))
            .header(ORIGIN, origin)
            .header(COOKIE, cookies);
        let body = match &self.form {
            None => String::new(),
            Some(fields) => Serializer::new(String::new()).extend_pairs(fields).finish(),
        };
        Ok(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.into())?)
    }
}

async fn signed_in(deployment: &Deployment, email: &str) -> Fallible<Browser> {
    let user = deployment.report.users.iter().find(|user| user.email == email).ok_or("nobody of that address")?;
    let mut browser = Browser::open(deployment).await?;
    browser.sign_in(user).await?;
    Ok(browser)
}

/// Where the link or button with these words leads.
fn link_after(page: &str, words: &str) -> Option<String> {
    page.split("<a ")
        .find(|tag| tag.split("</a>").next().is_some_and(|link| link.contains(words)))
        .and_then(|tag| attribute(tag, "href"))
}

fn table(plan: &Plan, phases: &[Phase], memory: f64) -> String {
    let engine = if plan.database_url.is_some() { "PostgreSQL" } else { "SQLite" };
    let machine = Machine::here(engine);
    let Size { served, waiting, entries } = plan.size;
    let mut text = format!(
        "{served} apps serve everybody, {waiting} wait for a review, the audit log has {entries} entries. Measured on {} with {} \
         ({} cores, shared by server and client), {engine}; one person at a time, {} calls each. The server holds {memory:.0} MiB, \
         with all approved apps in memory for the look-alikes.\n\n",
        machine.date, machine.processor, machine.cores, plan.calls
    );
    text.push_str("| page | median | 99 of 100 | server CPU |\n| --- | --- | --- | --- |\n");
    for phase in phases {
        let _ = writeln!(
            text,
            "| {} | {:.1} ms | {:.1} ms | {:.1} ms |",
            phase.operation,
            phase.p50_ms,
            phase.p99_ms,
            phase.server_cpu_us / 1e3
        );
    }
    text
}
