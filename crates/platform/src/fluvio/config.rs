//! Configuration: the cluster, and the settings of topics.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fluvio::FluvioClusterConfig;
use fluvio::config::ConfigFile;
use fluvio::metadata::topic::{
    CleanupPolicy, CompressionAlgorithm, SegmentBasedPolicy, TopicSpec, TopicStorageConfig,
};

use crate::PlatformError;

/// The port of a cluster's controller (SC), when an endpoint names none.
const DEFAULT_PORT: u16 = 9003;

/// The longest retention. Fluvio has no "forever", and its default is a week.
const KEPT_SECONDS: u32 = u32::MAX;
/// No limit on a partition's size: the largest `i64`, because Kubernetes stores it as one.
const UNLIMITED_BYTES: u64 = i64::MAX as u64;

/// How to find a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterAddress {
    /// The public address of its controller, `host` or `host:9003`; without TLS.
    Endpoint(String),
    /// A Fluvio profile, with its TLS settings.
    Profile {
        /// Its name; `None`: the active one.
        name: Option<String>,
        /// The file of profiles; `None`: the user's own (`~/.fluvio/config`, or `FLV_PROFILE_PATH`).
        file: Option<PathBuf>,
    },
}

impl Default for ClusterAddress {
    fn default() -> Self {
        ClusterAddress::Profile {
            name: None,
            file: None,
        }
    }
}

/// A cluster and the topics on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Where it is.
    pub address: ClusterAddress,
    /// The settings of other topics.
    pub topic_defaults: TopicSettings,
    /// The settings of these topics.
    pub topics: BTreeMap<String, TopicSettings>,
}

impl ClusterConfig {
    /// The cluster at an endpoint, with default topics.
    pub fn endpoint(endpoint: impl Into<String>) -> Self {
        ClusterConfig {
            address: ClusterAddress::Endpoint(endpoint.into()),
            ..ClusterConfig::default()
        }
    }
}

/// The settings a topic is created with. They do not change an existing topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSettings {
    /// Copies of each partition.
    pub replication: u32,
    /// How long records are kept; `None`: forever, because counting starts at offset 0.
    pub retention: Option<Duration>,
    /// The compression that its producers must use.
    pub compression: Compression,
    /// Size of a segment file.
    pub segment_bytes: Option<u32>,
    /// Size at which a partition loses its oldest segments; `None`: no limit.
    pub max_partition_bytes: Option<u64>,
}

impl Default for TopicSettings {
    fn default() -> Self {
        TopicSettings {
            replication: 1,
            retention: None,
            compression: Compression::Any,
            segment_bytes: None,
            max_partition_bytes: None,
        }
    }
}

/// Compression of a topic's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Each producer's choice; this crate's is lz4.
    #[default]
    Any,
    /// None.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl TopicSettings {
    pub(super) fn spec(&self, partitions: u32) -> TopicSpec {
        let mut spec = TopicSpec::new_computed(partitions, self.replication, None);
        let seconds = self.retention.map_or(KEPT_SECONDS, |retention| {
            u32::try_from(retention.as_secs()).unwrap_or(KEPT_SECONDS)
        });
        spec.set_cleanup_policy(CleanupPolicy::Segment(SegmentBasedPolicy {
            time_in_seconds: seconds,
        }));
        spec.set_storage(TopicStorageConfig {
            segment_size: self.segment_bytes,
            max_partition_size: Some(self.max_partition_bytes.unwrap_or(UNLIMITED_BYTES)),
        });
        spec.set_compression_type(match self.compression {
            Compression::Any => CompressionAlgorithm::Any,
            Compression::None => CompressionAlgorithm::None,
            Compression::Gzip => CompressionAlgorithm::Gzip,
            Compression::Snappy => CompressionAlgorithm::Snappy,
            Compression::Lz4 => CompressionAlgorithm::Lz4,
            Compression::Zstd => CompressionAlgorithm::Zstd,
        });
        spec
    }

    /// The differences of an existing topic from these settings, in words.
    pub(super) fn differences(&self, existing: &TopicSpec) -> Vec<String> {
        let wanted = self.spec(existing.partitions());
        facts(existing)
            .into_iter()
            .zip(facts(&wanted))
            .filter(|(existing, wanted)| existing != wanted)
            .map(|((what, existing), (_, wanted))| {
                format!("{what}: {existing} instead of {wanted}")
            })
            .collect()
    }
}

