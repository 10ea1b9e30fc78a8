//! What is asked of the server: every page and every call of the API, each by somebody who has little and, where it makes
//! a difference, by somebody who has a great deal.

use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::desk::{Desk, Person, csrf, link_after};
use super::rows::Someone;
use crate::Fallible;
use crate::browser::{Browser, authorize_path};
use crate::http::Call;

/// A question, asked again and again.
pub struct Probe {
    /// What it is.
    pub what: String,
    /// One call after the other.
    pub calls: Vec<Call>,
    /// What they are answered with.
    pub status: StatusCode,
}

/// A list of questions.
pub struct Probes<'d> {
    desk: &'d Desk<'d>,
    calls: usize,
    /// They, in the order of the table.
    pub all: Vec<Probe>,
}

impl<'d> Probes<'d> {
    /// Asks each so many times.
    pub fn new(desk: &'d Desk<'d>, calls: usize) -> Probes<'d> {
        Probes { desk, calls, all: Vec::new() }
    }

    fn add(&mut self, what: &str, status: StatusCode, calls: Vec<Call>) {
        self.all.push(Probe { what: what.to_owned(), calls, status });
    }

    fn same(&mut self, what: &str, call: &Call) {
        self.add(what, StatusCode::OK, vec![call.clone(); self.calls]);
    }

    fn page(&mut self, what: &str, path: &str, cookies: &str) -> Fallible<()> {
        let call = self.desk.page(path, cookies)?;
        self.same(what, &call);
        Ok(())
    }

    /// What strangers and programs see.
    pub fn public(&mut self) -> Fallible<()> {
        for (what, path) in [
            ("the sign-in page", "/sign-in"),
            ("the sign-up page", "/sign-up"),
            ("the page for a forgotten password", "/forgot-password"),
            ("errors, explained", "/docs/errors"),
            ("the API, explained", "/docs/api"),
            ("openapi.json", "/openapi.json"),
            ("metadata", "/.well-known/openid-configuration"),
            ("keys", "/.well-known/jwks.json"),
            ("healthz", "/healthz"),
            ("readyz", "/readyz"),
        ] {
            self.page(what, path, "")?;
        }
        Ok(())
    }

    /// Sign-ups and sign-ins: each hashes a password, so a few must do.
    pub async fn doors(&mut self, browser: &mut Browser, round: usize) -> Fallible<()> {
        let few = self.calls.min(40);
        let token = csrf(&browser.page("/sign-up").await?)?;
        let sign_up = |number: usize| {
            let email = format!("new{round}-{number}-{}@crowd.example", self.desk.deployment.target.pids[0]);
            let fields = [
                ("csrf", token.as_str()),
                ("email", &email),
                ("name", "Nobody"),
                ("lname", ""),
                ("password", "correct horse battery staple, twice"),
            ];
            self.desk.form("/sign-up", &browser.cookies(), &fields)
        };
        let calls = (0..few.min(12)).map(sign_up).collect::<Fallible<_>>()?;
        self.add("a sign-up", StatusCode::SEE_OTHER, calls);
        let token = csrf(&browser.page("/sign-in").await?)?;
        let user = self.desk.deployment.report.users.iter().find(|user| user.email == "ben@example.com");
        let user = user.ok_or("ben is not there")?;
        let fields = [("csrf", token.as_str()), ("email", &user.email), ("password", &user.password)];
        let call = self.desk.form("/sign-in", &browser.cookies(), &fields)?;
        self.add("a sign-in", StatusCode::SEE_OTHER, vec![call; few]);
        Ok(())
    }

    /// A person's own pages.
    pub fn account(&mut self, who: &str, person: &Person) -> Fallible<()> {
        for (what, path) in [
            ("the profile", "/account"),
            ("the sessions", "/account/sessions"),
            ("the connected apps", "/account/connected-apps"),
        ] {
            self.page(&format!("{what}, {who}"), path, &person.cookies)?;
        }
        let ask_again = format!("{}&prompt=consent", authorize_path(&self.desk.deployment.report.client));
        self.page(&format!("the consent page, {who}"), &ask_again, &person.cookies)
    }

    /// The pages that are the same for everybody.
    pub fn small_pages(&mut self, person: &Person) -> Fallible<()> {
        for (what, path) in [
            ("the page of the password", "/account/password"),
            ("the page of the address", "/account/address"),
            ("the page of the account's end", "/account/delete"),
            ("invitations", "/invitations"),
        ] {
            self.page(what, path, &person.cookies)?;
        }
        let call = self.desk.page("/", &person.cookies)?;
        self.add("the front page", StatusCode::SEE_OTHER, vec![call; self.calls]);
        Ok(())
    }

    /// The user and meeting API.
    pub async fn api(&mut self, who: &str, person: &Person) -> Fallible<()> {
        let token = &person.tokens.access_token;
        let get = |path: &str| self.desk.api(Method::GET, path, token, None);
        let list = format!("/api/meeting/{}", person.id);
        let past = self.desk.ask(get(&format!("{list}?past=true&limit=1"))?).await?;
        let total = past["totalCount"].as_u64().unwrap_or(0);
        let coming = self.desk.ask(get(&format!("{list}?limit=50"))?).await?;
        let ids: Vec<String> = coming["meetingDetails"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|meeting| meeting["_id"].as_str().map(str::to_owned))
            .collect();
        let profile = get("/api/user/profile")?;
        let userinfo = self.desk.api(Method::GET, "/oauth2/userinfo", &person.openid, None)?;
        let lists = [
            ("meetings that come", format!("{list}?limit=20")),
            ("meetings that come, a hundred", list.clone()),
            ("meetings that are over", format!("{list}?past=true&limit=20")),
            ("meetings that are over, from the middle", format!("{list}?past=true&limit=20&offset={}", total / 2)),
            (
                "meetings that are over, the last",
                format!("{list}?past=true&limit=20&offset={}", total.saturating_sub(20)),
            ),
        ];
        let lists: Vec<(&str, Call)> =
            lists.into_iter().map(|(what, path)| Ok((what, get(&path)?))).collect::<Fallible<_>>()?;
        let details: Vec<Call> =
            ids.iter().map(|id| get(&format!("/api/meeting/meetingDetails/{id}"))).collect::<Fallible<_>>()?;
        self.same(&format!("the profile by API, {who}"), &profile);
        self.same(&format!("userinfo, {who}"), &userinfo);
        for (what, call) in &lists {
            self.same(&format!("{what}, {who}"), call);
        }
        if !details.is_empty() {
            let calls = details.iter().cycle().take(self.calls).cloned().collect();
            self.add(&format!("a meeting's details, {who}"), StatusCode::OK, calls);
        }
        self.changes(who, person).await
    }

    async fn changes(&mut self, who: &str, person: &Person) -> Fallible<()> {
        let token = &person.tokens.access_token;
        let meeting = |topic: &str| {
            json!({
                "topic": topic, "startTime": "2027-03-01T15:00:00+05:30", "endTime": "2027-03-01T16:00:00+05:30",
                "participants": ["ben@example.com", "someone@crowd.example"],
            })
        };
        let create = self.desk.api(Method::POST, "/api/meeting", token, Some(&meeting("Quarterly review")))?;
        // Those that are changed and cancelled: one for each call.
        let mut ids = Vec::with_capacity(self.calls);
        for _ in 0..self.calls {
            let created: Json = self.desk.ask(create.clone()).await?;
            let id = created["meetingDetails"][0]["_id"].as_str().ok_or("a meeting without an id")?;
            ids.push(id.to_owned());
        }
        let each = |method: Method, path: &str, body: &Json| {
            let call = |id: &String| self.desk.api(method.clone(), &format!("{path}/{id}"), token, Some(body));
            ids.iter().map(call).collect::<Fallible<Vec<Call>>>()
        };
        let change = each(Method::PUT, "/api/meeting/meetingDetails", &meeting("Another topic"))?;
        let cancel = each(Method::POST, "/api/meeting/cancel", &json!({"cancel": "all"}))?;
        self.same(&format!("a new meeting, {who}"), &create);
        self.add(&format!("a changed meeting, {who}"), StatusCode::OK, change);
        self.add(&format!("a cancelled meeting, {who}"), StatusCode::OK, cancel);
        Ok(())
    }

    /// The console, for the developer with a tenth of all apps.
    pub async fn console(&mut self, browser: &mut Browser, someone: Option<&Someone>) -> Fallible<()> {
        let list = browser.page("/oauth/apps").await?;
        let second = link_after(&list, "Older apps");
        let own = browser.page("/oauth/apps").await?;
        let app = someone.map(|someone| format!("/oauth/apps/{}", someone.app));
        let app = app.or_else(|| first_link(&own, "/oauth/apps/app-")).ok_or("the developer has no app")?;
        let cookies = browser.cookies();
        let token = csrf(&browser.page("/oauth/apps/new").await?)?;
        let (name, host) =
            someone.map_or(("amber anchor 0", "amberanchor0.example"), |someone| (&someone.name, &someone.host));
        let (name, home) = (name.replace('i', "1").to_uppercase(), format!("https://{}", host.replace('e', "3")));
        let url = |path: &str| format!("https://{host}/{path}");
        let (policy, logo, callback) = (url("policy"), url("logo.png"), url("callback"));
        let typed = [
            ("csrf", token.as_str()),
            ("name", &name),
            ("homepage_url", &home),
            ("policy_url", &policy),
            ("logo_url", &logo),
            ("callback_url", &callback),
            ("scope", "user:read"),
        ];
        self.page("the developer's apps", "/oauth/apps", &cookies)?;
        if let Some(second) = second {
            self.page("the developer's apps, second page", &second, &cookies)?;
        }
        self.page("an app's page", &app, &cookies)?;
        self.page("an app's form", &format!("{app}/edit"), &cookies)?;
        self.page("an app's findings", &format!("{app}/preflight"), &cookies)?;
        self.page("the page of an app's end", &format!("{app}/delete"), &cookies)?;
        let check = self.desk.form("/oauth/apps/check", &cookies, &typed)?;
        self.same("the form's rules, while typing", &check);
        let looking = [&typed[..], &[("look", "name")]].concat();
        let preflight = self.desk.form("/oauth/apps/preflight", &cookies, &looking)?;
        self.same("a name among all apps, while typing", &preflight);
        Ok(())
    }

    /// The reviewers' pages.
    pub async fn review(&mut self, browser: &mut Browser, someone: Option<&Someone>) -> Fallible<()> {
        let queue = browser.page("/review").await?;
        let log = browser.page("/review/audit").await?;
        let waiting = someone.map(|someone| format!("/review/apps/{}", someone.waiting_app));
        let waiting = waiting.or_else(|| first_link(&queue, "/review/apps/")).ok_or("no app waits")?;
        let app = someone.map(|someone| someone.app.clone()).unwrap_or_default();
        let email = someone.map_or("asha@example.com", |someone| &someone.email);
        let cookies = browser.cookies();
        self.page("the review queue", "/review", &cookies)?;
        if let Some(second) = link_after(&queue, "Next page") {
            self.page("the review queue, second page", &second, &cookies)?;
        }
        self.page("the reviewer's page of an app", &waiting, &cookies)?;
        self.page("the audit log", "/review/audit", &cookies)?;
        if let Some(deep) = link_after(&log, "Earlier entries") {
            self.page("the audit log, second page", &deep, &cookies)?;
        }
        for (what, query) in [
            ("about an app", format!("app={app}")),
            ("about an app, of a rare action", format!("app={app}&action=app.held")),
            ("about an app, of an action that never was", format!("app={app}&action=app.deleted")),
            ("of a rare action", "action=app.held".to_owned()),
            ("about a person", format!("user={email}")),
            ("about a person, of a rare action", format!("user={email}&action=app.held")),
        ] {
            self.page(&format!("the audit log {what}"), &format!("/review/audit?{query}"), &cookies)?;
        }
        Ok(())
    }

    /// The admins' pages.
    pub async fn administration(
        &mut self,
        browser: &mut Browser,
        busy: &Person,
        someone: Option<&Someone>,
    ) -> Fallible<()> {
        let list = browser.page("/admin/users").await?;
        let cookies = browser.cookies();
        self.page("everybody", "/admin/users", &cookies)?;
        if let Some(second) = first_link(&list, "/admin/users?") {
            self.page("everybody, second page", &second, &cookies)?;
        }
        let search = someone.map_or("asha", |someone| &someone.email[..9]);
        self.page("a search by address", &format!("/admin/users?q={search}"), &cookies)?;
        self.page("a person's page", &format!("/admin/users/{}", busy.id), &cookies)?;
        self.page("requests for access", "/admin/oauth-requests", &cookies)?;
        self.page("the outbox", "/demo/outbox", &cookies)
    }
}

/// The first link that begins so.
fn first_link(page: &str, begins: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("href=\"{begins}"))?;
    let rest = rest.split('"').next()?;
    Some(format!("{begins}{rest}").replace("&amp;", "&").replace("&#38;", "&"))
}
