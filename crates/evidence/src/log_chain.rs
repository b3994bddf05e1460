//! The tamper-evident log: each persisted batch of a partition of `votes` or `voters` is hashed, and each hash
//! is chained to those before it.
//!
//! The formats, with test vectors, are in `docs/data-contracts.md`, so that others can check them with
//! any BLAKE3. A batch is what was persisted in one transaction, whatever the platform's own batches
//! are.

use serde::{Deserialize, Serialize};

use crate::Digest;

const BATCH: &[u8] = b"election-fluvio/batch/1\n";
const FIRST_OF_VOTES: &[u8] = b"election-fluvio/chain-begin/1\n";
const FIRST_OF_VOTERS: &[u8] = b"election-fluvio/voters-chain-begin/1\n";
const LINK: &[u8] = b"election-fluvio/chain-link/1\n";

/// Stands where a record has whether it has a key (0 or 1), before the number of offsets that cannot be read.
const UNREADABLE: u8 = 2;

/// Bytes that are hashed at once: BLAKE3 is several times as fast on many as on a record's.
const HASHED_AT_ONCE: usize = 64 << 10;

/// A topic whose persisted batches are chained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainedTopic {
    /// Votes as cast.
    Votes,
    /// Registered voters.
    Voters,
}

impl ChainedTopic {
    /// The topic's name, on the platform and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            ChainedTopic::Votes => "votes",
            ChainedTopic::Voters => "voters",
        }
    }
}

/// Hashes a batch, record by record.
#[derive(Debug, Clone)]
pub struct BatchHasher {
    hasher: blake3::Hasher,
    /// Bytes that are still to be hashed.
    pending: Vec<u8>,
}

impl Default for BatchHasher {
    fn default() -> Self {
        BatchHasher {
            hasher: blake3::Hasher::new(),
            pending: BATCH.to_vec(),
        }
    }
}

impl BatchHasher {
    /// Adds the next record.
    pub fn record(&mut self, offset: i64, key: Option<&[u8]>, value: &[u8]) {
        self.pending.extend_from_slice(&offset.to_le_bytes());
        self.pending.push(u8::from(key.is_some()));
        if let Some(key) = key {
            self.bytes(key);
        }
        self.bytes(value);
        if self.pending.len() >= HASHED_AT_ONCE {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
    }

    /// Adds the rest of a batch that cannot be read, so many offsets from `offset` on.
    pub fn unreadable(&mut self, offset: i64, offsets: u32) {
        self.pending.extend_from_slice(&offset.to_le_bytes());
        self.pending.push(UNREADABLE);
        self.pending.extend_from_slice(&offsets.to_le_bytes());
    }

    /// Bytes with their length in front, so that nobody can move the border between two.
    fn bytes(&mut self, bytes: &[u8]) {
        self.pending
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.pending.extend_from_slice(bytes);
    }

    /// The batch's hash.
    pub fn finish(&self) -> Digest {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.pending);
        hasher.finalize().into()
    }
}

/// A batch of a partition, and the hash of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashedBatch {
    /// The partition.
    pub partition: u32,
    /// The batch's first offset.
    pub base_offset: i64,
    /// The offset after its last.
    pub next_offset: i64,
    /// The hash of its records.
    pub hash: Digest,
}

/// The head of a partition's chain before its first batch, which begins at offset `from`: 0, unless
/// records were persisted before there was a chain.
pub fn first_head(topic: ChainedTopic, partition: u32, from: i64) -> Digest {
    let first = match topic {
        ChainedTopic::Votes => FIRST_OF_VOTES,
        ChainedTopic::Voters => FIRST_OF_VOTERS,
    };
    Digest::of(&[first, &partition.to_le_bytes(), &from.to_le_bytes()])
}

