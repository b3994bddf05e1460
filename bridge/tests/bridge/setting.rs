//! An embedded platform, a database, and a bridge that runs on them.

use std::sync::Arc;
use std::time::Duration;

use ballot::{Candidate, ElectionDefinition, PollsWindow};
use bridge::{BridgeConfig, BridgeError, Direction, Link, Progress, Snapshot};
use futures_util::StreamExt;
use platform::embedded::EmbeddedPlatform;
use platform::{ModuleCall, NewRecord, Output, Platform};
use store::{EmbeddedPostgres, Store};
use tempfile::TempDir;
use testing::TemporaryServer;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{Election, topics};

use crate::broker::Broker;

pub const LIMIT: Duration = Duration::from_secs(60);

/// Connections of a bridge to a server.
const CONNECTIONS: usize = 4;

pub struct Setting {
    pub platform: Arc<EmbeddedPlatform>,
    pub store: Store,
    server: Server,
    _directory: TempDir,
}

enum Server {
    Embedded(EmbeddedPostgres),
    Installed(TemporaryServer),
}

impl Setting {
    /// Topics `votes` and `voters` of so many partitions, the others of one; the database is embedded.
    pub async fn new(partitions: u32) -> Setting {
        let directory = tempfile::tempdir().unwrap();
        let server = EmbeddedPostgres::start(&directory.path().join("postgres"))
            .await
            .unwrap();
        let store = server.connect().await.unwrap();
        Setting::with(partitions, directory, Server::Embedded(server), store).await
    }

    /// The same on a PostgreSQL server. `None`, and a line that says so, where none is installed.
    pub async fn on_a_server(partitions: u32) -> Option<Setting> {
        let server = TemporaryServer::start_or_skip().await?;
        let directory = tempfile::tempdir().unwrap();
        let store = Store::connect(&server.database_url(), CONNECTIONS)
            .await
            .unwrap();
        let server = Server::Installed(server);
        Some(Setting::with(partitions, directory, server, store).await)
    }

    async fn with(partitions: u32, directory: TempDir, server: Server, store: Store) -> Setting {
        let platform = EmbeddedPlatform::open(&directory.path().join("log"))
            .await
            .unwrap();
        for topic in [topics::VOTES, topics::VOTERS] {
            platform.create_topic(topic, partitions).await.unwrap();
        }
        for topic in topics::AGGREGATES.into_iter().chain([
            topics::REJECTED_VOTES,
            topics::DEAD_LETTERS,
            topics::PIPELINE,
        ]) {
            platform.create_topic(topic, 1).await.unwrap();
        }
        for module in smartmodules::ALL {
            platform.deploy(module.name, module.wasm).await.unwrap();
        }
        store.migrate().await.unwrap();
        open(&store).await;
        Setting {
            platform: Arc::new(platform),
            store,
            server,
            _directory: directory,
        }
    }

    pub async fn produce(&self, topic: &str, records: &[(&str, &str)]) {
        let records = records.iter().map(|(key, value)| NewRecord {
            key: Some(key.as_bytes().to_vec()),
            value: value.as_bytes().to_vec(),
        });
        self.platform
            .produce(topic, records.collect())
            .await
            .unwrap();
    }

    /// All records of a partition: key and value.
    pub async fn read(&self, topic: &str, partition: u32) -> Vec<(String, String)> {
        let outputs = self.outputs(topic, partition).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        outputs
            .iter()
            .map(|output| {
                let key = output.key.as_deref().unwrap_or_default();
                (text(key), text(&output.value))
            })
            .collect()
    }

    /// All records of a partition.
    pub async fn outputs(&self, topic: &str, partition: u32) -> Vec<Output> {
        let end = self.platform.end_offset(topic, partition).await.unwrap();
        let mut stream = self
            .platform
            .stream(platform::StreamRequest {
                topic: topic.into(),
                partition,
                from: 0,
                chain: vec![],
            })
            .await
            .unwrap();
        let mut records = Vec::new();
        while (records.len() as i64) < end {
            records.extend(stream.next().await.unwrap().unwrap());
        }
        records
    }

    pub fn begin(&self, config: BridgeConfig) -> Running {
        self.begin_on(self.platform.clone(), config)
    }

