//! What a manifest says, once it is known to make sense.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ballot::{Params, PollsWindow};
use platform::ModuleCall;
use platform::fluvio::TopicSettings;

use crate::check::check;
use crate::error::{Problem, place};
use crate::file::ManifestFile;
use crate::{Direction, KafkaCompression, ManifestError};

/// The manifest that the project comes with.
const COMMITTED: &str = include_str!("../../../fluvio.toml");

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Where the cluster is.
    pub cluster: Cluster,
    /// How topics are that say nothing else.
    pub defaults: Topic,
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

    /// How a topic is: as the manifest says, or as the defaults are when it does not name it.
    pub fn topic(&self, name: &str) -> &Topic {
        self.topics.get(name).unwrap_or(&self.defaults)
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
