//! Inclusion receipts: proof for a voter that the vote is among those that a published root stands
//! for, without showing whom it was for.
//!
//! The formats are in `docs/data-contracts.md`, so that others can check a receipt.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

use crate::merkle::leaf_hash;
use crate::{BlindingKey, Digest, InclusionProof};

const COMMITMENT: &[u8] = b"election-fluvio/choice/1\n";
const VOTE: &[u8] = b"election-fluvio/vote/1\n";
const SEAL: &[u8] = b"election-fluvio/seal/1\n";

/// What hides the choice of a voter, and what commits to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// The blinding.
    pub blinding: Digest,
    /// The choice.
    pub candidate_id: String,
}

impl Reveal {
    /// The choice of a voter, blinded.
    pub fn new(key: &BlindingKey, voter_id: &str, candidate_id: &str) -> Reveal {
        Reveal {
            blinding: Digest::from_bytes(key.blinding(voter_id)),
            candidate_id: candidate_id.to_owned(),
        }
    }

    /// Commits to the choice without showing it.
    pub fn commitment(&self) -> Digest {
        let Reveal {
            blinding,
            candidate_id,
        } = self;
        Digest::of(&[COMMITMENT, blinding.as_bytes(), candidate_id.as_bytes()])
    }
}

/// The leaf of a vote that counts.
pub fn vote_leaf(partition: u32, offset: i64, voter_id: &str, commitment: Digest) -> Digest {
    leaf_hash(&[
        VOTE,
        &partition.to_le_bytes(),
        &offset.to_le_bytes(),
        voter_id.as_bytes(),
        commitment.as_bytes(),
    ])
}

/// What `election seal` states of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The seal's number, from 1 on; all partitions are sealed together.
    pub number: u32,
    /// The partition.
    pub partition: u32,
    /// When, in milliseconds since 1970.
    pub sealed_at: i64,
    /// The records before this offset are sealed.
    pub next_offset: i64,
    /// The head of the log's chain there.
    pub chain_head: Digest,
    /// Votes among them that count: leaves of the tree.
    pub leaves: u64,
    /// The root of the tree.
    pub tree_root: Digest,
}

impl Seal {
    /// The published root: a hash over the whole statement, so that nobody can change a part of it.
    pub fn root(&self) -> Digest {
        Digest::of(&[
            SEAL,
            &self.number.to_le_bytes(),
            &self.partition.to_le_bytes(),
            &self.sealed_at.to_le_bytes(),
            &self.next_offset.to_le_bytes(),
            self.chain_head.as_bytes(),
            &self.leaves.to_le_bytes(),
            self.tree_root.as_bytes(),
        ])
    }
}

/// What a voter is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The voter.
    pub voter_id: String,
    /// The partition of `votes`.
    pub partition: u32,
    /// The vote's offset there.
    pub offset: i64,
    /// Commits to the choice.
    pub commitment: Digest,
    /// The vote's number among those of the partition that count, from 0 on.
    pub leaf_index: u64,
    /// The hashes beside the way to the tree's root, from the leaf up.
    pub audit_path: Vec<Digest>,
    /// Votes of the partition that count.
    pub tree_size: u64,
    /// The seal that the receipt is for.
    pub seal: u32,
    /// When it was made.
    #[serde(with = "sealed_at")]
    pub sealed_at: i64,
    /// The records before this offset are sealed.
    pub sealed_to: i64,
    /// The head of the log's chain there.
    pub chain_head: Digest,
    /// The seal's root, to be compared with the published one.
    pub root: Digest,
    /// Shows whom the vote was for; left out unless it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reveal: Option<Reveal>,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The parts do not lead to the root.
    #[error("it does not lead to its root: a part of it is not what was written")]
    OtherRoot,
    /// The choice it shows is not the one it commits to.
    #[error("it does not commit to the choice that it shows")]
    OtherChoice,
    /// Its root is not the published one.
    #[error(
        "its root is {root}, the published one is {published}: it is not for that seal and partition"
    )]
    NotPublished {
        /// The receipt's.
        root: Digest,
        /// The one it was to have.
        published: Digest,
    },
}

impl Receipt {
    /// The receipt of the vote that `proof` leads to `seal` from.
    pub fn new(
        voter_id: String,
        offset: i64,
        commitment: Digest,
        proof: InclusionProof,
        seal: &Seal,
    ) -> Receipt {
        Receipt {
            voter_id,
            partition: seal.partition,
            offset,
            commitment,
            leaf_index: proof.leaf_index,
            audit_path: proof.audit_path,
            tree_size: proof.tree_size,
            seal: seal.number,
            sealed_at: seal.sealed_at,
            sealed_to: seal.next_offset,
            chain_head: seal.chain_head,
            root: seal.root(),
            reveal: None,
        }
    }

    /// Checks the receipt by itself, and that its root is the published one where that is given.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn verify(&self, published: Option<Digest>) -> Result<(), ReceiptError> {
        if self.computed_root() != Some(self.root) {
            return Err(ReceiptError::OtherRoot);
        }
        if let Some(reveal) = &self.reveal
            && reveal.commitment() != self.commitment
        {
            return Err(ReceiptError::OtherChoice);
        }
        match published {
            Some(published) if published != self.root => Err(ReceiptError::NotPublished {
                root: self.root,
                published,
            }),
            _ => Ok(()),
        }
    }

    fn computed_root(&self) -> Option<Digest> {
        if !(0..self.sealed_to).contains(&self.offset) {
            return None;
        }
        let leaf = vote_leaf(self.partition, self.offset, &self.voter_id, self.commitment);
        let proof = InclusionProof {
            leaf_index: self.leaf_index,
            tree_size: self.tree_size,
            audit_path: self.audit_path.clone(),
        };
        let seal = Seal {
            number: self.seal,
            partition: self.partition,
            sealed_at: self.sealed_at,
            next_offset: self.sealed_to,
            chain_head: self.chain_head,
            leaves: self.tree_size,
            tree_root: proof.root(leaf)?,
        };
        Some(seal.root())
    }
}

