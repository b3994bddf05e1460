//! Evidence against later changes of the log: the heads of each partition's chains, and the
//! latest seal.

use std::collections::BTreeMap;

use evidence::{ChainedTopic, Digest, Seal, moment_text};
use wire::PersistPosition;

use crate::model::{PartitionEvidence, SealedVotes};

/// The newest heads, and the latest seal.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    heads: BTreeMap<(u32, ChainedTopic), (i64, Digest)>,
    seal: Vec<Seal>,
}

impl Evidence {
    /// Takes the heads of a partition's chains; returns whether one is new.
    pub(crate) fn apply_heads(&mut self, position: &PersistPosition) -> bool {
        let votes = (ChainedTopic::Votes, position.votes_to, position.chain_head);
        let voters = (
            ChainedTopic::Voters,
            position.voters_to,
            position.voters_chain_head,
        );
        let mut is_news = false;
        for (topic, offset, head) in [votes, voters] {
            is_news |= self.apply_head(position.partition, topic, offset, head);
        }
        is_news
    }

    /// Takes the head over the records before `offset`; returns whether it is new. One over fewer records is older.
    fn apply_head(
        &mut self,
        partition: u32,
        topic: ChainedTopic,
        offset: i64,
        head: Option<Digest>,
    ) -> bool {
        let Some(head) = head else { return false };
        let at = (partition, topic);
        let known = self.heads.get(&at);
        if known.is_some_and(|&(known, _)| known > offset) {
            return false;
        }
        self.heads.insert(at, (offset, head)) != Some((offset, head))
    }

    /// Takes the latest seal, of all partitions; returns whether it is new.
    pub(crate) fn apply_seal(&mut self, seal: Vec<Seal>) -> bool {
        let is_news = self.seal != seal;
        self.seal = seal;
        is_news
    }

    /// Every partition with a chain or a seal.
    pub(crate) fn partitions(&self) -> Vec<PartitionEvidence> {
        let mut shown: BTreeMap<u32, PartitionEvidence> = BTreeMap::new();
        for (&(partition, topic), &(chained_to, head)) in &self.heads {
            let at = shown.entry(partition).or_default();
            let head = Some(head.to_string());
            match topic {
                ChainedTopic::Votes => (at.chained_to, at.chain_head) = (chained_to, head),
                ChainedTopic::Voters => {
                    (at.voters_chained_to, at.voters_chain_head) = (chained_to, head);
                }
            }
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

#[cfg(test)]
mod tests {
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
        assert!(evidence.apply_head(0, ChainedTopic::Votes, 10, Some(heads[0])));
        assert!(evidence.apply_head(0, ChainedTopic::Votes, 20, Some(heads[1])));
        assert!(
            !evidence.apply_head(0, ChainedTopic::Votes, 10, Some(heads[0])),
            "it is older"
        );
        assert!(!evidence.apply_head(0, ChainedTopic::Votes, 30, None));
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
