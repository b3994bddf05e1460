//! Runs over a platform: what they leave in the log, undisturbed and after any interruption.

mod memory_platform;

use std::sync::Arc;

use ballot::{ElectionDefinition, PartitionCounter, PollsWindow, Reason, Rules};
use manifest::Manifest;
use memory_platform::MemoryPlatform;
use platform::{NewRecord, Platform};
use producer::{
    BallotReplay, CastPlan, Deployment, ProducerError, Progress, Replay, Replayed, ResultRow,
    ResultsFile, VoterSource, candidates, cast_votes, register_voters, replay_votes, voter,
};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;
use wire::topics::{AGGREGATES, DEAD_LETTERS, PIPELINE, REJECTED_VOTES, TOTALS, VOTERS, VOTES};

const PARTITIONS: u32 = 3;
const VOTER_COUNT: u64 = 6_000;
const SOURCE: VoterSource = VoterSource::Generated {
    seed: 5,
    count: VOTER_COUNT,
    precincts: Vec::new(),
};

async fn deploy(platform: &dyn Platform) {
    let deployment = Deployment::of(&Manifest::built_in(), Some(PARTITIONS)).unwrap();
    deployment.deploy(platform).await.unwrap();
}

/// What an interrupted run leaves: the platform, and how to run on it.
struct Election {
    memory: Arc<MemoryPlatform>,
    platform: Arc<dyn Platform>,
    progress: Arc<Progress>,
    stop: CancellationToken,
}