/// A moment in milliseconds since 1970, as text: RFC 3339 in UTC. `None` where no calendar has it.
pub fn moment_text(ms: i64) -> Option<String> {
    let moment = DateTime::from_timestamp_millis(ms)?;
    Some(moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

mod sealed_at {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        let text = super::moment_text(*ms).ok_or_else(|| S::Error::custom("no calendar has it"))?;
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = chrono::DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
        Ok(moment.timestamp_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChainedTopic, ElectionKey, MerkleTree, first_head};

    fn receipt() -> Receipt {
        receipt_of_seal_to(20)
    }

    /// The receipt of the vote at offset 11.
    fn receipt_of_seal_to(next_offset: i64) -> Receipt {
        let key = ElectionKey::from_bytes([7; 32]).blindings();
        let mut tree = MerkleTree::default();
        let mut ana = None;
        for (offset, voter) in (10..).zip(["eve", "ana", "ben", "ida", "joe"]) {
            let reveal = Reveal::new(&key, voter, "c1");
            let leaf = vote_leaf(1, offset, voter, reveal.commitment());
            if voter == "ana" {
                tree.push_marked(leaf);
                ana = Some((offset, reveal));
            } else {
                tree.push(leaf);
            }
        }
        let seal = Seal {
            number: 2,
            partition: 1,
            sealed_at: 1_795_366_300_123,
            next_offset,
            chain_head: first_head(ChainedTopic::Votes, 1, 0),
            leaves: tree.leaves(),
            tree_root: tree.root(),
        };
        let (offset, reveal) = ana.unwrap();
        let proof = tree.proof().unwrap();
        Receipt {
            reveal: Some(reveal.clone()),
            ..Receipt::new("ana".into(), offset, reveal.commitment(), proof, &seal)
        }
    }

    /// What `docs/data-contracts.md` says; no other figures may come out, ever.
    #[test]
    fn the_documented_vectors_hold() {
        let receipt = receipt();
        let reveal = receipt.reveal.as_ref().unwrap();
        let leaf = vote_leaf(1, 11, "ana", receipt.commitment);
        let documented = include_str!("../../../docs/data-contracts.md");
        for digest in [
            reveal.blinding,
            receipt.commitment,
            leaf,
            receipt.chain_head,
            receipt.root,
        ] {
            assert!(documented.contains(&digest.to_string()), "{digest}");
        }
    }

    #[test]
    fn a_receipt_is_read_as_it_is_written_and_verifies() {
        let receipt = receipt();
        let json = serde_json::to_string(&receipt).unwrap();
        assert!(json.contains("2026-11-22T"), "{json}");
        let read: Receipt = serde_json::from_str(&json).unwrap();
        assert_eq!(read, receipt);
        assert_eq!(read.verify(None), Ok(()));
        assert_eq!(read.verify(Some(receipt.root)), Ok(()));
        let other = Digest::of(&[b"other"]);
        assert!(matches!(
            read.verify(Some(other)),
            Err(ReceiptError::NotPublished { .. })
        ));
    }

    #[test]
    fn every_changed_field_is_found() {
        let receipt = receipt();
        let object = serde_json::to_value(&receipt).unwrap();
        let fields = object.as_object().unwrap();
        for (field, value) in fields {
            let changed = match value {
                serde_json::Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
                serde_json::Value::String(text) => {
                    let last = text.rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
                    // The last digit of the moment stands before its `Z`.
                    let last = if field == "sealed_at" { last - 1 } else { last };
                    let other = if text[last..].starts_with('1') {
                        "2"
                    } else {
                        "1"
                    };
                    let mut text = text.clone();
                    text.replace_range(last..=last, other);
                    text.into()
                }
                serde_json::Value::Array(path) => path[1..].to_vec().into(),
                serde_json::Value::Object(_) => serde_json::json!({
                    "blinding": value["blinding"], "candidate_id": "c2"
                }),
                other => panic!("{field}: {other}"),
            };
            let mut tampered = object.clone();
            tampered[field] = changed;
            let tampered: Receipt = serde_json::from_value(tampered).unwrap();
            assert!(tampered.verify(None).is_err(), "{field}");
        }
        let mut more = object.clone();
        more["note"] = "x".into();
        assert!(serde_json::from_value::<Receipt>(more).is_err());
    }

    /// A seal may claim fewer records than its tree was made of.
    #[test]
    fn a_vote_behind_the_end_of_its_seal_proves_nothing() {
        let verified = |sealed_to| receipt_of_seal_to(sealed_to).verify(None);
        assert_eq!(verified(12), Ok(()));
        assert_eq!(verified(11), Err(ReceiptError::OtherRoot));
    }

    #[test]
    fn a_commitment_shows_nothing_without_the_blinding() {
        let key = ElectionKey::from_bytes([7; 32]).blindings();
        let ana = Reveal::new(&key, "ana", "c1");
        assert_ne!(
            ana.commitment(),
            Reveal::new(&key, "ben", "c1").commitment()
        );
        assert_ne!(
            ana.commitment(),
            Reveal::new(&key, "ana", "c2").commitment()
        );
        let other = ElectionKey::from_bytes([8; 32]).blindings();
        assert_ne!(
            ana.commitment(),
            Reveal::new(&other, "ana", "c1").commitment()
        );
    }
}
