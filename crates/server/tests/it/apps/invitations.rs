//! Testers, collaborators, and handing an app on: invited by address, accepted by who is signed in with it.

use std::time::Duration;

use jiomeet_oauth::review::Decision;
use protocol::redirect_uri::ClientKind;

use super::{audited, path, send};
use crate::support::{Browser, Page, TestApp, World};

async fn invite(dev: &Browser<'_>, app: &TestApp, to_be: &str, email: &str) -> Page {
    send(dev, &path(app, "/invite"), &[("to_be", to_be), ("email", email)]).await
}

/// Answers the latest invitation of whoever is signed in there.
async fn answer(browser: &Browser<'_>, decision: &str) -> Page {
    let invitation = browser.get("/invitations").await.form("/invitations").value("invitation");
    send(browser, "/invitations", &[("invitation", &invitation), ("decision", decision)]).await
}

/// Whether the app may ask whoever is signed in there for their consent.
async fn can_use(browser: &Browser<'_>, app: &TestApp) -> bool {
    let uri: String = form_urlencoded::byte_serialize(app.redirect_uri.as_bytes()).collect();
    let query = format!("clientId={}&redirect_uri={uri}&response_type=code", app.client_id);
    browser.get(&format!("/oauth2/authorize?{query}")).await.text().contains("wants to use your JioMeet account")
}

#[tokio::test]
async fn a_tester_who_accepts_can_use_the_app_until_removed() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let (dev, tess) = (world.owner_of("planner").await, world.developer("tess@example.com").await);
    assert!(!can_use(&tess, &app).await);

    let invited = invite(&dev, &app, "tester", " Tess@Example.com ").await;
    assert_eq!(invited.location().unwrap(), path(&app, "?done=invited#testers"));
    assert!(!can_use(&tess, &app).await, "an invitation is not an acceptance");
    let page = tess.get("/invitations").await.text();
    assert!(page.contains("planner") && page.contains("planner-dev@example.com"), "{page}");
    assert_eq!(answer(&tess, "accept").await.location().unwrap(), "/invitations?done=tester");
    assert!(can_use(&tess, &app).await);
    tess.get(&path(&app, "")).await.is_closed(404, "not_found");

    let form = dev.get(&path(&app, "")).await.form(&path(&app, "/remove"));
    assert_eq!(dev.submit(&form).await.status, 303);
    assert!(!can_use(&tess, &app).await);
    assert_eq!(dev.submit(&form).await.status, 409, "once");
    for action in ["app.invited", "app.invitation_accepted", "app.tester_removed"] {
        assert_eq!(audited(&world, action).await, 1, "{action}");
    }
}

#[tokio::test]
async fn an_invitation_is_answered_once_and_only_by_whom_it_was_sent_to() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let (dev, tess) = (world.owner_of("planner").await, world.developer("tess@example.com").await);
    let eve = world.developer("eve@example.com").await;
    invite(&dev, &app, "collaborator", "tess@example.com").await;
    let invitation = tess.get("/invitations").await.form("/invitations").value("invitation");
    let accept = [("invitation", invitation.as_str()), ("decision", "accept")];

    assert_eq!(send(&eve, "/invitations", &accept).await.status, 409);
    eve.get(&path(&app, "")).await.is_closed(404, "not_found");
    assert_eq!(send(&tess, "/invitations", &[("invitation", &invitation), ("decision", "decline")]).await.status, 303);
    assert_eq!(send(&tess, "/invitations", &accept).await.status, 409, "declined is declined");
    tess.get(&path(&app, "")).await.is_closed(404, "not_found");
}

#[tokio::test]
async fn an_address_that_nobody_confirmed_accepts_nothing() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let (dev, tess) = (world.owner_of("planner").await, world.developer("tess@example.com").await);
    world.execute("UPDATE users SET email_verified_at = NULL WHERE email = 'tess@example.com'", &[]).await;
    invite(&dev, &app, "collaborator", "tess@example.com").await;
    let refused = answer(&tess, "accept").await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("Confirm your e-mail address first"), "{}", refused.text());
    tess.get(&path(&app, "")).await.is_closed(404, "not_found");
}

#[tokio::test]
async fn an_invitation_expires_and_can_be_withdrawn() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let (dev, tess) = (world.owner_of("planner").await, world.developer("tess@example.com").await);
    invite(&dev, &app, "tester", "tess@example.com").await;
    let invitation = tess.get("/invitations").await.form("/invitations").value("invitation");
    let accept = [("invitation", invitation.as_str()), ("decision", "accept")];
    let withdraw = dev.get(&path(&app, "")).await.form(&path(&app, "/withdraw-invitation"));
    assert_eq!(dev.submit(&withdraw).await.status, 303);
    assert_eq!(send(&tess, "/invitations", &accept).await.status, 409);

    invite(&dev, &app, "tester", "tess@example.com").await;
    world.wait(Duration::from_secs(14 * 86_400));
    // The session has ended too.
    tess.sign_in_elsewhere("tess@example.com").await;
    assert!(tess.get("/invitations").await.text().contains("No invitations"));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM invitations", &[]).await, 0, "swept");
}

#[tokio::test]
async fn twenty_testers_are_enough_whoever_accepts_when() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    for number in 0..20 {
        let invited = invite(&dev, &app, "tester", &format!("t{number}@example.com")).await;
        assert_eq!(invited.status, 303, "{number}: {}", invited.text());
    }
    let refused = invite(&dev, &app, "tester", "t20@example.com").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("at most 20 testers"), "{}", refused.text());
    assert!(refused.html.contains("value=\"t20@example.com\""), "nothing typed is lost");
    let tess = world.developer("t0@example.com").await;
    answer(&tess, "accept").await;
    assert_eq!(invite(&dev, &app, "tester", "t20@example.com").await.status, 400, "who accepted counts still");
}

