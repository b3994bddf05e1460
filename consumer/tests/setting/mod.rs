//! Where consumers are tested: votes that keep coming in on an embedded platform, a real PostgreSQL
//! server, and the count that must come out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ballot::{ElectionDefinition, PartitionCounter, PollsWindow, Reason, Rules, Tally, VotingTime};
use consumer::{ConsumerConfig, ConsumerError, Election, Progress, Sharing, Snapshot};
use evidence::{BatchHasher, ChainedTopic, Digest, HashedBatch, first_head, next_head};
use futures_util::StreamExt;
use manifest::Manifest;
use platform::embedded::EmbeddedPlatform;
use platform::{Output, Platform, StreamRequest, partition_of};
use producer::{CastPlan, Deployment, Script, VoterSource};
use store::{RowCounts, Store, VoteRow};
use tempfile::TempDir;
use testing::TemporaryServer;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{AggregateRecord, PipelineRecord, aggregate_records, topics};

pub const PARTITIONS: u32 = 4;
/// Nothing that a test waits for takes as long, not even unoptimised on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

const SEED: u64 = 11;
const CANDIDATES: usize = 3;
const VOTERS: u64 = 2_000;
/// Shares of second and of invalid votes, large enough that every partition has some.
const DUPLICATES: f64 = 0.1;
const INVALID: f64 = 0.1;
/// Voters who vote at once, and how often some do.
const VOTERS_AT_ONCE: u64 = 40;
const VOTE_EVERY: Duration = Duration::from_millis(10);
const POLLS_OPEN: &str = "2024-07-04 07:00:00";
const VOTING_TIME: &str = "2024-07-04 12:00:00";

/// An election, and what it lives on.
pub struct Setting {
    pub platform: EmbeddedPlatform,
    pub postgres: TemporaryServer,
    election: Election,
    _directory: TempDir,
}

impl Setting {
    /// Voters are registered, and nobody has voted. `None`, and a line that says so, where no PostgreSQL
    /// is installed.
    pub async fn start() -> Option<Setting> {
        let postgres = TemporaryServer::start_or_skip().await?;
        let store = Store::connect(&postgres.database_url(), 1).await.unwrap();
        store.migrate().await.unwrap();
        store.close();
        let directory = tempfile::tempdir().unwrap();
        let platform = EmbeddedPlatform::open(directory.path()).await.unwrap();
        let deployment = Deployment::of(&Manifest::built_in(), Some(PARTITIONS)).unwrap();
        deployment.deploy(&platform).await.unwrap();
        let setting = Setting {
            platform,
            postgres,
            election: Election::new(
                ElectionDefinition::tutorial(producer::candidates(SEED, CANDIDATES)),
                PollsWindow {
                    open: VotingTime::parse(POLLS_OPEN),
                    close: None,
                },
            ),
            _directory: directory,
        };
        let voters = VoterSource::Generated {
            seed: SEED,
            count: VOTERS,
            precincts: Vec::new(),
        };
        let stop = CancellationToken::new();
        producer::register_voters(&setting.port(), voters, &Arc::default(), &stop)
            .await
            .unwrap();
        Some(setting)
    }

    fn port(&self) -> Arc<dyn Platform> {
        Arc::new(self.platform.clone())
    }

    pub async fn store(&self) -> Store {
        let url = self.postgres.database_url();
        Store::connect(&url, PARTITIONS as usize).await.unwrap()
    }

    /// Begins a consumer.
    pub async fn begin(&self, sharing: Option<Sharing>) -> Consumer {
        let config = ConsumerConfig {
            sharing,
            ..ConsumerConfig::default()
        };
        let progress = Progress::new(PARTITIONS);
        let stop = CancellationToken::new();
        let running = tokio::spawn(consumer::run(
            self.port(),
            self.store().await,
            self.election.clone(),
            config,
            progress.clone(),
            stop.clone(),
        ));
        Consumer {
            progress,
            stop,
            running,
        }
    }

