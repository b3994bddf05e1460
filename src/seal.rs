//! `election seal`: stores a root over the counted votes of every partition. The log is counted again
//! natively, and must be the one that was persisted.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use evidence::{BlindingKey, ChainedTopic, Digest, MerkleTree, Seal, moment_text};
use indicatif::HumanCount;
use serde::Serialize;
use store::ChainEnd;
use wire::topics;

use crate::Outcome;
use crate::audit::{Findings, PartitionRecount, Recounted};
use crate::backend::Backend;
use crate::cli::SealArgs;
use crate::key::election_key;
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
    let ends = backend.ends(topics::VOTES).await?;
    let recount = PartitionRecount {
        backend,
        rules: &rules,
        partitions: ends.len() as u32,
        key: Some(key),
        seals: &earlier,
        rows: None,
    };
    for (partition, log_end) in (0..).zip(ends) {
        let (chain_end, tree) = recount_persisted(&recount, partition, log_end).await?;
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

/// Counts what is persisted of a partition, and demands that the chain and the earlier seals match.
async fn recount_persisted(
    recount: &PartitionRecount<'_>,
    partition: u32,
    log_end: i64,
) -> anyhow::Result<(ChainEnd, MerkleTree)> {
    let store = &recount.backend.store;
    let chain_end = store.chain_end(ChainedTopic::Votes, partition).await?;
    let end = chain_end.map_or(0, |end| end.next_offset).min(log_end);
    let earlier = recount.seals.iter();
    let mut heads: BTreeSet<Digest> = earlier
        .filter(|seal| seal.partition == partition)
        .map(|seal| seal.chain_head)
        .collect();
    let mut findings = Findings::default();
    let recounted = recount.run(partition, end, &mut heads, &mut findings);
    let Recounted {
        chain_end, tree, ..
    } = recounted.await?;
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
    let tree = tree.context("invariant: a recount with a key has a tree")?;
    Ok((chain_end, tree))
}
