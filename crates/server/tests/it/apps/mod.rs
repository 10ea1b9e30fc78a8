//! The console, through its pages: a file per thing that a developer does there.

mod access;
mod create;
mod edit;
mod figures;
mod invitations;
mod list;
mod security;
mod strangers;

use jiomeet_oauth::ids::AppId;

use crate::support::{Browser, Page, TestApp, World};

/// A field of a form.
type Field<'a> = (&'a str, &'a str);

/// A form without a fault.
pub const GOOD: &[Field<'static>] = &[
    ("name", "Lesson Planner"),
    ("homepage_url", "https://lessons.example"),
    ("policy_url", "https://lessons.example/policy"),
    ("logo_url", "https://lessons.example/logo.png"),
    ("use_case", "Education"),
    ("kind", "confidential"),
    ("callback_url", "https://lessons.example/cb"),
    ("scope", "user:read"),
    ("scope", "meeting:read"),
];

/// [`GOOD`], with other values for some fields.
pub fn good_but<'a>(changes: &[Field<'a>]) -> Vec<Field<'a>> {
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let mut fields: Vec<Field<'a>> = GOOD.iter().filter(|(name, _)| !is_changed(name)).copied().collect();
    fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    fields
}

impl World {
    /// A browser in which an account with OAuth access is signed in.
    pub async fn developer(&self, email: &str) -> Browser<'_> {
        self.person(email).await;
        let browser = self.browser();
        browser.sign_in(email).await;
        browser
    }

    /// A browser in which the owner of that app is signed in.
    pub async fn owner_of(&self, name: &str) -> Browser<'_> {
        let browser = self.browser();
        browser.sign_in(&format!("{name}-dev@example.com")).await;
        browser
    }
}

/// Sends a form with the token that pages give this browser.
pub async fn send(browser: &Browser<'_>, path: &str, fields: &[Field<'_>]) -> Page {
    let csrf = browser.get("/oauth/apps").await.form("/sign-out").value("csrf");
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend_from_slice(fields);
    browser.post(path, &all).await
}

/// Sends the form of a new app.
pub async fn create(browser: &Browser<'_>, action: &str, fields: &[Field<'_>]) -> Page {
    let mut all = vec![("action", action)];
    all.extend_from_slice(fields);
    send(browser, "/oauth/apps", &all).await
}

/// Sends the edit form of an app, made from what is there now.
pub async fn edit(browser: &Browser<'_>, app: &AppId, action: &str, fields: &[Field<'_>]) -> Page {
    let path = format!("/oauth/apps/{app}/edit");
    let seen = browser.get(&path).await.form(&path).value("seen");
    let mut all = vec![("action", action), ("seen", seen.as_str())];
    all.extend_from_slice(fields);
    send(browser, &path, &all).await
}

/// The app that a page of its credentials is about.
#[track_caller]
pub fn app_of(page: &Page) -> AppId {
    let rest = page.html.split("href=\"/oauth/apps/app-").nth(1).unwrap_or_else(|| panic!("no app in {}", page.html));
    AppId::from_text(format!("app-{}", rest.split('"').next().unwrap()))
}

/// The client secret that a page shows.
#[track_caller]
pub fn secret_of(page: &Page) -> String {
    let shown = page.html.split("id=\"client-secret\">").nth(1).unwrap_or_else(|| panic!("no secret in {}", page.html));
    shown.split('<').next().unwrap().to_owned()
}

/// The address of an app's page, or of something about it.
pub fn path(app: &TestApp, rest: &str) -> String {
    format!("/oauth/apps/{}{rest}", app.id)
}

/// How many entries of the audit log have that action.
pub async fn audited(world: &World, action: &str) -> i64 {
    world.count("SELECT COUNT(*) FROM audit WHERE action = $1", &[action]).await
}
