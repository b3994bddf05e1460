//! What the audit and the status ask: how many rows there are, and which.

use std::collections::BTreeMap;

use ballot::Reason;
use chrono::NaiveDateTime;
use tokio_postgres::Row;
use wire::topics;

use crate::checkpoint::PERSIST;
use crate::columns::{count_from, partition_column, partition_from, time_from};
use crate::{RejectedRow, Store, StoreError, VoteRow};

/// Numbers of rows, all of the same moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Voters on the roll.
    pub voters: u64,
    /// Votes that count.
    pub votes: u64,
    /// Votes that do not, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Records of `voters` that are no voters.
    pub rejected_voters: u64,
}

/// What is persisted of a partition's votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersistedVotes {
    /// Votes before this offset have a row.
    pub next_offset: i64,
    /// Rows in `votes`.
    pub votes: u64,
    /// Rows in `rejected_votes`.
    pub rejected: u64,
}

const COUNT_ROWS: &str = "
SELECT 'voters', NULL, count(*) FROM voters
UNION ALL SELECT 'votes', NULL, count(*) FROM votes
UNION ALL SELECT 'rejected_voters', NULL, count(*) FROM rejected_voters
UNION ALL SELECT 'rejected_votes', reason, count(*) FROM rejected_votes GROUP BY reason
";

/// One statement, hence one snapshot.
const PERSISTED_VOTES: &str = r#"
SELECT coalesce((SELECT next_offset FROM checkpoints
                 WHERE consumer = $1 AND topic = $2 AND "partition" = $3), 0),
       (SELECT count(*) FROM votes WHERE "partition" = $3),
       (SELECT count(*) FROM rejected_votes WHERE "partition" = $3)
"#;

const STRAY_ROWS: &str = r#"
SELECT v.voter_id, v.candidate_id, v.selections, v.voting_time, v.log_offset, v."partition"
FROM votes v
LEFT JOIN unnest($1::int[], $2::bigint[]) AS known ("partition", log_end) USING ("partition")
WHERE known."partition" IS NULL OR v.log_offset < 0 OR v.log_offset >= known.log_end
ORDER BY v."partition", v.log_offset
LIMIT $3
"#;

const STRAY_REJECTED_ROWS: &str = r#"
SELECT r."partition", r.log_offset, r.reason
FROM rejected_votes r
LEFT JOIN unnest($1::int[], $2::bigint[]) AS known ("partition", log_end) USING ("partition")
WHERE known."partition" IS NULL OR r.log_offset < 0 OR r.log_offset >= known.log_end
ORDER BY r."partition", r.log_offset
LIMIT $3
"#;

impl Store {
    /// Counts the rows of every table.
    ///
    /// # Errors
    /// When the database fails, or a rejected vote's reason is none.
    pub async fn count_rows(&self) -> Result<RowCounts, StoreError> {
        let failed = StoreError::database("count rows");
        let rows = self
            .client()
            .await?
            .query(COUNT_ROWS, &[])
            .await
            .map_err(&failed)?;
        let mut counts = RowCounts::default();
        for row in &rows {
            let count = count_from("votes", row.try_get(2).map_err(&failed)?)?;
            match row.try_get(0).map_err(&failed)? {
                "voters" => counts.voters = count,
                "votes" => counts.votes = count,
                "rejected_voters" => counts.rejected_voters = count,
                _ => {
                    let name = row.try_get(1).map_err(&failed)?;
                    counts.rejected.insert(reason(name)?, count);
                }
            }
        }
        Ok(counts)
    }

