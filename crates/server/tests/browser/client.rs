//! The sample client by itself, as a developer starts it with the credentials of their own app.

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Where it will listen, known before its app is registered.
pub struct Place {
    listener: TcpListener,
    port: u16,
}

/// It runs.
pub struct RunningClient {
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
    port: u16,
}

impl Place {
    /// Takes a free port.
    pub async fn take() -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Place { listener, port }
    }

    /// Its address as people open it.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// Starts it with what its environment would say.
    pub fn start(self, issuer: &str, client_id: &str, client_secret: &str, scopes: &str) -> RunningClient {
        let callback = format!("{}/callback", self.url());
        let config = sample_client::Config::from_vars(|name| {
            let value = match name {
                "ISSUER" => issuer,
                "CLIENT_ID" => client_id,
                "CLIENT_SECRET" => client_secret,
                "REDIRECT_URI" => &callback,
                "SCOPES" => scopes,
                _ => return None,
            };
            Some(value.to_owned())
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(sample_client::serve(self.listener, config.unwrap(), async {
            let _ = stopped.await;
        }));
        RunningClient { stop, task, port: self.port }
    }
}

impl RunningClient {
    /// Its address as people open it.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// Stops it; it can be started again at the same place.
    pub async fn stop(self) -> Place {
        let _ = self.stop.send(());
        self.task.await.unwrap().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        Place { listener, port: self.port }
    }
}

fn url(port: u16) -> String {
    format!("http://localhost:{port}")
}
