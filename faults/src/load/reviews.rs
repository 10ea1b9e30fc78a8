//! A developer who submits an app, and a reviewer who puts it on hold; an approved app that is suspended and reinstated.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value as Json;

use super::grants::consent;
use super::{authorize_path, complain_if_taken, insist, token_request};
use crate::Fallible;
use crate::dice::Dice;
use crate::http::{Answer, Browser, Caller, attribute, form_with, hidden_fields};
use crate::server::{Client, Report, Server};

/// An app and where it may stand: as was acknowledged, or as was asked for without an answer.
#[derive(Debug)]
struct Watched {
    app_id: String,
    status: Vec<&'static str>,
}

impl Watched {
    fn told(&mut self, done: Option<bool>, next: &'static str) -> Option<()> {
        match done {
            Some(true) => self.status = vec![next],
            Some(false) => {}
            None => self.status.push(next),
        }
        done.map(drop)
    }
}

/// The developer, the reviewer and what they were told.
pub struct Reviews {
    caller: Caller,
    developer: Browser,
    reviewer: Browser,
    dice: Dice,
    submitted: Watched,
    approved: Watched,
    /// The approved app, and a person who uses it.
    client: Client,
    person: Browser,
    /// Access tokens that a suspension ended, as the reviewer was told.
    dead: Vec<String>,
}

/// What the approved app asks for.
const SCOPES: [&str; 1] = ["user:read"];

impl Reviews {
    /// Signs both in.
    pub async fn begin(caller: &Caller, report: &Report, dice: Dice) -> Fallible<Reviews> {
        let mut developer = Browser::new(caller);
        let person = report.person("dev@example.com")?;
        developer.sign_in(&person.email, &person.password).await.ok_or("the developer's sign-in failed")?;
        let mut reviewer = Browser::new(caller);
        let person = report.person("ravi@example.com")?;
        reviewer.sign_in(&person.email, &person.password).await.ok_or("the reviewer's sign-in failed")?;
        let watch = |name: &str, status| -> Fallible<Watched> {
            Ok(Watched { app_id: report.app(name)?.app_id, status: vec![status] })
        };
        let (submitted, approved) = (watch("Half an Idea", "draft")?, watch("Standup Notes", "approved")?);
        let client = report.app("Standup Notes")?.client()?;
        let someone = report.person("ben@example.com")?;
        let mut person = Browser::new(caller);
        person.sign_in(&someone.email, &someone.password).await.ok_or("a person's sign-in failed")?;
        consent(&mut person, &client, &SCOPES).await?;
        let (caller, dead) = (caller.clone(), Vec::new());
        Ok(Reviews { caller, developer, reviewer, dice, submitted, approved, client, person, dead })
    }

    /// One step of one of the apps; nothing when it was not answered. Not many: a person reads before deciding.
    pub async fn step(&mut self) -> Option<()> {
        tokio::time::sleep(self.dice.millis(20, 60)).await;
        match (self.dice.in_percent(50), self.submitted.status.as_slice(), self.approved.status.as_slice()) {
            (true, ["draft" | "on_hold"], _) => self.submit().await,
            (true, ["in_review"], _) => self.hold().await,
            (false, _, ["approved"]) => self.suspend().await,
            (false, _, ["suspended"]) => self.reinstate().await,
            // Not known until it is checked.
            _ => None,
        }
    }

    async fn submit(&mut self) -> Option<()> {
        let path = format!("/oauth/apps/{}", self.submitted.app_id);
        let page = self.developer.get(&path).await.told()?;
        let fields = hidden_fields(form_with(&page.body, &format!("action=\"{path}/submit\""))?);
        let answer = self.developer.post(&format!("{path}/submit"), &fields).await;
        let done = self.understand("submitting an app", answer);
        self.submitted.told(done, "in_review")
    }

