//! Leases: which member of a group of consumers counts and persists which partition.
//!
//! A member lives as long as it says so ([`Store::renew_leases`]), by the database's clock alone; its
//! leases live with it. That decides who *works* on a partition. Who may *write* it is decided by the
//! lease's epoch, in the very transaction that writes: it holds the lease's row, so that a takeover
//! waits for its end, and is refused once the epoch is another.
//!
//! Locks are taken in one order: rounds (one at a time), then leases (by partition), then the other
//! tables. A round skips what is locked, so it waits for nobody's work.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::Row;

use crate::columns::{partition_column, partition_from};
use crate::pool::ROUND_LOCK;
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// How long a round may leave the database waiting for its next statement. Then the server ends it: a
/// member that is frozen or cut off in the middle of one must not keep all others from theirs.
const ROUND_PATIENCE: &str = "3s";
/// The same for a transaction that writes under a lease, which nobody can take over meanwhile. Long
/// enough for rejected votes to be published in between.
const WRITE_PATIENCE: &str = "30s";

/// The right to count and persist a partition. `epoch` grows with every change of owner: the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: u32,
    /// Which of the partition's owners this is.
    pub epoch: i64,
}

/// What a member of the group of consumers holds after a round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaseRound {
    /// By partition; the member's own, now valid for the time it asked for.
    pub held: Vec<Lease>,
    /// How many partitions are this member's fair share. Of what it holds beyond, it is to store its
    /// work and to give it back with [`Store::release_lease`].
    pub share: usize,
    /// Members alive, this one included.
    pub members: usize,
}

const ENTER_ROUND: &str = "
SELECT set_config('idle_in_transaction_session_timeout', $2, true), pg_advisory_xact_lock($1)";

/// Returns whether the member was alive until now; null of a new one.
const LIVE: &str = "
WITH before AS (
    SELECT expires_at > clock_timestamp() AS alive FROM consumer_members WHERE member = $1
)
INSERT INTO consumer_members (member, expires_at)
VALUES ($1, clock_timestamp() + make_interval(secs => $2))
ON CONFLICT (member) DO UPDATE SET expires_at = excluded.expires_at
RETURNING (SELECT alive FROM before)";

const FORGET_EXPIRED: &str = "
DELETE FROM consumer_members WHERE expires_at <= clock_timestamp() AND member <> $1";

const RANK: &str = "
SELECT count(*), count(*) FILTER (WHERE member < $1) FROM consumer_members";

/// Partitions beyond the last are another election's: nobody's concern, but their epochs stay.
const HELD: &str = r#"
SELECT "partition", epoch FROM partition_leases WHERE member = $1 AND "partition" < $2"#;

const ADD_PARTITIONS: &str = r#"
INSERT INTO partition_leases ("partition") SELECT generate_series(0, $1::int - 1)
ON CONFLICT ("partition") DO NOTHING"#;

/// A lease that is locked has a transaction of its last owner to wait for: not now, but next round.
const CLAIM: &str = r#"
WITH free AS (
    SELECT "partition" FROM partition_leases AS lease
    WHERE "partition" < $2 AND (member IS NULL OR NOT EXISTS (
        SELECT FROM consumer_members WHERE consumer_members.member = lease.member
    ))
    ORDER BY "partition" LIMIT $3 FOR UPDATE OF lease SKIP LOCKED
)
UPDATE partition_leases AS lease SET member = $1, epoch = lease.epoch + 1
FROM free WHERE lease."partition" = free."partition"
RETURNING lease."partition", lease.epoch"#;

/// `FOR SHARE`: a member's transactions do not wait for each other, a takeover does.
const FENCE: &str = r#"
SELECT lease."partition", set_config('idle_in_transaction_session_timeout', $3, true)
FROM partition_leases AS lease
JOIN unnest($1::int[], $2::bigint[]) AS given ("partition", epoch)
  ON lease."partition" = given."partition" AND lease.epoch = given.epoch
ORDER BY lease."partition" FOR SHARE OF lease"#;

impl Store {
    /// Says that `member` lives, renews its leases, and takes free partitions (never held, released,
    /// or of a member that is gone or has been silent for longer than it asked for) up to its share.
    ///
    /// A member that was itself silent for too long takes nothing of other silent ones in this round:
    /// most likely it was the database that nobody could speak to, and they are as alive as it is. By
    /// the next round they have said so.
    ///
    /// `member` names one run of one process: another that calls itself the same would hold the same
    /// leases. `ttl` counts from some moment between call and answer; who counts from the call is on
    /// the safe side. A lease that is released during the call may be among those held: its epoch
    /// tells.
    ///
    /// # Errors
    /// When the database fails. Nothing has changed then, except if the connection was lost with the
    /// last statement: the next round tells.
    pub async fn renew_leases(
        &self,
        member: &str,
        partitions: u32,
        ttl: Duration,
    ) -> Result<LeaseRound, StoreError> {
        let failed = StoreError::database("renew the leases");
        let end = partition_column(partitions)?;
        let round = enter_round(self).await?;
        let live = round.prepare_cached(LIVE).await.map_err(&failed)?;
        let row = round
            .query_one(&live, &[&member, &ttl.as_secs_f64()])
            .await
            .map_err(&failed)?;
        let was_alive: Option<bool> = row.try_get(0).map_err(&failed)?;
        if was_alive != Some(false) {
            let forget = round
                .prepare_cached(FORGET_EXPIRED)
                .await
                .map_err(&failed)?;
            round.execute(&forget, &[&member]).await.map_err(&failed)?;
        }
        let rank = round.prepare_cached(RANK).await.map_err(&failed)?;
        let row = round.query_one(&rank, &[&member]).await.map_err(&failed)?;
        let members = number(&row, 0)?;
        let share = share(partitions as usize, members, number(&row, 1)?);

        let held = round.prepare_cached(HELD).await.map_err(&failed)?;
        let rows = round
            .query(&held, &[&member, &end])
            .await
            .map_err(&failed)?;
        let mut held = leases(&rows)?;
        if held.len() < share {
            held.extend(claim(&round, member, end, share - held.len()).await?);
        }
        held.sort_by_key(|lease| lease.partition);
        round.commit().await?;
        Ok(LeaseRound {
            held,
            share,
            members,
        })
    }

