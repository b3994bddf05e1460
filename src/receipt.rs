//! `election receipt`: proves to a voter that the vote is under a published root; and `election
//! verify-receipt`, which checks a receipt without the election.

use anyhow::{Context, bail};
use ballot::{Partition, PartitionJudge, Reason, Rules};
use evidence::{Receipt, Reveal, Seal};
use platform::{Output, partition_of};
use wire::topics;

use crate::Outcome;
use crate::audit::{Findings, SealedVotes};
use crate::backend::Backend;
use crate::cli::{ReceiptArgs, VerifyReceiptArgs};
use crate::key::election_key;
use crate::log_blocks::LogBlocks;
use crate::render;

pub(crate) async fn issue(args: ReceiptArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let receipt = backend.close_after(async |backend: &Backend| receipt(backend, &args).await);
    let receipt = receipt.await?;
    render::print_json(&receipt)?;
    Ok(Outcome::Fine)
}

async fn receipt(backend: &Backend, args: &ReceiptArgs) -> anyhow::Result<Receipt> {
    let election = backend.election().await?.election;
    let voter = args.voter_id.as_str();
    let seals = backend.store.latest_seal().await?;
    if seals.is_empty() {
        bail!("no vote is sealed yet; run `election seal` first");
    }
    let ends = backend.ends(topics::VOTES).await?;
    let partition = partition_of(voter.as_bytes(), ends.len() as u32);
    let Some(seal) = seals.iter().find(|seal| seal.partition == partition) else {
        bail!(
            "seal {} does not have partition {partition}, where voter {voter} votes: table `seals` has been \
             edited",
            seals[0].number
        );
    };
    let mut votes = SealedVotes::new(&election_key(&args.backend)?.blindings(), partition, &[]);
    let log_end = ends[partition as usize];
    let of_all = Partition {
        number: partition,
        of: ends.len() as u32,
    };
    let rules = election.rules().in_partition(of_all);
    let found = find_vote(backend, voter, seal, rules, log_end, &mut votes);
    let (offset, reveal) = found.await?;
    if !votes.is_of(seal) {
        bail!(
            "the log does not have the votes of seal {} of partition {partition}, or the key is the wrong one; \
             `election audit` lists the differences",
            seal.number
        );
    }
    let proof = votes
        .finish(seal.next_offset, &mut Findings::default())
        .proof()
        .context("invariant: the voter's vote was added to the tree")?;
    let mut receipt = Receipt::new(voter.to_owned(), offset, reveal.commitment(), proof, seal);
    receipt.reveal = args.reveal.then_some(reveal);
    Ok(receipt)
}

/// Adds the sealed votes to `votes`, and returns the offset of the voter's vote and the reveal of its choice.
async fn find_vote(
    backend: &Backend,
    voter: &str,
    seal: &Seal,
    rules: Rules,
    log_end: i64,
    votes: &mut SealedVotes,
) -> anyhow::Result<(i64, Reveal)> {
    let (partition, sealed_to) = (seal.partition, seal.next_offset);
    let mut judge = PartitionJudge::new(rules);
    let mut found = None;
    let mut rejected: Option<(i64, Reason)> = None;
    let mut blocks =
        LogBlocks::before(log_end, &*backend.platform, topics::VOTES, partition).await?;
    'log: while let Some(records) = blocks.next().await? {
        for record in &records {
            let offset = record.offset;
            if offset >= sealed_to && found.is_some() {
                break 'log;
            }
            match judge.judge(offset, record.key.as_deref(), &record.value) {
                Ok(ballot) if ballot.voter_id == voter => {
                    if offset >= sealed_to {
                        bail!(
                            "voter {voter}'s vote, at partition {partition} offset {offset}, was cast after \
                             seal {}, which ends at offset {sealed_to}; `election seal` seals what has been \
                             persisted since",
                            seal.number
                        );
                    }
                    let reveal = votes.add_marked(offset, voter, &ballot.choice(judge.rules()));
                    found = Some((offset, reveal));
                }
                Ok(ballot) if offset < sealed_to => {
                    votes.add(offset, &ballot.voter_id, &ballot.choice(judge.rules()));
                }
                Ok(_) => {}
                Err(reason) if rejected.is_none() && names(judge.rules(), record, voter) => {
                    rejected = Some((offset, reason));
                }
                Err(_) => {}
            }
        }
    }
    match (found, rejected) {
        (Some(found), _) => Ok(found),
        (None, Some((offset, reason))) => bail!(
            "voter {voter} has no vote that counts: the one at partition {partition} offset {offset} is \
             rejected as {reason}"
        ),
        (None, None) => bail!(
            "voter {voter} has no vote in the log: no record of partition {partition}, where it would be, \
             names this voter"
        ),
    }
}

/// Whether a rejected record has or names this voter.
fn names(rules: &Rules, record: &Output, voter: &str) -> bool {
    record.key.as_deref() == Some(voter.as_bytes())
        || consumer::named_voter(rules, &record.value) == voter
}

/// Checks a receipt, without anything else of the election.
pub(crate) fn verify(args: &VerifyReceiptArgs) -> anyhow::Result<Outcome> {
    let receipt = read(args)?;
    if let Err(error) = receipt.verify(args.root) {
        println!("The receipt proves NOTHING: {error}.");
        return Ok(Outcome::CheckFailed);
    }
    let Receipt {
        voter_id,
        partition,
        offset,
        seal,
        root,
        ..
    } = &receipt;
    println!(
        "The vote of voter {voter_id}, at partition {partition} offset {offset}, is among the {} votes under \
         this root.",
        receipt.tree_size
    );
    if let Some(reveal) = &receipt.reveal {
        println!("It was for candidate {}.", reveal.candidate_id);
    }
    match args.root {
        Some(_) => println!("The root is the given one: {root}"),
        None => println!(
            "Only the receipt itself was checked. Compare its root with the published one of seal {seal}, \
             partition {partition} (dashboard, /api/v1/evidence), or pass that as --root:\n{root}"
        ),
    }
    Ok(Outcome::Fine)
}

fn read(args: &VerifyReceiptArgs) -> anyhow::Result<Receipt> {
    let name = args.file.display();
    let text = match args.file.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(&args.file),
    };
    let text = text.with_context(|| format!("cannot read the receipt {name}"))?;
    serde_json::from_str(&text).with_context(|| format!("{name} is not a receipt"))
}
