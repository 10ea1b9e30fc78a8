//! An app that schedules, changes and cancels meetings.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::grants::consent;
use super::{insist, token_request};
use crate::Fallible;
use crate::dice::Dice;
use crate::http::{Browser, Caller, Reply};
use crate::server::{Client, Report};

const SCOPES: [&str; 4] = ["meeting:create", "meeting:read", "meeting:update", "meeting:delete"];

/// How many meetings are kept going.
const KEPT: usize = 15;

/// What the client was told of one meeting.
#[derive(Debug)]
struct Meeting {
    /// Its id, once the client was told.
    id: Option<String>,
    /// The topics that it may have: the acknowledged one, and such as were sent without an answer.
    topics: Vec<String>,
    cancelled: Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancelled {
    No,
    Maybe,
    Yes,
}

/// The client and its ledger.
pub struct Meetings {
    caller: Caller,
    client: Client,
    user_id: String,
    refresh: String,
    access: String,
    dice: Dice,
    made: usize,
    meetings: Vec<Meeting>,
}

impl Meetings {
    /// Gets a grant of a person.
    pub async fn begin(caller: &Caller, report: &Report, dice: Dice) -> Fallible<Meetings> {
        let (client, person) = (report.client.clone(), report.person("nila@example.com")?);
        let mut browser = Browser::new(caller);
        browser.sign_in(&person.email, &person.password).await.ok_or("the first sign-in failed")?;
        let code = consent(&mut browser, &client, &SCOPES).await?;
        let fields = [("grant_type", "authorization_code"), ("code", code.as_str())];
        let reply = insist(caller, "a redemption", || token_request(caller, &client, "token", &fields)).await?;
        let (refresh, access) = (reply.text("refresh_token"), reply.text("access_token"));
        let (caller, user_id) = (caller.clone(), person.user_id);
        Ok(Meetings { caller, client, user_id, refresh, access, dice, made: 0, meetings: Vec::new() })
    }

    /// How many meetings it knows of.
    pub fn entries(&self) -> usize {
        self.meetings.len()
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.caller.request(method, path).bearer_auth(&self.access)
    }

    /// Does one thing; nothing when it was not answered.
    pub async fn step(&mut self) -> Option<()> {
        let known: Vec<usize> = (0..self.meetings.len())
            .filter(|&at| self.meetings[at].id.is_some() && self.meetings[at].cancelled == Cancelled::No)
            .collect();
        if known.len() < KEPT && (known.is_empty() || self.dice.in_percent(40)) {
            return self.create().await;
        }
        let at = *self.dice.pick(&known)?;
        if self.dice.in_percent(60) { self.change(at).await } else { self.cancel(at).await }
    }

    fn topic(&mut self) -> String {
        self.made += 1;
        format!("Round table {}", self.made)
    }

    async fn create(&mut self) -> Option<()> {
        let topic = self.topic();
        let request = self.request(Method::POST, "/api/meeting").json(&body(&topic));
        let mut meeting = Meeting { id: None, topics: vec![topic], cancelled: Cancelled::No };
        let reply = self.caller.send("scheduling a meeting", request).await.told();
        let told = self.understand("scheduling a meeting", reply);
        if told == Told::Refused {
            return None;
        }
        if let Told::Done(reply) = &told {
            meeting.id = reply.json()["meetingDetails"][0]["_id"].as_str().map(str::to_owned);
        }
        self.meetings.push(meeting);
        matches!(told, Told::Done(_)).then_some(())
    }

    async fn change(&mut self, at: usize) -> Option<()> {
        let (topic, id) = (self.topic(), self.meetings[at].id.clone()?);
        let path = format!("/api/meeting/meetingDetails/{id}");
        let reply = self.caller.send("changing a meeting", self.request(Method::PUT, &path).json(&body(&topic))).await;
        match self.understand("changing a meeting", reply.told()) {
            Told::Done(_) => self.meetings[at].topics = vec![topic],
            Told::Nothing => {
                self.meetings[at].topics.push(topic);
                return None;
            }
            Told::Refused => return None,
        }
        Some(())
    }

