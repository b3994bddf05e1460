//! A Merkle tree over leaves that come one by one: its root, and the path of one leaf to it. Leaves
//! and nodes are hashed as RFC 6962 has it, with BLAKE3.
//!
//! The tree keeps the roots of its complete subtrees only, one for each binary digit of the number of
//! leaves: a hundred million leaves take 27 hashes. The path of a leaf is gathered on the way.

use crate::Digest;

const LEAF: &[u8] = &[0];
const NODE: &[u8] = &[1];

/// The hash of a leaf.
pub(crate) fn leaf_hash(data: &[&[u8]]) -> Digest {
    let parts: Vec<&[u8]> = std::iter::once(LEAF).chain(data.iter().copied()).collect();
    Digest::of(&parts)
}

fn node_hash(left: Digest, right: Digest) -> Digest {
    Digest::of(&[NODE, left.as_bytes(), right.as_bytes()])
}

/// A tree that grows by a leaf at a time.
#[derive(Debug, Clone, Default)]
pub struct MerkleTree {
    /// Complete subtrees, largest first, each with fewer leaves than the one before.
    subtrees: Vec<Subtree>,
    leaves: u64,
    marked: Option<u64>,
    path: Vec<Digest>,
}

#[derive(Debug, Clone, Copy)]
struct Subtree {
    leaves: u64,
    hash: Digest,
    holds_marked: bool,
}

/// Where a leaf stands in a tree, and what leads from it to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf's number, from 0 on.
    pub leaf_index: u64,
    /// Leaves of the tree.
    pub tree_size: u64,
    /// The hashes beside the way to the root, from the leaf up.
    pub audit_path: Vec<Digest>,
}

impl MerkleTree {
    /// Adds a leaf, given as its hash.
    pub fn push(&mut self, leaf: Digest) {
        self.add(leaf, false);
    }

    /// Adds the leaf whose path will be asked for. There is one such leaf: the first that is added
    /// this way.
    pub fn push_marked(&mut self, leaf: Digest) {
        let is_first = self.marked.is_none();
        if is_first {
            self.marked = Some(self.leaves);
        }
        self.add(leaf, is_first);
    }

    fn add(&mut self, leaf: Digest, is_marked: bool) {
        self.leaves += 1;
        let mut subtree = Subtree {
            leaves: 1,
            hash: leaf,
            holds_marked: is_marked,
        };
        while let Some(left) = self.subtrees.pop_if(|left| left.leaves == subtree.leaves) {
            subtree = join(left, subtree, &mut self.path);
        }
        self.subtrees.push(subtree);
    }

    /// How many leaves it has.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root of what was added so far.
    pub fn root(&self) -> Digest {
        self.fold(&mut Vec::new())
    }

    /// The path of the marked leaf, if there is one, in the tree as it is.
    pub fn proof(&self) -> Option<InclusionProof> {
        let leaf_index = self.marked?;
        let mut audit_path = self.path.clone();
        self.fold(&mut audit_path);
        Some(InclusionProof {
            leaf_index,
            tree_size: self.leaves,
            audit_path,
        })
    }

    /// Joins the subtrees, smallest first, into the root.
    fn fold(&self, path: &mut Vec<Digest>) -> Digest {
        let joined = self
            .subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| join(left, right, path));
        joined.map_or_else(|| Digest::of(&[]), |whole| whole.hash)
    }
}

fn join(left: Subtree, right: Subtree, path: &mut Vec<Digest>) -> Subtree {
    if left.holds_marked {
        path.push(right.hash);
    } else if right.holds_marked {
        path.push(left.hash);
    }
    Subtree {
        leaves: left.leaves + right.leaves,
        hash: node_hash(left.hash, right.hash),
        holds_marked: left.holds_marked || right.holds_marked,
    }
}

