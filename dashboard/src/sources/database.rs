//! Postgres: the election, the tallies stored so far, and whether the rows agree with the tally once everything is
//! counted and persisted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use ballot::{Reason, Tally};
use chrono::{DateTime, Utc};
use evidence::ChainedTopic;
use store::{RowCounts, Store, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{PersistPosition, TallyPosition};

use super::Source;
use crate::accounting::Comparison;
use crate::board::Board;
use crate::shared::Shared;

/// How often it checks whether the rows should be compared.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often the database is asked which election it holds, which also shows that it is up.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Time after the streams have begun until the stored tallies are read once more: what was published just before is
/// stored by then.
const READ_AGAIN: Duration = Duration::from_secs(2);

/// Keeps the board up to date with what is stored, until `stop`. `set_up` is cancelled when an election is set up.
pub(crate) async fn watch_database(
    store: Store,
    shared: Shared,
    set_up: CancellationToken,
    stop: CancellationToken,
) {
    let mut source = Source::new("Postgres", &shared);
    // Kept when the connection is lost: the election may be another one when it is back.
    let mut opened_at = None;
    loop {
        let following = follow(&store, &shared, &set_up, &mut opened_at, &mut source);
        match stop.run_until_cancelled(following).await {
            Some(Err(error)) => source.failed(error, &stop).await,
            None => return,
        }
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
                    // Another election: nothing on the board is part of it.
                    shared.begin_anew();
                    load_election(store, shared, set_up_at).await?;
                }
                *opened_at = found;
                load_tallies(store, shared).await?;
                // Totals published before this election was known, and not stored yet, are stored by then.
                next_read = Some(Instant::now() + READ_AGAIN);
                set_up.cancel();
            }
            next_ask = Instant::now() + LOOK_EVERY;
            if opened_at.is_some() {
                let seal = store.latest_seal().await?;
                shared.update(|board| board.set_seal(seal));
                next_ask = Instant::now() + ASK_EVERY;
            }
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

/// Puts the stored tallies and positions on the board, and returns the sum of the tallies.
async fn load_tallies(store: &Store, shared: &Shared) -> Result<Tally, StoreError> {
    let stored = store.tallies().await?;
    // A chain ends where its topic is persisted, in the same commit.
    let votes = store.chain_ends(ChainedTopic::Votes).await?.into_iter();
    let votes = votes.map(|(partition, end)| PersistPosition {
        partition,
        votes_to: end.next_offset,
        chain_head: Some(end.head),
        ..PersistPosition::default()
    });
    let voters = store.chain_ends(ChainedTopic::Voters).await?.into_iter();
    let voters = voters.map(|(partition, end)| PersistPosition {
        partition,
        voters_to: end.next_offset,
        voters_chain_head: Some(end.head),
        ..PersistPosition::default()
    });
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
        for position in votes.chain(voters) {
            board.apply_stored_rows(position);
        }
    });
    Ok(total)
}

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

/// Votes by which they differ: the largest difference of any figure.
fn difference(cast: u64, tally: &Tally, rows: &RowCounts) -> u64 {
    let counted = tally.counted().abs_diff(rows.votes);
    let mut difference = cast.abs_diff(tally.cast()).max(counted);
    for reason in Reason::ALL {
        let votes = |by: &BTreeMap<Reason, u64>| by.get(&reason).copied().unwrap_or(0);
        let rejected = votes(&tally.rejected).abs_diff(votes(&rows.rejected));
        difference = difference.max(rejected);
    }
    difference
}
