//! The form of an app: read, checked, and shown again with everything that was typed.

use protocol::params::{ParamFault, Params};
use protocol::redirect_uri::ClientKind;
use protocol::scope::{KnownScope, Scope, ScopeTable};

use crate::apps::{Declaration, FieldFault, MAX_CALLBACK_URLS, RevisionDetails};

/// How many rows for callback URLs there are at first.
const FIRST_ROWS: usize = 2;

/// A kind of app, as the form offers it.
pub struct KindChoice {
    /// The kind.
    pub kind: ClientKind,
    /// Its name.
    pub title: &'static str,
    /// What it means.
    pub hint: &'static str,
}

/// Every kind.
pub const KINDS: &[KindChoice] = &[
    KindChoice {
        kind: ClientKind::Confidential,
        title: "Web app with a server",
        hint: "Its server keeps a client secret.",
    },
    KindChoice {
        kind: ClientKind::PublicBrowser,
        title: "Single-page app",
        hint: "Runs in the browser alone. No secret; PKCE instead.",
    },
    KindChoice {
        kind: ClientKind::PublicNative,
        title: "Mobile or desktop app",
        hint: "Is installed on a device. No secret; PKCE instead. May also use loopback and private-scheme callback URLs.",
    },
];

/// The kind's name.
pub fn kind_title(kind: ClientKind) -> &'static str {
    KINDS.iter().find(|choice| choice.kind == kind).map_or("", |choice| choice.title)
}

/// One scope in the form.
#[derive(Debug, Clone)]
pub struct ScopeRow {
    /// The scope.
    pub known: KnownScope,
    /// It is asked for.
    pub asked: bool,
    /// The app cannot work without it.
    pub required: bool,
    /// Why.
    pub reason: String,
}

impl ScopeRow {
    /// The name under which its faults are found.
    pub fn field(&self) -> String {
        format!("scopes[{}]", self.known.name)
    }

    /// An id for the page: a colon needs escaping in style sheets.
    pub fn id(&self) -> String {
        self.known.name.replace(':', "-")
    }
}

/// What stands in the form.
#[derive(Debug, Clone)]
pub struct AppForm {
    /// The fields but for callback URLs and scopes.
    pub text: Declaration,
    /// The kind of app.
    pub kind: ClientKind,
    /// A row each; empty ones too.
    pub callback_urls: Vec<String>,
    /// A row for each scope there is.
    pub scopes: Vec<ScopeRow>,
}

impl AppForm {
    /// An empty form.
    pub fn empty(table: &ScopeTable) -> AppForm {
        AppForm::of(table, &Declaration::default(), ClientKind::Confidential)
    }

    /// What is declared already.
    pub fn of_revision(table: &ScopeTable, revision: &RevisionDetails, kind: ClientKind) -> AppForm {
        AppForm::of(table, &revision.declared, kind)
    }

    fn of(table: &ScopeTable, declared: &Declaration, kind: ClientKind) -> AppForm {
        let scopes = table.iter().map(|known| {
            let found = declared.scopes.iter().find(|(scope, _)| scope.as_str() == known.name);
            let reason = found.and_then(|(_, reason)| reason.clone());
            let known = known.clone();
            ScopeRow { known, asked: found.is_some(), required: reason.is_some(), reason: reason.unwrap_or_default() }
        });
        let form = AppForm {
            text: Declaration { callback_urls: Vec::new(), scopes: Vec::new(), ..declared.clone() },
            kind,
            callback_urls: declared.callback_urls.clone(),
            scopes: scopes.collect(),
        };
        form.with_rows()
    }

    /// What came.
    ///
    /// # Errors
    /// A field came twice or is no text.
    pub fn read(table: &ScopeTable, form: &Params) -> Result<AppForm, ParamFault> {
        let text = |name| Ok::<_, ParamFault>(form.get(name)?.unwrap_or_default().to_owned());
        let (asked, required) = (form.get_all("scope")?, form.get_all("required")?);
        let scopes = table.iter().map(|known| {
            Ok(ScopeRow {
                asked: asked.contains(&known.name.as_ref()),
                required: required.contains(&known.name.as_ref()),
                reason: form.get(&format!("reason:{}", known.name))?.unwrap_or_default().trim().to_owned(),
                known: known.clone(),
            })
        });
        let read = AppForm {
            text: Declaration {
                name: text("name")?,
                homepage_url: text("homepage_url")?,
                policy_url: text("policy_url")?,
                logo_url: text("logo_url")?,
                use_case: text("use_case")?,
                description: text("description")?,
                terms_url: text("terms_url")?,
                support_email: text("support_email")?,
                test_plan: text("test_plan")?,
                test_account: text("test_account")?,
                post_logout_urls: text("post_logout_urls")?,
                ..Declaration::default()
            }
            .trimmed(),
            kind: form.get("kind")?.and_then(ClientKind::parse).unwrap_or(ClientKind::Confidential),
            callback_urls: read_callback_urls(form)?,
            scopes: scopes.collect::<Result<_, ParamFault>>()?,
        };
        Ok(read.with_rows())
    }

