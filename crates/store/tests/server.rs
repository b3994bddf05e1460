//! The store's contract on a real PostgreSQL server, where one is installed.

#[path = "suite/lease_races.rs"]
mod lease_races;
mod suite;

use std::time::Duration;

use election_store::{BridgeLock, IngestVotes, Store, StoreError};
use testing::TemporaryServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_keeps_the_contract() {
    let Some(server) = TemporaryServer::start_or_skip().await else {
        return;
    };
    let url = server.database_url();
    suite::run(&url).await;
    many_connections(&url).await;
    lease_races::run(&url).await;
    one_bridge_at_a_time(&url).await;
    refusals(&url).await;
}

/// Two processes that persist the same partition: one goes on, the other is told.
async fn many_connections(url: &str) {
    let (one, other) = (
        Store::connect(url, 2).await.unwrap(),
        Store::connect(url, 2).await.unwrap(),
    );
    let (a, b) = tokio::join!(one.migrate(), other.migrate());
    a.and(b).unwrap();
    let base = one.checkpoint("persist", "votes", 5).await.unwrap();
    let nothing = IngestVotes {
        partition: 5,
        lease: None,
        base_offset: base,
        next_offset: base + 1,
        accepted: &[],
        rejected: &[suite::rejected(base, ballot::Reason::Malformed, b"?")],
        batch_hash: suite::hash_of(base),
    };
    let pending = one.begin_votes(nothing).await.unwrap();
    let waiting = tokio::spawn({
        let other = other.clone();
        async move {
            let rejected = [suite::rejected(base, ballot::Reason::Malformed, b"?")];
            let again = IngestVotes {
                rejected: &rejected,
                ..nothing_of(base)
            };
            other.begin_votes(again).await.map(drop)
        }
    });
    pending.commit().await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(
        matches!(error, StoreError::CheckpointMoved { .. }),
        "{error}"
    );
}

/// Of two bridges, the second waits until the first has ended, however it ends.
async fn one_bridge_at_a_time(url: &str) {
    let (one, other) = (
        Store::connect(url, 2).await.unwrap(),
        Store::connect(url, 2).await.unwrap(),
    );
    let lock = one.try_bridge_lock().await.unwrap().unwrap();
    assert!(other.try_bridge_lock().await.unwrap().is_none());
    drop(lock);
    let lock = lock_of(&other).await;
    assert!(one.try_bridge_lock().await.unwrap().is_none());

    // Its connection is cut from outside.
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client
        .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        .await
        .unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let error = tokio::time::timeout(Duration::from_secs(20), lock.lost())
        .await
        .unwrap();
    assert!(error.is_transient(), "{error}");
    lock_of(&one).await;
}

/// The server needs a moment to see that a connection has ended.
async fn lock_of(store: &Store) -> BridgeLock {
    for _ in 0..200 {
        if let Some(lock) = store.try_bridge_lock().await.unwrap() {
            return lock;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the lock does not come free");
}

fn nothing_of(base: i64) -> IngestVotes<'static> {
    IngestVotes {
        partition: 5,
        lease: None,
        base_offset: base,
        next_offset: base + 1,
        accepted: &[],
        rejected: &[],
        batch_hash: suite::hash_of(base),
    }
}

async fn refusals(url: &str) {
    let url = url.replace("postgres@", "nobody:s3cret@");
    // A user that does not exist is not waited for.
    let error = Store::connect(&url, 1).await.unwrap_err();
    assert!(
        !error.is_transient() && !error.to_string().contains("s3cret"),
        "{error}"
    );
    assert!(error.to_string().contains("127.0.0.1:"), "{error}");

    let nowhere = "postgresql://postgres:s3cret@127.0.0.1:1/votes";
    let error = Store::connect(nowhere, 1).await.unwrap_err();
    assert!(
        error.is_transient() && !error.to_string().contains("s3cret"),
        "{error}"
    );
    assert!(error.to_string().contains("127.0.0.1:1/votes"), "{error}");
}
