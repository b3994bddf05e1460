//! The hash chain of the log: a row for each persisted batch of votes or voters, written in its
//! transaction.

use evidence::{ChainedTopic, Digest, HashedBatch, first_head, next_head};

use crate::checkpoint::{Batch, PERSIST};
use crate::columns::{digest_column, limit_column, partition_column};
use crate::connection::{Connection, Row};
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// The table, in errors.
const TABLE: &str = "log_chain";

/// Where the chain of a partition ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEnd {
    /// The records before this offset are persisted.
    pub next_offset: i64,
    /// The head over them.
    pub head: Digest,
}

/// A row of `log_chain`: a batch that was persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainRow {
    /// The batch's first offset.
    pub base_offset: i64,
    /// The offset after its last.
    pub next_offset: i64,
    /// Its hash, and the chain's head after it; `None` for what was persisted before the chain existed.
    pub hashes: Option<ChainHashes>,
}

/// The hashes of a persisted batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHashes {
    /// The hash of the batch's records.
    pub batch: Digest,
    /// The chain's head after it.
    pub head: Digest,
}

impl ChainRow {
    /// The end of the chain after this row.
    pub fn end(&self, topic: ChainedTopic, partition: u32) -> ChainEnd {
        let unhashed = || first_head(topic, partition, self.next_offset);
        ChainEnd {
            next_offset: self.next_offset,
            head: self.hashes.map_or_else(unhashed, |hashes| hashes.head),
        }
    }
}

const LAST: &str = r#"
SELECT base_offset, next_offset, batch_hash, head FROM log_chain
WHERE topic = $1 AND "partition" = $2 ORDER BY base_offset DESC LIMIT 1
"#;

/// Starts from the checkpoints, so that it takes one index lookup for each partition, however long the
/// chains are.
const ENDS: &str = r#"
SELECT l.base_offset, l.next_offset, l.batch_hash, l.head, c."partition"
FROM checkpoints c JOIN LATERAL (
    SELECT * FROM log_chain
    WHERE topic = c.topic AND "partition" = c."partition" ORDER BY base_offset DESC LIMIT 1
) l ON true
WHERE c.consumer = $1 AND c.topic = $2
ORDER BY c."partition"
"#;

impl Store {
    /// Where a partition's chain ends; `None` while nothing of it is persisted.
    pub async fn chain_end(
        &self,
        topic: ChainedTopic,
        partition: u32,
    ) -> Result<Option<ChainEnd>, StoreError> {
        let connection = self.connection().await?;
        last_end(&connection, topic, partition).await
    }

    /// Where the chains of all partitions of a topic end, by partition.
    pub async fn chain_ends(
        &self,
        topic: ChainedTopic,
    ) -> Result<Vec<(u32, ChainEnd)>, StoreError> {
        let rows = self
            .connection()
            .await?
            .query("read the chains' ends", ENDS, &[&PERSIST, &topic.as_str()])
            .await?;
        rows.iter()
            .map(|row| {
                let partition = row.partition(TABLE, 4)?;
                Ok((partition, chain_row(row)?.end(topic, partition)))
            })
            .collect()
    }

    /// Rows of a partition's chain from offset `from` on, in order; at most `limit`.
    pub async fn chain_rows(
        &self,
        topic: ChainedTopic,
        partition: u32,
        from: i64,
        limit: usize,
    ) -> Result<Vec<ChainRow>, StoreError> {
        let partition = partition_column(partition)?;
        let rows = self
            .connection()
            .await?
            .query(
                "read the chain",
                r#"SELECT base_offset, next_offset, batch_hash, head FROM log_chain
                   WHERE topic = $1 AND "partition" = $2 AND base_offset >= $3
                   ORDER BY base_offset LIMIT $4"#,
                &[&topic.as_str(), &partition, &from, &limit_column(limit)],
            )
            .await?;
        rows.iter().map(chain_row).collect()
    }

    /// How many rows of the chain are of partitions that the topic, with this many `partitions`, does not
    /// have; by partition.
    pub async fn stray_chain_rows(
        &self,
        topic: ChainedTopic,
        partitions: u32,
    ) -> Result<Vec<(u32, i64)>, StoreError> {
        let rows = self
            .connection()
            .await?
            .query(
                "look for stray rows of the chain",
                r#"SELECT "partition", count(*) FROM log_chain
                   WHERE topic = $1 AND "partition" >= $2
                   GROUP BY "partition" ORDER BY "partition""#,
                &[&topic.as_str(), &partition_column(partitions)?],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.partition(TABLE, 0)?, row.get(1)?)))
            .collect()
    }
}

async fn last_end(
    connection: &Connection,
    topic: ChainedTopic,
    partition: u32,
) -> Result<Option<ChainEnd>, StoreError> {
    let row = connection
        .query_opt(
            "read the chain's end",
            LAST,
            &[&topic.as_str(), &partition_column(partition)?],
        )
        .await?;
    let end = row.map(|row| Ok(chain_row(&row)?.end(topic, partition)));
    end.transpose()
}

/// Chains a batch whose checkpoint is locked, and returns the head after it.
pub(crate) async fn chain_batch(
    transaction: &Transaction,
    batch: &Batch,
    hash: Digest,
) -> Result<Digest, StoreError> {
    let end = last_end(transaction, batch.topic, batch.partition).await?;
    let end = end.unwrap_or_else(|| ChainEnd {
        next_offset: 0,
        head: first_head(batch.topic, batch.partition, 0),
    });
    if end.next_offset != batch.base_offset {
        return Err(StoreError::ChainBroken {
            topic: batch.topic.as_str(),
            partition: batch.partition,
            chained_to: end.next_offset,
            persisted_to: batch.base_offset,
        });
    }
    if batch.next_offset == batch.base_offset {
        return Ok(end.head);
    }
    let head = next_head(
        end.head,
        &HashedBatch {
            partition: batch.partition,
            base_offset: batch.base_offset,
            next_offset: batch.next_offset,
            hash,
        },
    );
    transaction
        .execute(
            "chain the batch",
            r#"INSERT INTO log_chain (topic, "partition", base_offset, next_offset, batch_hash, head)
               VALUES ($1, $2, $3, $4, $5, $6)"#,
            &[
                &batch.topic.as_str(),
                &partition_column(batch.partition)?,
                &batch.base_offset,
                &batch.next_offset,
                &digest_column(&hash),
                &digest_column(&head),
            ],
        )
        .await?;
    Ok(head)
}

fn chain_row(row: &Row) -> Result<ChainRow, StoreError> {
    let (batch, head) = (row.digest(TABLE, 2)?, row.digest(TABLE, 3)?);
    Ok(ChainRow {
        base_offset: row.get(0)?,
        next_offset: row.get(1)?,
        hashes: batch
            .zip(head)
            .map(|(batch, head)| ChainHashes { batch, head }),
    })
}
