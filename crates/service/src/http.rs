//! Serves a tide application whose requests have small bodies or none, and whose answers come at once.
//!
//! tide's own listener has no shutdown, does not limit connections, and waits forever for a client that does not read.
//! Here each connection is a task with named limits, which ends on `stop`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::AsyncWriteExt;
use futures_util::io::{AsyncRead, AsyncWrite};
use socket2::SockRef;
use tide::http::{Method, Request, Response, StatusCode, headers};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::compat::TokioAsyncReadCompatExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at a time; most of them event streams.
const MAX_CONNECTIONS: usize = 4096;

/// How long an answer may take to begin, the request's body included. The head of a request is bounded by
/// `async-h1`: 8 KiB, and a minute.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may read nothing of what is written to it before it is disconnected.
const WRITE_STALL: Duration = Duration::from_secs(10);

/// Kernel memory for what a client has not read yet: enough for a page, little for a thousand
/// listeners.
const SEND_BUFFER: usize = 64 * 1024;

/// Pause after a failed `accept`: there may be file handles again when other connections have ended.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`; then every connection is closed. Requests other than GET and HEAD may have a body
/// of up to `max_body` bytes.
pub async fn serve(
    listener: TcpListener,
    app: tide::Server<impl Clone + Send + Sync + 'static>,
    max_body: usize,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                stop.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE))
                    .await;
                continue;
            }
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            tracing::warn!("rejected a connection: {MAX_CONNECTIONS} are open");
            // Not through tokio, which does not know yet that the new socket is writable.
            let sent = SockRef::from(&stream).send(&last_word(StatusCode::ServiceUnavailable));
            if let Err(error) = sent {
                tracing::debug!("could not say so to the client: {error}");
            }
            continue;
        };
        connections.spawn(answer(stream, slot, app.clone(), max_body, stop.clone()));
    }
    connections.close();
    connections.wait().await;
}

async fn answer(
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
    app: tide::Server<impl Clone + Send + Sync + 'static>,
    max_body: usize,
    stop: CancellationToken,
) {
    let client = stream.peer_addr().ok();
    if let Err(error) = set_up(&stream) {
        tracing::debug!("a connection ended at once: {error}");
        return;
    }
    let mut connection = with_write_limit(stream, WRITE_STALL);
    let respond = |mut request: Request| {
        request.set_peer_addr(client);
        respond(app.clone(), max_body, request)
    };
    let served = async {
        let Err(error) = async_h1::accept(connection.clone(), respond).await else {
            return;
        };
        tracing::debug!("a connection ended: {error}");
        // A bad request gets an answer; a broken connection cannot.
        if error.downcast_ref::<io::Error>().is_none() {
            let status = match error.status() {
                StatusCode::InternalServerError => StatusCode::BadRequest,
                status => status,
            };
            if let Err(error) = connection.write_all(&last_word(status)).await {
                tracing::debug!("could not say so to the client: {error}");
            }
        }
    };
    stop.run_until_cancelled(served).await;
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_send_buffer_size(SEND_BUFFER)
}

/// A connection as `async-h1` takes one: its clones share it. A write fails if the client reads nothing for `limit`.
fn with_write_limit(
    stream: TcpStream,
    limit: Duration,
) -> impl AsyncRead + AsyncWrite + Clone + Send + Sync + Unpin {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limit));
    let stream = Box::pin(stream).compat();
    async_dup::Arc::new(async_dup::Mutex::new(stream))
}

async fn respond(
    app: tide::Server<impl Clone + Send + Sync + 'static>,
    max_body: usize,
    request: Request,
) -> tide::http::Result<Response> {
    let max_body = match request.method() {
        Method::Get | Method::Head => 0,
        _ => max_body,
    };
    let chunked = request.header(headers::TRANSFER_ENCODING).is_some();
    let length = request.len().unwrap_or_default();
    if chunked || length > max_body {
        // An answer would have to read the body to its end, so an error ends the connection.
        let status = match request.method() {
            Method::Get | Method::Head => StatusCode::PayloadTooLarge,
            _ if max_body == 0 => StatusCode::MethodNotAllowed,
            _ if chunked => StatusCode::LengthRequired,
            _ => StatusCode::PayloadTooLarge,
        };
        return Err(tide::http::Error::from_str(status, "a request with a body"));
    }
    match tokio::time::timeout(ANSWER_TIMEOUT, app.respond(request)).await {
        Ok(response) => response,
        Err(_) if length > 0 => Err(tide::http::Error::from_str(
            StatusCode::ServiceUnavailable,
            "no answer in time; perhaps the body has not arrived",
        )),
        Err(_) => Ok(Response::new(StatusCode::ServiceUnavailable)),
    }
}

fn last_word(status: StatusCode) -> Vec<u8> {
    let reason = status.canonical_reason();
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{reason}\n",
        u16::from(status),
        reason.len() + 1,
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use futures_util::AsyncReadExt;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);

    async fn pair(limit: Duration) -> (impl AsyncRead + AsyncWrite + Unpin, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (server, _) = listener.accept().await.unwrap();
        (with_write_limit(server, limit), client.unwrap())
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_disconnected() {
        let (mut connection, _client) = pair(LIMIT).await;
        // Until all buffers in between are full.
        let error = loop {
            if let Err(error) = connection.write_all(&[0; 64 * 1024]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_client_that_reads_is_not() {
        let (mut connection, mut client) = pair(LIMIT * 10).await;
        const BYTES: usize = 8 * 1024 * 1024;
        let write = async {
            connection.write_all(&vec![1; BYTES]).await.unwrap();
            connection
        };
        let read = async {
            let mut buffer = vec![0; BYTES / 16];
            for _ in 0..16 {
                client.read_exact(&mut buffer).await.unwrap();
                tokio::time::sleep(LIMIT / 5).await;
            }
            client
        };
        let (mut connection, client) = tokio::join!(write, read);
        // The other direction works, too.
        client.try_write(b"x").unwrap();
        let mut byte = [0];
        connection.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"x");
    }
}
