//! What stops the bridge, in words for the person who fixes it. It never goes on past a record that
//! it cannot vouch for.

use std::path::PathBuf;

use platform::PlatformError;
use service::restart::Failure;
use service::whole_log::{LogBehindStore, WholeLogError};
use store::StoreError;

/// A failure of the bridge.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// Nobody says where Kafka is.
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
    /// The settings need what this build does not have.
    #[error(
        "the Kafka settings need TLS or SCRAM, which this build does not have ({problem}): build it with them, `cargo build --release -p bridge --features tls`"
    )]
    NoTls {
        /// What librdkafka says.
        problem: String,
    },
    /// librdkafka refuses the settings as a whole.
    #[error(
        "the Kafka settings cannot be used: {problem}; see `--kafka-config` and `--kafka-property`"
    )]
    Settings {
        /// What librdkafka says.
        problem: String,
    },
    /// A record would come back to the topic it was in.
    #[error(
        "a loop: {from} goes to {to}, and that goes back to {from}, so each record would go round for ever; turn the `direction` of one of them in the `[[kafka]]` tables, or leave it out"
    )]
    Loop {
        /// Where it begins.
        from: String,
        /// Where it goes.
        to: String,
    },
    /// Two links of which one is too many.
    #[error(
        "`{one}` and `{other}` are both linked with `{kafka}` on Kafka, the same way; give each `[[kafka]]` table a topic of its own"
    )]
    TwoLinks {
        /// The topic on Kafka.
        kafka: String,
        /// The one topic on Fluvio.
        one: String,
        /// The other; may be the same.
        other: String,
    },
    /// The manifest has no such chain.
    #[error("there is no chain `{chain}` in the manifest")]
    NoChain {
        /// Its name.
        chain: String,
    },
    /// A chain that the bridge cannot run exactly once.
    #[error(
        "`{fluvio}` cannot go to Kafka through a chain that {problem}: on a cluster a SmartModule's outputs lose their records' offsets, and only `vote-filter` or `vote-enrich` as the first step keeps them (`mode=every`); put it first, or leave out `chain`"
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
    /// The broker refuses us.
    #[error(
        "Kafka at {bootstrap} refuses the login: {problem}; check security.protocol, sasl.mechanism, sasl.username and sasl.password in the file of `--kafka-config`"
    )]
    LoginRefused {
        /// The addresses.
        bootstrap: String,
        /// What the broker says.
        problem: String,
    },
    /// The user may not do that.
    #[error(
        "Kafka does not allow this user to {doing}: {problem}; grant it (on Redpanda `rpk security acl create`)"
    )]
    NotAllowed {
        /// What was being done.
        doing: String,
        /// What the broker says.
        problem: String,
    },
    /// The topic that is to be read does not exist.
    #[error(
        "there is no topic `{topic}` on Kafka to read from; create it (`rpk topic create {topic}`), or correct its name in the `[[kafka]]` table"
    )]
    NoTopic {
        /// The topic.
        topic: String,
    },
    /// The topic on Kafka has too few partitions.
    #[error(
        "topic `{kafka}` on Kafka has {found} partitions, but `{fluvio}` on Fluvio has {wanted}, and each goes to the one of its number: add some (`rpk topic add-partitions {kafka} --num {}`), or delete it, and it is created anew",
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
    /// Kafka does not take a record of this size.
    #[error(
        "Kafka does not take the record of `{fluvio}` partition {partition} at offset {offset}, of {bytes} bytes: {problem}; nothing after it was sent. Raise `max.message.bytes` of topic `{kafka}` (`rpk topic alter-config {kafka} --set max.message.bytes=…`) and, to as much, `--kafka-property message.max.bytes=…`"
    )]
    TooLarge {
        /// The topic on Fluvio.
        fluvio: String,
        /// The partition.
        partition: u32,
        /// The record's offset there.
        offset: i64,
        /// Key and value together.
        bytes: usize,
        /// The topic on Kafka.
        kafka: String,
        /// What librdkafka or the broker says.
        problem: String,
    },
    /// Fluvio does not take a record of this size.
    #[error(
        "the record of `{kafka}` partition {partition} at offset {offset} has {bytes} bytes, and Fluvio takes at most {limit}; nothing after it was read. Delete it there (`rpk topic trim-prefix {kafka} --partitions {partition} --offset {}`), and set `max.message.bytes` of the topic lower",
        offset + 1
    )]
    InboundTooLarge {
        /// The topic on Kafka.
        kafka: String,
        /// The partition.
        partition: u32,
        /// The record's offset there.
        offset: i64,
        /// Key and value together.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Records are missing from a stream.
    #[error(
        "`{topic}` partition {partition}: offset {expected} was due, {found} came; nothing was skipped, the bridge stopped"
    )]
    Gap {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset that was due.
        expected: i64,
        /// The offset that came.
        found: i64,
    },
    /// A chain's output does not say which record it is of.
    #[error(
        "the chain of `{topic}` gave an output whose key does not begin with its record's offset; deploy the SmartModules of this version (`election deploy`)"
    )]
    NotNumbered {
        /// The topic.
        topic: String,
    },
    /// A stream ended without an error.
    #[error("the stream of `{topic}` partition {partition} ended; it is begun again")]
    StreamEnded {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
    /// The topic on Kafka holds the records of another election.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, holds another election's records: delete the topic (`rpk topic delete {kafka}`), and it is created anew, or give another name in the `[[kafka]]` table"
    )]
    AnotherElection {
        /// The topic on Kafka.
        kafka: String,
        /// The partition.
        partition: u32,
    },
    /// The topic on Kafka is ahead of the one on Fluvio.
    #[error(
        "topic `{kafka}` on Kafka has records of `{fluvio}` partition {partition} up to offset {marked}, but that ends at {end}: the log has lost records, or is another; delete the topic on Kafka (`rpk topic delete {kafka}`), and it is filled anew"
    )]
    AheadOfLog {
        /// The topic on Kafka.
        kafka: String,
        /// The topic on Fluvio.
        fluvio: String,
        /// The partition.
        partition: u32,
        /// The offset after the last on Kafka.
        marked: i64,
        /// Where Fluvio ends.
        end: i64,
    },
    /// The broker refused a record and took some behind it.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, lacks the record of `{fluvio}` partition {partition} at offset {missing}, but has later ones: the broker refused it and took those; when the cause is mended, delete the topic (`rpk topic delete {kafka}`), and it is filled anew"
    )]
    Hole {
        /// The topic on Kafka.
        kafka: String,
        /// The partition.
        partition: u32,
        /// The topic on Fluvio.
        fluvio: String,
        /// The last offset there that is missing.
        missing: i64,
    },
    /// It cannot be told what was carried over already.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, has lost its records, so it does not tell where to go on: keep them (`rpk topic alter-config {kafka} --set retention.ms=-1`), and delete the topic (`rpk topic delete {kafka}`), so that it is filled anew"
    )]
    PositionLost {
        /// The topic on Kafka.
        kafka: String,
        /// The partition.
        partition: u32,
    },
    /// Records were deleted on Kafka before they were read.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, begins at offset {begin}, but {next} is the next to be read: records were deleted before they were counted. Restore them and keep them longer (retention.ms); or, to do without them: UPDATE bridge_inbound SET next_offset = {begin}, batch_end = {begin} WHERE kafka_topic = '{kafka}' AND kafka_partition = {partition}"
    )]
    RecordsDeleted {
        /// The topic on Kafka.
        kafka: String,
        /// The partition.
        partition: u32,
        /// The next offset to be read.
        next: i64,
        /// The first offset there is.
        begin: i64,
    },
    /// The topic on Kafka is shorter than what was read of it.
    #[error(
        "topic `{kafka}` on Kafka, partition {partition}, ends at offset {end}, but it was read up to {next} already: it was deleted and created anew, or the broker lost records. If its records are all new: DELETE FROM bridge_inbound WHERE kafka_topic = '{kafka}', and it is read from the beginning"
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
    /// The log is shorter than what was counted or persisted from it; nothing is appended to it.
    #[error(transparent)]
    RecordsLost(LogBehindStore),
    /// The log is shorter than what was written to it.
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
    /// Somebody else has moved the stored position, or deleted it.
    #[error(
        "how far {link} is read was changed in the database meanwhile: the election was started anew, or another bridge reads the same topic; start the bridge again"
    )]
    PositionMoved {
        /// The link.
        link: String,
    },
    /// Partitions were added to the topic on Kafka.
    #[error("topic `{topic}` on Kafka has other partitions than before; they are read, too")]
    PartitionsAdded {
        /// The topic.
        topic: String,
    },
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
                | BridgeError::NoTls { .. }
                | BridgeError::Settings { .. }
                | BridgeError::Loop { .. }
                | BridgeError::TwoLinks { .. }
                | BridgeError::NoChain { .. }
                | BridgeError::Chain { .. }
        )
    }
}

impl From<WholeLogError> for BridgeError {
    fn from(error: WholeLogError) -> Self {
        match error {
            WholeLogError::Behind(behind) => BridgeError::RecordsLost(behind),
            WholeLogError::Platform(error) => error.into(),
            WholeLogError::Store(error) => error.into(),
        }
    }
}

impl Failure for BridgeError {
    fn is_transient(&self) -> bool {
        match self {
            BridgeError::Platform(error) => error.is_transient(),
            BridgeError::Store(error) => error.is_transient(),
            BridgeError::Kafka { transient, .. } => *transient,
            BridgeError::Unreachable { .. }
            | BridgeError::StreamEnded { .. }
            | BridgeError::PartitionsAdded { .. } => true,
            _ => self.lost_at().is_some(),
        }
    }

    fn lost_at(&self) -> Option<i64> {
        match self {
            BridgeError::Gap { expected, .. } => Some(*expected),
            _ => None,
        }
    }
}
