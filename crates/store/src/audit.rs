//! What the audit and the status ask: how many rows there are, and which.

use std::collections::BTreeMap;

use ballot::Reason;
use chrono::NaiveDateTime;
use wire::topics;

use crate::checkpoint::PERSIST;
use crate::columns::{limit_column, partition_column, time_from};
use crate::connection::Row;
use crate::{RejectedRow, RejectedVoterRow, Store, StoreError, VoteRow};

/// Numbers of rows, all of the same moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Voters on the roll.
    pub voters: u64,
    /// Votes that count.
    pub votes: u64,
    /// Rejected votes by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Records of `voters` that are not voters.
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

impl Store {
    /// Counts the rows of every table.
    ///
    /// # Errors
    /// When the database fails, or the reason of a rejected vote is unknown.
    pub async fn count_rows(&self) -> Result<RowCounts, StoreError> {
        let connection = self.connection().await?;
        let mut counts = RowCounts::default();
        for row in connection.query("count rows", COUNT_ROWS, &[]).await? {
            let count = row.count("votes", 2)?;
            match row.get(0)? {
                "voters" => counts.voters = count,
                "votes" => counts.votes = count,
                "rejected_voters" => counts.rejected_voters = count,
                _ => {
                    counts.rejected.insert(reason(&row, 1)?, count);
                }
            }
        }
        Ok(counts)
    }

    /// How far the votes of a partition are persisted, and how many rows they have.
    pub async fn persisted_votes(&self, partition: u32) -> Result<PersistedVotes, StoreError> {
        let partition = partition_column(partition)?;
        let row = self
            .connection()
            .await?
            .query_one(
                "count the rows of a partition",
                PERSISTED_VOTES,
                &[&PERSIST, &topics::VOTES, &partition],
            )
            .await?;
        Ok(PersistedVotes {
            next_offset: row.get(0)?,
            votes: row.count("votes", 1)?,
            rejected: row.count("rejected_votes", 2)?,
        })
    }

    /// The votes of a partition with offsets `from..to`, by offset.
    ///
    /// # Errors
    /// When the database fails, or a row's time is not a voting time.
    pub async fn vote_rows(
        &self,
        partition: u32,
        from: i64,
        to: i64,
    ) -> Result<Vec<VoteRow>, StoreError> {
        let rows = self
            .connection()
            .await?
            .query(
                "read votes",
                r#"SELECT log_offset, voter_id, candidate_id, selections, voting_time FROM votes
                   WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
                   ORDER BY log_offset"#,
                &[&partition_column(partition)?, &from, &to],
            )
            .await?;
        rows.iter().map(|row| vote_row(row, 0)).collect()
    }

    /// The rejected votes of a partition with offsets `from..to`, by offset. A value is truncated to
    /// `value_limit` bytes.
    ///
    /// # Errors
    /// When the database fails, or a row's reason is unknown.
    pub async fn rejected_rows(
        &self,
        partition: u32,
        from: i64,
        to: i64,
        value_limit: usize,
    ) -> Result<Vec<RejectedRow>, StoreError> {
        let limit = i32::try_from(value_limit).unwrap_or(i32::MAX);
        let rows = self
            .connection()
            .await?
            .query(
                "read rejected votes",
                r#"SELECT log_offset, reason, voter_id, substring(value FROM 1 FOR $4::int), value_bytes
                   FROM rejected_votes
                   WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
                   ORDER BY log_offset"#,
                &[&partition_column(partition)?, &from, &to, &limit],
            )
            .await?;
        let rejected = rows.iter().map(|row| {
            let value_bytes: i32 = row.get(4)?;
            Ok(RejectedRow {
                offset: row.get(0)?,
                reason: reason(row, 1)?,
                voter_id: row.get(2)?,
                value: row.get(3)?,
                value_bytes: usize::try_from(value_bytes).unwrap_or_default(),
            })
        });
        rejected.collect()
    }

