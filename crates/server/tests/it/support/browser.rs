//! A browser as far as our pages need one: cookies, forms, and redirects that it follows only when told to.

use super::World;
use super::jar::Jar;
use super::page::{Form, Page};

/// One browser of one person.
pub struct Browser<'w> {
    world: &'w World,
    jar: Jar,
}

impl World {
    /// A browser that was never here before.
    pub fn browser(&self) -> Browser<'_> {
        Browser { world: self, jar: Jar::default() }
    }
}

static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();

impl World {
    /// Lets this account sign in with [`super::PASSWORD`].
    pub async fn give_password(&self, email: &str) {
        let hash = HASH.get_or_init(|| async {
            let password = jiomeet_oauth::users::Password::new(super::PASSWORD);
            self.app.passwords.hash(password).await.unwrap()
        });
        let values = [hash.await.as_str(), email];
        assert_eq!(self.execute("UPDATE users SET password_hash = $1 WHERE email = $2", &values).await, 1, "{email}");
    }
}

impl Browser<'_> {
    /// Opens an address: a path of ours or an absolute URL.
    pub async fn get(&self, address: &str) -> Page {
        self.send(self.world.http.get(self.absolute(address))).await
    }

    /// Opens an address with headers of the test's own.
    pub async fn get_with(&self, address: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.world.http.get(self.absolute(address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Sends a form.
    pub async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from(address, fields, &[]).await
    }

    /// Sends a form with headers of the test's own.
    pub async fn post_from(&self, address: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let mut request = self.world.http.post(self.absolute(address)).form(fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Sends a form of a page, as it stands.
    pub async fn submit(&self, form: &Form) -> Page {
        let fields: Vec<(&str, &str)> = form.sent().collect();
        self.post(&form.action, &fields).await
    }

    /// Follows redirects as long as they stay with us.
    pub async fn follow(&self, mut page: Page) -> Page {
        while let Some(location) = page.location().filter(|location| self.is_ours(location)) {
            page = self.get(&location).await;
        }
        page
    }

    /// Signs in on this sign-in page, and follows.
    pub async fn sign_in_on(&self, page: &Page, email: &str) -> Page {
        self.world.give_password(email).await;
        let mut form = page.form("/sign-in");
        form.set("email", email);
        form.set("password", super::PASSWORD);
        let answer = self.submit(&form).await;
        assert_eq!(answer.status, 303, "{}", answer.html);
        self.follow(answer).await
    }

    /// Signs in without any app.
    pub async fn sign_in(&self, email: &str) {
        let page = self.get("/sign-in").await;
        self.sign_in_on(&page, email).await;
    }

    /// Signs in as somebody else in another tab, without a word to the first.
    pub async fn sign_in_elsewhere(&self, email: &str) {
        self.forget_cookie("jm_session");
        self.sign_in(email).await;
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.get(name)
    }

    /// Gives the browser a cookie that is not its own.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar.set(name, value);
    }

    /// Takes a cookie away.
    pub fn forget_cookie(&self, name: &str) {
        self.jar.remove(name);
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        Page::read(self.jar.send(request).await).await
    }

    fn absolute(&self, address: &str) -> String {
        if address.starts_with('/') { self.world.url(address) } else { address.to_owned() }
    }

    fn is_ours(&self, location: &str) -> bool {
        location.starts_with('/') || location.starts_with(&format!("{}/", self.world.app.issuer))
    }
}
