//! The part of one screening that needs the network: which checks run, side by side, and what is said of those
//! that do not come back in time.

use std::collections::{HashMap, HashSet};

use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::checks;
use crate::config::{AppUrls, MAX_CALLBACKS};
use crate::host;
use crate::logo::LogoImage;
use crate::net::fault::Fault;
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Run;

/// What a screening may overrun its deadline by before its last checks are given up.
const GRACE: std::time::Duration = std::time::Duration::from_millis(250);

pub(crate) type Found = (Vec<Finding>, Option<LogoImage>);

/// The checks of one screening that need the network, each in a task of its own.
#[derive(Default)]
pub(crate) struct Work {
    tasks: JoinSet<Found>,
    /// What to say if a task does not come back.
    fallbacks: HashMap<Id, Vec<(Field, Check, String)>>,
}

impl Work {
    fn spawn(&mut self, covers: Vec<(Field, Check, String)>, task: impl Future<Output = Found> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.fallbacks.insert(handle.id(), covers);
    }

    /// Homepage, policy and terms: each is fetched once, and the policy is judged against the homepage.
    pub(crate) fn pages(&mut self, app: &AppUrls, run: &Run) {
        let page_checks = |field: Field, typed: &str| {
            [Check::Reachable, Check::Redirects, Check::CredentialsForm].map(|check| (field, check, typed.to_owned()))
        };
        let mut covers: Vec<_> = page_checks(Field::Homepage, &app.homepage).into();
        covers.extend(page_checks(Field::Policy, &app.policy));
        covers.push((Field::Policy, Check::PolicyPlace, app.policy.clone()));
        let (homepage, policy, own) = (app.homepage.clone(), app.policy.clone(), run.clone());
        self.spawn(covers, async move { (homepage_and_policy(&homepage, &policy, &own).await, None) });
        if let Some(terms) = app.terms.clone() {
            let run = run.clone();
            self.spawn(page_checks(Field::Terms, &terms).into(), async move {
                (checks::page(Field::Terms, &terms, &run).await, None)
            });
        }
    }

    pub(crate) fn logo(&mut self, app: &AppUrls, run: &Run) {
        let (typed, run) = (app.logo.clone(), run.clone());
        self.spawn(vec![(Field::Logo, Check::Logo, typed.clone())], async move {
            let (finding, picture) = checks::logo(&typed, &run).await;
            (vec![finding], picture)
        });
    }

    pub(crate) fn callbacks(&mut self, app: &AppUrls, run: &Run) {
        for (field, typed) in app.sent_to().filter(|(field, _)| field.place() < MAX_CALLBACKS) {
            let (typed, native, run) = (typed.to_owned(), app.native, run.clone());
            self.spawn(vec![(field, Check::Reachable, typed.clone())], async move {
                (vec![checks::callback(field, &typed, native, &run).await], None)
            });
        }
    }

    /// Each domain is asked for once, at the first field that leads there.
    pub(crate) fn ages(&mut self, app: &AppUrls, run: &Run) {
        let mut asked = HashSet::new();
        for (field, typed) in app.urls().filter(|(field, _)| field.place() < MAX_CALLBACKS) {
            let url = Url::parse(typed).ok().filter(checks::is_web);
            let Some(name) = url.as_ref().and_then(host::key_of) else {
                continue;
            };
            let domain = host::registered_domain_of(&name).unwrap_or(&name).to_owned();
            if host::is_localhost(&name) || !asked.insert(domain) {
                continue;
            }
            let (typed, run) = (typed.to_owned(), run.clone());
            self.spawn(vec![(field, Check::DomainAge, typed.clone())], async move {
                (vec![checks::domain_age(field, &typed, &run).await], None)
            });
        }
    }

    /// Gathers what came back; for the rest says that it was not checked.
    pub(crate) async fn finish(mut self, deadline: Instant) -> Found {
        let mut findings = Vec::new();
        let mut logo = None;
        while let Ok(Some(joined)) = timeout_at(deadline + GRACE, self.tasks.join_next_with_id()).await {
            match joined {
                Ok((id, (found, picture))) => {
                    self.fallbacks.remove(&id);
                    findings.extend(found);
                    logo = logo.or(picture);
                }
                Err(error) => tracing::error!(%error, "a check of the screening failed"),
            }
        }
        for (field, check, typed) in self.fallbacks.into_values().flatten() {
            let sentence = format!("Not checked: {}.", Fault::OutOfTime);
            findings.push(Finding::new(field, check, &typed, Severity::NotChecked, sentence, Fault::OutOfTime.mend()));
        }
        (findings, logo)
    }
}

async fn homepage_and_policy(homepage: &str, policy: &str, run: &Run) -> Vec<Finding> {
    let screener = run.screener();
    let load = async |field, typed: &str| match checks::fetchable(field, typed, screener) {
        Some(url) => Some(checks::load(url, run).await),
        None => None,
    };
    let (home, rules) = tokio::join!(load(Field::Homepage, homepage), load(Field::Policy, policy));
    let judge = async |field, typed: &str, loaded: Option<&checks::Loaded>| match loaded {
        Some(loaded) => checks::judge_page(field, typed, loaded, run),
        None => checks::page(field, typed, run).await,
    };
    let mut findings = judge(Field::Homepage, homepage, home.as_ref()).await;
    findings.extend(judge(Field::Policy, policy, rules.as_ref()).await);
    findings.push(match &rules {
        Some(rules) => checks::judge_place(policy, rules, home.as_ref()),
        None => checks::not_fetched(Field::Policy, Check::PolicyPlace, policy),
    });
    findings
}
