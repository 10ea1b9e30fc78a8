//! Where mail goes: to a mail server, nowhere, or onto the demo's page.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Rendered;
use super::smtp::Smtp;
use crate::config::{Issuer, Mail};

/// Where mail goes.
pub enum Outlet {
    /// Nowhere: no mail server is configured.
    Off,
    /// Onto the demo's page; nothing leaves.
    Demo(DemoOutbox),
    /// To a mail server.
    Smtp(Box<Smtp>),
}

impl Outlet {
    /// As configured.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn new(config: &Mail, issuer: &Issuer) -> Result<Outlet, String> {
        match (&config.smtp, &config.from) {
            (Some(url), Some(from)) => {
                Ok(Outlet::Smtp(Box::new(Smtp::new(url, from.mailbox(), config.timeout.get(), issuer)?)))
            }
            _ => Ok(Outlet::Off),
        }
    }

    /// Whether people get what is sent to them: links by mail are offered only then.
    pub fn delivers(&self) -> bool {
        !matches!(self, Outlet::Off)
    }

    /// The demo's page, where this is the demo.
    pub fn demo(&self) -> Option<&DemoOutbox> {
        match self {
            Outlet::Demo(outbox) => Some(outbox),
            Outlet::Off | Outlet::Smtp(_) => None,
        }
    }
}

/// What the demo would have sent, in memory: the links in it work.
#[derive(Default)]
pub struct DemoOutbox(Mutex<VecDeque<Rendered>>);

/// How many mails the page remembers.
const MOST: usize = 200;

impl DemoOutbox {
    /// Adds a mail.
    pub(super) fn keep(&self, mail: Rendered) {
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push_front(mail);
        mails.truncate(MOST);
    }

    /// All of them, the newest first.
    pub fn list(&self) -> Vec<Rendered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
