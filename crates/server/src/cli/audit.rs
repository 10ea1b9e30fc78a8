//! `audit list`.

use clap::{Args, Subcommand};
use serde_json::Value as Json;
use sql::DbError;

use super::{Failure, Where, refuse};
use crate::review::{AuditEntry, Before, Filter, list_audit};
use crate::users::{self, Email};

/// Entries that one unit of work reads.
const PAGE: i64 = 1000;

/// The audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Show entries, latest first.
    List(List),
}

/// Which entries.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    at: Where,
    /// About this app, by its id.
    #[arg(long, value_name = "APP", default_value = "")]
    app: String,
    /// About this person, or by them: an e-mail address or account id.
    #[arg(long, value_name = "USER", default_value = "")]
    user: String,
    /// Of this action, such as app.approved.
    #[arg(long, value_name = "ACTION", default_value = "")]
    action: String,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Audit::List(list) => list.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let (_, db) = self.at.open().await?;
        let mut filter = Filter { app: self.app, user: self.user, action: self.action };
        if filter.user.contains('@') {
            let email = Email::parse(&filter.user).map_err(|fault| Failure(format!("--user: {fault}")))?;
            let named = email.clone();
            let found = db.read(move |tx| users::find_by_email(tx, &named)).await;
            match found.map_err(|error: DbError| Failure::from(error))? {
                Some(user) => filter.user = user.id.to_string(),
                None => return refuse(format!("there is no account {email}; `jiomeet-oauth user list` shows them")),
            }
        }
        let mut entries: Vec<AuditEntry> = Vec::new();
        while entries.len() < self.limit as usize {
            let before = entries.last().map_or_else(Before::latest, AuditEntry::place);
            let wanted = PAGE.min(i64::from(self.limit) - i64::try_from(entries.len()).unwrap_or(i64::MAX));
            let unit = filter.clone();
            let page = db.read(move |tx| list_audit(tx, &unit, &before, wanted)).await;
            let page = page.map_err(|error: DbError| Failure::from(error))?;
            let is_last = i64::try_from(page.len()).unwrap_or(i64::MAX) < wanted;
            entries.extend(page);
            if is_last {
                break;
            }
        }
        if self.json {
            println!("{}", entries.iter().map(AuditEntry::to_json).collect::<Json>());
        } else {
            for entry in &entries {
                println!("{}", in_a_line(entry));
            }
        }
        db.close().await;
        Ok(())
    }
}

fn in_a_line(entry: &AuditEntry) -> String {
    let by = if entry.actor_id.is_empty() { entry.actor_kind.clone() } else { entry.actor_id.clone() };
    let about: Vec<&str> = entry.app_id.iter().chain(&entry.user_id).map(String::as_str).collect();
    format!("{}  {:24}  {by}  {}  {}", entry.at.to_iso(), entry.action, about.join(" "), entry.detail)
}
