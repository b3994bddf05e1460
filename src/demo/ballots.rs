//! What a demo votes with: an electorate, official results, or the records of a real election.

use std::path::Path;
use std::sync::Arc;

use ballot::{Candidate, ElectionDefinition};
use cast_vote_records::report::SliceKind;
use cast_vote_records::tabulation::contest;
use cast_vote_records::{RctabConfig, RecordedBallots};
use producer::args::InitArgs;
use producer::{BallotReplay, InputFile, Plan, ProducerError, Replay, ResultsFile, VoterSource};
use service::UsageError;

use crate::cli::DemoArgs;
use crate::records;

/// What is voted with, read and checked before anything is changed.
pub(super) enum Ballots {
    Electorate(VoterSource),
    Results(Arc<Replay>),
    Records(Box<Records>),
}

/// Recorded ballots, and the election that they are.
pub(super) struct Records {
    pub(super) recorded: RecordedBallots,
    definition: ElectionDefinition,
    pub(super) replay: Arc<BallotReplay>,
}

impl Ballots {
    /// What the options name. `definition` is the one that they name.
    pub(super) fn read(
        args: &DemoArgs,
        definition: Option<&ElectionDefinition>,
    ) -> anyhow::Result<Ballots> {
        let seed = args.init.seed;
        if let Some(config) = &args.cvr {
            return Ok(Ballots::Records(Box::new(Records::read(config, seed)?)));
        }
        let ballots = || -> Result<Ballots, ProducerError> {
            if let Some(file) = &args.results {
                let results = ResultsFile::read(file)?;
                let replay = Replay::new(&results, args.scale, seed)?;
                return Ok(Ballots::Results(Arc::new(replay)));
            }
            Ok(Ballots::Electorate(match &args.voters.voters_file {
                Some(file) => VoterSource::Roll(producer::read_roll(file)?),
                None => VoterSource::Generated {
                    seed,
                    count: args.voters.voters,
                    precincts: definition.map_or(Vec::new(), ElectionDefinition::precinct_ids),
                },
            }))
        };
        ballots().map_err(ProducerError::into_report)
    }

    /// The definition of the election: that of the records, or the one that the options name.
    pub(super) fn definition(
        &self,
        named: Option<ElectionDefinition>,
    ) -> Option<ElectionDefinition> {
        match self {
            Ballots::Records(records) => Some(records.definition.clone()),
            Ballots::Electorate(_) | Ballots::Results(_) => named,
        }
    }

    pub(super) fn candidates(
        &self,
        definition: Option<&ElectionDefinition>,
        args: &InitArgs,
    ) -> Vec<Candidate> {
        match self {
            Ballots::Results(replay) => replay.candidates().to_vec(),
            Ballots::Electorate(_) | Ballots::Records(_) => producer::standing(definition, args),
        }
    }

    pub(super) fn has_roll(&self) -> bool {
        matches!(self, Ballots::Electorate(_))
    }

    /// What the election is made from.
    pub(super) fn plan(&self, args: &DemoArgs, partitions: u32) -> anyhow::Result<Plan> {
        let InitArgs { candidates, .. } = args.init;
        let (duplicates, invalid) = (args.votes.duplicates, args.votes.invalid);
        let abstain = args.votes.abstain;
        let file = |path: &Path| InputFile::of(path).map_err(ProducerError::into_report);
        let ballots = match (self, &args.cvr, &args.results, &args.voters.voters_file) {
            (Ballots::Records(records), Some(config), ..) => producer::Ballots::Records {
                file: InputFile::with_digest(config, records.replay.digest()),
            },
            (_, _, Some(results), _) => producer::Ballots::Results {
                file: file(results)?,
                scale: args.scale,
            },
            (_, _, None, Some(roll)) => producer::Ballots::Roll {
                file: file(roll)?,
                candidates,
                duplicates,
                invalid,
                abstain,
            },
            (_, _, None, None) => producer::Ballots::Electorate {
                voters: args.voters.voters,
                candidates,
                duplicates,
                invalid,
                abstain,
            },
        };
        Ok(Plan::new(&args.init, partitions, ballots))
    }
}

impl Records {
    fn read(config: &Path, seed: u64) -> anyhow::Result<Records> {
        let config = RctabConfig::load(config).map_err(|error| UsageError(error.to_string()))?;
        let recorded = RecordedBallots::read(&config, |kind| {
            kind == SliceKind::Precinct || kind.is_asked_for(&config)
        });
        let recorded = recorded.map_err(|error| UsageError(error.to_string()))?;
        let definition = records::definition(&recorded, &config, &contest(&config))?;
        Ok(Records {
            replay: Arc::new(records::replay(&recorded, seed)),
            recorded,
            definition,
        })
    }
}
