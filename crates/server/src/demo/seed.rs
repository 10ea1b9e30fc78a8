//! Puts the made-up people and apps into the database; what is there already stays.

use protocol::scope::Scope;
use serde_json::json;
use sql::{DbError, Tx};

use super::cast::{APPS, DEVELOPER, PEOPLE, Part, Person, SAMPLE_CLIENT, Stage};
use super::seed_file::{SeedFile, SeedFileError};
use crate::app::App;
use crate::apps::{self, Creation, Declaration};
use crate::audit::{Actor, Record};
use crate::ids::{AppId, DecisionId, UserId};
use crate::jobs;
use crate::review::{self, Decider, Decision, Reason, Verdict};
use crate::time::Timestamp;
use crate::users::{self, Created, Email, HashingError, NewUser, Password, Role, Roles};

/// What is there after seeding.
#[derive(Debug)]
pub struct Seeded {
    /// Everybody.
    pub people: Vec<SeededPerson>,
    /// Every app.
    pub apps: Vec<SeededApp>,
    /// Which of the apps is the sample client.
    pub sample_client: usize,
}

/// A made-up person, as reported.
#[derive(Debug)]
pub struct SeededPerson {
    /// Address to sign in with.
    pub email: String,
    /// Password to sign in with.
    pub password: String,
    /// The account's id.
    pub user_id: String,
    /// Its roles.
    pub roles: Vec<&'static str>,
}

/// A made-up app, as reported.
#[derive(Debug)]
pub struct SeededApp {
    /// The app's id.
    pub app_id: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: String,
    /// Its owner's address.
    pub owner: String,
    /// Its client id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: Option<String>,
    /// Its callback URLs.
    pub redirect_uris: Vec<String>,
    /// What it may ask for.
    pub scopes: Vec<String>,
}

/// Why seeding failed.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The database.
    #[error("the demo's people and apps cannot be written: {0}")]
    Database(#[from] DbError),
    /// The seed file.
    #[error(transparent)]
    File(#[from] SeedFileError),
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// Something made up breaks our own rules.
    #[error("the demo's own data is wrong: {0}")]
    Cast(String),
}

/// Seeds the database. `client_url` is where the sample client listens.
///
/// # Errors
/// When the database or the seed file refuses.
pub async fn seed(app: &App, folder: &std::path::Path, client_url: &str) -> Result<Seeded, SeedError> {
    let mut file = SeedFile::read(folder)?;
    for person in PEOPLE {
        file.passwords.entry(person.email.to_owned()).or_insert_with(|| password_for(app, person));
    }
    file.write(folder)?;
    let mut people = Vec::new();
    for person in PEOPLE {
        people.push(seed_person(app, person, &file).await?);
    }
    let owner = people.iter().find(|person| person.email == DEVELOPER);
    let owner = owner.map(|person| UserId::from_text(&person.user_id)).ok_or_else(|| cast("there is no developer"))?;
    let existing = list_existing(app, &owner).await?;
    let mut seeded = Vec::new();
    for (index, part) in APPS.iter().enumerate() {
        let declared = declaration(part, (index == SAMPLE_CLIENT).then_some(client_url))?;
        let id = match existing.iter().find(|(_, name)| name == part.name) {
            Some((id, _)) => id.clone(),
            None => create_app(app, part, &owner, declared.clone(), &mut file, folder).await?,
        };
        let moved = (index == SAMPLE_CLIENT).then_some(declared);
        seeded.push(keep_app(app, part, id, moved, &mut file, folder).await?);
    }
    Ok(Seeded { people, apps: seeded, sample_client: SAMPLE_CLIENT })
}

fn cast(why: &str) -> SeedError {
    SeedError::Cast(why.to_owned())
}

/// A password that can be typed: the name and twelve random letters and digits.
fn password_for(app: &App, person: &Person) -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut text = person.name.to_lowercase();
    for position in 0..12 {
        if position % 4 == 0 {
            text.push('-');
        }
        let index = usize::try_from(app.random.below(ALPHABET.len() as u64)).unwrap_or(0);
        text.push(char::from(ALPHABET[index]));
    }
    text
}

async fn seed_person(app: &App, person: &Person, file: &SeedFile) -> Result<SeededPerson, SeedError> {
    let now = app.clock.now();
    let password = file.passwords.get(person.email).cloned().unwrap_or_default();
    let role = Role::parse(person.role).ok_or_else(|| cast("a role is not known"))?;
    let email = Email::parse(person.email).map_err(cast)?;
    let password_hash = app.passwords.hash(Password::new(password.clone())).await?;
    let user = NewUser {
        id: UserId::mint(&app.random),
        email: email.clone(),
        name: person.name.to_owned(),
        lname: person.lname.to_owned(),
        roles: Roles::default().with(role),
        password_hash,
        created_at: now,
        email_verified_at: Some(now),
        oauth_granted_at: person.oauth.then_some(now),
    };
    let unit = user.clone();
    let existing = app.db.write(move |tx| insert_or_find(tx, &unit)).await?;
    Ok(SeededPerson {
        email: email.to_string(),
        password,
        user_id: existing.unwrap_or(user.id).to_string(),
        roles: vec![role.as_str()],
    })
}

/// Makes the account, or gives the one that is there, with the seed file's password.
fn insert_or_find(tx: &mut Tx<'_>, user: &NewUser) -> Result<Option<UserId>, DbError> {
    match users::create(tx, user)? {
        Created::Created => Ok(None),
        Created::EmailTaken => {
            let Some(existing) = users::find_by_email(tx, &user.email)? else { return Ok(None) };
            users::replace_password_hash(tx, &existing.id, &user.password_hash)?;
            Ok(Some(existing.id))
        }
    }
}