    /// How far the votes of a partition are persisted, and how many rows there are of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn persisted_votes(&self, partition: u32) -> Result<PersistedVotes, StoreError> {
        let failed = StoreError::database("count the rows of a partition");
        let client = self.client().await?;
        let statement = client
            .prepare_cached(PERSISTED_VOTES)
            .await
            .map_err(&failed)?;
        let column = partition_column(partition)?;
        let row = client
            .query_one(&statement, &[&PERSIST, &topics::VOTES, &column])
            .await
            .map_err(&failed)?;
        Ok(PersistedVotes {
            next_offset: row.try_get(0).map_err(&failed)?,
            votes: count_from("votes", row.try_get(1).map_err(&failed)?)?,
            rejected: count_from("rejected_votes", row.try_get(2).map_err(&failed)?)?,
        })
    }

    /// The votes of a partition with offsets `from..to`, by offset.
    ///
    /// # Errors
    /// When the database fails, or a row's time is none that a vote can have.
    pub async fn vote_rows(
        &self,
        partition: u32,
        from: i64,
        to: i64,
    ) -> Result<Vec<VoteRow>, StoreError> {
        let failed = StoreError::database("read votes");
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                r#"SELECT voter_id, candidate_id, selections, voting_time, log_offset FROM votes
                   WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
                   ORDER BY log_offset"#,
            )
            .await
            .map_err(&failed)?;
        let rows = client
            .query(&statement, &[&partition_column(partition)?, &from, &to])
            .await
            .map_err(&failed)?;
        rows.iter().map(vote_row).collect()
    }

    /// A partition's rejected votes with offsets `from..to`, by offset. Of a value that is longer than
    /// `value_limit`, so many bytes.
    ///
    /// # Errors
    /// When the database fails, or a row's reason is none.
    pub async fn rejected_rows(
        &self,
        partition: u32,
        from: i64,
        to: i64,
        value_limit: usize,
    ) -> Result<Vec<RejectedRow>, StoreError> {
        let failed = StoreError::database("read rejected votes");
        let limit = i32::try_from(value_limit).unwrap_or(i32::MAX);
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                r#"SELECT log_offset, reason, voter_id, substring(value FROM 1 FOR $4::int), value_bytes
                   FROM rejected_votes
                   WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
                   ORDER BY log_offset"#,
            )
            .await
            .map_err(&failed)?;
        let rows = client
            .query(
                &statement,
                &[&partition_column(partition)?, &from, &to, &limit],
            )
            .await
            .map_err(&failed)?;
        rows.iter()
            .map(|row| {
                let value_bytes: i32 = row.try_get(4).map_err(&failed)?;
                Ok(RejectedRow {
                    offset: row.try_get(0).map_err(&failed)?,
                    reason: reason(row.try_get(1).map_err(&failed)?)?,
                    voter_id: row.try_get(2).map_err(&failed)?,
                    value: row.try_get(3).map_err(&failed)?,
                    value_bytes: usize::try_from(value_bytes).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Votes that stand outside the log: `ends` are the partitions and the offsets after their last
    /// records. At most `limit`, with their partitions, in order.
    ///
    /// # Errors
    /// When the database fails, or a row's time is none that a vote can have.
    pub async fn stray_rows(
        &self,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<(u32, VoteRow)>, StoreError> {
        let failed = StoreError::database("look for stray votes");
        self.stray(STRAY_ROWS, ends, limit)
            .await?
            .iter()
            .map(|row| {
                let partition = row.try_get(5).map_err(&failed)?;
                Ok((partition_from("votes", partition)?, vote_row(row)?))
            })
            .collect()
    }

    /// Rejected votes that stand outside the log, as [`Store::stray_rows`] does with votes:
    /// partition, offset, reason.
    ///
    /// # Errors
    /// When the database fails, or a row's reason is none.
    pub async fn stray_rejected_rows(
        &self,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<(u32, i64, Reason)>, StoreError> {
        let failed = StoreError::database("look for stray votes");
        self.stray(STRAY_REJECTED_ROWS, ends, limit)
            .await?
            .iter()
            .map(|row| {
                let partition = row.try_get(0).map_err(&failed)?;
                Ok((
                    partition_from("rejected_votes", partition)?,
                    row.try_get(1).map_err(&failed)?,
                    reason(row.try_get(2).map_err(&failed)?)?,
                ))
            })
            .collect()
    }

    pub(crate) async fn stray(
        &self,
        query: &str,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let partitions = ends
            .iter()
            .map(|&(partition, _)| partition_column(partition))
            .collect::<Result<Vec<_>, _>>()?;
        let ends: Vec<i64> = ends.iter().map(|&(_, end)| end).collect();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.client()
            .await?
            .query(query, &[&partitions, &ends, &limit])
            .await
            .map_err(StoreError::database("look for stray votes"))
    }
}

fn vote_row(row: &Row) -> Result<VoteRow, StoreError> {
    let failed = StoreError::database("read votes");
    let voter_id: String = row.try_get(0).map_err(&failed)?;
    let time: NaiveDateTime = row.try_get(3).map_err(&failed)?;
    Ok(VoteRow {
        voting_time: time_from(time).ok_or_else(|| StoreError::Damaged {
            table: "votes",
            problem: format!("voter {voter_id} cannot have voted at {time}"),
        })?,
        voter_id,
        candidate_id: row.try_get(1).map_err(&failed)?,
        selections: row.try_get(2).map_err(&failed)?,
        offset: row.try_get(4).map_err(&failed)?,
    })
}

fn reason(name: &str) -> Result<Reason, StoreError> {
    Reason::from_name(name).ok_or_else(|| StoreError::Damaged {
        table: "rejected_votes",
        problem: format!("votes are not rejected for `{name}`"),
    })
}
