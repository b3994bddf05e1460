//! Errors of a streaming platform, in words for the person who fixes it.

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
    /// A topic name that Fluvio does not accept.
    #[error(
        "`{topic}` is not a topic name: only lower-case letters, digits and `-`, not at either end, at most 63"
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
        /// The engine's error.
        problem: String,
    },
    /// A record larger than the platform takes.
    #[error("a record of {bytes} bytes for topic `{topic}`; the limit is {limit}")]
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
        "{} is in use by another process: stop it first, or use another `--data-dir`",
        path.display()
    )]
    InUse {
        /// The directory of the log.
        path: PathBuf,
    },
    /// The log has bytes that were not written by it.
    #[error("the log of `{topic}` partition {partition} is damaged at offset {offset}: {problem}")]
    Damaged {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset of the damage.
        offset: i64,
        /// What is wrong.
        problem: String,
    },
    /// The storage failed: disk full, no permission, and the like.
    #[error("the log at {}: {problem}", path.display())]
    Storage {
        /// The directory of the log.
        path: PathBuf,
        /// The store's error.
        problem: String,
    },
    /// No cluster is named.
    #[error(
        "no Fluvio cluster: {problem}; name one with `--cluster HOST:9003`, or choose a profile (`fluvio profile list`, `fluvio profile switch NAME`)"
    )]
    NoCluster {
        /// What is wrong with the profile.
        problem: String,
    },
    /// Connecting to the cluster or one of its SPUs failed.
    #[error(
        "Fluvio at {endpoint} cannot be reached: {problem}; is it running (`fluvio cluster status`), and is the address right?"
    )]
    Unreachable {
        /// The address.
        endpoint: String,
        /// The network's error.
        problem: String,
    },
    /// The cluster requires TLS.
    #[error(
        "the profile of Fluvio at {endpoint} requires TLS, which this build lacks: build it with `cargo build --release --workspace --features tls`"
    )]
    NoTls {
        /// The address.
        endpoint: String,
    },
    /// An open connection has ended.
    #[error("lost the connection to Fluvio at {endpoint}: {problem}")]
    ConnectionLost {
        /// The address.
        endpoint: String,
        /// The network's error.
        problem: String,
    },
    /// The cluster did not answer in time.
    #[error("Fluvio did not answer within {seconds} s: {doing}")]
    Timeout {
        /// The request.
        doing: String,
        /// The time limit.
        seconds: u64,
    },
    /// Another SPU leads the partition now; a retry will find it.
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
        /// The request.
        doing: String,
        /// The cluster's error.
        problem: String,
    },
    /// The system cannot start a thread for a stream.
    #[error("cannot start a thread for a stream: {problem}; is a limit reached (`ulimit -u`)?")]
    NoThread {
        /// The system's error.
        problem: String,
    },
    /// A task of the platform ended abnormally.
    #[error("a task of the platform ended abnormally: {0}")]
    Task(String),
}

impl PlatformError {
    #[cfg(feature = "fluvio")]
    pub(crate) fn refused(doing: impl Into<String>, problem: impl ToString) -> Self {
        PlatformError::Refused {
            doing: doing.into(),
            problem: problem.to_string(),
        }
    }

    /// Whether a stream has failed on what a batch of the log holds, so that it would fail there again.
    pub fn is_of_a_batch(&self) -> bool {
        matches!(
            self,
            PlatformError::Module { .. } | PlatformError::Damaged { .. }
        )
    }

    /// Whether a retry may succeed: a server restarts, the network is interrupted, a partition moves.
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