/// The owner's apps by name.
async fn list_existing(app: &App, owner: &UserId) -> Result<Vec<(AppId, String)>, SeedError> {
    let owner = owner.clone();
    let listed = app.db.read(move |tx| apps::list_owned(tx, &owner)).await?;
    Ok(listed.into_iter().map(|app| (app.id, app.name)).collect())
}

/// What the app declares; the sample client declares the address at which it listens.
fn declaration(part: &Part, client_url: Option<&str>) -> Result<Declaration, SeedError> {
    let scopes =
        part.scopes.iter().map(|scope| Scope::parse(scope).map(|scope| (scope, None)).map_err(|_| cast(scope)));
    let site = client_url.unwrap_or(part.site);
    Ok(Declaration {
        name: part.name.to_owned(),
        homepage_url: site.to_owned(),
        policy_url: format!("{site}/policy"),
        logo_url: format!("{site}/logo.png"),
        use_case: part.use_case.to_owned(),
        description: part.description.to_owned(),
        callback_urls: match client_url {
            Some(site) => vec![format!("{site}/callback")],
            None => part.callback_urls.iter().map(|url| (*url).to_owned()).collect(),
        },
        scopes: scopes.collect::<Result<_, _>>()?,
        ..Declaration::default()
    })
}

async fn create_app(
    app: &App,
    part: &Part,
    owner: &UserId,
    declared: Declaration,
    file: &mut SeedFile,
    folder: &std::path::Path,
) -> Result<AppId, SeedError> {
    let now = app.clock.now();
    let actor = Actor::User(owner.clone());
    let creation =
        Creation::prepare(&app.random, owner.clone(), part.kind, declared, actor, now).map_err(|faults| {
            SeedError::Cast(faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join(" "))
        })?;
    // The file first: a secret that nobody knows is worse than one that opens nothing yet.
    if let Some(secret) = &creation.secret {
        file.client_secrets.insert(part.name.to_owned(), secret.text.expose().to_owned());
        file.write(folder)?;
    }
    let id = creation.app.id.clone();
    let steps = steps_to(app, part, &id, now);
    app.db
        .write(move |tx| {
            creation.write(tx)?;
            steps.iter().try_for_each(|step| step.take(tx, &creation.app.id, now))
        })
        .await?;
    Ok(id)
}

/// One step on an app's way.
enum Step {
    Submit(Record),
    Decide(Box<Verdict>),
}

impl Step {
    fn take(&self, tx: &mut Tx<'_>, app: &AppId, now: Timestamp) -> Result<(), DbError> {
        match self {
            Step::Submit(record) => apps::submit(tx, app, now, record).map(drop),
            Step::Decide(verdict) => review::decide(tx, app, verdict).map(drop),
        }
    }
}

fn steps_to(app: &App, part: &Part, id: &AppId, now: Timestamp) -> Vec<Step> {
    let decide = |decision: Decision| {
        let reasons = if decision.needs_reason() { vec![Reason::parse(part.reason)] } else { Vec::new() };
        Step::Decide(Box::new(Verdict {
            id: DecisionId::mint(&app.random),
            decision,
            record: Record::new(&app.random, now, Actor::System, decision.action())
                .app(id)
                .detail(json!({"demo": true})),
            reasons,
            by: Decider::Operator,
            seen: None,
            at: now,
        }))
    };
    let submit = || Step::Submit(Record::new(&app.random, now, Actor::System, "app.submitted").app(id));
    match part.stage {
        Stage::Draft => vec![],
        Stage::InReview => vec![submit()],
        Stage::OnHold => vec![submit(), decide(Decision::Hold)],
        Stage::Rejected => vec![submit(), decide(Decision::Reject)],
        Stage::Approved => vec![submit(), decide(Decision::Approve)],
        Stage::Suspended => vec![submit(), decide(Decision::Approve), decide(Decision::Suspend)],
    }
}

/// Reports an app as it is now; the sample client gets today's addresses, and every
/// confidential app a secret that the file knows.
async fn keep_app(
    app: &App,
    part: &Part,
    id: AppId,
    moved: Option<Declaration>,
    file: &mut SeedFile,
    folder: &std::path::Path,
) -> Result<SeededApp, SeedError> {
    let now = app.clock.now();
    let fresh = if part.kind.is_public() || file.client_secrets.contains_key(part.name) {
        None
    } else {
        let secret = apps::NewSecret::mint(&app.random);
        file.client_secrets.insert(part.name.to_owned(), secret.text.expose().to_owned());
        file.write(folder)?;
        Some(secret)
    };
    let unit_id = id.clone();
    let details = app
        .db
        .write(move |tx| {
            let found = apps::find_details(tx, unit_id.as_str())?;
            if let (Some(moved), Some(serving)) = (&moved, found.as_ref().and_then(|app| app.serving()))
                && serving.declared.callback_urls != moved.callback_urls
            {
                apps::store::relocate(tx, &serving.id, moved)?;
                jobs::schedule(tx, jobs::Kind::Screening, serving.id.as_str(), now)?;
            }
            if let Some(secret) = &fresh {
                secret.write(tx, &unit_id, now)?;
            }
            apps::find_details(tx, unit_id.as_str())
        })
        .await?
        .ok_or_else(|| cast("an app is gone"))?;
    let declared = details.serving().map(|revision| revision.declared.clone()).unwrap_or_default();
    Ok(SeededApp {
        app_id: details.id.to_string(),
        name: declared.name.clone(),
        status: details.status.to_string(),
        owner: details.owner_email,
        client_id: details.client_id.to_string(),
        client_secret: file.client_secrets.get(part.name).cloned(),
        redirect_uris: declared.callback_urls.clone(),
        scopes: declared.scopes().iter().map(ToString::to_string).collect(),
    })
}
