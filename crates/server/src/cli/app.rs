//! `app create|list|show|submit|approve|hold|reject|suspend|reinstate|delete|set-keys|set`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use protocol::jwt::ClientKey;
use protocol::redirect_uri::ClientKind;
use protocol::scope::Scope;
use serde_json::{Value as Json, json};
use sql::{Db, DbError};

use super::{Failure, Tools, Where, refuse};
use crate::apps::{self, AppDetails, AppSummary, Change, Creation, Declaration, NewKeys, RevisionDetails, Switches};
use crate::audit::{Actor, Record};
use crate::ids::DecisionId;
use crate::review::{self, Decider, Decision, Reason, Verdict};
use crate::time::Timestamp;
use crate::users::{self, Email};

/// Apps (OAuth clients).
#[derive(Debug, Subcommand)]
pub enum App {
    /// Register an app as a draft; its credentials work at once for its owner.
    Create(Box<Create>),
    /// List all apps.
    List {
        #[command(flatten)]
        at: Where,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one app.
    Show(Named),
    /// Hand an app to the reviewers.
    Submit(Named),
    /// Approve an app that is in review: it serves everybody.
    Approve(Decided),
    /// Put an app on hold: the developer is to mend something.
    Hold(Decided),
    /// Reject an app.
    Reject(Decided),
    /// Suspend an app; all its tokens die at once.
    Suspend(Decided),
    /// Let a suspended app serve again.
    Reinstate(Decided),
    /// Delete an app; all its tokens die at once.
    Delete(Named),
    /// Give an app another set of public keys to sign assertions with (private_key_jwt).
    SetKeys(SetKeys),
    /// Turn an app's switches on or off; those that are not named stay.
    Set(Set),
}

/// The fields of a new app.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    at: Where,
    /// Its owner's e-mail address.
    #[arg(long, value_name = "EMAIL")]
    owner: String,
    /// A unique and meaningful name.
    #[arg(long)]
    name: String,
    /// The full URL of its homepage.
    #[arg(long, value_name = "URL")]
    homepage_url: String,
    /// The full URL of its policy.
    #[arg(long, value_name = "URL")]
    policy_url: String,
    /// The full URL of its logo.
    #[arg(long, value_name = "URL")]
    logo_url: String,
    /// What it is for.
    #[arg(long)]
    use_case: String,
    /// A short description.
    #[arg(long, default_value = "")]
    description: String,
    /// Where people may be sent back to; 1 to 10 of them.
    #[arg(long, value_name = "URL", required = true)]
    callback_url: Vec<String>,
    /// Where people may be sent after they signed out at the app's wish; repeat for more.
    #[arg(long, value_name = "URL")]
    post_logout_url: Vec<String>,
    /// A scope it may ask for; repeat for more.
    #[arg(long, required = true)]
    scope: Vec<String>,
    /// confidential (keeps a secret on a server), browser or native (public, PKCE).
    #[arg(long, default_value = "confidential")]
    kind: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// One app.
#[derive(Debug, Args)]
pub struct Named {
    #[command(flatten)]
    at: Where,
    /// Its app id or client id.
    app: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// One app and its public keys.
#[derive(Debug, Args)]
pub struct SetKeys {
    #[command(flatten)]
    named: Named,
    /// A JWK Set with public keys; `-` is standard input. It replaces the set that is there, and an empty one removes it.
    #[arg(long, value_name = "FILE")]
    jwks_file: PathBuf,
}

/// One app and its switches.
#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    named: Named,
    /// Refuse authorization requests without a code_challenge.
    #[arg(long, value_name = "true|false")]
    require_pkce: Option<bool>,
    /// Write expires_in as a time.
    #[arg(long, value_name = "true|false")]
    expires_in_as_time: Option<bool>,
    /// Refuse client secrets: only assertions signed with the app's keys count.
    #[arg(long, value_name = "true|false")]
    assertions_only: Option<bool>,
    /// Refuse authorization requests that were not pushed (PAR, RFC 9126).
    #[arg(long, value_name = "true|false")]
    require_push: Option<bool>,
    /// Give tokens only to requests that prove a key (DPoP, RFC 9449).
    #[arg(long, value_name = "true|false")]
    require_dpop: Option<bool>,
}

/// One app and the reason.
#[derive(Debug, Args)]
pub struct Decided {
    #[command(flatten)]
    named: Named,
    /// Why, in words that the developer can act on; repeat for several.
    #[arg(long)]
    reason: Vec<String>,
}

impl App {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            App::Create(create) => create.run().await,
            App::List { at, json } => list(&at, json).await,
            App::Show(named) => show(&named).await,
            App::Submit(named) => change(named, Verb::Submit).await,
            App::Delete(named) => change(named, Verb::Delete).await,
            App::SetKeys(set) => set.run().await,
            App::Set(set) => set.run().await,
            App::Approve(decided) => decided.run(Decision::Approve).await,
            App::Hold(decided) => decided.run(Decision::Hold).await,
            App::Reject(decided) => decided.run(Decision::Reject).await,
            App::Suspend(decided) => decided.run(Decision::Suspend).await,
            App::Reinstate(decided) => decided.run(Decision::Reinstate).await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let Some(kind) = ClientKind::named(&self.kind) else {
            return refuse(format!("--kind {} is not known; use confidential, browser or native", self.kind));
        };
        let mut scopes = Vec::new();
        for text in self.scope.iter().flat_map(|text| text.split_whitespace()) {
            let scope = Scope::parse(text).map_err(|fault| Failure(format!("--scope {text}: {fault}")))?;
            scopes.push((scope, None));
        }
        let email = Email::parse(&self.owner).map_err(|fault| Failure(format!("--owner: {fault}")))?;
        let declared = Declaration {
            name: self.name,
            homepage_url: self.homepage_url,
            policy_url: self.policy_url,
            logo_url: self.logo_url,
            use_case: self.use_case,
            description: self.description,
            callback_urls: self.callback_url,
            post_logout_urls: self.post_logout_url.join("\n"),
            scopes,
            ..Declaration::default()
        };
        let (config, db) = self.at.open().await?;
        let table = config.scope_table();
        let unknown = declared.scopes().filtered(|scope| !table.contains(scope.as_str()));
        let unknown = (!unknown.is_empty())
            .then(|| format!("scopes: {unknown} is not among this server's scopes, which are {}.", table.names()));
        let found = email.clone();
        let owner =
            db.read(move |tx| users::find_by_email(tx, &found)).await.map_err(|error: DbError| Failure::from(error))?;
        let Some(owner) = owner else {
            return refuse(format!(
                "there is no account {email}; make it first with: jiomeet-oauth user create --email {email}"
            ));
        };
        let tools = Tools::new();
        let prepared = Creation::prepare(&tools.random, owner.id, kind, declared, Actor::Operator, tools.clock.now());
        let creation = match (prepared, unknown) {
            (Ok(creation), None) => creation,
            (prepared, unknown) => {
                let faults = prepared.err().unwrap_or_default();
                let lines = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message));
                return refuse(lines.chain(unknown).collect::<Vec<String>>().join(" "));
            }
        };
        let unit = creation.clone();
        db.write(move |tx| unit.write(tx)).await.map_err(|error: DbError| Failure::from(error))?;
        let secret = creation.secret.as_ref().map(|secret| secret.text.expose().to_owned());
        let app = &creation.app;
        if self.json {
            println!(
                "{}",
                json!({"app_id": app.id.as_str(), "client_id": app.client_id.as_str(), "client_secret": secret,
                    "kind": app.kind.short_name(), "status": "draft", "name": creation.declared.name, "owner": email.as_str(),
                    "redirect_uris": creation.declared.callback_urls, "scopes": scope_names(&creation.declared)})
            );
        } else {
            println!("app            {}", app.id);
            println!("client id      {}", app.client_id);
            if let Some(secret) = secret {
                println!("client secret  {secret}");
                println!("The secret is shown this once. Store it where only the app's server reads it.");
            }
            println!("It is a draft: it works for its owner now, and for everybody once it is submitted and approved.");
        }
        db.close().await;
        Ok(())
    }
}