    /// Gives a partition back, after its work is stored, so that another member takes it at once.
    /// Does nothing when it is another's by now. Waits for transactions that are writing under it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.client()
            .await?
            .execute(
                r#"UPDATE partition_leases SET member = NULL, epoch = epoch + 1
                   WHERE "partition" = $1 AND epoch = $2"#,
                &[&partition_column(lease.partition)?, &lease.epoch],
            )
            .await
            .map_err(StoreError::database("release a lease"))?;
        Ok(())
    }

    /// Leaves the group, after the work is stored: all of the member's partitions are free at once.
    /// Waits for its round, if one is still under way.
    ///
    /// # Errors
    /// When the database fails; the member's leases end with their time then.
    pub async fn leave(&self, member: &str) -> Result<(), StoreError> {
        let round = enter_round(self).await?;
        // The leases' rows may be held by a transaction that is ending; the next owner waits for
        // that, and moves their epochs.
        round
            .execute("DELETE FROM consumer_members WHERE member = $1", &[&member])
            .await
            .map_err(StoreError::database("leave the group of consumers"))?;
        round.commit().await
    }
}

/// Demands that each partition's lease is still held under its epoch, and holds it until the
/// transaction ends. A partition without lease is not fenced.
pub(crate) async fn demand_leases(
    transaction: &Transaction,
    wanted: &[(u32, Option<Lease>)],
) -> Result<(), StoreError> {
    let failed = StoreError::database("check the leases");
    let (mut partitions, mut epochs) = (Vec::new(), Vec::new());
    for (partition, lease) in wanted {
        let Some(lease) = lease else { continue };
        if lease.partition != *partition {
            return Err(StoreError::OtherLease {
                partition: *partition,
                leased: lease.partition,
            });
        }
        partitions.push(partition_column(*partition)?);
        epochs.push(lease.epoch);
    }
    if partitions.is_empty() {
        return Ok(());
    }
    let fence = transaction.prepare_cached(FENCE).await.map_err(&failed)?;
    let rows = transaction
        .query(&fence, &[&partitions, &epochs, &WRITE_PATIENCE])
        .await
        .map_err(&failed)?;
    let owned = rows
        .iter()
        .map(|row| row.try_get(0).map_err(&failed))
        .collect::<Result<BTreeSet<i32>, _>>()?;
    match partitions.iter().position(|p| !owned.contains(p)) {
        None => Ok(()),
        Some(lost) => Err(StoreError::LeaseLost {
            partition: partition_from("partition_leases", partitions[lost])?,
            epoch: epochs[lost],
        }),
    }
}

/// A transaction in which no other round is under way.
async fn enter_round(store: &Store) -> Result<Transaction, StoreError> {
    let failed = StoreError::database("begin a round of leases");
    let round = Transaction::begin(store).await?;
    let enter = round.prepare_cached(ENTER_ROUND).await.map_err(&failed)?;
    round
        .query_one(&enter, &[&ROUND_LOCK, &ROUND_PATIENCE])
        .await
        .map_err(&failed)?;
    Ok(round)
}

async fn claim(
    round: &Transaction,
    member: &str,
    end: i32,
    wanted: usize,
) -> Result<Vec<Lease>, StoreError> {
    let failed = StoreError::database("take free partitions");
    let add = round
        .prepare_cached(ADD_PARTITIONS)
        .await
        .map_err(&failed)?;
    round.execute(&add, &[&end]).await.map_err(&failed)?;
    let claim = round.prepare_cached(CLAIM).await.map_err(&failed)?;
    let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
    let rows = round
        .query(&claim, &[&member, &end, &wanted])
        .await
        .map_err(&failed)?;
    leases(&rows)
}

fn leases(rows: &[Row]) -> Result<Vec<Lease>, StoreError> {
    let failed = StoreError::database("read the leases");
    rows.iter()
        .map(|row| {
            let partition = row.try_get(0).map_err(&failed)?;
            Ok(Lease {
                partition: partition_from("partition_leases", partition)?,
                epoch: row.try_get(1).map_err(&failed)?,
            })
        })
        .collect()
}

fn number(row: &Row, column: usize) -> Result<usize, StoreError> {
    let number: i64 = row
        .try_get(column)
        .map_err(StoreError::database("count the members"))?;
    usize::try_from(number).map_err(|_| StoreError::Damaged {
        table: "consumer_members",
        problem: format!("{number} is no number of members"),
    })
}

/// The fair share of the member that `rank` others precede by name.
fn share(partitions: usize, members: usize, rank: usize) -> usize {
    partitions / members + usize::from(rank < partitions % members)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_fair_and_leave_nothing_over() {
        for partitions in 0..=70 {
            for members in 1..=70 {
                let shares: Vec<usize> = (0..members)
                    .map(|rank| share(partitions, members, rank))
                    .collect();
                assert_eq!(shares.iter().sum::<usize>(), partitions);
                assert!(shares[0] - shares[members - 1] <= 1, "{shares:?}");
                assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
            }
        }
    }
}