/// The head of the chain after another batch.
pub fn next_head(head: Digest, batch: &HashedBatch) -> Digest {
    Digest::of(&[
        LINK,
        head.as_bytes(),
        &batch.partition.to_le_bytes(),
        &batch.base_offset.to_le_bytes(),
        &batch.next_offset.to_le_bytes(),
        batch.hash.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    use ChainedTopic::{Voters, Votes};

    type Record = (Option<Vec<u8>>, Vec<u8>);

    /// The head after these records, persisted in batches of these sizes.
    fn head(partition: u32, records: &[Record], sizes: &[usize]) -> Digest {
        let mut head = first_head(Votes, partition, 0);
        let mut base = 0;
        for &size in sizes {
            let mut hasher = BatchHasher::default();
            for (offset, (key, value)) in (base..).zip(&records[base..base + size]) {
                hasher.record(offset as i64, key.as_deref(), value);
            }
            let batch = HashedBatch {
                partition,
                base_offset: base as i64,
                next_offset: (base + size) as i64,
                hash: hasher.finish(),
            };
            head = next_head(head, &batch);
            base += size;
        }
        assert_eq!(base, records.len());
        head
    }

    #[test]
    fn a_large_batch_is_hashed_as_its_bytes_one_behind_the_other() {
        let value = [b'v'; 1_000];
        let (mut hasher, mut bytes) = (BatchHasher::default(), BATCH.to_vec());
        for offset in 0..(3 * HASHED_AT_ONCE / value.len()) as i64 {
            hasher.record(offset, Some(b"key"), &value);
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.push(1);
            for part in [&b"key"[..], &value] {
                bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
                bytes.extend_from_slice(part);
            }
            assert_eq!(hasher.finish(), Digest::of(&[&bytes]));
        }
    }

    /// What `docs/data-contracts.md` says; no other figures may come out, ever.
    #[test]
    fn the_documented_vectors_hold() {
        let mut hasher = BatchHasher::default();
        hasher.record(0, Some(b"ana"), b"{}");
        hasher.record(1, None, b"");
        let hash = hasher.finish();
        let first = first_head(Votes, 1, 0);
        let batch = HashedBatch {
            partition: 1,
            base_offset: 0,
            next_offset: 2,
            hash,
        };
        let documented = include_str!("../../../docs/data-contracts.md");
        for digest in [
            BatchHasher::default().finish(),
            hash,
            first,
            next_head(first, &batch),
            first_head(Voters, 1, 0),
            next_head(first_head(Voters, 1, 0), &batch),
        ] {
            assert!(documented.contains(&digest.to_string()), "{digest}");
        }
    }

    #[test]
    fn unreadable_offsets_have_a_hash_of_their_own() {
        let hash = |offsets| {
            let mut hasher = BatchHasher::default();
            hasher.unreadable(5, offsets);
            hasher.finish()
        };
        let mut empty = BatchHasher::default();
        empty.record(5, None, b"");
        assert_ne!(hash(1), hash(2));
        assert_ne!(hash(1), empty.finish());
    }

    fn record() -> impl Strategy<Value = Record> {
        (proptest::option::of(vec(0u8..4, 0..4)), vec(0u8..4, 0..6))
    }

    proptest! {
        #[test]
        fn any_change_of_a_record_changes_the_head(
            records in vec(record(), 1..12),
            at in any::<proptest::sample::Index>(),
            other in record(),
        ) {
            let at = at.index(records.len());
            let mut changed = records.clone();
            changed[at] = other;
            let sizes = [records.len()];
            prop_assert_eq!(
                head(0, &records, &sizes) == head(0, &changed, &sizes),
                records == changed
            );
        }

        #[test]
        fn order_boundaries_and_partition_change_the_head(
            records in vec(record(), 2..12),
            swap in any::<proptest::sample::Index>(),
            cut in any::<proptest::sample::Index>(),
        ) {
            let all = [records.len()];
            let whole = head(0, &records, &all);
            let at = swap.index(records.len() - 1);
            let mut swapped = records.clone();
            swapped.swap(at, at + 1);
            prop_assert_eq!(whole == head(0, &swapped, &all), records == swapped);

            let cut = 1 + cut.index(records.len() - 1);
            prop_assert_ne!(whole, head(0, &records, &[cut, records.len() - cut]));
            prop_assert_ne!(whole, head(1, &records, &all));
            let shorter = &records[..cut];
            prop_assert_ne!(whole, head(0, shorter, &[cut]));
        }

        #[test]
        fn the_head_stands_for_every_batch_before_it(
            records in vec(record(), 2..12),
            cut in any::<proptest::sample::Index>(),
            at in any::<proptest::sample::Index>(),
        ) {
            let cut = 1 + cut.index(records.len() - 1);
            let batches = [cut, records.len() - cut];
            let mut changed = records.clone();
            changed[at.index(cut)].1.push(0);
            prop_assert_ne!(head(0, &records, &batches), head(0, &changed, &batches));
        }

        #[test]
        fn bytes_do_not_move_from_key_to_value_or_to_the_next_record(
            bytes in vec(any::<u8>(), 1..12),
            cut in any::<proptest::sample::Index>(),
        ) {
            let cut = cut.index(bytes.len() + 1);
            let (left, right) = (bytes[..cut].to_vec(), bytes[cut..].to_vec());
            let forms = [
                head(0, &[(None, bytes.clone())], &[1]),
                head(0, &[(Some(bytes.clone()), vec![])], &[1]),
                head(0, &[(Some(vec![]), bytes.clone())], &[1]),
                head(0, &[(None, left.clone()), (None, right.clone())], &[2]),
            ];
            for (i, form) in forms.iter().enumerate() {
                prop_assert!(!forms[..i].contains(form));
            }
        }
    }

    #[test]
    fn a_chain_that_begins_elsewhere_is_another_one() {
        assert_ne!(first_head(Votes, 0, 0), first_head(Votes, 0, 7));
        assert_ne!(first_head(Votes, 0, 0), first_head(Votes, 1, 0));
        assert_ne!(first_head(Votes, 0, 0), first_head(Voters, 0, 0));
    }
}