impl InclusionProof {
    /// The root that the path leads to from this leaf; `None` when the path is too long or too short for
    /// its place in the tree. As in RFC 9162, 2.1.3.2.
    pub fn root(&self, leaf: Digest) -> Option<Digest> {
        let mut last = self.tree_size.checked_sub(1)?;
        let mut at = self.leaf_index;
        if at > last {
            return None;
        }
        let mut hash = leaf;
        for &beside in &self.audit_path {
            if last == 0 {
                return None;
            }
            if at % 2 == 1 || at == last {
                hash = node_hash(beside, hash);
                // Where a subtree has nothing to its right, it stands in for its parent.
                while at.is_multiple_of(2) && at != 0 {
                    at /= 2;
                    last /= 2;
                }
            } else {
                hash = node_hash(hash, beside);
            }
            at /= 2;
            last /= 2;
        }
        (last == 0).then_some(hash)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf(n: u64) -> Digest {
        leaf_hash(&[&n.to_le_bytes()])
    }

    /// The largest power of two below `n`.
    fn split(n: usize) -> usize {
        n.next_power_of_two() / 2
    }

    /// MTH, word by word from RFC 6962, 2.1.
    fn naive_root(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(&[]),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node_hash(naive_root(left), naive_root(right))
            }
        }
    }

    /// PATH, word by word from RFC 6962, 2.1.1.
    fn naive_path(at: usize, leaves: &[Digest]) -> Vec<Digest> {
        if leaves.len() == 1 {
            return vec![];
        }
        let (left, right) = leaves.split_at(split(leaves.len()));
        let (mut path, beside) = if at < left.len() {
            (naive_path(at, left), naive_root(right))
        } else {
            (naive_path(at - left.len(), right), naive_root(left))
        };
        path.push(beside);
        path
    }

    fn tree(leaves: &[Digest], marked: usize) -> MerkleTree {
        let mut tree = MerkleTree::default();
        for (at, &leaf) in leaves.iter().enumerate() {
            if at == marked {
                tree.push_marked(leaf);
            } else {
                tree.push(leaf);
            }
        }
        tree
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved() {
        for size in 1..70 {
            let leaves: Vec<_> = (0..size).map(leaf).collect();
            for marked in 0..leaves.len() {
                let tree = tree(&leaves, marked);
                let proof = tree.proof().unwrap();
                assert_eq!(tree.root(), naive_root(&leaves));
                assert_eq!(proof.audit_path, naive_path(marked, &leaves));
                assert_eq!(proof.root(leaves[marked]), Some(tree.root()));
            }
        }
    }

    #[test]
    fn an_empty_tree_has_a_root_and_no_proof() {
        let mut tree = MerkleTree::default();
        assert_eq!(tree.root(), naive_root(&[]));
        assert_eq!((tree.leaves(), tree.proof()), (0, None));
        tree.push(leaf(0));
        assert_eq!((tree.leaves(), tree.proof()), (1, None));
    }

    #[test]
    fn a_leaf_is_no_node() {
        let (left, right) = (leaf(0), leaf(1));
        let both = [left.as_bytes().as_slice(), right.as_bytes()];
        assert_ne!(leaf_hash(&both), node_hash(left, right));
    }

    proptest! {
        #[test]
        fn nothing_else_is_proved(size in 2u64..600, marked: u64, other: u64, bit in 0usize..256) {
            let leaves: Vec<_> = (0..size).map(leaf).collect();
            let marked = marked % size;
            let tree = tree(&leaves, marked as usize);
            let (root, proof) = (tree.root(), tree.proof().unwrap());
            let leaf = leaves[marked as usize];
            prop_assert_eq!(proof.root(leaf), Some(root));

            let other = other % size;
            prop_assert_eq!(proof.root(leaves[other as usize]) == Some(root), other == marked);
            let elsewhere = InclusionProof { leaf_index: other, ..proof.clone() };
            prop_assert_eq!(elsewhere.root(leaf) == Some(root), other == marked);
            for at in 0..proof.audit_path.len() {
                let mut changed = proof.clone();
                let mut bytes = *changed.audit_path[at].as_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                changed.audit_path[at] = Digest::from_bytes(bytes);
                prop_assert_ne!(changed.root(leaf), Some(root));
                let mut shorter = proof.clone();
                shorter.audit_path.remove(at);
                prop_assert_ne!(shorter.root(leaf), Some(root));
                let mut longer = proof.clone();
                longer.audit_path.insert(at, root);
                prop_assert_ne!(longer.root(leaf), Some(root));
            }
            let mut beyond_root = proof.clone();
            beyond_root.audit_path.push(root);
            prop_assert_eq!(beyond_root.root(leaf), None);
            let outside = InclusionProof { leaf_index: size, ..proof.clone() };
            prop_assert_eq!(outside.root(leaf), None);
            let none = InclusionProof { tree_size: 0, ..proof };
            prop_assert_eq!(none.root(leaf), None);
        }
    }
}
