//! A person who answers the consent page, each time with other scopes.

use super::authorize_path;
use crate::Fallible;
use crate::dice::Dice;
use crate::http::{Answer, Browser, Caller, form_with, hidden_fields, parameter};
use crate::server::{Client, Report};

/// What the app asks for.
const SCOPES: [&str; 4] = ["user:read", "meeting:read", "meeting:create", "meeting:join"];

/// The person and what they were told.
pub struct Consents {
    caller: Caller,
    client: Client,
    browser: Browser,
    dice: Dice,
    /// What may be remembered: the acknowledged answer, and such as were given without hearing more. Each the scopes that
    /// were ticked.
    remembered: Vec<Vec<&'static str>>,
}

impl Consents {
    /// Signs the person in.
    pub async fn begin(caller: &Caller, report: &Report, dice: Dice) -> Fallible<Consents> {
        let (client, person) = (report.client.clone(), report.person("ben@example.com")?);
        let mut browser = Browser::new(caller);
        browser.sign_in(&person.email, &person.password).await.ok_or("the first sign-in failed")?;
        Ok(Consents { caller: caller.clone(), client, browser, dice, remembered: Vec::new() })
    }

    /// Answers the page once; nothing when there was no answer.
    pub async fn step(&mut self) -> Option<()> {
        let page = self.browser.get(&authorize_path(&self.client, &SCOPES, &[("prompt", "consent")])).await.told()?;
        let mut fields = hidden_fields(form_with(&page.body, "name=\"decision\"")?);
        let mut ticked: Vec<&'static str> = SCOPES.iter().copied().filter(|_| self.dice.in_percent(50)).collect();
        if ticked.is_empty() {
            ticked.push(SCOPES[0]);
        }
        fields.extend(ticked.iter().map(|scope| ("scope".to_owned(), (*scope).to_owned())));
        fields.push(("decision".to_owned(), "allow".to_owned()));
        match self.browser.post("/oauth2/consent", &fields).await {
            Answer::Told(reply) if reply.code().is_some() => {
                self.remembered = vec![ticked];
                Some(())
            }
            Answer::Told(reply) => {
                if self.caller.expectation.is_exact() {
                    self.caller.complain(format!("a consent was answered {} {}", reply.status, reply.location));
                }
                None
            }
            Answer::Later | Answer::Silence => {
                self.remembered.push(ticked);
                None
            }
        }
    }

    /// What disagrees: each scope is remembered as granted exactly if it was ticked in the answer that stands.
    pub async fn check(&mut self) -> Fallible<Vec<String>> {
        if self.remembered.is_empty() {
            return Ok(Vec::new());
        }
        let mut granted = Vec::new();
        for scope in SCOPES {
            let path = authorize_path(&self.client, &[scope], &[("prompt", "none")]);
            let mut answer = None;
            for _ in 0..50 {
                answer = self.browser.get(&path).await.told();
                if answer.is_some() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            let reply = answer.ok_or("no answer to an authorization request")?;
            match (reply.code(), parameter(&reply.location, "error").as_deref()) {
                (Some(_), _) => granted.push(scope),
                (None, Some("consent_required")) => {}
                _ => {
                    return Ok(vec![format!(
                        "{scope}: neither code nor question: {} {}",
                        reply.status, reply.location
                    )]);
                }
            }
        }
        let faults = if self.remembered.contains(&granted) {
            Vec::new()
        } else {
            vec![format!("the consent is {granted:?}, which was none of {:?}", self.remembered)]
        };
        self.remembered = vec![granted];
        Ok(faults)
    }
}
