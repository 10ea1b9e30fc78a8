//! An app's server: codes redeemed (at times twice at once), tokens refreshed (at times twice at once), used, introspected
//! and revoked.

use reqwest::Method;

use super::{authorize_path, complain_if_taken, insist, is_over, short, token_request};
use crate::Fallible;
use crate::dice::Dice;
use crate::http::{Browser, Caller, Reply, form_with, hidden_fields};
use crate::server::{Client, Report};

/// What the app asks for.
const SCOPES: [&str; 2] = ["user:read", "meeting:read"];

/// How many living grants a client goes on with; what it has ended it remembers longer.
const LIVING: usize = 8;
const ENDED: usize = 16;

/// How a grant should stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It was given, and nobody ended it.
    Alive,
    /// Its end was acknowledged.
    Ended,
    /// Its end was asked for, and the answer lost: either.
    MaybeEnded,
}

/// What the client was told of one grant.
#[derive(Debug)]
struct Grant {
    code: String,
    /// The last refresh token that it was given.
    refresh: String,
    /// The last access tokens that it was given.
    access: Vec<String>,
    refreshed: usize,
    standing: Standing,
}

/// The client and its ledger.
pub struct Grants {
    caller: Caller,
    client: Client,
    browser: Browser,
    dice: Dice,
    grants: Vec<Grant>,
    ended: Vec<Grant>,
}

impl Grants {
    /// Signs a person in, who consents once; codes come without a page from then on.
    pub async fn begin(caller: &Caller, report: &Report, dice: Dice) -> Fallible<Grants> {
        let (client, person) = (report.client.clone(), report.person("asha@example.com")?);
        let mut browser = Browser::new(caller);
        browser.sign_in(&person.email, &person.password).await.ok_or("the first sign-in failed")?;
        consent(&mut browser, &client, &SCOPES).await?;
        Ok(Grants { caller: caller.clone(), client, browser, dice, grants: Vec::new(), ended: Vec::new() })
    }

    /// How many grants it knows of.
    pub fn entries(&self) -> usize {
        self.grants.len() + self.ended.len()
    }

    /// Does one thing; nothing when it was not answered.
    pub async fn step(&mut self) -> Option<()> {
        if self.grants.len() < LIVING && (self.grants.is_empty() || self.dice.in_percent(30)) {
            return self.redeem().await;
        }
        let at = self.dice.below(self.grants.len());
        match self.dice.below(100) {
            0..45 => self.refresh(at).await,
            45..55 => self.refresh_in_two_tabs(at).await,
            55..75 => self.call(at).await,
            75..85 => self.introspect(at).await,
            85..95 => self.revoke(at).await,
            _ => self.replay(at).await,
        }
    }

    async fn token(&self, what: &str, fields: &[(&str, &str)]) -> Option<Reply> {
        self.caller.send(what, token_request(&self.caller, &self.client, "token", fields)).await.told()
    }

    fn complain(&self, what: &str, grant: &Grant, reply: &Reply) {
        let start: String = reply.body.chars().take(200).collect();
        self.caller.complain(format!(
            "{what}: {} {start}; the grant of code {}, refreshed {} times, last {}",
            reply.status,
            short(&grant.code),
            grant.refreshed,
            grant.refresh.get(..40).unwrap_or_default()
        ));
    }

    /// A code, redeemed once, or by two requests at once: then at most one may have it, and the other ends it.
    async fn redeem(&mut self) -> Option<()> {
        let reply = self.browser.get(&authorize_path(&self.client, &SCOPES, &[])).await.told()?;
        let Some(code) = reply.code() else {
            if self.caller.expectation.is_exact() {
                self.caller.complain(format!("no code but {} {}", reply.status, reply.location));
            }
            return None;
        };
        let fields = [("grant_type", "authorization_code"), ("code", code.as_str())];
        let twice = self.dice.in_percent(15) && self.caller.expectation.is_exact();
        let (first, second) = if twice {
            let both = tokio::join!(self.token("a redemption", &fields), self.token("the same redemption", &fields));
            (both.0, Some(both.1))
        } else {
            (self.token("a redemption", &fields).await, None)
        };
        let replies = || [first.as_ref(), second.as_ref().and_then(Option::as_ref)].into_iter().flatten();
        let given: Vec<&Reply> = replies().filter(|reply| reply.status == 200).collect();
        if given.len() > 1 {
            self.caller.complain(format!("the code {} was redeemed twice", short(&code)));
        }
        if let Some(refused) = replies().find(|_| !twice && given.is_empty())
            && self.caller.expectation.is_exact()
        {
            self.caller.complain(format!("a fresh code was refused: {} {}", refused.status, refused.body));
        }
        let given = given.first()?;
        let refused = replies().any(|reply| reply.status == 400);
        let standing = match (twice, refused) {
            (false, _) => Standing::Alive,
            // While the clock is wrong the second may be refused as expired, which ends nothing.
            (true, true) if self.caller.expectation.is_exact() => Standing::Ended,
            (true, _) => Standing::MaybeEnded,
        };
        let (refresh, access) = (given.text("refresh_token"), vec![given.text("access_token")]);
        self.grants.push(Grant { code, refresh, access, refreshed: 0, standing });
        self.put_aside();
        Some(())
    }

