//! The cookies of one browser.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};

/// What a browser keeps of our cookies: their names and values. The tests look at the attributes of each in the answers.
#[derive(Debug, Default)]
pub struct Jar {
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Clone for Jar {
    /// The same cookies in a jar of their own.
    fn clone(&self) -> Jar {
        Jar { cookies: Mutex::new(self.cookies().clone()) }
    }
}

impl Jar {
    /// A cookie's value.
    pub fn get(&self, name: &str) -> Option<String> {
        self.cookies().get(name).cloned()
    }

    /// Puts one in.
    pub fn set(&self, name: &str, value: &str) {
        self.cookies().insert(name.to_owned(), value.to_owned());
    }

    /// Takes one out.
    pub fn remove(&self, name: &str) {
        self.cookies().remove(name);
    }

    /// Sends a request with them, and keeps what the answer sets.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let pairs: Vec<String> = self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if pairs.is_empty() { request } else { request.header(COOKIE, pairs.join("; ")) };
        let response = request.send().await.unwrap();
        self.keep(response.headers());
        response
    }

    fn keep(&self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") { self.remove(name) } else { self.set(name, value) }
        }
    }

    fn cookies(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
