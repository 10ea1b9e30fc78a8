//! Lesson S23: the form that changes a password did not ask whether the old one was right, so a session that lay open was
//! enough to take an account over.

use crate::oauth::{bearer_call, redeem};
use crate::support::{PASSWORD, World};

use super::ADA;

const NEW: &str = "three umbrellas, one bus";

#[tokio::test]
async fn a_wrong_old_password_changes_nothing_and_counts() {
    let world = World::with("limits.sign_in_burst = 5\n").await;
    let ada = world.person(ADA).await;
    let app = world.approved_app("planner").await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let (open, elsewhere) = (world.browser(), world.browser());
    open.sign_in(ADA).await;
    elsewhere.sign_in(ADA).await;
    let mut refused = Vec::new();
    for wrong in
        ["", " ", "not the password", &PASSWORD.to_uppercase(), &format!("{PASSWORD} "), &PASSWORD[1..], "x", "y"]
    {
        let mut form = open.get("/account/password").await.form("/account/password");
        form.set("current_password", wrong);
        form.set("new_password", NEW);
        form.set("new_password_again", NEW);
        form.tick("yes", true);
        refused.push(open.submit(&form).await.status);
    }
    assert!(refused.iter().all(|status| [400, 403, 429].contains(status)), "{refused:?}");
    assert_eq!(refused.last(), Some(&429), "guesses are counted: {refused:?}");
    // Left out altogether it is no better.
    let csrf = open.get("/account/password").await.form("/account/password").value("csrf");
    let bare = [("csrf", csrf.as_str()), ("new_password", NEW), ("new_password_again", NEW), ("end_apps", "yes")];
    assert!(open.post("/account/password", &bare).await.status >= 400);
    for browser in [&open, &elsewhere] {
        assert_eq!(browser.get("/account").await.status, 200, "sessions go on");
    }
    bearer_call(&world, &tokens.access).await.unwrap();
    let changed = "SELECT COUNT(*) FROM audit WHERE action = 'password.change'";
    assert_eq!(world.count(changed, &[]).await, 0);
    let newcomer = world.browser();
    newcomer.sign_in(ADA).await;
    assert_eq!(newcomer.get("/account").await.status, 200, "the old password is the password");
}

#[tokio::test]
async fn another_site_changes_no_password() {
    let world = super::ada_can_sign_in().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let fields =
        [("csrf", "1.AAAA"), ("current_password", PASSWORD), ("new_password", NEW), ("new_password_again", NEW)];
    browser.post("/account/password", &fields).await.is_closed(403, "form_expired");
}
