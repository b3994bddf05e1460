//! Deploying what the manifest names: its topics and SmartModules.

use std::collections::BTreeMap;
use std::fmt;

use manifest::Manifest;
use platform::{Platform, PlatformError};
use wire::topics::{AGGREGATES, DEAD_LETTERS, PIPELINE, REJECTED_VOTES, TOTALS, VOTERS, VOTES};

use crate::ProducerError;

/// The topics and SmartModules of an election.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Partitions by topic.
    topics: BTreeMap<String, u32>,
    /// WebAssembly by SmartModule.
    modules: BTreeMap<String, Vec<u8>>,
}

/// A change to the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A topic is missing; it is to have so many partitions.
    CreateTopic(String, u32),
    /// A SmartModule is missing.
    CreateModule(String),
    /// A SmartModule is deployed in another version.
    ReplaceModule(String),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::CreateTopic(topic, 1) => write!(f, "create topic {topic} with 1 partition"),
            Change::CreateTopic(topic, partitions) => {
                write!(f, "create topic {topic} with {partitions} partitions")
            }
            Change::CreateModule(module) => write!(f, "create SmartModule {module}"),
            Change::ReplaceModule(module) => {
                write!(f, "replace SmartModule {module}, which is another version")
            }
        }
    }
}

impl Deployment {
    /// Reads a manifest and the files of SmartModules that it names. `partitions` overrides the partitions of
    /// `voters` and `votes`.
    ///
    /// # Errors
    /// When a file cannot be read, or a SmartModule without a file is not built in.
    pub fn of(manifest: &Manifest, partitions: Option<u32>) -> Result<Deployment, ProducerError> {
        let ours = [
            VOTERS,
            VOTES,
            REJECTED_VOTES,
            DEAD_LETTERS,
            TOTALS,
            PIPELINE,
        ];
        let mut topics: BTreeMap<String, u32> = ours
            .into_iter()
            .chain(AGGREGATES)
            .chain(manifest.topics.keys().map(String::as_str))
            .map(|topic| (topic.to_owned(), manifest.topic(topic).partitions))
            .collect();
        if let Some(partitions) = partitions {
            topics.extend([VOTERS, VOTES].map(|topic| (topic.to_owned(), partitions)));
        }
        let mut modules = BTreeMap::new();
        for module in &manifest.smartmodules {
            let wasm = match &module.file {
                Some(path) => std::fs::read(path).map_err(|source| ProducerError::Read {
                    path: path.clone(),
                    source,
                })?,
                None => built_in(&module.name)?.to_vec(),
            };
            modules.insert(module.name.clone(), wasm);
        }
        Ok(Deployment { topics, modules })
    }

    /// Partitions of `voters` and `votes`.
    pub fn partitions(&self) -> u32 {
        self.topics.get(VOTES).copied().unwrap_or(1)
    }

    /// The topics, each with its number of partitions.
    pub fn topics(&self) -> impl Iterator<Item = (&str, u32)> {
        let topics = self.topics.iter();
        topics.map(|(topic, partitions)| (topic.as_str(), *partitions))
    }

    /// The SmartModules.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// The changes that the platform needs. Makes none of them.
    ///
    /// # Errors
    /// When a topic exists with another number of partitions, which cannot be changed, or the platform
    /// fails.
    pub async fn changes(&self, platform: &dyn Platform) -> Result<Vec<Change>, ProducerError> {
        let mut changes = Vec::new();
        for (topic, &wanted) in &self.topics {
            match platform.partitions(topic).await {
                Ok(existing) if existing == wanted => {}
                Ok(existing) => {
                    let topic = topic.clone();
                    let other = PlatformError::OtherPartitions {
                        topic,
                        existing,
                        wanted,
                    };
                    return Err(other.into());
                }
                Err(PlatformError::NoTopic { .. }) => {
                    changes.push(Change::CreateTopic(topic.clone(), wanted));
                }
                Err(error) => return Err(error.into()),
            }
        }
        for (module, wasm) in &self.modules {
            let module = module.clone();
            match platform.module(&module).await? {
                None => changes.push(Change::CreateModule(module)),
                Some(deployed) if deployed != *wasm => {
                    changes.push(Change::ReplaceModule(module));
                }
                Some(_) => {}
            }
        }
        Ok(changes)
    }

    /// Makes changes that [`Deployment::changes`] named.
    ///
    /// # Errors
    /// When the platform fails; changes made before then stay.
    pub async fn make(
        &self,
        platform: &dyn Platform,
        changes: &[Change],
    ) -> Result<(), ProducerError> {
        for change in changes {
            match change {
                Change::CreateTopic(topic, partitions) => {
                    platform.create_topic(topic, *partitions).await?;
                }
                Change::CreateModule(module) | Change::ReplaceModule(module) => {
                    if let Some(wasm) = self.modules.get(module) {
                        platform.deploy(module, wasm).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes all changes that the platform needs, and returns them.
    ///
    /// # Errors
    /// As [`Deployment::changes`] and [`Deployment::make`].
    pub async fn deploy(&self, platform: &dyn Platform) -> Result<Vec<Change>, ProducerError> {
        let changes = self.changes(platform).await?;
        self.make(platform, &changes).await?;
        Ok(changes)
    }
}

fn built_in(name: &str) -> Result<&'static [u8], ProducerError> {
    let module = smartmodules::ALL.iter().find(|module| module.name == name);
    let module = module.ok_or_else(|| ProducerError::NoSuchModule {
        module: name.to_owned(),
        built_in: smartmodules::ALL.map(|module| module.name).join(", "),
    })?;
    Ok(module.wasm)
}
