//! The partition of a record: for a key, the rule of Fluvio's client, on every adapter.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use siphasher::sip::SipHasher;

use crate::NewRecord;

/// The partition of `key` in a topic of `partitions` partitions: SipHash 2-4 of the key as a byte
/// slice, modulo, exactly as `fluvio` 0.50 does (`producer/partitioning.rs`). So the same voter is in
/// the same partition whichever client wrote it.
///
/// # Panics
/// Never for `partitions > 0`; no topic has none.
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    let mut hasher = SipHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() % u64::from(partitions)) as u32
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `fluvio produce` put the keys `voter-0`, `voter-1`, … in a topic of four partitions; `tests/fluvio.rs`
    /// compares 500 of them on a cluster.
    const BY_FLUVIO: [u32; 16] = [0, 1, 2, 0, 1, 2, 3, 1, 2, 2, 2, 2, 1, 0, 0, 0];

    #[test]
    fn keys_are_where_fluvio_puts_them() {
        let partitions = (0..16).map(|n| partition_of(format!("voter-{n}").as_bytes(), 4));
        assert!(partitions.eq(BY_FLUVIO));
    }
}
