//! `election audit`: counts the log again, natively, and compares it with the stored tally, the rows, the hash
//! chain and the seals; and the roll with its rows.

mod chain;
mod findings;
mod partition;
mod roll;
mod rows;
mod sealed_votes;

use std::collections::BTreeSet;

use ballot::Tally;
use evidence::{BlindingKey, ChainedTopic, Digest, Seal};
use ledger::differences;
use store::{PERSIST, Store};
use wire::{DeadLetter, Disclosure, topics};

pub(crate) use self::findings::Findings;
pub(crate) use self::partition::{PartitionRecount, Recounted};
pub(crate) use self::sealed_votes::SealedVotes;

use self::chain::compare_end;
use self::findings::LISTED;
use self::roll::audit_roll;
use crate::Outcome;
use crate::backend::Backend;
use crate::cli::AuditArgs;
use crate::key::existing_key;
use crate::render;

pub(crate) async fn run(args: AuditArgs) -> anyhow::Result<Outcome> {
    let key = existing_key(&args.backend)?.map(|key| key.blindings());
    let heads: BTreeSet<Digest> = args.heads.iter().copied().collect();
    let backend = Backend::open_existing(&args.backend).await?;
    let findings = backend.close_after(async |backend: &Backend| audit(backend, key, heads).await);
    let findings = findings.await?;
    if args.json {
        render::print_json(&findings)?;
    } else {
        findings.print();
    }
    Ok(Outcome::of_check(findings.differences == 0))
}

async fn audit(
    backend: &Backend,
    key: Option<BlindingKey>,
    mut heads: BTreeSet<Digest>,
) -> anyhow::Result<Findings> {
    let election = backend.election().await?.election;
    let rules = election.rules();
    let disclosure = Disclosure::of(&election);
    let ends = backend.ends(topics::VOTES).await?;
    let seals = backend.store.seals().await?;
    // Sealed heads must be in the chain, like the given ones.
    heads.extend(seals.iter().map(|seal| seal.chain_head));
    let mut findings = Findings::default();
    let recount = PartitionRecount {
        backend,
        rules: &rules,
        partitions: ends.len() as u32,
        key: key.as_ref(),
        seals: &seals,
        rows: Some(&disclosure),
    };
    for (partition, &end) in (0..).zip(&ends) {
        let recounted = recount.run(partition, end, &mut heads, &mut findings);
        let Recounted {
            tally, chain_end, ..
        } = recounted.await?;
        let store = &backend.store;
        let persisted_to = store.checkpoint(PERSIST, topics::VOTES, partition).await?;
        let topic = ChainedTopic::Votes;
        compare_end(topic, partition, chain_end, persisted_to, &mut findings);
        compare_tally(store, partition, end, &tally, &mut findings).await?;
    }
    audit_roll(backend, &mut heads, &mut findings).await?;
    for head in heads {
        findings.differ(format!("no batch of the log has the head {head}"));
    }
    if key.is_none() && !seals.is_empty() {
        findings.notes.push(
            "the seals were not compared with the log: this requires the election's key (`--key-file`)"
                .into(),
        );
    }
    look_for_strays(&backend.store, &ends, &seals, &mut findings).await?;
    let (letters, all) = backend.store.dead_letters(LISTED).await?;
    findings.dead_letters = all;
    findings.notes.extend(letters.iter().map(|letter| {
        let DeadLetter { bytes, reason, .. } = letter;
        format!("dead letter {} ({bytes} bytes): {reason}", letter.key())
    }));
    Ok(findings)
}

/// Looks for rows outside the log.
async fn look_for_strays(
    store: &Store,
    ends: &[i64],
    seals: &[Seal],
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let partitions = ends.len() as u32;
    for (partition, _, tally) in store.tallies().await? {
        if partition >= partitions {
            findings.differ(format!(
                "partition {partition}: a tally of {} votes is stored, but `votes` has no such partition",
                tally.cast()
            ));
        }
    }
    for seal in seals.iter().filter(|seal| seal.partition >= partitions) {
        findings.differ(format!(
            "partition {}: seal {} is of it, but `votes` has no such partition",
            seal.partition, seal.number
        ));
    }
    report_stray_rows(store, ChainedTopic::Votes, ends, findings).await
}

/// Reports rows outside the log that were made of a topic's records.
async fn report_stray_rows(
    store: &Store,
    topic: ChainedTopic,
    ends: &[i64],
    findings: &mut Findings,
) -> anyhow::Result<()> {
    for (partition, rows) in store.stray_chain_rows(topic, ends.len() as u32).await? {
        findings.differ(format!(
            "partition {partition}: {rows} rows of a chain are stored, but `{}` has no such partition",
            topic.as_str()
        ));
    }
    let of = match topic {
        ChainedTopic::Votes => "",
        ChainedTopic::Voters => " of voters",
    };
    for row in store.stray_rows(topic, ends, LISTED + 1).await? {
        findings.differ(format!(
            "{} row ({}): partition {}{of} has no offset {}",
            row.table, row.detail, row.partition, row.offset
        ));
    }
    Ok(())
}

async fn compare_tally(
    store: &Store,
    partition: u32,
    end: i64,
    counted: &Tally,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let (offset, tally) = store.load_tally(partition).await?.unwrap_or_default();
    if offset != end {
        findings.differ(format!(
            "partition {partition}: the stored tally counts up to offset {offset}, the log ends \
             at {end}; run the consumer to continue"
        ));
    }
    for difference in differences(counted, &tally) {
        findings.differ(format!(
            "partition {partition}: {difference} (log against stored tally)"
        ));
    }
    Ok(())
}
