//! A person at a browser, as far as our pages need one: cookies, and forms that are sent as they stand.

use std::collections::BTreeMap;

use reqwest::blocking::{Client, Response};
use reqwest::{Url, redirect};

use super::{Result, setting};

/// One person's browser.
pub struct Browser(Client);

impl Browser {
    /// One that was never here.
    pub fn new() -> Result<Self> {
        Ok(Self(Client::builder().cookie_store(true).redirect(redirect::Policy::none()).no_proxy().build()?))
    }

    /// Opens an authorization URL, signs in, allows everything, and gives what the app is sent.
    pub fn allow(&self, url: &str) -> Result<BTreeMap<String, String>> {
        let page = self.0.get(url).send()?.text()?;
        let mut sign_in = fields(&page, "/sign-in");
        sign_in.push(("email".into(), setting("EMAIL")));
        sign_in.push(("password".into(), setting("PASSWORD")));
        let next = location(&self.post("/sign-in", &sign_in)?)?;
        let answer = self.0.get(Url::parse(&setting("ISSUER"))?.join(&next)?).send()?;
        let sent = match answer.status().as_u16() {
            303 => location(&answer)?,
            _ => {
                let mut consent = fields(&answer.text()?, "/oauth2/consent");
                consent.push(("decision".into(), "allow".into()));
                location(&self.post("/oauth2/consent", &consent)?)?
            }
        };
        assert!(sent.starts_with(&setting("REDIRECT_URI")), "sent to {sent}");
        Ok(Url::parse(&sent)?.query_pairs().into_owned().collect())
    }

    fn post(&self, path: &str, fields: &[(String, String)]) -> Result<Response> {
        Ok(self.0.post(format!("{}{path}", setting("ISSUER"))).form(fields).send()?)
    }
}

fn location(answer: &Response) -> Result<String> {
    let location = answer.headers().get("location").ok_or_else(|| format!("no redirect but {}", answer.status()))?;
    Ok(location.to_str()?.to_owned())
}

/// What the form with this action sends: its hidden fields and ticked boxes.
fn fields(page: &str, action: &str) -> Vec<(String, String)> {
    let start = page.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form for {action} in {page}"));
    let form = page[start..].split("</form>").next().unwrap_or_default();
    let inputs = form.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    let value = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!("{name}=\"")).map(|(_, rest)| rest)?;
        Some(rest.split('"').next().unwrap_or_default().replace("&#38;", "&"))
    };
    let is_sent =
        |tag: &&str| tag.contains("type=\"hidden\"") || (tag.contains(" checked") && !tag.contains(" disabled"));
    inputs.filter(is_sent).filter_map(|tag| Some((value(tag, "name")?, value(tag, "value")?))).collect()
}
