//! To whoever neither owns an app nor collaborates on it, the app does not exist; and no form is taken from elsewhere.

use protocol::redirect_uri::ClientKind;

use super::{GOOD, path, send};
use crate::support::World;

const PAGES: &[&str] = &["", "/edit", "/delete", "/callback-urls"];

const CHANGES: &[&str] = &[
    "/edit",
    "/submit",
    "/withdraw",
    "/discard",
    "/callback-urls",
    "/secret",
    "/secret/end",
    "/credentials",
    "/settings",
    "/revoke-tokens",
    "/delete",
    "/invite",
    "/withdraw-invitation",
    "/remove",
];

/// Fields that each change could act on, if it only would.
const FIELDS: &[(&str, &str)] = &[
    ("action", "save"),
    ("name", "planner"),
    ("callback_url", "https://evil.example/cb"),
    ("to_be", "collaborator"),
    ("email", "thief@example.com"),
    ("overlap", "none"),
    ("was", "tester"),
];

/// Everything about the app that a change could touch.
async fn state(world: &World) -> Vec<i64> {
    let mut counts = Vec::new();
    for statement in [
        "SELECT COUNT(*) FROM audit",
        "SELECT COUNT(*) FROM app_revisions WHERE status = 'in_review'",
        "SELECT COUNT(*) FROM app_secrets WHERE expires_at IS NULL",
        "SELECT COUNT(*) FROM invitations",
        "SELECT COUNT(*) FROM callback_urls WHERE url LIKE '%evil%'",
        "SELECT COUNT(*) FROM apps WHERE deleted_at IS NULL AND epoch = 0 AND pkce_required_at IS NULL",
    ] {
        counts.push(world.count(statement, &[]).await);
    }
    counts
}

#[tokio::test]
async fn a_stranger_gets_404_for_every_address_of_an_app() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let thief = world.developer("thief@example.com").await;
    let before = state(&world).await;
    for page in PAGES {
        thief.get(&path(&app, page)).await.is_closed(404, "not_found");
    }
    for change in CHANGES {
        let answer = send(&thief, &path(&app, change), FIELDS).await;
        assert_eq!(answer.status, 404, "{change}: {}", answer.html);
        assert!(!answer.html.contains("planner"), "{change}");
    }
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn reviewers_and_admins_are_strangers_here() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let boss = world.developer("boss@example.com").await;
    let roles = "INSERT INTO user_roles (user_id, role) SELECT id, $1 FROM users WHERE email = 'boss@example.com'";
    for role in ["admin", "reviewer"] {
        world.execute(roles, &[role]).await;
    }
    for page in PAGES {
        boss.get(&path(&app, page)).await.is_closed(404, "not_found");
    }
}

#[tokio::test]
async fn a_tester_is_a_stranger_to_the_console() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let tess = world.developer("tess@example.com").await;
    let insert = "INSERT INTO testers (app_id, user_id, accepted_at) SELECT $1, id, 1 FROM users WHERE email = 'tess@example.com'";
    world.execute(insert, &[app.id.as_str()]).await;
    for change in CHANGES {
        assert_eq!(send(&tess, &path(&app, change), FIELDS).await.status, 404, "{change}");
    }
}

#[tokio::test]
async fn no_form_is_taken_without_its_token_or_from_another_origin() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    let other = world.developer("other@example.com").await;
    let theirs = other.get("/oauth/apps").await.form("/sign-out").value("csrf");
    let ours = dev.get("/oauth/apps").await.form("/sign-out").value("csrf");
    let before = state(&world).await;
    let mut addresses: Vec<String> = CHANGES.iter().map(|change| path(&app, change)).collect();
    for address in ["/oauth/apps", "/oauth/apps/check", "/oauth/access", "/invitations", "/admin/oauth-requests"] {
        addresses.push(address.to_owned());
    }
    for address in &addresses {
        for csrf in ["", "1.x", &theirs] {
            let mut fields = vec![("csrf", csrf)];
            fields.extend_from_slice(FIELDS);
            fields.extend_from_slice(GOOD);
            let answer = dev.post(address, &fields).await;
            assert!([400, 403].contains(&answer.status), "{address}: {} {}", answer.status, answer.html);
        }
        let fields = [("csrf", ours.as_str()), ("action", "save")];
        let foreign = dev.post_from(address, &fields, &[("origin", "https://evil.example")]).await;
        foreign.is_closed(403, "form_expired");
    }
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn who_is_signed_out_is_asked_to_sign_in_and_comes_back() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let browser = world.browser();
    let page = browser.get(&path(&app, "/edit")).await;
    assert!(page.location().unwrap().starts_with("/sign-in?return="), "{:?}", page.location());
    let sign_in = browser.follow(page).await;
    let landed = browser.sign_in_on(&sign_in, "planner-dev@example.com").await;
    assert!(landed.text().contains("In review"), "the app's page, for it cannot be edited now: {}", landed.text());
    for change in CHANGES {
        let answer = world.browser().post(&path(&app, change), FIELDS).await;
        assert_eq!(answer.status, 403, "{change}");
    }
}

#[tokio::test]
async fn what_can_be_no_app_is_not_found() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let long = format!("/oauth/apps/{}", "x".repeat(500));
    for address in ["/oauth/apps/app-x%00y", "/oauth/apps/%ff", "/oauth/apps/app'--", long.as_str()] {
        dev.get(address).await.is_closed(404, "not_found");
    }
    // Nor is an app found by its client id here.
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let owner = world.owner_of("planner").await;
    owner.get(&format!("/oauth/apps/{}", app.client_id)).await.is_closed(404, "not_found");
}