impl Election {
    async fn new() -> Election {
        let memory = Arc::new(MemoryPlatform::default());
        let platform: Arc<dyn Platform> = memory.clone();
        deploy(platform.as_ref()).await;
        Election {
            memory,
            platform,
            progress: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    async fn with_voters() -> Election {
        let election = Election::new().await;
        election.register(SOURCE).await.unwrap();
        election
    }

    async fn register(&self, voters: VoterSource) -> Result<u64, ProducerError> {
        register_voters(&self.platform, voters, &self.progress, &self.stop).await
    }

    async fn cast(&self, plan: CastPlan) -> Result<u64, ProducerError> {
        cast_votes(&self.platform, plan, &self.progress, &self.stop).await
    }

    async fn replay(&self, replay: impl Replayed, rate: u64) -> Result<u64, ProducerError> {
        replay_votes(
            &self.platform,
            Arc::new(replay),
            None,
            rate,
            &self.progress,
            &self.stop,
        )
        .await
    }

    fn assert_complete(&self, records: usize) {
        assert_eq!(self.progress.done(), records as u64);
        assert_eq!(self.progress.total(), records as u64);
    }

    /// The log of a topic, the votes' times made alike.
    fn log(&self, topic: &str) -> Vec<Vec<NewRecord>> {
        let mut log = self.memory.log(topic);
        for record in log.iter_mut().flatten() {
            mask_time(&mut record.value);
        }
        log
    }
}

fn mask_time(value: &mut [u8]) {
    const FIELD: &[u8] = b"\"voting_time\":\"";
    let at = value
        .windows(FIELD.len())
        .rposition(|window| window == FIELD);
    if let Some(at) = at {
        let time = at + FIELD.len();
        let end = (time + 19).min(value.len());
        value[time..end].fill(b'0');
    }
}

fn records(log: &[Vec<NewRecord>]) -> usize {
    log.iter().map(Vec::len).sum()
}

fn plan() -> CastPlan {
    CastPlan {
        seed: 5,
        duplicates: 0.1,
        invalid: 0.1,
        rate: 0,
        definition: ElectionDefinition::tutorial(candidates(5, 3)),
        polls: PollsWindow::default(),
        credentials: None,
        abstain: 0.0,
    }
}

fn replay() -> Replay {
    let row = |state: &str, candidate: &str, votes| ResultRow {
        state: state.into(),
        candidate: candidate.into(),
        party: "P".into(),
        votes,
    };
    let rows = vec![
        row("OHIO", "A", 2_500),
        row("OHIO", "B", 1_500),
        row("UTAH", "A", 700),
        row("UTAH", "C", 1_300),
    ];
    Replay::new(&ResultsFile { rows }, 1.0, 5).unwrap()
}

/// Recorded ballots of two places and three rankings.
fn ballot_replay() -> BallotReplay {
    let map = |value: serde_json::Value| value.as_object().unwrap().clone();
    let places = ["p1", "p2"].map(|id| map(serde_json::json!({ "precinct": id })));
    let choices = [&["a", "b"][..], &["b"], &[]];
    let choices = choices.map(|ranks| map(serde_json::json!({ "mayor": ranks })));
    let ballots = (0..6_000).map(|number| (number % 2, number % 3));
    BallotReplay::new(places.into_iter(), choices.into_iter(), ballots, 5)
}

/// Runs until it comes through, the platform failing after each of `failures` records.
async fn interrupted<F>(election: &Election, failures: &[usize], run: impl Fn() -> F) -> u64
where
    F: Future<Output = Result<u64, ProducerError>>,
{
    for &records in failures {
        election.memory.fail_after(Some(records));
        match run().await {
            Ok(_) => break,
            Err(error) => assert!(error.to_string().contains("switched off"), "{error}"),
        }
    }
    election.memory.fail_after(None);
    run().await.unwrap()
}

/// Replays undisturbed and interrupted, and requires the same log.
async fn replayed_through<R: Replayed>(failures: &[usize], replay: impl Fn() -> R) {
    let calm = Election::new().await;
    calm.replay(replay(), 0).await.unwrap();
    let stormy = Election::new().await;
    interrupted(&stormy, failures, || stormy.replay(replay(), 0)).await;
    assert_eq!(stormy.log(VOTES), calm.log(VOTES));
    stormy.assert_complete(6_000);
}

#[tokio::test]
async fn topics_are_created_once() {
    let election = Election::new().await;
    deploy(election.platform.as_ref()).await;
    for topic in [VOTERS, VOTES] {
        assert_eq!(election.memory.partition_count(topic), Some(3));
    }
    for topic in AGGREGATES
        .into_iter()
        .chain([REJECTED_VOTES, DEAD_LETTERS, TOTALS, PIPELINE])
    {
        assert_eq!(election.memory.partition_count(topic), Some(1));
    }
}

#[tokio::test]
async fn a_roll_is_registered_as_generated_voters_are() {
    let generated = Election::with_voters().await;
    generated.assert_complete(VOTER_COUNT as usize);
    let from_roll = Election::new().await;
    let roll = (0..VOTER_COUNT).map(|index| voter(5, index)).collect();
    let produced = from_roll.register(VoterSource::Roll(roll)).await.unwrap();
    assert_eq!(produced, VOTER_COUNT);
    assert_eq!(generated.log(VOTERS), from_roll.log(VOTERS));
    assert_eq!(records(&generated.log(VOTERS)), VOTER_COUNT as usize);
}

#[tokio::test]
async fn an_election_counts_every_voter_once() {
    let election = Election::with_voters().await;
    let produced = election.cast(plan()).await.unwrap();
    let log = election.log(VOTES);
    assert_eq!(produced as usize, records(&log));
    election.assert_complete(records(&log));
    let mut counted = 0;
    let mut rejected = 0;
    for partition in election.memory.log(VOTES) {
        let mut counter = PartitionCounter::new(Rules::of(&plan().definition, plan().polls));
        for (offset, record) in (0..).zip(&partition) {
            let verdict = counter.count(offset, record.key.as_deref(), &record.value);
            assert_ne!(verdict.err(), Some(Reason::PollsClosed));
        }
        let tally = counter.take_tally();
        counted += tally.counted();
        rejected += tally.rejected.values().sum::<u64>();
    }
    assert_eq!(counted, VOTER_COUNT);
    assert_eq!(counted + rejected, produced);
}

#[tokio::test]
async fn a_finished_run_repeated_adds_nothing() {
    let election = Election::with_voters().await;
    assert_eq!(election.register(SOURCE).await.unwrap(), 0);
    election.assert_complete(VOTER_COUNT as usize);
    let produced = election.cast(plan()).await.unwrap();
    assert_eq!(election.cast(plan()).await.unwrap(), 0);
    election.assert_complete(produced as usize);
}

#[tokio::test]
async fn more_voters_extend_the_roll() {
    let election = Election::new().await;
    let source = |count| VoterSource::Generated {
        seed: 5,
        count,
        precincts: Vec::new(),
    };
    assert_eq!(election.register(source(1_000)).await.unwrap(), 1_000);
    assert_eq!(election.register(source(1_500)).await.unwrap(), 500);
}

#[tokio::test]
async fn another_election_is_refused_and_left_alone() {
    let election = Election::with_voters().await;
    let fewer = VoterSource::Generated {
        seed: 5,
        count: 10,
        precincts: Vec::new(),
    };
    let other_seed = VoterSource::Generated {
        seed: 6,
        count: 2 * VOTER_COUNT,
        precincts: Vec::new(),
    };
    let before = election.log(VOTERS);
    for voters in [fewer, other_seed] {
        let error = election.register(voters).await.unwrap_err().to_string();
        assert!(error.contains("another election"), "{error}");
        assert!(error.contains("`voters` partition"), "{error}");
    }
    assert_eq!(election.log(VOTERS), before);

    election.cast(plan()).await.unwrap();
    let before = election.log(VOTES);
    let other_seed = CastPlan { seed: 6, ..plan() };
    let other_share = CastPlan {
        invalid: 0.0,
        ..plan()
    };
    let other_candidates = CastPlan {
        definition: ElectionDefinition::tutorial(candidates(6, 3)),
        ..plan()
    };
    for plan in [other_seed, other_share, other_candidates] {
        let error = election.cast(plan).await.unwrap_err().to_string();
        assert!(error.contains("another election"), "{error}");
    }
    let error = election.replay(replay(), 0).await.unwrap_err();
    assert!(error.to_string().contains("another election"), "{error}");
    assert_eq!(election.log(VOTES), before);
}

#[tokio::test]
async fn a_log_longer_than_the_sequence_is_refused() {
    let election = Election::with_voters().await;
    election.cast(plan()).await.unwrap();
    let extra = NewRecord {
        key: Some(b"x".to_vec()),
        value: b"{}".to_vec(),
    };
    election.platform.produce(VOTES, vec![extra]).await.unwrap();
    let error = election.cast(plan()).await.unwrap_err();
    assert!(
        matches!(error, ProducerError::OtherElection { topic: VOTES, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn without_voters_or_with_other_partitions_nothing_is_cast() {
    let election = Election::new().await;
    let error = election.cast(plan()).await.unwrap_err();
    assert!(matches!(error, ProducerError::NoVoters), "{error}");

    let platform: Arc<dyn Platform> = Arc::new(MemoryPlatform::default());
    platform.create_topic(VOTERS, 2).await.unwrap();
    platform.create_topic(VOTES, 3).await.unwrap();
    let error = cast_votes(&platform, plan(), &Arc::default(), &election.stop).await;
    assert!(matches!(
        error,
        Err(ProducerError::PartitionsDiffer {
            voters: 2,
            votes: 3
        })
    ));
}

#[tokio::test]
async fn what_is_no_voter_is_passed_over() {
    let election = Election::with_voters().await;
    let stray = NewRecord {
        key: Some(b"x".to_vec()),
        value: b"not a voter".to_vec(),
    };
    election
        .platform
        .produce(VOTERS, vec![stray])
        .await
        .unwrap();
    let quiet = CastPlan {
        duplicates: 0.0,
        invalid: 0.0,
        ..plan()
    };
    assert_eq!(election.cast(quiet).await.unwrap(), VOTER_COUNT);
    election.assert_complete(VOTER_COUNT as usize);
}

#[tokio::test]
async fn a_rate_is_kept_and_a_stop_ends_the_run() {
    let election = Election::with_voters().await;
    let slow = CastPlan {
        rate: 2_000,
        ..plan()
    };
    let begun = std::time::Instant::now();
    election.memory.stop_after(200, election.stop.clone());
    let produced = election.cast(slow).await.unwrap();
    let log = election.log(VOTES);
    assert_eq!(produced as usize, records(&log));
    assert!((200..VOTER_COUNT).contains(&produced), "{produced}");
    let allowed = begun.elapsed().as_secs_f64() * 2_000.0 + 100.0;
    assert!((produced as f64) < allowed, "{produced}, {allowed} allowed");
    assert!(log.iter().all(|partition| !partition.is_empty()));
}

#[tokio::test]
async fn a_continued_run_keeps_the_rate_from_its_first_vote_on() {
    const RATE: u64 = 500;
    let election = Election::with_voters().await;
    election.memory.stop_after(400, election.stop.clone());
    election.cast(plan()).await.unwrap();
    let before = records(&election.log(VOTES));
    let slow = CastPlan {
        rate: RATE,
        ..plan()
    };
    let stop = CancellationToken::new();
    election.memory.stop_after(100, stop.clone());
    let begun = std::time::Instant::now();
    let produced = cast_votes(&election.platform, slow, &election.progress, &stop)
        .await
        .unwrap();
    assert_eq!(records(&election.log(VOTES)), before + produced as usize);
    let allowed = begun.elapsed().as_secs_f64() * RATE as f64 + 100.0;
    assert!((produced as f64) < allowed, "{produced}, {allowed} allowed");
}

#[tokio::test]
async fn a_stopped_run_is_continued_at_a_rate() {
    let election = Election::new().await;
    election.memory.fail_after(Some(4_000));
    election.replay(replay(), 0).await.unwrap_err();
    election.memory.fail_after(None);
    assert_eq!(election.replay(replay(), 50_000).await.unwrap(), 2_000);
    election.assert_complete(6_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn interrupted_runs_leave_the_log_of_an_undisturbed_one(
        failures in prop::collection::vec(0usize..3_000, 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let calm = Election::with_voters().await;
            calm.cast(plan()).await.unwrap();
            let stormy = Election::new().await;
            interrupted(&stormy, &failures, || stormy.register(SOURCE)).await;
            assert_eq!(stormy.log(VOTERS), calm.log(VOTERS));
            stormy.assert_complete(VOTER_COUNT as usize);
            interrupted(&stormy, &failures, || stormy.cast(plan())).await;
            assert_eq!(stormy.log(VOTES), calm.log(VOTES));
            stormy.assert_complete(records(&calm.log(VOTES)));

            replayed_through(&failures, replay).await;
            replayed_through(&failures, ballot_replay).await;
        });
    }
}
