//! What the audit and the status ask: how many rows there are, and which.

use std::collections::BTreeMap;

use ballot::Reason;
use chrono::NaiveDateTime;
use evidence::ChainedTopic;
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
    /// Records that the rows of `rejected_votes` stand for.
    pub rejected: u64,
}

/// A row outside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayRow {
    /// Its table.
    pub table: &'static str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The voter of a vote, the reason of a rejected vote, or the problem of a rejected voter.
    pub detail: String,
}

const COUNT_ROWS: &str = "
SELECT 'voters', NULL, count(*) FROM voters
UNION ALL SELECT 'votes', NULL, count(*) FROM votes
UNION ALL SELECT 'rejected_voters', NULL, coalesce(sum(records), 0)::bigint FROM rejected_voters
UNION ALL SELECT 'rejected_votes', reason, sum(records)::bigint FROM rejected_votes GROUP BY reason
";

/// One statement, hence one snapshot.
const PERSISTED_VOTES: &str = r#"
SELECT coalesce((SELECT next_offset FROM checkpoints
                 WHERE consumer = $1 AND topic = $2 AND "partition" = $3), 0),
       (SELECT count(*) FROM votes WHERE "partition" = $3),
       (SELECT coalesce(sum(records), 0)::bigint FROM rejected_votes WHERE "partition" = $3)
"#;

impl Store {
    /// Counts the rows of every table.
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
                r#"SELECT voter_id, candidate_id, selections, voting_time, log_offset FROM votes
                   WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
                   ORDER BY log_offset"#,
                &[&partition_column(partition)?, &from, &to],
            )
            .await?;
        rows.iter().map(vote_row).collect()
    }

    /// The rejected votes of a partition with offsets `from..to`, by offset. A value is truncated to
    /// `value_limit` bytes.
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
                r#"SELECT log_offset, reason, voter_id, substring(value FROM 1 FOR $4::int), value_bytes,
                          records
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
                records: records(row, "rejected_votes", 5)?,
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
                r#"SELECT log_offset, problem, value, records FROM rejected_voters
                   WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
                   ORDER BY log_offset"#,
                &[&partition_column(partition)?, &from, &to],
            )
            .await?;
        let rejected = rows.iter().map(|row| {
            Ok(RejectedVoterRow {
                offset: row.get(0)?,
                records: records(row, "rejected_voters", 3)?,
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

    /// Rows outside the log that were made of a topic's records, by partition and offset, at most `limit` of
    /// each table. `ends` has the log's end of each partition.
    pub async fn stray_rows(
        &self,
        topic: ChainedTopic,
        ends: &[i64],
        limit: usize,
    ) -> Result<Vec<StrayRow>, StoreError> {
        let tables: &[(&'static str, &str)] = match topic {
            ChainedTopic::Votes => &[("votes", "voter_id"), ("rejected_votes", "reason")],
            ChainedTopic::Voters => &[("rejected_voters", "problem")],
        };
        let connection = self.connection().await?;
        let mut strays = Vec::new();
        for &(table, column) in tables {
            let statement = format!(
                r#"SELECT "partition", log_offset, {column}::text FROM {table}
                   LEFT JOIN unnest($1::bigint[]) WITH ORDINALITY AS known (log_end, number)
                     ON number = "partition" + 1
                   WHERE log_end IS NULL OR log_offset < 0 OR log_offset >= log_end
                   ORDER BY "partition", log_offset
                   LIMIT $2"#
            );
            let doing = "look for rows outside the log";
            let rows = connection
                .query(doing, &statement, &[&ends, &limit_column(limit)])
                .await?;
            for row in rows {
                strays.push(StrayRow {
                    table,
                    partition: row.get(0)?,
                    offset: row.get(1)?,
                    detail: row.get(2)?,
                });
            }
        }
        Ok(strays)
    }
}

fn vote_row(row: &Row) -> Result<VoteRow, StoreError> {
    let voter_id: String = row.get(0)?;
    let time: NaiveDateTime = row.get(3)?;
    Ok(VoteRow {
        voting_time: time_from(time).ok_or_else(|| StoreError::Damaged {
            table: "votes",
            problem: format!("voter {voter_id} cannot have voted at {time}"),
        })?,
        voter_id,
        candidate_id: row.get(1)?,
        selections: row.get(2)?,
        offset: row.get(4)?,
    })
}

/// How many records a row stands for.
fn records(row: &Row, table: &'static str, column: usize) -> Result<u32, StoreError> {
    let records = row.count(table, column)?;
    u32::try_from(records).map_err(|_| StoreError::Damaged {
        table,
        problem: format!("no row stands for {records} records"),
    })
}

fn reason(row: &Row, column: usize) -> Result<Reason, StoreError> {
    let name = row.get(column)?;
    Reason::from_name(name).ok_or_else(|| StoreError::Damaged {
        table: "rejected_votes",
        problem: format!("votes are not rejected for `{name}`"),
    })
}
