//! What holds for every ranked count.

use proptest::prelude::*;

use super::*;

const CANDIDATES: &str = "a b c d e UWI";

fn ranking() -> impl Strategy<Value = String> {
    let marks = prop::sample::select(CANDIDATES.split(' ').collect::<Vec<_>>());
    let rank = prop_oneof![
        8 => marks.clone().prop_map(str::to_owned),
        1 => Just(String::new()),
        1 => Just("overvote".to_owned()),
        1 => (marks.clone(), marks).prop_map(|(one, other)| format!("{one}={other}")),
    ];
    prop::collection::vec(rank, 0..5).prop_map(|ranks| ranks.join(">"))
}

fn method() -> impl Strategy<Value = String> {
    let overvote = prop::sample::select(vec!["exhaust", "skip", "exhaust-if-multiple-continuing"]);
    let tiebreak = prop::sample::select(vec![
        "stop",
        "random",
        "previous-round",
        "previous-round-then-random",
        "candidate-order",
        "drawn-order",
    ]);
    let rules = (
        overvote,
        tiebreak,
        any::<bool>(),
        prop::option::of(0..3_u32),
        1..=20_u8,
    );
    let kind = prop::sample::select(vec![
        r#""kind": "irv""#,
        r#""kind": "irv", "batch_elimination": true"#,
        r#""kind": "irv", "continue_until_two": true"#,
        r#""kind": "irv", "continue_until_two": true, "batch_elimination": true"#,
        r#""kind": "irv", "minimum_votes": 3, "excluded": ["b"]"#,
        r#""kind": "stv""#,
        r#""kind": "stv", "mode": "one-per-round", "excluded": ["a", "e"]"#,
        r#""kind": "stv", "quota": "hare""#,
        r#""kind": "stv", "fractional_threshold": true"#,
        r#""kind": "stv", "mode": "bottoms-up""#,
    ]);
    (kind, rules).prop_map(|(kind, (overvote, tiebreak, repeated, skipped, places))| {
        let skipped = skipped.map_or(String::new(), |most| format!(r#""max_skipped": {most},"#));
        format!(
            r#"{{{kind}, {skipped} "overvote": "{overvote}", "tiebreak": "{tiebreak}", "seed": 5,
                "exhaust_on_repeated": {repeated}, "decimal_places": {places}}}"#
        )
    })
}

proptest! {
    #[test]
    fn every_ballot_is_somewhere_in_every_round(
        (method, seats) in (method(), 1..=4_u32),
        mut ballots in prop::collection::vec((ranking(), 1..50_u64), 0..25),
    ) {
        let contest = contest(&method, seats, CANDIDATES);
        contest.check().unwrap();
        let count = |ballots: &[(String, u64)]| {
            let ballots: Vec<_> = ballots.iter().map(|(text, n)| (&**text, *n)).collect();
            rounds(&contest, &ballots)
        };
        let rounds = count(&ballots);
        let all = Votes::whole(ballots.iter().map(|(_, n)| n).sum());
        for round in &rounds.rounds {
            let votes: Votes = round.votes.iter().map(|it| it.votes).sum();
            let nowhere = round.inactive.total() + round.final_surplus + round.residual_surplus;
            prop_assert_eq!(votes + nowhere, all, "round {}", round.round);
            prop_assert_eq!(votes + round.final_surplus, round.active);
        }
        prop_assert!(rounds.winners.len() <= seats as usize);
        prop_assert!(!rounds.winners.contains(&"UWI".to_owned()));
        // What leaves a candidate arrives: transfers are the difference of two rounds.
        for pair in rounds.rounds.windows(2) {
            let [round, next] = pair else { continue };
            for decision in round.elected.iter().chain(&round.eliminated) {
                let had = |round: &Round| {
                    let mut votes = round.votes.iter();
                    let votes = votes.find(|it| it.candidate_id == decision.candidate_id);
                    votes.map_or(Votes::ZERO, |it| it.votes)
                };
                let gone: Votes = decision.transfers.iter().map(|it| it.votes).sum();
                if round.pass == next.pass {
                    prop_assert_eq!(had(round), had(next) + gone);
                }
            }
        }
        ballots.reverse();
        // As text, which tells decimal places apart.
        let json = |rounds: &Rounds| serde_json::to_string(rounds).unwrap();
        prop_assert_eq!(json(&count(&ballots)), json(&rounds));
    }

    #[test]
    fn parts_add_up_to_the_whole(
        (method, seats) in (method(), 1..=4_u32),
        one in prop::collection::vec((ranking(), 1..50_u64), 0..15),
        other in prop::collection::vec((ranking(), 1..50_u64), 0..15),
    ) {
        let contest = contest(&method, seats, CANDIDATES);
        let texts = |ballots: &[(String, u64)]| -> Profile {
            let ballots: Vec<_> = ballots.iter().map(|(text, n)| (&**text, *n)).collect();
            profile(&ballots)
        };
        let all: Vec<_> = one.iter().chain(&other).cloned().collect();
        let count = contest.method.ranked(&contest).unwrap();
        let whole = count.rounds(&texts(&all));
        let parts = [&one, &other].map(|part| count.rounds_of_part(&texts(part), &whole));
        for (place, round) in whole.rounds.iter().enumerate() {
            let sum = |of: &dyn Fn(&Round) -> Votes| {
                parts.iter().map(|part| of(&part.rounds[place])).sum::<Votes>()
            };
            prop_assert_eq!(sum(&|part| part.inactive.total()), round.inactive.total());
            prop_assert_eq!(sum(&|part| part.final_surplus), round.final_surplus);
            let votes = |round: &Round| round.votes.iter().map(|it| it.votes).sum::<Votes>();
            prop_assert_eq!(sum(&votes), votes(round) + round.residual_surplus);
        }
        let same = count.rounds_of_part(&texts(&all), &whole);
        if !whole.rounds.iter().any(|round| round.residual_surplus.is_positive()) {
            prop_assert_eq!(same, whole);
        }
    }
}

