//! What the bridge keeps: how far Kafka's topics are read, and that one bridge runs at a time.

use std::fmt;
use std::time::Duration;

use deadpool_postgres::Object;

use crate::columns::{partition_column, partition_from};
use crate::{Store, StoreError};

/// Key of the advisory lock that the running bridge holds.
const BRIDGE_LOCK: i64 = 0x656c_6563_6272_6467;
/// How often the holder of the lock looks whether its connection lives.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How far a partition on Kafka is read. Records before `next_offset` are on Fluvio; those from there
/// to `batch_end` were being written when this was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundPosition {
    /// The partition on Kafka.
    pub partition: u32,
    /// Records before this offset are on Fluvio.
    pub next_offset: i64,
    /// Records from this offset on are not.
    pub batch_end: i64,
}

/// How far a topic on Kafka is read into one on Fluvio.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbound {
    /// By partition on Kafka.
    pub positions: Vec<InboundPosition>,
    /// Where the partitions on Fluvio ended before the batch that was being written.
    pub fluvio_ends: Vec<i64>,
}

impl Inbound {
    /// Whether a batch was being written.
    pub fn is_under_way(&self) -> bool {
        let mut positions = self.positions.iter();
        positions.any(|position| position.batch_end > position.next_offset)
    }
}

/// The right to be the bridge of this database's election. Dropped, it is given up.
pub struct BridgeLock {
    /// None where the database takes one connection, ours: nobody else can be there.
    connection: Option<(Object, Store)>,
}

impl fmt::Debug for BridgeLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BridgeLock").finish_non_exhaustive()
    }
}

impl BridgeLock {
    /// Returns when the lock is lost, with its connection; another bridge may have it by then.
    pub async fn lost(&self) -> StoreError {
        let Some((connection, _)) = &self.connection else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = connection.batch_execute("").await {
                return StoreError::database("hold the bridge's lock")(error);
            }
        }
    }
}

impl Drop for BridgeLock {
    fn drop(&mut self) {
        if let Some((_, store)) = &self.connection {
            // The connection ends as it comes back, and the lock with it.
            store.close();
        }
    }
}

impl Store {
    /// Takes the right to be this election's bridge; `None` while another has it. It is held by a
    /// connection of its own, and ends with that; the embedded server lets one client in, which is
    /// right enough.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_bridge_lock(&self) -> Result<Option<BridgeLock>, StoreError> {
        if self.max_connections() == 1 {
            return Ok(Some(BridgeLock { connection: None }));
        }
        let failed = StoreError::database("take the bridge's lock");
        let own = self.another_pool(1)?;
        let connection = own.client().await?;
        let lock = BridgeLock {
            connection: Some((connection, own)),
        };
        let Some((connection, _)) = &lock.connection else {
            return Ok(None);
        };
        let row = connection
            .query_one("SELECT pg_try_advisory_lock($1)", &[&BRIDGE_LOCK])
            .await
            .map_err(&failed)?;
        let is_ours: bool = row.try_get(0).map_err(&failed)?;
        Ok(is_ours.then_some(lock))
    }

    /// How far a topic on Kafka is read into one on Fluvio.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inbound(&self, fluvio: &str, kafka: &str) -> Result<Inbound, StoreError> {
        let failed = StoreError::database("read how far Kafka is read");
        let rows = self
            .client()
            .await?
            .query(
                "SELECT kafka_partition, next_offset, batch_end, fluvio_ends FROM bridge_inbound
                 WHERE fluvio_topic = $1 AND kafka_topic = $2 ORDER BY kafka_partition",
                &[&fluvio, &kafka],
            )
            .await
            .map_err(&failed)?;
        let mut inbound = Inbound::default();
        for row in rows {
            inbound.positions.push(InboundPosition {
                partition: partition_from("bridge_inbound", row.try_get(0).map_err(&failed)?)?,
                next_offset: row.try_get(1).map_err(&failed)?,
                batch_end: row.try_get(2).map_err(&failed)?,
            });
            // Equal in all rows, which are written together; the least is right in any case.
            let ends: Vec<i64> = row.try_get(3).map_err(&failed)?;
            if inbound.fluvio_ends.is_empty() || ends < inbound.fluvio_ends {
                inbound.fluvio_ends = ends;
            }
        }
        Ok(inbound)
    }

    /// Adds partitions on Kafka that are not known yet, to be read from the beginning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_inbound(
        &self,
        fluvio: &str,
        kafka: &str,
        partitions: u32,
    ) -> Result<(), StoreError> {
        self.client()
            .await?
            .execute(
                "INSERT INTO bridge_inbound
                     (fluvio_topic, kafka_topic, kafka_partition, next_offset, batch_end, fluvio_ends)
                 SELECT $1, $2, generate_series(0, $3::int - 1), 0, 0, '{}'
                 ON CONFLICT DO NOTHING",
                &[&fluvio, &kafka, &partition_column(partitions)?],
            )
            .await
            .map_err(StoreError::database("begin to read Kafka"))?;
        Ok(())
    }

    /// Stores how far all partitions of a topic on Kafka are read; false, and nothing is stored, when
    /// one of them is not known (any more) or was read further by another bridge.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn store_inbound(
        &self,
        fluvio: &str,
        kafka: &str,
        inbound: &Inbound,
    ) -> Result<bool, StoreError> {
        let failed = StoreError::database("store how far Kafka is read");
        let (mut partitions, mut nexts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for position in &inbound.positions {
            partitions.push(partition_column(position.partition)?);
            nexts.push(position.next_offset);
            ends.push(position.batch_end);
        }
        let client = self.client().await?;
        let statement = client
            .prepare_cached(STORE_INBOUND)
            .await
            .map_err(&failed)?;
        let stored = client
            .execute(
                &statement,
                &[
                    &fluvio,
                    &kafka,
                    &partitions,
                    &nexts,
                    &ends,
                    &inbound.fluvio_ends,
                ],
            )
            .await
            .map_err(&failed)?;
        Ok(stored == inbound.positions.len() as u64)
    }
}

/// All rows or none, in one statement: it is one transaction, and one round trip a batch.
const STORE_INBOUND: &str = "
WITH given AS (
    SELECT * FROM unnest($3::int[], $4::bigint[], $5::bigint[])
        AS given (kafka_partition, next_offset, batch_end)
), known AS (
    SELECT known.kafka_partition FROM bridge_inbound AS known
    JOIN given USING (kafka_partition)
    WHERE fluvio_topic = $1 AND kafka_topic = $2
      AND known.next_offset <= given.next_offset
    ORDER BY known.kafka_partition FOR UPDATE OF known
)
UPDATE bridge_inbound AS stored
SET next_offset = given.next_offset, batch_end = given.batch_end, fluvio_ends = $6,
    updated_at = now()
FROM given
WHERE stored.fluvio_topic = $1 AND stored.kafka_topic = $2
  AND stored.kafka_partition = given.kafka_partition
  AND (SELECT count(*) FROM known) = (SELECT count(*) FROM given)";
