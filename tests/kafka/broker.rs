//! A real broker that speaks Kafka: `tansu`, started here, or the one that `KAFKA_BOOTSTRAP` names
//! (Redpanda, Apache Kafka).
//!
//! What tansu 0.6 does otherwise than Redpanda and Kafka, as far as it matters here:
//! * Asked for a partition's newest offset (ListOffsets), it tells the last batch's first record. What
//!   comes with fetched records, and the end of a partition that librdkafka tells by it, is right.
//! * A member of a consumer group waits half a minute for its partitions.
//! * It notes a batch's end and sequence before the batch itself. Killed between the two, it takes the
//!   repeated batch for a duplicate, and the batch is lost; no client can mend that. [`Broker::crash`]
//!   therefore cuts its connections first, at whatever moment, and kills it when it has written what it
//!   had heard: a broker whose storage keeps its word, which is what Redpanda and Kafka are.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testing::{EXTERNAL_BROKER_VARIABLE, broker_program, closed_port};

use crate::kafka::python::Python;
use crate::kafka::server::Server;
use crate::support::proxy::Proxy;
use crate::support::skipped;

/// When nothing has been asked of its store for so long, the broker has written what it had heard.
const QUIET: Duration = Duration::from_millis(700);
/// It does not take as long to write it.
const QUIET_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two looks at the store.
const PAUSE: Duration = Duration::from_millis(20);

/// The names on Kafka of all topics, as the tutorial and the manifest have them.
pub const TOPICS: [&str; 9] = [
    "voters_topic",
    "votes_topic",
    "rejected_votes",
    "aggregated_votes_per_candidate",
    "aggregated_turnout_by_location",
    "aggregated_votes_by_party",
    "aggregated_turnout_by_gender",
    "aggregated_turnout_by_age",
    "aggregated_votes_by_region",
];

pub struct Broker {
    bootstrap: String,
    suffix: String,
    tansu: Option<Tansu>,
}

struct Tansu {
    program: PathBuf,
    /// `None` while it is killed.
    server: Option<Server>,
    /// The port that clients know.
    port: u16,
    durable: Option<Durable>,
    // Last, so that it is removed when the servers are gone.
    directory: TempDir,
}

/// What a broker needs to come back with what it had.
struct Durable {
    proxy: Proxy,
    objects: Server,
    /// A line for each request.
    log: PathBuf,
}

impl Durable {
    /// Waits until nothing is asked of the store.
    fn wait_until_quiet(&self) {
        let requests = || std::fs::metadata(&self.log).unwrap().len();
        let (began, mut known, mut since) = (Instant::now(), requests(), Instant::now());
        while since.elapsed() < QUIET {
            assert!(began.elapsed() < QUIET_LIMIT, "the broker goes on writing");
            std::thread::sleep(PAUSE);
            let now = requests();
            if now != known {
                (known, since) = (now, Instant::now());
            }
        }
    }
}

impl Broker {
    /// A broker for one test. `None`, and a line that says so, where there is none.
    pub fn start() -> Option<Broker> {
        if let Some(broker) = Broker::external() {
            return Some(broker);
        }
        Some(Broker::of_tansu(Tansu::in_memory(
            broker_program()?,
            closed_port().port(),
        )))
    }

    /// A broker that answers on a port that nobody has answered on so far.
    pub fn start_at(port: u16) -> Broker {
        let tansu = broker_program().expect("looked for before");
        Broker::of_tansu(Tansu::in_memory(tansu, port))
    }

    /// A broker that can be killed, and comes back with what it had. `None`, and a line that says so,
    /// where there is none.
    pub fn durable(python: &Python) -> Option<Broker> {
        if std::env::var_os(EXTERNAL_BROKER_VARIABLE).is_some() {
            skipped("the broker of KAFKA_BOOTSTRAP is not killed");
            return None;
        }
        Some(Broker::of_tansu(Tansu::durable(broker_program()?, python)))
    }