    /// The rows of `rejected_voters` of a partition with offsets `from..to`, by offset.
    pub async fn rejected_voters(
        &self,
        partition: u32,
        from: i64,
        to: i64,
    ) -> Result<Vec<RejectedVoterRow>, StoreError> {
        let rows = self
            .connection()
            .await?
            .query(
                "read rejected voters",
                r#"SELECT log_offset, problem, value FROM rejected_voters
                   WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
                   ORDER BY log_offset"#,
                &[&partition_column(partition)?, &from, &to],
            )
            .await?;
        let rejected = rows.iter().map(|row| {
            Ok(RejectedVoterRow {
                offset: row.get(0)?,
                problem: row.get(1)?,
                value: row.get(2)?,
            })
        });
        rejected.collect()
    }

    /// The ids of voters who have a row, in bytewise order: at most `limit` of those after this one.
    pub async fn voter_ids_after(
        &self,
        voter_id: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let rows = self
            .connection()
            .await?
            .query(
                "read the roll",
                "SELECT voter_id FROM voters WHERE voter_id > $1 ORDER BY voter_id LIMIT $2",
                &[&voter_id, &limit_column(limit)],
            )
            .await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Votes outside the log, by partition and offset, at most `limit`. `ends` has the log's end of each
    /// partition.
    ///
    /// # Errors
    /// When the database fails, or a row's time is not a voting time.
    pub async fn stray_rows(
        &self,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<(u32, VoteRow)>, StoreError> {
        const COLUMNS: &str = "voter_id, candidate_id, selections, voting_time";
        let rows = self.strays("votes", COLUMNS, ends, limit).await?;
        rows.iter()
            .map(|row| Ok((row.partition("votes", 0)?, vote_row(row, 1)?)))
            .collect()
    }

    /// Rejected votes outside the log, as [`Store::stray_rows`]: partition, offset, reason.
    ///
    /// # Errors
    /// When the database fails, or a row's reason is unknown.
    pub async fn stray_rejected_rows(
        &self,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<(u32, i64, Reason)>, StoreError> {
        const TABLE: &str = "rejected_votes";
        let rows = self.strays(TABLE, "reason", ends, limit).await?;
        rows.iter()
            .map(|row| Ok((row.partition(TABLE, 0)?, row.get(1)?, reason(row, 2)?)))
            .collect()
    }

    /// Rows of `rejected_voters` outside the log, as [`Store::stray_rows`]: partition, offset.
    pub async fn stray_rejected_voters(
        &self,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<(u32, i64)>, StoreError> {
        const TABLE: &str = "rejected_voters";
        let rows = self.strays(TABLE, "problem", ends, limit).await?;
        rows.iter()
            .map(|row| Ok((row.partition(TABLE, 0)?, row.get(1)?)))
            .collect()
    }

    /// Rows of a table outside the log: partition, offset, and these columns.
    async fn strays(
        &self,
        table: &str,
        columns: &str,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (mut partitions, mut log_ends) = (Vec::new(), Vec::new());
        for &(partition, end) in ends {
            partitions.push(partition_column(partition)?);
            log_ends.push(end);
        }
        let statement = format!(
            r#"SELECT "partition", log_offset, {columns} FROM {table}
               LEFT JOIN unnest($1::int[], $2::bigint[]) AS known ("partition", log_end) USING ("partition")
               WHERE log_end IS NULL OR log_offset < 0 OR log_offset >= log_end
               ORDER BY "partition", log_offset
               LIMIT $3"#
        );
        let doing = "look for rows outside the log";
        let connection = self.connection().await?;
        connection
            .query(
                doing,
                &statement,
                &[&partitions, &log_ends, &limit_column(limit)],
            )
            .await
    }
}

/// A vote, from its columns from `first` on: offset, voter, candidate, selections and time.
fn vote_row(row: &Row, first: usize) -> Result<VoteRow, StoreError> {
    let voter_id: String = row.get(first + 1)?;
    let time: NaiveDateTime = row.get(first + 4)?;
    Ok(VoteRow {
        voting_time: time_from(time).ok_or_else(|| StoreError::Damaged {
            table: "votes",
            problem: format!("voter {voter_id} cannot have voted at {time}"),
        })?,
        voter_id,
        candidate_id: row.get(first + 2)?,
        selections: row.get(first + 3)?,
        offset: row.get(first)?,
    })
}

fn reason(row: &Row, column: usize) -> Result<Reason, StoreError> {
    let name = row.get(column)?;
    Reason::from_name(name).ok_or_else(|| StoreError::Damaged {
        table: "rejected_votes",
        problem: format!("votes are not rejected for `{name}`"),
    })
}
