//! The wire between the server and PostgreSQL: a proxy that can be cut, fall silent, grow slow or lead elsewhere.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Fallible;

/// How the wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// What comes in goes out.
    Sound,
    /// Nobody is let in, and everybody was thrown out.
    Cut,
    /// Connections stand, and new ones are accepted; nothing comes through, nothing is said.
    Silent,
    /// Everything is that late.
    Slow(Duration),
}

/// A wire.
#[derive(Clone)]
pub struct Wire {
    /// Where its near end is.
    pub address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
    state: watch::Sender<State>,
}

impl Wire {
    /// Lays a wire to that address.
    pub async fn lay(target: SocketAddr) -> Fallible<Wire> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (state, _) = watch::channel(State::Sound);
        let wire = Wire { address: listener.local_addr()?, target: Arc::new(Mutex::new(target)), state };
        tokio::spawn(serve(listener, wire.clone()));
        Ok(wire)
    }

    /// Makes it so.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Throws everybody out, and lets them in again at once.
    pub async fn shake(&self) {
        self.set(State::Cut);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.set(State::Sound);
    }

    /// Leads new connections elsewhere, as an address that moves does.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }
}

async fn serve(listener: TcpListener, wire: Wire) {
    while let Ok((near, _)) = listener.accept().await {
        if *wire.state.borrow() == State::Cut {
            continue;
        }
        let target = *wire.target.lock().unwrap_or_else(PoisonError::into_inner);
        let states = wire.state.subscribe();
        tokio::spawn(async move {
            let mut cut = states.clone();
            let carried = async {
                wait_for_sound(states.clone()).await;
                let far = TcpStream::connect(target).await?;
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::select! {
                    done = carry(near_in, far_out, states.clone()) => done,
                    done = carry(far_in, near_out, states) => done,
                }
            };
            tokio::select! {
                _ = carried => {}
                _ = cut.wait_for(|state| *state == State::Cut) => {}
            }
        });
    }
}

async fn wait_for_sound(mut states: watch::Receiver<State>) {
    let _ = states.wait_for(|state| *state != State::Silent).await;
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    states: watch::Receiver<State>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 65536];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        let state = *states.borrow();
        match state {
            // Lost for good: what follows later would make no sense.
            State::Silent => {
                std::future::pending::<()>().await;
            }
            State::Slow(by) => tokio::time::sleep(by).await,
            State::Sound | State::Cut => {}
        }
        to.write_all(&bytes[..count]).await?;
    }
}
