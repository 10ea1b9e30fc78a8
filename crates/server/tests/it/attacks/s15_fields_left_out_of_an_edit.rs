//! Lesson S15: a policy that looked at a field only when it was sent, or at the client as it had been, was stepped over by an
//! edit that left the field out or changed the client's type. (`apps/edit.rs` has the whole life of an edit.)

use jiomeet_oauth::apps::find_serving;
use jiomeet_oauth::ids::ClientId;
use jiomeet_oauth::review::Decision;

use crate::apps::{app_of, audited, create, edit, good_but, path, secret_of, send};
use crate::support::{TestApp, World};

/// Name and callback URLs as the authorization endpoint sees them.
async fn serving(world: &World, app: &TestApp) -> (String, Vec<String>) {
    let client_id = ClientId::from_text(&app.client_id);
    let serving = world.write(move |tx| find_serving(tx, &client_id)).await.unwrap();
    (serving.name, serving.callback_urls)
}

fn fields<'a>(app: &'a TestApp, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![("callback_url", app.redirect_uri.as_str())];
    all.extend_from_slice(changes);
    good_but(&all)
}

#[tokio::test]
async fn what_is_left_out_of_a_form_is_empty_not_unchanged() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let before = serving(&world, &app).await;
    let page = edit(&dev, &app.id, "submit", &[("name", "Planner")]).await;
    assert_eq!(page.status, 400, "{}", page.html);
    let saved = edit(&dev, &app.id, "save", &[("name", "Planner")]).await;
    assert_eq!(saved.status, 303, "a draft may");
    assert_eq!(send(&dev, &path(&app, "/submit"), &[]).await.location().unwrap(), path(&app, "/edit?check=1"));
    assert_eq!(serving(&world, &app).await, before);
    assert_eq!(audited(&world, "app.submitted").await, 1, "the first one's alone");
}

#[tokio::test]
async fn an_approved_app_keeps_its_type() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    for action in ["save", "submit"] {
        let page = edit(&dev, &app.id, action, &fields(&app, &[("kind", "public_native")])).await;
        assert_eq!(page.status, 400, "{}", page.html);
        assert!(page.text().contains("keeps its type"), "{}", page.text());
    }
    let kind = "SELECT COUNT(*) FROM apps WHERE kind = 'confidential'";
    assert_eq!(world.count(kind, &[]).await, 1);
}

#[tokio::test]
async fn a_draft_that_changes_its_type_is_checked_as_what_it_becomes() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let native = [("kind", "public_native"), ("callback_url", "http://127.0.0.1/cb")];
    let app = app_of(&create(&dev, "save", &good_but(&native)).await);
    let kept = [("kind", "confidential"), ("callback_url", "http://127.0.0.1/cb")];
    assert_eq!(edit(&dev, &app, "submit", &good_but(&kept)).await.status, 400);

    let page = edit(&dev, &app, "save", &good_but(&[])).await;
    assert!(secret_of(&page).starts_with("jmcs_"), "a confidential app gets its secret: {}", page.html);
    let back = edit(&dev, &app, "save", &good_but(&[("kind", "public_browser")])).await;
    assert_eq!(back.status, 303);
    assert_eq!(world.count("SELECT COUNT(*) FROM app_secrets", &[]).await, 0, "a public one has none");
}

/// Whatever the form says of review, approval, owner or credentials is no field of an app.
#[tokio::test]
async fn no_field_of_a_form_approves_an_app_or_hands_it_on() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let before = serving(&world, &app).await;
    let wishes = [
        ("status", "approved"),
        ("approved_at", "1"),
        ("review", "none"),
        ("skip_review", "true"),
        ("owner", "mallory@example.com"),
        ("owner_id", "usr-x"),
        ("client_id", "chosen"),
        ("client_secret", "jmcs_chosen"),
        ("epoch", "0"),
    ];
    for action in ["save", "submit", "approve", "publish", ""] {
        let changes = [&[("callback_url", "https://mallory.example/cb")], &wishes[..]].concat();
        edit(&dev, &app.id, action, &fields(&app, &changes)).await;
        assert_eq!(serving(&world, &app).await, before, "{action}");
        send(&dev, &path(&app, "/withdraw"), &[]).await;
    }
    let row = "SELECT COUNT(*) FROM apps WHERE id = $1 AND owner_id = $2 AND client_id = $3";
    assert_eq!(world.count(row, &[app.id.as_str(), app.owner.as_str(), &app.client_id]).await, 1);
    world.decide(&app, Decision::Suspend).await;
    let refused = edit_of_suspended(&dev, &app).await;
    assert_ne!(refused, 200);
    let suspended = "SELECT COUNT(*) FROM apps WHERE id = $1 AND suspended_at IS NOT NULL";
    assert_eq!(world.count(suspended, &[app.id.as_str()]).await, 1, "an edit reinstates nothing");
}

async fn edit_of_suspended(dev: &crate::support::Browser<'_>, app: &TestApp) -> u16 {
    send(dev, &path(app, "/edit"), &[("action", "submit"), ("seen", "x"), ("status", "approved")]).await.status
}
