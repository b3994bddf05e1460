//! What stops the bridge, in words for the person who fixes it. It never carries on past a record that
//! it cannot vouch for.

use std::path::PathBuf;

use platform::PlatformError;
use service::records::RecordsError;
use service::restart::Failure;
use service::whole_log::WholeLogError;
use store::StoreError;

use crate::Place;

/// A failure of the bridge.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// No option says where Kafka is.
    #[error(
        "no Kafka broker is given: name one with `--kafka HOST:9092`, set `ELECTION_KAFKA`, or write `bootstrap.servers=HOST:9092` into the file of `--kafka-config`"
    )]
    NoBroker,
    /// The file of settings cannot be read.
    #[error("{}{}: {problem}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// The line, if it is about one.
        line: Option<usize>,
        /// What is wrong.
        problem: String,
    },
    /// A setting that cannot be used.
    #[error("the Kafka setting `{property}`: {problem}")]
    Property {
        /// The setting.
        property: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The settings need TLS or SCRAM, and this build lacks them; what librdkafka says.
    #[error(
        "the Kafka settings need TLS or SCRAM, which this build does not have ({0}): build it with them, `cargo build --release -p bridge --features tls`"
    )]
    NoTls(String),
    /// librdkafka refuses the settings as a whole; what it says.
    #[error("the Kafka settings cannot be used: {0}; see `--kafka-config` and `--kafka-property`")]
    Settings(String),
    /// Records would come back to the topic that they came from.
    #[error(
        "a loop: {from} goes to {to}, and that leads back to {from}, so each record would go round for ever; change the `direction` of one of the `[[kafka]]` tables, or remove it"
    )]
    Loop {
        /// Where it begins.
        from: String,
        /// Where it goes.
        to: String,
    },
    /// Two links where only one can be.
    #[error(
        "`{one}` and `{other}` are both linked with `{kafka}` on Kafka in the same direction; give each `[[kafka]]` table a topic of its own"
    )]
    TwoLinks {
        /// The topic on Kafka.
        kafka: String,
        /// The one topic on Fluvio.
        one: String,
        /// The other; may be the same.
        other: String,
    },
    /// The manifest has no chain of this name.
    #[error("there is no chain `{0}` in the manifest")]
    NoChain(String),
    /// A chain that the bridge cannot run exactly once.
    #[error(
        "`{fluvio}` cannot go to Kafka through a chain that {problem}: on a cluster a SmartModule's outputs lose their records' offsets, and only `vote-filter` or `vote-enrich` as the first step keeps them (`mode=every`); put it first, or remove `chain`"
    )]
    Chain {
        /// The topic on Fluvio.
        fluvio: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No broker can be reached.
    #[error(
        "Kafka at {bootstrap} cannot be reached: {problem}; is it running, and are address and `security.protocol` right?"
    )]
    Unreachable {
        /// The addresses.
        bootstrap: String,
        /// What the network says.
        problem: String,
    },
    /// The broker refuses the login.
    #[error(
        "Kafka at {bootstrap} refuses the login: {problem}; check security.protocol, sasl.mechanism, sasl.username and sasl.password in the file of `--kafka-config`"
    )]
    LoginRefused {
        /// The addresses.
        bootstrap: String,
        /// What the broker says.
        problem: String,
    },
    /// The user lacks a permission.
    #[error(
        "Kafka does not allow this user to {doing}: {problem}; grant it (on Redpanda `rpk security acl create`)"
    )]
    NotAllowed {
        /// What was being done.
        doing: String,
        /// What the broker says.
        problem: String,
    },
    /// The topic to read from does not exist on Kafka.
    #[error(
        "there is no topic `{0}` on Kafka to read from; create it (`rpk topic create {0}`), or correct its name in the `[[kafka]]` table"
    )]
    NoTopic(String),
    /// The topic on Kafka has too few partitions.
    #[error(
        "topic `{kafka}` on Kafka has {found} partitions, but `{fluvio}` on Fluvio has {wanted}, and each needs its counterpart: add some (`rpk topic add-partitions {kafka} --num {}`), or delete the topic, and the bridge creates it again",
        wanted - found
    )]
    FewerPartitions {
        /// The topic on Kafka.
        kafka: String,
        /// Its partitions.
        found: u32,
        /// The topic on Fluvio.
        fluvio: String,
        /// Its partitions.
        wanted: u32,
    },
    /// An output of the chain on the way from this topic does not say which record it came from.
    #[error(
        "the chain of `{0}` gave an output whose key does not begin with its record's offset; deploy the SmartModules of this version (`election deploy`)"
    )]
    NotNumbered(String),
    /// The topic on Kafka holds the records of another election.
    #[error(
        "topic `{}` on Kafka, partition {}, holds another election's records: delete the topic (`rpk topic delete {}`), and the bridge creates it again, or give another name in the `[[kafka]]` table",
        .0.kafka_topic, .0.partition, .0.kafka_topic
    )]
    AnotherElection(Place),
    /// The topic on Kafka is ahead of the one on Fluvio.
    #[error(
        "topic `{kafka}` on Kafka has records of `{}` partition {} up to offset {marked}, but the log ends at {end}: it has lost records, or is another log; delete the topic on Kafka (`rpk topic delete {kafka}`), and the bridge fills it again",
        place.topic, place.partition, kafka = place.kafka_topic
    )]
    AheadOfLog {
        /// The partition.
        place: Place,
        /// The offset after the last record on Kafka.
        marked: i64,
        /// Where Fluvio ends.
        end: i64,
    },
    /// The broker refused a record and took some behind it.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, lacks the record of `{}` partition {partition} at offset {missing}, but has later ones: the broker refused the one and took the others; fix the cause, then delete the topic (`rpk topic delete {kafka}`), and the bridge fills it again",
        place.topic, kafka = place.kafka_topic, partition = place.partition
    )]
    Hole {
        /// The partition.
        place: Place,
        /// The last offset on Fluvio that is missing.
        missing: i64,
    },
    /// Kafka has deleted the records that say where to continue.
    #[error(
        "topic `{}` on Kafka, partition {}, has deleted records, so the bridge cannot tell where to continue: keep them (`rpk topic alter-config {} --set retention.ms=-1`), and delete the topic (`rpk topic delete {}`), so that the bridge fills it again",
        .0.kafka_topic, .0.partition, .0.kafka_topic, .0.kafka_topic
    )]
    PositionLost(Place),
    /// Records were deleted on Kafka before they were read.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, begins at offset {begin}, but {next} is the next to be read: records were deleted before they were counted. Restore them and keep them longer (retention.ms); or, to continue without them: UPDATE bridge_inbound SET next_offset = {begin}, batch_end = {begin} WHERE kafka_topic = '{kafka}' AND kafka_partition = {partition}"
    )]
    RecordsDeleted {
        /// The topic on Kafka.
        kafka: String,
        /// The partition.
        partition: u32,
        /// The next offset to be read.
        next: i64,
        /// The first offset that is left.
        begin: i64,
    },
    /// The topic on Kafka is shorter than what was read of it.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, ends at offset {end}, but was read up to {next} before: it was deleted and created again, or the broker lost records. If all its records are new: DELETE FROM bridge_inbound WHERE kafka_topic = '{kafka}', and it is read from the beginning"
    )]
    KafkaBehindStore {
        /// The topic on Kafka.
        kafka: String,
        /// The partition.
        partition: u32,
        /// The next offset to be read.
        next: i64,
        /// Where it ends.
        end: i64,
    },
    /// The log is shorter than what was counted or persisted from it, or that could not be checked.
    #[error(transparent)]
    WholeLog(#[from] WholeLogError),
    /// The log is shorter than what the bridge wrote to it.
    #[error(
        "`{fluvio}` partition {partition} ends at offset {end}, but ended at {stored} before: the log has lost records, or belongs to another database; restore it, or start anew with `--fresh`"
    )]
    LogBehindStore {
        /// The topic on Fluvio.
        fluvio: String,
        /// The partition.
        partition: u32,
        /// Where the log ends.
        end: i64,
        /// Where it ended.
        stored: i64,
    },
    /// The stored position of this link was changed or deleted meanwhile.
    #[error(
        "the stored position of {0} was changed meanwhile: the election was started anew, or another bridge reads the same topic; start the bridge again"
    )]
    PositionMoved(String),
    /// Partitions were added to this topic on Kafka.
    #[error("topic `{0}` on Kafka has more partitions than before; they are read, too")]
    PartitionsAdded(String),
    /// Kafka failed.
    #[error("Kafka failed to {doing}: {problem}")]
    Kafka {
        /// What was being done.
        doing: String,
        /// What librdkafka says.
        problem: String,
        /// Whether the same may succeed later.
        transient: bool,
    },
    /// Records cannot be read from Fluvio.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The streaming platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task ended abnormally.
    #[error("a task of the bridge ended abnormally: {0}; this is a bug, please report it")]
    Task(String),
}

