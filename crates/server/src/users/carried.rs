//! An authorization request that is carried through the pages of somebody who has to sign in, sign up or find a new
//! password first.

use serde::{Deserialize, Serialize};

use crate::app::App;

const ASKER: &str = "sign-in-asker";

/// An authorization request that waits for somebody to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The request, sealed: `/oauth2/continue?request=` takes it.
    pub request: String,
    /// The name of the app that asks.
    pub app_name: String,
    /// Where its answer goes; the page's policy must let it through.
    pub redirect_uri: String,
}

/// What a form carries of it.
pub(super) struct CarriedFields {
    /// Sealed.
    pub request: String,
    /// Sealed.
    pub asker: String,
    /// For the page.
    pub app_name: String,
}

impl Carried {
    /// What a form carries of it.
    pub(super) fn fields(&self, app: &App) -> CarriedFields {
        CarriedFields { request: self.request.clone(), asker: seal_asker(app, self), app_name: self.app_name.clone() }
    }
}

impl CarriedFields {
    /// For samples, which are made without keys.
    pub(super) fn sample(carried: &Carried) -> CarriedFields {
        let Carried { request, app_name, .. } = carried.clone();
        CarriedFields { request, asker: "sealed".to_owned(), app_name }
    }
}

/// What the page must still know of the asking app when it is shown again. Sealed: nobody can put another name on it.
#[derive(Serialize, Deserialize)]
struct Asker {
    app_name: String,
    redirect_uri: String,
}

/// Where 'Not you? Switch account' leads: to the sign-in page, and back to the same request.
pub fn switch_account_url(app: &App, carried: &Carried) -> String {
    with_carried(app, "/sign-in", Some(carried))
}

/// The address of a page of ours that goes on with the request.
pub(super) fn with_carried(app: &App, path: &str, carried: Option<&Carried>) -> String {
    match carried {
        // Both are base64url: nothing in them needs encoding.
        Some(carried) => format!("{path}?request={}&asker={}", carried.request, seal_asker(app, carried)),
        None => path.to_owned(),
    }
}

fn seal_asker(app: &App, carried: &Carried) -> String {
    let asker = Asker { app_name: carried.app_name.clone(), redirect_uri: carried.redirect_uri.clone() };
    app.keys.seal(&app.random, ASKER, &serde_json::to_vec(&asker).unwrap_or_default())
}

/// The request that a form or an address carries, if it is whole.
pub(super) fn open_carried(app: &App, request: Option<&str>, asker: Option<&str>) -> Option<Carried> {
    let is_sealed_text = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let request = request.filter(is_sealed_text)?;
    let asker: Asker = serde_json::from_slice(&app.keys.open(ASKER, asker?)?).ok()?;
    Some(Carried { request: request.to_owned(), app_name: asker.app_name, redirect_uri: asker.redirect_uri })
}
