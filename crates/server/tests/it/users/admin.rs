//! The admins' pages: who may see them, what they do, and what nobody may.

use jiomeet_oauth::ids::UserId;
use jiomeet_oauth::users::{self, Role, Roles};

use super::{can_sign_in, is_signed_in, latest_to, world_with_mail};
use crate::oauth::{bearer_call, redeem};
use crate::support::{Browser, PASSWORD, Page, World};

const MIRA: &str = "mira@example.com";
const ADA: &str = "ada@example.com";

async fn with_roles(world: &World, email: &str, roles: &[Role]) -> UserId {
    let id = world.person(email).await;
    let (unit_id, roles): (UserId, Roles) = (id.clone(), roles.iter().copied().collect());
    world.write(move |tx| users::set_roles(tx, &unit_id, roles)).await;
    id
}

async fn admin(world: &World) -> Browser<'_> {
    with_roles(world, MIRA, &[Role::Admin]).await;
    let browser = world.browser();
    browser.sign_in(MIRA).await;
    browser
}

fn page_of(id: &UserId) -> String {
    format!("/admin/users/{id}")
}

/// Presses the button that does this on the person's page.
async fn act(browser: &Browser<'_>, id: &UserId, action: &str) -> Page {
    let page = browser.get(&page_of(id)).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let answer = browser.submit(&page.form(&format!("{}/{action}", page_of(id)))).await;
    browser.follow(answer).await
}

async fn set_roles(browser: &Browser<'_>, id: &UserId, roles: &[&str]) -> Page {
    let mut form = browser.get(&page_of(id)).await.form(&format!("{}/roles", page_of(id)));
    for role in Role::ALL {
        form.tick(role.as_str(), roles.contains(&role.as_str()));
    }
    let answer = browser.submit(&form).await;
    browser.follow(answer).await
}

async fn roles_of(world: &World, id: &UserId) -> String {
    let id = id.clone();
    world.write(move |tx| users::find(tx, &id)).await.unwrap().roles.to_string()
}

#[tokio::test]
async fn roles_are_given_and_taken_and_the_log_says_by_whom() {
    let world = World::new().await;
    let browser = admin(&world).await;
    let ada = with_roles(&world, ADA, &[Role::User]).await;
    let page = set_roles(&browser, &ada, &["user", "reviewer"]).await;
    assert!(page.text().contains("The roles are saved."), "{}", page.text());
    assert_eq!(roles_of(&world, &ada).await, "user, reviewer");
    assert!(page.text().contains("user.roles_set"), "{}", page.text());
    let entry = "SELECT COUNT(*) FROM audit a JOIN users u ON u.id = a.actor_id \
                 WHERE a.action = 'user.roles_set' AND a.user_id = $1 AND u.email = $2 AND a.detail LIKE '%reviewer%'";
    assert_eq!(world.count(entry, &[ada.as_str(), MIRA]).await, 1);
    set_roles(&browser, &ada, &[]).await;
    assert_eq!(roles_of(&world, &ada).await, "");
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let world = World::new().await;
    let browser = admin(&world).await;
    let mira = world.write(|tx| users::find_by_email(tx, &users::Email::parse(MIRA).unwrap())).await.unwrap().id;
    let refused = set_roles(&browser, &mira, &["user"]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("This is the only admin."), "{}", refused.text());
    assert_eq!(roles_of(&world, &mira).await, "admin");
    assert!(!browser.get(&page_of(&mira)).await.has_form(&format!("{}/lock", page_of(&mira))));
    let csrf = browser.get("/account").await.form("/account").value("csrf");
    let answer = browser.post(&format!("{}/lock", page_of(&mira)), &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 409);
    assert!(is_signed_in(&browser).await);

    // A locked admin is none that one could count on.
    let other = with_roles(&world, "other@example.com", &[Role::Admin]).await;
    let now = world.now();
    world.write(move |tx| users::lock(tx, &other, now)).await;
    assert_eq!(set_roles(&browser, &mira, &["user"]).await.status, 409);
    with_roles(&world, "third@example.com", &[Role::Admin]).await;
    set_roles(&browser, &mira, &["user"]).await.is_closed(403, "page_for_admins");
    assert_eq!(roles_of(&world, &mira).await, "user");
}

#[tokio::test]
async fn two_admins_who_take_each_others_role_at_once_leave_one() {
    for _ in 0..5 {
        let world = World::new().await;
        let one = with_roles(&world, "one@example.com", &[Role::Admin]).await;
        let two = with_roles(&world, "two@example.com", &[Role::Admin]).await;
        let (first, second) = (world.browser(), world.browser());
        first.sign_in("one@example.com").await;
        second.sign_in("two@example.com").await;
        let form = |page: Page, id: &UserId| {
            let mut form = page.form(&format!("{}/roles", page_of(id)));
            form.tick("admin", false);
            form
        };
        let of_two = form(first.get(&page_of(&two)).await, &two);
        let of_one = form(second.get(&page_of(&one)).await, &one);
        tokio::join!(first.submit(&of_two), second.submit(&of_one));
        let admins = "SELECT COUNT(*) FROM user_roles WHERE role = 'admin'";
        assert_eq!(world.count(admins, &[]).await, 1);
    }
}

