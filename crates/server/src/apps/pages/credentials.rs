//! The one moment at which a client secret is shown: the answer to the form that made it. Nothing of it is ever in a
//! URL, in the log or on another page.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use protocol::redirect_uri::ClientKind;
use protocol::secret::Secret;

use super::app_page;
use super::desk::{Desk, Named, Posted};
use crate::apps::changes::{Edit, Regeneration};
use crate::apps::snippets::{Ingredients, Snippet};
use crate::apps::{AppDetails, Creation, Declaration, console_store};
use crate::config::Issuer;
use crate::ids::{AppId, ClientId};
use crate::web::samples::{Sample, shell};
use crate::web::{Notice, PageError, Section, Shell};

/// What is to be shown.
pub struct Credentials {
    app: AppId,
    client_id: ClientId,
    kind: ClientKind,
    name: String,
    callback_url: Option<String>,
    secret: Option<Secret>,
    notice: Notice,
}

#[derive(Template)]
#[template(path = "apps/credentials.html")]
struct CredentialsPage {
    shell: Shell,
    notice: Option<Notice>,
    app: AppId,
    name: String,
    client_id: ClientId,
    secret: Option<String>,
    snippets: Vec<Snippet>,
}

impl Credentials {
    /// Of an app that was just made.
    pub fn of_new(creation: &Creation, submitted: bool) -> Credentials {
        let words = if submitted {
            "The app is created and in review, which usually takes 24 to 48 hours. It works for you already, in test mode."
        } else {
            "The draft is saved. It works for you already, in test mode."
        };
        Credentials {
            app: creation.app.id.clone(),
            client_id: creation.app.client_id.clone(),
            kind: creation.app.kind,
            name: creation.declared.display_name().to_owned(),
            callback_url: first_callback(&creation.declared),
            secret: creation.secret.as_ref().map(|secret| secret.text.clone()),
            notice: Notice::done(words),
        }
    }

    /// Of an app that keeps a secret from now on.
    pub fn of_changed_kind(app: &AppDetails, edit: &Edit) -> Credentials {
        Credentials {
            app: app.id.clone(),
            client_id: app.client_id.clone(),
            kind: edit.kind,
            name: edit.declared.display_name().to_owned(),
            callback_url: first_callback(&edit.declared),
            secret: Some(edit.new_secret.text.clone()),
            notice: Notice::done(
                "The app is saved. It keeps a client secret from now on; what it held before has ended.",
            ),
        }
    }

    /// Of an app with another secret.
    pub fn of_regenerated(app: &AppDetails, asked: &Regeneration) -> Credentials {
        let declared = app.serving().map(|revision| revision.declared.clone()).unwrap_or_default();
        Credentials {
            app: app.id.clone(),
            client_id: app.client_id.clone(),
            kind: app.kind,
            name: declared.display_name().to_owned(),
            callback_url: first_callback(&declared),
            secret: Some(asked.secret.text.clone()),
            notice: Notice::done(format!(
                "The new client secret works from now on. The one before goes on {}.",
                asked.overlap.words()
            )),
        }
    }

    /// The page.
    ///
    /// # Errors
    /// None; as its callers have it.
    pub fn answer(self, desk: &Desk) -> Result<Response, PageError> {
        let nonce = desk.app.random.uuid();
        let ingredients = Ingredients {
            issuer: &desk.app.issuer,
            client_id: &self.client_id,
            secret: self.secret.as_ref(),
            kind: self.kind,
            callback_url: self.callback_url.as_deref(),
            nonce: &nonce[..8],
        };
        let page = CredentialsPage {
            shell: desk.shell(Section::OAuth),
            snippets: ingredients.snippets(),
            notice: Some(self.notice),
            app: self.app,
            name: self.name,
            client_id: self.client_id,
            secret: self.secret.as_ref().map(|secret| secret.expose().to_owned()),
        };
        Ok(desk.page_with_script(StatusCode::OK, &page))
    }
}

fn first_callback(declared: &Declaration) -> Option<String> {
    declared.callback_urls.first().cloned()
}

/// `POST /oauth/apps/{id}/credentials`: as a file, for whoever holds the secret: the page that shows it sends it back.
pub(super) async fn download_file(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let (held, _) = desk.find_app(&app).await?;
    let secret = form.get("secret")?.map(Secret::new);
    if let Some(secret) = &secret {
        let (digest, id, now) = (secret.digest(), held.app.id.clone(), desk.now);
        let lives = desk.app.db.read(move |tx| console_store::is_living_secret(tx, &id, &digest, now)).await?;
        if !lives {
            let notice = Notice::refused("That secret is not the app's any more. Regenerate it to get another one.");
            return app_page::answer_with(&desk, &app, StatusCode::CONFLICT, Some(notice)).await;
        }
    }
    let declared = held.app.serving().map(|revision| revision.declared.clone()).unwrap_or_default();
    let ingredients = Ingredients {
        issuer: &desk.app.issuer,
        client_id: &held.app.client_id,
        secret: secret.as_ref(),
        kind: held.app.kind,
        callback_url: None,
        nonce: "",
    };
    let scopes = declared.scopes().to_string();
    let file = ingredients.credentials_file(declared.display_name(), &declared.callback_urls, &scopes);
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"jiomeet-{}.json\"", held.app.client_id)),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, file).into_response())
}

/// The page, filled with made-up content.
pub(super) fn samples() -> Vec<Sample> {
    let issuer = Issuer::parse("https://meet.example.com").ok();
    let client_id = ClientId::from_text("5f3c0d9a8b7e6f5a4b3c2d1e");
    let secret = Secret::new("jmcs_made-up-for-looking-at");
    let page = |kind: ClientKind| {
        let secret = (!kind.is_public()).then_some(&secret);
        let ingredients = issuer.as_ref().map(|issuer| Ingredients {
            issuer,
            client_id: &client_id,
            secret,
            kind,
            callback_url: Some("https://lessons.example/oauth/callback"),
            nonce: "n0nce",
        });
        CredentialsPage {
            shell: shell(Section::OAuth),
            notice: Some(Notice::done("The draft is saved. It works for you already, in test mode.")),
            app: AppId::from_text("app-1"),
            name: "Lesson Planner".to_owned(),
            client_id: client_id.clone(),
            secret: secret.map(|secret| secret.expose().to_owned()),
            snippets: ingredients.map(|ingredients| ingredients.snippets()).unwrap_or_default(),
        }
    };
    vec![
        Sample::of("credentials", "confidential", &page(ClientKind::Confidential)),
        Sample::of("credentials", "public", &page(ClientKind::PublicNative)),
    ]
}
