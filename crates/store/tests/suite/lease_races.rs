//! Leases under several connections: takeovers, writes and heartbeats that meet. The embedded server
//! takes one connection, so it has none of this.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Instant;

use election_store::{LeaseRound, PartitionTally, Store, Stored};
use futures_util::future::join_all;
use tokio_postgres::{Client, NoTls};

use crate::suite::leases::{
    DEADLINE, LONG, PARTITIONS, SHORT, assert_lost, partitions, position, round, rounds_until,
    write,
};
use crate::suite::tally;

/// Runs every case, on a database whose schema is there.
pub async fn run(url: &str) {
    let store = Store::connect(url, 8).await.unwrap();
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let start = "UPDATE partition_leases SET member = NULL, epoch = epoch + 1;
                 DELETE FROM consumer_members";
    for name in ["open", "caught", "heartbeat", "crowd", "frozen"] {
        eprintln!("case: race, {name}");
        client.batch_execute(start).await.unwrap();
        store.clear().await.unwrap();
        match name {
            "open" => a_takeover_waits_for_the_transaction(&store).await,
            "caught" => a_write_waits_for_the_takeover(&store, &client).await,
            "heartbeat" => a_heartbeat_waits_for_nobody(&store).await,
            "crowd" => a_crowd_shares(&store).await,
            _ => a_member_frozen_in_its_round(&store, &client).await,
        }
    }
    store.close();
    drop(client);
    connection.await.unwrap().unwrap();
}

async fn a_takeover_waits_for_the_transaction(store: &Store) {
    for commits in [true, false] {
        let a = round(store, "a", SHORT).await.held[0];
        let base = position(store, a).await;
        let pending = write(store, a, base).await.unwrap();
        // All but that one; and no round waits for it.
        rounds_until(store, "b", LONG, 3).await;
        for _ in 0..10 {
            let begin = Instant::now();
            assert_eq!(partitions(&round(store, "b", LONG).await), [1, 2, 3]);
            assert!(begin.elapsed() < DEADLINE / 10);
        }
        let end = if commits {
            pending.commit().await.unwrap();
            base + 1
        } else {
            drop(pending);
            base
        };
        let b = rounds_until(store, "b", LONG, 4).await.held[0];
        assert_eq!((b.partition, b.epoch), (0, a.epoch + 1));
        assert_eq!(position(store, b).await, end);
        assert_lost(write(store, a, end).await, a);
        write(store, b, end).await.unwrap().commit().await.unwrap();
        store.leave("b").await.unwrap();
    }
}

/// Caught in the middle of a takeover, a write waits for its end, and is refused.
async fn a_write_waits_for_the_takeover(store: &Store, client: &Client) {
    let a = round(store, "a", LONG).await.held[3];
    for votes in [true, false] {
        let take = "BEGIN; UPDATE partition_leases SET epoch = epoch + 1 WHERE \"partition\" = 3";
        client.batch_execute(take).await.unwrap();
        let writing = tokio::spawn({
            let store = store.clone();
            async move {
                if votes {
                    write(&store, a, 0).await.map(drop)
                } else {
                    let tally = PartitionTally {
                        partition: a.partition,
                        lease: Some(a),
                        next_offset: 5,
                        tally: &tally(1),
                        stored: Stored::default(),
                    };
                    store.save_tallies(&[tally]).await
                }
            }
        });
        while !is_locked(client, "NOT granted").await {
            assert!(!writing.is_finished());
        }
        client.batch_execute("COMMIT").await.unwrap();
        assert_lost(writing.await.unwrap(), a);
        let undo = "UPDATE partition_leases SET epoch = epoch - 1 WHERE \"partition\" = 3";
        client.batch_execute(undo).await.unwrap();
    }
}

async fn is_locked(client: &Client, which: &str) -> bool {
    let statement = format!("SELECT count(*) FROM pg_locks WHERE {which}");
    let row = client.query_one(&statement, &[]).await.unwrap();
    row.get::<_, i64>(0) > 0
}

async fn a_heartbeat_waits_for_nobody(store: &Store) {
    let writer = store.another_pool(1).unwrap();
    let heart = writer.another_pool(1).unwrap();
    let held = round(&heart, "a", LONG).await.held;
    // The only connection of its pool is taken by the transaction.
    let pending = write(&writer, held[0], 0).await.unwrap();
    let release = tokio::spawn({
        let (store, lease) = (store.clone(), held[0]);
        async move { store.release_lease(lease).await }
    });
    for _ in 0..10 {
        let begin = Instant::now();
        assert_eq!(round(&heart, "a", LONG).await.held, held);
        assert!(begin.elapsed() < DEADLINE / 10, "{:?}", begin.elapsed());
    }
    // Who gives a lease back that is still written under waits for that.
    assert!(!release.is_finished());
    pending.commit().await.unwrap();
    release.await.unwrap().unwrap();
    assert_eq!(position(store, held[0]).await, 1);
    assert_lost(write(&writer, held[0], 1).await, held[0]);
    writer.close();
    heart.close();
}

/// Members that come, give back and go, all at once: no partition is held twice, and in the end each
/// has its share.
async fn a_crowd_shares(store: &Store) {
    const MEMBERS: usize = 5;
    const MANY: u32 = 32;
    let member = async |n: usize| {
        let name = format!("member-{n}");
        let mut round = LeaseRound {
            held: Vec::new(),
            share: usize::MAX,
            members: 0,
        };
        let begin = Instant::now();
        while (round.held.len(), round.members) != (round.share, MEMBERS) {
            assert!(begin.elapsed() < DEADLINE, "{round:?}");
            round = store.renew_leases(&name, MANY, LONG).await.unwrap();
            for lease in round.held.iter().skip(round.share) {
                store.release_lease(*lease).await.unwrap();
            }
            for lease in round.held.iter().take(round.share) {
                let base = position(store, *lease).await;
                let pending = write(store, *lease, base).await.unwrap();
                pending.commit().await.unwrap();
            }
        }
        round
    };
    let rounds = join_all((0..MEMBERS).map(member)).await;
    let mut shares: Vec<usize> = rounds.iter().map(|round| round.held.len()).collect();
    shares.sort_unstable();
    assert_eq!(shares, [6, 6, 6, 7, 7]);
    let mut held: Vec<u32> = rounds.iter().flat_map(partitions).collect();
    held.sort_unstable();
    assert_eq!(held, (0..MANY).collect::<Vec<_>>());
}

/// A member that stops in the middle of its round, without a word, does not stop the others.
async fn a_member_frozen_in_its_round(store: &Store, client: &Client) {
    round(store, "b", LONG).await;
    let mut frozen = Box::pin(store.renew_leases("a", PARTITIONS, LONG));
    // Polled no further once it is in the round.
    while !is_locked(client, "locktype = 'advisory' AND granted").await {
        let ended = poll_fn(|context| Poll::Ready(frozen.as_mut().poll(context).is_ready()));
        assert!(!ended.await);
    }
    let other = tokio::time::timeout(DEADLINE, round(store, "b", LONG)).await;
    assert_eq!(other.expect("b waits for a").members, 1);
    let error = frozen.await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    // The next try is on a new connection.
    assert_eq!(round(store, "a", LONG).await.members, 2);
}
