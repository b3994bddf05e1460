//! Addresses of this machine where nobody listens, at least for now.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// An address where nobody listens.
pub fn closed_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Forwards connections from one address to another until dropped.
pub async fn forward(from: SocketAddr, to: SocketAddr) {
    let listener = TcpListener::bind(from).await.unwrap();
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        connections.spawn(async move {
            let mut server = TcpStream::connect(to).await.unwrap();
            // Either end may close first, in any way.
            tokio::io::copy_bidirectional(&mut client, &mut server)
                .await
                .ok();
        });
    }
}
