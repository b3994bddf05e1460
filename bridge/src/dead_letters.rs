//! Records that the other side does not take. They are left behind and noted, and the bridge goes on: one such record must not
//! stop it.

use platform::NewRecord;
use wire::{BridgeDirection, DeadLetter, topics};

use crate::BridgeError;
use crate::context::Context;
use crate::progress::Place;

/// Why a record is left behind.
pub(crate) struct Undeliverable {
    pub(crate) offset: i64,
    /// Bytes of key and value together.
    pub(crate) bytes: usize,
    pub(crate) reason: String,
}

/// Notes a record that is left behind, once: on the topic of dead letters, in their table, and in the progress.
pub(crate) async fn leave_behind(
    context: &Context,
    place: &Place,
    undeliverable: Undeliverable,
) -> Result<(), BridgeError> {
    let Undeliverable {
        offset,
        bytes,
        reason,
    } = undeliverable;
    let letter = DeadLetter {
        direction: match place.to_kafka {
            true => BridgeDirection::ToKafka,
            false => BridgeDirection::FromKafka,
        },
        topic: place.topic.clone(),
        kafka_topic: place.kafka_topic.clone(),
        partition: place.partition,
        offset,
        bytes: bytes as u64,
        reason,
    };
    if !context.store.is_dead_letter(&letter).await? {
        tracing::warn!("left behind {}: {}", letter.key(), letter.reason);
        let record = NewRecord {
            key: Some(letter.key().into_bytes()),
            value: serde_json::to_vec(&letter)
                .expect("invariant: a struct of text and numbers has a JSON form"),
        };
        // Before the table: a crash in between notes it twice on the topic, where its key tells.
        let platform = &context.platform;
        platform.produce(topics::DEAD_LETTERS, vec![record]).await?;
        context.store.add_dead_letter(&letter).await?;
    }
    context.progress.update(place, |at| {
        if at.last_left_behind.is_none_or(|last| offset > last) {
            at.last_left_behind = Some(offset);
            at.left_behind += 1;
        }
    });
    Ok(())
}
