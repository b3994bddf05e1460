//! The chain of the log's hashes, and the seals.

use ballot::{Reason, Voter};
use election_store::{
    ChainEnd, ChainHashes, ChainRow, IngestVoters, IngestVotes, Store, StoreError,
};
use evidence::ChainedTopic::{self, Voters, Votes};
use evidence::{Digest, HashedBatch, Seal, first_head, next_head};

use super::{batch, case, empty_store, hash_of, position, rejected, sql, votes};

pub async fn run(url: &str) {
    case(url, "the chain", the_chain).await;
    case(url, "seals", seals).await;
    a_broken_chain(url).await;
    a_database_from_before_the_chain(url).await;
    a_database_from_before_voters_were_chained(url).await;
}

/// The rows and heads of batches that are persisted one after the other, from offset `from` on.
fn rows(topic: ChainedTopic, partition: u32, from: i64, ends: &[i64]) -> Vec<ChainRow> {
    let mut head = first_head(topic, partition, from);
    let mut base_offset = from;
    let mut rows = Vec::new();
    for &next_offset in ends {
        let hash = hash_of(base_offset);
        head = next_head(
            head,
            &HashedBatch {
                partition,
                base_offset,
                next_offset,
                hash,
            },
        );
        rows.push(ChainRow {
            base_offset,
            next_offset,
            hashes: Some(ChainHashes { batch: hash, head }),
        });
        base_offset = next_offset;
    }
    rows
}

async fn persist(store: &Store, base: i64, next: i64) -> Digest {
    let accepted = votes(base..next);
    let pending = store
        .begin_votes(batch(base, &accepted, &[]))
        .await
        .unwrap();
    let head = pending.chain_head();
    pending.commit().await.unwrap();
    head
}

async fn register(store: &Store, base: i64, next: i64) -> Digest {
    let voters = (base..next).map(|offset| Voter {
        voter_id: format!("v{offset}"),
        ..Voter::default()
    });
    let voters: Vec<_> = voters.collect();
    let batch = IngestVoters {
        partition: 0,
        lease: None,
        base_offset: base,
        next_offset: next,
        voters: &voters,
        rejected: &[],
        batch_hash: hash_of(base),
    };
    store.ingest_voters(batch).await.unwrap()
}

async fn the_chain(store: Store) {
    assert_eq!(store.chain_end(Votes, 0).await.unwrap(), None);
    let expected = rows(Votes, 0, 0, &[10, 11, 30]);
    let (accepted, end) = (votes(0..10), expected[0].end(Votes, 0));

    // In the transaction of the batch: neither without the other.
    let pending = store.begin_votes(batch(0, &accepted, &[])).await.unwrap();
    assert_eq!(pending.chain_head(), end.head);
    drop(pending);
    assert_eq!(position(&store).await, 0);
    assert_eq!(store.chain_end(Votes, 0).await.unwrap(), None);
    assert_eq!(persist(&store, 0, 10).await, end.head);
    assert_eq!(position(&store).await, 10);
    assert_eq!(store.chain_end(Votes, 0).await.unwrap(), Some(end));

    // It goes on from what is stored, for any consumer; an empty batch adds nothing.
    persist(&store, 10, 11).await;
    let head = persist(&store, 11, 30).await;
    assert_eq!(persist(&store, 30, 30).await, head);
    assert_eq!(store.chain_rows(Votes, 0, 0, 10).await.unwrap(), expected);
    assert_eq!(
        store.chain_rows(Votes, 0, 1, 1).await.unwrap(),
        expected[1..2]
    );

    // Each partition has its own.
    let other = [rejected(0, Reason::Malformed, b"")];
    let other = IngestVotes {
        partition: 3,
        ..batch(0, &[], &other)
    };
    let pending = store.begin_votes(other).await.unwrap();
    pending.commit().await.unwrap();
    let of_other = rows(Votes, 3, 0, &[1])[0].end(Votes, 3);
    let ends = [(0, expected[2].end(Votes, 0)), (3, of_other)];
    assert_eq!(store.chain_ends(Votes).await.unwrap(), ends);
    assert_eq!(store.stray_chain_rows(Votes, 4).await.unwrap(), []);
    assert_eq!(store.stray_chain_rows(Votes, 1).await.unwrap(), [(3, 1)]);

    // And so has each topic.
    assert_eq!(store.chain_ends(Voters).await.unwrap(), []);
    let of_voters = rows(Voters, 0, 0, &[2, 3]);
    let end = of_voters[1].end(Voters, 0);
    register(&store, 0, 2).await;
    assert_eq!(register(&store, 2, 3).await, end.head);
    assert_eq!(store.chain_end(Voters, 0).await.unwrap(), Some(end));
    assert_eq!(store.chain_rows(Voters, 0, 0, 10).await.unwrap(), of_voters);
    assert_eq!(store.chain_ends(Voters).await.unwrap(), [(0, end)]);
    assert_eq!(store.chain_ends(Votes).await.unwrap(), ends);
    assert_eq!(store.stray_chain_rows(Voters, 0).await.unwrap(), [(0, 2)]);

    store.clear().await.unwrap();
    for topic in [Votes, Voters] {
        assert_eq!(store.chain_ends(topic).await.unwrap(), []);
    }
    assert_eq!(store.chain_end(Votes, 0).await.unwrap(), None);
}

