//! Elections beside a broker: the command's options, and manifests.

use std::path::PathBuf;
use std::process::Command;

use crate::kafka::broker::Broker;
use crate::support::{DataDir, Process, Run};

/// The manifest as it is delivered; its topics go to Kafka.
const MANIFEST: &str = include_str!("../../fluvio.toml");
const FROM_KAFKA: &str = "direction = \"from-kafka\"";
/// What options may come from otherwise.
const VARIABLES: [&str; 5] = [
    "ELECTION_CLUSTER",
    "ELECTION_KAFKA",
    "ELECTION_KAFKA_CONFIG",
    "ELECTION_LOG",
    "ELECTION_MANIFEST",
];

/// Where voters and votes come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// They are cast here, and go to Kafka like everything else.
    Here,
    /// They come from Kafka; the rest goes there.
    OnKafka,
}

/// The manifest, with the broker's names.
pub fn manifest(cast: Cast, suffix: &str) -> String {
    let mut lines = Vec::new();
    let mut from_kafka = false;
    for line in MANIFEST.lines() {
        if let Some(name) = line.strip_prefix("kafka = \"") {
            let name = name.strip_suffix('"').unwrap();
            from_kafka = cast == Cast::OnKafka && matches!(name, "voters_topic" | "votes_topic");
            lines.push(format!("kafka = \"{name}{suffix}\""));
        } else if from_kafka && line.starts_with("direction = ") {
            lines.push(FROM_KAFKA.to_owned());
        } else if from_kafka && line.starts_with("chain = ") {
            from_kafka = false;
        } else {
            lines.push(line.to_owned());
        }
    }
    let text = lines.join("\n");
    let turned = text.matches(FROM_KAFKA).count();
    assert_eq!(turned, if cast == Cast::OnKafka { 2 } else { 0 });
    text
}

/// An embedded election beside a broker.
pub struct Election<'a> {
    pub data: DataDir,
    broker: &'a Broker,
    manifest: PathBuf,
}

impl<'a> Election<'a> {
    pub fn new(broker: &'a Broker, cast: Cast) -> Election<'a> {
        Election::by(broker, &manifest(cast, broker.suffix()))
    }

    /// Everything goes to Kafka, compressed like that.
    pub fn compressed(broker: &'a Broker, compression: &str) -> Election<'a> {
        let to_kafka = "direction = \"to-kafka\"\n";
        let compressed = format!("{to_kafka}compression = \"{compression}\"\n");
        let manifest = manifest(Cast::Here, broker.suffix());
        Election::by(broker, &manifest.replace(to_kafka, &compressed))
    }

    /// Voters and votes come from Kafka, and nothing goes there: several elections read the same.
    pub fn without_results_on_kafka(broker: &'a Broker) -> Election<'a> {
        let manifest = manifest(Cast::OnKafka, broker.suffix());
        let mut tables = manifest.split("\n[[kafka]]\n");
        let mut text = tables.next().unwrap().to_owned();
        for table in tables.filter(|table| table.contains(FROM_KAFKA)) {
            text += "\n[[kafka]]\n";
            text += table;
        }
        Election::by(broker, &text)
    }

    fn by(broker: &'a Broker, manifest: &str) -> Election<'a> {
        let data = DataDir::new();
        let manifest = data.file("fluvio.toml", manifest);
        Election {
            data,
            broker,
            manifest,
        }
    }

    /// The command with its bridge.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.without_bridge(args);
        command.args(["--kafka", self.broker.bootstrap()]);
        command
    }

    /// The command without a bridge.
    pub fn without_bridge(&self, args: &[&str]) -> Command {
        let mut command = command(&self.data, args);
        command.arg("--manifest").arg(&self.manifest);
        command
    }

    pub fn start(&self, args: &[&str]) -> Process {
        Process::spawn(self.command(args))
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Run {
        self.start(args).wait()
    }
}

/// An election's command, whatever the environment of the tests is.
pub fn command(data: &DataDir, args: &[&str]) -> Command {
    let mut command = data.command(args);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}
