//! The partition of a record: for a key, the rule of Fluvio's client, on every adapter.

use std::sync::atomic::{AtomicU32, Ordering};

use ballot::partition_of;

use crate::NewRecord;

/// Gives each record to its partition, in order. Records without a key take turns, which `keyless` counts.
pub(crate) fn by_partition(
    records: Vec<NewRecord>,
    partitions: u32,
    keyless: &AtomicU32,
) -> Vec<Vec<NewRecord>> {
    let mut shares: Vec<Vec<NewRecord>> = (0..partitions).map(|_| Vec::new()).collect();
    for record in records {
        let partition = match &record.key {
            Some(key) => partition_of(key, partitions),
            None => keyless.fetch_add(1, Ordering::Relaxed) % partitions,
        };
        shares[partition as usize].push(record);
    }
    shares
}
