//! How far the bridge has read Kafka.

use election_store::{Inbound, InboundPosition, Store};

use super::case;

/// The cases that need no second connection.
pub async fn run(url: &str) {
    case(url, "how far Kafka is read", positions).await;
    case(url, "nobody goes back", nobody_goes_back).await;
}

fn inbound(positions: &[(i64, i64)], fluvio_ends: &[i64]) -> Inbound {
    let position = |(partition, &(next_offset, batch_end))| InboundPosition {
        partition,
        next_offset,
        batch_end,
    };
    Inbound {
        positions: (0..).zip(positions).map(position).collect(),
        fluvio_ends: fluvio_ends.to_vec(),
    }
}

async fn positions(store: Store) {
    let stored = async || store.inbound("votes", "in").await.unwrap();
    assert_eq!(stored().await, Inbound::default());
    store.add_inbound("votes", "in", 2).await.unwrap();
    assert_eq!(stored().await, inbound(&[(0, 0), (0, 0)], &[]));
    assert!(!stored().await.is_under_way());

    let begun = inbound(&[(0, 10), (0, 0)], &[3, 4, 5]);
    assert!(store.store_inbound("votes", "in", &begun).await.unwrap());
    assert_eq!(stored().await, begun);
    assert!(stored().await.is_under_way());
    let done = inbound(&[(10, 10), (0, 0)], &[8, 9, 5]);
    assert!(store.store_inbound("votes", "in", &done).await.unwrap());

    // A third partition on Kafka; those that are known stay, and other links are others.
    store.add_inbound("votes", "in", 3).await.unwrap();
    let three = stored().await;
    assert_eq!(three.positions[..2], done.positions[..]);
    assert_eq!(three.positions[2].next_offset, 0);
    store.add_inbound("voters", "in", 1).await.unwrap();
    assert_eq!(
        store.inbound("voters", "in").await.unwrap(),
        inbound(&[(0, 0)], &[])
    );
    // With one connection there is nobody else.
    assert!(store.try_bridge_lock().await.unwrap().is_some());
}

async fn nobody_goes_back(store: Store) {
    store.add_inbound("votes", "in", 2).await.unwrap();
    let ten = inbound(&[(10, 10), (5, 5)], &[1]);
    assert!(store.store_inbound("votes", "in", &ten).await.unwrap());
    for other in [
        inbound(&[(20, 20), (4, 9)], &[1]),
        inbound(&[(20, 20), (9, 9), (1, 1)], &[1]),
    ] {
        assert!(!store.store_inbound("votes", "in", &other).await.unwrap());
        assert_eq!(store.inbound("votes", "in").await.unwrap(), ten);
    }
    // What was under way when the election was started anew is nobody's any more.
    store.clear().await.unwrap();
    let later = inbound(&[(20, 20), (5, 5)], &[1]);
    assert!(!store.store_inbound("votes", "in", &later).await.unwrap());
    assert_eq!(
        store.inbound("votes", "in").await.unwrap(),
        Inbound::default()
    );
}
