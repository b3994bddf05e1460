//! Leases: which member of a group of consumers counts and persists which partition.
//!
//! A member renews itself with [`Store::renew_leases`]. It lives, and its leases with it, until the time it
//! asked for has passed by the database's clock. This decides who *works* on a partition. Who may *write*
//! it is decided in the transaction that writes: it is refused if the lease's epoch has changed, and
//! otherwise locks the lease's row, so that a takeover waits for its end.
//!
//! Locks are taken in one order: rounds (one at a time), then leases (by partition), then the other
//! tables. A round skips locked leases, so it never waits for a writer.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::columns::{limit_column, partition_column};
use crate::connection::Row;
use crate::pool::ROUND_LOCK;
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// How long a round may leave the database waiting for its next statement. Then the server ends it: a
/// member that is frozen or cut off must not block the rounds of all others.
const ROUND_PATIENCE: &str = "3s";
/// The same for a transaction that writes under a lease, which nobody can take over meanwhile. Long
/// enough to publish rejected votes in between.
const WRITE_PATIENCE: &str = "30s";

/// The table, in errors.
const TABLE: &str = "partition_leases";

/// The right to count and persist a partition. `epoch` grows with every change of owner.
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
    /// The member's leases, by partition, now valid for the time it asked for.
    pub held: Vec<Lease>,
    /// How many partitions are this member's fair share. If it holds more, it stores their work and gives
    /// them back with [`Store::release_lease`].
    pub share: usize,
    /// Living members, this one included.
    pub members: usize,
}

const ENTER_ROUND: &str = "
SELECT set_config('idle_in_transaction_session_timeout', $2, true), pg_advisory_xact_lock($1)";

/// Returns whether the member was alive until now; null for a new member.
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

/// Partitions beyond the last are of an earlier election. They are ignored, but their epochs stay.
const HELD: &str = r#"
SELECT "partition", epoch FROM partition_leases WHERE member = $1 AND "partition" < $2"#;

const ADD_PARTITIONS: &str = r#"
INSERT INTO partition_leases ("partition") SELECT generate_series(0, $1::int - 1)
ON CONFLICT ("partition") DO NOTHING"#;

/// A locked lease has a running transaction of its last owner. It is left to the next round.
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

/// `FOR SHARE`, so that a member's transactions do not wait for each other, but a takeover does.
const FENCE: &str = r#"
SELECT lease."partition", set_config('idle_in_transaction_session_timeout', $3, true)
FROM partition_leases AS lease
JOIN unnest($1::int[], $2::bigint[]) AS given ("partition", epoch)
  ON lease."partition" = given."partition" AND lease.epoch = given.epoch
ORDER BY lease."partition" FOR SHARE OF lease"#;

impl Store {
    /// Renews `member` and its leases, and takes free partitions up to its share. Free are partitions that
    /// were never held, that were released, and those of members that have left or expired.
    ///
    /// A member that had expired itself takes nothing of other expired members in this round. Most likely
    /// the database was unreachable for all of them, and they renew themselves before the next round.
    ///
    /// `member` names one run of one process: two with the same name would hold the same leases. `ttl` runs
    /// from some moment between call and return, so the caller should count from the call. A lease that is
    /// released during the call may be among those held; its epoch shows it.
    ///
    /// # Errors
    /// When the database fails. Then nothing has changed, unless the connection was lost during the commit;
    /// the next round finds out.
    pub async fn renew_leases(
        &self,
        member: &str,
        partitions: u32,
        ttl: Duration,
    ) -> Result<LeaseRound, StoreError> {
        let doing = "renew the leases";
        let end = partition_column(partitions)?;
        let round = enter_round(self).await?;
        let row = round
            .query_one(doing, LIVE, &[&member, &ttl.as_secs_f64()])
            .await?;
        let was_alive: Option<bool> = row.get(0)?;
        if was_alive != Some(false) {
            round.execute(doing, FORGET_EXPIRED, &[&member]).await?;
        }
        let row = round.query_one(doing, RANK, &[&member]).await?;
        let (members, rank) = (number(&row, 0)?, number(&row, 1)?);
        let share = share(partitions as usize, members, rank);

        let rows = round.query(doing, HELD, &[&member, &end]).await?;
        let mut held = leases(&rows)?;
        if held.len() < share {
            round.execute(doing, ADD_PARTITIONS, &[&end]).await?;
            let wanted = limit_column(share - held.len());
            let rows = round.query(doing, CLAIM, &[&member, &end, &wanted]).await?;
            held.extend(leases(&rows)?);
        }
        held.sort_by_key(|lease| lease.partition);
        round.commit().await?;
        Ok(LeaseRound {
            held,
            share,
            members,
        })
    }

