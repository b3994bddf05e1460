//! The shape of the file: tables and keys, each with its place. What they mean is checked after.

use std::collections::BTreeMap;

use platform::fluvio::Compression;
use serde::Deserialize;
use toml::Spanned;

use crate::values::{Count, Direction, KafkaCompression, Retention, Size};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ManifestFile {
    pub(crate) cluster: ClusterTable,
    pub(crate) defaults: SettingsTable,
    pub(crate) topic: Vec<TopicTable>,
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

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SettingsTable {
    pub(crate) partitions: Option<Spanned<Count>>,
    pub(crate) replication: Option<Spanned<Count>>,
    pub(crate) retention: Option<Spanned<Retention>>,
    pub(crate) compression: Option<Compression>,
    pub(crate) segment_size: Option<Spanned<Size>>,
    pub(crate) max_partition_size: Option<Spanned<Size>>,
}

// The same keys as in `[defaults]`, and a name. Not flattened, which would cost unknown keys their place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicTable {
    pub(crate) name: Spanned<String>,
    pub(crate) partitions: Option<Spanned<Count>>,
    pub(crate) replication: Option<Spanned<Count>>,
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
    pub(crate) direction: Spanned<Direction>,
    pub(crate) chain: Option<Spanned<String>>,
    pub(crate) compression: Option<Spanned<KafkaCompression>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PollsTable {
    pub(crate) open: Option<Spanned<String>>,
    pub(crate) close: Option<Spanned<String>>,
}
