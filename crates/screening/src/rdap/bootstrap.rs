//! Which server answers for which domains: the file that IANA publishes (RFC 9224, section 4).

use std::collections::HashMap;

use serde::Deserialize;
use thiserror::Error;
use url::Url;

/// The file that is built in: a compact one for common top-level domains. Operators replace it by IANA's.
const BUILT_IN: &str = include_str!("../../data/rdap-bootstrap.json");

/// Why a bootstrap file cannot be used.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// Not the JSON of RFC 9224.
    #[error("the RDAP bootstrap file is not the JSON of RFC 9224: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Valid, but it names no server.
    #[error("the RDAP bootstrap file names no usable server; fetch IANA's dns.json again")]
    Empty,
}

/// A bootstrap file, read.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    publication: String,
    servers: HashMap<String, Url>,
}

#[derive(Deserialize)]
struct BootstrapFile {
    #[serde(default)]
    publication: String,
    services: Vec<(Vec<String>, Vec<String>)>,
}

impl Bootstrap {
    /// The file that is built in.
    #[must_use]
    pub fn built_in() -> Self {
        // A test reads it, so this never falls back to the empty one.
        Self::parse(BUILT_IN.as_bytes())
            .unwrap_or_else(|_| Self { publication: String::new(), servers: HashMap::new() })
    }

    /// Reads a file in IANA's format.
    ///
    /// # Errors
    /// [`BootstrapError`] says what is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, BootstrapError> {
        let file: BootstrapFile = serde_json::from_slice(json)?;
        let mut servers = HashMap::new();
        for (domains, urls) in file.services {
            let Some(server) = best_of(&urls) else {
                continue;
            };
            for domain in domains {
                servers.insert(domain.trim_matches('.').to_ascii_lowercase(), server.clone());
            }
        }
        if servers.is_empty() {
            return Err(BootstrapError::Empty);
        }
        let publication = file.publication.chars().take(40).collect();
        Ok(Self { publication, servers })
    }

    /// When the file was published, in its own words.
    #[must_use]
    pub fn publication(&self) -> &str {
        &self.publication
    }

    /// The server for a domain: that of its longest listed ending.
    #[must_use]
    pub fn server_for(&self, domain: &str) -> Option<&Url> {
        let endings = std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, rest)| rest));
        endings.into_iter().find_map(|ending| self.servers.get(ending))
    }
}

/// The https server among several, else the first; always with a slash at the end.
fn best_of(urls: &[String]) -> Option<Url> {
    let mut usable: Vec<Url> = urls
        .iter()
        .filter_map(|url| Url::parse(url).ok())
        .filter(|url| matches!(url.scheme(), "http" | "https") && !url.cannot_be_a_base())
        .collect();
    usable.sort_by_key(|url| url.scheme() != "https");
    let mut best = usable.into_iter().next()?;
    if !best.path().ends_with('/') {
        let path = format!("{}/", best.path());
        best.set_path(&path);
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_built_in_file_knows_common_domains() {
        let built_in = Bootstrap::parse(BUILT_IN.as_bytes()).unwrap();
        assert_eq!(built_in.publication(), "2026-11-24T00:00:00Z");
        for (domain, server) in [
            ("example.com", "https://rdap.verisign.com/com/v1/"),
            ("example.org", "https://rdap.publicinterestregistry.org/rdap/"),
            ("example.co.in", "https://rdap.nixiregistry.in/rdap/"),
            ("example.dev", "https://pubapi.registry.google/rdap/"),
        ] {
            assert_eq!(built_in.server_for(domain).map(Url::as_str), Some(server), "{domain}");
        }
        assert!(built_in.servers.values().all(|server| server.scheme() == "https"));
        assert_eq!(built_in.server_for("example.invalid"), None);
    }

    #[test]
    fn the_longest_ending_and_https_win() {
        let file = br#"{"version": "1.0", "publication": "2026-01-01", "services": [
            [["uk"], ["http://rdap.example/uk"]],
            [["Co.UK."], ["http://plain.example/", "https://secure.example/couk"]],
            [["none"], ["ftp://x/", "nonsense"]]
        ]}"#;
        let file = Bootstrap::parse(file).unwrap();
        assert_eq!(file.server_for("a.co.uk").unwrap().as_str(), "https://secure.example/couk/");
        assert_eq!(file.server_for("a.org.uk").unwrap().as_str(), "http://rdap.example/uk/");
        assert_eq!(file.server_for("a.none"), None);
    }

    #[test]
    fn unusable_files_are_refused() {
        assert!(matches!(Bootstrap::parse(b"<html>"), Err(BootstrapError::Malformed(_))));
        assert!(matches!(Bootstrap::parse(br#"{"services": []}"#), Err(BootstrapError::Empty)));
        assert!(matches!(Bootstrap::parse(br#"{"services": [[["x"], []]]}"#), Err(BootstrapError::Empty)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>, domain in "\\PC{0,30}") {
            if let Ok(file) = Bootstrap::parse(&bytes) {
                let _ = file.server_for(&domain);
            }
            let _ = Bootstrap::built_in().server_for(&domain);
        }
    }
}
