//! The operator's verbs, on a database that no server has opened yet.

use serde_json::Value as Json;

use super::support::{empty_database, run};

/// Runs a verb on the database; its standard output.
fn verb(database: &str, arguments: &[&str], input: &str) -> String {
    let output = run(&[arguments, &["--database-url", database]].concat(), input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a verb that is refused; its one line on standard error.
fn refused(database: &str, arguments: &[&str], input: &str) -> String {
    let output = run(&[arguments, &["--database-url", database]].concat(), input);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert_eq!(said.trim().lines().count(), 1, "one line: {said}");
    said
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

const DEVELOPER: &[&str] = &[
    "user",
    "create",
    "--email",
    "Dev@Example.com",
    "--name",
    "Devika",
    "--lname",
    "Shah",
    "--role",
    "developer",
    "--json",
];

const APP: &[&str] = &[
    "app",
    "create",
    "--owner",
    "dev@example.com",
    "--name",
    "Standup Notes",
    "--homepage-url",
    "https://standup.example",
    "--policy-url",
    "https://standup.example/policy",
    "--logo-url",
    "https://standup.example/logo.png",
    "--use-case",
    "Productivity",
    "--description",
    "Notes",
    "--callback-url",
    "https://standup.example/cb",
    "--callback-url",
    "http://localhost:3000/cb",
    "--scope",
    "user:read",
    "--scope",
    "meeting:read",
    "--json",
];

#[test]
fn an_app_is_created_submitted_approved_suspended_and_reinstated() {
    let (database, _scratch) = empty_database();
    let user = json(&verb(&database, DEVELOPER, "monsoon bus stop\n"));
    assert_eq!(user["email"], "dev@example.com");

    let app = json(&verb(&database, APP, ""));
    let id = app["app_id"].as_str().unwrap();
    assert!(app["client_secret"].as_str().unwrap().starts_with("jmcs_"));
    let status = |verb_arguments: &[&str]| {
        json(&verb(&database, &[verb_arguments, &[id, "--json"]].concat(), ""))["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&["app", "show"]), "draft");
    assert!(refused(&database, &["app", "approve", id], "").contains("Submit it first"));
    assert_eq!(status(&["app", "submit"]), "in_review");
    assert!(refused(&database, &["app", "hold", id], "").contains("--reason"));
    assert_eq!(status(&["app", "hold", "--reason", "The policy page answers 404."]), "on_hold");
    assert_eq!(status(&["app", "submit"]), "in_review");
    assert_eq!(status(&["app", "approve"]), "approved");
    assert_eq!(status(&["app", "suspend", "--reason", "Malware."]), "suspended");
    assert_eq!(status(&["app", "reinstate"]), "approved");
    assert_eq!(status(&["app", "delete"]), "deleted");
    assert!(refused(&database, &["app", "show", id], "").contains("app list"));
    assert_eq!(json(&verb(&database, &["app", "list", "--json"], "")), Json::Array(vec![]));
}

#[test]
fn apps_are_of_the_kinds_that_the_help_names() {
    let (database, _scratch) = empty_database();
    verb(&database, DEVELOPER, "monsoon bus stop\n");
    for (typed, kind) in
        [("confidential", "confidential"), ("browser", "browser"), ("native", "native"), ("public_native", "native")]
    {
        let app = json(&verb(&database, &[APP, &["--kind", typed]].concat(), ""));
        assert_eq!((&app["kind"], app["client_secret"].is_null()), (&Json::from(kind), kind != "confidential"));
        let shown = json(&verb(&database, &["app", "show", app["app_id"].as_str().unwrap(), "--json"], ""));
        assert_eq!(shown["kind"], kind);
    }
    let returns =
        ["--post-logout-url", "https://standup.example/bye", "--post-logout-url", "https://standup.example/out"];
    let app = json(&verb(&database, &[APP, &returns].concat(), ""));
    let shown = json(&verb(&database, &["app", "show", app["app_id"].as_str().unwrap(), "--json"], "")).to_string();
    assert!(
        shown.contains(r#""post_logout_urls":["https://standup.example/bye","https://standup.example/out"]"#),
        "{shown}"
    );
    let bad = ["--post-logout-url", "javascript:alert(1)"];
    assert!(refused(&database, &[APP, &bad].concat(), "").contains("post_logout_urls"));
    let unknown = refused(&database, &[APP, &["--scope", "recording:read"]].concat(), "");
    assert!(unknown.contains("recording:read is not among this server's scopes"), "{unknown}");
    let loopback = ["--callback-url", "http://127.0.0.1/cb", "--callback-url", "app.standup:/cb"];
    verb(&database, &[APP, &loopback, &["--kind", "native"]].concat(), "");
    assert!(refused(&database, &[APP, &loopback, &["--kind", "browser"]].concat(), "").contains("Only native apps"));
    assert!(refused(&database, &[APP, &["--kind", "web"]].concat(), "").contains("confidential, browser or native"));
}

#[test]
fn an_apps_keys_and_switches_are_set() {
    let (database, _scratch) = empty_database();
    verb(&database, DEVELOPER, "monsoon bus stop\n");
    let app = json(&verb(&database, APP, ""));
    let id = app["app_id"].as_str().unwrap();
    let shown = || json(&verb(&database, &["app", "show", id, "--json"], ""));
    let only = ["app", "set", id, "--assertions-only", "true"];
    assert!(refused(&database, &only, "").contains("Add one first"));
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}"#;
    verb(&database, &["app", "set-keys", id, "--jwks-file", "-"], jwk);
    assert_eq!(shown()["keys"][0]["kid"], "one");
    assert_eq!(shown()["keys"][0]["alg"], "EdDSA");
    verb(&database, &only, "");
    verb(&database, &["app", "set", id, "--require-pkce", "true"], "");
    let settings = serde_json::json!({"assertions_only": true, "dpop_required": false, "expires_in_as_time": false,
        "pkce_required": true, "push_required": false});
    assert_eq!(shown()["settings"], settings, "what is not named stays");
    assert!(verb(&database, &["app", "show", id], "").contains("switched on    assertions_only"));
    let empty = ["app", "set-keys", id, "--jwks-file", "-"];
    assert!(refused(&database, &empty, r#"{"keys":[]}"#).contains("needs a key"));
    assert!(refused(&database, &empty, &jwk.replace("kid", "d")).contains("private or secret key"));
}

#[test]
fn every_fault_of_an_app_is_said_at_once() {
    let (database, _scratch) = empty_database();
    verb(&database, DEVELOPER, "monsoon bus stop\n");
    let said = refused(
        &database,
        &[
            "app",
            "create",
            "--owner",
            "dev@example.com",
            "--name",
            "X",
            "--homepage-url",
            "http://10.0.0.1",
            "--policy-url",
            "javascript:alert(1)",
            "--logo-url",
            "https://x.example/logo.png",
            "--use-case",
            "Other",
            "--callback-url",
            "https://x.example/cb#frag",
            "--callback-url",
            "https://x.example/cb?token=1",
            "--scope",
            "files:read",
        ],
        "",
    );
    for field in ["homepage_url", "policy_url", "callback_urls[0]", "callback_urls[1]", "scopes"] {
        assert!(said.contains(field), "{field} in {said}");
    }
}

#[test]
fn accounts_are_made_listed_given_roles_and_locked() {
    let (database, _scratch) = empty_database();
    verb(&database, DEVELOPER, "monsoon bus stop\n");
    assert!(refused(&database, DEVELOPER, "monsoon bus stop\n").contains("already"));
    let weak = ["user", "create", "--email", "a@example.com", "--name", "A", "--lname", "B"];
    assert!(refused(&database, &weak, "short\n").contains("password"));
    assert!(refused(&database, &["user", "show", "nobody@example.com"], "").contains("user list"));

    let account = |arguments: &[&str]| json(&verb(&database, &[arguments, &["--json"]].concat(), ""));
    let roles = account(&["user", "set-roles", "dev@example.com", "--role", "reviewer", "--role", "admin"]);
    assert_eq!(roles["roles"], serde_json::json!(["reviewer", "admin"]));
    assert!(account(&["user", "grant-oauth", "dev@example.com"])["oauth_granted_at"].is_string());
    assert!(account(&["user", "lock", "dev@example.com"])["locked_at"].is_string());
    assert_eq!(account(&["user", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn wrong_usage_is_2_and_faults_of_the_configuration_name_their_key() {
    assert_eq!(run(&["user"], "").status.code(), Some(2));
    assert_eq!(run(&["app", "create"], "").status.code(), Some(2));
    assert_eq!(run(&["frobnicate"], "").status.code(), Some(2));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    std::fs::write(&file, "[tokens]\nacces_token_ttl = \"1d\"\n").unwrap();
    let output = run(&["config", "check", "--config", file.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("tokens.acces_token_ttl"));

    let mut command = super::support::program(&["config", "check"]);
    let output = command.env("JIOMEET_OAUTH_TOKENS__ACCESS_TOKEN_TTL", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("access_token_ttl"));
}

#[test]
fn keys_are_made_listed_and_rotated() {
    let (database, _scratch) = empty_database();
    assert_eq!(json(&verb(&database, &["key", "list", "--json"], "")), Json::Array(vec![]));
    verb(&database, &["key", "rotate"], "");
    verb(&database, &["key", "rotate"], "");
    verb(&database, &["key", "rotate", "--root"], "");
    let keys = json(&verb(&database, &["key", "list", "--json"], ""));
    let shown = |key: &Json| (key["purpose"].as_str().unwrap().to_owned(), key["phase"].as_str().unwrap().to_owned());
    let shown: Vec<_> = keys.as_array().unwrap().iter().map(shown).collect();
    let at = |purpose: &str, phase: &str| (purpose.to_owned(), phase.to_owned());
    assert_eq!(shown, [at("signing", "active"), at("signing", "published"), at("root", "active")]);
    assert_eq!(keys[0]["retired_at"], keys[1]["active_at"], "one takes over from the other");
    assert!(verb(&database, &["db", "check"], "").contains("read and written"));
    assert_eq!(json(&verb(&database, &["db", "migrate", "--json"], "")), Json::Array(vec![]), "nothing is left to do");
}
