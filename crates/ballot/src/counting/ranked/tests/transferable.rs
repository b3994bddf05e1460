//! The single transferable vote, and counts from the bottom up.

use super::*;

fn stv(rules: &str, seats: u32, ballots: &[(&str, u64)]) -> Rounds {
    rounds(&contest(&method("stv", rules), seats, "a b c d"), ballots)
}

#[test]
fn a_surplus_is_transferred_in_fractions_that_are_rounded_down() {
    // 3 of 8 are needed; a has 5. Of each vote 0.4 are transferred.
    let ballots = [("a>b", 3), ("a>c", 2), ("b", 1), ("c", 1), ("d>c", 1)];
    let rounds = stv("", 2, &ballots);
    assert_eq!(rounds.rounds[0].threshold, Votes::whole(3));
    assert_eq!(
        told(&rounds),
        [
            "a 5, b 1, c 1, d 1: +a",
            "a 3.0000, b 2.2000, c 1.8000, d 1: -d",
            "a 3.0000, b 2.2000, c 2.8000: -b",
            "a 3.0000, c 2.8000, ExhaustedChoices 2.2000: +c",
            "a 3.0000, c 2.8000, ExhaustedChoices 2.2000",
        ]
    );
    assert_eq!(
        rounds.rounds[0].elected[0]
            .surplus_fraction
            .unwrap()
            .to_string(),
        "0.4000"
    );
    assert_eq!(rounds.winners, ["a", "c"]);
}

#[test]
fn what_rounding_loses_is_told() {
    // 4 of 11; a has 7: 3/7 is 0.4285 with four places, so 7 × 0.4285 = 2.9995 are transferred.
    let rounds = stv("", 2, &[("a>b", 7), ("b", 2), ("c", 2)]);
    assert_eq!(
        told(&rounds),
        [
            "a 7, b 2, c 2, d 0: +a",
            "a 4, b 4.9995, c 2, d 0, Residual 0.0005: +b",
            "a 4, b 4, c 2, d 0, FinalSurplus 0.9990, Residual 0.0010",
        ]
    );
    let last = rounds.rounds.last().unwrap();
    let all: Votes = last.votes.iter().map(|it| it.votes).sum();
    let lost = last.inactive.total() + last.final_surplus + last.residual_surplus;
    assert_eq!(all + lost, Votes::whole(11));
    let residual = rounds.rounds[0].elected[0].transfers.last().unwrap();
    assert_eq!(residual.to, Destination::ResidualSurplus);
    assert_eq!(residual.votes.to_string(), "0.0005");
}

