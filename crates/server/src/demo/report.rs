//! What `demo` says when everything is ready: for a person, or one line of JSON for a program.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::seed::Seeded;
use crate::app::App;

/// The report; `client_url` is where the sample client listens.
pub fn report(app: &App, seeded: &Seeded, database_url: &str, client_url: &str, as_json: bool) -> String {
    if as_json { as_line(app, seeded, database_url, client_url).to_string() } else { as_words(app, seeded, client_url) }
}

fn as_line(app: &App, seeded: &Seeded, database_url: &str, client_url: &str) -> Json {
    let client = &seeded.apps[seeded.sample_client];
    json!({
        "issuer": app.issuer.as_str(),
        "authorization_endpoint": app.issuer.url("/oauth2/authorize"),
        "token_endpoint": app.issuer.url("/api/oauth2/v2/token"),
        "database_url": database_url,
        "client": {
            "url": client_url,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "redirect_uri": client.redirect_uris.first(),
        },
        "apps": seeded.apps.iter().map(|app| json!({
            "app_id": app.app_id,
            "name": app.name,
            "status": app.status,
            "owner": app.owner,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "redirect_uris": app.redirect_uris,
            "scopes": app.scopes,
        })).collect::<Vec<_>>(),
        "users": seeded.people.iter().map(|person| json!({
            "email": person.email,
            "password": person.password,
            "user_id": person.user_id,
            "roles": person.roles,
        })).collect::<Vec<_>>(),
    })
}

fn as_words(app: &App, seeded: &Seeded, client_url: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "\nReady.\n");
    let _ = writeln!(text, "  Open the sample client    {client_url}");
    let _ = writeln!(text, "  The server itself         {}", app.issuer);
    let _ = writeln!(text, "  Mail it would have sent   {}\n", app.issuer.url("/demo/outbox"));
    let _ = writeln!(text, "  Sign in as");
    for person in &seeded.people {
        let _ = writeln!(text, "    {:20} {:20} {}", person.email, person.password, person.roles.join(", "));
    }
    let client = &seeded.apps[seeded.sample_client];
    let _ =
        writeln!(text, "\n  Or with curl: client id {}, secret {}", client.client_id, or_none(&client.client_secret));
    let _ = writeln!(text, "  Stop with Ctrl-C.\n");
    text
}

fn or_none(secret: &Option<String>) -> &str {
    secret.as_deref().unwrap_or("(none)")
}
