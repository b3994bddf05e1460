//! Records as an election: all ballots of a configuration in memory, the definition that they and the configuration
//! make, and what their votes say.

mod names;

use std::collections::BTreeMap;

use ballot::counting::Profile;
use ballot::{
    Contest, DefinitionError, ElectionDefinition, PRECINCT_GROUP, Ranking, Selection, UNKNOWN,
};
use indexmap::IndexSet;
use serde_json::{Map, Value, json};

use crate::cast_ballot::CastBallot;
use crate::config::RctabConfig;
use crate::error::CvrError;
use crate::readers::read_ballots;
use crate::report::SliceKind;
use crate::tabulation::CONTEST_ID;
use names::Names;

/// The group of the batches.
const BATCH_GROUP: &str = "batch";
/// The id of these elections.
const ELECTION_ID: &str = "cast-vote-records";

/// The ballots of a configuration. Equal rankings are kept once: an election has far fewer of them than ballots.
#[derive(Debug, Clone)]
pub struct RecordedBallots {
    ballots: Vec<RecordedBallot>,
    places: IndexSet<Place>,
    rankings: IndexSet<Ranking>,
    precincts: Names,
    batches: Names,
}

/// A ballot, by the numbers of its place and its ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedBallot {
    /// Number of its [place](RecordedBallots::place_fields).
    pub place: usize,
    /// Number of its [ranking](RecordedBallots::choices).
    pub ranking: usize,
}

/// Where a ballot was cast, by the numbers of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    precinct: Option<usize>,
    batch: Option<usize>,
}

impl RecordedBallots {
    /// Reads all ballots of a configuration. `is_counted_by` says whether precincts, and batches, are counted.
    ///
    /// # Errors
    /// As [`read_ballots`].
    pub fn read(
        config: &RctabConfig,
        is_counted_by: impl Fn(SliceKind) -> bool,
    ) -> Result<RecordedBallots, CvrError> {
        let mut recorded = RecordedBallots {
            ballots: Vec::new(),
            places: IndexSet::new(),
            rankings: IndexSet::new(),
            precincts: Names::new(PRECINCT_GROUP),
            batches: Names::new(BATCH_GROUP),
        };
        read_ballots(config, |ballot| {
            recorded.add(ballot, &is_counted_by);
            Ok(())
        })?;
        Ok(recorded)
    }

    fn add(&mut self, ballot: CastBallot, is_counted_by: impl Fn(SliceKind) -> bool) {
        let number = |kind, names: &mut Names, name: Option<String>| {
            let name = name.filter(|_| is_counted_by(kind))?;
            Some(names.number_of(&name))
        };
        let place = Place {
            precinct: number(SliceKind::Precinct, &mut self.precincts, ballot.precinct),
            batch: number(SliceKind::Batch, &mut self.batches, ballot.batch),
        };
        self.ballots.push(RecordedBallot {
            place: self.places.insert_full(place).0,
            ranking: self.rankings.insert_full(ballot.ranking).0,
        });
    }

    /// The ballots, in the order of the records.
    pub fn ballots(&self) -> &[RecordedBallot] {
        &self.ballots
    }

    /// The fields of a vote that say where it was cast, of each place.
    pub fn place_fields(&self) -> impl Iterator<Item = Map<String, Value>> {
        self.places.iter().map(|place| {
            let precinct = place.precinct.and_then(|number| self.precincts.id(number));
            let batch = place.batch.and_then(|number| self.batches.id(number));
            let fields = [(PRECINCT_GROUP, precinct), (BATCH_GROUP, batch)];
            let known = fields
                .into_iter()
                .filter_map(|(name, id)| Some((name, id?)));
            known
                .map(|(name, id)| (name.to_owned(), id.into()))
                .collect()
        })
    }

    /// The `choices` of a vote, of each ranking.
    pub fn choices(&self) -> impl Iterator<Item = Map<String, Value>> {
        self.rankings.iter().map(|ranking| {
            let ranks = ranking.0.iter().map(|rank| match &**rank {
                [] => Value::Null,
                [only] => json!(only),
                several => json!(several),
            });
            Map::from_iter([(CONTEST_ID.to_owned(), ranks.collect())])
        })
    }

    /// The election of these ballots: the configuration's contest, and the precincts and batches that were found.
    ///
    /// # Errors
    /// When the contest is not one that an election can have, e.g. with more candidates than fit in a selection.
    pub fn definition(
        &self,
        config: &RctabConfig,
        contest: &Contest,
    ) -> Result<ElectionDefinition, DefinitionError> {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let ranks = self.rankings.iter().map(|ranking| ranking.0.len()).max();
        let mut contest = contest.clone();
        // A configuration may have more seats than candidates, and no limit of ranks.
        let candidates = number(contest.candidates.len());
        contest.seats = contest.seats.clamp(1, candidates.max(1));
        contest.rankings = Some(number(ranks.unwrap_or(0).max(1)));
        let mut ballots = vec![0_u64; self.precincts.len()];
        for ballot in &self.ballots {
            if let Some(precinct) = self.places[ballot.place].precinct {
                ballots[precinct] += 1;
            }
        }
        let precincts = self.precincts.iter().zip(ballots);
        // Votes are counted by something at least.
        let has_batches = self.batches.len() > 0 || self.precincts.len() == 0;
        let groups = has_batches.then(|| {
            json!({
                "name": BATCH_GROUP,
                "path": format!("/{BATCH_GROUP}"),
                "limit": self.batches.len().max(1),
            })
        });
        let groups: Vec<Value> = groups.into_iter().collect();
        let definition = json!({
            "election": {"id": ELECTION_ID, "title": config.contest_name},
            "contest": [contest],
            "precinct": precincts
                .map(|((name, id), ballots)| json!({"id": id, "title": name, "ballots": ballots}))
                .collect::<Vec<_>>(),
            "group": groups,
        });
        ElectionDefinition::from_json(&definition.to_string())
    }

