//! The page of a contest, from the ballots on: what a ranked count shows while ballots arrive, and at its end.

use ::ballot::{ElectionDefinition, PollsWindow, Tally};
use chrono::Utc;

use super::*;
use crate::board::Board;

/// A ranked contest, and one by duels, in two precincts of 9 and 4 ballots.
fn page_of(contest_id: &str, ballots: &[(&str, &str, u64)]) -> String {
    let definition = ElectionDefinition::from_json(
        r#"{
            "election": {"id": "e", "title": "E"},
            "precinct": [{"id": "p1", "title": "First", "ballots": 9}, {"id": "p2", "title": "Second", "ballots": 4}],
            "contest": [
                {"id": "mayor", "title": "Mayor", "method": {"kind": "irv"}, "candidates":
                    [{"id": "a", "name": "Ann <i>"}, {"id": "b", "name": "Bob"}, {"id": "c", "name": "Cy"}]},
                {"id": "clerk", "title": "Clerk", "method": {"kind": "schulze"}, "candidates":
                    [{"id": "x", "name": "Xia"}, {"id": "y", "name": "Yan"}]}
            ]
        }"#,
    );
    let mut board = Board::default();
    board.set_election(PollsWindow::default(), definition.unwrap(), 1);
    let mut tally = Tally::default();
    for &(precinct, ranking, votes) in ballots {
        let at = ("precinct", precinct);
        tally.add_turnout(at.0, at.1, votes);
        tally.add_selection("mayor", at, ranking, votes);
        tally.add_selection("clerk", at, "y>x", votes);
    }
    board.apply_stored(&tally);
    let snapshot = board.snapshot(Utc::now());
    let (result, outcome) = snapshot.contest(contest_id).unwrap();
    let n = Numbers::for_languages(Some("en-GB"));
    contest(&snapshot, result, outcome, &n).unwrap()
}

fn assert_has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is not in {page}");
    }
}

#[test]
fn rounds_are_shown_while_ballots_arrive() {
    let page = page_of(
        "mayor",
        &[("p1", "a", 4), ("p1", "b>a", 3), ("p1", "c>b", 2)],
    );
    assert_has(
        &page,
        &[
            "Unofficial: ballots are still to come",
            r#"<data data-figure="reporting" value="1">1</data> <span class="sub">of 2</span>"#,
            r#"<data data-figure="remaining" value="4">4</data>"#,
            r#"<td class="number eliminated">2<span class="fate">eliminated</span></td>"#,
            r#"<span class="change">+2</span>"#,
            "Cy is eliminated",
            "Votes go: 2 to Bob.",
            r#"<path class="band k3""#,
            "2 from Cy to Bob",
            r#"<span class="seat">ahead</span>"#,
            "Ann &#60;i&#62;",
        ],
    );
    assert!(!page.contains("Mathematically decided") && !page.contains("<i>"));
}

#[test]
fn a_contest_is_decided_when_the_rest_cannot_change_it() {
    let page = page_of("mayor", &[("p1", "a", 8), ("p1", "b", 1)]);
    assert_has(
        &page,
        &[
            "Mathematically decided",
            "Unofficial",
            r#"<span class="seat">elected</span>"#,
        ],
    );
    let page = page_of("mayor", &[("p1", "a", 8), ("p1", "b", 1), ("p2", "b", 4)]);
    assert_has(&page, &["All precincts have reported"]);
    assert!(!page.contains("Unofficial") && !page.contains("Mathematically"));
}

#[test]
fn a_tie_that_people_decide_names_the_tied() {
    let page = page_of("mayor", &[("p1", "a", 4), ("p1", "b", 2), ("p1", "c", 2)]);
    assert_has(
        &page,
        &["The count stops: in round 1 Bob and Cy are tied, and people decide who is eliminated."],
    );
}

#[test]
fn duels_are_a_table() {
    let page = page_of("clerk", &[("p1", "a", 3)]);
    assert_has(
        &page,
        &[
            "Duels",
            r#"<th scope="row">Yan</th><td class="number">–</td><td class="number elected">3</td>"#,
        ],
    );
    assert!(!page.contains("Round by round"));
}

#[test]
fn nothing_is_decided_before_the_first_ballot() {
    let page = page_of("mayor", &[]);
    assert_has(&page, &["No ballot is counted yet"]);
    assert!(!page.contains("NaN") && !page.contains("class=\"flows\""));
}