impl Decided {
    async fn run(self, decision: Decision) -> Result<(), Failure> {
        let reasons = self.reason;
        change(self.named, Verb::Decide(decision, reasons)).await
    }
}

impl SetKeys {
    async fn run(self) -> Result<(), Failure> {
        let file = self.jwks_file.display();
        let read = match self.jwks_file.to_str() {
            Some("-") => std::io::read_to_string(std::io::stdin()),
            _ => std::fs::read_to_string(&self.jwks_file),
        };
        let text = read.map_err(|error| Failure(format!("--jwks-file {file}: {error}")))?;
        let keys = ClientKey::read_set(&text).map_err(|fault| Failure(format!("--jwks-file {file}: {fault}")))?;
        change(self.named, Verb::SetKeys(keys)).await
    }
}

impl Set {
    async fn run(self) -> Result<(), Failure> {
        let Set { named, require_pkce, expires_in_as_time, assertions_only, require_push, require_dpop } = self;
        let turn = move |before: Switches| Switches {
            pkce_required: require_pkce.unwrap_or(before.pkce_required),
            expires_in_as_time: expires_in_as_time.unwrap_or(before.expires_in_as_time),
            assertions_only: assertions_only.unwrap_or(before.assertions_only),
            push_required: require_push.unwrap_or(before.push_required),
            dpop_required: require_dpop.unwrap_or(before.dpop_required),
        };
        change(named, Verb::Set(Box::new(turn))).await
    }
}

