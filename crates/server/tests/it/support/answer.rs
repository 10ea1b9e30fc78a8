//! What a call was answered, in a form that assertions read well with.

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value as Json;

/// Status, headers, and the body as JSON where it is some.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Json,
}

impl Answer {
    pub async fn of(response: Response) -> Answer {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Json::Null);
        Answer { status, headers, text, json }
    }

    /// A header's text, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A text member of the body.
    #[track_caller]
    pub fn text_of(&self, member: &str) -> String {
        self.json[member].as_str().unwrap_or_else(|| panic!("no {member} in {} {}", self.status, self.text)).to_owned()
    }

    /// The token response, or a failure that shows what came instead.
    #[track_caller]
    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{}", self.text);
        Tokens {
            access: self.text_of("access_token"),
            refresh: self.text_of("refresh_token"),
            scope: self.text_of("scope"),
        }
    }

    /// Asserts status and entry of the catalogue: the API's envelope.
    #[track_caller]
    pub fn is(&self, status: u16, fault: &str) {
        assert_eq!((self.status, self.json["message"].as_str()), (status, Some(fault)), "{}", self.text);
    }

    /// Asserts that it is a refusal by that entry of the catalogue, in those words of OAuth.
    #[track_caller]
    pub fn is_refused(&self, status: u16, error: &str, fault: &str) {
        let came = (self.status, self.json["error"].as_str(), self.json["message"].as_str());
        assert_eq!(came, (status, Some(error), Some(fault)), "{}", self.text);
    }
}

/// What a client keeps of a token response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub scope: String,
}

impl Tokens {
    /// The claims of the access token, unverified.
    pub fn claims(&self) -> Json {
        let body = self.access.split('.').nth(1).unwrap();
        serde_json::from_slice(&protocol::secret::base64url_decode(body).unwrap()).unwrap()
    }
}
