//! What the operator writes: the configuration, the database's address, the issuer; and addresses of mail.

use jiomeet_oauth::config::{Config, Issuer, annotated_sample};
use jiomeet_oauth::users::{Email, Password};
use proptest::prelude::*;
use sql::DatabaseUrl;

use super::{almost, fuzz};

#[test]
fn a_config_is_read_or_every_fault_is_named() {
    let sample = annotated_sample();
    let sections: Vec<&str> = sample.split("\n\n").collect();
    let mut seeds = vec![
        "[tokens]\nauthorization_code_ttl = \"5m\"\naccess_token_ttl = \"1d\"\n",
        "server.issuer = \"https://meet.example.com\"\nserver.trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n",
        "limits.client_burst = 3\nlimits.client_interval = \"10s\"\nmail.smtp = \"smtps://u:p@mail.example:465\"\n",
        "[[scopes]]\nname = \"notes:read\"\ndescription = \"Read notes\"\n",
    ];
    seeds.extend(sections);
    fuzz("configuration", almost(&seeds), |text| {
        if let Err(error) = Config::without_environment(&text) {
            prop_assert!(!error.to_string().trim().is_empty());
        }
        Ok(())
    });
}

#[test]
fn a_database_url_says_where_and_never_its_password() {
    let seeds = [
        "sqlite:///var/lib/jiomeet/oauth.db",
        "sqlite:data/oauth.db",
        "postgres://user:hunter2hunter2@db.example:5432/oauth?sslmode=verify-full&sslrootcert=/etc/ca.crt",
        "postgresql://user:hunter2hunter2@[::1]/oauth",
    ];
    fuzz("database URLs", almost(&seeds), |text| {
        let Ok(url) = text.parse::<DatabaseUrl>() else { return Ok(()) };
        let whole = url.with_password();
        prop_assert_eq!(whole.parse::<DatabaseUrl>().ok(), Some(url.clone()), "{}", whole);
        for shown in [url.to_string(), format!("{url:?}")] {
            // A password that stands where passwords do.
            let at_its_place = text.matches("hunter2hunter2").count() == 1
                && ["postgres", "postgresql"]
                    .iter()
                    .any(|scheme| text.starts_with(&format!("{scheme}://user:hunter2hunter2@")));
            prop_assert!(!at_its_place || !shown.contains("hunter2hunter2"), "{} shows {}", text, shown);
        }
        Ok(())
    });
}

#[test]
fn an_issuer_and_an_address_have_one_spelling() {
    let seeds = [
        "https://meet.example.com",
        "http://127.0.0.1:8080",
        "http://localhost:80",
        "Ada.Lovelace@Example.COM",
        "a+b@xn--bcher-kva.example",
    ];
    fuzz("issuers and addresses", almost(&seeds), |text| {
        if let Ok(issuer) = Issuer::parse(&text) {
            let again = Issuer::parse(issuer.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), issuer.as_str());
            prop_assert!(issuer.url("/x").ends_with("/x"));
        }
        if let Ok(email) = Email::parse(&text) {
            let again = Email::parse(email.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), email.as_str());
            prop_assert!(!email.as_str().contains(['\r', '\n', '\0', ' ', '<', '>', ',']), "{}", email.as_str());
        }
        let shown = format!("{:?}", Password::new(&*text));
        prop_assert!(!shown.contains("example"), "a password is shown");
        Ok(())
    });
}
