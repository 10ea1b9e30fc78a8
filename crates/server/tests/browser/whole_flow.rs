//! The whole flow of the overview, steps 1 to 9, as a person sees it.

use crate::browser::Browser;
use crate::demo::Demo;

#[tokio::test]
async fn a_person_signs_in_consents_to_some_scopes_works_with_meetings_and_refreshes() {
    let demo = Demo::start();
    let browser = Browser::open(1280, 900).await;

    browser.goto(demo.client_url()).await.unwrap();
    browser.picture("client-welcome").await;
    browser.press("Sign in with JioMeet").await;

    browser.reads("Calendar Companion").await;
    assert!(browser.address().await.starts_with(demo.issuer()));
    browser.picture("sign-in").await;
    browser.sign_in(demo.person("user")).await;

    browser.reads("wants to use your JioMeet account").await;
    browser.picture("consent").await;
    let end = "return document.querySelector('button[value=allow]').getBoundingClientRect().bottom + scrollY;";
    let end = browser.execute(end, vec![]).await.unwrap().as_f64().unwrap();
    assert!(end <= 800.0, "'Allow' is out of sight on a desk of 1280 by 800, with every scope: {end}");
    browser.click("input[name=scope][value='meeting:join']").await;
    browser.press("Allow").await;

    // Back at the client with exactly what was ticked.
    browser.reads("Hello, Asha").await;
    assert!(browser.address().await.starts_with(demo.client_url()));
    let granted = browser.the(".account .ticks").await.text().await.unwrap();
    for scope in ["user:read", "meeting:create", "meeting:delete", "meeting:read", "meeting:update"] {
        assert!(granted.contains(scope), "{scope} in {granted}");
    }
    assert!(!granted.contains("meeting:join"), "{granted}");
    assert!(browser.the(".account .crosses").await.text().await.unwrap().contains("meeting:join"));

    // Schedules.
    browser.fill("#topic", "Plan the garden").await;
    browser.choose("#startTime", "2031-05-06T10:00").await;
    browser.choose("#endTime", "2031-05-06T10:30").await;
    browser.click("#schedule button.primary").await;
    browser.reads("Plan the garden").await;
    browser.picture("client-home").await;

    // Changes.
    browser.press("Change").await;
    browser.fill("#topic", "Plan the orchard").await;
    browser.press("Save changes").await;
    browser.reads("Plan the orchard").await;

    // Lists.
    browser.goto(demo.client_url()).await.unwrap();
    let coming = browser.the("#coming").await.text().await.unwrap();
    assert!(coming.contains("Plan the orchard") && !coming.contains("garden"), "{coming}");

    // Refreshes.
    browser.press("Refresh token").await;
    browser.reads("once").await;

    // Cancels, with the new token.
    browser.press("Cancel").await;
    browser.press("Cancel meeting").await;
    browser.reads("Nothing is planned").await;
}

#[tokio::test]
async fn a_refusal_a_left_out_scope_and_standing_consent_are_remembered() {
    let demo = Demo::start();
    let browser = Browser::open(1280, 900).await;

    // Denied as a whole: the client says so in words.
    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.sign_in(demo.person("user")).await;
    browser.press("Deny").await;
    browser.reads("Calendar Companion").await;
    assert!(browser.address().await.starts_with(demo.client_url()));
    browser.picture("client-denied").await;

    // Allowed but for one scope.
    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.click("input[name=scope][value='meeting:delete']").await;
    browser.press("Allow").await;
    browser.reads("Hello, Asha").await;

    // Asked again, what was left out is left out still.
    browser.goto(&format!("{}/login?again=1", demo.client_url())).await.unwrap();
    let left_out = browser.the("input[name=scope][value='meeting:delete']").await;
    assert!(!left_out.is_selected().await.unwrap());
    assert!(browser.the("input[name=scope][value='meeting:read']").await.is_selected().await.unwrap());
    left_out.click().await.unwrap();
    browser.press("Allow").await;
    browser.reads("Hello, Asha").await;
    assert!(browser.the(".account .ticks").await.text().await.unwrap().contains("meeting:delete"));

    // Everything stands now: signing in again at the client shows no page of ours at all.
    browser.press("Sign out").await;
    browser.press("Sign in with JioMeet").await;
    browser.reads("Hello, Asha").await;
}

#[tokio::test]
async fn back_reload_and_a_second_tab_lead_on_and_not_to_a_dead_end() {
    let demo = Demo::start();
    let browser = Browser::open(1280, 900).await;
    let person = demo.person("user");

    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.the("input[name=password]").await;
    browser.refresh().await.unwrap();
    browser.sign_in((person.0, "not the password")).await;
    browser.reads("wrong").await;
    browser.picture("sign-in-wrong-password").await;
    browser.sign_in(person).await;
    browser.reads("wants to use").await;
    browser.refresh().await.unwrap();
    browser.reads("wants to use").await;

    // A second tab answers first.
    let first = browser.window().await.unwrap();
    let second = browser.new_window(true).await.unwrap();
    browser.switch_to_window(second.handle).await.unwrap();
    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.press("Allow").await;
    browser.reads("Hello, Asha").await;

    // The first one still can; and going back to the answered page says what happened, with a way on.
    browser.switch_to_window(first).await.unwrap();
    browser.press("Allow").await;
    browser.reads("Calendar Companion").await;
    browser.back().await.unwrap();
    browser.press("Allow").await;
    browser.reads("already").await;
    browser.picture("already-answered").await;
}

/// Chromium holds the redirects that follow a form to its page's `form-action`: the sign-in form leads to the app here.
#[tokio::test]
async fn signing_in_with_standing_consent_leads_straight_back_to_the_app() {
    let demo = Demo::start();
    let browser = Browser::open(1280, 900).await;
    let person = demo.person("user");

    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.sign_in(person).await;
    browser.press("Allow").await;
    browser.reads("Hello, Asha").await;

    browser.goto(demo.issuer()).await.unwrap();
    browser.delete_all_cookies().await.unwrap();
    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.sign_in((person.0, "not the password")).await;
    browser.reads("wrong").await;
    browser.sign_in(person).await;
    browser.reads("Hello, Asha").await;
    assert!(browser.address().await.starts_with(demo.client_url()));
}
