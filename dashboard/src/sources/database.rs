//! Postgres: the election, the stored tallies to begin with, and whether the rows say the same as the
//! tally once everything is counted and persisted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use ballot::{Reason, Tally};
use chrono::{DateTime, Utc};
use evidence::ChainedTopic;
use store::{PERSIST, RowCounts, Store, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{PersistPosition, TallyPosition, topics};

use super::Source;
use crate::accounting::Comparison;
use crate::board::Board;
use crate::shared::Shared;

/// How often it looks whether the rows should be compared, or whether the election is another one.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often the database is asked which election it holds; that also tells that it is there.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// After the streams have begun, the stored tallies are read once more when this has passed: what was
/// published just before is stored by then.
const READ_AGAIN: Duration = Duration::from_secs(2);

/// Keeps what is stored on the board, until `stop`. `set_up` is cancelled when there is an election.
pub(crate) async fn watch_database(
    store: Store,
    shared: Shared,
    set_up: CancellationToken,
    stop: CancellationToken,
) {
    let mut source = Source::new("Postgres", &shared);
    // Outlives a lost connection: the election may be another one when it is back.
    let mut opened_at = None;
    while let Some(Err(error)) = stop
        .run_until_cancelled(follow(
            &store,
            &shared,
            &set_up,
            &mut opened_at,
            &mut source,
        ))
        .await
    {
        source.failed(error, &stop).await;
    }
}

async fn follow(
    store: &Store,
    shared: &Shared,
    set_up: &CancellationToken,
    opened_at: &mut Option<DateTime<Utc>>,
    source: &mut Source,
) -> Result<Infallible, StoreError> {
    let mut next_ask = Instant::now();
    let mut next_read = opened_at.map(|_| Instant::now());
    loop {
        if Instant::now() >= next_ask {
            let found = store.election_opened_at().await?;
            source.works();
            if found.is_none() && opened_at.is_none() {
                shared.update(Board::set_empty);
            }
            if let Some(set_up_at) = found
                && found != *opened_at
                && load_election(store, shared, set_up_at).await?
            {
                if opened_at.is_some() {
                    // Another election: what was shown is not part of it.
                    shared.begin_anew();
                    load_election(store, shared, set_up_at).await?;
                }
                *opened_at = found;
                load_tallies(store, shared).await?;
                // What is published and not stored yet, and came before this election was known, is by then.
                next_read = Some(Instant::now() + READ_AGAIN);
                set_up.cancel();
            }
            let pause = if opened_at.is_some() {
                ASK_EVERY
            } else {
                LOOK_EVERY
            };
            if opened_at.is_some() {
                let seal = store.latest_seal().await?;
                shared.update(|board| board.set_seal(seal));
            }
            next_ask = Instant::now() + pause;
        }
        if opened_at.is_some() {
            if next_read.is_some_and(|when| when <= Instant::now()) {
                next_read = None;
                load_tallies(store, shared).await?;
            }
            let wanted = shared.board().wants_comparison();
            if wanted {
                compare(store, shared).await?;
            }
        }
        tokio::select! {
            () = shared.asked_to_reload() => {
                load_tallies(store, shared).await?;
                next_read = Some(Instant::now() + READ_AGAIN);
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Returns false while no candidates are registered.
async fn load_election(
    store: &Store,
    shared: &Shared,
    set_up_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(election) = store.election().await? else {
        return Ok(false);
    };
    let candidates = store.candidates().await?;
    let is_complete = !candidates.is_empty();
    let definition = election.defined(candidates);
    shared.update(|board| {
        board.set_election(election.polls, definition, set_up_at.timestamp_micros());
    });
    Ok(is_complete)
}

/// Puts the stored tallies on the board, and returns their sum.
async fn load_tallies(store: &Store, shared: &Shared) -> Result<Tally, StoreError> {
    let stored = store.tallies().await?;
    let mut rows = Vec::new();
    // Also of partitions whose votes are persisted, and not counted yet.
    let mut partitions = shared.board().partition_numbers();
    partitions.extend(stored.iter().map(|(partition, ..)| *partition));
    for partition in partitions {
        rows.push(PersistPosition {
            partition,
            votes_to: store.checkpoint(PERSIST, topics::VOTES, partition).await?,
            voters_to: store.checkpoint(PERSIST, topics::VOTERS, partition).await?,
            ..PersistPosition::default()
        });
    }
    // A chain ends where its topic is persisted, in the same commit.
    for (partition, end) in store.chain_ends(ChainedTopic::Votes).await? {
        rows.push(PersistPosition {
            partition,
            votes_to: end.next_offset,
            chain_head: Some(end.head),
            ..PersistPosition::default()
        });
    }
    for (partition, end) in store.chain_ends(ChainedTopic::Voters).await? {
        rows.push(PersistPosition {
            partition,
            voters_to: end.next_offset,
            voters_chain_head: Some(end.head),
            ..PersistPosition::default()
        });
    }
    let mut total = Tally::default();
    for (_, _, tally) in &stored {
        total.add(tally);
    }
    shared.update(|board| {
        board.apply_stored(&total);
        for (partition, next_offset, tally) in stored {
            board.apply_stored_position(TallyPosition {
                partition,
                counted_to: next_offset,
                checkpointed_to: next_offset,
                rejected: tally.rejected,
                ..TallyPosition::default()
            });
        }
        for position in rows {
            board.apply_stored_rows(position);
        }
    });
    Ok(total)
}

/// Compares log, tally and rows, and says what came of it.
async fn compare(store: &Store, shared: &Shared) -> Result<(), StoreError> {
    let (cast, voter_records) = {
        let board = shared.board();
        (board.cast(), board.voter_records())
    };
    let total = load_tallies(store, shared).await?;
    let rows = store.count_rows().await?;
    let difference = difference(cast, &total, &rows);
    let comparison = Comparison {
        cast,
        voter_records,
        voters: rows.voters,
        difference,
    };
    shared.update(|board| board.set_comparison(comparison));
    Ok(())
}

/// Votes by which they differ: the largest of what is missing or too much anywhere.
fn difference(cast: u64, tally: &Tally, rows: &RowCounts) -> u64 {
    let rejected = Reason::ALL.map(|reason| {
        let votes = |by: &BTreeMap<Reason, u64>| by.get(&reason).copied().unwrap_or(0);
        votes(&tally.rejected).abs_diff(votes(&rows.rejected))
    });
    rejected
        .into_iter()
        .chain([
            cast.abs_diff(tally.cast()),
            tally.counted().abs_diff(rows.votes),
        ])
        .max()
        .unwrap_or(0)
}
