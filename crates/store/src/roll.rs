//! What the audit asks of the roll: which voters have rows, and which records are kept as none.

use crate::columns::partition_column;
use crate::{RejectedVoterRow, Store, StoreError};

const VOTER_IDS_AFTER: &str =
    "SELECT voter_id FROM voters WHERE voter_id > $1 ORDER BY voter_id LIMIT $2";

const REJECTED_VOTERS: &str = r#"
SELECT log_offset, problem, value FROM rejected_voters
WHERE "partition" = $1 AND log_offset >= $2 AND log_offset < $3
ORDER BY log_offset
"#;

const STRAY_REJECTED_VOTERS: &str = r#"
SELECT r."partition", r.log_offset
FROM rejected_voters r
LEFT JOIN unnest($1::int[], $2::bigint[]) AS known ("partition", log_end) USING ("partition")
WHERE known."partition" IS NULL OR r.log_offset < 0 OR r.log_offset >= known.log_end
ORDER BY r."partition", r.log_offset
LIMIT $3
"#;

impl Store {
    /// The ids of voters who have a row, bytewise in order: at most `limit`, behind this one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn voter_ids_after(
        &self,
        voter_id: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let failed = StoreError::database("read the roll");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let client = self.client().await?;
        let statement = client
            .prepare_cached(VOTER_IDS_AFTER)
            .await
            .map_err(&failed)?;
        let rows = client
            .query(&statement, &[&voter_id, &limit])
            .await
            .map_err(&failed)?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(&failed))
            .collect()
    }

    /// A partition's rows of `rejected_voters` with offsets `from..to`, by offset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rejected_voters(
        &self,
        partition: u32,
        from: i64,
        to: i64,
    ) -> Result<Vec<RejectedVoterRow>, StoreError> {
        let failed = StoreError::database("read rejected voters");
        let client = self.client().await?;
        let statement = client
            .prepare_cached(REJECTED_VOTERS)
            .await
            .map_err(&failed)?;
        let rows = client
            .query(&statement, &[&partition_column(partition)?, &from, &to])
            .await
            .map_err(&failed)?;
        rows.iter()
            .map(|row| {
                Ok(RejectedVoterRow {
                    offset: row.try_get(0).map_err(&failed)?,
                    problem: row.try_get(1).map_err(&failed)?,
                    value: row.try_get(2).map_err(&failed)?,
                })
            })
            .collect()
    }

    /// Rows of `rejected_voters` that stand outside the log, as [`Store::stray_rows`] does with votes:
    /// partition, offset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stray_rejected_voters(
        &self,
        ends: &[(u32, i64)],
        limit: usize,
    ) -> Result<Vec<(i32, i64)>, StoreError> {
        let failed = StoreError::database("look for stray voters");
        self.stray(STRAY_REJECTED_VOTERS, ends, limit)
            .await?
            .iter()
            .map(|row| {
                Ok((
                    row.try_get(0).map_err(&failed)?,
                    row.try_get(1).map_err(&failed)?,
                ))
            })
            .collect()
    }
}
