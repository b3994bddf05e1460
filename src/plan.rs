//! What an election is made from. Stored with it, so that a second run can tell whether it goes on
//! with the same election or would mix two.

use std::path::{Path, PathBuf};

use producer::args::InitArgs;
use serde::{Deserialize, Serialize};

use crate::cli::{DemoArgs, UsageError};

/// The options that decide which records are produced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) partitions: u32,
    /// As given; `None` where the default was left to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    polls_open: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    polls_close: Option<String>,
    pub(crate) ballots: Ballots,
}

/// Where ballots come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub(crate) enum Ballots {
    /// `election demo`: an invented electorate.
    Electorate {
        voters: u64,
        candidates: u32,
        duplicates: f64,
        invalid: f64,
    },
    /// `election demo --voters-file`.
    Roll {
        file: InputFile,
        candidates: u32,
        duplicates: f64,
        invalid: f64,
    },
    /// `election demo --results`.
    Results { file: InputFile, scale: f64 },
    /// `election producer init`, and whatever is registered and cast after it.
    Steps { candidates: u32 },
}

/// A file, by name and content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InputFile {
    path: PathBuf,
    content: String,
}

/// The same content is the same input, wherever it lies.
impl PartialEq for InputFile {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl InputFile {
    fn of(path: &Path) -> anyhow::Result<InputFile> {
        use siphasher::sip128::{Hasher128, SipHasher};
        use std::hash::Hasher;

        let bytes = std::fs::read(path)
            .map_err(|error| UsageError(format!("cannot read {}: {error}", path.display())))?;
        let mut hasher = SipHasher::new();
        hasher.write(&bytes);
        Ok(InputFile {
            path: path.to_owned(),
            content: format!("{:032x}", hasher.finish128().as_u128()),
        })
    }
}

impl Plan {
    pub(crate) fn of_demo(args: &DemoArgs) -> anyhow::Result<Plan> {
        let (candidates, duplicates, invalid) = (
            args.init.candidates,
            args.votes.duplicates,
            args.votes.invalid,
        );
        let ballots = match (&args.results, &args.voters.voters_file) {
            (Some(file), _) => Ballots::Results {
                file: InputFile::of(file)?,
                scale: args.scale,
            },
            (None, Some(file)) => Ballots::Roll {
                file: InputFile::of(file)?,
                candidates,
                duplicates,
                invalid,
            },
            (None, None) => Ballots::Electorate {
                voters: args.voters.voters,
                candidates,
                duplicates,
                invalid,
            },
        };
        Ok(Plan::new(&args.init, ballots))
    }

    /// The plan of an election that is made step by step.
    pub(crate) fn of_steps(args: &InitArgs) -> Plan {
        let ballots = Ballots::Steps {
            candidates: args.candidates,
        };
        Plan::new(args, ballots)
    }

    fn new(args: &InitArgs, ballots: Ballots) -> Plan {
        Plan {
            seed: args.seed,
            partitions: args.partitions,
            polls_open: args.polls.polls_open.map(|time| time.to_string()),
            polls_close: args.polls.polls_close.map(|time| time.to_string()),
            ballots,
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("invariant: a plan is numbers and text")
    }

    /// The plan an election was stored with; `None` when another program stored it.
    pub(crate) fn from_json(json: &serde_json::Value) -> Option<Plan> {
        serde_json::from_value(json.clone()).ok()
    }

    pub(crate) fn is_replay(&self) -> bool {
        matches!(self.ballots, Ballots::Results { .. })
    }

    /// Demands that a stored election is the one this plan makes.
    pub(crate) fn demand_same(&self, stored: &serde_json::Value) -> Result<(), UsageError> {
        if Plan::from_json(stored).as_ref() == Some(self) {
            return Ok(());
        }
        Err(UsageError(format!(
            "there is another election already: it was made from {stored}, this call asks for {}. \
             Repeat the options it was begun with to go on, take another `--data-dir`, or start \
             anew with `--fresh`",
            self.to_json()
        )))
    }
}
