//! Evidence against later changes of the log: the heads of each partition's chains, and the
//! latest seal.

use std::collections::BTreeMap;

use evidence::{Seal, moment_text};
use wire::PersistPosition;

use crate::model::{PartitionEvidence, SealedVotes};

/// The newest heads and the latest seal, by partition.
#[derive(Debug, Default)]
pub(crate) struct Evidence(BTreeMap<u32, PartitionEvidence>);

impl Evidence {
    /// Takes the heads of a partition's chains; returns whether one is new. A head over fewer records is older.
    pub(crate) fn apply_heads(&mut self, position: &PersistPosition) -> bool {
        if position.chain_head.or(position.voters_chain_head).is_none() {
            return false;
        }
        let at = self.0.entry(position.partition).or_default();
        let before = at.clone();
        at.partition = position.partition;
        if let Some(head) = position.chain_head
            && position.votes_to >= at.chained_to
        {
            at.chained_to = position.votes_to;
            at.chain_head = Some(head.to_string());
        }
        if let Some(head) = position.voters_chain_head
            && position.voters_to >= at.voters_chained_to
        {
            at.voters_chained_to = position.voters_to;
            at.voters_chain_head = Some(head.to_string());
        }
        *at != before
    }

    /// Takes the latest seal, of all partitions; returns whether it is new.
    pub(crate) fn apply_seal(&mut self, seal: Vec<Seal>) -> bool {
        let before = self.0.clone();
        for at in self.0.values_mut() {
            at.seal = None;
        }
        for seal in seal {
            let at = self.0.entry(seal.partition).or_default();
            at.partition = seal.partition;
            at.seal = Some(SealedVotes {
                seal: seal.number,
                sealed_at: moment_text(seal.sealed_at).unwrap_or_default(),
                sealed_to: seal.next_offset,
                votes: seal.leaves,
                chain_head: seal.chain_head.to_string(),
                tree_root: seal.tree_root.to_string(),
                root: seal.root().to_string(),
            });
        }
        self.0 != before
    }

    pub(crate) fn partitions(&self) -> Vec<PartitionEvidence> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use evidence::Digest;

    use super::*;

    fn seal(number: u32) -> Seal {
        Seal {
            number,
            partition: 0,
            sealed_at: 1_795_366_300_123,
            next_offset: 20,
            chain_head: Digest::from_bytes([1; 32]),
            leaves: 17,
            tree_root: Digest::from_bytes([2; 32]),
        }
    }

    #[test]
    fn the_newest_is_published() {
        let mut evidence = Evidence::default();
        assert!(evidence.partitions().is_empty());
        let heads = [3, 4].map(|byte| Digest::from_bytes([byte; 32]));
        let of_votes = |votes_to, chain_head| PersistPosition {
            votes_to,
            chain_head,
            ..PersistPosition::default()
        };
        assert!(evidence.apply_heads(&of_votes(10, Some(heads[0]))));
        assert!(evidence.apply_heads(&of_votes(20, Some(heads[1]))));
        let is_news = evidence.apply_heads(&of_votes(10, Some(heads[0])));
        assert!(!is_news, "it is older");
        assert!(!evidence.apply_heads(&of_votes(30, None)));
        let of_voters = PersistPosition {
            voters_to: 5,
            voters_chain_head: Some(heads[0]),
            ..PersistPosition::default()
        };
        assert!(evidence.apply_heads(&of_voters));
        assert!(!evidence.apply_heads(&of_voters));
        assert!(evidence.apply_seal(vec![seal(1)]));
        assert!(!evidence.apply_seal(vec![seal(1)]));
        assert!(evidence.apply_seal(vec![seal(2)]));
        let published = evidence.partitions();
        assert_eq!(published.len(), 1);
        assert_eq!(published[0].chained_to, 20);
        assert_eq!(published[0].chain_head, Some(heads[1].to_string()));
        assert_eq!(published[0].voters_chained_to, 5);
        assert_eq!(published[0].voters_chain_head, Some(heads[0].to_string()));
        let sealed = published[0].seal.as_ref().unwrap();
        assert_eq!(
            (sealed.seal, &sealed.root),
            (2, &seal(2).root().to_string())
        );
    }
}