    /// What the form declares.
    pub fn declaration(&self) -> Declaration {
        let scopes = self.scopes.iter().filter(|row| row.asked);
        let scopes = scopes.map(|row| (Scope::from(&row.known), row.required.then(|| row.reason.clone())));
        Declaration { callback_urls: filled(&self.callback_urls), scopes: scopes.collect(), ..self.text.clone() }
    }

    /// One more row for a callback URL.
    pub fn add_row(&mut self) {
        if self.callback_urls.len() < MAX_CALLBACK_URLS {
            self.callback_urls.push(String::new());
        }
    }

    /// Whether there can be one more row.
    pub fn has_room(&self) -> bool {
        self.callback_urls.len() < MAX_CALLBACK_URLS
    }

    fn with_rows(mut self) -> AppForm {
        while self.callback_urls.len() < FIRST_ROWS {
            self.callback_urls.push(String::new());
        }
        self
    }
}

/// The callback URLs that came, without empty rows: a fault's number counts these.
///
/// # Errors
/// One of them is no text.
pub fn read_callback_urls(form: &Params) -> Result<Vec<String>, ParamFault> {
    Ok(filled(form.get_all("callback_url")?))
}

/// Rows for a list of callback URLs, with one to fill in.
pub fn rows_for(urls: &[String]) -> Vec<String> {
    let mut rows = urls.to_vec();
    if rows.len() < MAX_CALLBACK_URLS {
        rows.push(String::new());
    }
    rows
}

fn filled<T: AsRef<str>>(rows: impl IntoIterator<Item = T>) -> Vec<String> {
    rows.into_iter().map(|row| row.as_ref().trim().to_owned()).filter(|row| !row.is_empty()).collect()
}

/// The faults of a form, by field.
#[derive(Debug, Clone, Default)]
pub struct FormFaults(pub Vec<FieldFault>);

impl FormFaults {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Vec<&str> {
        self.0.iter().filter(|fault| fault.field == field).map(|fault| fault.message.as_str()).collect()
    }

    /// What is wrong with the callback URL in that row.
    pub fn of_row(&self, index: &usize) -> Vec<&str> {
        self.of(&format!("callback_urls[{index}]"))
    }

    /// Everything, each with the id of its field on the page.
    pub fn summary(&self) -> Vec<(String, &str)> {
        self.0.iter().map(|fault| (anchor(&fault.field), fault.message.as_str())).collect()
    }

    /// `3 things`, `1 thing`.
    pub fn count_words(&self) -> String {
        match self.0.len() {
            1 => "1 thing".to_owned(),
            number => format!("{number} things"),
        }
    }
}

/// The id of a field on the page.
fn anchor(field: &str) -> String {
    match field.split_once('[') {
        Some(("callback_urls", index)) => format!("callback_url-{}", index.trim_end_matches(']')),
        Some(("scopes", scope)) => format!("reason-{}", scope.trim_end_matches(']').replace(':', "-")),
        _ => match field {
            "callback_urls" => "callback_url-0".to_owned(),
            "kind" => "kind-confidential".to_owned(),
            other => other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> AppForm {
        AppForm::read(&ScopeTable::default(), &Params::from_form(body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_typed_comes_back() {
        let form = read(
            "name=+Calendar+&kind=public_native&callback_url=&callback_url=+com.example.app:/cb+&callback_url=\
             &scope=user:read&scope=meeting:read&scope=made:up&required=user:read&required=meeting:join&reason:user:read=Greets+people\
             &reason:meeting:read=typed+but+optional",
        );
        let declared = form.declaration();
        assert_eq!((declared.name.as_str(), form.kind), ("Calendar", ClientKind::PublicNative));
        assert_eq!(declared.callback_urls, ["com.example.app:/cb"]);
        let scopes: Vec<(&str, Option<&str>)> =
            declared.scopes.iter().map(|(scope, reason)| (scope.as_str(), reason.as_deref())).collect();
        assert_eq!(scopes, [("user:read", Some("Greets people")), ("meeting:read", None)]);
        assert_eq!(form.scopes[3].reason, "typed but optional", "nothing typed is lost");
        assert_eq!(form.callback_urls.len(), FIRST_ROWS);
    }

    #[test]
    fn an_empty_form_has_rows_to_fill_and_every_scope() {
        let mut form = AppForm::empty(&ScopeTable::default());
        assert_eq!((form.callback_urls.len(), form.scopes.len()), (FIRST_ROWS, ScopeTable::default().iter().count()));
        for _ in 0..20 {
            form.add_row();
        }
        assert_eq!(form.callback_urls.len(), MAX_CALLBACK_URLS);
        assert!(!form.has_room());
    }

    #[test]
    fn every_fault_leads_to_its_field() {
        let fault = |field: &str| FieldFault { field: field.into(), message: "Mend it.".into(), bars_draft: false };
        let faults = FormFaults(vec![
            fault("name"),
            fault("callback_urls"),
            fault("callback_urls[3]"),
            fault("scopes"),
            fault("scopes[user:read]"),
        ]);
        let anchors: Vec<String> = faults.summary().into_iter().map(|(anchor, _)| anchor).collect();
        assert_eq!(anchors, ["name", "callback_url-0", "callback_url-3", "scopes", "reason-user-read"]);
        assert_eq!(faults.of_row(&3), ["Mend it."]);
        assert_eq!(faults.count_words(), "5 things");
    }
}
