//! A broker of a test's own, and a client beside the bridge.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;
use testing::{EXTERNAL_BROKER_VARIABLE, broker_program, closed_port};

use crate::gate::{Gate, Passing};

const LIMIT: Duration = Duration::from_secs(60);

/// A record on Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: Option<String>,
    pub value: String,
    pub mark: Option<String>,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
}

pub struct Broker {
    pub bootstrap: String,
    suffix: String,
    server: Option<(Child, TempDir)>,
    /// Of the gate it is behind.
    passing: Option<Passing>,
}

impl Broker {
    /// `None`, and a line that says so, where there is none.
    pub fn start() -> Option<Broker> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if let Ok(bootstrap) = std::env::var(EXTERNAL_BROKER_VARIABLE) {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            return Some(Broker {
                bootstrap,
                suffix: format!(".bridge-{}-{number}", std::process::id()),
                server: None,
                passing: None,
            });
        }
        let program = broker_program()?;
        (0..5).find_map(|_| Broker::tansu(&program, closed_port().port(), None))
    }

    /// One whose clients reach it through a gate. `None`, and a line that says so, where none can be started.
    pub async fn behind_a_gate() -> Option<(Broker, Gate)> {
        let program = broker_program()?;
        for _ in 0..5 {
            let port = closed_port().port();
            let (gate, passing) = Gate::to(port).await;
            if let Some(mut broker) = Broker::tansu(&program, port, Some(gate.address)) {
                broker.passing = Some(passing);
                return Some((broker, gate));
            }
        }
        panic!("{} does not start", program.display());
    }

    /// Kills it; false for one that is not ours.
    pub fn kill(&mut self) -> bool {
        let Some((mut child, _directory)) = self.server.take() else {
            return false;
        };
        child.kill().unwrap();
        child.wait().unwrap();
        true
    }

    /// One that listens on a port, and tells its clients that it is there, or elsewhere.
    fn tansu(program: &Path, port: u16, advertised: Option<SocketAddr>) -> Option<Broker> {
        let directory = tempfile::tempdir().unwrap();
        let listener = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let bootstrap = advertised.unwrap_or(listener).to_string();
        let mut child = Command::new(program)
            .args(["broker", "--storage-engine", "memory://tansu/"])
            .args(["--listener-url", &format!("tcp://{listener}")])
            .args(["--advertised-listener-url", &format!("tcp://{bootstrap}")])
            .current_dir(directory.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(listener).is_err() {
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(began.elapsed() < LIMIT);
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Broker {
            bootstrap,
            suffix: String::new(),
            server: Some((child, directory)),
            passing: None,
        })
    }

    /// One that is there already.
    pub fn at(bootstrap: &str) -> Broker {
        Broker {
            bootstrap: bootstrap.into(),
            suffix: String::new(),
            server: None,
            passing: None,
        }
    }

    /// The name of a topic, here: a user's own are left alone.
    pub fn topic(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    fn config(&self) -> ClientConfig {
        config(&self.bootstrap)
    }

    pub async fn create(&self, topic: &str, partitions: i32) {
        self.create_with(topic, partitions, &[]).await;
    }

    pub async fn create_with(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let mut topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            topic = topic.set(name, value);
        }
        let created = admin.create_topics([&topic], &AdminOptions::new()).await;
        created.unwrap().remove(0).unwrap();
    }

    /// What a topic's setting is.
    pub async fn setting(&self, topic: &str, name: &str) -> Option<String> {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let topic = [ResourceSpecifier::Topic(topic)];
        let described = admin.describe_configs(&topic, &AdminOptions::new()).await;
        let described = described.unwrap().remove(0).unwrap();
        described.get(name).and_then(|entry| entry.value.clone())
    }

    /// Writes records, in order, with a mark where one is given.
    pub async fn write(&self, topic: &str, partition: i32, records: &[(&str, &str, Option<&str>)]) {
        let producer: FutureProducer = self.config().create().unwrap();
        let sent: Vec<_> = records
            .iter()
            .map(|(key, value, mark)| {
                let mut record = FutureRecord::to(topic).partition(partition).payload(*value);
                if !key.is_empty() {
                    record = record.key(*key);
                }
                if let Some(mark) = mark {
                    let header = Header {
                        key: bridge::MARK_HEADER,
                        value: Some(*mark),
                    };
                    record = record.headers(OwnedHeaders::new().insert(header));
                }
                producer.send_result(record).map_err(|(error, _)| error)
            })
            .collect();
        for sent in sent {
            sent.unwrap().await.unwrap().unwrap();
        }
    }

    /// Writes a record that has been copied: with several marks, of which the last was put on last.
    pub async fn write_copied(&self, topic: &str, partition: i32, value: &str, marks: &[&str]) {
        let producer: FutureProducer = self.config().create().unwrap();
        let headers = marks.iter().fold(OwnedHeaders::new(), |headers, mark| {
            headers.insert(Header {
                key: bridge::MARK_HEADER,
                value: Some(*mark),
            })
        });
        let record = FutureRecord::<(), _>::to(topic)
            .partition(partition)
            .payload(value)
            .headers(headers);
        producer.send(record, LIMIT).await.unwrap();
    }

    /// Writes a record in a transaction, which is open then.
    pub fn write_in_transaction(&self, topic: &str, partition: i32, value: &str) -> Transaction {
        let mut config = self.config();
        config.set("transactional.id", topic);
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(LIMIT).unwrap();
        producer.begin_transaction().unwrap();
        let record = BaseRecord::<(), _>::to(topic)
            .partition(partition)
            .payload(value);
        producer.send(record).unwrap();
        producer.flush(LIMIT).unwrap();
        Transaction(producer)
    }

    /// All records of a partition.
    pub fn read(&self, topic: &str, partition: i32) -> Vec<Record> {
        read(&self.bootstrap, topic, partition)
    }
}

/// A transaction of a producer of its own.
pub struct Transaction(BaseProducer);

impl Transaction {
    pub fn commit(self) {
        self.0.commit_transaction(LIMIT).unwrap();
    }
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "50")
        .set("auto.offset.reset", "earliest")
        .set("message.max.bytes", "20000000");
    config
}

/// All records of a partition.
pub fn read(bootstrap: &str, topic: &str, partition: i32) -> Vec<Record> {
    let consumer: BaseConsumer = config(bootstrap).create().unwrap();
    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset(topic, partition, Offset::Offset(0))
        .unwrap();
    consumer.assign(&assignment).unwrap();
    let mut records = Vec::new();
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < LIMIT, "{topic} {partition}");
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => return records,
            Some(Err(error)) => panic!("{error}"),
            Some(Ok(message)) => records.push(Record {
                key: message.key().map(text),
                value: text(message.payload().unwrap()),
                timestamp: message.timestamp().to_millis(),
                mark: message.headers().and_then(|headers| {
                    headers
                        .iter()
                        .find(|header| header.key == bridge::MARK_HEADER)
                        .and_then(|header| header.value.map(text))
                }),
            }),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
