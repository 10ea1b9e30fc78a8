//! The demo's screening: it looks at the sample client, which is there, and at nothing outside this machine.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::screening::host::is_localhost;
use ::screening::net::resolve::{Resolution, Resolve, ResolveError};

use super::cast::HARMFUL_SITES;

/// Knows `localhost` alone, so that the demo shows the same with and without a network: about every other host it says
/// that nobody could be asked, which the screening reports as 'not checked'.
struct QuietResolver {
    client: IpAddr,
}

impl Resolve for QuietResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolution<'a> {
        let answer = if is_localhost(host) {
            Ok(vec![self.client])
        } else {
            Err(ResolveError::Unavailable("the demo looks at nothing outside this machine".to_owned()))
        };
        Box::pin(async move { answer })
    }
}

/// The demo's resolver; `client` is where the sample client listens.
pub fn quiet_resolver(client: IpAddr) -> Arc<dyn Resolve> {
    Arc::new(QuietResolver { client })
}

/// Writes the demo's list of harmful sites, in a form that an operator would import.
///
/// # Errors
/// When it cannot be written.
pub fn write_blocklist(folder: &Path) -> std::io::Result<PathBuf> {
    let path = folder.join("demo-blocklist.txt");
    let mut text = String::from("# Harmful sites that the demo made up.\n");
    for site in HARMFUL_SITES {
        text.push_str(site);
        text.push('\n');
    }
    std::fs::write(&path, text)?;
    Ok(path)
}
