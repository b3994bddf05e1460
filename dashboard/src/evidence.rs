//! What can be held against whoever changes the log later: the head of each partition's chain, and the
//! latest seal.

use std::collections::BTreeMap;

use domain::{Digest, Seal, moment_text};

use crate::model::{PartitionEvidence, SealedVotes};

/// The newest of every partition.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    heads: BTreeMap<u32, (i64, Digest)>,
    seal: Vec<Seal>,
}

impl Evidence {
    /// Takes over a partition's head over the records before `offset`; returns whether it is news. One
    /// of fewer records is older.
    pub(crate) fn apply_head(&mut self, partition: u32, offset: i64, head: Option<Digest>) -> bool {
        let Some(head) = head else { return false };
        let known = self.heads.get(&partition);
        if known.is_some_and(|&(known, _)| known > offset) {
            return false;
        }
        self.heads.insert(partition, (offset, head)) != Some((offset, head))
    }

    /// Takes over the latest seal, of all partitions; returns whether it is news.
    pub(crate) fn apply_seal(&mut self, seal: Vec<Seal>) -> bool {
        let is_news = self.seal != seal;
        self.seal = seal;
        is_news
    }

    /// Every partition of which there is something to show.
    pub(crate) fn partitions(&self) -> Vec<PartitionEvidence> {
        let mut shown: BTreeMap<u32, PartitionEvidence> = BTreeMap::new();
        for (&partition, &(chained_to, head)) in &self.heads {
            let at = shown.entry(partition).or_default();
            at.chained_to = chained_to;
            at.chain_head = Some(head.to_string());
        }
        for seal in &self.seal {
            shown.entry(seal.partition).or_default().seal = Some(SealedVotes {
                seal: seal.number,
                sealed_at: moment_text(seal.sealed_at).unwrap_or_default(),
                sealed_to: seal.next_offset,
                votes: seal.leaves,
                chain_head: seal.chain_head.to_string(),
                tree_root: seal.tree_root.to_string(),
                root: seal.root().to_string(),
            });
        }
        for (&partition, at) in &mut shown {
            at.partition = partition;
        }
        shown.into_values().collect()
    }
}