    async fn hold(&mut self) -> Option<()> {
        let path = format!("/review/apps/{}", self.submitted.app_id);
        let page = self.reviewer.get(&path).await.told()?;
        let form = form_with(&page.body, "name=\"decision\"")?;
        let mut fields = hidden_fields(form);
        let radios = form.split("<input ").skip(1).filter(|tag| tag.contains("type=\"radio\""));
        let mut items: Vec<String> = radios.filter_map(|tag| attribute(tag, "name")).collect();
        items.dedup();
        for (number, item) in items.into_iter().enumerate() {
            let note = item.replacen("choice.", "note.", 1);
            let choice = if number == 0 { ("other", "Say more.") } else { ("ok", "") };
            fields.push((item, choice.0.to_owned()));
            fields.push((note, choice.1.to_owned()));
        }
        fields.push(("decision".to_owned(), "hold".to_owned()));
        let answer = self.reviewer.post(&format!("{path}/decide"), &fields).await;
        let done = self.understand("putting an app on hold", answer);
        self.submitted.told(done, "on_hold")
    }

    async fn suspend(&mut self) -> Option<()> {
        let access = self.access_token().await;
        let more = [("kind", "other"), ("url", ""), ("reason", "A drill.")];
        let done = self.decide("suspend", &more).await?;
        if let (Some(true), Some(access)) = (done, access) {
            complain_if_taken(&self.caller, "its app was suspended", &access).await;
            self.dead.push(access);
        }
        self.approved.told(done, "suspended")
    }

    fn profile(&self, access: &str) -> reqwest::RequestBuilder {
        self.caller.request(Method::GET, "/api/user/profile").bearer_auth(access)
    }

    /// A token of the app that is about to be suspended.
    async fn access_token(&mut self) -> Option<String> {
        let code = self.person.get(&authorize_path(&self.client, &SCOPES, &[])).await.told()?.code()?;
        let fields = [("grant_type", "authorization_code"), ("code", code.as_str())];
        let request = token_request(&self.caller, &self.client, "token", &fields);
        let reply = self.caller.send("a redemption", request).await.told()?;
        let access = reply.text("access_token");
        let reply = self.caller.send("the profile", self.profile(&access)).await.told()?;
        (reply.status == 200).then_some(access)
    }

    async fn reinstate(&mut self) -> Option<()> {
        let done = self.decide("reinstate", &[]).await?;
        self.approved.told(done, "approved")
    }

    async fn decide(&mut self, what: &str, more: &[(&str, &str)]) -> Option<Option<bool>> {
        let path = format!("/review/apps/{}", self.approved.app_id);
        let page = self.reviewer.get(&path).await.told()?;
        let mut fields = hidden_fields(form_with(&page.body, &format!("action=\"{path}/{what}\""))?);
        fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let answer = self.reviewer.post(&format!("{path}/{what}"), &fields).await;
        Some(self.understand(what, answer))
    }

    /// Whether it was done; nothing when nobody said.
    fn understand(&self, what: &str, answer: Answer) -> Option<bool> {
        let reply = answer.told()?;
        if reply.status != 303 && self.caller.expectation.is_exact() {
            self.caller.complain(format!("{what} was answered {}", reply.status));
        }
        Some(reply.status == 303 && !reply.location.contains("sign-in"))
    }

    /// What disagrees, asked by the operator's command line.
    pub async fn check(&mut self, server: &Server) -> Fallible<Vec<String>> {
        let mut faults = Vec::new();
        for watched in [&mut self.submitted, &mut self.approved] {
            let shown = show(server, &watched.app_id).await?;
            let found = watched.status.iter().find(|status| shown["status"].as_str() == Some(**status));
            match found {
                Some(status) => watched.status = vec![status],
                None => {
                    faults.push(format!(
                        "{} is {}, which is none of {:?}",
                        shown["app_id"], shown["status"], watched.status
                    ));
                }
            }
        }
        for access in &self.dead {
            let reply = insist(&self.caller, "the profile", || self.profile(access)).await?;
            if reply.status == 200 {
                faults.push(format!("a token of before a suspension lives: {}", access.get(..60).unwrap_or_default()));
            }
        }
        let surplus = self.dead.len().saturating_sub(30);
        self.dead.drain(..surplus);
        Ok(faults)
    }
}

async fn show(server: &Server, app_id: &str) -> Fallible<Json> {
    let mut last = None;
    for _ in 0..20 {
        match server.command(&["app", "show", app_id, "--json"]).await {
            Ok(text) => return Ok(serde_json::from_str(&text)?),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(last.unwrap_or_else(|| "no app".into()))
}
