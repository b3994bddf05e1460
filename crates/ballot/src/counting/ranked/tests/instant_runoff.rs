//! Instant-runoff: the rules about ballots, eliminations and ties.

use super::*;

#[test]
fn who_is_last_is_eliminated_until_somebody_has_a_majority() {
    let ballots = [("a", 4), ("b>a", 3), ("c>b", 2), ("", 1)];
    let contest = contest(r#"{"kind": "irv"}"#, 1, "a b c");
    let rounds = rounds(&contest, &ballots);
    assert_eq!(
        told(&rounds),
        [
            "a 4, b 3, c 2, Undervotes 1: -c",
            "a 4, b 5, Undervotes 1: +b"
        ]
    );
    assert_eq!(rounds.rounds[0].threshold, Votes::whole(5));
    let transfer = &rounds.rounds[0].eliminated[0].transfers[0];
    assert_eq!(transfer.to, Destination::Candidate("b".to_owned()));
    assert_eq!(transfer.votes, Votes::whole(2));
    assert_eq!(
        (rounds.winners, rounds.stopped),
        (vec!["b".to_owned()], None)
    );

    let outcome = contest.method.tabulate(&profile(&ballots), &contest);
    let totals: Vec<_> = outcome
        .choices
        .iter()
        .map(|it| (&*it.candidate_id, it.total))
        .collect();
    assert_eq!(totals, [("b", 5), ("a", 4), ("c", 0)]);
    assert_eq!((outcome.ballots, outcome.undervotes), (10, 1));
    assert_eq!(contest.whole_of(&outcome), 9);
}

#[test]
fn nobody_wins_before_the_first_vote() {
    let contest = contest(
        r#"{"kind": "irv", "tiebreak": "random", "seed": 1}"#,
        1,
        "a b",
    );
    for ballots in [&[][..], &[("", 3)], &[("overvote", 2)]] {
        let outcome = contest.method.tabulate(&profile(ballots), &contest);
        assert!(outcome.winners.is_empty() && outcome.rounds.is_empty());
    }
}

#[test]
fn an_overvote_is_treated_as_the_rule_says() {
    let ballots = [
        ("a=b>c", 2),
        ("b", 4),
        ("c", 2),
        ("a", 3),
        ("c=a", 1),
        ("overvote>a", 1),
    ];
    assert_eq!(
        irv("", &ballots),
        [
            "a 3, b 4, c 2, Overvotes 4: -c",
            "a 3, b 4, ExhaustedChoices 2, Overvotes 4: +b"
        ]
    );
    // An overvote at the last rank is no rank at all.
    assert_eq!(
        irv(
            r#""overvote": "skip", "tiebreak": "candidate-order""#,
            &ballots
        ),
        [
            "a 4, b 4, c 4, ExhaustedChoices 1: -c",
            "a 4, b 4, ExhaustedChoices 5: +a"
        ]
    );
    // While one of the marked continues, the ballot is that one's.
    assert_eq!(
        irv(
            r#""overvote": "exhaust-if-multiple-continuing""#,
            &[("c", 1), ("a>b=c", 2), ("b", 4), ("c>a=c", 2)]
        ),
        ["a 2, b 4, c 3: -a", "b 4, c 3, Overvotes 2: +b"]
    );
    assert_eq!(
        irv(
            r#""overvote": "exhaust-if-multiple-continuing""#,
            &[("c>b=a", 1), ("a>b=c", 2), ("b", 2), ("a>c", 1)]
        ),
        ["a 3, b 2, c 1: -c", "a 3, b 2, Overvotes 1: +a"]
    );
    assert_eq!(
        irv(
            r#""overvote": "exhaust-if-multiple-continuing", "excluded": ["c"]"#,
            &[("b=c", 1), ("a", 2)]
        ),
        ["a 2, b 1: +a"]
    );
}

#[test]
fn skipped_ranks_are_counted_in_a_row() {
    let ballots = [(">a", 1), (">>b", 2), ("c>>a", 1), ("a>>>b", 1)];
    assert_eq!(
        irv(r#""tiebreak": "candidate-order""#, &ballots)[0],
        "a 2, b 2, c 1: -c"
    );
    assert_eq!(
        irv(r#""max_skipped": 1"#, &ballots)[0],
        "a 2, b 0, c 1, SkippedRankings 2: +a"
    );
    assert_eq!(
        irv(
            r#""max_skipped": 0, "tiebreak": "candidate-order""#,
            &ballots
        )[0],
        "a 1, b 0, c 1, SkippedRankings 3: -b"
    );
}

#[test]
fn a_repeated_candidate_is_skipped_or_ends_the_ballot() {
    let ballots = [("c>c>a", 2), ("a", 3), ("b", 4)];
    assert_eq!(irv("", &ballots)[1], "a 5, b 4: +a");
    assert_eq!(
        irv(r#""exhaust_on_repeated": true"#, &ballots),
        ["a 3, b 4, c 2: -c", "a 3, b 4, RepeatedRankings 2: +b"]
    );
}

#[test]
fn more_ranks_than_the_ballot_has_do_not_count() {
    let mut contest = contest(r#"{"kind": "irv"}"#, 1, "a b c");
    contest.rankings = Some(1);
    let counted = told(&rounds(&contest, &[("c>a", 2), ("a", 3), ("b", 4)]));
    assert_eq!(counted[1], "a 3, b 4, ExhaustedChoices 2: +b");
}

#[test]
fn a_tie_stops_the_count_until_people_have_decided_it() {
    let ballots = [("a", 3), ("b>a", 2), ("c>a", 2)];
    let contest = contest(r#"{"kind": "irv"}"#, 1, "a b c");
    let stopped = rounds(&contest, &ballots).stopped.unwrap();
    assert!(
        stopped.to_string().contains("round 1: b, c are tied"),
        "{stopped}"
    );
    let outcome = contest.method.tabulate(&profile(&ballots), &contest);
    assert_eq!(
        (outcome.winners, outcome.tied),
        (vec![], vec!["b".to_owned(), "c".to_owned()])
    );

    let rules = r#""decided_ties": [{"round": 1, "candidate": "c"}]"#;
    assert_eq!(irv(rules, &ballots), ["a 3, b 2, c 2: -c", "a 5, b 2: +a"]);
}

#[test]
fn a_tie_is_broken_as_the_rule_says() {
    let ballots = [("a", 3), ("b>a", 2), ("c>a", 2)];
    let broken = |rules: &str| {
        let contest = contest(&method("irv", rules), 1, "a b c");
        let round = rounds(&contest, &ballots).rounds.swap_remove(0);
        let decision = round.eliminated.into_iter().next().unwrap();
        (decision.candidate_id, decision.tie.unwrap().broken_by)
    };
    let order = broken(r#""tiebreak": "candidate-order""#);
    assert_eq!(order, ("c".to_owned(), TieBroken::CandidateOrder));
    // nextDouble() of seed 0 is 0.73, of seed 27 below a half: the second and the first of two.
    assert_eq!(
        broken(r#""tiebreak": "random", "seed": 0"#),
        ("c".to_owned(), TieBroken::Random)
    );
    let earlier = r#""tiebreak": "previous-round-then-random", "seed": 0"#;
    assert_eq!(broken(earlier), ("c".to_owned(), TieBroken::Random));
    let (_, by) = broken(r#""tiebreak": "drawn-order", "seed": 7"#);
    assert_eq!(by, TieBroken::DrawnOrder);
}

#[test]
fn a_tie_is_broken_by_the_last_round_that_tells_the_tied_apart() {
    let contest = contest(
        r#"{"kind": "irv", "tiebreak": "previous-round"}"#,
        1,
        "a b c d",
    );
    let ballots = [("a", 5), ("b", 3), ("c", 2), ("d>c", 1)];
    let rounds = rounds(&contest, &ballots);
    assert_eq!(
        told(&rounds),
        [
            "a 5, b 3, c 2, d 1: -d",
            "a 5, b 3, c 3: -c",
            "a 5, b 3, ExhaustedChoices 3: +a"
        ]
    );
    let tie = rounds.rounds[1].eliminated[0].tie.as_ref().unwrap();
    assert_eq!(tie.broken_by, TieBroken::EarlierRound(1));
    assert_eq!(tie.among, ["b", "c"]);
}

#[test]
fn all_go_at_once_who_cannot_win_even_together() {
    let contest = |rules| contest(&method("irv", rules), 1, "a b c d");
    let ballots = [("a", 9), ("b", 8), ("c>b", 2), ("d>b", 1)];
    let batch = told(&rounds(&contest(r#""batch_elimination": true"#), &ballots));
    assert_eq!(batch, ["a 9, b 8, c 2, d 1: -d -c", "a 9, b 11: +b"]);
    assert_eq!(told(&rounds(&contest(""), &ballots)).len(), 3);
    // One alone is no batch, and a tie of two is broken as any other.
    let two = [("a", 5), ("b", 4), ("c", 1)];
    assert_eq!(
        irv(r#""batch_elimination": true"#, &two)[0],
        "a 5, b 4, c 1: -c"
    );
    // Somebody is to be left beside the winner.
    let until_two = r#""batch_elimination": true, "continue_until_two": true"#;
    let counted = told(&rounds(
        &contest(until_two),
        &[("a", 30), ("b", 5), ("c", 2), ("d", 1)],
    ));
    assert_eq!(counted[1], "a 30, b 5, c 2, d 1: -d -c");
}

#[test]
fn who_is_below_the_threshold_or_the_minimum_goes_at_once() {
    let ballots = [("a", 3), ("b>a", 2), ("c>b", 1)];
    assert_eq!(
        irv(r#""minimum_votes": 3"#, &ballots)[0],
        "a 3, b 2, c 1: -c -b"
    );
    assert_eq!(
        irv(r#""minimum_votes": 2"#, &ballots),
        ["a 3, b 2, c 1: -c", "a 3, b 3"]
    );
}

#[test]
fn the_count_goes_on_until_two_remain() {
    let ballots = [("a", 6), ("b", 3), ("c>b", 1)];
    assert_eq!(irv("", &ballots), ["a 6, b 3, c 1: +a"]);
    assert_eq!(
        irv(r#""continue_until_two": true"#, &ballots),
        ["a 6, b 3, c 1: +a", "a 6, b 3, c 1: -c", "a 6, b 4"]
    );
}

#[test]
fn the_count_can_be_stopped_early() {
    let ballots = [("a", 4), ("b>a", 3), ("c>b", 2)];
    assert_eq!(
        irv(r#""stop_after_round": 1"#, &ballots),
        ["a 4, b 3, c 2: -c"]
    );
}

#[test]
fn the_first_round_can_tell_the_threshold() {
    // 10 ballots: 6 votes are needed, though in the second round 5 would be more than half.
    let ballots = [("a", 4), ("b", 3), ("c", 3)];
    let rules = r#""first_round_threshold": true, "tiebreak": "candidate-order""#;
    let contest = contest(&method("irv", rules), 1, "a b c");
    let rounds = rounds(&contest, &ballots);
    assert_eq!(
        told(&rounds),
        ["a 4, b 3, c 3: -c", "a 4, b 3, ExhaustedChoices 3: +a"]
    );
    assert_eq!(rounds.rounds[1].threshold, Votes::whole(6));
}

#[test]
fn an_excluded_candidate_is_passed_over() {
    let ballots = [("a>b", 4), ("b", 3), ("c", 5)];
    assert_eq!(irv(r#""excluded": ["a"]"#, &ballots), ["b 7, c 5: +b"]);
}

#[test]
fn undeclared_write_ins_never_win() {
    let contest = contest(r#"{"kind": "irv"}"#, 1, "a b UWI");
    let counted = told(&rounds(&contest, &[("UWI>a", 6), ("a", 1), ("b", 2)]));
    assert_eq!(counted, ["a 1, b 2, UWI 6: -UWI", "a 7, b 2: +a"]);
}

#[test]
fn several_seats_are_filled_one_after_the_other() {
    let contest = contest(r#"{"kind": "irv"}"#, 2, "a b c");
    let ballots = [("a>b", 6), ("b", 1), ("c", 4)];
    let rounds = rounds(&contest, &ballots);
    assert_eq!(told(&rounds), ["a 6, b 1, c 4: +a", "b 7, c 4: +b"]);
    let passes: Vec<_> = rounds
        .rounds
        .iter()
        .map(|round| (round.pass, round.round))
        .collect();
    assert_eq!(passes, [(1, 1), (2, 1)]);
    let outcome = contest.method.tabulate(&profile(&ballots), &contest);
    let totals: Vec<_> = outcome
        .choices
        .iter()
        .map(|it| (&*it.candidate_id, it.total))
        .collect();
    assert_eq!(totals, [("a", 6), ("b", 7), ("c", 4)]);
}

#[test]
fn more_seats_than_candidates_stay_empty() {
    let contest = contest(r#"{"kind": "irv", "excluded": ["c"]}"#, 3, "a b c");
    let rounds = rounds(&contest, &[("a>b", 6), ("b", 1)]);
    assert_eq!(told(&rounds), ["a 6, b 1: +a", "b 7: +b"]);
    assert_eq!(rounds.stopped, None);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (kind, seats, rules, problem) in [
        ("irv", 1, r#""tiebreak": "random""#, "needs a `seed`"),
        ("irv", 1, r#""seed": 999999999999999"#, "`seed` is a number"),
        (
            "irv",
            1,
            r#""quota": "hare""#,
            "`quota` does not go with irv",
        ),
        ("irv", 1, r#""stop_after_round": 0"#, "1 or more"),
        ("irv", 1, r#""excluded": ["z"]"#, "`z`"),
        ("irv", 1, r#""excluded": ["a", "b", "c"]"#, "leaves nobody"),
        ("irv", 2, r#""first_round_threshold": true"#, "does not go"),
        ("stv", 2, r#""decimal_places": 0"#, "1 to 20"),
        ("stv", 2, r#""batch_elimination": true"#, "does not go"),
        ("stv", 2, r#""percentage": 15"#, "does not go"),
        (
            "stv",
            2,
            r#""mode": "bottoms-up-by-percentage""#,
            "needs a `percentage`",
        ),
        (
            "stv",
            2,
            r#""mode": "bottoms-up-by-percentage", "percentage": "0.5""#,
            "1 to 100",
        ),
        (
            "stv",
            2,
            r#""quota": "hare", "fractional_threshold": true"#,
            "Hare",
        ),
        (
            "stv",
            2,
            r#""mode": "bottoms-up", "quota": "hare""#,
            "does not go",
        ),
    ] {
        let contest = contest(&method(kind, rules), seats, "a b c");
        let error = contest.check().unwrap_err().to_string();
        assert!(error.contains(problem), "{rules}: {error}");
    }
    contest(r#"{"kind": "irv"}"#, 1, "a b c").check().unwrap();
    let by_percentage =
        r#"{"kind": "stv", "mode": "bottoms-up-by-percentage", "percentage": 12.5}"#;
    contest(by_percentage, 1, "a b c").check().unwrap();
}

#[test]
fn rules_are_written_as_they_are_read() {
    let json = r#"{"kind":"irv","overvote":"skip","max_skipped":1,"tiebreak":"previous-round","decimal_places":4}"#;
    let method: crate::counting::Method = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&method).unwrap(), json);
    assert!(
        serde_json::from_str::<crate::counting::Method>(r#"{"kind":"irv","overvotes":"skip"}"#)
            .is_err()
    );
}