    /// Begins to cast votes, some every few milliseconds.
    pub fn begin_casting(&self) -> Casting {
        let plan = CastPlan {
            seed: SEED,
            duplicates: DUPLICATES,
            invalid: INVALID,
            rate: 0,
            definition: self.election.definition.clone(),
            polls: self.election.polls,
            credentials: self.election.credentials.clone(),
            abstain: 0.0,
        };
        let script = |partition| Script::new(&plan, partition, PARTITIONS).unwrap();
        let mut scripts: Vec<_> = (0..PARTITIONS).map(script).collect();
        let (platform, stop) = (self.platform.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let mut pace = tokio::time::interval(VOTE_EVERY);
        let casting = tokio::spawn(async move {
            let mut next = 0;
            while stopped.run_until_cancelled(pace.tick()).await.is_some() {
                let mut votes = Vec::new();
                for index in next..next + VOTERS_AT_ONCE {
                    let voter = producer::voter(SEED, index);
                    let key = voter.voter_id.as_bytes();
                    let value = serde_json::to_vec(&voter).unwrap();
                    scripts[partition_of(key, PARTITIONS) as usize]
                        .voter(Some(key), &value, VOTING_TIME, &mut votes)
                        .unwrap();
                }
                next += VOTERS_AT_ONCE;
                platform.produce(topics::VOTES, votes).await.unwrap();
            }
        });
        Casting { stop, casting }
    }

    /// Where each partition of a topic ends.
    pub async fn ends(&self, topic: &str) -> Vec<i64> {
        let mut ends = Vec::new();
        for partition in 0..PARTITIONS {
            ends.push(self.platform.end_offset(topic, partition).await.unwrap());
        }
        ends
    }

    async fn read(&self, topic: &str, partition: u32) -> Vec<Output> {
        let end = self.platform.end_offset(topic, partition).await.unwrap();
        let request = StreamRequest {
            topic: topic.into(),
            partition,
            from: 0,
            chain: Vec::new(),
        };
        let mut stream = self.platform.stream(request).await.unwrap();
        let mut records = Vec::new();
        while (records.len() as i64) < end {
            records.extend(stream.next().await.unwrap().unwrap());
        }
        records
    }

    /// Demands that tallies, rows, chains and published totals are what counting the log anew gives.
    pub async fn assert_exact(&self) {
        let store = self.store().await;
        let rules = self.election.rules();
        let stored = store.tallies().await.unwrap();
        let mut total = Tally::default();
        for partition in 0..PARTITIONS {
            let records = self.read(topics::VOTES, partition).await;
            let (tally, accepted, rejected) = count(&rules, &records);
            assert_chained(&store, ChainedTopic::Votes, partition, &records).await;
            let voters = self.read(topics::VOTERS, partition).await;
            assert_chained(&store, ChainedTopic::Voters, partition, &voters).await;
            let end = (accepted.len() + rejected.len()) as i64;
            assert!(tally.counted() > 0 && tally.rejected_total() > 0);
            let (_, offset, stored) = stored.iter().find(|stored| stored.0 == partition).unwrap();
            assert_eq!((*offset, stored), (end, &tally), "partition {partition}");
            let rows = store.vote_rows(partition, 0, end).await.unwrap();
            assert!(rows == accepted, "rows of partition {partition}");
            let rows = store.rejected_rows(partition, 0, end, 0).await.unwrap();
            let rows: Vec<_> = rows.iter().map(|row| (row.offset, row.reason)).collect();
            assert_eq!(rows, rejected, "rejected rows of partition {partition}");
            total.add(&tally);
        }
        let rows = RowCounts {
            voters: VOTERS,
            votes: total.counted(),
            rejected: total.rejected.clone(),
            rejected_voters: 0,
        };
        assert_eq!(store.count_rows().await.unwrap(), rows);
        self.assert_heads_published(&store).await;
        store.close();
        self.assert_published(&aggregate_records(&total, &self.election.definition))
            .await;
    }

    /// Demands that what was published last of each partition has the heads of its chains.
    async fn assert_heads_published(&self, store: &Store) {
        let mut published = BTreeMap::new();
        for record in self.read(topics::PIPELINE, 0).await {
            if let PipelineRecord::Persist(at) = serde_json::from_slice(&record.value).unwrap() {
                let heads = [at.chain_head, at.voters_chain_head];
                published.insert(at.partition, heads);
            }
        }
        let mut stored = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let mut heads = [None; 2];
            for (head, topic) in heads
                .iter_mut()
                .zip([ChainedTopic::Votes, ChainedTopic::Voters])
            {
                let end = store.chain_end(topic, partition).await.unwrap();
                *head = Some(end.unwrap().head);
            }
            stored.insert(partition, heads);
        }
        assert_eq!(published, stored);
    }

    async fn assert_published(&self, totals: &[AggregateRecord]) {
        for topic in topics::AGGREGATES {
            let expected: BTreeMap<&str, &str> = totals
                .iter()
                .filter(|record| record.topic == topic)
                .map(|record| (&*record.key, &*record.value))
                .collect();
            let records = self.read(topic, 0).await;
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            let newest: BTreeMap<&str, &str> = records
                .iter()
                .map(|record| (text(record.key.as_ref().unwrap()), text(&record.value)))
                .collect();
            assert_eq!(newest, expected, "{topic}");
        }
    }

    pub async fn close(self) {
        self.platform.close().await.unwrap();
    }
}

