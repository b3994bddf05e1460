//! Recounts a partition of `votes` and compares it with its hash chain, its seals and its rows.

use std::collections::BTreeSet;

use ballot::{Partition, PartitionCounter, Rules, Tally};
use evidence::{BlindingKey, ChainedTopic, Digest, MerkleTree, Seal};
use store::ChainEnd;
use wire::{Disclosure, topics};

use super::chain::ChainAuditor;
use super::findings::Findings;
use super::rows::BlockRows;
use super::sealed_votes::SealedVotes;
use crate::backend::Backend;
use crate::log_blocks::LogBlocks;

/// What a partition is recounted with.
pub(crate) struct PartitionRecount<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) rules: &'a Rules,
    /// How many partitions there are.
    pub(crate) partitions: u32,
    /// Without the key the seals are not compared.
    pub(crate) key: Option<&'a BlindingKey>,
    pub(crate) seals: &'a [Seal],
    /// Without it the rows are not compared.
    pub(crate) rows: Option<&'a Disclosure>,
}

/// What a recount gives.
pub(crate) struct Recounted {
    pub(crate) tally: Tally,
    pub(crate) chain_end: ChainEnd,
    /// The tree over the counted votes, if there is a key.
    pub(crate) tree: Option<MerkleTree>,
}

impl PartitionRecount<'_> {
    /// Recounts the records before `end`. Removes the chain's heads from `heads`.
    pub(crate) async fn run(
        &self,
        partition: u32,
        end: i64,
        heads: &mut BTreeSet<Digest>,
        findings: &mut Findings,
    ) -> anyhow::Result<Recounted> {
        let Backend {
            platform, store, ..
        } = self.backend;
        let of_all = Partition {
            number: partition,
            of: self.partitions,
        };
        let mut counter = PartitionCounter::new(self.rules.in_partition(of_all));
        let mut chain = ChainAuditor::new(store, ChainedTopic::Votes, partition, heads);
        let mut sealed = self
            .key
            .map(|key| SealedVotes::new(key, partition, self.seals));
        let mut blocks = LogBlocks::before(end, &**platform, topics::VOTES, partition).await?;
        while let Some(records) = blocks.next().await? {
            chain.records(&records, findings).await?;
            let rows = match self.rows {
                Some(disclosure) => {
                    Some(BlockRows::of(&records, store, partition, disclosure).await?)
                }
                None => None,
            };
            for record in &records {
                let offset = record.offset;
                findings.records += u64::from(record.offsets);
                if let Some(sealed) = &mut sealed {
                    sealed.reached(offset, findings);
                }
                let judged = match record.offsets {
                    1 => counter.count(offset, record.key.as_deref(), &record.value),
                    offsets => Err(counter.count_unreadable(offsets)),
                };
                match judged {
                    Ok(ballot) => {
                        findings.counted += 1;
                        if let Some(sealed) = &mut sealed {
                            sealed.add(offset, &ballot.voter_id, &ballot.choice(self.rules));
                        }
                        if let Some(rows) = &rows {
                            rows.compare_vote(self.rules, offset, ballot, findings);
                        }
                    }
                    Err(reason) => {
                        findings.rejected += u64::from(record.offsets);
                        if let Some(rows) = &rows {
                            rows.compare_rejection(self.rules, record, reason, findings);
                        }
                    }
                }
            }
        }
        Ok(Recounted {
            tally: counter.take_tally(),
            chain_end: chain.finish(end, findings).await?,
            tree: sealed.map(|sealed| sealed.finish(end, findings)),
        })
    }
}
