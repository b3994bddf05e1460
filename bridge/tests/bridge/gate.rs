//! A gate in front of a broker: while it is closed, the broker hears of no record that is sent to it. All else
//! passes, so that it answers as one that writes late.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The keys of requests (<https://kafka.apache.org/protocol#protocol_api_keys>).
const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
/// A request begins with its length, 4 bytes, and its key, 2 bytes.
const LENGTH: usize = 4;
const KEY: usize = 2;

#[derive(Clone)]
pub struct Gate {
    pub address: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    /// Requests to write that wait here.
    held: usize,
    /// Requests to read that have passed.
    fetches: usize,
}

/// A gate's connections, which end with it.
pub struct Passing(#[allow(dead_code, reason = "held for its end")] JoinSet<()>);

impl Gate {
    /// An open gate to a port of this machine.
    pub async fn to(port: u16) -> (Gate, Passing) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let gate = Gate {
            address: listener.local_addr().unwrap(),
            state: watch::Sender::default(),
        };
        let mut passing = JoinSet::new();
        passing.spawn(gate.clone().accept(listener, port));
        (gate, Passing(passing))
    }

    pub fn close(&self) {
        self.state.send_modify(|state| state.is_closed = true);
    }

    /// What waits goes on.
    pub fn open(&self) {
        self.state.send_modify(|state| state.is_closed = false);
    }

    /// Waits until a request to write waits.
    pub async fn until_held(&self) {
        self.until(|state| state.held > 0).await;
    }

    /// Requests to read that have passed.
    pub fn fetches(&self) -> usize {
        self.state.borrow().fetches
    }

    /// Waits until so many requests to read have passed.
    pub async fn until_fetches(&self, count: usize) {
        self.until(|state| state.fetches >= count).await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut state = self.state.subscribe();
        let so = state.wait_for(|state| is_so(state));
        let so = tokio::time::timeout(crate::setting::LIMIT, so).await;
        so.unwrap().unwrap();
    }

    async fn accept(self, listener: TcpListener, port: u16) {
        let mut connections = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let gate = self.clone();
            connections.spawn(async move {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
                // It may have ended.
                let Ok(server) = server else { return };
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                // What was sent arrives, although the client be gone.
                let requests = async {
                    gate.pass(from_client, &mut to_server).await.ok();
                    to_server.shutdown().await.ok();
                };
                let answers = async {
                    tokio::io::copy(&mut from_server, &mut to_client).await.ok();
                    to_client.shutdown().await.ok();
                };
                tokio::join!(requests, answers);
            });
        }
    }

    /// Passes whole requests on.
    async fn pass(
        &self,
        mut from: impl AsyncRead + Unpin,
        to: &mut (impl AsyncWriteExt + Unpin),
    ) -> std::io::Result<()> {
        loop {
            let length = from.read_i32().await?;
            let mut request = length.to_be_bytes().to_vec();
            request.resize(LENGTH + length as usize, 0);
            from.read_exact(&mut request[LENGTH..]).await?;
            let key = i16::from_be_bytes(request[LENGTH..LENGTH + KEY].try_into().unwrap());
            if key == PRODUCE {
                self.state.send_modify(|state| state.held += 1);
                let mut state = self.state.subscribe();
                state.wait_for(|state| !state.is_closed).await.unwrap();
                self.state.send_modify(|state| state.held -= 1);
            }
            to.write_all(&request).await?;
            if key == FETCH {
                self.state.send_modify(|state| state.fetches += 1);
            }
        }
    }
}
