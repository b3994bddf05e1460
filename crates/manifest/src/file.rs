//! The shape of the file: tables and keys, each with its place. What they mean is checked after.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use platform::fluvio::Compression;
use serde::Deserialize;
use toml::Spanned;

use crate::values::{Direction, KafkaCompression, Retention, Size};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ManifestFile {
    pub(crate) cluster: ClusterTable,
    pub(crate) defaults: TopicTable,
    pub(crate) topic: Vec<Spanned<TopicTable>>,
    pub(crate) smartmodule: Vec<SmartModuleTable>,
    pub(crate) chain: Vec<ChainTable>,
    pub(crate) kafka: Vec<KafkaTable>,
    pub(crate) polls: PollsTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClusterTable {
    pub(crate) endpoint: Option<Spanned<String>>,
    pub(crate) profile: Option<Spanned<String>>,
}

/// A `[[topic]]`, which must have a name, or `[defaults]`, which has none.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TopicTable {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) partitions: Option<Spanned<NonZeroU32>>,
    pub(crate) replication: Option<NonZeroU32>,
    pub(crate) retention: Option<Spanned<Retention>>,
    pub(crate) compression: Option<Compression>,
    pub(crate) segment_size: Option<Spanned<Size>>,
    pub(crate) max_partition_size: Option<Spanned<Size>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmartModuleTable {
    pub(crate) name: Spanned<String>,
    pub(crate) file: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChainTable {
    pub(crate) name: Spanned<String>,
    pub(crate) steps: Spanned<Vec<StepTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepTable {
    pub(crate) module: Spanned<String>,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KafkaTable {
    pub(crate) fluvio: Spanned<String>,
    pub(crate) kafka: Spanned<String>,
    pub(crate) direction: Direction,
    pub(crate) chain: Option<Spanned<String>>,
    pub(crate) compression: Option<Spanned<KafkaCompression>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PollsTable {
    pub(crate) open: Option<Spanned<String>>,
    pub(crate) close: Option<Spanned<String>>,
}