    /// Whether brokers are started here.
    pub fn is_ours() -> bool {
        if std::env::var_os(EXTERNAL_BROKER_VARIABLE).is_some() {
            skipped("the broker of KAFKA_BOOTSTRAP is up already");
            return false;
        }
        broker_program().is_some()
    }

    fn external() -> Option<Broker> {
        // A user's own topics are left alone: those of each test have names that nobody uses.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let bootstrap = std::env::var(EXTERNAL_BROKER_VARIABLE).ok()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Some(Broker {
            bootstrap,
            suffix: format!(".test-{}-{number}", std::process::id()),
            tansu: None,
        })
    }

    fn of_tansu(tansu: Tansu) -> Broker {
        Broker {
            bootstrap: address(tansu.port),
            suffix: String::new(),
            tansu: Some(tansu),
        }
    }

    /// Where it is: `HOST:PORT`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// What topics are called behind their original names, here.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The name of a topic, here.
    pub fn topic(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// The connections break, it is killed (`kill -9`), and after `pause` it comes back.
    pub fn crash(&mut self, pause: Duration) {
        let tansu = self.tansu.as_mut().unwrap();
        let durable = tansu.durable.as_ref().unwrap();
        durable.proxy.cut();
        durable.wait_until_quiet();
        tansu.server = None;
        std::thread::sleep(pause);
        tansu.start();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.tansu.is_some() {
            return;
        }
        let Some(python) = Python::ready() else {
            return;
        };
        let topics = TOPICS.map(|name| self.topic(name));
        let mut args = vec!["--bootstrap", &self.bootstrap, "delete"];
        args.extend(topics.iter().map(String::as_str));
        python.start("topics.py", &args).wait();
    }
}

impl Tansu {
    fn in_memory(program: PathBuf, port: u16) -> Tansu {
        let mut tansu = Tansu {
            program,
            server: None,
            port,
            durable: None,
            directory: tempfile::tempdir().unwrap(),
        };
        tansu.start();
        tansu
    }

    fn durable(program: PathBuf, python: &Python) -> Tansu {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("moto.log");
        let objects = Server::start(&log, |port| {
            let mut command = python.program("moto_server");
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        });
        let bucket = format!("http://{}/tansu", address(objects.port));
        ureq::put(bucket).send_empty().unwrap();
        let proxy = Proxy::start();
        let mut tansu = Tansu {
            program,
            server: None,
            port: proxy.port(),
            durable: Some(Durable {
                proxy,
                objects,
                log,
            }),
            directory,
        };
        tansu.start();
        tansu
    }

    fn start(&mut self) {
        let log = self.directory.path().join("tansu.log");
        self.server = Some(match &self.durable {
            None => {
                let server = Server::start_at(self.port, &log, |port| self.command(port));
                server.unwrap_or_else(|| panic!("{}", std::fs::read_to_string(&log).unwrap()))
            }
            Some(durable) => {
                let server = Server::start(&log, |port| self.command(port));
                durable.proxy.open(server.port);
                server
            }
        });
    }

    /// The broker, which listens on `port`.
    fn command(&self, port: u16) -> Command {
        let mut command = Command::new(&self.program);
        let storage = match &self.durable {
            Some(_) => "s3://tansu/",
            None => "memory://tansu/",
        };
        command
            .arg("broker")
            .args(["--storage-engine", storage])
            .args(["--listener-url", &format!("tcp://{}", address(port))])
            .arg("--advertised-listener-url")
            .arg(format!("tcp://{}", address(self.port)))
            .current_dir(self.directory.path())
            .env_remove("RUST_LOG");
        if let Some(durable) = &self.durable {
            command
                .env(
                    "AWS_ENDPOINT",
                    format!("http://{}", address(durable.objects.port)),
                )
                .envs([
                    ("AWS_ALLOW_HTTP", "true"),
                    ("AWS_ACCESS_KEY_ID", "test"),
                    ("AWS_SECRET_ACCESS_KEY", "test"),
                    ("AWS_DEFAULT_REGION", "us-east-1"),
                ]);
        }
        command
    }
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
