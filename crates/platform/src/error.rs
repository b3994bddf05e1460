//! What can go wrong on a streaming platform, in words for the person who fixes it.

use std::path::PathBuf;

/// A failure of the streaming platform.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// There is no topic of this name.
    #[error("topic `{topic}` does not exist; create it first (`election producer init`)")]
    NoTopic {
        /// The topic asked for.
        topic: String,
    },
    /// The topic has fewer partitions than the one asked for.
    #[error("topic `{topic}` has no partition {partition}; it has {partitions}")]
    NoPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
    /// The topic exists with another number of partitions, which cannot be changed.
    #[error(
        "topic `{topic}` has {existing} partitions, not {wanted}; keep `--partitions {existing}` or start anew with `--fresh`"
    )]
    OtherPartitions {
        /// The topic.
        topic: String,
        /// Its partitions.
        existing: u32,
        /// The partitions asked for.
        wanted: u32,
    },
    /// A topic name that Fluvio would not take.
    #[error(
        "`{topic}` is no topic name: only lower-case letters, digits and `-`, not at either end, at most 63"
    )]
    TopicName {
        /// The name.
        topic: String,
    },
    /// There is no SmartModule of this name.
    #[error("SmartModule `{module}` is not deployed")]
    NoModule {
        /// The SmartModule asked for.
        module: String,
    },
    /// A SmartModule could not be loaded, refused its parameters, or failed on a record.
    #[error("SmartModule `{module}`: {problem}")]
    Module {
        /// The SmartModule (a chain is named by its modules, joined by ` | `).
        module: String,
        /// What the engine says.
        problem: String,
    },
    /// A record larger than the platform takes.
    #[error("a record of {bytes} bytes for topic `{topic}`; the platform takes at most {limit}")]
    TooLarge {
        /// The topic.
        topic: String,
        /// Key and value together.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The data directory is in use by another process.
    #[error(
        "{} is in use by another process: stop that one first, or name another `--data-dir`",
        path.display()
    )]
    InUse {
        /// The directory of the log.
        path: PathBuf,
    },
    /// The log has bytes that it never wrote.
    #[error("the log of `{topic}` partition {partition} is damaged at offset {offset}: {problem}")]
    Damaged {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Where.
        offset: i64,
        /// What is wrong.
        problem: String,
    },
    /// The storage below failed: disk full, no permission, and the like.
    #[error("the log at {}: {problem}", path.display())]
    Storage {
        /// The directory of the log.
        path: PathBuf,
        /// What the store says.
        problem: String,
    },
    /// Nobody says which cluster is meant.
    #[error(
        "no Fluvio cluster: {problem}; name one with `--cluster HOST:9003`, or choose a profile (`fluvio profile list`, `fluvio profile switch NAME`)"
    )]
    NoCluster {
        /// What is wrong with the profile.
        problem: String,
    },
    /// The cluster, or one of its SPUs, cannot be connected to.
    #[error(
        "Fluvio at {endpoint} cannot be reached: {problem}; is it running (`fluvio cluster status`), and is the address right?"
    )]
    Unreachable {
        /// The address.
        endpoint: String,
        /// What the network says.
        problem: String,
    },
    /// The cluster wants TLS.
    #[error(
        "the profile of Fluvio at {endpoint} wants TLS, which this build does not have: build it with `cargo build --release --workspace --features tls`"
    )]
    NoTls {
        /// The address.
        endpoint: String,
    },
    /// A connection that stood has ended.
    #[error("the connection to Fluvio at {endpoint} is lost: {problem}")]
    ConnectionLost {
        /// The address.
        endpoint: String,
        /// What the network says.
        problem: String,
    },
    /// The cluster did not answer in time.
    #[error("Fluvio did not answer within {seconds} s: {doing}")]
    Timeout {
        /// What was asked.
        doing: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The partition is led by another SPU than before; the next try will find it.
    #[error("topic `{topic}` partition {partition} has moved to another SPU; try again")]
    Moved {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
    /// The cluster answered with an error.
    #[error("Fluvio refused: {doing}: {problem}")]
    Refused {
        /// What was asked.
        doing: String,
        /// What the cluster says.
        problem: String,
    },
    /// The system has no thread for a stream.
    #[error("cannot start a thread for a stream: {problem}; is a limit reached (`ulimit -u`)?")]
    NoThread {
        /// What the system says.
        problem: String,
    },
    /// A task of the platform ended abnormally.
    #[error("a task of the platform ended abnormally: {0}")]
    Task(String),
}

impl PlatformError {
    /// Whether the same may succeed later: a server is starting again, the network was apart, a
    /// partition is being moved.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            PlatformError::Unreachable { .. }
                | PlatformError::ConnectionLost { .. }
                | PlatformError::Timeout { .. }
                | PlatformError::Moved { .. }
                | PlatformError::NoThread { .. }
        )
    }
}