    /// With another way to the platform.
    pub fn begin_on(&self, platform: Arc<dyn Platform>, config: BridgeConfig) -> Running {
        let stop = CancellationToken::new();
        let progress = Progress::default();
        let task = tokio::spawn(bridge::run(
            platform,
            self.store.clone(),
            election(),
            config.clone(),
            progress.clone(),
            stop.clone(),
        ));
        Running {
            config,
            progress,
            stop,
            task,
        }
    }

    /// Kills the server, and starts it again.
    pub async fn restart_server(&mut self) {
        let Server::Installed(server) = &mut self.server else {
            panic!("the embedded database is not killed here");
        };
        server.kill();
        server.start_again().await.unwrap();
    }

    pub async fn end(self) {
        self.store.close();
        if let Server::Embedded(server) = self.server {
            server.stop().await.unwrap();
        }
    }
}

/// Another election, as far as the database says.
pub async fn open(store: &Store) {
    let election = store::ElectionRow {
        plan: serde_json::json!({}),
        polls: PollsWindow::default(),
        safeguards: evidence::Safeguards::default(),
        definition: None,
    };
    store.open_election(&election).await.unwrap();
}

pub fn election() -> Election {
    let candidate = Candidate {
        candidate_id: "c1".into(),
        candidate_name: "Ada".into(),
        party_affiliation: "Engines".into(),
        biography: "b".into(),
        campaign_platform: "p".into(),
        photo_url: "/c1.svg".into(),
    };
    let definition = ElectionDefinition::tutorial(vec![candidate]);
    Election::new(definition, PollsWindow::default())
}

pub struct Running {
    config: BridgeConfig,
    pub progress: Progress,
    stop: CancellationToken,
    task: JoinHandle<Result<(), BridgeError>>,
}

impl Running {
    /// Until all that is on Fluvio is on Kafka.
    pub async fn done(&mut self, setting: &Setting) {
        let done = bridge::wait_until_done(
            &*setting.platform,
            &self.config.links,
            &self.progress,
            &self.stop,
        );
        tokio::select! {
            ended = &mut self.task => panic!("{ended:?}"),
            done = tokio::time::timeout(LIMIT, done) => assert!(done.unwrap().unwrap()),
        }
    }

    pub async fn until(&mut self, is_so: impl Fn(&Snapshot) -> bool) {
        let mut watch = self.progress.watch();
        tokio::select! {
            ended = &mut self.task => panic!("{ended:?}"),
            so = tokio::time::timeout(LIMIT, watch.wait_for(|snapshot| is_so(snapshot))) => {
                so.unwrap().unwrap();
            }
        }
    }

    /// As a kill: nothing is flushed or stored any more.
    pub async fn kill(self) {
        let mut watch = self.progress.watch();
        drop(self.progress);
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        // Unlike a process, its tasks do not end all at once.
        while watch.changed().await.is_ok() {}
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    pub async fn error(self) -> BridgeError {
        let ended = tokio::time::timeout(LIMIT, self.task).await;
        ended.unwrap().unwrap().unwrap_err()
    }
}

/// A bridge with one link.
pub fn config(broker: &Broker, link: Link) -> BridgeConfig {
    let mut config = BridgeConfig::new(&broker.bootstrap);
    config.links = vec![link];
    config
}

pub fn to_kafka(fluvio: &str, kafka: &str) -> Link {
    Link {
        fluvio: fluvio.into(),
        kafka: kafka.into(),
        direction: Direction::ToKafka,
        chain: vec![],
        compression: Default::default(),
    }
}

pub fn from_kafka(kafka: &str, fluvio: &str) -> Link {
    Link {
        direction: Direction::FromKafka,
        ..to_kafka(fluvio, kafka)
    }
}

pub fn call(module: &str) -> ModuleCall {
    ModuleCall {
        module: module.into(),
        params: Default::default(),
    }
}

pub fn vote(voter: &str, candidate: &str) -> String {
    format!(
        r#"{{"voter_id": "{voter}", "candidate_id": "{candidate}", "voting_time": "2024-07-04 12:00:00", "vote": 1}}"#
    )
}
