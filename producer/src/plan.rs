//! What an election is made from. It is stored with the election, so that a second run can tell whether
//! it continues the same election or would mix two.

use std::hash::Hasher;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher};

use crate::ProducerError;
use crate::args::InitArgs;

/// The options that decide which records are produced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Same seed, same election.
    pub seed: u64,
    /// Partitions of `voters` and `votes`.
    pub partitions: u32,
    /// As given; `None` for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    polls_open: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    polls_close: Option<String>,
    /// Where ballots come from.
    pub ballots: Ballots,
}

/// Where ballots come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Ballots {
    /// `election demo`: an invented electorate.
    Electorate {
        /// How many voters.
        voters: u64,
        /// How many candidates.
        candidates: u32,
        /// Share of voters who vote twice.
        duplicates: f64,
        /// Share of voters in whose name an invalid vote is cast.
        invalid: f64,
        /// Share of voters who cast none.
        #[serde(default)]
        abstain: f64,
    },
    /// `election demo --voters-file`.
    Roll {
        /// The roll.
        file: InputFile,
        /// How many candidates.
        candidates: u32,
        /// Share of voters who vote twice.
        duplicates: f64,
        /// Share of voters in whose name an invalid vote is cast.
        invalid: f64,
        /// Share of voters who cast none.
        #[serde(default)]
        abstain: f64,
    },
    /// `election demo --results`.
    Results {
        /// The results.
        file: InputFile,
        /// Share of each row's votes.
        scale: f64,
    },
    /// `election demo --cvr`.
    Records {
        /// The configuration, by the content of its records.
        file: InputFile,
    },
    /// `producer init`, and whatever is registered and cast after it.
    Steps {
        /// How many candidates.
        candidates: u32,
    },
}

/// A file, by name and content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputFile {
    path: PathBuf,
    content: String,
}

/// Files with the same content are the same input.
impl PartialEq for InputFile {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl InputFile {
    /// A file as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(path: &Path) -> Result<InputFile, ProducerError> {
        let bytes = std::fs::read(path).map_err(|source| ProducerError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut hasher = SipHasher::new();
        hasher.write(&bytes);
        Ok(InputFile::with_digest(path, hasher.finish128().as_u128()))
    }

    /// A file whose content has this hash, or leads to what has it.
    pub fn with_digest(path: &Path, digest: u128) -> InputFile {
        InputFile {
            path: path.to_owned(),
            content: format!("{digest:032x}"),
        }
    }
}

impl Plan {
    /// The plan of these options.
    pub fn new(args: &InitArgs, partitions: u32, ballots: Ballots) -> Plan {
        Plan {
            seed: args.seed,
            partitions,
            polls_open: args.polls.polls_open.map(|time| time.to_string()),
            polls_close: args.polls.polls_close.map(|time| time.to_string()),
            ballots,
        }
    }

    /// As it is stored.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("invariant: a plan is numbers and text")
    }

    /// The plan an election was stored with; `None` when another program stored it.
    pub fn from_json(json: &serde_json::Value) -> Option<Plan> {
        serde_json::from_value(json.clone()).ok()
    }

    /// Whether it replays official results or recorded ballots, without a roll.
    pub fn is_replay(&self) -> bool {
        matches!(
            self.ballots,
            Ballots::Results { .. } | Ballots::Records { .. }
        )
    }

    /// Checks that a stored election is the one that this plan makes.
    ///
    /// # Errors
    /// When it is another.
    pub fn demand_same(&self, stored: &serde_json::Value) -> Result<(), ProducerError> {
        if Plan::from_json(stored).as_ref() == Some(self) {
            return Ok(());
        }
        Err(ProducerError::OtherPlan {
            stored: stored.to_string(),
            wanted: self.to_json().to_string(),
        })
    }
}
