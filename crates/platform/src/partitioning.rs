//! Which partition a key belongs to: the rule of Fluvio's client, on every adapter.

use std::hash::{Hash, Hasher};

use siphasher::sip::SipHasher;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_spread_and_stay() {
        let mut counts = [0; 4];
        for n in 0..4_000 {
            counts[partition_of(format!("voter-{n}").as_bytes(), 4) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| count > 900), "{counts:?}");
        assert_eq!(partition_of(b"voter-1", 4), partition_of(b"voter-1", 4));
    }
}
