//! Each reader on a small export made for it: what a record becomes, and what is told of one that makes no sense.

mod cdf;
mod configuration;
mod dominion;
mod hart;
mod tables;
mod workbook;

use std::path::Path;

use election_cast_vote_records::{CastBallot, RctabConfig, read_ballots};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with an export, and a configuration that reads it.
struct Export {
    directory: TempDir,
    config: Value,
}

impl Export {
    /// An export of Ann, Ben (whose code is 2) and Cleo. `source` says how to read it.
    fn new(source: Value) -> Self {
        let config = json!({
            "tabulatorVersion": "TEST",
            "outputSettings": {"contestName": "Mayor", "contestJurisdiction": "Town"},
            "cvrFileSources": [source],
            "candidates": [
                {"name": "Ann", "aliases": ["A."]},
                {"name": "Ben", "code": "2"},
                {"name": "Cleo", "excluded": true},
            ],
            "rules": {
                "tiebreakMode": "useCandidateOrder",
                "overvoteRule": "exhaustImmediately",
                "winnerElectionMode": "singleWinnerMajority",
                "numberOfWinners": "1",
                "decimalPlacesForVoteArithmetic": "4",
                "maxSkippedRanksAllowed": "unlimited",
                "maxRankingsAllowed": "3",
            },
        });
        let directory = tempfile::tempdir().unwrap();
        Self { directory, config }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts a file into the directory.
    fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
        self
    }

    fn load(&self) -> Result<RctabConfig, String> {
        let json = self.config.to_string();
        RctabConfig::from_json(json.as_bytes(), &self.path().join("config.json"))
            .map_err(|error| error.to_string())
    }

    /// All ballots, or what is told.
    fn read(&self) -> Result<Vec<CastBallot>, String> {
        let config = self.load()?;
        let mut ballots = Vec::new();
        read_ballots(&config, |ballot| {
            ballots.push(ballot);
            Ok(())
        })
        .map_err(|error| error.to_string())?;
        Ok(ballots)
    }

    /// The rankings of all ballots.
    fn rankings(&self) -> Vec<String> {
        let ballots = self.read().unwrap();
        ballots
            .iter()
            .map(|ballot| ballot.ranking.to_string())
            .collect()
    }

    /// What is told, which has all of these in it: the file, where in it, and the problem.
    fn refused(&self, parts: &[&str]) {
        let error = self.read().expect_err("is refused");
        for part in parts {
            assert!(error.contains(part), "no \"{part}\" in: {error}");
        }
    }
}
