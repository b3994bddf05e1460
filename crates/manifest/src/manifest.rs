//! A manifest after it was read and checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ballot::{Params, PollsWindow};
use platform::ModuleCall;
use platform::fluvio::{ClusterAddress, ClusterConfig, TopicSettings};

use crate::check::check;
use crate::error::Problem;
use crate::file::ManifestFile;
use crate::{Direction, KafkaCompression, ManifestError};

/// The manifest that the project comes with.
const COMMITTED: &str = include_str!("../../../fluvio.toml");

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Where the cluster is.
    pub cluster: ClusterAddress,
    /// What a topic has unless its table says otherwise.
    pub defaults: Topic,
    /// The topics, by name.
    pub topics: BTreeMap<String, Topic>,
    /// The SmartModules.
    pub smartmodules: Vec<SmartModule>,
    /// Chains of SmartModules, by name. Parameters that the election knows (candidates, polls) are not in them.
    pub chains: BTreeMap<String, Vec<ModuleCall>>,
    /// The topics that are also on Kafka.
    pub kafka: Vec<KafkaTopic>,
    /// When votes may be cast.
    pub polls: PollsWindow,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Partitions.
    pub partitions: u32,
    /// How it is created.
    pub settings: TopicSettings,
}

impl Default for Topic {
    fn default() -> Self {
        Topic {
            partitions: 1,
            settings: TopicSettings::default(),
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

/// A topic that is also on Kafka.
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
    /// How they are compressed there.
    pub compression: KafkaCompression,
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
            let at = error.span().unwrap_or_default().start;
            failed(vec![Problem::at(text, at, in_our_words(error.message()))])
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        check(file, text, directory).map_err(failed)
    }

    /// The manifest that the project comes with: the defaults of everything.
    pub fn built_in() -> Manifest {
        Manifest::parse(COMMITTED, Path::new("fluvio.toml"))
            .expect("invariant: a test reads the committed manifest")
    }

    /// A chain with `params` for each module, where the chain does not set them itself; `None` when there is no such
    /// chain.
    pub fn chain(&self, name: &str, params: &Params) -> Option<Vec<ModuleCall>> {
        let mut calls = self.chains.get(name)?.clone();
        for call in &mut calls {
            let own = std::mem::replace(&mut call.params, params.clone());
            call.params.extend(own);
        }
        Some(calls)
    }

    /// The configuration of the Fluvio adapter: the cluster, and how topics are created. `endpoint`, when given (a
    /// `--cluster` option), is used instead of the manifest's cluster.
    pub fn cluster_config(&self, endpoint: Option<&str>) -> ClusterConfig {
        let topics = self.topics.iter();
        ClusterConfig {
            address: match endpoint {
                Some(endpoint) => ClusterAddress::Endpoint(endpoint.to_owned()),
                None => self.cluster.clone(),
            },
            topic_defaults: self.defaults.settings.clone(),
            topics: topics
                .map(|(name, topic)| (name.clone(), topic.settings.clone()))
                .collect(),
        }
    }

    /// A topic as the manifest has it, or the defaults when it does not name the topic.
    pub fn topic(&self, name: &str) -> &Topic {
        self.topics.get(name).unwrap_or(&self.defaults)
    }
}

/// The parser speaks of the types in `file`; a manifest has keys.
fn in_our_words(message: &str) -> String {
    message
        .replace("unknown field", "unknown key")
        .replace("missing field", "missing key")
        .replace("duplicate field", "duplicate key")
        .replace("unknown variant", "unknown value")
        .replace("a nonzero u32", "a number from 1 to 4294967295")
}
