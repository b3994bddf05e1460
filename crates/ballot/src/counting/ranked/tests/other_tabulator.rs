//! Instant runoff beside another tabulator, the crate `ranked_voting`: the same votes in each round, and the same winner.

use proptest::prelude::*;
use ranked_voting::{Builder, OverVoteRule, VoteRules, run_election};

use super::*;

const CANDIDATES: &str = "a b c d e";

/// Rankings with skipped ranks, repetitions and overvotes.
fn ranking() -> impl Strategy<Value = Vec<&'static str>> {
    let marks = prop::sample::select(CANDIDATES.split(' ').collect::<Vec<_>>());
    let rank = prop_oneof![8 => marks, 1 => Just(""), 1 => Just("overvote")];
    prop::collection::vec(rank, 1..6)
}

/// The votes in each round, by candidate, without those who have none.
type Votes = Vec<BTreeMap<String, u64>>;

fn theirs(ballots: &[(Vec<&str>, u64)], rule: OverVoteRule) -> Option<(Votes, Vec<String>)> {
    let rules = VoteRules {
        overvote_rule: rule,
        ..VoteRules::default()
    };
    let candidates: Vec<String> = CANDIDATES.split(' ').map(str::to_owned).collect();
    let mut builder = Builder::new(&rules)
        .unwrap()
        .candidates(&candidates)
        .unwrap();
    for (ranking, count) in ballots {
        let ranks = ranking.iter().map(|mark| match *mark {
            "overvote" => vec!["a".to_owned(), "b".to_owned()],
            mark => vec![mark.to_owned()],
        });
        let ranks: Vec<Vec<String>> = ranks.collect();
        builder
            .add_vote(&ranks, u32::try_from(*count).unwrap())
            .unwrap();
    }
    let result = run_election(&builder).ok()?;
    let rounds = result.round_stats.into_iter();
    let rounds = rounds.map(|round| {
        round
            .tally
            .into_iter()
            .filter(|(_, votes)| *votes > 0)
            .collect()
    });
    Some((rounds.collect(), result.winners?))
}

proptest! {
    #[test]
    fn another_tabulator_counts_the_same_rounds(
        ballots in prop::collection::vec((ranking(), 1..200_u64), 1..15),
        skips_overvotes: bool,
    ) {
        let (rule, name) = match skips_overvotes {
            true => (OverVoteRule::AlwaysSkipToNextRank, "skip"),
            false => (OverVoteRule::ExhaustImmediately, "exhaust"),
        };
        // Ties that only the rules of a jurisdiction can break are stops here, and are left out.
        let method = format!(r#"{{"kind": "irv", "tiebreak": "stop", "overvote": "{name}"}}"#);
        let contest = contest(&method, 1, CANDIDATES);
        let texts: Vec<(String, u64)> = ballots.iter().map(|(ranks, n)| (ranks.join(">"), *n)).collect();
        let texts: Vec<(&str, u64)> = texts.iter().map(|(text, n)| (&**text, *n)).collect();
        let ours = rounds(&contest, &texts);
        prop_assume!(ours.stopped.is_none() && !ours.winners.is_empty());
        let (their_rounds, their_winners) = theirs(&ballots, rule).unwrap();
        let our_rounds = ours.rounds.iter().map(|round| {
            let votes = round.votes.iter().map(|it| (it.candidate_id.clone(), it.votes.floor()));
            votes.filter(|(_, votes)| *votes > 0).collect()
        });
        let (ours_moving, theirs_moving) = (moving(our_rounds.collect()), moving(their_rounds));
        let common = ours_moving.len().min(theirs_moving.len());
        prop_assert_eq!(&ours_moving[..common], &theirs_moving[..common]);
        prop_assert_eq!(ours.winners, their_winners);
    }
}

/// The rounds after which votes move. The other tabulator goes on after a majority, and eliminates candidates without votes
/// one by one.
fn moving(mut rounds: Votes) -> Votes {
    rounds.dedup();
    rounds
}
