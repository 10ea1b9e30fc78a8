//! Reviewers, and what they do on an app's page.

use jiomeet_oauth::apps::{AppDetails, AppStatus};
use jiomeet_oauth::ids::UserId;
use jiomeet_oauth::users::{self, Role, Roles};

use crate::support::{Browser, Page, TestApp, World};

impl World {
    /// Somebody who reviews apps, or manages people.
    pub async fn with_role(&self, email: &str, role: Role) -> UserId {
        let id = self.person(email).await;
        let unit = id.clone();
        self.write(move |tx| users::set_roles(tx, &unit, Roles::default().with(role))).await;
        id
    }

    /// A reviewer at a browser.
    pub async fn reviewer(&self) -> Browser<'_> {
        self.with_role("ravi@example.com", Role::Reviewer).await;
        let browser = self.browser();
        browser.sign_in("ravi@example.com").await;
        browser
    }

    /// Everything about an app.
    pub async fn details(&self, app: &TestApp) -> AppDetails {
        let id = app.id.clone();
        self.write(move |tx| jiomeet_oauth::apps::find_details(tx, id.as_str())).await.unwrap()
    }

    /// Where an app stands.
    pub async fn status(&self, app: &TestApp) -> AppStatus {
        self.details(app).await.status
    }
}

/// Where an app is reviewed.
pub fn path(app: &TestApp) -> String {
    format!("/review/apps/{}", app.id)
}

/// What the checklist of a test's app asks about.
pub const ITEMS: [&str; 6] = ["name", "homepage_url", "policy_url", "logo_url", "callback_urls[0]", "scopes"];

/// A decision on that page; everything is in order but for these (item, choice, note).
pub async fn decide(
    browser: &Browser<'_>,
    page: &Page,
    app: &TestApp,
    decision: &str,
    wrong: &[(&str, &str, &str)],
) -> Page {
    let action = format!("{}/decide", path(app));
    let form = page.form(&action);
    let mut fields: Vec<(String, String)> = ["csrf", "revision", "changed_at", "decided_at"]
        .iter()
        .map(|name| ((*name).to_owned(), form.value(name)))
        .collect();
    for item in ITEMS {
        let found = wrong.iter().find(|(about, ..)| *about == item);
        let (choice, note) = found.map_or(("ok", ""), |(_, choice, note)| (*choice, *note));
        fields.push((format!("choice.{item}"), choice.to_owned()));
        fields.push((format!("note.{item}"), note.to_owned()));
    }
    fields.push(("decision".to_owned(), decision.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&action, &fields).await
}
