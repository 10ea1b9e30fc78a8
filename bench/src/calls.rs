//! The operations under load, each as an app's server or a browser would call it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use serde::Deserialize;

use crate::Fallible;
use crate::browser::{authorize_path, code_of};
use crate::deployment::{Client, Deployment};
use crate::http::{Call, Reply};
use crate::load::Operation;

/// How a server is called: where what is, and by whom.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its origin.
    pub origin: String,
    /// The app.
    pub client: Client,
    /// The app's authorization request, path and query.
    pub authorize: String,
    /// The cookies of somebody who is signed in and has consented.
    pub cookies: String,
    /// The token endpoint's path.
    pub token: &'static str,
    /// The introspection endpoint's path.
    pub introspect: &'static str,
    /// The path of something that an access token opens.
    pub protected: &'static str,
    /// The verifier of the challenge in the authorization request, where it has one.
    pub verifier: Option<&'static str>,
}

impl Service {
    /// Ours: the sample client, and the browser with those cookies.
    pub fn ours(deployment: &Deployment, cookies: String) -> Service {
        let client = &deployment.report.client;
        Service {
            origin: deployment.report.issuer.clone(),
            client: client.clone(),
            authorize: authorize_path(client),
            cookies,
            token: "/api/oauth2/v2/token",
            introspect: "/api/oauth2/v2/introspect",
            protected: "/api/user/profile",
            verifier: None,
        }
    }
}

/// Writes requests to one server for one app.
#[derive(Clone)]
pub struct Caller {
    service: Service,
    host: HeaderValue,
    basic: HeaderValue,
    cookies: HeaderValue,
}

/// What an app keeps of a token response.
#[derive(Debug, Clone, Deserialize)]
pub struct Tokens {
    /// Opens the API.
    pub access_token: String,
    /// Gets the next ones.
    pub refresh_token: String,
}

#[derive(Deserialize)]
struct Introspection {
    active: bool,
}

impl Caller {
    /// For that server.
    pub fn new(service: Service) -> Fallible<Caller> {
        let client = &service.client;
        let credentials = STANDARD.encode(format!("{}:{}", client.client_id, client.client_secret));
        Ok(Caller {
            host: HeaderValue::from_str(service.origin.trim_start_matches("http://"))?,
            basic: HeaderValue::from_str(&format!("Basic {credentials}"))?,
            cookies: HeaderValue::from_str(&service.cookies)?,
            service,
        })
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header(HOST, &self.host)
    }

    fn client_post(&self, path: &str, params: &[(&str, &str)]) -> Fallible<Call> {
        let body = Serializer::new(String::new()).extend_pairs(params).finish();
        let request = self
            .request(Method::POST, path)
            .header(AUTHORIZATION, &self.basic)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        Ok(request.body(body.into())?)
    }

    /// An authorization request by somebody who is signed in and has consented: straight to a code.
    pub fn authorize(&self) -> Operation<(), String> {
        let caller = self.clone();
        Operation {
            name: "authorize",
            call: Box::new(move |()| {
                let request = caller.request(Method::GET, &caller.service.authorize).header(COOKIE, &caller.cookies);
                Ok(request.body(bytes::Bytes::new().into())?)
            }),
            read: Box::new(|reply| code_of(&reply)),
        }
    }

    /// A code for tokens.
    pub fn exchange(&self) -> Operation<String, Tokens> {
        let caller = self.clone();
        Operation {
            name: "exchange",
            call: Box::new(move |code: &String| {
                let redirect_uri = caller.service.client.redirect_uri.as_str();
                let mut params =
                    vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", redirect_uri)];
                params.extend(caller.service.verifier.map(|verifier| ("code_verifier", verifier)));
                caller.client_post(caller.service.token, &params)
            }),
            read: Box::new(|reply| read_tokens(reply, "an exchange")),
        }
    }

    /// A refresh token for the next tokens.
    pub fn refresh(&self) -> Operation<String, Tokens> {
        let caller = self.clone();
        Operation {
            name: "refresh",
            call: Box::new(move |token: &String| {
                let params = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                caller.client_post(caller.service.token, &params)
            }),
            read: Box::new(|reply| read_tokens(reply, "a refresh")),
        }
    }

    /// The bearer check, with the smallest call behind it: the person's profile.
    pub fn bearer(&self, name: &'static str) -> Operation<String, ()> {
        let caller = self.clone();
        Operation {
            name,
            call: Box::new(move |token: &String| {
                let request = caller.request(Method::GET, caller.service.protected);
                Ok(request.header(AUTHORIZATION, format!("Bearer {token}")).body(bytes::Bytes::new().into())?)
            }),
            read: Box::new(|reply| reply.expect(StatusCode::OK, "a call with an access token").map(drop)),
        }
    }

    /// A grant is given back.
    pub fn revoke(&self) -> Operation<String, ()> {
        let caller = self.clone();
        Operation {
            name: "revoke",
            call: Box::new(move |token: &String| caller.client_post("/api/oauth2/v2/revoke", &[("token", token)])),
            read: Box::new(|reply| reply.expect(StatusCode::OK, "a revocation").map(drop)),
        }
    }

    /// What a token is worth.
    pub fn introspect(&self) -> Operation<String, ()> {
        let caller = self.clone();
        Operation {
            name: "introspect",
            call: Box::new(move |token: &String| caller.client_post(caller.service.introspect, &[("token", token)])),
            read: Box::new(|reply| {
                let reply = reply.expect(StatusCode::OK, "an introspection")?;
                let answer: Introspection = serde_json::from_slice(&reply.body)?;
                if answer.active { Ok(()) } else { Err("a living token was called inactive".into()) }
            }),
        }
    }
}

fn read_tokens(reply: Reply, what: &str) -> Fallible<Tokens> {
    let reply = reply.expect(StatusCode::OK, what)?;
    Ok(serde_json::from_slice(&reply.body)?)
}

/// The request that the echo of the floor gets: as long as a code exchange.
pub fn echo(host: HeaderValue) -> Operation<(), ()> {
    let body = format!(
        "grant_type=authorization_code&code=jmac_{}&redirect_uri=http%3A%2F%2Flocalhost%3A8081%2Fcallback",
        "c".repeat(43)
    );
    let credentials = HeaderValue::from_static(
        "Basic Y2xpZW50LWlkLWNsaWVudC1pZDpjbGllbnQtc2VjcmV0LWNsaWVudC1zZWNyZXQtY2xpZW50LXNlY3JldA==",
    );
    let expected = body.len();
    Operation {
        name: "echo",
        call: Box::new(move |()| {
            let request = Request::builder()
                .method(Method::POST)
                .uri("/api/oauth2/v2/token")
                .header(HOST, &host)
                .header(AUTHORIZATION, &credentials)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            Ok(request.body(body.clone().into())?)
        }),
        read: Box::new(move |reply| match reply.body.len() == expected {
            true => Ok(()),
            false => Err("the echo was not what was sent".into()),
        }),
    }
}
