//! A TCP connection as `async-h1` takes one, over tokio; and how long a write may stall.
//!
//! tide's own listener has no shutdown, no bound on connections, and waits for a client that does not
//! read for as long as it likes. Here each connection is one task, which ends when it is told to.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior};

/// In how many looks it is found that a write has stalled for too long.
const LOOKS: u32 = 5;

/// Not stalled.
const MOVING: u64 = u64::MAX;

/// A connection. Clones share it; one task uses them all, so one waker for each direction is enough.
#[derive(Debug, Clone)]
pub(crate) struct Connection(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stream: TcpStream,
    opened: Instant,
    /// Milliseconds after `opened` at which a write could not go on, or [`MOVING`].
    stalled_at: AtomicU64,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Connection(Arc::new(Inner {
            stream,
            opened: Instant::now(),
            stalled_at: AtomicU64::new(MOVING),
        }))
    }

    /// Returns when the client has taken none of what is written to it for so long.
    pub(crate) async fn stalled(&self, patience: Duration) {
        let mut looks = tokio::time::interval(patience / LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let stalled_at = self.0.stalled_at.load(Ordering::Relaxed);
            if stalled_at != MOVING
                && self.0.age_ms().saturating_sub(stalled_at) >= patience.as_millis() as u64
            {
                return;
            }
        }
    }

    /// Writes a last word where there is room for it; nobody waits for it to arrive.
    pub(crate) fn last_word(&self, bytes: &[u8]) {
        if let Err(error) = self.0.stream.try_write(bytes) {
            tracing::debug!("a last word was not heard: {error}");
        }
    }
}

impl Inner {
    fn age_ms(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let stream = &self.0.stream;
        loop {
            ready!(stream.poll_read_ready(context))?;
            match stream.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Inner {
            stream, stalled_at, ..
        } = &*self.0;
        loop {
            if stream.poll_write_ready(context)?.is_pending() {
                // Only the first of several tries tells since when.
                let _since = stalled_at.compare_exchange(
                    MOVING,
                    self.0.age_ms(),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                return Poll::Pending;
            }
            match stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    stalled_at.store(MOVING, Ordering::Relaxed);
                    return Poll::Ready(written);
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The kernel has it.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The socket is closed when the last clone is dropped.
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{AsyncReadExt, AsyncWriteExt};
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    async fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (server, _) = listener.accept().await.unwrap();
        (Connection::new(server), client.unwrap())
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (mut connection, _client) = pair().await;
        let watched = connection.clone();
        // More than all buffers in between hold.
        let endless = async {
            loop {
                connection.write_all(&[0; 64 * 1024]).await.unwrap();
            }
        };
        tokio::select! {
            () = endless => unreachable!(),
            () = watched.stalled(PATIENCE) => {}
        }
    }

    #[tokio::test]
    async fn a_slow_client_that_reads_is_not() {
        let (mut connection, mut client) = pair().await;
        let watched = connection.clone();
        const BYTES: usize = 8 * 1024 * 1024;
        let write = async {
            connection.write_all(&vec![1; BYTES]).await.unwrap();
            connection
        };
        let read = async {
            let mut buffer = vec![0; BYTES / 16];
            for _ in 0..16 {
                client.read_exact(&mut buffer).await.unwrap();
                tokio::time::sleep(PATIENCE / 5).await;
            }
            client
        };
        tokio::select! {
            ((mut connection, client), ()) = async {
                (tokio::join!(write, read), ())
            } => {
                // What it is asked arrives, too.
                client.try_write(b"x").unwrap();
                let mut byte = [0];
                connection.read_exact(&mut byte).await.unwrap();
                assert_eq!(&byte, b"x");
            }
            () = watched.stalled(PATIENCE * 10) => panic!("given up though it reads"),
        }
    }
}