impl BridgeError {
    /// Whether it is about options and files that were given, or are missing.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            BridgeError::NoBroker
                | BridgeError::ConfigFile { .. }
                | BridgeError::Property { .. }
                | BridgeError::NoTls(_)
                | BridgeError::Settings(_)
                | BridgeError::Loop { .. }
                | BridgeError::TwoLinks { .. }
                | BridgeError::NoChain(_)
                | BridgeError::Chain { .. }
        )
    }
}

impl From<tokio::task::JoinError> for BridgeError {
    fn from(error: tokio::task::JoinError) -> Self {
        BridgeError::Task(error.to_string())
    }
}

impl Failure for BridgeError {
    fn is_transient(&self) -> bool {
        match self {
            BridgeError::Records(error) => error.is_transient(),
            BridgeError::WholeLog(error) => error.is_transient(),
            BridgeError::Platform(error) => error.is_transient(),
            BridgeError::Store(error) => error.is_transient(),
            BridgeError::Kafka { transient, .. } => *transient,
            BridgeError::Unreachable { .. } | BridgeError::PartitionsAdded(_) => true,
            _ => false,
        }
    }

    fn lost_at(&self) -> Option<i64> {
        match self {
            BridgeError::Records(error) => error.lost_at(),
            _ => None,
        }
    }
}