    /// What has ended, or may have, is not gone on with.
    fn put_aside(&mut self) {
        let (living, ended) =
            std::mem::take(&mut self.grants).into_iter().partition(|grant| grant.standing == Standing::Alive);
        self.grants = living;
        let ended: Vec<Grant> = ended;
        self.ended.extend(ended);
        let surplus = self.ended.len().saturating_sub(ENDED);
        self.ended.drain(..surplus);
    }

    async fn refresh(&mut self, at: usize) -> Option<()> {
        let refresh = self.grants[at].refresh.clone();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let reply = self.token("a refresh", &fields).await?;
        self.take(at, &reply);
        Some(())
    }

    /// Two requests with the same token: both get the same successor.
    async fn refresh_in_two_tabs(&mut self, at: usize) -> Option<()> {
        let refresh = self.grants[at].refresh.clone();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let (one, other) = tokio::join!(self.token("a refresh", &fields), self.token("the same refresh", &fields));
        if let (Some(one), Some(other)) = (&one, &other)
            && (one.status, other.status) == (200, 200)
            && one.text("refresh_token") != other.text("refresh_token")
        {
            if !self.caller.expectation.is_exact() {
                // A jump of the clock between the two is a pause longer than the grace: the second takes the first for
                // lost, and which of both answers leads on the client cannot know.
                self.grants[at].standing = Standing::MaybeEnded;
                self.put_aside();
                return Some(());
            }
            self.caller.complain(format!("two chains grew out of one refresh token {}", short(&refresh)));
        }
        let answered = one.or(other)?;
        self.take(at, &answered);
        Some(())
    }

    fn take(&mut self, at: usize, reply: &Reply) {
        if reply.status != 200 {
            if self.caller.expectation.is_exact() {
                self.complain("a living refresh token was refused", &self.grants[at], reply);
            }
            return;
        }
        let grant = &mut self.grants[at];
        grant.refresh = reply.text("refresh_token");
        grant.refreshed += 1;
        grant.access.push(reply.text("access_token"));
        let surplus = grant.access.len().saturating_sub(3);
        grant.access.drain(..surplus);
    }

    async fn profile(&self, access: &str) -> Option<Reply> {
        let request = self.caller.request(Method::GET, "/api/user/profile").bearer_auth(access);
        self.caller.send("the profile", request).await.told()
    }

    async fn call(&mut self, at: usize) -> Option<()> {
        let access = self.dice.pick(&self.grants[at].access)?.clone();
        let reply = self.profile(&access).await?;
        if reply.status != 200 && self.caller.expectation.is_exact() && !is_over(&access) {
            self.complain("a living access token was refused", &self.grants[at], &reply);
        }
        Some(())
    }

    async fn introspect(&mut self, at: usize) -> Option<()> {
        let access = self.grants[at].access.last()?.clone();
        let request = token_request(&self.caller, &self.client, "introspect", &[("token", &access)]);
        let reply = self.caller.send("an introspection", request).await.told()?;
        if reply.json()["active"] != true && self.caller.expectation.is_exact() && !is_over(&access) {
            self.complain("a living access token is not active", &self.grants[at], &reply);
        }
        Some(())
    }

    /// Once that is acknowledged no token of the grant opens anything.
    async fn revoke(&mut self, at: usize) -> Option<()> {
        let refresh = self.grants[at].refresh.clone();
        let request = token_request(&self.caller, &self.client, "revoke", &[("token", &refresh)]);
        let reply = self.caller.send("a revocation", request).await.told();
        let told = reply.is_some_and(|reply| reply.status == 200);
        self.grants[at].standing = if told { Standing::Ended } else { Standing::MaybeEnded };
        if told {
            let access = self.grants[at].access.last()?;
            complain_if_taken(&self.caller, "revoked", access).await;
        }
        self.put_aside();
        told.then_some(())
    }