    async fn cancel(&mut self, at: usize) -> Option<()> {
        let id = self.meetings[at].id.clone()?;
        let request = self.request(Method::POST, &format!("/api/meeting/cancel/{id}")).json(&json!({"cancel": "all"}));
        let reply = self.caller.send("cancelling a meeting", request).await.told();
        match self.understand("cancelling a meeting", reply) {
            Told::Done(_) => self.meetings[at].cancelled = Cancelled::Yes,
            Told::Nothing => {
                self.meetings[at].cancelled = Cancelled::Maybe;
                return None;
            }
            Told::Refused => return None,
        }
        Some(())
    }

    fn understand(&self, what: &str, reply: Option<Reply>) -> Told {
        match reply {
            Some(reply) if reply.status == 200 => Told::Done(reply),
            Some(reply) => {
                if self.caller.expectation.is_exact() {
                    self.caller.complain(format!("{what} was answered {} {}", reply.status, reply.body));
                }
                Told::Refused
            }
            None => Told::Nothing,
        }
    }

    /// What disagrees.
    pub async fn check(&mut self) -> Fallible<Vec<String>> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", self.refresh.as_str())];
        let reply =
            insist(&self.caller, "a refresh", || token_request(&self.caller, &self.client, "token", &fields)).await?;
        let mut faults = Vec::new();
        match reply.status {
            200 => (self.refresh, self.access) = (reply.text("refresh_token"), reply.text("access_token")),
            _ => faults.push(format!("the meetings' refresh token is refused: {}", reply.body)),
        }
        let listed = self.list().await?;
        for meeting in &self.meetings {
            let topic = meeting.topics.first().map(String::as_str).unwrap_or_default();
            let found: Vec<&Json> = listed
                .iter()
                .filter(|row| match &meeting.id {
                    Some(id) => row["_id"].as_str() == Some(id),
                    None => row["topic"].as_str() == Some(topic),
                })
                .collect();
            let shown = found.first().and_then(|row| row["topic"].as_str());
            let fault = match (&meeting.id, meeting.cancelled, found.len()) {
                (_, _, 2..) => Some("is there twice"),
                (Some(_), Cancelled::No, 0) => Some("was acknowledged and is lost"),
                (Some(_), Cancelled::Yes, 1) => Some("was cancelled and is there"),
                (_, _, 1) if !meeting.topics.iter().any(|topic| Some(topic.as_str()) == shown) => {
                    Some("has a topic that nobody gave it last")
                }
                _ => None,
            };
            if let Some(fault) = fault {
                faults.push(format!("a meeting {fault}: {meeting:?}, shown as {shown:?}"));
            }
        }
        // Looked at: what is there goes on under its id, the rest is forgotten.
        self.meetings = listed
            .iter()
            .filter_map(|row| {
                let (id, topic) = (row["_id"].as_str()?.to_owned(), row["topic"].as_str()?.to_owned());
                Some(Meeting { id: Some(id), topics: vec![topic], cancelled: Cancelled::No })
            })
            .collect();
        Ok(faults)
    }

    async fn list(&self) -> Fallible<Vec<Json>> {
        let mut rows = Vec::new();
        loop {
            let path = format!("/api/meeting/{}?limit=50&offset={}", self.user_id, rows.len());
            let reply = insist(&self.caller, "the list of meetings", || self.request(Method::GET, &path)).await?;
            let mut answer = reply.json();
            let Some(page) = answer["meetingDetails"].as_array_mut() else {
                return Err(format!("the list of meetings was answered {} {}", reply.status, reply.body).into());
            };
            let is_last = page.len() < 50;
            rows.append(page);
            if is_last {
                return Ok(rows);
            }
        }
    }
}

#[derive(Debug)]
enum Told {
    Done(Reply),
    Refused,
    Nothing,
}

impl PartialEq for Told {
    fn eq(&self, other: &Told) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn body(topic: &str) -> Json {
    json!({"topic": topic, "startTime": "2099-12-01T10:00:00Z", "endTime": "2099-12-01T11:00:00Z"})
}
