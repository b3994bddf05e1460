//! The chain of the log's hashes: a row for each persisted batch of votes or voters, written in its transaction.

use evidence::{ChainedTopic, Digest, HashedBatch, first_head, next_head};
use tokio_postgres::Row;

use crate::checkpoint::{Batch, PERSIST};
use crate::columns::{digest_column, digest_from, partition_column, partition_from};
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
    /// Its hash, and the chain's head after it; `None` for what was persisted before there was a
    /// chain.
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
    /// Where the chain of a topic's partition stands after this row.
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

/// By the checkpoints, so that it takes a look into the index for each partition, however long the
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
    ///
    /// # Errors
    /// When the database fails.
    pub async fn chain_end(
        &self,
        topic: ChainedTopic,
        partition: u32,
    ) -> Result<Option<ChainEnd>, StoreError> {
        let row = self
            .client()
            .await?
            .query_opt(LAST, &[&topic.as_str(), &partition_column(partition)?])
            .await
            .map_err(StoreError::database("read the chain's end"))?;
        let row = row.as_ref().map(chain_row).transpose()?;
        Ok(row.map(|row| row.end(topic, partition)))
    }

    /// Where the chains of all partitions of a topic end, by partition.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn chain_ends(
        &self,
        topic: ChainedTopic,
    ) -> Result<Vec<(u32, ChainEnd)>, StoreError> {
        let failed = StoreError::database("read the chains' ends");
        let client = self.client().await?;
        let statement = client.prepare_cached(ENDS).await.map_err(&failed)?;
        client
            .query(&statement, &[&PERSIST, &topic.as_str()])
            .await
            .map_err(&failed)?
            .iter()
            .map(|row| {
                let partition = partition_from(TABLE, row.try_get(4).map_err(&failed)?)?;
                Ok((partition, chain_row(row)?.end(topic, partition)))
            })
            .collect()
    }

    /// Rows of a partition's chain from offset `from` on, in order; at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn chain_rows(
        &self,
        topic: ChainedTopic,
        partition: u32,
        from: i64,
        limit: usize,
    ) -> Result<Vec<ChainRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let failed = StoreError::database("read the chain");
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                r#"SELECT base_offset, next_offset, batch_hash, head FROM log_chain
                   WHERE topic = $1 AND "partition" = $2 AND base_offset >= $3
                   ORDER BY base_offset LIMIT $4"#,
            )
            .await
            .map_err(&failed)?;
        client
            .query(
                &statement,
                &[
                    &topic.as_str(),
                    &partition_column(partition)?,
                    &from,
                    &limit,
                ],
            )
            .await
            .map_err(&failed)?
            .iter()
            .map(chain_row)
            .collect()
    }

    /// Rows of chains whose partitions a topic does not have, of which there are `partitions`: how many, by
    /// partition.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stray_chain_rows(
        &self,
        topic: ChainedTopic,
        partitions: u32,
    ) -> Result<Vec<(u32, i64)>, StoreError> {
        let failed = StoreError::database("look for stray rows of the chain");
        self.client()
            .await?
            .query(
                r#"SELECT "partition", count(*) FROM log_chain
                   WHERE topic = $1 AND "partition" >= $2
                   GROUP BY "partition" ORDER BY "partition""#,
                &[&topic.as_str(), &partition_column(partitions)?],
            )
            .await
            .map_err(&failed)?
            .iter()
            .map(|row| {
                let partition = partition_from(TABLE, row.try_get(0).map_err(&failed)?)?;
                Ok((partition, row.try_get(1).map_err(&failed)?))
            })
            .collect()
    }
}

/// Chains a batch whose checkpoint is locked, and returns the head after it.
pub(crate) async fn chain_batch(
    transaction: &Transaction,
    batch: &Batch,
    hash: Digest,
) -> Result<Digest, StoreError> {
    let failed = StoreError::database("chain the batch");
    let partition = partition_column(batch.partition)?;
    let statement = transaction.prepare_cached(LAST).await.map_err(&failed)?;
    let last = transaction
        .query_opt(&statement, &[&batch.topic.as_str(), &partition])
        .await
        .map_err(&failed)?;
    let end = match &last {
        Some(row) => chain_row(row)?.end(batch.topic, batch.partition),
        None => ChainEnd {
            next_offset: 0,
            head: first_head(batch.topic, batch.partition, 0),
        },
    };
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
    let statement = transaction
        .prepare_cached(
            r#"INSERT INTO log_chain (topic, "partition", base_offset, next_offset, batch_hash, head)
               VALUES ($1, $2, $3, $4, $5, $6)"#,
        )
        .await
        .map_err(&failed)?;
    transaction
        .execute(
            &statement,
            &[
                &batch.topic.as_str(),
                &partition,
                &batch.base_offset,
                &batch.next_offset,
                &digest_column(&hash),
                &digest_column(&head),
            ],
        )
        .await
        .map_err(&failed)?;
    Ok(head)
}

fn chain_row(row: &Row) -> Result<ChainRow, StoreError> {
    let failed = StoreError::database("read the chain");
    let digest = |column: usize| -> Result<Option<Digest>, StoreError> {
        let bytes: Option<&[u8]> = row.try_get(column).map_err(&failed)?;
        bytes.map(|bytes| digest_from(TABLE, bytes)).transpose()
    };
    let hashes = match (digest(2)?, digest(3)?) {
        (Some(batch), Some(head)) => Some(ChainHashes { batch, head }),
        _ => None,
    };
    Ok(ChainRow {
        base_offset: row.try_get(0).map_err(&failed)?,
        next_offset: row.try_get(1).map_err(&failed)?,
        hashes,
    })
}
