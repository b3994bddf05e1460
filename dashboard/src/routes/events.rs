//! The event stream: the whole snapshot first, then what changes.

use std::future::ready;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tide::http::{Body, StatusCode};
use tide::{Request, Response};
use tokio_stream::wrappers::BroadcastStream;

use super::Site;
use crate::metrics::Metrics;

/// Tells browsers to reconnect after a second.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n");

/// Counts a listener for as long as it lives.
struct Listener(Arc<Metrics>);

impl Listener {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.listener_came();
        Listener(metrics)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.listener_left();
    }
}

/// Server-sent events: `snapshot` (everything), `update` (everything, of the locations only those that
/// have changed), `heartbeat` (nothing has).
#[utoipa::path(
    get, path = "/api/v1/events", tag = "results",
    responses((status = 200, description = "Events `snapshot`, `update` (data: a Snapshot, in an update \
        with the changed locations only) and `heartbeat`", body = String,
        content_type = "text/event-stream")),
)]
pub(super) async fn events(request: Request<Arc<Site>>) -> tide::Result {
    let site = request.state();
    let (first, events) = site.hub.listen().await;
    let listener = Listener::new(site.metrics.clone());
    let sent = first.snapshot.sequence;
    let following = BroadcastStream::new(events).filter_map(move |event| {
        ready(match event {
            Ok(event) if event.sequence.is_some_and(|sequence| sequence <= sent) => None,
            Ok(event) => Some(Ok(event.bytes.clone())),
            // It reconnects and gets a whole snapshot, which costs less than waiting for it.
            Err(behind) => {
                listener.0.listener_dropped();
                Some(Err(io::Error::other(behind)))
            }
        })
    });
    let body = stream::iter([Ok(RETRY), Ok(first.snapshot_event())]).chain(following);
    Ok(Response::builder(StatusCode::Ok)
        .body(Body::from_reader(body.into_async_read(), None))
        .content_type("text/event-stream")
        .header("cache-control", "no-store")
        // A proxy that buffers would hold events back.
        .header("x-accel-buffering", "no")
        .build())
}
