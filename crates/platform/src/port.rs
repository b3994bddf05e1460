//! The port: a trait for streaming platforms, and its types.

use std::fmt;

use async_trait::async_trait;
use ballot::Params;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::PlatformError;

/// A record to be produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Decides the partition; without one, partitions take turns.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Vec<u8>,
}

impl NewRecord {
    /// Bytes of key and value together.
    pub(crate) fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.value.len()
    }
}

/// A SmartModule in a chain, with its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct ModuleCall {
    /// The name it was deployed under.
    pub module: String,
    /// Its parameters.
    pub params: Params,
}

/// The name of a chain in errors: its modules, joined.
pub(crate) fn chain_name(calls: &[ModuleCall]) -> String {
    let names: Vec<_> = calls.iter().map(|call| call.module.as_str()).collect();
    names.join(" | ")
}

/// Without the values of the parameters: one may be a key.
impl fmt::Debug for ModuleCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleCall")
            .field("module", &self.module)
            .field("params", &self.params.keys())
            .finish()
    }
}

/// What to stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRequest {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// First offset to stream, at most the partition's end. A chain gets whole batches, so its first
    /// input may begin before it; without a chain, records before it are left out.
    pub from: i64,
    /// The chain, in order; empty for the records as they are. It must have an output now and then, and none that is
    /// many times its input: an SPU that reads a whole segment file of the log (1 GiB) without an output, or a batch
    /// whose outputs are larger than a slice, silently skips everything up to the end. To find rare records, stream
    /// without a chain.
    pub chain: Vec<ModuleCall>,
}

/// The timestamp of an output without a known time.
pub const NO_TIMESTAMP: i64 = -1;

/// A record as it is streamed; or, where a batch in the log cannot be read, its rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Without a chain, the record's own offset. With one it is approximate, because a cluster numbers a module's
    /// outputs consecutively: a module whose offsets matter puts them in its value.
    pub offset: i64,
    /// How many offsets it stands for: 1 for a record. The unreadable rest of a batch stands for all that the batch's head
    /// claims, however many, and has neither key nor value.
    pub offsets: u32,
    /// The key, if there is one.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Bytes,
    /// Without a chain, when the batch was produced, in milliseconds since 1970. With one it is unreliable: a cluster
    /// gives a module's outputs [`NO_TIMESTAMP`].
    pub timestamp: i64,
}

impl Output {
    /// The offset that follows.
    pub fn next_offset(&self) -> i64 {
        self.offset.saturating_add(i64::from(self.offsets))
    }
}

/// Outputs that arrive together, of one partition, in order; never empty.
pub type OutputBatch = Vec<Output>;

/// An endless stream of outputs: it waits for new records, and ends only with an error. Dropping it
/// stops it.
pub type OutputStream = BoxStream<'static, Result<OutputBatch, PlatformError>>;

/// What the election asks of a streaming platform.
#[async_trait]
pub trait Platform: Send + Sync + 'static {
    /// Creates a topic. An existing one with as many partitions is left as it is.
    ///
    /// # Errors
    /// When it exists with another number of partitions, or the name is not one Fluvio takes.
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), PlatformError>;

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// When there is no such topic.
    async fn partitions(&self, topic: &str) -> Result<u32, PlatformError>;

    /// The offset that the next record of the partition will get: the number of records in it.
    ///
    /// # Errors
    /// When there is no such partition.
    async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, PlatformError>;

    /// The largest record that it takes, in bytes of key and value together.
    fn max_record_bytes(&self) -> usize;

    /// Stores a SmartModule under a name, replacing the one there. Running streams keep the module they started with.
    ///
    /// # Errors
    /// When the bytes are not a SmartModule.
    async fn deploy(&self, module: &str, wasm: &[u8]) -> Result<(), PlatformError>;

    /// The WebAssembly of a SmartModule, if one is deployed under this name.
    ///
    /// # Errors
    /// When the platform fails.
    async fn module(&self, module: &str) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Appends records, each to the partition of its key ([`crate::partition_of`]), in order.
    /// Returns when all are safe from a crash of this process (on a cluster: acknowledged). After an error some may be
    /// stored: always a prefix per partition.
    ///
    /// # Errors
    /// When there is no such topic, a record is too large, or the storage fails.
    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<(), PlatformError>;

    /// Streams a partition from an offset through a chain of SmartModules. Module state is fresh
    /// with every stream.
    ///
    /// # Errors
    /// When there is no such partition or SmartModule, or a module refuses its parameters.
    async fn stream(&self, request: StreamRequest) -> Result<OutputStream, PlatformError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_parameter_is_shown_for_one_may_be_a_key() {
        let params = [("credential_key".to_owned(), "0123abcd".to_owned())];
        let request = StreamRequest {
            topic: "votes".into(),
            partition: 0,
            from: 0,
            chain: vec![ModuleCall {
                module: "vote-tally".into(),
                params: params.into(),
            }],
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("credential_key"), "{shown}");
        assert!(!shown.contains("0123abcd"), "{shown}");
    }
}
