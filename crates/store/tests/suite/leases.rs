//! Leases: who holds which partition, and that nobody else writes it.

use std::time::{Duration, Instant};

use ballot::Reason;
use election_store::{
    IngestVoters, IngestVotes, Lease, LeaseRound, PartitionTally, PendingVotes, RowCounts, Store,
    StoreError, Stored,
};

use super::{case, hash_of, rejected, tally, votes};

/// Longer than any case takes.
pub const LONG: Duration = Duration::from_secs(600);
/// Soon over.
pub const SHORT: Duration = Duration::from_millis(300);
/// What takes longer does not happen.
pub const DEADLINE: Duration = Duration::from_secs(20);
pub const PARTITIONS: u32 = 4;

/// The cases that need no second connection.
pub async fn run(url: &str) {
    case(url, "leases are shared", shares).await;
    case(url, "leases of a silent member", a_silent_member).await;
    case(url, "leases of all when nobody can be heard", all_silent).await;
    case(url, "leases of a member that leaves", a_member_that_leaves).await;
    case(url, "a stale lease", a_stale_lease).await;
    case(url, "fewer partitions", fewer_partitions).await;
    case(url, "another election", another_election).await;
}

pub async fn round(store: &Store, member: &str, ttl: Duration) -> LeaseRound {
    store.renew_leases(member, PARTITIONS, ttl).await.unwrap()
}

pub fn partitions(round: &LeaseRound) -> Vec<u32> {
    round.held.iter().map(|lease| lease.partition).collect()
}