#[tokio::test]
async fn two_invitations_at_once_do_not_pass_the_limit() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    for number in 0..19 {
        invite(&dev, &app, "tester", &format!("t{number}@example.com")).await;
    }
    let (one, two) =
        tokio::join!(invite(&dev, &app, "tester", "one@example.com"), invite(&dev, &app, "tester", "two@example.com"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400]);
}

#[tokio::test]
async fn a_collaborator_does_what_the_owner_can_but_delete_and_hand_on() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let (dev, carl) = (world.owner_of("planner").await, world.developer("carl@example.com").await);
    invite(&dev, &app, "collaborator", "carl@example.com").await;
    assert_eq!(answer(&carl, "accept").await.location().unwrap(), path(&app, "?done=joined"));

    assert!(carl.get("/oauth/apps").await.text().contains("planner"));
    assert_eq!(send(&carl, &path(&app, "/withdraw"), &[]).await.status, 303);
    assert_eq!(send(&carl, &path(&app, "/revoke-tokens"), &[]).await.status, 303);
    assert_eq!(invite(&carl, &app, "tester", "tess@example.com").await.status, 303);

    assert_eq!(send(&carl, &path(&app, "/delete"), &[("name", "planner")]).await.status, 400);
    assert_eq!(invite(&carl, &app, "owner", "eve@example.com").await.status, 400);
    assert!(!carl.get(&path(&app, "")).await.has_form(&path(&app, "/delete")));

    let leave = carl.get(&path(&app, "")).await.form(&path(&app, "/remove"));
    assert_eq!(carl.submit(&leave).await.location().unwrap(), "/oauth/apps?done=left");
    carl.get(&path(&app, "")).await.is_closed(404, "not_found");
}

#[tokio::test]
async fn the_new_owner_accepts_and_the_old_one_stays_a_collaborator() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (dev, heir) = (world.owner_of("planner").await, world.developer("heir@example.com").await);
    world.execute("UPDATE users SET oauth_granted_at = NULL WHERE email = 'heir@example.com'", &[]).await;
    invite(&dev, &app, "owner", "heir@example.com").await;
    assert_eq!(invite(&dev, &app, "owner", "other@example.com").await.status, 400, "one offer at a time");

    let refused = answer(&heir, "accept").await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("need OAuth access"), "{}", refused.text());
    world.execute("UPDATE users SET oauth_granted_at = 1 WHERE email = 'heir@example.com'", &[]).await;
    assert_eq!(answer(&heir, "accept").await.location().unwrap(), path(&app, "?done=joined"));

    assert!(heir.get(&path(&app, "")).await.html.contains(&path(&app, "/delete")), "the heir owns it");
    assert!(dev.get(&path(&app, "")).await.text().contains("Owned by heir@example.com"));
    assert_eq!(send(&dev, &path(&app, "/delete"), &[("name", "planner")]).await.status, 400);
    assert_eq!(send(&heir, &path(&app, "/delete"), &[("name", "planner")]).await.status, 303);
}

#[tokio::test]
async fn an_offer_of_somebody_who_does_not_own_the_app_any_more_is_void() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let (heir, late) = (world.developer("heir@example.com").await, world.developer("late@example.com").await);
    invite(&dev, &app, "owner", "late@example.com").await;
    // The app goes to somebody else before the first offer is answered.
    world.execute("UPDATE apps SET owner_id = (SELECT id FROM users WHERE email = 'heir@example.com')", &[]).await;
    let refused = answer(&late, "accept").await;
    assert_eq!(refused.status, 409, "{}", refused.html);
    late.get(&path(&app, "")).await.is_closed(404, "not_found");
    assert_eq!(heir.get(&path(&app, "")).await.status, 200);
}

#[tokio::test]
async fn an_approved_app_needs_no_testers() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let (dev, anyone) = (world.owner_of("planner").await, world.developer("anyone@example.com").await);
    assert!(dev.get(&path(&app, "")).await.text().contains("Test credentials"));
    assert!(!can_use(&anyone, &app).await);
    world.decide(&app, Decision::Approve).await;
    assert!(can_use(&anyone, &app).await);
    let page = dev.get(&path(&app, "")).await.text();
    assert!(!page.contains("Test credentials") && !page.contains("Invite a tester"), "{page}");
}

#[tokio::test]
async fn invited_people_get_a_mail_that_names_nothing_they_did_not_ask_for() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    invite(&dev, &app, "tester", "stranger@example.com").await;
    let named = "SELECT COUNT(*) FROM outbox WHERE recipient = 'stranger@example.com' AND letter LIKE '%planner%'";
    let all = "SELECT COUNT(*) FROM outbox WHERE recipient = 'stranger@example.com'";
    assert_eq!((world.count(all, &[]).await, world.count(named, &[]).await), (1, 0));
}

#[tokio::test]
async fn mail_by_invitation_is_limited() {
    let world = World::with("limits.invite_burst = 3").await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    for number in 0..3 {
        assert_eq!(invite(&dev, &app, "tester", &format!("t{number}@example.com")).await.status, 303);
    }
    let refused = invite(&dev, &app, "tester", "t3@example.com").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("invited many people"), "{}", refused.text());
    world.wait(Duration::from_secs(300));
    assert_eq!(invite(&dev, &app, "tester", "t3@example.com").await.status, 303);
}
