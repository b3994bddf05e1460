//! A consumer whose streams end and begin again on a log that is another one by then, like that of a server
//! which came back with an older copy of its disk.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ballot::{ElectionDefinition, PollsWindow};
use consumer::{ConsumerConfig, ConsumerError, Election, Progress};
use futures_util::StreamExt;
use ledger::LedgerError;
use manifest::Manifest;
use platform::embedded::EmbeddedPlatform;
use platform::{NewRecord, OutputStream, Platform, PlatformError, StreamRequest};
use producer::Deployment;
use serde_json::json;
use service::whole_log::{LogBehindStore, WholeLogError};
use store::Store;
use tempfile::TempDir;
use testing::TemporaryServer;
use tokio_util::sync::CancellationToken;
use wire::topics;

/// Nothing that is waited for takes as long, not even unoptimised on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// Records that both logs have, and that only the first one has.
const KEPT: i64 = 30;
const LOST: i64 = 20;
const WHOLE: i64 = KEPT + LOST;

/// What a log has.
#[derive(Clone, Copy)]
struct Records {
    voters: i64,
    votes: i64,
    /// Whom the last of them is for.
    last_for: usize,
}

const ALL: Records = Records {
    voters: WHOLE,
    votes: WHOLE,
    last_for: 0,
};

/// A log of one partition.
async fn log(directory: &TempDir, election: &Election, records: Records) -> EmbeddedPlatform {
    let Records {
        voters,
        votes,
        last_for,
    } = records;
    let log = EmbeddedPlatform::open(directory.path()).await.unwrap();
    let deployment = Deployment::of(&Manifest::built_in(), Some(1)).unwrap();
    deployment.deploy(&log).await.unwrap();
    let candidates = election.candidates();
    let vote = |voter| {
        let candidate = if voter == votes - 1 { last_for } else { 0 };
        let vote = json!({
            "voter_id": format!("voter-{voter}"),
            "candidate_id": candidates[candidate].candidate_id,
            "voting_time": "2024-07-04 12:00:00",
            "vote": 1,
        });
        NewRecord {
            key: Some(format!("voter-{voter}").into_bytes()),
            value: vote.to_string().into_bytes(),
        }
    };
    let voter = |voter| NewRecord {
        key: Some(format!("voter-{voter}").into_bytes()),
        value: json!({"voter_id": format!("voter-{voter}")})
            .to_string()
            .into_bytes(),
    };
    let registered = (0..voters).map(voter).collect();
    log.produce(topics::VOTERS, registered).await.unwrap();
    // The same batches in every log: those that are kept, and those that are not.
    for voters in [0..KEPT, KEPT..votes] {
        let votes = voters.map(vote).collect();
        log.produce(topics::VOTES, votes).await.unwrap();
    }
    log
}

/// A platform that can be replaced by another one: all its streams end then.
struct Replaceable(Mutex<(EmbeddedPlatform, CancellationToken)>);

impl Replaceable {
    fn now(&self) -> (EmbeddedPlatform, CancellationToken) {
        self.0.lock().unwrap().clone()
    }

    fn replace(&self, other: EmbeddedPlatform) {
        let before = std::mem::replace(
            &mut *self.0.lock().unwrap(),
            (other, CancellationToken::new()),
        );
        before.1.cancel();
    }
}

#[async_trait]
impl Platform for Replaceable {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), PlatformError> {
        self.now().0.create_topic(topic, partitions).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, PlatformError> {
        self.now().0.partitions(topic).await
    }

    async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, PlatformError> {
        self.now().0.end_offset(topic, partition).await
    }

    fn max_record_bytes(&self) -> usize {
        self.now().0.max_record_bytes()
    }

    async fn deploy(&self, module: &str, wasm: &[u8]) -> Result<(), PlatformError> {
        self.now().0.deploy(module, wasm).await
    }

    async fn module(&self, module: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        self.now().0.module(module).await
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), PlatformError> {
        self.now().0.produce(topic, records).await
    }

    async fn stream(&self, request: StreamRequest) -> Result<OutputStream, PlatformError> {
        let (platform, replaced) = self.now();
        let outputs = platform.stream(request).await?;
        Ok(outputs.take_until(replaced.cancelled_owned()).boxed())
    }
}

/// Counts or persists a whole log, which is replaced by another one then. Returns how the consumer ends: it
/// must not wait until other records stand where those stood that are lost. `None` without PostgreSQL.
async fn replaced(config: ConsumerConfig, other: Records) -> Option<ConsumerError> {
    let postgres = TemporaryServer::start_or_skip().await?;
    let store = Store::connect(&postgres.database_url(), 4).await.unwrap();
    store.migrate().await.unwrap();
    let definition = ElectionDefinition::tutorial(producer::candidates(1, 2));
    let election = Election::new(definition, PollsWindow::default());
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let whole = log(&directories[0], &election, ALL).await;
    let other = log(&directories[1], &election, other).await;
    let platform = Arc::new(Replaceable(Mutex::new((
        whole.clone(),
        CancellationToken::new(),
    ))));
    let progress = Progress::new(1);
    let (stop, mut watch) = (CancellationToken::new(), progress.watch());
    let (counts, persists) = (config.tally, config.persist);
    let consumer = tokio::spawn(consumer::run(
        platform.clone(),
        store.clone(),
        election,
        config,
        progress,
        stop,
    ));
    let all_done = watch.wait_for(|snapshot| {
        let at = snapshot.partitions[0];
        (!counts || at.counted == WHOLE)
            && (!persists || (at.persisted, at.voters_persisted) == (WHOLE, WHOLE))
    });
    tokio::time::timeout(DEADLINE, all_done)
        .await
        .unwrap()
        .unwrap();
    platform.replace(other.clone());
    let ended = tokio::time::timeout(DEADLINE, consumer).await;
    let ended = ended.expect("it goes on, or waits").unwrap();
    store.close();
    drop(platform);
    for log in [whole, other] {
        log.close().await.unwrap();
    }
    Some(ended.unwrap_err())
}

#[track_caller]
fn assert_lost(ended: Option<ConsumerError>, lost: &str) {
    let Some(ended) = ended else { return };
    assert!(
        matches!(
            ended,
            ConsumerError::WholeLog(WholeLogError::Behind(LogBehindStore {
                topic,
                partition: 0,
                end: KEPT,
                stored: WHOLE,
            })) if topic == lost
        ),
        "{ended}"
    );
}

fn counting() -> ConsumerConfig {
    ConsumerConfig {
        persist: false,
        ..ConsumerConfig::default()
    }
}

fn persisting() -> ConsumerConfig {
    ConsumerConfig {
        tally: false,
        ..ConsumerConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_counts_notices_that_the_log_has_lost_what_is_counted() {
    let other = Records { votes: KEPT, ..ALL };
    assert_lost(replaced(counting(), other).await, topics::VOTES);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_persists_notices_that_the_log_has_lost_what_is_persisted() {
    let other = Records { votes: KEPT, ..ALL };
    assert_lost(replaced(persisting(), other).await, topics::VOTES);
    let other = Records {
        voters: KEPT,
        ..ALL
    };
    assert_lost(replaced(persisting(), other).await, topics::VOTERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_counts_notices_that_the_log_says_something_else() {
    let other = Records { last_for: 1, ..ALL };
    let Some(ended) = replaced(counting(), other).await else {
        return;
    };
    assert!(
        matches!(
            ended,
            ConsumerError::Ledger {
                partition: 0,
                source: LedgerError::CheckpointDiffers { offset: WHOLE, .. }
            }
        ),
        "{ended}"
    );
}