/// Counts a partition natively: its tally, the votes that count, and those that do not.
fn count(rules: &Rules, records: &[Output]) -> (Tally, Vec<VoteRow>, Vec<(i64, Reason)>) {
    let mut counter = PartitionCounter::new(rules.clone());
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    for Output {
        offset, key, value, ..
    } in records
    {
        match counter.count(*offset, key.as_deref(), value) {
            Ok(ballot) => accepted.push(VoteRow {
                candidate_id: ballot.candidate_id().map(str::to_owned),
                selections: ballot.selections_json(rules),
                voter_id: ballot.voter_id.into_owned(),
                voting_time: ballot.voting_time,
                offset: *offset,
            }),
            Err(reason) => rejected.push((*offset, reason)),
        }
    }
    (counter.take_tally(), accepted, rejected)
}

/// Demands that the partition's chain has every record in one batch, and each head follows.
async fn assert_chained(store: &Store, topic: ChainedTopic, partition: u32, records: &[Output]) {
    let mut base_offset = 0;
    let mut head = first_head(topic, partition, 0);
    for row in store
        .chain_rows(topic, partition, 0, usize::MAX)
        .await
        .unwrap()
    {
        assert_eq!(row.base_offset, base_offset, "partition {partition}");
        let next_offset = row.next_offset;
        let batch = &records[base_offset as usize..next_offset as usize];
        head = next_head(
            head,
            &HashedBatch {
                partition,
                base_offset,
                next_offset,
                hash: hash(batch),
            },
        );
        assert_eq!(
            row.end(topic, partition).head,
            head,
            "partition {partition}"
        );
        base_offset = next_offset;
    }
    assert_eq!(base_offset, records.len() as i64, "partition {partition}");
}

fn hash(records: &[Output]) -> Digest {
    let mut hasher = BatchHasher::default();
    for record in records {
        hasher.record(record.offset, record.key.as_deref(), &record.value);
    }
    hasher.finish()
}

/// Votes that are being cast.
pub struct Casting {
    stop: CancellationToken,
    casting: JoinHandle<()>,
}

impl Casting {
    pub async fn end(self) {
        self.stop.cancel();
        self.casting.await.unwrap();
    }
}

/// A consumer at work.
pub struct Consumer {
    progress: Progress,
    stop: CancellationToken,
    running: JoinHandle<Result<(), ConsumerError>>,
}

impl Consumer {
    /// Waits until its progress is as wanted.
    pub async fn wait_until(&self, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let mut watch = self.progress.watch();
        let waited = tokio::time::timeout(DEADLINE, watch.wait_for(|snapshot| is_so(snapshot)));
        match waited.await {
            Ok(Ok(snapshot)) => return snapshot.clone(),
            Ok(Err(_)) => {}
            Err(_) => panic!("not in time: {what}: {:#?}", self.progress.watch().borrow()),
        }
        panic!("it is gone before {what}");
    }

    /// Waits until it owns so many partitions.
    pub async fn wait_until_it_owns(&self, count: usize) -> Vec<u32> {
        let what = format!("{count} partitions are its own");
        let snapshot = self
            .wait_until(&what, |snapshot| owned(snapshot).len() == count)
            .await;
        owned(&snapshot)
    }

    /// Waits until it has counted, stored and persisted votes of all its partitions.
    pub async fn wait_until_it_works(&self) {
        self.wait_until("it counts, stores and persists", |snapshot| {
            owned(snapshot).iter().all(|&partition| {
                let at = snapshot.partitions[partition as usize];
                at.counted > 0 && at.checkpointed > 0 && at.persisted > 0
            })
        })
        .await;
    }

    /// Waits until everything in the log is counted, stored and persisted.
    pub async fn wait_until_done(&self, setting: &Setting) {
        let votes = setting.ends(topics::VOTES).await;
        let voters = setting.ends(topics::VOTERS).await;
        self.wait_until("all is counted, stored and persisted", |snapshot| {
            snapshot.reached(&votes, |partition| partition.counted)
                && snapshot.reached(&votes, |partition| partition.checkpointed)
                && snapshot.reached(&votes, |partition| partition.persisted)
                && snapshot.reached(&voters, |partition| partition.voters_persisted)
        })
        .await;
    }

    /// Stops it in order.
    pub async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }

    /// Ends it between two instructions, like a process that is killed: nothing is stored any more, and
    /// nothing given back.
    pub async fn abort(self) {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }
}

/// The partitions that are a consumer's own.
pub fn owned(snapshot: &Snapshot) -> Vec<u32> {
    (0..)
        .zip(&snapshot.partitions)
        .filter(|(_, at)| at.is_ours)
        .map(|(partition, _)| partition)
        .collect()
}
