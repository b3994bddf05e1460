//! Records that the bridge could not carry.

use wire::{BridgeDirection, DeadLetter};

use crate::columns::partition_column;
use crate::{Store, StoreError};

impl Store {
    /// Whether the record at this place is noted.
    pub async fn is_dead_letter(&self, letter: &DeadLetter) -> Result<bool, StoreError> {
        let row = self
            .connection()
            .await?
            .query_opt(
                "look for a dead letter",
                r#"SELECT 1 FROM dead_letters
                   WHERE to_kafka = $1 AND topic = $2 AND kafka_topic = $3 AND "partition" = $4
                     AND log_offset = $5"#,
                &[
                    &(letter.direction == BridgeDirection::ToKafka),
                    &letter.topic,
                    &letter.kafka_topic,
                    &partition_column(letter.partition)?,
                    &letter.offset,
                ],
            )
            .await?;
        Ok(row.is_some())
    }

    /// Notes a record that the bridge cannot carry.
    pub async fn add_dead_letter(&self, letter: &DeadLetter) -> Result<(), StoreError> {
        self.connection()
            .await?
            .execute(
                "note a dead letter",
                r#"INSERT INTO dead_letters
                       (to_kafka, topic, kafka_topic, "partition", log_offset, bytes, reason)
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"#,
                &[
                    &(letter.direction == BridgeDirection::ToKafka),
                    &letter.topic,
                    &letter.kafka_topic,
                    &partition_column(letter.partition)?,
                    &letter.offset,
                    &i64::try_from(letter.bytes).unwrap_or(i64::MAX),
                    &letter.reason,
                ],
            )
            .await?;
        Ok(())
    }

    /// The first so many dead letters, by place, and how many there are.
    pub async fn dead_letters(&self, most: usize) -> Result<(Vec<DeadLetter>, u64), StoreError> {
        let connection = self.connection().await?;
        let rows = connection
            .query(
                "read the dead letters",
                r#"SELECT to_kafka, topic, kafka_topic, "partition", log_offset, bytes, reason,
                          count(*) OVER ()
                   FROM dead_letters
                   ORDER BY to_kafka, topic, kafka_topic, "partition", log_offset LIMIT $1"#,
                &[&i64::try_from(most).unwrap_or(i64::MAX)],
            )
            .await?;
        let damaged = |problem: String| StoreError::Damaged {
            table: "dead_letters",
            problem,
        };
        let mut letters = Vec::with_capacity(rows.len());
        let mut all = 0;
        for row in &rows {
            let partition: i32 = row.get(3)?;
            let to_kafka: bool = row.get(0)?;
            all = row.count("dead_letters", 7)?;
            letters.push(DeadLetter {
                direction: match to_kafka {
                    true => BridgeDirection::ToKafka,
                    false => BridgeDirection::FromKafka,
                },
                topic: row.get(1)?,
                kafka_topic: row.get(2)?,
                partition: u32::try_from(partition)
                    .map_err(|_| damaged(format!("no partition is {partition}")))?,
                offset: row.get(4)?,
                bytes: row.count("dead_letters", 5)?,
                reason: row.get(6)?,
            });
        }
        Ok((letters, all))
    }
}