    /// The group of a definition that counts these slices.
    pub fn group(kind: SliceKind) -> &'static str {
        match kind {
            SliceKind::Precinct => PRECINCT_GROUP,
            SliceKind::Batch => BATCH_GROUP,
        }
    }

    /// Whether any ballot is counted by a slice of this kind.
    pub fn are_counted_by(&self, kind: SliceKind) -> bool {
        self.names(kind).len() > 0
    }

    /// The name that a precinct or a batch has in the records, by its id.
    pub fn name_of(&self, kind: SliceKind, id: &str) -> Option<&str> {
        self.names(kind).name_of(id)
    }

    fn names(&self, kind: SliceKind) -> &Names {
        match kind {
            SliceKind::Precinct => &self.precincts,
            SliceKind::Batch => &self.batches,
        }
    }

    /// All ballots, summed up.
    pub fn profile(&self) -> Profile {
        let mut ballots = vec![0; self.rankings.len()];
        for ballot in &self.ballots {
            ballots[ballot.ranking] += 1;
        }
        let rankings = self.rankings.iter().cloned().map(Selection::of_ranking);
        rankings.zip(ballots).collect()
    }

    /// The ballots of each value of a [group](RecordedBallots::group) and each selection, by the texts of a tally.
    pub fn cells(&self, kind: SliceKind) -> BTreeMap<(String, String), u64> {
        let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for ballot in &self.ballots {
            *counts.entry((ballot.place, ballot.ranking)).or_default() += 1;
        }
        let mut cells = BTreeMap::new();
        for ((place, ranking), ballots) in counts {
            let Place { precinct, batch } = self.places[place];
            let number = match kind {
                SliceKind::Precinct => precinct,
                SliceKind::Batch => batch,
            };
            let id = number.and_then(|number| self.names(kind).id(number));
            let selection = Selection::of_ranking(self.rankings[ranking].clone()).to_string();
            let cell = (id.unwrap_or(UNKNOWN).to_owned(), selection);
            *cells.entry(cell).or_default() += ballots;
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const CSV: &str =
        "Ballot,Precinct,Batch,Ann,Ben\n1,p 1,b1,1,2\n2,p/1,b1,1,2\n3,p 1,b2,1,1\n4,,b2,,1\n";

    fn recorded(is_counted_by: impl Fn(SliceKind) -> bool) -> (RctabConfig, RecordedBallots) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("council.csv"), CSV).unwrap();
        let config = json!({
            "tabulatorVersion": crate::RCTAB_VERSION,
            "outputSettings": {"contestName": "Town council"},
            "cvrFileSources": [{
                "provider": "genericCsv", "filePath": "council.csv", "firstVoteColumnIndex": "4",
                "firstVoteRowIndex": "2", "idColumnIndex": "1", "precinctColumnIndex": "2",
                "batchColumnIndex": "3"
            }],
            "candidates": [{"name": "Ann"}, {"name": "Ben"}],
            "rules": {
                "tiebreakMode": "useCandidateOrder", "overvoteRule": "exhaustImmediately",
                "winnerElectionMode": "singleWinnerMajority", "numberOfWinners": "1",
                "decimalPlacesForVoteArithmetic": "4", "maxSkippedRanksAllowed": "1",
                "maxRankingsAllowed": "max"
            }
        });
        let path: &Path = &directory.path().join("council_config.json");
        let config = RctabConfig::from_json(config.to_string().as_bytes(), path).unwrap();
        let recorded = RecordedBallots::read(&config, is_counted_by).unwrap();
        (config, recorded)
    }

    #[test]
    fn ballots_become_an_election_with_the_places_that_are_counted() {
        let (config, recorded) = recorded(|kind| kind == SliceKind::Precinct);
        let contest = crate::tabulation::contest(&config);
        let definition = recorded.definition(&config, &contest).unwrap();
        let precincts: Vec<_> = (definition.precincts.iter())
            .map(|precinct| (&*precinct.id, &*precinct.title, precinct.ballots))
            .collect();
        let expected = [("p_1", "p 1", Some(2)), ("p_1_2", "p/1", Some(1))];
        assert_eq!(precincts[..2], expected);
        assert_eq!(definition.contests[0].rankings, Some(2));
        assert_eq!(recorded.name_of(SliceKind::Precinct, "p_1_2"), Some("p/1"));
        assert_eq!(recorded.name_of(SliceKind::Batch, "b1"), None);
        let choices: Vec<String> = recorded.choices().map(|it| json!(it).to_string()).collect();
        assert_eq!(
            choices,
            [
                r#"{"contest":["c1","c2"]}"#,
                r#"{"contest":[["c1","c2"]]}"#,
                r#"{"contest":["c2"]}"#
            ]
        );
        let fields: Vec<_> = recorded.place_fields().collect();
        assert_eq!(json!(fields[0]), json!({"precinct": "p_1"}));
        let cells = recorded.cells(SliceKind::Precinct);
        let cell = |place: &str, selection: &str| cells[&(place.to_owned(), selection.to_owned())];
        assert_eq!(
            [
                cell("p_1", "c1>c2"),
                cell("p_1_2", "c1>c2"),
                cell("p_1", "c1=c2")
            ],
            [1, 1, 1]
        );
        assert_eq!(cells.values().sum::<u64>(), 4);
        assert_eq!(recorded.profile().ballots(), 4);
    }
}