    /// Gives a partition back, after its work is stored, so that another member can take it at once. Does
    /// nothing if it belongs to another member already. Waits for transactions that write under the lease.
    pub async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.connection()
            .await?
            .execute(
                "release a lease",
                r#"UPDATE partition_leases SET member = NULL, epoch = epoch + 1
                   WHERE "partition" = $1 AND epoch = $2"#,
                &[&partition_column(lease.partition)?, &lease.epoch],
            )
            .await?;
        Ok(())
    }

    /// Leaves the group, after the work is stored: all of the member's partitions become free. Waits for
    /// the end of its round.
    ///
    /// # Errors
    /// When the database fails. Then the member's leases expire.
    pub async fn leave(&self, member: &str) -> Result<(), StoreError> {
        let round = enter_round(self).await?;
        // A transaction that is ending may hold the leases' rows; the next owner waits for it and changes
        // their epochs.
        let statement = "DELETE FROM consumer_members WHERE member = $1";
        round
            .execute("leave the group of consumers", statement, &[&member])
            .await?;
        round.commit().await
    }
}

/// Demands that each partition's lease is still in its epoch, and holds it until the transaction ends. A
/// partition without a lease is not checked.
pub(crate) async fn demand_leases(
    transaction: &Transaction,
    wanted: &[(u32, Option<Lease>)],
) -> Result<(), StoreError> {
    let (mut partitions, mut epochs) = (Vec::new(), Vec::new());
    for &(partition, lease) in wanted {
        let Some(lease) = lease else { continue };
        if lease.partition != partition {
            return Err(StoreError::OtherLease {
                partition,
                leased: lease.partition,
            });
        }
        partitions.push(partition_column(partition)?);
        epochs.push(lease.epoch);
    }
    if partitions.is_empty() {
        return Ok(());
    }
    let rows = transaction
        .query(
            "check the leases",
            FENCE,
            &[&partitions, &epochs, &WRITE_PATIENCE],
        )
        .await?;
    let owned = rows.iter().map(|row| row.partition(TABLE, 0));
    let owned = owned.collect::<Result<BTreeSet<u32>, _>>()?;
    let mut leases = wanted.iter().filter_map(|(_, lease)| *lease);
    match leases.find(|lease| !owned.contains(&lease.partition)) {
        None => Ok(()),
        Some(Lease { partition, epoch }) => Err(StoreError::LeaseLost { partition, epoch }),
    }
}

/// Begins a transaction in which no other round is running.
async fn enter_round(store: &Store) -> Result<Transaction, StoreError> {
    let round = Transaction::begin(store).await?;
    round
        .query_one(
            "begin a round of leases",
            ENTER_ROUND,
            &[&ROUND_LOCK, &ROUND_PATIENCE],
        )
        .await?;
    Ok(round)
}

fn leases(rows: &[Row]) -> Result<Vec<Lease>, StoreError> {
    rows.iter()
        .map(|row| {
            Ok(Lease {
                partition: row.partition(TABLE, 0)?,
                epoch: row.get(1)?,
            })
        })
        .collect()
}

/// A number of members.
fn number(row: &Row, column: usize) -> Result<usize, StoreError> {
    Ok(row.count("consumer_members", column)? as usize)
}

/// The fair share of the member that comes after `rank` others by name.
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
