//! RCTab's detailed report as JSON. Numbers of votes are texts; keys are in alphabetical order.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Decimal, Decision, Report, by_name};

#[derive(Serialize)]
struct Detailed<'a> {
    config: BTreeMap<&'a str, Option<&'a str>>,
    #[serde(rename = "jsonFormatVersion")]
    json_format_version: &'a str,
    results: Vec<Round<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Round<'a> {
    inactive_ballots: BTreeMap<&'a str, String>,
    round: usize,
    tally: BTreeMap<&'a str, String>,
    tally_results: Vec<Action<'a>>,
    threshold: String,
}

#[derive(Serialize)]
struct Action<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    elected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eliminated: Option<&'a str>,
    transfers: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    final_threshold: String,
    num_candidates: usize,
    num_winners: u32,
    total_num_ballots: String,
    undervotes: i128,
}

impl Report {
    /// The detailed report as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut config = BTreeMap::from([
            ("contest", Some(self.contest.as_str())),
            ("date", self.date.as_deref()),
            ("generatedBy", Some(&*self.generated_by)),
            ("jurisdiction", self.jurisdiction.as_deref()),
            ("office", self.office.as_deref()),
        ]);
        if let Some((kind, id)) = &self.slice {
            config.insert(kind.key(), Some(id));
        }
        let detailed = Detailed {
            config,
            json_format_version: "1",
            results: self.json_rounds(),
            summary: Summary {
                final_threshold: self.final_threshold().to_string(),
                num_candidates: self.candidates,
                num_winners: self.rules.number_of_winners,
                total_num_ballots: self.total_ballots.to_string(),
                undervotes: self.undervotes().whole(),
            },
        };
        serde_json::to_string_pretty(&detailed)
    }

    fn json_rounds(&self) -> Vec<Round<'_>> {
        let rounds = self.rounds.iter().zip(1..);
        rounds
            .map(|(round, number)| {
                let inactive = &round.inactive;
                let mut inactive_ballots = BTreeMap::from([
                    ("exhaustedChoices", inactive.exhausted_choices.to_string()),
                    ("overvotes", inactive.overvotes.to_string()),
                    ("repeatedRankings", inactive.repeated_rankings.to_string()),
                    ("skippedRankings", inactive.skipped_rankings.to_string()),
                ]);
                if self.rules.uses_surpluses() && number == self.rounds.len() {
                    let surplus = round.final_round_surplus.to_string();
                    inactive_ballots.insert("finalRoundSurplus", surplus);
                }
                let elected = by_name(&round.elected).into_iter().map(|decision| Action {
                    elected: Some(&decision.candidate),
                    eliminated: None,
                    transfers: transfers(decision),
                });
                let eliminated = by_name(&round.eliminated)
                    .into_iter()
                    .map(|decision| Action {
                        elected: None,
                        eliminated: Some(&decision.candidate),
                        transfers: transfers(decision),
                    });
                Round {
                    inactive_ballots,
                    round: number,
                    tally: texts(&round.tally),
                    tally_results: elected.chain(eliminated).collect(),
                    threshold: round.threshold.to_string(),
                }
            })
            .collect()
    }
}

fn transfers(decision: &Decision) -> BTreeMap<&str, String> {
    texts(&decision.transfers)
}

fn texts(votes: &BTreeMap<String, Decimal>) -> BTreeMap<&str, String> {
    votes
        .iter()
        .map(|(name, votes)| (name.as_str(), votes.to_string()))
        .collect()
}
