//! Sends snapshots to all listeners; each is rendered once.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{broadcast, watch};

use crate::metrics::Metrics;
use crate::model::Snapshot;

/// Events that a listener may be behind before it is dropped: at least two seconds' worth. The channel rounds it up to
/// a power of two.
pub(crate) const EVENTS_BEHIND: usize = 256;

/// How long an answer waits for the first snapshot. Reading what is stored usually takes a fraction of this.
const FIRST_SNAPSHOT: Duration = Duration::from_secs(3);

/// A snapshot, and the event with all of it.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) snapshot: Snapshot,
    whole: OnceLock<Bytes>,
}

impl Published {
    fn new(snapshot: Snapshot) -> Self {
        Published {
            snapshot,
            whole: OnceLock::new(),
        }
    }

    /// The event that a listener begins with; rendered when first needed.
    pub(crate) fn snapshot_event(&self) -> Bytes {
        self.whole
            .get_or_init(|| event("snapshot", &self.snapshot))
            .clone()
    }
}

/// An event for those who are listening already.
#[derive(Debug)]
pub(crate) struct Event {
    /// Of its snapshot; a heartbeat has none.
    pub(crate) sequence: Option<u64>,
    pub(crate) bytes: Bytes,
}

#[derive(Debug)]
pub(crate) struct Hub {
    latest: watch::Sender<Arc<Published>>,
    events: broadcast::Sender<Arc<Event>>,
    metrics: Arc<Metrics>,
}

impl Hub {
    pub(crate) fn new(first: Snapshot, metrics: Arc<Metrics>) -> Self {
        Hub {
            latest: watch::Sender::new(Arc::new(Published::new(first))),
            events: broadcast::Sender::new(EVENTS_BEHIND),
            metrics,
        }
    }

    /// The newest snapshot; before the first, an empty one.
    pub(crate) fn at_present(&self) -> Arc<Published> {
        self.latest.borrow().clone()
    }

    /// The newest snapshot. Right after the start it waits a while for the first.
    pub(crate) async fn latest(&self) -> Arc<Published> {
        let mut latest = self.latest.subscribe();
        let first = latest.wait_for(|published| published.snapshot.sequence > 0);
        if tokio::time::timeout(FIRST_SNAPSHOT, first).await.is_err() {
            tracing::warn!("no figures within {FIRST_SNAPSHOT:?} of the start");
        }
        self.at_present()
    }

    /// Publishes a snapshot. Listeners are sent its `changed` locations only, or all of it (`None`).
    pub(crate) fn publish(&self, mut snapshot: Snapshot, changed: Option<Vec<usize>>) {
        let sequence = snapshot.sequence;
        self.metrics.observe(&snapshot);
        let someone_listens = self.events.receiver_count() > 0;
        let update = changed.filter(|_| someone_listens).map(|changed| {
            // Taken out, so that what is cloned has no locations.
            let locations = std::mem::take(&mut snapshot.locations);
            let changed = changed.iter().map(|&at| locations[at].clone());
            let update = Snapshot {
                locations: changed.collect(),
                ..snapshot.clone()
            };
            snapshot.locations = locations;
            event("update", &update)
        });
        let published = Arc::new(Published::new(snapshot));
        // In this order: a listener that comes in between has the snapshot, and skips its event.
        self.latest.send_replace(published.clone());
        if someone_listens {
            let bytes = update.unwrap_or_else(|| published.snapshot_event());
            self.send(Some(sequence), bytes);
        }
    }

    pub(crate) fn listeners(&self) -> u32 {
        u32::try_from(self.events.receiver_count()).unwrap_or(u32::MAX)
    }

    /// Shows listeners that the connection is alive although nothing has changed.
    pub(crate) fn heartbeat(&self, generated_at: &str) {
        let bytes = format!("event: heartbeat\ndata: {{\"generated_at\":\"{generated_at}\"}}\n\n");
        self.send(None, bytes.into());
    }

    fn send(&self, sequence: Option<u64>, bytes: Bytes) {
        // It fails when nobody listens.
        let _nobody = self.events.send(Arc::new(Event { sequence, bytes }));
    }

    /// The newest snapshot, and the events after it.
    pub(crate) async fn listen(&self) -> (Arc<Published>, broadcast::Receiver<Arc<Event>>) {
        let events = self.events.subscribe();
        (self.latest().await, events)
    }
}

/// An event as the HTML standard's section on server-sent events writes it. JSON has no line breaks,
/// so it is one `data` line.
fn event(name: &str, snapshot: &Snapshot) -> Bytes {
    let sequence = snapshot.sequence;
    let mut bytes = format!("event: {name}\nid: {sequence}\ndata: ").into_bytes();
    serde_json::to_writer(&mut bytes, snapshot)
        .expect("invariant: numbers and text have a JSON form");
    bytes.extend_from_slice(b"\n\n");
    bytes.into()
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::RecvError;

    use super::*;
    use crate::model::LocationResult;

    fn snapshot(sequence: u64, locations: &[&str]) -> Snapshot {
        let location = |state: &&str| LocationResult {
            state: (*state).into(),
            title: None,
            count: sequence,
            leader: None,
            votes: vec![],
        };
        Snapshot {
            sequence,
            locations: locations.iter().map(location).collect(),
            ..Snapshot::default()
        }
    }

    fn hub() -> Hub {
        let hub = Hub::new(Snapshot::default(), Arc::default());
        hub.publish(snapshot(1, &["Fife", "Kent"]), None);
        hub
    }

    #[tokio::test]
    async fn a_listener_gets_everything_and_then_the_changes() {
        let hub = hub();
        let (first, mut events) = hub.listen().await;
        let first = first.snapshot_event();
        let first = std::str::from_utf8(&first).unwrap();
        assert!(
            first.starts_with("event: snapshot\nid: 1\ndata: {"),
            "{first}"
        );
        assert!(first.contains("Fife") && first.contains("Kent") && first.ends_with("}\n\n"));

        hub.publish(snapshot(2, &["Fife", "Kent"]), Some(vec![1]));
        let event = events.recv().await.unwrap();
        let update = std::str::from_utf8(&event.bytes).unwrap();
        assert!(update.starts_with("event: update\nid: 2\n"), "{update}");
        assert!(
            update.contains("Kent") && !update.contains("Fife"),
            "{update}"
        );
        assert_eq!(event.sequence, Some(2));

        hub.publish(snapshot(3, &["Bute"]), None);
        let event = events.recv().await.unwrap();
        assert!(event.bytes.starts_with(b"event: snapshot\n"));
    }

    #[tokio::test]
    async fn all_listeners_share_the_same_bytes() {
        let hub = hub();
        let (first, mut one) = hub.listen().await;
        let (again, mut other) = hub.listen().await;
        assert_eq!(
            first.snapshot_event().as_ptr(),
            again.snapshot_event().as_ptr()
        );
        hub.publish(snapshot(2, &["Fife"]), Some(vec![0]));
        let (one, other) = (one.recv().await.unwrap(), other.recv().await.unwrap());
        assert_eq!(one.bytes.as_ptr(), other.bytes.as_ptr());
    }

    #[tokio::test]
    async fn a_listener_too_far_behind_has_lagged() {
        let hub = hub();
        let (_, mut events) = hub.listen().await;
        for sequence in 2..=2 + EVENTS_BEHIND as u64 {
            hub.publish(snapshot(sequence, &["Fife"]), Some(vec![0]));
        }
        assert!(matches!(events.recv().await, Err(RecvError::Lagged(1))));
    }
}