/// A batch that does not follow on the chain is not persisted.
async fn a_broken_chain(url: &str) {
    eprintln!("case: a broken chain");
    let store = empty_store(url).await;
    persist(&store, 0, 10).await;
    persist(&store, 10, 20).await;
    store.close();
    for (change, chained_to) in [
        ("DELETE FROM log_chain WHERE base_offset = 10", 10),
        ("DELETE FROM log_chain", 0),
    ] {
        sql(url, change).await;
        let store = Store::connect(url, 1).await.unwrap();
        let accepted = votes(20..21);
        let error = store.begin_votes(batch(20, &accepted, &[])).await;
        let error = error.map(drop).unwrap_err();
        assert!(
            matches!(error, StoreError::ChainBroken { topic: "votes", partition: 0, chained_to: to, persisted_to: 20 } if to == chained_to),
            "{error}"
        );
        assert!(!error.is_transient());
        assert_eq!(position(&store).await, 20);
        assert_eq!(store.count_rows().await.unwrap().votes, 20);
        store.close();
    }
}

/// What was persisted before there was a chain is no part of it; it begins at the checkpoint, and a row
/// says so.
async fn a_database_from_before_the_chain(url: &str) {
    eprintln!("case: a database from before the chain");
    let store = empty_store(url).await;
    persist(&store, 0, 10).await;
    store.close();
    sql(url, "DROP TABLE log_chain, seals").await;
    sql(url, include_str!("../../migrations/V4__evidence.sql")).await;
    sql(url, include_str!("../../migrations/V6__chained_voters.sql")).await;

    let store = Store::connect(url, 1).await.unwrap();
    let begin = ChainEnd {
        next_offset: 10,
        head: first_head(Votes, 0, 10),
    };
    assert_eq!(store.chain_end(Votes, 0).await.unwrap(), Some(begin));
    persist(&store, 10, 12).await;
    let unhashed = ChainRow {
        base_offset: 0,
        next_offset: 10,
        hashes: None,
    };
    let expected = [&[unhashed], &rows(Votes, 0, 10, &[12])[..]].concat();
    assert_eq!(store.chain_rows(Votes, 0, 0, 10).await.unwrap(), expected);
    store.close();
}

/// The chain of votes is what it was, and that of voters begins at the checkpoint.
async fn a_database_from_before_voters_were_chained(url: &str) {
    eprintln!("case: a database from before voters were chained");
    let store = empty_store(url).await;
    persist(&store, 0, 10).await;
    register(&store, 0, 3).await;
    let before = r#"
        DELETE FROM log_chain WHERE topic = 'voters';
        ALTER TABLE log_chain DROP COLUMN topic;
        ALTER TABLE log_chain ADD PRIMARY KEY ("partition", base_offset);
        ALTER TABLE elections DROP COLUMN definition;
        ALTER TABLE votes DROP COLUMN selections;
        ALTER TABLE voters DROP COLUMN precinct;
        ALTER TABLE rejected_votes DROP COLUMN records;
        ALTER TABLE rejected_voters DROP COLUMN records;
        DROP TABLE dead_letters;
        DELETE FROM refinery_schema_history WHERE version >= 6;
    "#;
    store.close();
    sql(url, before).await;

    let store = Store::connect(url, 1).await.unwrap();
    store.migrate().await.unwrap();
    let of_votes = rows(Votes, 0, 0, &[10]);
    assert_eq!(store.chain_rows(Votes, 0, 0, 10).await.unwrap(), of_votes);
    let begin = ChainEnd {
        next_offset: 3,
        head: first_head(Voters, 0, 3),
    };
    assert_eq!(store.chain_end(Voters, 0).await.unwrap(), Some(begin));
    register(&store, 3, 4).await;
    let unhashed = ChainRow {
        base_offset: 0,
        next_offset: 3,
        hashes: None,
    };
    let expected = [&[unhashed], &rows(Voters, 0, 3, &[4])[..]].concat();
    assert_eq!(store.chain_rows(Voters, 0, 0, 10).await.unwrap(), expected);
    store.close();
}

async fn seals(store: Store) {
    assert_eq!(store.seals().await.unwrap(), []);
    assert_eq!(store.latest_seal().await.unwrap(), []);
    let seal = |number, partition| Seal {
        number,
        partition,
        sealed_at: 1_795_366_300_123,
        next_offset: 20,
        chain_head: hash_of(0),
        leaves: 17,
        tree_root: hash_of(1),
    };
    let first = [seal(1, 0), seal(1, 1)];
    store.add_seal(&first).await.unwrap();
    assert_eq!(store.latest_seal().await.unwrap(), first);
    // A seal is added to, not replaced, and all of it or nothing.
    let error = store.add_seal(&[seal(2, 0), seal(1, 1)]).await.unwrap_err();
    assert!(error.to_string().contains("add a seal"), "{error}");
    let second = [seal(2, 0), seal(2, 1)];
    store.add_seal(&second).await.unwrap();
    assert_eq!(store.latest_seal().await.unwrap(), second);
    assert_eq!(store.seals().await.unwrap(), [first, second].concat());
    store.clear().await.unwrap();
    assert_eq!(store.seals().await.unwrap(), []);
}
