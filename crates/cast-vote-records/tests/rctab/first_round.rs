//! The first round of every expected report, counted from the rankings: it is a check of the readers, as later rounds are
//! made of the same ballots. Rounds are counted in `ballot`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use ballot::Ranking;
use election_cast_vote_records::{OvervoteRule, RctabConfig, read_ballots};
use serde_json::Value;

use crate::{configurations, data};

/// What a ballot does in the first round: it counts for a candidate, or for nobody, by a cause.
fn first_choice(ranking: &Ranking, config: &RctabConfig, excluded: &HashSet<&str>) -> String {
    let ranks = &ranking.0;
    let rules = &config.rules;
    if ranks.is_empty() {
        return "undervote".to_owned();
    }
    let mut last_rank = 0;
    let mut seen = HashSet::new();
    for (rank, candidates) in (1_u32..).zip(ranks) {
        if candidates.is_empty() {
            continue;
        }
        let skipped = rank - last_rank - 1;
        if rules
            .max_skipped_ranks_allowed
            .is_some_and(|most| skipped > most)
        {
            return "skippedRankings".to_owned();
        }
        last_rank = rank;
        if rules.exhaust_on_duplicate_candidate && candidates.iter().any(|one| !seen.insert(one)) {
            return "repeatedRankings".to_owned();
        }
        let continuing: Vec<&String> = candidates
            .iter()
            .filter(|one| *one != "overvote" && !excluded.contains(one.as_str()))
            .collect();
        let is_overvote = candidates.len() > 1 || candidates[0] == "overvote";
        match rules.overvote_rule {
            OvervoteRule::ExhaustImmediately if is_overvote => return "overvotes".to_owned(),
            OvervoteRule::AlwaysSkipToNextRank if is_overvote => continue,
            OvervoteRule::ExhaustIfMultipleContinuing if continuing.len() > 1 => {
                return "overvotes".to_owned();
            }
            _ => {}
        }
        if let Some(candidate) = continuing.first() {
            return config.name_of(candidate).unwrap().to_owned();
        }
    }
    "exhaustedChoices".to_owned()
}

fn counted(path: &Path) -> Option<BTreeMap<String, u64>> {
    let config = RctabConfig::load(path).ok()?;
    let excluded = config.candidates.iter().filter(|one| one.excluded);
    let excluded: HashSet<&str> = excluded.map(|one| one.id.as_str()).collect();
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    read_ballots(&config, |ballot| {
        *counted
            .entry(first_choice(&ballot.ranking, &config, &excluded))
            .or_default() += 1;
        Ok(())
    })
    .ok()?;
    Some(counted)
}

#[test]
fn the_first_round_is_the_one_that_rctab_reports() {
    let Some(data) = data() else { return };
    let mut compared = 0;
    for path in configurations(&data) {
        let stem = path.to_string_lossy().replace("_config.json", "");
        let report = ["", "_1"]
            .map(|pass| PathBuf::from(format!("{stem}{pass}_expected_detailed_report.json")))
            .into_iter()
            .find(|report| report.exists());
        // What cannot be read is told by another test.
        let (Some(report), Some(mut counted)) = (report, counted(&path)) else {
            continue;
        };
        let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
        let round = &report["results"][0];
        let groups = [&round["tally"], &round["inactiveBallots"]];
        let mut expected: BTreeMap<String, u64> = groups
            .into_iter()
            .flat_map(|group| group.as_object().unwrap())
            .map(|(name, votes)| (name.clone(), votes.as_str().unwrap().parse().unwrap()))
            .collect();
        let undervotes = report["summary"]["undervotes"].as_u64().unwrap();
        expected.insert("undervote".to_owned(), undervotes);
        expected.retain(|_, votes| *votes > 0);
        counted.retain(|_, votes| *votes > 0);
        assert_eq!(counted, expected, "{}", path.display());
        compared += 1;
    }
    println!("{compared} first rounds");
    assert!(compared >= 60, "{compared}");
}
