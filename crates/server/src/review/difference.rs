//! How a revision differs from the approved one, field by field.

use crate::apps::{Declaration, url_lines};
use crate::screening::field_label;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The field's label.
    pub label: String,
    /// What is gone.
    pub before: Vec<String>,
    /// What is new.
    pub after: Vec<String>,
}

/// The fields that differ; none where only what nobody declares changed.
pub fn difference(before: &Declaration, after: &Declaration) -> Vec<Changed> {
    let single = |key: &str, before: &str, after: &str| {
        let lines = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        (before != after).then(|| Changed { label: label(key), before: lines(before), after: lines(after) })
    };
    let fields = [
        single("name", &before.name, &after.name),
        single("homepage_url", &before.homepage_url, &after.homepage_url),
        single("policy_url", &before.policy_url, &after.policy_url),
        single("terms_url", &before.terms_url, &after.terms_url),
        single("logo_url", &before.logo_url, &after.logo_url),
        several("Callback URLs", &before.callback_urls, &after.callback_urls),
        several("URLs after signing out", &logout_urls(before), &logout_urls(after)),
        several("Scopes", &scopes(before), &scopes(after)),
        single("use_case", &before.use_case, &after.use_case),
        single("description", &before.description, &after.description),
        single("support_email", &before.support_email, &after.support_email),
    ];
    fields.into_iter().flatten().collect()
}

fn label(key: &str) -> String {
    match key {
        "use_case" => "Use case".to_owned(),
        "description" => "Description".to_owned(),
        "support_email" => "Support e-mail".to_owned(),
        other => field_label(other),
    }
}

fn logout_urls(declared: &Declaration) -> Vec<String> {
    url_lines(&declared.post_logout_urls).map(str::to_owned).collect()
}

/// A scope that became required, or whose reason changed, differs too.
fn scopes(declared: &Declaration) -> Vec<String> {
    let words = declared.scopes.iter().map(|(scope, required)| match required {
        Some(reason) => format!("{scope}, required: {reason}"),
        None => scope.to_string(),
    });
    words.collect()
}

fn several(label: &str, before: &[String], after: &[String]) -> Option<Changed> {
    let only = |these: &[String], those: &[String]| these.iter().filter(|one| !those.contains(one)).cloned().collect();
    let changed = Changed { label: label.to_owned(), before: only(before, after), after: only(after, before) };
    (!changed.before.is_empty() || !changed.after.is_empty()).then_some(changed)
}

#[cfg(test)]
mod tests {
    use protocol::scope::Scope;

    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let scope = |name: &str| (Scope::parse(name).unwrap(), None);
        let before = Declaration {
            name: "Planner".into(),
            callback_urls: vec!["https://a.example/1".into(), "https://a.example/2".into()],
            scopes: vec![scope("user:read")],
            ..Declaration::default()
        };
        let mut after = before.clone();
        assert_eq!(difference(&before, &after), []);
        after.callback_urls[1] = "https://b.example/2".into();
        after.scopes.push(scope("meeting:read"));
        after.terms_url = "https://a.example/terms".into();
        let changed = difference(&before, &after);
        let labels: Vec<&str> = changed.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(labels, ["Terms URL", "Callback URLs", "Scopes"]);
        assert_eq!(
            (changed[1].before.len(), changed[1].after.as_slice()),
            (1, &["https://b.example/2".to_owned()][..])
        );
        assert!(changed[0].before.is_empty());
    }

    #[test]
    fn a_scope_that_becomes_required_is_a_change() {
        let scope = |reason: Option<&str>| (Scope::parse("user:read").unwrap(), reason.map(str::to_owned));
        let before = Declaration { scopes: vec![scope(None)], ..Declaration::default() };
        let after = Declaration { scopes: vec![scope(Some("It greets people."))], ..Declaration::default() };
        assert_eq!(difference(&before, &after)[0].after, ["user:read, required: It greets people."]);
    }
}
