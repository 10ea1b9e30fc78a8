//! Users: how accounts begin, change and end; signing in, what limits guessing, passwords, sessions, the account's pages;
//! what admins may do.

mod address;
mod admin;
mod deletion;
mod forgot;
mod limits;
mod password;
mod profile;
mod sessions;
mod sign_in;
mod sign_up;

use crate::support::smtp::{MailServer, Mood, Taken};
use crate::support::{Browser, Page, World};

const ADA: &str = "ada@example.com";
const BELA: &str = "bela@example.com";

/// Types into the sign-in page and sends it.
async fn try_to_sign_in(browser: &Browser<'_>, email: &str, password: &str) -> Page {
    try_from(browser, email, password, &[]).await
}

/// As [`try_to_sign_in`], with headers of the test's own.
pub async fn try_from(browser: &Browser<'_>, email: &str, password: &str, headers: &[(&str, &str)]) -> Page {
    let mut form = browser.get("/sign-in").await.form("/sign-in");
    form.set("email", email);
    form.set("password", password);
    let fields: Vec<(&str, &str)> = form.sent().collect();
    browser.post_from("/sign-in", &fields, headers).await
}

/// A server whose mail arrives.
pub async fn world_with_mail() -> (World, MailServer) {
    world_with_mail_and("").await
}

async fn world_with_mail_and(more: &str) -> (World, MailServer) {
    let server = MailServer::start(Mood::Accepts).await;
    let world = World::with(&format!("{}{more}", server.config())).await;
    (world, server)
}

/// Sends what waits, and gives the latest mail to that address.
pub async fn latest_to(world: &World, server: &MailServer, address: &str) -> Taken {
    world.post_mail().await;
    let mut mails = server.taken().into_iter().filter(|mail| mail.to == address);
    mails.next_back().unwrap_or_else(|| panic!("no mail to {address}"))
}

/// How many mails went to that address.
async fn mails_to(world: &World, server: &MailServer, address: &str) -> usize {
    world.post_mail().await;
    server.taken().iter().filter(|mail| mail.to == address).count()
}

/// The link in a mail, as a path of ours.
#[track_caller]
pub fn link_in(world: &World, mail: &Taken) -> String {
    let body = mail.body();
    let link = body.lines().find(|line| line.contains("?token=")).unwrap_or_else(|| panic!("no link in {body}"));
    link.strip_prefix(world.app.issuer.as_str()).unwrap_or_else(|| panic!("a foreign link: {link}")).to_owned()
}

/// Fills the form of the page at `path` and sends it.
pub async fn send_form(browser: &Browser<'_>, path: &str, action: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{}", page.html);
    fill(browser, &page, action, fields).await
}

/// Fills a form of this page and sends it.
async fn fill(browser: &Browser<'_>, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
    let mut form = page.form(action);
    for (name, value) in fields {
        form.set(name, value);
    }
    browser.submit(&form).await
}

/// Whether the address and the password open an account, in a browser of their own.
async fn can_sign_in(world: &World, email: &str, password: &str) -> bool {
    let browser = world.browser();
    let answer = send_form(&browser, "/sign-in", "/sign-in", &[("email", email), ("password", password)]).await;
    assert!([303, 403].contains(&answer.status), "{}", answer.html);
    answer.status == 303
}

/// Whether the account's pages open for this browser.
pub async fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/account").await.status == 200
}
