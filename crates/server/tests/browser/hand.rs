//! How a person works a page: with the mouse, or with the keyboard alone (Tab, Space, Enter, arrows and letters).

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use serde_json::{Value as Json, json};

use crate::browser::Browser;

/// A person gives up after that many presses of Tab.
const PATIENCE: usize = 120;

/// What a person uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// Points and clicks.
    Mouse,
    /// Never touches the mouse.
    Keyboard,
}

/// A person at a browser.
pub struct Person<'b> {
    /// Where they are.
    pub browser: &'b Browser,
    /// What they use.
    pub hand: Hand,
}

impl Person<'_> {
    /// Opens an address.
    pub async fn open(&self, address: &str) {
        self.browser.goto(address).await.unwrap();
    }

    /// Follows a link, presses a button, opens what is folded up: whatever reads like this.
    pub async fn press(&self, words: &str) {
        let element = self.browser.named(words).await;
        self.activate(&element).await;
    }

    /// As [`Person::press`], by a CSS selector.
    pub async fn press_at(&self, selector: &str) {
        let element = self.browser.the(selector).await;
        self.activate(&element).await;
    }

    async fn activate(&self, element: &Element) {
        match self.hand {
            Hand::Mouse => element.clone().click().await.unwrap(),
            Hand::Keyboard => {
                self.tab_to(element).await;
                self.tap(Key::Enter).await;
            }
        }
    }

    /// Types into a field, instead of what is there.
    pub async fn fill(&self, selector: &str, text: &str) {
        match self.hand {
            Hand::Mouse => self.browser.fill(selector, text).await,
            Hand::Keyboard => {
                let field = self.browser.the(selector).await;
                self.tab_to(&field).await;
                let all = KeyActions::new("keyboard".into())
                    .then(KeyAction::Down { value: Key::Control.into() })
                    .then(KeyAction::Down { value: 'a' })
                    .then(KeyAction::Up { value: 'a' })
                    .then(KeyAction::Up { value: Key::Control.into() });
                self.browser.perform_actions(all).await.unwrap();
                self.tap(Key::Backspace).await;
                self.keys(text).await;
            }
        }
    }

    /// Ticks or unticks a box.
    pub async fn tick(&self, selector: &str) {
        let element = self.browser.the(selector).await;
        match self.hand {
            Hand::Mouse => element.click().await.unwrap(),
            Hand::Keyboard => {
                self.tab_to(&element).await;
                self.keys(" ").await;
            }
        }
    }

    /// Chooses one of several: Tab goes to the group, arrows go through it.
    pub async fn pick(&self, selector: &str) {
        let element = self.browser.the(selector).await;
        match self.hand {
            Hand::Mouse => element.click().await.unwrap(),
            Hand::Keyboard => {
                let in_group = "return document.activeElement.type === 'radio' && document.activeElement.name === arguments[0].name;";
                self.tab_until(&element, in_group).await;
                self.keys(" ").await;
                for _ in 0..10 {
                    if self
                        .holds("return document.activeElement === arguments[0] && arguments[0].checked;", &element)
                        .await
                    {
                        return;
                    }
                    self.tap(Key::Down).await;
                }
                panic!("the arrows do not reach {selector} on {}", self.browser.address().await);
            }
        }
    }

    /// Chooses from a menu by the words of the option.
    pub async fn choose(&self, selector: &str, words: &str) {
        let menu = self.browser.the(selector).await;
        match self.hand {
            Hand::Mouse => menu.select_by_label(words).await.unwrap(),
            Hand::Keyboard => {
                self.tab_to(&menu).await;
                self.keys(words).await;
            }
        }
        let chosen = "return arguments[0].selectedOptions[0].textContent.trim();";
        let chosen = self.browser.execute(chosen, vec![json!(self.browser.the(selector).await)]).await.unwrap();
        assert_eq!(chosen.as_str(), Some(words), "{selector}");
    }

    /// Signs in on the page that asks for it.
    pub async fn sign_in(&self, (email, password): (&str, &str)) {
        self.fill("input[name=email]", email).await;
        self.fill("input[name=password]", password).await;
        match self.hand {
            Hand::Mouse => self.browser.click("form[action='/sign-in'] button").await,
            Hand::Keyboard => self.tap(Key::Enter).await,
        }
    }

    /// Signs out by the menu in the page's header.
    pub async fn sign_out(&self) {
        self.press_at(".person > summary").await;
        self.press("Sign out").await;
        self.browser.the("input[name=password]").await;
    }

    /// Tabs on until this has the focus, and looks whether the focus can be seen.
    async fn tab_to(&self, element: &Element) {
        self.tab_until(element, "return document.activeElement === arguments[0];").await;
        // A window that was just opened has not seen a key yet, and shows no ring before it has: not even where the page
        // put the focus itself.
        let ring = "const style = getComputedStyle(document.activeElement);
            return !document.hasFocus() || style.outlineStyle !== 'none' || style.boxShadow !== 'none';";
        assert!(self.holds(ring, element).await, "the focus can be seen on {}", self.browser.outline(element).await);
    }

    async fn tab_until(&self, element: &Element, there: &str) {
        for _ in 0..PATIENCE {
            if self.holds(there, element).await {
                return;
            }
            self.tap(Key::Tab).await;
        }
        let (what, page) = (self.browser.outline(element).await, self.browser.address().await);
        panic!("the keyboard does not reach {what} on {page}");
    }

    async fn holds(&self, script: &str, element: &Element) -> bool {
        self.browser.execute(script, vec![json!(element)]).await.unwrap() == Json::Bool(true)
    }

    async fn tap(&self, key: Key) {
        self.keys(&char::from(key).to_string()).await;
    }

    /// Presses and lets go of some keys, one after the other, on whatever has the focus.
    async fn keys(&self, text: &str) {
        let mut actions = KeyActions::new("keyboard".into());
        for value in text.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.browser.perform_actions(actions).await.unwrap();
    }
}