/// The settings of a topic, in words.
fn facts(spec: &TopicSpec) -> [(&'static str, String); 5] {
    let number = |number: Option<u64>| number.map_or("the default".into(), |n| n.to_string());
    let storage = spec.get_storage().cloned().unwrap_or_default();
    let segment_size = storage.segment_size.map(u64::from);
    let replication = spec.replication_factor().map(u64::from);
    [
        ("replication", number(replication)),
        ("retention in seconds", spec.retention_secs().to_string()),
        ("compression", spec.get_compression_type().to_string()),
        ("segment size in bytes", number(segment_size)),
        (
            "largest partition in bytes",
            number(storage.max_partition_size),
        ),
    ]
}

impl ClusterAddress {
    /// The client's configuration. Reads the file of profiles, so it blocks.
    pub(super) fn resolve(&self) -> Result<FluvioClusterConfig, PlatformError> {
        let (name, file) = match self {
            ClusterAddress::Endpoint(endpoint) => {
                return Ok(FluvioClusterConfig::new(with_port(endpoint)));
            }
            ClusterAddress::Profile { name, file } => (name, file),
        };
        let failed = |problem: String| PlatformError::NoCluster { problem };
        let file = file.as_ref().map(|file| file.display().to_string());
        let profiles = ConfigFile::load(file).map_err(|error| failed(error.to_string()))?;
        let profiles = profiles.config();
        match name {
            Some(name) => profiles
                .cluster_with_profile(name)
                .cloned()
                .ok_or_else(|| failed(format!("there is no profile `{name}`"))),
            None => profiles
                .current_cluster()
                .cloned()
                .map_err(|error| failed(error.to_string())),
        }
    }
}

fn with_port(endpoint: &str) -> String {
    let has_port = endpoint
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port {
        endpoint.to_owned()
    } else {
        format!("{endpoint}:{DEFAULT_PORT}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_gets_the_usual_port() {
        assert_eq!(with_port("fluvio.example"), "fluvio.example:9003");
        assert_eq!(with_port("fluvio.example:19003"), "fluvio.example:19003");
        assert_eq!(with_port("[::1]"), "[::1]:9003");
    }

    #[test]
    fn without_a_profile_the_error_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let address = |text: &str| {
            let file = directory.path().join("config");
            std::fs::write(&file, text).unwrap();
            ClusterAddress::Profile {
                name: None,
                file: Some(file),
            }
        };
        let error = address("version = \"2.0\"\n[profile]\n[cluster]\n")
            .resolve()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("no active profile") && error.contains("--cluster"),
            "{error}"
        );
        let found = address(
            "version = \"2.0\"\ncurrent_profile = \"a\"\n[profile.a]\ncluster = \"c\"\n\
             [cluster.c]\nendpoint = \"host:1234\"\n",
        );
        assert_eq!(found.resolve().unwrap().endpoint, "host:1234");
        let absent = ClusterAddress::Profile {
            name: Some("b".into()),
            file: Some(directory.path().join("config")),
        };
        let error = absent.resolve().unwrap_err().to_string();
        assert!(error.contains("no profile `b`"), "{error}");
    }

    #[test]
    fn topics_are_kept_unless_told_otherwise() {
        let spec = TopicSettings::default().spec(2);
        assert_eq!(spec.retention_secs(), KEPT_SECONDS);
        let settings = TopicSettings {
            retention: Some(Duration::from_secs(3_600)),
            ..TopicSettings::default()
        };
        assert_eq!(settings.spec(2).retention_secs(), 3_600);
        assert_eq!(
            settings.differences(&settings.spec(4)),
            Vec::<String>::new()
        );
        assert_eq!(
            TopicSettings::default().differences(&settings.spec(4)),
            ["retention in seconds: 3600 instead of 4294967295"]
        );
    }
}
