//! Checkpoints: how far each consumer is in each partition. A checkpoint is stored in the same
//! transaction as the rows that were made of the records before it.

use std::cmp::Ordering;

use evidence::{ChainedTopic, Digest};

use crate::chain::chain_batch;
use crate::columns::partition_column;
use crate::leases::{Lease, demand_leases};
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// The consumer that writes records to tables.
pub const PERSIST: &str = "persist";
/// The consumer that counts.
pub(crate) const TALLY: &str = "tally";

/// Returns the checkpoint and locks it until the transaction ends.
const LOCK: &str = r#"
INSERT INTO checkpoints AS c (consumer, topic, "partition", next_offset) VALUES ($1, $2, $3, 0)
ON CONFLICT (consumer, topic, "partition") DO UPDATE SET next_offset = c.next_offset
RETURNING next_offset
"#;

const MOVE: &str = r#"
UPDATE checkpoints SET next_offset = $4, updated_at = now()
WHERE consumer = $1 AND topic = $2 AND "partition" = $3
"#;

impl Store {
    /// The offset at which a consumer continues in a partition; 0 if it has not begun.
    pub async fn checkpoint(
        &self,
        consumer: &str,
        topic: &str,
        partition: u32,
    ) -> Result<i64, StoreError> {
        let row = self
            .connection()
            .await?
            .query_opt(
                "read a checkpoint",
                r#"SELECT next_offset FROM checkpoints
                   WHERE consumer = $1 AND topic = $2 AND "partition" = $3"#,
                &[&consumer, &topic, &partition_column(partition)?],
            )
            .await?;
        row.map_or(Ok(0), |row| row.get(0))
    }
}

/// A batch of records to be persisted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) topic: ChainedTopic,
    pub(crate) partition: u32,
    pub(crate) base_offset: i64,
    pub(crate) next_offset: i64,
}

impl Batch {
    /// Begins the transaction that persists the batch, in rows that stand for so many records. The checkpoint must be at the
    /// batch's start, and stays locked. Returns the chain's head after the batch, too.
    pub(crate) async fn begin(
        &self,
        store: &Store,
        lease: Option<Lease>,
        records: u64,
        hash: Digest,
    ) -> Result<(Transaction, Digest), StoreError> {
        self.demand_records(records)?;
        let transaction = Transaction::begin(store).await?;
        demand_leases(&transaction, &[(self.partition, lease)]).await?;
        self.lock_checkpoint(&transaction).await?;
        let chain_head = chain_batch(&transaction, self, hash).await?;
        Ok((transaction, chain_head))
    }

    pub(crate) fn unaccounted(&self, problem: String) -> StoreError {
        StoreError::Unaccounted {
            partition: self.partition,
            base: self.base_offset,
            next: self.next_offset,
            problem,
        }
    }

    /// Demands that the rows stand for as many records as there are offsets.
    fn demand_records(&self, found: u64) -> Result<(), StoreError> {
        let records = self.next_offset.saturating_sub(self.base_offset);
        if self.base_offset >= 0 && i64::try_from(found) == Ok(records) {
            Ok(())
        } else {
            Err(self.unaccounted(format!("accounts for {found} records, not for {records}")))
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

    /// Locks the checkpoint and demands that it is at the batch's start.
    async fn lock_checkpoint(&self, transaction: &Transaction) -> Result<(), StoreError> {
        let topic = self.topic.as_str();
        let partition = partition_column(self.partition)?;
        let row = transaction
            .query_one("lock the checkpoint", LOCK, &[&PERSIST, &topic, &partition])
            .await?;
        let found: i64 = row.get(0)?;
        match found.cmp(&self.base_offset) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(StoreError::CheckpointMoved {
                topic,
                partition: self.partition,
                expected: self.base_offset,
                found,
            }),
            Ordering::Less => Err(StoreError::WentBack {
                consumer: PERSIST,
                topic,
                partition: self.partition,
                known: self.base_offset,
                found,
            }),
        }
    }

    /// Moves the checkpoint to the batch's end and commits. If a statement of the transaction has failed,
    /// this fails, too: COMMIT alone would roll back without an error.
    pub(crate) async fn commit(&self, transaction: Transaction) -> Result<(), StoreError> {
        let topic = self.topic.as_str();
        let partition = partition_column(self.partition)?;
        transaction
            .execute(
                "move the checkpoint",
                MOVE,
                &[&PERSIST, &topic, &partition, &self.next_offset],
            )
            .await?;
        transaction.commit().await
    }
}
