//! Names to addresses: one question, one answer, which is then checked and dialled as it is.

use std::future::Future;
use std::net::{IpAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{Semaphore, oneshot};

/// Why a name has no addresses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResolveError {
    /// The name servers say that there is no such name, or that it has no address.
    #[error("there is no such host")]
    NoSuchHost,
    /// No answer that says anything about the name: no network, a broken name server.
    #[error("name resolution failed: {0}")]
    Unavailable(String),
}

/// The future that [`Resolve::resolve`] returns.
pub type Resolution<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// Turns a host name into addresses. Called once for each hop of a fetch; what it answers is what is dialled.
pub trait Resolve: Send + Sync {
    /// All addresses of `host`, which is never an address literal. The caller bounds the time.
    fn resolve<'a>(&'a self, host: &'a str) -> Resolution<'a>;
}

/// The system's resolver. It blocks, so each question has a thread of its own, and no more than a fixed number
/// of them at once: a name server that hangs holds up screening, never the rest of the server.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    places: Arc<Semaphore>,
}

impl SystemResolver {
    /// A resolver that asks at most `parallel` questions at once.
    #[must_use]
    pub fn new(parallel: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(parallel.max(1))) }
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolution<'a> {
        Box::pin(async move {
            let gone = || ResolveError::Unavailable("the resolver stopped".to_owned());
            let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
            let (answer, answered) = oneshot::channel();
            let name = host.to_owned();
            // A plain thread rather than tokio's blocking pool: at shutdown the runtime would wait for it.
            std::thread::Builder::new()
                .name("screening-dns".to_owned())
                .spawn(move || {
                    let result =
                        (name.as_str(), 0_u16).to_socket_addrs().map(|found| found.map(|socket| socket.ip()).collect());
                    // The one who asked may have given up; the place is free again either way.
                    let _ = answer.send(result);
                    drop(place);
                })
                .map_err(|error| ResolveError::Unavailable(error.to_string()))?;
            match answered.await.map_err(|_| gone())? {
                Ok(addresses) => Ok(addresses),
                Err(error) => Err(classify(&error)),
            }
        })
    }
}

/// The standard library hides the code of `getaddrinfo` and gives only the C library's (untranslated) text for
/// it. What is not known to mean 'no such name' counts as no answer: better 'not checked' than a false verdict.
fn classify(error: &std::io::Error) -> ResolveError {
    const NO_SUCH_HOST: [&str; 6] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "nodename nor servname provided",
        "No such host is known",
    ];
    let text = error.to_string();
    if NO_SUCH_HOST.iter().any(|known| text.contains(known)) {
        ResolveError::NoSuchHost
    } else {
        ResolveError::Unavailable(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_no_is_a_verdict() {
        let said =
            |text: &str| classify(&std::io::Error::other(format!("failed to lookup address information: {text}")));
        assert_eq!(said("Name or service not known"), ResolveError::NoSuchHost);
        assert_eq!(said("No address associated with hostname"), ResolveError::NoSuchHost);
        assert!(matches!(said("Temporary failure in name resolution"), ResolveError::Unavailable(_)));
        assert!(matches!(said("something new"), ResolveError::Unavailable(_)));
    }

    #[tokio::test]
    async fn the_system_knows_localhost() {
        let found = SystemResolver::new(1).resolve("localhost").await;
        assert!(found.is_ok_and(|found| !found.is_empty() && found.iter().all(IpAddr::is_loopback)));
    }
}
