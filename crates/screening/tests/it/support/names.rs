//! A name server of our own: what each name means, and how often it was asked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use screening::net::resolve::{Resolution, Resolve, ResolveError};

type Answer = Result<Vec<IpAddr>, ResolveError>;
/// The answers in turn, and how many were given.
type Known = (Vec<Answer>, usize);

#[derive(Clone, Default)]
pub struct Names {
    shared: Arc<Mutex<HashMap<String, Known>>>,
}

impl Names {
    pub fn new() -> Self {
        Self::default()
    }

    /// The name means these addresses.
    pub fn set(&self, name: &str, addresses: &[&str]) -> &Self {
        self.set_in_turn(name, &[addresses])
    }

    /// The name means these, then those at the next question, and so on; the last answer stays.
    pub fn set_in_turn(&self, name: &str, answers: &[&[&str]]) -> &Self {
        let parse = |addresses: &&[&str]| Ok(addresses.iter().map(|address| address.parse().unwrap()).collect());
        self.put(name, answers.iter().map(parse).collect())
    }

    /// Asking for the name fails.
    pub fn fail(&self, name: &str, error: ResolveError) -> &Self {
        self.put(name, vec![Err(error)])
    }

    fn put(&self, name: &str, answers: Vec<Answer>) -> &Self {
        self.shared.lock().unwrap().insert(name.to_owned(), (answers, 0));
        self
    }

    /// How often the name was asked for.
    pub fn asked(&self, name: &str) -> usize {
        self.shared.lock().unwrap().get(name).map_or(0, |(_, asked)| *asked)
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolution<'a> {
        Box::pin(async move {
            let mut names = self.shared.lock().unwrap();
            let Some((answers, asked)) = names.get_mut(host) else {
                return Err(ResolveError::NoSuchHost);
            };
            let answer = answers[(*asked).min(answers.len() - 1)].clone();
            *asked += 1;
            answer
        })
    }
}
