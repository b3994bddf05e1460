//! What an election report says of a count in rounds, and of who is elected.

use ballot::counting::{Outcome, Votes};
use serde_json::{Number, Value, json};

use super::election_report::{ELECTORATE, Status, object};

/// The votes of a candidate in each round, to the elimination. Rounds are numbered on through the passes: the format
/// has none.
pub(super) fn vote_counts(outcome: &Outcome, candidate_id: &str) -> Vec<Value> {
    let rounds = (1..).zip(&outcome.rounds);
    let counts = rounds.filter_map(|(number, round): (u32, _)| {
        let mut votes = round.votes.iter();
        let votes = votes.find(|votes| votes.candidate_id == candidate_id)?;
        Some(object(
            "VoteCounts",
            json!({
                "GpUnitId": ELECTORATE,
                "Type": "total",
                "Round": number,
                "Count": count(votes.votes),
            }),
        ))
    });
    counts.collect()
}

/// Votes as the format's number, a float: whole ones are exact, fractions as near as it has them.
fn count(votes: Votes) -> Option<Number> {
    let whole = votes.floor();
    if votes == Votes::whole(whole) {
        return Some(whole.into());
    }
    votes.to_string().parse().ok().and_then(Number::from_f64)
}

/// The format's word for what became of a candidate, once the count has come to its end.
pub(super) fn post_election_status(
    outcome: &Outcome,
    candidate_id: &str,
    status: Status,
) -> Option<&'static str> {
    let has = |ids: &[String]| ids.iter().any(|id| id == candidate_id);
    let is_undecided =
        has(&outcome.tied) || outcome.stopped.is_some() || outcome.winners.is_empty();
    match status {
        Status::Certified if has(&outcome.winners) => Some("winner"),
        Status::Certified if !is_undecided => Some("defeated"),
        Status::UnofficialComplete if has(&outcome.winners) => Some("projected-winner"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ballot::counting::Profile;
    use ballot::{ElectionDefinition, Selection};

    use super::*;

    const ELECTION: &str = r#"{
        "election": {"id": "x", "title": "X"},
        "group": [{"name": "place", "path": "/place"}],
        "contest": [{"id": "council", "title": "Council", "method": {"kind": "stv"}, "seats": 2,
                     "candidates": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"},
                                    {"id": "c", "name": "C"}, {"id": "d", "name": "D"}]}]
    }"#;

    fn outcome(ballots: &[(&str, u64)]) -> Outcome {
        let definition = ElectionDefinition::from_json(ELECTION).unwrap();
        let contest = &definition.contests[0];
        let profile: Profile = (ballots.iter())
            .map(|&(text, ballots)| {
                let selection = Selection::from_text(contest.marks(), text);
                (selection.unwrap(), ballots)
            })
            .collect();
        contest.method.tabulate(&profile, contest)
    }

    #[test]
    fn a_candidate_has_a_count_for_each_round_to_the_elimination() {
        let outcome = outcome(&[("a>b", 60), ("b", 20), ("c>b", 15), ("d>c", 5)]);
        let counts = |candidate_id: &str| -> Vec<(Value, Value)> {
            let counts = vote_counts(&outcome, candidate_id).into_iter();
            counts
                .map(|count| (count["Round"].clone(), count["Count"].clone()))
                .collect()
        };
        // The threshold is 34 of 100: each of A's ballots passes 26 / 60 of its value on to B, rounded down to 0.4333.
        assert_eq!(
            counts("a")[..2],
            [(json!(1), json!(60)), (json!(2), json!(34))]
        );
        assert_eq!(
            counts("b")[..2],
            [(json!(1), json!(20)), (json!(2), json!(45.998))]
        );
        assert_eq!(counts("nobody"), []);
        let rounds = outcome.rounds.len();
        assert_eq!(counts("a").len(), rounds, "the elected stay");
    }

    #[test]
    fn who_is_elected_is_told_when_the_count_is_over() {
        let decided = outcome(&[("a>b", 60), ("b", 20), ("c>b", 15), ("d>c", 5)]);
        let told = |status| {
            ["a", "b", "c"].map(|candidate| post_election_status(&decided, candidate, status))
        };
        assert_eq!(
            told(Status::Certified),
            [Some("winner"), Some("winner"), Some("defeated")]
        );
        assert_eq!(
            told(Status::UnofficialComplete),
            [Some("projected-winner"), Some("projected-winner"), None]
        );
        assert_eq!(told(Status::UnofficialPartial), [None; 3]);
        let nobody = outcome(&[("undervote", 3)]);
        assert_eq!(post_election_status(&nobody, "a", Status::Certified), None);
    }
}