    /// A spent code again: refused, and its grant ends.
    async fn replay(&mut self, at: usize) -> Option<()> {
        let (code, was_exact) = (self.grants[at].code.clone(), self.caller.expectation.is_exact());
        let reply = self.token("a replay", &[("grant_type", "authorization_code"), ("code", &code)]).await;
        if let Some(reply) = reply.as_ref().filter(|reply| reply.status == 200) {
            self.complain("a spent code was redeemed again", &self.grants[at], reply);
        }
        self.grants[at].standing = match &reply {
            Some(reply) if reply.status == 400 && was_exact && self.caller.expectation.is_exact() => Standing::Ended,
            _ => Standing::MaybeEnded,
        };
        self.put_aside();
        reply.map(drop)
    }

    /// What disagrees: everything living must go on, everything ended be dead, and the rest one or the other as a whole.
    pub async fn check(&mut self) -> Fallible<Vec<String>> {
        let mut faults = Vec::new();
        let mut grants = std::mem::take(&mut self.grants);
        for grant in &mut grants {
            faults.extend(self.check_living(grant).await?);
        }
        self.grants = grants;
        for grant in &self.ended {
            faults.extend(self.check_ended(grant).await?);
        }
        // Known by now, and dead or alive as a whole.
        self.ended.retain(|grant| grant.standing == Standing::Ended);
        // What has been looked at several times makes room.
        if self.grants.len() > LIVING / 2 {
            self.grants.drain(..LIVING / 4);
        }
        Ok(faults)
    }

    async fn checked_profile(&self, access: &str) -> Fallible<u16> {
        let request = || self.caller.request(Method::GET, "/api/user/profile").bearer_auth(access);
        Ok(insist(&self.caller, "the profile", request).await?.status)
    }

    async fn checked_token(&self, path: &str, fields: &[(&str, &str)]) -> Fallible<Reply> {
        insist(&self.caller, path, || token_request(&self.caller, &self.client, path, fields)).await
    }

    async fn check_living(&self, grant: &mut Grant) -> Fallible<Vec<String>> {
        let mut faults = Vec::new();
        let name = format!("the grant of code {} (refreshed {} times)", short(&grant.code), grant.refreshed);
        for (age, access) in grant.access.iter().rev().enumerate() {
            let status = self.checked_profile(access).await?;
            if status != 200 && !is_over(access) {
                faults
                    .push(format!("{name}: an acknowledged access token, {age} before the last, is refused: {status}"));
            }
        }
        let fields = [("grant_type", "refresh_token"), ("refresh_token", grant.refresh.as_str())];
        let reply = self.checked_token("token", &fields).await?;
        if reply.status == 200 {
            grant.refresh = reply.text("refresh_token");
            grant.access = vec![reply.text("access_token")];
            grant.refreshed += 1;
        } else {
            faults.push(format!("{name}: its last acknowledged refresh token is refused: {}", reply.body));
        }
        Ok(faults)
    }

    async fn check_ended(&self, grant: &Grant) -> Fallible<Vec<String>> {
        let mut faults = Vec::new();
        let name = format!("the grant of code {}, {:?}", short(&grant.code), grant.standing);
        let access = grant.access.last().map(String::as_str).unwrap_or_default();
        let opens = self.checked_profile(access).await? == 200;
        let active = self.checked_token("introspect", &[("token", access)]).await?.json()["active"] == true;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", grant.refresh.as_str())];
        let goes_on = self.checked_token("token", &fields).await?.status == 200;
        let (opens, active) = if is_over(access) { (goes_on, goes_on) } else { (opens, active) };
        if opens != active || opens != goes_on {
            faults.push(format!("{name}: half ended: opens {opens}, active {active}, refreshes {goes_on}"));
        }
        if grant.standing == Standing::Ended && (opens || active || goes_on) {
            faults.push(format!("{name}: what was ended lives: opens {opens}, active {active}, refreshes {goes_on}"));
        }
        let fields = [("grant_type", "authorization_code"), ("code", grant.code.as_str())];
        let again = self.checked_token("token", &fields).await?;
        if again.status == 200 {
            faults.push(format!("{name}: its code was redeemed again"));
        }
        Ok(faults)
    }
}

/// Answers the consent page for those scopes; a code comes back.
pub async fn consent(browser: &mut Browser, client: &Client, scopes: &[&str]) -> Fallible<String> {
    let path = authorize_path(client, scopes, &[("prompt", "consent")]);
    let page = browser.get(&path).await.told().ok_or("no consent page")?;
    let form = form_with(&page.body, "name=\"decision\"").ok_or("a page without the form of consent")?;
    let mut fields = hidden_fields(form);
    fields.extend(scopes.iter().map(|scope| ("scope".to_owned(), (*scope).to_owned())));
    fields.push(("decision".to_owned(), "allow".to_owned()));
    let reply = browser.post("/oauth2/consent", &fields).await.told().ok_or("no answer to the consent")?;
    reply.code().ok_or_else(|| format!("no code but {} {}", reply.status, reply.location).into())
}
