//! Serves a tide application whose requests have small bodies or none, and whose answers come at once:
//! accepting connections and answering requests on them, within named limits.

use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tide::http::{Method, Request, Response, StatusCode, headers};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::Connection;

/// Connections at a time; most of them event streams.
const MAX_CONNECTIONS: usize = 4096;

/// How long an answer may take to begin, the request's body included. The head of a request is bounded by
/// `async-h1`: 8 KiB, and a minute.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may take none of what is written to it. Then it is dropped, not waited for.
const WRITE_STALL: Duration = Duration::from_secs(10);

/// Kernel memory for what a client has not read yet: enough for a page, little for a thousand
/// listeners.
const SEND_BUFFER: usize = 64 * 1024;

/// Pause after an `accept` that failed for want of file handles: others may close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`; then every connection is closed. Requests other than GET and HEAD may have a body
/// of up to `max_body` bytes.
pub async fn serve<State>(
    listener: TcpListener,
    app: tide::Server<State>,
    max_body: usize,
    stop: CancellationToken,
) where
    State: Clone + Send + Sync + 'static,
{
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
            tracing::warn!("{MAX_CONNECTIONS} connections are open; one more is turned away");
            Connection::new(stream).last_word(&last_word(StatusCode::ServiceUnavailable));
            continue;
        };
        connections.spawn(answer(stream, slot, app.clone(), max_body, stop.clone()));
    }
    connections.close();
    connections.wait().await;
}

async fn answer<State>(
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
    app: tide::Server<State>,
    max_body: usize,
    stop: CancellationToken,
) where
    State: Clone + Send + Sync + 'static,
{
    let client = stream.peer_addr().ok();
    if let Err(error) = set_up(&stream) {
        tracing::debug!("a connection ended at once: {error}");
        return;
    }
    let connection = Connection::new(stream);
    let respond = |mut request: Request| {
        request.set_peer_addr(client);
        respond(app.clone(), max_body, request)
    };
    tokio::select! {
        served = async_h1::accept(connection.clone(), respond) => if let Err(error) = served {
            tracing::debug!("a connection ended: {error}");
            // What is wrong with a request is told; a broken connection has nobody to be told.
            if error.downcast_ref::<std::io::Error>().is_none() {
                let status = match error.status() {
                    StatusCode::InternalServerError => StatusCode::BadRequest,
                    status => status,
                };
                connection.last_word(&last_word(status));
            }
        },
        () = connection.stalled(WRITE_STALL) => tracing::debug!("a client that does not read is dropped"),
        () = stop.cancelled() => {}
    }
}

fn set_up(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_send_buffer_size(SEND_BUFFER)
}

async fn respond<State>(
    app: tide::Server<State>,
    max_body: usize,
    request: Request,
) -> tide::http::Result<Response>
where
    State: Clone + Send + Sync + 'static,
{
    let max_body = match request.method() {
        Method::Get | Method::Head => 0,
        _ => max_body,
    };
    let chunked = request.header(headers::TRANSFER_ENCODING).is_some();
    let length = request.len().unwrap_or_default();
    if chunked || length > max_body {
        // Answering would mean reading it to its end; so this ends the connection.
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
            "no answer in time, and perhaps a body that does not come",
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