enum Verb {
    Submit,
    Delete,
    SetKeys(Vec<ClientKey>),
    Set(Box<dyn Fn(Switches) -> Switches + Send + Sync>),
    Decide(Decision, Vec<String>),
}

async fn change(named: Named, verb: Verb) -> Result<(), Failure> {
    let (_, db) = named.at.open().await?;
    let details = find(&db, &named.app).await?;
    let tools = Tools::new();
    let now = tools.clock.now();
    let record = |action| Record::new(&tools.random, now, Actor::Operator, action).app(&details.id);
    let app = details.id.clone();
    let outcome = match verb {
        Verb::Submit => {
            let record = record("app.submitted");
            db.write(move |tx| apps::submit(tx, &app, now, &record)).await
        }
        Verb::Delete => {
            let record = record("app.deleted");
            db.write(move |tx| apps::delete(tx, &app, now, &record)).await
        }
        Verb::SetKeys(keys) => {
            let (keys, record) = (NewKeys::mint(&tools.random, keys), record("app.keys_changed"));
            db.write(move |tx| match apps::lock_details(tx, &app)? {
                Some(details) => apps::change_keys(tx, &details, &keys, now, &record),
                None => Ok(Change::NotFound),
            })
            .await
        }
        Verb::Set(turn) => {
            let record = record("app.settings_changed");
            db.write(move |tx| match apps::lock_details(tx, &app)? {
                Some(details) => apps::change_switches(tx, &details, turn(details.switches), now, &record),
                None => Ok(Change::NotFound),
            })
            .await
        }
        Verb::Decide(decision, reasons) => {
            let reasons: Vec<Reason> = reasons.iter().map(|text| Reason::parse(text)).collect();
            let detail = json!({"reasons": reasons.iter().map(Reason::to_json).collect::<Vec<_>>()});
            let verdict = Verdict {
                id: DecisionId::mint(&tools.random),
                decision,
                record: record(decision.action()).detail(detail),
                reasons,
                by: Decider::Operator,
                seen: None,
                at: now,
            };
            db.write(move |tx| review::decide(tx, &app, &verdict)).await
        }
    };
    match outcome.map_err(|error: DbError| Failure::from(error))? {
        Change::Done => {}
        Change::NotFound => return refuse(unknown(&named.app)),
        Change::Refused(why) => return refuse(why),
    }
    let status = find_any(&db, details.id.as_str()).await?.filter(|app| app.deleted_at.is_none()).map(|app| app.status);
    let word = status.map_or("deleted", |status| status.as_str());
    if named.json {
        println!("{}", json!({"app_id": details.id.as_str(), "client_id": details.client_id.as_str(), "status": word}));
    } else {
        println!("{} is {word} now.", details.id);
    }
    db.close().await;
    Ok(())
}

async fn find_any(db: &Db, named: &str) -> Result<Option<AppDetails>, Failure> {
    let named = named.to_owned();
    db.read(move |tx| apps::find_details(tx, &named)).await.map_err(|error: DbError| Failure::from(error))
}

async fn find(db: &Db, named: &str) -> Result<AppDetails, Failure> {
    match find_any(db, named).await?.filter(|app| app.deleted_at.is_none()) {
        Some(app) => Ok(app),
        None => refuse(unknown(named)),
    }
}

fn unknown(named: &str) -> String {
    format!("there is no app {named}; `jiomeet-oauth app list` shows their ids")
}

async fn show(named: &Named) -> Result<(), Failure> {
    let (_, db) = named.at.open().await?;
    let app = find(&db, &named.app).await?;
    if named.json {
        println!("{}", details_json(&app));
    } else {
        print_details(&app);
    }
    db.close().await;
    Ok(())
}

