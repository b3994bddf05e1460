//! `election receipt`: a voter's proof that the vote is among those that a published root stands for;
//! and `election verify-receipt`, which checks one without the election.

use std::io::Read;

use anyhow::{Context, bail};
use ballot::{PartitionJudge, Reason, Rules};
use evidence::{Digest, Receipt, Reveal, Seal};
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
    let receipt = receipt(&backend, &args).await;
    let closed = backend.close().await;
    let receipt = receipt?;
    closed?;
    render::print_json(&receipt)?;
    Ok(Outcome::Fine)
}

async fn receipt(backend: &Backend, args: &ReceiptArgs) -> anyhow::Result<Receipt> {
    let election = backend.election().await?.election;
    let voter = args.voter_id.as_str();
    let seals = backend.store.latest_seal().await?;
    if seals.is_empty() {
        bail!("no vote is sealed yet; `election seal` does it");
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
    let search = Search {
        voter,
        seal,
        rules: election.rules(),
        log_end: ends[partition as usize],
    };
    let mut votes = SealedVotes::new(&election_key(&args.backend)?.blindings(), partition, &[]);
    let (offset, reveal) = search.through_log(backend, &mut votes).await?;
    if !votes.is_of(seal) {
        bail!(
            "the log does not have the votes that seal {} of partition {partition} states, or the election's \
             key is another one; `election audit` tells",
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

/// The search for a voter's vote in its partition.
struct Search<'a> {
    voter: &'a str,
    seal: &'a Seal,
    rules: Rules,
    log_end: i64,
}

impl Search<'_> {
    /// Adds the sealed votes to `votes`, and returns where the voter's stands, and what shows its
    /// choice.
    async fn through_log(
        self,
        backend: &Backend,
        votes: &mut SealedVotes,
    ) -> anyhow::Result<(i64, Reveal)> {
        let Search {
            voter,
            seal,
            rules,
            log_end,
        } = self;
        let Seal {
            partition,
            next_offset: sealed_to,
            ..
        } = *seal;
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
                                "voter {voter}'s vote, at partition {partition} offset {offset}, was cast \
                                 after seal {}, which ends at offset {sealed_to}; `election seal` seals \
                                 what is persisted by now",
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
                "voter {voter} has no vote in the log: in partition {partition}, where it would be, no record \
                 names this voter"
            ),
        }
    }
}

/// Whether a record that does not count is, or says that it is, this voter's.
fn names(rules: &Rules, record: &Output, voter: &str) -> bool {
    record.key.as_deref() == Some(voter.as_bytes())
        || consumer::named_voter(rules, &record.value) == voter
}

/// Checks a receipt; nothing else of the election is needed.
pub(crate) fn verify(args: &VerifyReceiptArgs) -> anyhow::Result<Outcome> {
    let receipt = read(args)?;
    let published: Option<Digest> = args.root;
    if let Err(error) = receipt.verify(published) {
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
        "The vote of voter {voter_id}, at partition {partition} offset {offset}, is among the {} that this \
         root stands for.",
        receipt.tree_size
    );
    if let Some(reveal) = &receipt.reveal {
        println!("It was for candidate {}.", reveal.candidate_id);
    }
    match published {
        Some(_) => println!("The root is the one that you gave: {root}"),
        None => println!(
            "Only the receipt itself was checked. Compare its root with the published one of seal {seal}, \
             partition {partition} (dashboard, /api/v1/evidence), or give that as --root:\n{root}"
        ),
    }
    Ok(Outcome::Fine)
}

fn read(args: &VerifyReceiptArgs) -> anyhow::Result<Receipt> {
    let name = args.file.display();
    let text = if args.file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map(|_| text)
            .context("cannot read the receipt from stdin")?
    } else {
        std::fs::read_to_string(&args.file)
            .with_context(|| format!("cannot read the receipt {name}"))?
    };
    serde_json::from_str(&text).with_context(|| format!("{name} is no receipt"))
}
