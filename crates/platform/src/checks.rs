//! What both adapters check before they act.

use crate::{NewRecord, PlatformError};

/// Longest name, as in Fluvio.
const MAX_NAME_BYTES: usize = 63;

/// The first bytes of a WebAssembly module.
const WASM_MAGIC: &[u8] = b"\0asm";

/// Whether Fluvio takes `name`: lower-case letters, digits and `-`, not at either end, at most 63.
pub fn is_topic_name(name: &str) -> bool {
    let usable = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.bytes().all(usable)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

pub(crate) fn check_topic_name(topic: &str) -> Result<(), PlatformError> {
    if is_topic_name(topic) {
        return Ok(());
    }
    Err(PlatformError::TopicName {
        topic: topic.into(),
    })
}

/// Checks that an existing topic has as many partitions as wanted.
pub(crate) fn check_partitions(
    topic: &str,
    existing: u32,
    wanted: u32,
) -> Result<(), PlatformError> {
    if existing == wanted {
        return Ok(());
    }
    Err(PlatformError::OtherPartitions {
        topic: topic.into(),
        existing,
        wanted,
    })
}

pub(crate) fn check_module(module: &str, wasm: &[u8]) -> Result<(), PlatformError> {
    if wasm.starts_with(WASM_MAGIC) {
        return Ok(());
    }
    Err(PlatformError::Module {
        module: module.into(),
        problem: "not WebAssembly; give it the `.wasm` file".into(),
    })
}

pub(crate) fn check_sizes(
    topic: &str,
    records: &[NewRecord],
    limit: usize,
) -> Result<(), PlatformError> {
    let too_large = records.iter().find(|record| record.size() > limit);
    too_large.map_or(Ok(()), |record| {
        Err(PlatformError::TooLarge {
            topic: topic.into(),
            bytes: record.size(),
            limit,
        })
    })
}