#[test]
fn one_in_a_round_is_elected_where_the_rules_say_so() {
    let ballots = [("a>c", 5), ("b>c", 4), ("c", 1), ("d", 1)];
    let several = stv("", 2, &ballots);
    assert_eq!(several.winners, ["a", "b"]);
    assert_eq!(several.rounds[0].elected.len(), 2);
    let one = stv(r#""mode": "one-per-round""#, 2, &ballots);
    assert_eq!(one.rounds[0].elected.len(), 1);
    assert_eq!(one.winners, ["a", "b"]);
}

#[test]
fn the_quota_is_the_one_of_the_rules() {
    let ballots = [("a", 6), ("b", 3), ("c", 1)];
    let threshold = |rules| stv(rules, 2, &ballots).rounds[0].threshold.to_string();
    assert_eq!(threshold(""), "4");
    assert_eq!(threshold(r#""quota": "hare""#), "5");
    assert_eq!(threshold(r#""fractional_threshold": true"#), "3.3334");
    assert_eq!(
        threshold(r#""fractional_threshold": true, "decimal_places": 6"#),
        "3.333334"
    );
    let hare = stv(r#""quota": "hare""#, 3, &ballots).rounds[0].threshold;
    assert_eq!(hare.to_string(), "4");
}

#[test]
fn candidates_are_eliminated_until_as_many_as_seats_are_left() {
    let rounds = stv(
        r#""mode": "bottoms-up""#,
        2,
        &[("a", 9), ("b", 3), ("c>b", 2), ("d>c", 1)],
    );
    assert_eq!(told(&rounds), ["a 9, b 3, c 2, d 1: -d", "a 9, b 3, c 3"]);
    assert!(matches!(
        rounds.stopped,
        Some(Stopped::Tie { round: 2, .. })
    ));
}

#[test]
fn all_are_elected_who_have_more_than_a_percentage() {
    let rules = r#""mode": "bottoms-up-by-percentage", "percentage": 15"#;
    let rounds = stv(rules, 1, &[("a", 10), ("b", 6), ("c", 3), ("d>c", 1)]);
    assert_eq!(
        told(&rounds),
        ["a 10, b 6, c 3, d 1: -d", "a 10, b 6, c 4: +a +b +c"]
    );
    assert_eq!(rounds.rounds[0].threshold, Votes::whole(3));
    let at_once = format!(r#"{rules}, "cutoff_elimination": true"#);
    let rounds = stv(&at_once, 1, &[("a", 12), ("b", 6), ("c", 1), ("d", 1)]);
    assert_eq!(
        told(&rounds),
        [
            "a 12, b 6, c 1, d 1: -c -d",
            "a 12, b 6, ExhaustedChoices 2: +a +b"
        ]
    );
}

#[test]
fn all_are_elected_where_there_are_more_seats() {
    let rounds = stv("", 6, &[("a", 2), ("b", 1)]);
    assert_eq!(told(&rounds), ["a 2, b 1, c 0, d 0: +a +b +c +d"]);
    let excluded = stv(r#""excluded": ["d"]"#, 6, &[("a", 2), ("b", 1)]);
    assert_eq!(told(&excluded), ["a 2, b 1, c 0: +a +b +c"]);
}

#[test]
fn undeclared_write_ins_take_no_seat() {
    let stv = contest(r#"{"kind": "stv"}"#, 3, "a b UWI");
    let with_votes = told(&rounds(&stv, &[("UWI", 2), ("a", 5), ("b", 1)]));
    assert_eq!(
        with_votes,
        [
            "a 5, b 1, UWI 2: -UWI",
            "a 5, b 1, ExhaustedChoices 2: +a +b"
        ]
    );
    let without = told(&rounds(&stv, &[("a", 5), ("b", 1)]));
    assert_eq!(without, ["a 5, b 1, UWI 0: +a +b"]);
    let three = contest(r#"{"kind": "stv"}"#, 3, "a b c UWI");
    let counted = rounds(&three, &[("a", 4), ("b", 1)]);
    assert_eq!(
        told(&counted)[1],
        "a 2.0000, b 1, c 0, UWI 0, ExhaustedChoices 2.0000: -UWI"
    );
    assert_eq!(counted.winners, ["a", "b", "c"]);
    let bottoms_up = contest(r#"{"kind": "stv", "mode": "bottoms-up"}"#, 2, "a b UWI");
    let counted = rounds(&bottoms_up, &[("a", 5), ("b", 1)]);
    assert_eq!(told(&counted), ["a 5, b 1, UWI 0: -UWI", "a 5, b 1: +a +b"]);
}

#[test]
fn too_many_ballots_are_refused() {
    let contest = contest(r#"{"kind": "irv"}"#, 1, "a b");
    let stopped = rounds(&contest, &[("a", u64::MAX)]).stopped.unwrap();
    assert!(matches!(stopped, Stopped::TooManyBallots { .. }));
}

#[test]
fn a_part_is_counted_in_the_rounds_of_the_whole() {
    let contest = contest(r#"{"kind": "stv"}"#, 2, "a b c d");
    let (one, other) = (
        [("a>b", 5), ("c", 1)],
        [("a>b", 2), ("b", 2), ("c>d", 1), ("", 1)],
    );
    let all: Vec<_> = one.iter().chain(&other).copied().collect();
    let count = contest.method.ranked(&contest).unwrap();
    let whole = rounds(&contest, &all);
    let one = count.rounds_of_part(&profile(&one), &whole);
    let other = count.rounds_of_part(&profile(&other), &whole);
    for ((whole, one), other) in whole.rounds.iter().zip(&one.rounds).zip(&other.rounds) {
        let sum = |of: &dyn Fn(&Round) -> Votes| of(one) + of(other);
        let votes = |round: &Round| round.votes.iter().map(|it| it.votes).sum::<Votes>();
        assert_eq!(sum(&votes), votes(whole) + whole.residual_surplus);
        assert_eq!(sum(&|round| round.inactive.total()), whole.inactive.total());
        assert_eq!(one.threshold, whole.threshold);
    }
}
