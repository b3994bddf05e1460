//! The ballots through the stream: cast as votes into a log of their own, counted by the `vote-tally` SmartModule, and
//! added up in ledgers, as every election's are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, bail};
use ballot::{
    Contest, Delta, ElectionDefinition, Group, PollsWindow, Rules, Selection, Tally, VotingTime,
};
use cast_vote_records::report::SliceKind;
use cast_vote_records::tabulation::{CONTEST_ID, Profiles};
use cast_vote_records::{CastBallot, CvrError, RctabConfig, read_ballots};
use consumer::ConsumerConfig;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use ledger::Ledger;
use manifest::Manifest;
use platform::embedded::EmbeddedPlatform;
use platform::{NewRecord, Platform};
use producer::Deployment;
use serde::Serialize;
use serde_json::json;
use service::UsageError;
use tokio::sync::mpsc;
use wire::{Election, topics};

/// Partitions of the log: the manifest's default, on as many cores.
const PARTITIONS: u32 = 2;
/// Votes that are produced together.
const VOTES_PER_CHUNK: usize = 2_000;
/// Chunks that may wait for the log while the files are read on.
const CHUNKS_WAITING: usize = 4;
/// The group of the batches.
const BATCH: &str = "batch";

/// Counts a configuration's ballots in a temporary log.
pub(super) async fn profiles(config: &RctabConfig, contest: &Contest) -> anyhow::Result<Profiles> {
    let directory = tempfile::tempdir().context("no temporary directory for the log")?;
    let log = EmbeddedPlatform::open_temporary(directory.path()).await?;
    let counted = count(&log, config, contest).await;
    let closed = log.close().await;
    let counted = counted?;
    closed?;
    Ok(counted)
}

async fn count(
    log: &EmbeddedPlatform,
    config: &RctabConfig,
    contest: &Contest,
) -> anyhow::Result<Profiles> {
    let manifest = Manifest::built_in();
    Deployment::of(&manifest, Some(PARTITIONS))?
        .deploy(log)
        .await?;
    let cast = cast(log, config).await?;
    let definition = definition(config, contest, &cast)?;
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
    if tally.counted() != cast.ballots || tally.rejected_total() > 0 {
        bail!(
            "{} ballots were cast, and {} counted; rejected: {:?}",
            cast.ballots,
            tally.counted(),
            tally.rejected
        );
    }
    profiles_of(&tally, contest, &cast)
}

async fn tally_partition(
    log: &EmbeddedPlatform,
    partition: u32,
    chain: &[platform::ModuleCall],
    rules: &Rules,
    mut ledger: Ledger,
) -> anyhow::Result<Tally> {
    let end = log.end_offset(topics::VOTES, partition).await?;
    if end > 0 {
        let request = consumer::tally_request(partition, chain, rules);
        let mut stream = log.stream(request).await?;
        while ledger.next_offset() < end {
            let outputs = stream
                .next()
                .await
                .context("the stream of votes ended early")??;
            for output in outputs {
                ledger.apply(&serde_json::from_slice::<Delta>(&output.value)?)?;
            }
        }
    }
    Ok(ledger.tally().clone())
}

/// What was cast.
struct Cast {
    ballots: u64,
    /// The longest ranking has so many ranks.
    ranks: usize,
    precincts: Names,
    batches: Names,
    chunk: Vec<NewRecord>,
    voting_time: String,
}

