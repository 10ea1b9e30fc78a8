//! Users: signing in, what limits guessing, passwords, sessions, the account's pages.

mod limits;
mod password;
mod profile;
mod sessions;
mod sign_in;

use crate::support::{Browser, Page};

const ADA: &str = "ada@example.com";
const BELA: &str = "bela@example.com";

/// Types into the sign-in page and sends it.
async fn try_to_sign_in(browser: &Browser<'_>, email: &str, password: &str) -> Page {
    try_from(browser, email, password, &[]).await
}

/// As [`try_to_sign_in`], with headers of the test's own.
async fn try_from(browser: &Browser<'_>, email: &str, password: &str, headers: &[(&str, &str)]) -> Page {
    let mut form = browser.get("/sign-in").await.form("/sign-in");
    form.set("email", email);
    form.set("password", password);
    let fields: Vec<(&str, &str)> = form.sent().collect();
    browser.post_from("/sign-in", &fields, headers).await
}

/// Whether the account's pages open for this browser.
async fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/account").await.status == 200
}
