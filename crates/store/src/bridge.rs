//! What the bridge stores: how far Kafka's topics are read, and the lock that admits one bridge at a time.

use std::time::Duration;

use crate::columns::partition_column;
use crate::connection::Connection;
use crate::{Store, StoreError};

/// Key of the advisory lock that the running bridge holds.
const BRIDGE_LOCK: i64 = 0x656c_6563_6272_6467;
/// How often the holder of the lock checks its connection.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// How far a partition on Kafka is read. Records before `next_offset` are on Fluvio; those from there
/// to `batch_end` were being written when this was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundPosition {
    /// The partition on Kafka.
    pub partition: u32,
    /// Records before this offset are on Fluvio.
    pub next_offset: i64,
    /// Records from this offset on are not on Fluvio.
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

/// The right to be the bridge of this database's election. It is given up when it is dropped.
#[derive(Debug)]
pub struct BridgeLock {
    /// `None` if the database takes only one connection, ours: there can be no other bridge.
    connection: Option<(Connection, Store)>,
}

impl BridgeLock {
    /// Returns when the lock is lost with its connection. By then another bridge may have it.
    pub async fn lost(&self) -> StoreError {
        let Some((connection, _)) = &self.connection else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(CHECK_EVERY).await;
            if let Err(error) = connection.batch("hold the bridge's lock", "").await {
                return error;
            }
        }
    }
}

impl Drop for BridgeLock {
    fn drop(&mut self) {
        if let Some((_, store)) = &self.connection {
            // The connection is closed when it comes back, and the lock ends with it.
            store.close();
        }
    }
}

impl Store {
    /// Takes the right to be this election's bridge; `None` while another bridge has it. A separate
    /// connection holds it. The embedded server, which takes only one connection, needs no lock.
    pub async fn try_bridge_lock(&self) -> Result<Option<BridgeLock>, StoreError> {
        if self.max_connections() == 1 {
            return Ok(Some(BridgeLock { connection: None }));
        }
        let own = self.another_pool(1)?;
        let connection = own.connection().await?;
        let statement = "SELECT pg_try_advisory_lock($1)";
        let row = connection
            .query_one("take the bridge's lock", statement, &[&BRIDGE_LOCK])
            .await;
        // Before the answer is known, since dropping it closes the connection.
        let lock = BridgeLock {
            connection: Some((connection, own)),
        };
        let is_ours: bool = row?.get(0)?;
        Ok(is_ours.then_some(lock))
    }

    /// How far a topic on Kafka is read into one on Fluvio.
    pub async fn inbound(&self, fluvio: &str, kafka: &str) -> Result<Inbound, StoreError> {
        let rows = self
            .connection()
            .await?
            .query(
                "read how far Kafka is read",
                "SELECT kafka_partition, next_offset, batch_end, fluvio_ends FROM bridge_inbound
                 WHERE fluvio_topic = $1 AND kafka_topic = $2 ORDER BY kafka_partition",
                &[&fluvio, &kafka],
            )
            .await?;
        let mut inbound = Inbound::default();
        for row in rows {
            inbound.positions.push(InboundPosition {
                partition: row.partition("bridge_inbound", 0)?,
                next_offset: row.get(1)?,
                batch_end: row.get(2)?,
            });
            // All rows are written together and have the same ends. The smallest is safe in any case.
            let ends: Vec<i64> = row.get(3)?;
            if inbound.fluvio_ends.is_empty() || ends < inbound.fluvio_ends {
                inbound.fluvio_ends = ends;
            }
        }
        Ok(inbound)
    }

    /// Adds partitions on Kafka that are not known yet; they are read from the beginning.
    pub async fn add_inbound(
        &self,
        fluvio: &str,
        kafka: &str,
        partitions: u32,
    ) -> Result<(), StoreError> {
        self.connection()
            .await?
            .execute(
                "begin to read Kafka",
                "INSERT INTO bridge_inbound
                     (fluvio_topic, kafka_topic, kafka_partition, next_offset, batch_end, fluvio_ends)
                 SELECT $1, $2, generate_series(0, $3::int - 1), 0, 0, '{}'
                 ON CONFLICT DO NOTHING",
                &[&fluvio, &kafka, &partition_column(partitions)?],
            )
            .await?;
        Ok(())
    }

    /// Stores how far all partitions of a topic on Kafka are read. Stores nothing and returns false if one
    /// of them is unknown or was read further by another bridge.
    pub async fn store_inbound(
        &self,
        fluvio: &str,
        kafka: &str,
        inbound: &Inbound,
    ) -> Result<bool, StoreError> {
        let (mut partitions, mut nexts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for position in &inbound.positions {
            partitions.push(partition_column(position.partition)?);
            nexts.push(position.next_offset);
            ends.push(position.batch_end);
        }
        let stored = self
            .connection()
            .await?
            .execute(
                "store how far Kafka is read",
                STORE_INBOUND,
                &[
                    &fluvio,
                    &kafka,
                    &partitions,
                    &nexts,
                    &ends,
                    &inbound.fluvio_ends,
                ],
            )
            .await?;
        Ok(stored == inbound.positions.len() as u64)
    }
}

/// All rows or none. One statement, because it is one transaction and takes one round trip for a batch.
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
