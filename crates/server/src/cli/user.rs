//! `user create|list|show|set-roles|grant-oauth|lock`.

use std::io::{IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};
use sql::{Db, DbError};

use super::{Failure, Tools, Where, refuse};
use crate::audit::{Actor, Record};
use crate::ids::UserId;
use crate::time::Timestamp;
use crate::users::{self, Created, Email, NewUser, Password, Role, Roles, User as Account};

/// Accounts.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account; its password is read from standard input.
    Create(Create),
    /// List all accounts.
    List {
        #[command(flatten)]
        at: Where,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one account.
    Show(Named),
    /// Replace an account's roles.
    SetRoles {
        #[command(flatten)]
        named: Named,
        /// user, developer, reviewer or admin; repeat for several.
        #[arg(long = "role", required = true)]
        roles: Vec<Role>,
    },
    /// Let an account register apps: OAuth is a beta, given on request.
    GrantOauth(Named),
    /// Lock an account: its sessions and all tokens of its apps' grants die at once.
    Lock(Named),
}

/// A new account.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    at: Where,
    /// E-mail address.
    #[arg(long)]
    email: String,
    /// First name.
    #[arg(long)]
    name: String,
    /// Last name.
    #[arg(long)]
    lname: String,
    /// user, developer, reviewer or admin; repeat for several.
    #[arg(long = "role", default_value = "user")]
    roles: Vec<Role>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// One account.
#[derive(Debug, Args)]
pub struct Named {
    #[command(flatten)]
    at: Where,
    /// Its e-mail address or user id.
    user: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl User {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            User::Create(create) => create.run().await,
            User::List { at, json } => list(&at, json).await,
            User::Show(named) => show(&named).await,
            User::SetRoles { named, roles } => change(named, Verb::SetRoles(roles.into_iter().collect())).await,
            User::GrantOauth(named) => change(named, Verb::GrantOauth).await,
            User::Lock(named) => change(named, Verb::Lock).await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let email = Email::parse(&self.email).map_err(|fault| Failure(format!("--email: {fault}")))?;
        let name = users::parse_first_name(&self.name).map_err(|fault| Failure(format!("--name: {fault}")))?;
        let lname = users::parse_name_part(&self.lname).map_err(|fault| Failure(format!("--lname: {fault}")))?;
        let password = read_password()?;
        if let Err(weak) = password.check_as_new(&email) {
            return refuse(format!("the password: {}", weak.sentence()));
        }
        let (_, db) = self.at.open().await?;
        let tools = Tools::new();
        let now = tools.clock.now();
        let password_hash = users::Passwords::start(1, 1, tools.random.clone())?.hash(password).await?;
        let roles: Roles = self.roles.iter().copied().collect();
        let user = NewUser {
            id: UserId::mint(&tools.random),
            email,
            name,
            lname,
            roles,
            password_hash,
            created_at: now,
            // The operator's word is a confirmation.
            email_verified_at: Some(now),
            oauth_granted_at: None,
        };
        let record = Record::new(&tools.random, now, Actor::Operator, "user.created").user(&user.id);
        let unit = user.clone();
        let created = db.write(move |tx| {
            let created = users::create(tx, &unit)?;
            if created == Created::Created {
                record.write(tx)?;
            }
            Ok(created)
        });
        match created.await.map_err(|error: DbError| Failure::from(error))? {
            Created::EmailTaken => return refuse(format!("there is an account {} already", user.email)),
            Created::Created if self.json => {
                let roles: Vec<_> = roles.iter().map(Role::as_str).collect();
                println!("{}", json!({"user_id": user.id.as_str(), "email": user.email.as_str(), "roles": roles}));
            }
            Created::Created => println!("{} is the account of {}.", user.id, user.email),
        }
        db.close().await;
        Ok(())
    }
}

