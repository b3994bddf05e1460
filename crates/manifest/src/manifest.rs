//! What a manifest says, once it is known to make sense.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Params, PollsWindow};
use platform::ModuleCall;

use crate::check::check;
use crate::error::{Problem, place};
use crate::file::ManifestFile;
use crate::{Compression, Direction, ManifestError};

/// The manifest that the project comes with.
const COMMITTED: &str = include_str!("../../../fluvio.toml");

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Where the cluster is.
    pub cluster: Cluster,
    /// How topics are that say nothing else.
    pub defaults: TopicSettings,
    /// The topics, by name.
    pub topics: BTreeMap<String, Topic>,
    /// The SmartModules.
    pub smartmodules: Vec<SmartModule>,
    /// Chains of SmartModules, by name.
    pub chains: BTreeMap<String, Chain>,
    /// The topics that are on Kafka, too.
    pub kafka: Vec<KafkaTopic>,
    /// When votes may be cast.
    pub polls: PollsWindow,
}

/// Where the cluster is; with neither, it is the active Fluvio profile's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The address of its controller.
    pub endpoint: Option<String>,
    /// The Fluvio profile that names it.
    pub profile: Option<String>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its settings, the defaults where it has none of its own.
    pub settings: TopicSettings,
    /// The line it is on.
    pub line: usize,
}

/// How a topic is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSettings {
    /// Partitions.
    pub partitions: u32,
    /// Copies of each partition.
    pub replication: u32,
    /// How long records are kept; `None`: for ever.
    pub retention: Option<Duration>,
    /// Compression.
    pub compression: Compression,
    /// Size of a segment file; `None`: Fluvio's default.
    pub segment_bytes: Option<u32>,
    /// Size at which a partition loses its oldest segments; `None`: none.
    pub max_partition_bytes: Option<u64>,
}

impl Default for TopicSettings {
    fn default() -> Self {
        TopicSettings {
            partitions: 1,
            replication: 1,
            retention: None,
            compression: Compression::Any,
            segment_bytes: None,
            max_partition_bytes: None,
        }
    }
}

/// A SmartModule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartModule {
    /// The name it is deployed under.
    pub name: String,
    /// Its WebAssembly; `None`: the one that is built in under this name.
    pub file: Option<PathBuf>,
}

/// A chain of SmartModules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The modules, in order.
    pub steps: Vec<Step>,
}

/// A SmartModule in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub module: String,
    /// Its parameters, but for those that the election knows (candidates, polls).
    pub parameters: Params,
}

/// A topic that is on Kafka, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaTopic {
    /// Its name on Fluvio.
    pub fluvio: String,
    /// Its name on Kafka.
    pub kafka: String,
    /// Which way records go.
    pub direction: Direction,
    /// The chain they go through on their way to Kafka.
    pub chain: Option<String>,
}

impl Manifest {
    /// Reads a manifest. Names of files in it are relative to its directory.
    ///
    /// # Errors
    /// When it cannot be read or used.
    pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
        let text = std::fs::read_to_string(path).map_err(|source| ManifestError::Read {
            path: path.into(),
            source,
        })?;
        Manifest::parse(&text, path)
    }

    /// Reads a manifest's text; `path` is what it is called in errors.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn parse(text: &str, path: &Path) -> Result<Manifest, ManifestError> {
        let failed = |problems| ManifestError::Problems {
            path: path.into(),
            problems,
        };
        let file: ManifestFile = toml::from_str(text).map_err(|error| {
            let (line, column) = place(text, error.span().unwrap_or_default().start);
            failed(vec![Problem {
                line,
                column,
                text: in_our_words(error.message()),
            }])
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        check(file, text, directory).map_err(failed)
    }

    /// The manifest that the project comes with: the defaults of everything.
    pub fn built_in() -> Manifest {
        Manifest::parse(COMMITTED, Path::new("fluvio.toml"))
            .expect("invariant: a test reads the committed manifest")
    }

    /// A chain as a stream takes it, its own parameters over those given; `None` when there is none of
    /// this name.
    pub fn chain(&self, name: &str, params: &Params) -> Option<Vec<ModuleCall>> {
        let call = |step: &Step| {
            let mut params = params.clone();
            params.extend(step.parameters.clone());
            ModuleCall {
                module: step.module.clone(),
                params,
            }
        };
        Some(self.chains.get(name)?.steps.iter().map(call).collect())
    }

    /// The settings of a topic: its own, or the defaults when the manifest does not name it.
    pub fn topic(&self, name: &str) -> &TopicSettings {
        self.topics
            .get(name)
            .map_or(&self.defaults, |topic| &topic.settings)
    }
}

/// The parser speaks of the fields of our types; who writes a manifest knows keys.
fn in_our_words(message: &str) -> String {
    message
        .replace("unknown field", "unknown key")
        .replace("missing field", "missing key")
        .replace("duplicate field", "duplicate key")
        .replace("unknown variant", "unknown value")
}
