//! What a developer pastes: the authorization URL, the header and the call for this very app, in the words of the
//! integration guide.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use protocol::redirect_uri::ClientKind;
use protocol::secret::Secret;
use serde_json::json;

use crate::config::Issuer;
use crate::ids::ClientId;

/// A text to paste, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// What it is.
    pub title: &'static str,
    /// What to know before using it.
    pub hint: &'static str,
    /// The text.
    pub text: String,
}

/// What the texts are made from.
#[derive(Debug, Clone)]
pub struct Ingredients<'a> {
    /// Where absolute URLs come from.
    pub issuer: &'a Issuer,
    /// The app's client id.
    pub client_id: &'a ClientId,
    /// Its secret, at the one moment at which it is known.
    pub secret: Option<&'a Secret>,
    /// Confidential or public.
    pub kind: ClientKind,
    /// The first of its callback URLs, if it has one.
    pub callback_url: Option<&'a str>,
    /// A random word for the example's `state`.
    pub nonce: &'a str,
}

impl Ingredients<'_> {
    /// The authorization URL in the documented form. `state` is base64 of a JSON object, as the guide says.
    pub fn authorize_url(&self) -> String {
        let state = STANDARD.encode(json!({"nonce": self.nonce}).to_string());
        let callback_url = self.callback_url.unwrap_or("https://YOUR-APP.example/callback");
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        self.issuer.url(&format!(
            "/oauth2/authorize?clientId={}&redirect_uri={}&response_type=code&state={}",
            self.client_id,
            encoded(callback_url),
            encoded(&state)
        ))
    }

    fn token_url(&self) -> String {
        self.issuer.url("/api/oauth2/v2/token")
    }

    /// Everything there is to paste for this kind of app.
    pub fn snippets(&self) -> Vec<Snippet> {
        if self.kind.is_public() {
            vec![self.pkce_snippet(), self.public_token_snippet()]
        } else {
            vec![self.authorize_snippet(), self.node_snippet(), self.curl_snippet()]
        }
    }

    fn authorize_snippet(&self) -> Snippet {
        Snippet {
            title: "1. Send the person here",
            hint: "Make a new state for every sign-in, keep it with the person's session, and compare it when they come back.",
            text: self.authorize_url(),
        }
    }

    fn node_snippet(&self) -> Snippet {
        let secret = match self.secret {
            Some(secret) => format!("\"{}\"", secret.expose()),
            None => "process.env.JIOMEET_CLIENT_SECRET".to_owned(),
        };
        Snippet {
            title: "2. Make the Authorization header (Node.js)",
            hint: "Keep the secret in the environment or a vault, never in the code.",
            text: format!(
                "const clientId = \"{}\";\nconst clientSecret = {secret};\nconst keys = clientId + \":\" + clientSecret;\n\
                 const authEncodedKeys = Buffer.from(keys).toString('base64');",
                self.client_id
            ),
        }
    }

    fn curl_snippet(&self) -> Snippet {
        let header = match self.secret {
            Some(secret) => STANDARD.encode(format!("{}:{}", self.client_id, secret.expose())),
            None => format!("$(printf %s \"{}:$JIOMEET_CLIENT_SECRET\" | base64 | tr -d '\\n')", self.client_id),
        };
        Snippet {
            title: "3. Trade the code for tokens (shell)",
            hint: "The code comes back to your callback URL. It is valid for 5 minutes, once.",
            text: format!(
                "CODE='the code from your callback'\ncurl -X POST {} \\\n  -H \"Authorization: Basic {header}\" \\\n  \
                 -d \"grant_type=authorization_code&code=$CODE\"",
                self.token_url()
            ),
        }
    }

    fn pkce_snippet(&self) -> Snippet {
        Snippet {
            title: "1. Send the person here, with a PKCE challenge (shell)",
            hint: match self.kind {
                ClientKind::PublicNative => {
                    "OAuth libraries do this for you. Make a new verifier and a new state for every sign-in. A callback URL at \
                    127.0.0.1 or [::1] takes the port that your app listens on: add it to redirect_uri."
                }
                ClientKind::Confidential | ClientKind::PublicBrowser => {
                    "OAuth libraries do this for you. Make a new verifier and a new state for every sign-in."
                }
            },
            text: format!(
                "CODE_VERIFIER=$(openssl rand -base64 48 | tr '+/' '-_' | tr -d '\\n')\n\
                 CODE_CHALLENGE=$(printf %s \"$CODE_VERIFIER\" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=\\n')\n\
                 echo \"{}&code_challenge=$CODE_CHALLENGE&code_challenge_method=S256\"",
                self.authorize_url()
            ),
        }
    }

    fn public_token_snippet(&self) -> Snippet {
        Snippet {
            title: "2. Trade the code for tokens (shell)",
            hint: "The code comes back to your callback URL. It is valid for 5 minutes, once. A public app has no secret.",
            text: format!(
                "CODE='the code from your callback'\ncurl -X POST {} \\\n  -d \"grant_type=authorization_code&code=$CODE\" \\\n  \
                 -d \"client_id={}&code_verifier=$CODE_VERIFIER\"",
                self.token_url(),
                self.client_id
            ),
        }
    }

    /// What the credentials' file holds.
    pub fn credentials_file(&self, name: &str, callback_urls: &[String], scopes: &str) -> String {
        let content = json!({
            "name": name,
            "issuer": self.issuer.as_str(),
            "client_id": self.client_id.as_str(),
            "client_secret": self.secret.map(Secret::expose),
            "authorization_endpoint": self.issuer.url("/oauth2/authorize"),
            "token_endpoint": self.token_url(),
            "redirect_uris": callback_urls,
            "scope": scopes,
        });
        serde_json::to_string_pretty(&content).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(kind: ClientKind, secret: Option<&Secret>) -> Vec<Snippet> {
        let issuer = Issuer::parse("https://meet.example.com").unwrap();
        let ingredients = Ingredients {
            issuer: &issuer,
            client_id: &ClientId::from_text("5f3c0d9a8b7e6f5a4b3c2d1e"),
            secret,
            kind,
            callback_url: Some("https://calendar.example.com/cb?x=1&y=2"),
            nonce: "n0nce",
        };
        ingredients.snippets()
    }

    #[test]
    fn the_authorization_url_has_the_documented_form() {
        let url = with(ClientKind::Confidential, None).remove(0).text;
        assert_eq!(
            url,
            "https://meet.example.com/oauth2/authorize?clientId=5f3c0d9a8b7e6f5a4b3c2d1e\
             &redirect_uri=https%3A%2F%2Fcalendar.example.com%2Fcb%3Fx%3D1%26y%3D2&response_type=code\
             &state=eyJub25jZSI6Im4wbmNlIn0%3D"
        );
    }

    #[test]
    fn the_secret_stands_in_the_snippets_only_when_it_was_just_made() {
        let secret = Secret::new("jmcs_abc");
        let basic = STANDARD.encode("5f3c0d9a8b7e6f5a4b3c2d1e:jmcs_abc");
        let [_, node, curl] = with(ClientKind::Confidential, Some(&secret)).try_into().unwrap();
        assert!(node.text.contains("const clientSecret = \"jmcs_abc\";"), "{}", node.text);
        assert!(curl.text.contains(&format!("-H \"Authorization: Basic {basic}\"")), "{}", curl.text);
        let [_, node, curl] = with(ClientKind::Confidential, None).try_into().unwrap();
        assert!(node.text.contains("process.env.JIOMEET_CLIENT_SECRET"), "{}", node.text);
        assert!(curl.text.contains("\"5f3c0d9a8b7e6f5a4b3c2d1e:$JIOMEET_CLIENT_SECRET\""), "{}", curl.text);
    }

    #[test]
    fn a_public_app_uses_pkce_and_no_secret() {
        for kind in [ClientKind::PublicBrowser, ClientKind::PublicNative] {
            let all: String = with(kind, None).into_iter().map(|snippet| snippet.text).collect();
            assert!(
                all.contains("code_challenge_method=S256") && all.contains("code_verifier=$CODE_VERIFIER"),
                "{all}"
            );
            assert!(!all.to_lowercase().contains("secret"), "{all}");
        }
    }
}
