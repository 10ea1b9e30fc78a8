//! What stands before several servers: each connection goes to the next one; one that cannot be reached is passed over.
//! Clients make a connection for each request, so each request goes to the next server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};

use crate::Fallible;

/// The front.
#[derive(Clone)]
pub struct Front {
    /// Where clients come in.
    pub address: SocketAddr,
    servers: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Front {
    /// Nobody serves yet.
    pub async fn open() -> Fallible<Front> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let front = Front { address: listener.local_addr()?, servers: Arc::default() };
        tokio::spawn(serve(listener, front.clone()));
        Ok(front)
    }

    /// Who serves from now on.
    pub fn lead_to(&self, servers: Vec<SocketAddr>) {
        *self.servers.lock().unwrap_or_else(PoisonError::into_inner) = servers;
    }

    /// Who serves.
    pub fn servers(&self) -> Vec<SocketAddr> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(listener: TcpListener, front: Front) {
    let turn = AtomicUsize::new(0);
    while let Ok((mut client, _)) = listener.accept().await {
        let mut servers = front.servers();
        if !servers.is_empty() {
            let first = turn.fetch_add(1, Ordering::Relaxed) % servers.len();
            servers.rotate_left(first);
        }
        tokio::spawn(async move {
            for server in servers {
                if let Ok(mut server) = TcpStream::connect(server).await {
                    let _ = (client.set_nodelay(true), server.set_nodelay(true));
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
            }
        });
    }
}
