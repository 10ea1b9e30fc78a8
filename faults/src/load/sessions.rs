//! A person who signs in and out.

use std::time::Duration;

use crate::Fallible;
use crate::dice::Dice;
use crate::http::{Answer, Browser, Caller, form_with, hidden_fields};
use crate::server::{Person, Report};

/// How a session should stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    SignedIn,
    SignedOut,
    /// The answer to the signing out was lost.
    Either,
}

/// The person and what they were told of each session.
pub struct Sessions {
    caller: Caller,
    person: Person,
    dice: Dice,
    sessions: Vec<(Browser, Standing)>,
}

impl Sessions {
    /// Nobody is signed in.
    pub fn begin(caller: &Caller, report: &Report, dice: Dice) -> Fallible<Sessions> {
        let person = report.person("admin@example.com")?;
        Ok(Sessions { caller: caller.clone(), person, dice, sessions: Vec::new() })
    }

    /// Signs in, or out; nothing when there was no answer. Not often: each sign-in hashes a password.
    pub async fn step(&mut self) -> Option<()> {
        tokio::time::sleep(self.dice.millis(50, 200)).await;
        let open = self.sessions.iter().position(|(_, standing)| *standing == Standing::SignedIn);
        match open {
            Some(at) if self.dice.in_percent(50) => self.sign_out(at).await,
            _ => {
                let mut browser = Browser::new(&self.caller);
                browser.sign_in(&self.person.email, &self.person.password).await?;
                self.sessions.push((browser, Standing::SignedIn));
                Some(())
            }
        }
    }

    async fn sign_out(&mut self, at: usize) -> Option<()> {
        let (browser, standing) = &mut self.sessions[at];
        let page = browser.get("/account").await.told()?;
        let fields = hidden_fields(form_with(&page.body, "action=\"/sign-out\"")?);
        // What the browser forgets by the answer, a thief would keep.
        let mut stolen = browser.clone();
        match browser.post("/sign-out", &fields).await {
            Answer::Told(_) => *standing = Standing::SignedOut,
            Answer::Later | Answer::Silence => *standing = Standing::Either,
        }
        std::mem::swap(browser, &mut stolen);
        (*standing == Standing::SignedOut).then_some(())
    }

    /// What disagrees.
    pub async fn check(&mut self) -> Fallible<Vec<String>> {
        let mut faults = Vec::new();
        for (number, (browser, standing)) in self.sessions.iter_mut().enumerate() {
            let mut found = None;
            for _ in 0..50 {
                found = browser.get("/account").await.told();
                if found.is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let status = found.ok_or("no answer to the account's page")?.status;
            match (*standing, status) {
                (Standing::SignedIn | Standing::Either, 200) | (Standing::SignedOut | Standing::Either, 303) => {}
                (standing, status) => {
                    faults.push(format!("session {number}: {standing:?}, and /account answers {status}"))
                }
            }
        }
        let surplus = self.sessions.len().saturating_sub(6);
        self.sessions.drain(..surplus);
        self.sessions.retain(|(_, standing)| *standing != Standing::Either);
        Ok(faults)
    }
}
