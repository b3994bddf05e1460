//! The ballots through the stream: cast as votes into a log of their own, counted by the `vote-tally` SmartModule, and
//! added up in ledgers, as every election's are.

use std::sync::Arc;

use anyhow::{Context, bail};
use ballot::{Contest, Partition, PollsWindow, Rules, Selection, Tally};
use cast_vote_records::report::SliceKind;
use cast_vote_records::tabulation::{CONTEST_ID, Profiles};
use cast_vote_records::{RctabConfig, RecordedBallots};
use consumer::{ConsumerConfig, Deltas, TimedDelta};
use futures_util::future::try_join_all;
use ledger::Ledger;
use manifest::Manifest;
use platform::Platform;
use platform::embedded::EmbeddedPlatform;
use producer::Deployment;
use tokio_util::sync::CancellationToken;
use wire::{Election, topics};

use crate::records;

/// Partitions of the log: the manifest's default, on as many cores.
const PARTITIONS: u32 = 2;
/// The seed of the voters and of the order in which they vote: neither changes the count.
const SEED: u64 = 42;
/// The rate of casting: as fast as can be.
const FLAT_OUT: u64 = 0;

/// Counts a configuration's ballots in a temporary log.
pub(super) async fn profiles(config: &RctabConfig, contest: &Contest) -> anyhow::Result<Profiles> {
    let reading = config.clone();
    let read = move || RecordedBallots::read(&reading, |kind| kind.is_asked_for(&reading));
    let recorded = tokio::task::spawn_blocking(read).await??;
    let directory = tempfile::tempdir().context("no temporary directory for the log")?;
    let log = EmbeddedPlatform::open_temporary(directory.path()).await?;
    let counted = count(&log, config, contest, &recorded).await;
    let closed = log.close().await;
    let counted = counted?;
    closed?;
    Ok(counted)
}

async fn count(
    log: &EmbeddedPlatform,
    config: &RctabConfig,
    contest: &Contest,
    recorded: &RecordedBallots,
) -> anyhow::Result<Profiles> {
    let definition = records::definition(recorded, config, contest)?;
    let manifest = Manifest::built_in();
    Deployment::of(&manifest, Some(PARTITIONS))?
        .deploy(log)
        .await?;
    let platform: Arc<dyn Platform> = Arc::new(log.clone());
    let replay = Arc::new(records::replay(recorded, SEED));
    let (progress, stop) = (Arc::default(), CancellationToken::new());
    let cast = producer::replay_votes(&platform, replay, None, FLAT_OUT, &progress, &stop).await?;
    let rules = Election::new(definition.clone(), PollsWindow::default()).rules();
    let definition = Arc::new(definition);
    let chain = ConsumerConfig::of(&manifest).tally_chain;
    let partitions = (0..PARTITIONS).map(async |partition| {
        let ledger = Ledger::default().of(definition.clone());
        tally_partition(log, partition, &chain, &rules, ledger).await
    });
    let mut tally = Tally::default();
    for part in try_join_all(partitions).await? {
        tally.add(&part);
    }
    if tally.counted() != cast || tally.rejected_total() > 0 {
        bail!(
            "{cast} ballots were cast, and {} counted; rejected: {:?}",
            tally.counted(),
            tally.rejected
        );
    }
    profiles_of(&tally, contest, recorded)
}

async fn tally_partition(
    log: &EmbeddedPlatform,
    partition: u32,
    chain: &[platform::ModuleCall],
    rules: &Rules,
    mut ledger: Ledger,
) -> anyhow::Result<Tally> {
    let of_all = Partition {
        number: partition,
        of: PARTITIONS,
    };
    let end = log.end_offset(topics::VOTES, partition).await?;
    if end > 0 {
        let mut deltas = Deltas::open(log, of_all, chain, rules).await?;
        while ledger.next_offset() < end {
            for TimedDelta { delta, .. } in deltas.next().await? {
                ledger.apply(&delta)?;
            }
        }
    }
    Ok(ledger.tally().clone())
}

/// The counted ballots, by the names of precincts and batches.
fn profiles_of(
    tally: &Tally,
    contest: &Contest,
    recorded: &RecordedBallots,
) -> anyhow::Result<Profiles> {
    let mut profiles = Profiles::of(tally.profile(contest));
    for kind in [SliceKind::Precinct, SliceKind::Batch] {
        if !recorded.are_counted_by(kind) {
            continue;
        }
        let group = RecordedBallots::group(kind);
        for (id, selections) in tally.selections_by(CONTEST_ID, group) {
            let name = recorded
                .name_of(kind, id)
                .with_context(|| format!("votes of the {group} `{id}`, which was not cast"))?;
            for (text, &ballots) in selections {
                let selection = Selection::from_text(contest.marks(), text);
                let selection = selection.unwrap_or(Selection::Overvote);
                profiles.add_to_slice(kind, name, selection, ballots);
            }
        }
    }
    Ok(profiles)
}
