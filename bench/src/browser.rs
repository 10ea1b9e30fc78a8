//! A person at a browser: signs in and consents through the real pages, as anything that reads forms could.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use form_urlencoded::Serializer;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{Method, Request, StatusCode};

use crate::Fallible;
use crate::deployment::{Client, Deployment, User};
use crate::http::{Connection, Reply};

/// A browser with its cookies.
pub struct Browser {
    connection: Connection,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A browser that has never been here.
    pub async fn open(deployment: &Deployment) -> Fallible<Browser> {
        Browser::at(deployment.target.node(0), &deployment.report.issuer).await
    }

    /// A browser that has never been there.
    pub async fn at(address: SocketAddr, origin: &str) -> Fallible<Browser> {
        let connection = Connection::open(address).await?;
        Ok(Browser { connection, origin: origin.to_owned(), cookies: BTreeMap::new() })
    }

    /// The `Cookie` header.
    pub fn cookies(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Signs in where the app's authorization request leads and allows everything: from then on the consent stands.
    pub async fn sign_in_and_allow(&mut self, user: &User, client: &Client) -> Fallible<()> {
        self.authorize(&authorize_path(client), user, client).await.map(drop)
    }

    /// Opens an authorization request, signs in and allows everything where that is asked for, and gives the code.
    pub async fn authorize(&mut self, path: &str, user: &User, client: &Client) -> Fallible<String> {
        let mut reply = self.request(Method::GET, path, None).await?;
        // Sign-in page, consent page, the app: no honest way is longer than this.
        for _ in 0..8 {
            if reply.status.is_redirection() {
                let location = reply.header(LOCATION).to_owned();
                if location.starts_with(&client.redirect_uri) {
                    return code_of(&reply);
                }
                let path = location.strip_prefix(&self.origin).unwrap_or(&location).to_owned();
                reply = self.request(Method::GET, &path, None).await?;
                continue;
            }
            let page = reply.expect(StatusCode::OK, "a page of the flow")?;
            let page = String::from_utf8_lossy(&page.body).into_owned();
            let form = find_form(&page)?;
            let mut fields = form.hidden;
            if form.asks_password {
                fields.push(("email".to_owned(), user.email.clone()));
                fields.push(("password".to_owned(), user.password.clone()));
            } else {
                fields.extend(form.scopes.into_iter().map(|scope| ("scope".to_owned(), scope)));
                fields.push(("decision".to_owned(), "allow".to_owned()));
            }
            reply = self.request(Method::POST, &form.action, Some(&fields)).await?;
        }
        Err("sign-in and consent did not lead back to the app".into())
    }

    /// Goes from page to page at anybody's server, filling in what each first form asks of `known`, until it leads to
    /// an address that begins with `end`.
    pub async fn fill_in(&mut self, path: &str, known: &[(&str, &str)], end: &str) -> Fallible<Reply> {
        let mut at = path.to_owned();
        let mut reply = self.request(Method::GET, path, None).await?;
        for _ in 0..16 {
            if reply.status.is_redirection() {
                let location = reply.header(LOCATION).to_owned();
                if location.starts_with(end) {
                    return Ok(reply);
                }
                at = location.strip_prefix(&self.origin).unwrap_or(&location).to_owned();
                reply = self.request(Method::GET, &at, None).await?;
                continue;
            }
            let page = reply.expect(StatusCode::OK, &at)?;
            let page = String::from_utf8_lossy(&page.body).into_owned();
            let (action, fields) = first_form(&page, known).ok_or_else(|| format!("{at} has no form:\n{page}"))?;
            let action = action.filter(|action| !action.is_empty()).unwrap_or_else(|| at.clone());
            at = action.strip_prefix(&self.origin).unwrap_or(&action).to_owned();
            reply = self.request(Method::POST, &at, Some(&fields)).await?;
        }
        Err(format!("the pages from {path} did not lead to {end}").into())
    }

    /// Signs in without any app.
    pub async fn sign_in(&mut self, user: &User) -> Fallible<()> {
        let page = self.page("/sign-in").await?;
        let form = find_form(&page)?;
        let mut fields = form.hidden;
        fields.push(("email".to_owned(), user.email.clone()));
        fields.push(("password".to_owned(), user.password.clone()));
        let reply = self.request(Method::POST, &form.action, Some(&fields)).await?;
        reply.expect(StatusCode::SEE_OTHER, "the sign-in").map(drop)
    }

    /// A page's text.
    pub async fn page(&mut self, path: &str) -> Fallible<String> {
        let reply = self.request(Method::GET, path, None).await?.expect(StatusCode::OK, path)?;
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }

    async fn request(&mut self, method: Method, path: &str, form: Option<&[(String, String)]>) -> Fallible<Reply> {
        let host = self.origin.trim_start_matches("http://");
        let mut request = Request::builder().method(method).uri(path).header(HOST, host);
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookies());
        }
        let body = match form {
            None => String::new(),
            Some(fields) => {
                request = request
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(ORIGIN, self.origin.as_str());
                Serializer::new(String::new()).extend_pairs(fields).finish()
            }
        };
        let reply = self.connection.send(request.body(body.into())?).await?;
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        Ok(reply)
    }
}

