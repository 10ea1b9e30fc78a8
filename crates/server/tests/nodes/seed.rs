//! People and apps, made by the operator's verbs.

use serde_json::Value as Json;

use crate::cluster::Cluster;

pub const PASSWORD: &str = "monsoon bus stop";
pub const REDIRECT_URI: &str = "https://planner.example/callback";
pub const SCOPES: [&str; 5] = ["user:read", "meeting:read", "meeting:create", "meeting:update", "meeting:delete"];

/// An app's credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub app: String,
    pub client_id: String,
    pub client_secret: String,
}

impl Cluster {
    /// A verb that is done; what it answers.
    pub fn done(&self, arguments: &[&str], input: &str) -> Json {
        let output = self.verb(&[arguments, &["--json"]].concat(), input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Json::Null)
    }

    /// Somebody with that role.
    pub fn person(&self, email: &str, role: &str) -> String {
        let name = email.split('@').next().unwrap();
        let create = ["user", "create", "--email", email, "--name", name, "--lname", "Tester", "--role", role];
        self.done(&create, &format!("{PASSWORD}\n"))["user_id"].as_str().unwrap().to_owned()
    }

    /// A draft of that developer's.
    pub fn draft(&self, owner: &str, name: &str) -> Credentials {
        self.draft_at(owner, name, "https://planner.example")
    }

    /// A draft of that developer's, with a site of its own.
    pub fn draft_at(&self, owner: &str, name: &str, site: &str) -> Credentials {
        let [homepage, policy, logo] = ["/", "/policy", "/logo.png"].map(|path| format!("{site}{path}"));
        let mut create = vec!["app", "create", "--owner", owner, "--name", name, "--use-case", "Other"];
        create.extend(["--homepage-url", &homepage, "--policy-url", &policy, "--logo-url", &logo]);
        create.extend(["--callback-url", REDIRECT_URI]);
        for scope in SCOPES {
            create.extend(["--scope", scope]);
        }
        let app = self.done(&create, "");
        let text = |name: &str| app[name].as_str().unwrap().to_owned();
        Credentials { app: text("app_id"), client_id: text("client_id"), client_secret: text("client_secret") }
    }

    /// An approved app of a developer of its own, and Ada, who uses it.
    pub fn approved_app(&self) -> Credentials {
        self.person("dev@example.com", "developer");
        self.person("ada@example.com", "user");
        let app = self.draft("dev@example.com", "Planner");
        self.done(&["app", "submit", &app.app], "");
        self.done(&["app", "approve", &app.app], "");
        app
    }
}