fn print_details(app: &AppDetails) {
    println!("app            {}", app.id);
    println!("client id      {}", app.client_id);
    println!("kind           {}", app.kind.short_name());
    println!("status         {}", app.status);
    println!("owner          {}", app.owner_email);
    println!("created        {}", app.created_at.to_iso());
    if let Some(reason) = &app.suspended_reason {
        println!("suspended      {reason}");
    }
    if let Some(revision) = app.serving() {
        let declared = &revision.declared;
        println!("revision       {} ({})", revision.number, revision.status.as_str());
        println!("name           {}", declared.name);
        println!("homepage       {}", declared.homepage_url);
        println!("policy         {}", declared.policy_url);
        println!("logo           {}", declared.logo_url);
        println!("use case       {}", declared.use_case);
        if !declared.description.is_empty() {
            println!("description    {}", declared.description);
        }
        for url in &declared.callback_urls {
            println!("callback       {url}");
        }
        println!("scopes         {}", scope_names(declared).join(" "));
    }
    for secret in &app.secrets {
        let used = secret.last_used_at.map_or("never used".to_owned(), |at| format!("last used {}", at.to_iso()));
        println!("secret         …{}, made {}, {used}", secret.last_four, secret.created_at.to_iso());
    }
    for key in &app.keys {
        let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("last used {}", at.to_iso()));
        let algorithm = key.key.algorithm.as_str();
        println!("key            {} ({algorithm}), added {}, {used}", key.key.kid, key.added_at.to_iso());
    }
    if let Some(switches) = app.switches.to_json().as_object() {
        for (name, _) in switches.iter().filter(|(_, on)| **on == true) {
            println!("switched on    {name}");
        }
    }
}

fn details_json(app: &AppDetails) -> Json {
    let serving = app.serving();
    json!({
        "app_id": app.id.as_str(),
        "client_id": app.client_id.as_str(),
        "kind": app.kind.short_name(),
        "status": app.status.as_str(),
        "owner": app.owner_email,
        "created_at": app.created_at.to_iso(),
        "suspended_at": app.suspended_at.map(Timestamp::to_iso),
        "suspended_reason": app.suspended_reason,
        "name": serving.map(|revision| revision.declared.name.as_str()),
        "redirect_uris": serving.map(|revision| &revision.declared.callback_urls),
        "scopes": serving.map(|revision| scope_names(&revision.declared)),
        "approved_revision": app.approved.as_ref().map(revision_json),
        "working_revision": app.working.as_ref().map(revision_json),
        "secrets": app.secrets.iter().map(|secret| json!({
            "last_four": secret.last_four,
            "created_at": secret.created_at.to_iso(),
            "last_used_at": secret.last_used_at.map(Timestamp::to_iso),
            "expires_at": secret.expires_at.map(Timestamp::to_iso),
        })).collect::<Vec<_>>(),
        "keys": app.keys.iter().map(|key| json!({
            "kid": key.key.kid,
            "alg": key.key.algorithm.as_str(),
            "added_at": key.added_at.to_iso(),
            "last_used_at": key.last_used_at.map(Timestamp::to_iso),
        })).collect::<Vec<_>>(),
        "settings": app.switches.to_json(),
    })
}

fn revision_json(revision: &RevisionDetails) -> Json {
    let declared = &revision.declared;
    json!({
        "revision": revision.number,
        "status": revision.status.as_str(),
        "name": declared.name,
        "homepage_url": declared.homepage_url,
        "policy_url": declared.policy_url,
        "logo_url": declared.logo_url,
        "use_case": declared.use_case,
        "description": declared.description,
        "terms_url": declared.terms_url,
        "support_email": declared.support_email,
        "callback_urls": declared.callback_urls,
        "post_logout_urls": apps::url_lines(&declared.post_logout_urls).collect::<Vec<_>>(),
        "scopes": scope_names(declared),
        "submitted_at": revision.submitted_at.map(Timestamp::to_iso),
        "decided_at": revision.decided_at.map(Timestamp::to_iso),
    })
}

fn scope_names(declared: &Declaration) -> Vec<String> {
    declared.scopes().iter().map(ToString::to_string).collect()
}

async fn list(at: &Where, as_json: bool) -> Result<(), Failure> {
    let (_, db) = at.open().await?;
    let mut all: Vec<AppSummary> = Vec::new();
    loop {
        let after = all
            .last()
            .map_or((Timestamp::from_millis(i64::MIN), String::new()), |app| (app.created_at, app.id.to_string()));
        let page = db.read(move |tx| apps::list_apps(tx, (after.0, &after.1), 500)).await;
        let page = page.map_err(|error: DbError| Failure::from(error))?;
        let last = page.len() < 500;
        all.extend(page);
        if last {
            break;
        }
    }
    if as_json {
        println!("{}", all.iter().map(summary_json).collect::<Json>());
    } else {
        for app in &all {
            println!("{}  {}  {:9}  {}  {}", app.id, app.client_id, app.status.as_str(), app.owner_email, app.name);
        }
    }
    db.close().await;
    Ok(())
}

fn summary_json(app: &AppSummary) -> Json {
    json!({
        "app_id": app.id.as_str(),
        "client_id": app.client_id.as_str(),
        "name": app.name,
        "status": app.status.as_str(),
        "owner": app.owner_email,
        "created_at": app.created_at.to_iso(),
    })
}