/// The authorization request of an app, for every scope that it may ask for.
pub fn authorize_path(client: &Client) -> String {
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("clientId", &client.client_id)
        .append_pair("redirect_uri", &client.redirect_uri)
        .append_pair("state", "eyJ0byI6Ii9jYWxlbmRhciIsIm4iOiJrM2Q4In0")
        .finish();
    format!("/oauth2/authorize?{query}")
}

/// The code in a redirect to the app.
pub fn code_of(reply: &Reply) -> Fallible<String> {
    let location = reply.header(LOCATION);
    let query = location.split_once('?').map_or("", |(_, query)| query);
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    let code = code.map(|(_, code)| code.into_owned());
    code.ok_or_else(|| format!("no code but {} to {location:?}", reply.status).into())
}

/// The form that a page of the flow asks to fill in.
struct Form {
    action: String,
    hidden: Vec<(String, String)>,
    scopes: Vec<String>,
    asks_password: bool,
}

/// The sign-in or consent form of a page of ours; pages may hold others beside it.
fn find_form(page: &str) -> Fallible<Form> {
    for form in page.split("<form ").skip(1) {
        let form = form.split("</form>").next().unwrap_or_default();
        let action = attribute(form, "action").unwrap_or_default();
        let inputs = || form.split("<input ").skip(1).map(|tag| tag.split('>').next().unwrap_or_default());
        let of_kind = |kind: &'static str| inputs().filter(move |tag| attribute(tag, "type").as_deref() == Some(kind));
        let pair = |tag: &str| attribute(tag, "name").zip(attribute(tag, "value"));
        let asks_password = of_kind("password").next().is_some();
        if asks_password || form.contains("name=\"decision\"") {
            return Ok(Form {
                action,
                hidden: of_kind("hidden").filter_map(pair).collect(),
                scopes: of_kind("checkbox").filter_map(pair).map(|(_, scope)| scope).collect(),
                asks_password,
            });
        }
    }
    Err(format!("a page without the form of sign-in or consent:\n{page}").into())
}

/// The first form that is posted: its action, and its hidden fields and those whose values are known.
fn first_form(page: &str, known: &[(&str, &str)]) -> Option<(Option<String>, Vec<(String, String)>)> {
    let is_posted = |form: &&str| attribute(form, "method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
    let form = page.split("<form ").skip(1).find(is_posted)?.split("</form>").next()?;
    let inputs = form.split("<input ").skip(1).map(|tag| tag.split('>').next().unwrap_or_default());
    let field = |tag: &str| {
        let name = attribute(tag, "name")?;
        let known = known.iter().find(|(field, _)| *field == name).map(|(_, value)| (*value).to_owned());
        let is_hidden = attribute(tag, "type").as_deref() == Some("hidden");
        let value = known.or_else(|| is_hidden.then(|| attribute(tag, "value").unwrap_or_default()))?;
        Some((name, value))
    };
    Some((attribute(form, "action"), inputs.filter_map(field).collect()))
}

/// The value of an attribute of the first tag.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&#38;", "&").replace("&amp;", "&"))
}
