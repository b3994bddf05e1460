//! Builds the tree over the counted votes of a partition, and compares it with the partition's seals.

use std::collections::VecDeque;

use evidence::{BlindingKey, MerkleTree, Reveal, Seal, vote_leaf};

use super::findings::Findings;

/// The tree of a partition, from its first record on.
pub(crate) struct SealedVotes {
    key: BlindingKey,
    partition: u32,
    tree: MerkleTree,
    /// The seals that are not compared yet, in the order of the log.
    seals: VecDeque<Seal>,
}

impl SealedVotes {
    /// An empty tree; `seals` may contain those of other partitions.
    pub(crate) fn new(key: &BlindingKey, partition: u32, seals: &[Seal]) -> SealedVotes {
        let mut seals: Vec<Seal> = seals
            .iter()
            .filter(|seal| seal.partition == partition)
            .copied()
            .collect();
        seals.sort_by_key(|seal| seal.next_offset);
        SealedVotes {
            key: key.clone(),
            partition,
            tree: MerkleTree::default(),
            seals: seals.into(),
        }
    }

    /// Adds a vote that counts.
    pub(crate) fn add(&mut self, offset: i64, voter_id: &str, candidate_id: &str) {
        self.tree.push(self.leaf(offset, voter_id, candidate_id));
    }

    /// Adds the vote that a receipt is for, and returns the reveal of its choice.
    pub(crate) fn add_marked(&mut self, offset: i64, voter_id: &str, candidate_id: &str) -> Reveal {
        let leaf = self.leaf(offset, voter_id, candidate_id);
        self.tree.push_marked(leaf);
        Reveal::new(&self.key, voter_id, candidate_id)
    }

    fn leaf(&self, offset: i64, voter_id: &str, candidate_id: &str) -> evidence::Digest {
        let reveal = Reveal::new(&self.key, voter_id, candidate_id);
        vote_leaf(self.partition, offset, voter_id, reveal.commitment())
    }

    /// Compares the seals that end at or before `offset`. All votes before it must have been added.
    pub(crate) fn reached(&mut self, offset: i64, findings: &mut Findings) {
        while let Some(seal) = self.seals.pop_front_if(|seal| seal.next_offset <= offset) {
            findings.seals += 1;
            if !self.is_of(&seal) {
                findings.differ(format!(
                    "partition {} offsets 0..{}: seal {} is of {} votes with tree {}, the log has {} with \
                     tree {} (or the key is the wrong one)",
                    self.partition,
                    seal.next_offset,
                    seal.number,
                    seal.leaves,
                    seal.tree_root,
                    self.tree.leaves(),
                    self.tree.root()
                ));
            }
        }
    }

    /// Whether the seal matches the votes added so far.
    pub(crate) fn is_of(&self, seal: &Seal) -> bool {
        (self.tree.leaves(), self.tree.root()) == (seal.leaves, seal.tree_root)
    }

    /// Compares the remaining seals at the log's end, and returns the tree.
    pub(crate) fn finish(mut self, log_end: i64, findings: &mut Findings) -> MerkleTree {
        self.reached(log_end, findings);
        for seal in &self.seals {
            findings.differ(format!(
                "partition {}: seal {} goes up to offset {}, the log ends at {log_end}",
                self.partition, seal.number, seal.next_offset
            ));
        }
        self.tree
    }
}
