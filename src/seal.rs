//! `election seal`: stores a root over the counted votes of every partition. The log is counted again
//! natively, and must be the one that was persisted.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use ballot::{PartitionJudge, Rules};
use evidence::{BlindingKey, ChainedTopic, Digest, MerkleTree, Seal, moment_text};
use indicatif::HumanCount;
use serde::Serialize;
use store::ChainEnd;
use wire::topics;

use crate::Outcome;
use crate::audit::{ChainAuditor, Findings, SealedVotes};
use crate::backend::Backend;
use crate::cli::SealArgs;
use crate::key::election_key;
use crate::log_blocks::LogBlocks;
use crate::render;

pub(crate) async fn run(args: SealArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let sealed = backend.close_after(async |backend: &Backend| {
        let key = election_key(&args.backend)?.blindings();
        seal(backend, &key).await
    });
    let sealed = sealed.await?;
    if args.json {
        render::print_json(&sealed)?;
    } else {
        sealed.print();
    }
    Ok(Outcome::Fine)
}

/// A seal as it is printed.
#[derive(Debug, Serialize)]
struct Sealed {
    seal: u32,
    sealed_at: String,
    /// Whether it seals more than the seal before it.
    is_new: bool,
    partitions: Vec<SealedPartition>,
}

#[derive(Debug, Serialize)]
struct SealedPartition {
    partition: u32,
    votes: u64,
    sealed_to: i64,
    chain_head: Digest,
    root: Digest,
}

impl Sealed {
    fn of(seals: &[Seal], is_new: bool) -> anyhow::Result<Sealed> {
        let first = seals.first().context("there is no partition to seal")?;
        Ok(Sealed {
            seal: first.number,
            sealed_at: moment_text(first.sealed_at)
                .context("the seal's time is outside the calendar")?,
            is_new,
            partitions: seals
                .iter()
                .map(|seal| SealedPartition {
                    partition: seal.partition,
                    votes: seal.leaves,
                    sealed_to: seal.next_offset,
                    chain_head: seal.chain_head,
                    root: seal.root(),
                })
                .collect(),
        })
    }

    fn print(&self) {
        if !self.is_new {
            println!("Nothing was persisted since the latest seal; it remains valid.");
        }
        println!("Seal {} of {}. Published roots:", self.seal, self.sealed_at);
        for at in &self.partitions {
            println!(
                "  partition {}: {} ({} votes before offset {})",
                at.partition,
                at.root,
                HumanCount(at.votes),
                at.sealed_to
            );
        }
    }
}

async fn seal(backend: &Backend, key: &BlindingKey) -> anyhow::Result<Sealed> {
    let election = backend.election().await?.election;
    let rules = election.rules();
    let earlier = backend.store.seals().await?;
    let sealed_at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let number = earlier.iter().map(|seal| seal.number).max().unwrap_or(0) + 1;
    let mut seals = Vec::new();
    for (partition, log_end) in (0..).zip(backend.ends(topics::VOTES).await?) {
        let unsealed = Unsealed {
            backend,
            key,
            partition,
            log_end,
        };
        let (chain_end, tree) = unsealed.count(&rules, &earlier).await?;
        seals.push(Seal {
            number,
            partition,
            sealed_at,
            next_offset: chain_end.next_offset,
            chain_head: chain_end.head,
            leaves: tree.leaves(),
            tree_root: tree.root(),
        });
    }
    let latest = backend.store.latest_seal().await?;
    let ends = |seals: &[Seal]| -> Vec<i64> { seals.iter().map(|seal| seal.next_offset).collect() };
    if !latest.is_empty() && ends(&latest) == ends(&seals) {
        return Sealed::of(&latest, false);
    }
    backend.store.add_seal(&seals).await?;
    Sealed::of(&seals, true)
}

/// A partition that is about to be sealed.
struct Unsealed<'a> {
    backend: &'a Backend,
    key: &'a BlindingKey,
    partition: u32,
    log_end: i64,
}

impl Unsealed<'_> {
    /// Counts what is persisted, and demands that the chain and the earlier seals match.
    async fn count(
        &self,
        rules: &Rules,
        earlier: &[Seal],
    ) -> anyhow::Result<(ChainEnd, MerkleTree)> {
        let Unsealed {
            backend,
            key,
            partition,
            log_end,
        } = *self;
        let store = &backend.store;
        let chain_end = store.chain_end(ChainedTopic::Votes, partition).await?;
        let persisted_to = chain_end.map_or(0, |end| end.next_offset);
        let end = persisted_to.min(log_end);
        let mut findings = Findings::default();
        let mut heads: BTreeSet<Digest> = earlier
            .iter()
            .filter(|seal| seal.partition == partition)
            .map(|seal| seal.chain_head)
            .collect();
        let mut chain = ChainAuditor::new(store, ChainedTopic::Votes, partition, &mut heads);
        let mut sealed = SealedVotes::new(key, partition, earlier);
        let mut judge = PartitionJudge::new(rules.clone());
        let mut blocks =
            LogBlocks::before(end, &*backend.platform, topics::VOTES, partition).await?;
        while let Some(records) = blocks.next().await? {
            chain.records(&records, &mut findings).await?;
            for record in &records {
                sealed.reached(record.offset, &mut findings);
                let verdict = judge.judge(record.offset, record.key.as_deref(), &record.value);
                if let Ok(ballot) = verdict {
                    sealed.add(record.offset, &ballot.voter_id, &ballot.choice(rules));
                }
            }
        }
        let tree = sealed.finish(end, &mut findings);
        let chain_end = chain.finish(end, &mut findings).await?;
        for head in heads {
            findings.differ(format!(
                "partition {partition}: the chain does not have the head {head}, which was sealed"
            ));
        }
        if findings.differences > 0 {
            bail!(
                "nothing is sealed: partition {partition} of the log is not what was persisted or sealed \
                 before; `election audit` lists all differences\n{}",
                findings.list().trim_end()
            );
        }
        Ok((chain_end, tree))
    }
}