/// The first line of standard input; asks for it where a person types.
fn read_password() -> Result<Password, Failure> {
    let mut input = std::io::stdin();
    if input.is_terminal() {
        eprint!("Password (it will be shown): ");
        let mut line = String::new();
        input.read_line(&mut line)?;
        return Ok(Password::new(line.trim_end_matches(['\r', '\n'])));
    }
    let mut text = String::new();
    input.by_ref().take(4096).read_to_string(&mut text)?;
    Ok(Password::new(text.lines().next().unwrap_or_default()))
}

enum Verb {
    SetRoles(Roles),
    GrantOauth,
    Lock,
}

async fn change(named: Named, verb: Verb) -> Result<(), Failure> {
    let (_, db) = named.at.open().await?;
    let account = find(&db, &named.user).await?;
    let tools = Tools::new();
    let now = tools.clock.now();
    let record = |action| Record::new(&tools.random, now, Actor::Operator, action).user(&account.id);
    let id = account.id.clone();
    let done = match verb {
        Verb::SetRoles(roles) => {
            let record = record("user.roles_set").detail(json!({"roles": roles.to_string()}));
            db.write(move |tx| users::set_roles(tx, &id, roles).and_then(|()| record.write(tx))).await
        }
        Verb::GrantOauth => {
            let record = record("oauth_access.granted");
            db.write(move |tx| users::grant_oauth(tx, &id, "operator", &record).and_then(|()| record.write(tx))).await
        }
        Verb::Lock => {
            let record = record("user.locked");
            db.write(move |tx| users::lock(tx, &id, now).and_then(|()| record.write(tx))).await
        }
    };
    done.map_err(|error: DbError| Failure::from(error))?;
    let account = find(&db, account.id.as_str()).await?;
    print_account(&account, named.json);
    db.close().await;
    Ok(())
}

async fn find(db: &Db, named: &str) -> Result<Account, Failure> {
    let text = named.to_owned();
    let found = db.read(move |tx| match Email::parse(&text) {
        Ok(email) => users::find_by_email(tx, &email),
        Err(_) => users::find(tx, &UserId::from_text(&text)),
    });
    match found.await.map_err(|error: DbError| Failure::from(error))?.filter(|account| account.deleted_at.is_none()) {
        Some(account) => Ok(account),
        None => refuse(format!("there is no account {named}; `jiomeet-oauth user list` shows them")),
    }
}

async fn show(named: &Named) -> Result<(), Failure> {
    let (_, db) = named.at.open().await?;
    print_account(&find(&db, &named.user).await?, named.json);
    db.close().await;
    Ok(())
}

async fn list(at: &Where, as_json: bool) -> Result<(), Failure> {
    const PAGE: u32 = 500;
    let (_, db) = at.open().await?;
    let mut all: Vec<Account> = Vec::new();
    loop {
        let after = all.last().cloned();
        let page = db.read(move |tx| users::list(tx, after.as_ref(), PAGE)).await;
        let page = page.map_err(|error: DbError| Failure::from(error))?;
        let last = page.len() < PAGE as usize;
        all.extend(page);
        if last {
            break;
        }
    }
    if as_json {
        println!("{}", all.iter().map(account_json).collect::<Json>());
    } else {
        for account in &all {
            println!("{}", account_line(account));
        }
    }
    db.close().await;
    Ok(())
}

fn print_account(account: &Account, as_json: bool) {
    if as_json {
        println!("{}", account_json(account));
    } else {
        println!("{}", account_line(account));
    }
}

fn account_line(account: &Account) -> String {
    let mut line = format!("{}  {}  {}  {}", account.id, account.email, account.full_name(), account.roles);
    if account.oauth_granted_at.is_some() {
        line.push_str("  may register apps");
    }
    if account.locked_at.is_some() {
        line.push_str("  locked");
    }
    line
}

fn account_json(account: &Account) -> Json {
    json!({
        "user_id": account.id.as_str(),
        "email": account.email.as_str(),
        "name": account.name,
        "lname": account.lname,
        "roles": account.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "created_at": account.created_at.to_iso(),
        "oauth_granted_at": account.oauth_granted_at.map(Timestamp::to_iso),
        "locked_at": account.locked_at.map(Timestamp::to_iso),
    })
}