/// Names as they come, and their ids: a name may hold what an id cannot.
struct Names {
    prefix: char,
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Names {
    fn new(prefix: char) -> Names {
        Names {
            prefix,
            names: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    fn id(&self, number: usize) -> String {
        format!("{}{}", self.prefix, number + 1)
    }

    fn id_of(&mut self, name: &str) -> String {
        if let Some(number) = self.numbers.get(name) {
            return self.id(*number);
        }
        let number = self.names.len();
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        self.id(number)
    }

    fn name_of(&self, id: &str) -> Option<&str> {
        let number: usize = id.strip_prefix(self.prefix)?.parse().ok()?;
        self.names.get(number.checked_sub(1)?).map(String::as_str)
    }
}

/// A ballot as a vote. The voter is unknown and gets a number.
#[derive(Serialize)]
struct CastVote<'a> {
    voter_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    precinct: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
    choices: BTreeMap<&'static str, Vec<Rank<'a>>>,
    voting_time: &'a str,
    vote: u32,
}

/// What is marked at a rank.
#[derive(Serialize)]
#[serde(untagged)]
enum Rank<'a> {
    Skipped(()),
    One(&'a str),
    Several(&'a [String]),
}

impl Cast {
    /// The ballot as a record.
    fn record(
        &mut self,
        config: &RctabConfig,
        ballot: CastBallot,
    ) -> serde_json::Result<NewRecord> {
        self.ballots += 1;
        self.ranks = self.ranks.max(ballot.ranking.0.len());
        let voter_id = self.ballots.to_string();
        let id = |kind: SliceKind, names: &mut Names, name: Option<String>| {
            let name = name.filter(|_| kind.is_asked_for(config))?;
            Some(names.id_of(&name))
        };
        let ranks = ballot.ranking.0.iter().map(|rank| match &**rank {
            [] => Rank::Skipped(()),
            [id] => Rank::One(id),
            several => Rank::Several(several),
        });
        let vote = CastVote {
            voter_id: &voter_id,
            precinct: id(SliceKind::Precinct, &mut self.precincts, ballot.precinct),
            batch: id(SliceKind::Batch, &mut self.batches, ballot.batch),
            choices: BTreeMap::from([(CONTEST_ID, ranks.collect())]),
            voting_time: &self.voting_time,
            vote: 1,
        };
        let value = serde_json::to_vec(&vote)?;
        Ok(NewRecord {
            key: Some(voter_id.into_bytes()),
            value,
        })
    }
}

/// Reads the records and casts their ballots.
async fn cast(log: &EmbeddedPlatform, config: &RctabConfig) -> anyhow::Result<Cast> {
    let (sender, mut chunks) = mpsc::channel(CHUNKS_WAITING);
    let config = config.clone();
    let reading = tokio::task::spawn_blocking(move || read(&config, &sender));
    let produced = async move {
        while let Some(chunk) = chunks.recv().await {
            log.produce(topics::VOTES, chunk).await?;
        }
        anyhow::Ok(())
    };
    let produced = produced.await;
    let read = reading.await?;
    // If producing failed, it is the cause: reading fails then only because its channel is closed.
    produced?;
    Ok(read?)
}

fn read(config: &RctabConfig, chunks: &mpsc::Sender<Vec<NewRecord>>) -> Result<Cast, CvrError> {
    let mut cast = Cast {
        ballots: 0,
        ranks: 0,
        precincts: Names::new('p'),
        batches: Names::new('b'),
        chunk: Vec::new(),
        voting_time: chrono::Utc::now().format(VotingTime::FORMAT).to_string(),
    };
    let send = |chunk: &mut Vec<NewRecord>| {
        let chunk = std::mem::take(chunk);
        let sent = chunks.blocking_send(chunk);
        sent.map_err(|closed| CvrError::Refused(closed.to_string().into()))
    };
    read_ballots(config, |ballot| {
        let record = cast.record(config, ballot);
        cast.chunk
            .push(record.map_err(|error| CvrError::Refused(error.into()))?);
        if cast.chunk.len() == VOTES_PER_CHUNK {
            send(&mut cast.chunk)?;
        }
        Ok(())
    })?;
    send(&mut cast.chunk)?;
    Ok(cast)
}

/// The election of these ballots: one contest, the precincts and batches that were found.
fn definition(
    config: &RctabConfig,
    contest: &Contest,
    cast: &Cast,
) -> anyhow::Result<ElectionDefinition> {
    let mut contest = contest.clone();
    // A configuration may have more seats than candidates, and no limit of ranks.
    let candidates = u32::try_from(contest.candidates.len())?;
    contest.seats = contest.seats.clamp(1, candidates.max(1));
    contest.rankings = Some(u32::try_from(cast.ranks.max(1))?);
    let precincts = (0..)
        .zip(&cast.precincts.names)
        .map(|(number, name)| json!({"id": cast.precincts.id(number), "title": name}));
    let batches: Group = serde_json::from_value(json!({
        "name": BATCH,
        "path": format!("/{BATCH}"),
        "limit": cast.batches.names.len().max(1),
    }))?;
    let definition = json!({
        "election": {"id": "tabulation", "title": config.contest_name},
        "contest": [contest],
        "precinct": precincts.collect::<Vec<_>>(),
        "group": [batches],
    });
    let definition: ElectionDefinition = serde_json::from_value(definition)?;
    definition
        .check()
        .map_err(|error| UsageError(format!("the contest cannot be streamed: {error}")))?;
    Ok(definition)
}

/// The counted ballots, by the names of precincts and batches.
fn profiles_of(tally: &Tally, contest: &Contest, cast: &Cast) -> anyhow::Result<Profiles> {
    let mut profiles = Profiles::of(tally.profile(contest));
    let slices = [
        (SliceKind::Precinct, ballot::PRECINCT_GROUP, &cast.precincts),
        (SliceKind::Batch, BATCH, &cast.batches),
    ];
    for (kind, group, names) in slices {
        if names.names.is_empty() {
            continue;
        }
        for (id, selections) in tally.selections_by(CONTEST_ID, group) {
            let name = names
                .name_of(id)
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
