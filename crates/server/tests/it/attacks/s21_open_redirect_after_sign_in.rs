//! Lesson S21: white space and backslashes in a return address made a redirect after the sign-in lead elsewhere.

use crate::support::{PASSWORD, World};

use super::{ADA, ada_can_sign_in};

/// Lesson S21: nothing from outside decides where one goes after the sign-in.
#[tokio::test]
async fn sign_in_leads_nowhere_that_was_not_sealed() {
    let world = World::new().await;
    world.person(ADA).await;
    for target in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "\\\\evil.example",
        "/%0a/evil.example",
        "javascript:alert(1)",
    ] {
        for name in ["request", "return", "return_to", "next", "redirect_uri", "continue", "asker"] {
            let browser = world.browser();
            let page = browser.get(&format!("/sign-in?{name}={target}")).await;
            let mut form = page.form("/sign-in");
            form.set("email", ADA);
            form.set("password", PASSWORD);
            world.give_password(ADA).await;
            let mut fields: Vec<(&str, &str)> = form.sent().filter(|(field, _)| *field != name).collect();
            fields.push((name, target));
            let answer = browser.post("/sign-in", &fields).await;
            assert_eq!(answer.location().as_deref(), Some("/account"), "{name}={target}");
        }
    }
}

#[tokio::test]
async fn nobody_else_chooses_where_that_is() {
    let world = ada_can_sign_in().await;
    for forged in ["/account/sessions", "https://evil.example", "//evil.example", "AAAA"] {
        let browser = world.browser();
        let mut form = browser.get(&format!("/sign-in?return={forged}")).await.form("/sign-in");
        form.set("email", ADA);
        form.set("password", PASSWORD);
        assert_eq!(browser.submit(&form).await.location().as_deref(), Some("/account"), "{forged}");
    }
}
