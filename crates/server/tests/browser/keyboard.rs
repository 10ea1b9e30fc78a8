//! The same without a mouse: Tab, Space and Enter alone.

use fantoccini::Client;
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::key::Key;

use crate::browser::Browser;
use crate::demo::Demo;

/// Presses and lets go of some keys, one after the other, on whatever has the focus.
async fn keys(client: &Client, text: &str) {
    let mut actions = KeyActions::new("keyboard".into());
    for value in text.chars() {
        actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
    }
    client.perform_actions(actions).await.unwrap();
}

async fn tap(client: &Client, key: Key) {
    keys(client, &char::from(key).to_string()).await;
}

/// Tabs on until what has the focus answers to the selector; a person gives up after forty.
async fn tab_to(browser: &Browser, selector: &str) {
    browser.the(selector).await;
    for _ in 0..40 {
        let script = "const at = document.activeElement; return at !== document.body && at.matches(arguments[0]);";
        let there = browser.execute(script, vec![serde_json::json!(selector)]).await.unwrap();
        if there.as_bool() == Some(true) {
            let ring = "const style = getComputedStyle(document.activeElement);
                return style.outlineStyle !== 'none' || style.boxShadow !== 'none';";
            let visible = browser.execute(ring, vec![]).await.unwrap();
            assert_eq!(visible.as_bool(), Some(true), "the focus on {selector} can be seen");
            return;
        }
        tap(browser, Key::Tab).await;
    }
    panic!("the keyboard does not reach {selector} on {}", browser.address().await);
}

#[tokio::test]
async fn sign_in_and_consent_need_no_mouse() {
    let demo = Demo::start();
    let browser = Browser::open(1280, 900).await;
    let (email, password) = demo.person("user");

    browser.goto(demo.client_url()).await.unwrap();
    tab_to(&browser, "a[href^='/login']").await;
    tap(&browser, Key::Enter).await;

    tab_to(&browser, "input[name=email]").await;
    keys(&browser, email).await;
    tab_to(&browser, "input[name=password]").await;
    keys(&browser, password).await;
    tap(&browser, Key::Enter).await;

    browser.reads("wants to use your JioMeet account").await;
    tab_to(&browser, "input[name=scope][value='meeting:join']").await;
    keys(&browser, " ").await;
    assert!(!browser.the("input[name=scope][value='meeting:join']").await.is_selected().await.unwrap());
    tab_to(&browser, "button[name=decision][value=allow]").await;
    tap(&browser, Key::Enter).await;

    browser.reads("Hello, Asha").await;
    assert!(browser.the(".account .crosses").await.text().await.unwrap().contains("meeting:join"));
}
