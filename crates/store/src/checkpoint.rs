//! Checkpoints: how far each consumer has come in each partition, stored with what it has made of
//! the records before.

use std::cmp::Ordering;

use evidence::ChainedTopic;

use crate::columns::partition_column;
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// The consumer that writes records to tables.
pub const PERSIST: &str = "persist";
/// The consumer that counts.
pub(crate) const TALLY: &str = "tally";

/// Returns where the checkpoint stands, holding it against others until the transaction ends.
const LOCK: &str = r#"
INSERT INTO checkpoints AS c (consumer, topic, "partition", next_offset) VALUES ($1, $2, $3, 0)
ON CONFLICT (consumer, topic, "partition") DO UPDATE SET next_offset = c.next_offset
RETURNING next_offset
"#;

impl Store {
    /// The offset at which a consumer goes on in a partition; 0 when it has not begun.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
    ) -> Result<i64, StoreError> {
        let failed = StoreError::database("read a checkpoint");
        let row = self
            .client()
            .await?
            .query_opt(
                r#"SELECT next_offset FROM checkpoints
                   WHERE consumer = $1 AND topic = $2 AND "partition" = $3"#,
                &[&consumer, &topic, &partition_column(partition)?],
            )
            .await
            .map_err(&failed)?;
        row.map_or(Ok(0), |row| row.try_get(0).map_err(&failed))
    }
}

/// A batch of records to be persisted: which, and where from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) topic: ChainedTopic,
    pub(crate) partition: u32,
    pub(crate) base_offset: i64,
    pub(crate) next_offset: i64,
}

impl Batch {
    pub(crate) fn votes(partition: u32, base_offset: i64, next_offset: i64) -> Batch {
        Batch {
            topic: ChainedTopic::Votes,
            partition,
            base_offset,
            next_offset,
        }
    }

    pub(crate) fn voters(partition: u32, base_offset: i64, next_offset: i64) -> Batch {
        Batch {
            topic: ChainedTopic::Voters,
            ..Batch::votes(partition, base_offset, next_offset)
        }
    }

    pub(crate) fn unaccounted(&self, problem: String) -> StoreError {
        StoreError::Unaccounted {
            partition: self.partition,
            base: self.base_offset,
            next: self.next_offset,
            problem,
        }
    }

    /// Demands that there are as many rows as offsets: every record ends in exactly one of them.
    pub(crate) fn demand_rows(&self, rows: usize) -> Result<(), StoreError> {
        let records = self.next_offset.saturating_sub(self.base_offset);
        if self.base_offset >= 0 && i64::try_from(rows) == Ok(records) {
            Ok(())
        } else {
            Err(self.unaccounted(format!("accounts for {rows} records, not for {records}")))
        }
    }

    /// Demands that a row belongs to the batch.
    pub(crate) fn demand_offset(&self, offset: i64) -> Result<(), StoreError> {
        if (self.base_offset..self.next_offset).contains(&offset) {
            Ok(())
        } else {
            Err(self.unaccounted(format!("has a row of offset {offset}")))
        }
    }

    /// Locks the checkpoint and demands that it stands where the batch begins.
    pub(crate) async fn lock_checkpoint(
        &self,
        transaction: &Transaction,
    ) -> Result<(), StoreError> {
        let failed = StoreError::database("lock the checkpoint");
        let statement = transaction.prepare_cached(LOCK).await.map_err(&failed)?;
        let partition = partition_column(self.partition)?;
        let row = transaction
            .query_one(&statement, &[&PERSIST, &self.topic.as_str(), &partition])
            .await
            .map_err(&failed)?;
        let found: i64 = row.try_get(0).map_err(&failed)?;
        match found.cmp(&self.base_offset) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(StoreError::CheckpointMoved {
                topic: self.topic.as_str(),
                partition: self.partition,
                expected: self.base_offset,
                found,
            }),
            Ordering::Less => Err(StoreError::WentBack {
                consumer: PERSIST,
                topic: self.topic.as_str(),
                partition: self.partition,
                known: self.base_offset,
                found,
            }),
        }
    }

    /// Moves the checkpoint to the batch's end and commits. In a transaction that has failed
    /// already this fails too, so nothing is taken for stored that is not.
    pub(crate) async fn commit(&self, transaction: Transaction) -> Result<(), StoreError> {
        let failed = StoreError::database("move the checkpoint");
        let statement = transaction
            .prepare_cached(
                r#"UPDATE checkpoints SET next_offset = $4, updated_at = now()
                   WHERE consumer = $1 AND topic = $2 AND "partition" = $3"#,
            )
            .await
            .map_err(&failed)?;
        let partition = partition_column(self.partition)?;
        transaction
            .execute(
                &statement,
                &[
                    &PERSIST,
                    &self.topic.as_str(),
                    &partition,
                    &self.next_offset,
                ],
            )
            .await
            .map_err(&failed)?;
        transaction.commit().await
    }
}