/// Rounds until the member holds so many partitions.
pub async fn rounds_until(store: &Store, member: &str, ttl: Duration, held: usize) -> LeaseRound {
    let begin = Instant::now();
    loop {
        let round = round(store, member, ttl).await;
        if round.held.len() == held {
            return round;
        }
        assert!(begin.elapsed() < DEADLINE, "{round:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A batch of one rejected record.
pub async fn write(store: &Store, lease: Lease, base: i64) -> Result<PendingVotes, StoreError> {
    let batch = IngestVotes {
        partition: lease.partition,
        lease: Some(lease),
        base_offset: base,
        next_offset: base + 1,
        accepted: &[],
        rejected: &[rejected(base, Reason::Malformed, b"?")],
        batch_hash: hash_of(base),
    };
    store.begin_votes(batch).await
}

pub async fn position(store: &Store, lease: Lease) -> i64 {
    let partition = lease.partition;
    store
        .checkpoint("persist", "votes", partition)
        .await
        .unwrap()
}

pub fn assert_lost<T: std::fmt::Debug>(outcome: Result<T, StoreError>, lease: Lease) {
    let error = outcome.unwrap_err();
    assert_eq!(error.is_lease_lost(), Some(lease.partition), "{error}");
    assert!(!error.is_transient());
    let text = error.to_string();
    assert!(text.contains("belongs to another consumer"), "{text}");
}

async fn shares(store: Store) {
    let alone = round(&store, "b", LONG).await;
    assert_eq!(partitions(&alone), [0, 1, 2, 3]);
    assert_eq!((alone.share, alone.members), (4, 1));
    assert!(alone.held.iter().all(|lease| lease.epoch == 1));
    assert_eq!(round(&store, "b", LONG).await, alone);

    // Nobody is deprived: the share tells.
    let none = round(&store, "c", LONG).await;
    assert_eq!((&none.held[..], none.share, none.members), (&[][..], 2, 2));
    let told = round(&store, "b", LONG).await;
    assert_eq!((&told.held, told.share), (&alone.held, 2));
    for lease in &told.held[2..] {
        store.release_lease(*lease).await.unwrap();
        store.release_lease(*lease).await.unwrap();
    }
    let c = round(&store, "c", LONG).await;
    assert_eq!(partitions(&c), [2, 3]);
    assert!(c.held.iter().all(|lease| lease.epoch > 1));
    // A stale lease's release is nobody's.
    store.release_lease(told.held[2]).await.unwrap();
    assert_eq!(round(&store, "c", LONG).await, c);
    assert_eq!(partitions(&round(&store, "b", LONG).await), [0, 1]);

    // A third, who is first by name.
    let a = round(&store, "a", LONG).await;
    assert_eq!((a.held.len(), a.share, a.members), (0, 2, 3));
    for member in ["b", "c"] {
        let round = round(&store, member, LONG).await;
        assert_eq!((round.held.len(), round.share), (2, 1));
        store.release_lease(round.held[1]).await.unwrap();
    }
    assert_eq!(partitions(&round(&store, "a", LONG).await), [1, 3]);
    assert_eq!(partitions(&round(&store, "b", LONG).await), [0]);
    assert_eq!(partitions(&round(&store, "c", LONG).await), [2]);

    // More members than partitions: some stand by.
    for member in ["d", "e"] {
        round(&store, member, LONG).await;
    }
    let e = round(&store, "e", LONG).await;
    assert_eq!((e.held.len(), e.share, e.members), (0, 0, 5));
}

async fn a_silent_member(store: Store) {
    let a = round(&store, "a", SHORT).await;
    // Late, but nobody has taken anything: as it was.
    tokio::time::sleep(SHORT * 2).await;
    let begin = Instant::now();
    assert_eq!(round(&store, "a", SHORT).await, a);

    let b = rounds_until(&store, "b", LONG, 4).await;
    assert!(begin.elapsed() >= SHORT, "{:?}", begin.elapsed());
    assert_eq!((b.share, b.members), (4, 1));
    for (a, b) in a.held.iter().zip(&b.held) {
        assert_eq!((a.partition, a.epoch + 1), (b.partition, b.epoch));
    }
    let late = round(&store, "a", LONG).await;
    assert_eq!((late.held.len(), late.share, late.members), (0, 2, 2));
}

async fn all_silent(store: Store) {
    rounds_until(&store, "a", SHORT, 4).await;
    let joined = round(&store, "b", SHORT).await;
    assert_eq!((joined.held.len(), joined.share), (0, 2));
    let a = round(&store, "a", SHORT).await;
    for lease in &a.held[a.share..] {
        store.release_lease(*lease).await.unwrap();
    }
    let b = rounds_until(&store, "b", SHORT, 2).await;
    // As while the database is started anew: both have been silent for too long.
    tokio::time::sleep(SHORT * 2).await;
    let late = round(&store, "b", LONG).await;
    assert_eq!(late, b, "b takes nothing of a");
    assert_eq!(round(&store, "a", SHORT).await.held, a.held[..a.share]);
    // One that stays silent is dead after all.
    rounds_until(&store, "b", LONG, 4).await;
}

async fn a_member_that_leaves(store: Store) {
    let a = round(&store, "a", LONG).await;
    assert!(round(&store, "b", LONG).await.held.is_empty());
    store.leave("a").await.unwrap();
    store.leave("nobody").await.unwrap();
    let b = round(&store, "b", LONG).await;
    assert_eq!((partitions(&b), b.members), (vec![0, 1, 2, 3], 1));
    assert_lost(write(&store, a.held[0], 0).await, a.held[0]);
}

async fn a_stale_lease(store: Store) {
    let held = round(&store, "a", LONG).await.held;
    let (lost, kept) = (held[1], held[2]);
    write(&store, lost, 0)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    let (early, late) = (tally(5), tally(9));
    let save = |lease: Lease, next_offset, tally| PartitionTally {
        partition: lease.partition,
        lease: Some(lease),
        next_offset,
        tally,
        stored: Stored::default(),
    };
    store
        .save_tallies(&[save(lost, 9, &early), save(kept, 9, &early)])
        .await
        .unwrap();
    let tallies = store.tallies().await.unwrap();
    let counts = store.count_rows().await.unwrap();

    store.release_lease(lost).await.unwrap();
    let accepted = votes(1..100);
    let batch = IngestVotes {
        partition: lost.partition,
        lease: Some(lost),
        base_offset: 1,
        next_offset: 100,
        accepted: &accepted,
        rejected: &[],
        batch_hash: hash_of(1),
    };
    assert_lost(store.begin_votes(batch).await, lost);
    let voters = IngestVoters {
        partition: lost.partition,
        lease: Some(lost),
        base_offset: 0,
        next_offset: 1,
        voters: &[ballot::Voter::default()],
        rejected: &[],
        batch_hash: hash_of(0),
    };
    assert_lost(store.ingest_voters(voters).await, lost);
    let both = [save(kept, 13, &late), save(lost, 13, &late)];
    assert_lost(store.save_tallies(&both).await, lost);
    assert_eq!(store.tallies().await.unwrap(), tallies);
    assert_eq!(store.count_rows().await.unwrap(), counts);
    assert_eq!(position(&store, lost).await, 1);

    // Held again is not held still.
    let again = round(&store, "a", LONG).await.held[1];
    assert_eq!((again.partition, again.epoch), (1, lost.epoch + 2));
    assert_lost(store.begin_votes(batch).await, lost);
    let batch = IngestVotes {
        lease: Some(again),
        ..batch
    };
    store
        .begin_votes(batch)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    assert_eq!(position(&store, again).await, 100);

    let confused = IngestVotes {
        lease: Some(kept),
        ..batch
    };
    let error = store.begin_votes(confused).await.unwrap_err();
    let (written, leased) = (again.partition, kept.partition);
    assert!(
        matches!(error, StoreError::OtherLease { partition, leased: other } if (partition, other) == (written, leased)),
        "{error}"
    );
}

async fn fewer_partitions(store: Store) {
    let four = round(&store, "a", LONG).await;
    let two = store.renew_leases("a", 2, LONG).await.unwrap();
    assert_eq!((&two.held[..], two.share), (&four.held[..2], 2));
    let none = store.renew_leases("a", 0, LONG).await.unwrap();
    assert_eq!((none.held.len(), none.share), (0, 0));
    // Epochs go on where they were.
    store.leave("a").await.unwrap();
    let again = round(&store, "b", LONG).await;
    assert!(again.held.iter().all(|lease| lease.epoch == 2), "{again:?}");
    let error = store.renew_leases("a", u32::MAX, LONG).await.unwrap_err();
    assert!(matches!(error, StoreError::Partition { .. }), "{error}");
}

async fn another_election(store: Store) {
    let old = round(&store, "a", LONG).await;
    store.clear().await.unwrap();
    assert_lost(write(&store, old.held[0], 0).await, old.held[0]);
    assert_eq!(store.count_rows().await.unwrap(), RowCounts::default());
    let new = round(&store, "a", LONG).await;
    assert_eq!((new.held.len(), new.members), (4, 1));
    assert!(new.held[0].epoch > old.held[0].epoch);
    assert!(write(&store, new.held[0], 0).await.is_ok());
}