#[tokio::test]
async fn a_locked_account_is_shut_at_once_and_can_be_opened_again() {
    let world = World::new().await;
    let browser = admin(&world).await;
    let app = world.approved_app("planner").await;
    let ada = with_roles(&world, ADA, &[Role::User]).await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let hers = world.browser();
    hers.sign_in(ADA).await;
    let page = act(&browser, &ada, "lock").await;
    assert!(page.text().contains("The account is locked."), "{}", page.text());
    assert!(!is_signed_in(&hers).await && !can_sign_in(&world, ADA, PASSWORD).await);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    act(&browser, &ada, "unlock").await;
    assert!(can_sign_in(&world, ADA, PASSWORD).await);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
}

#[tokio::test]
async fn sessions_and_the_access_of_apps_are_ended_apart() {
    let world = World::new().await;
    let browser = admin(&world).await;
    let app = world.approved_app("planner").await;
    let ada = with_roles(&world, ADA, &[Role::User]).await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let hers = world.browser();
    hers.sign_in(ADA).await;
    act(&browser, &ada, "end-sessions").await;
    assert!(!is_signed_in(&hers).await);
    bearer_call(&world, &tokens.access).await.unwrap();
    hers.sign_in(ADA).await;
    act(&browser, &ada, "end-access").await;
    assert!(is_signed_in(&hers).await);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
}

#[tokio::test]
async fn who_is_granted_oauth_access_is_told_and_no_longer_waits() {
    let (world, server) = world_with_mail().await;
    let browser = admin(&world).await;
    let ada = with_roles(&world, ADA, &[Role::User]).await;
    world.execute("UPDATE users SET oauth_granted_at = NULL WHERE email = $1", &[ADA]).await;
    let ask = "INSERT INTO oauth_access_requests (user_id, reason, requested_at) VALUES ($1, 'A calendar', 1)";
    world.execute(ask, &[ada.as_str()]).await;
    act(&browser, &ada, "grant-oauth").await;
    let granted = "SELECT COUNT(*) FROM users WHERE id = $1 AND oauth_granted_at IS NOT NULL";
    assert_eq!(world.count(granted, &[ada.as_str()]).await, 1);
    assert_eq!(roles_of(&world, &ada).await, "user, developer");
    let waiting = "SELECT COUNT(*) FROM oauth_access_requests WHERE decided_at IS NULL";
    assert_eq!(world.count(waiting, &[]).await, 0);
    assert_eq!(latest_to(&world, &server, ADA).await.header("Subject"), "You can now register apps with JioMeet");
    let page = browser.get(&page_of(&ada)).await;
    assert!(!page.has_form(&format!("{}/grant-oauth", page_of(&ada))));
}

#[tokio::test]
async fn people_are_found_by_how_their_address_begins_a_page_at_a_time() {
    let world = World::new().await;
    let browser = admin(&world).await;
    for number in 0..60 {
        world.person(&format!("person{number:02}@example.com")).await;
    }
    let first = browser.get("/admin/users?q=person").await;
    assert_eq!(first.html.matches("/admin/users/u-").count(), 50);
    assert!(first.text().contains("person49@") && !first.text().contains("person50@"));
    let second = browser.get(&first.link("Next page")).await;
    assert_eq!(second.html.matches("/admin/users/u-").count(), 10);
    assert!(second.text().contains("person50@") && !second.html.contains("Next page"));
    let few = browser.get("/admin/users?q=PERSON0").await;
    assert_eq!(few.html.matches("/admin/users/u-").count(), 10);
    for nobody in ["zz", "%25", "person_", "\u{e9}"] {
        let page = browser.get(&format!("/admin/users?q={nobody}")).await;
        assert!(page.text().contains("Nobody"), "{nobody}: {}", page.text());
    }
    browser.get("/admin/users/u-nobody").await.is_closed(404, "not_found");
    let csrf = browser.get("/account").await.form("/account").value("csrf");
    browser.post("/admin/users/u-nobody/lock", &[("csrf", &csrf)]).await.is_closed(404, "not_found");
    browser.post("/admin/users/u-nobody/lock", &[]).await.is_closed(403, "form_expired");
}

/// Two who give one person different roles at the same moment: the later word is the whole of it, not both together.
#[tokio::test(flavor = "multi_thread")]
async fn roles_that_are_set_at_the_same_moment_do_not_add_up() {
    let world = World::with("database.connections = 8").await;
    let id = world.person("asha@example.com").await;
    let (db, first) = (world.app.db.clone(), id.clone());
    let (begun, waits) = std::sync::mpsc::channel();
    let setting = tokio::spawn(async move {
        let unit = db.write(move |tx| {
            let set = users::set_roles(tx, &first, Roles::NONE.with(Role::Reviewer));
            let _ = begun.send(());
            std::thread::sleep(std::time::Duration::from_millis(400));
            set
        });
        unit.await
    });
    tokio::task::spawn_blocking(move || waits.recv()).await.unwrap().unwrap();
    let second = id.clone();
    world.write(move |tx| users::set_roles(tx, &second, Roles::NONE.with(Role::User))).await;
    setting.await.unwrap().unwrap();
    let user = world.write(move |tx| users::find(tx, &id)).await.unwrap();
    assert_eq!(user.roles, Roles::NONE.with(Role::User));
}