/// Every method whose winners can be told to be settled, with a contest of one seat.
fn settled_method() -> impl Strategy<Value = (String, bool)> {
    let others = [
        (r#"{"kind": "plurality"}"#, false),
        (r#"{"kind": "borda"}"#, true),
        (r#"{"kind": "schulze"}"#, true),
        (r#"{"kind": "ranked-pairs"}"#, true),
    ];
    let others = others.map(|(method, ranked)| (method.to_owned(), ranked));
    prop_oneof![
        2 => method().prop_map(|method| (method, true)),
        1 => prop::sample::select(others.to_vec()),
    ]
}

proptest! {
    #[test]
    fn what_is_decided_stays_whatever_comes(
        (method, is_ranked) in settled_method(),
        ballots in prop::collection::vec((ranking(), 1..50_u64), 1..12),
        more in prop::collection::vec(ranking(), 1..12),
    ) {
        let contest = contest(&method, 1, CANDIDATES);
        let profile = |ballots: &mut dyn Iterator<Item = (&str, u64)>| -> Profile {
            let ballots = ballots.map(|(text, ballots)| {
                let text = match is_ranked {
                    true => text,
                    false => text.split(['>', '=']).next().unwrap_or_default(),
                };
                let selection = Selection::from_text(contest.marks(), text);
                (selection.unwrap_or(Selection::Undervote), ballots)
            });
            ballots.collect()
        };
        let known = || ballots.iter().map(|(text, ballots)| (&**text, *ballots));
        let before = profile(&mut known());
        let outcome = contest.method.tabulate(&before, &contest);
        let count = Count { contest: &contest, profile: &before, outcome: &outcome };
        if count.is_decided(more.len() as u64) {
            let all = profile(&mut known().chain(more.iter().map(|text| (&**text, 1))));
            let after = contest.method.tabulate(&all, &contest);
            // A tie of others may have to be decided first.
            if after.stopped.is_none() {
                prop_assert_eq!(after.winners, outcome.winners);
            }
        }
    }
}

#[test]
fn a_clear_lead_is_decided_before_the_last_ballot() {
    let contest = contest(r#"{"kind": "irv"}"#, 1, "a b c");
    let ballots = [("a", 40), ("b>a", 20), ("c>a", 5)];
    let ballots = ballots.map(|(text, ballots)| {
        (
            Selection::from_text(contest.marks(), text).unwrap(),
            ballots,
        )
    });
    let profile: Profile = ballots.into_iter().collect();
    let outcome = contest.method.tabulate(&profile, &contest);
    let count = Count {
        contest: &contest,
        profile: &profile,
        outcome: &outcome,
    };
    // With 14 more, c could have at most 19 and b 20; with c and b out, a has all 65.
    assert!(count.is_decided(14));
    assert!(!count.is_decided(30));
}
