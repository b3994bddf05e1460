//! The pages of an election under way, of one that has not begun, and of none; names that would break
//! out of HTML are written as text.

use ::ballot::{Candidate, Reason};

use super::*;
use crate::model::{
    Accounted, CandidateResult, ContestResult, ElectionState, GroupCount, GroupTurnout, Leader,
    LocationResult, PartitionEvidence, PartitionState, Pipeline, RejectedCount, SealedVotes,
    Snapshot, Totals, Turnout,
};
use crate::numbers::Numbers;
use crate::query::{LocationsQuery, refresh_interval};

const NAMES: [(&str, &str); 5] = [
    ("Margaret Campbell", "Management Party"),
    ("Imran Chaudhry", "Savior Party"),
    ("Anwen Griffiths", "Tech Republic Party"),
    ("Tom O'Neill", "Common Ground Party"),
    ("Kavita <b>Shah</b>", "Green & Gold"),
];

fn numbers() -> Numbers {
    Numbers::for_languages(Some("en-GB"))
}

fn leader(snapshot: &[CandidateResult], votes: &[u64]) -> Option<Leader> {
    let mut order: Vec<_> = (0..votes.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(votes[index]));
    let (first, second) = (votes[order[0]], votes[order[1]]);
    (first > 0).then(|| Leader {
        candidate_id: snapshot[order[0]].candidate_id.clone(),
        lead: first - second,
        margin: (first - second) as f64 / votes.iter().sum::<u64>() as f64,
    })
}

/// An election with 23 locations, under way.
fn under_way() -> Snapshot {
    let locations: Vec<(String, Vec<u64>)> = (0..23u64)
        .map(|at| {
            let votes = (0..5).map(|of| (at + 3) * (97 - 13 * of) + at * of * 7);
            (format!("County {at:02}"), votes.collect())
        })
        .collect();
    let sums: Vec<u64> = (0..5)
        .map(|of| locations.iter().map(|(_, votes)| votes[of]).sum())
        .collect();
    let counted: u64 = sums.iter().sum();
    let share = |votes: u64| votes as f64 / counted as f64;
    let candidates: Vec<_> = NAMES
        .iter()
        .zip(&sums)
        .enumerate()
        .map(|(index, ((name, party), &votes))| CandidateResult {
            candidate_id: format!("id-{index}"),
            candidate_name: (*name).into(),
            party_affiliation: (*party).into(),
            photo_url: format!("/portraits/id-{index}.svg"),
            place: index,
            total_votes: votes,
            share: share(votes),
        })
        .collect();
    let group = |name: &str, count: u64| GroupCount {
        group: name.into(),
        count,
        share: share(count),
    };
    Snapshot {
        sequence: 7,
        generated_at: "2026-05-07T21:04:33.120Z".into(),
        election: ElectionState {
            is_set_up: true,
            polls_open: None,
            polls_close: Some("2026-05-07 22:00:00".into()),
        },
        totals: Totals {
            voters: Some(100_000),
            candidates: 5,
            cast: counted + 42,
            counted,
            rejected: 40,
            turnout: Some(counted as f64 / 100_000.0),
            votes_per_second: 204.4,
            votes_per_second_history: vec![180, 220, 204],
        },
        leader: leader(&candidates, &sums),
        contests: vec![ContestResult {
            contest_id: "candidate".into(),
            title: "Candidate".into(),
            method: "plurality".into(),
            seats: 1,
            ballots: counted,
            choices: candidates.clone(),
            ..ContestResult::default()
        }],
        outcomes: Vec::new(),
        place_name: "location".into(),
        locations: locations
            .into_iter()
            .map(|(state, votes)| LocationResult {
                state,
                title: None,
                count: votes.iter().sum(),
                leader: leader(&candidates, &votes),
                votes,
            })
            .collect(),
        candidates,
        turnout: Turnout {
            parties: vec![group("Management Party", 900)],
            genders: vec![group("female", 520), group("male", 480)],
            age_bands: vec![group("18-24", 100), group("65+", 300)],
            groups: vec![
                GroupTurnout {
                    group: "gender".into(),
                    values: vec![group("female", 520), group("male", 480)],
                },
                GroupTurnout {
                    group: "age".into(),
                    values: vec![group("18-24", 100), group("65+", 300)],
                },
            ],
        },
        rejected: Reason::ALL
            .into_iter()
            .map(|reason| RejectedCount { reason, count: 3 })
            .collect(),
        pipeline: Pipeline {
            difference: 0,
            accounted: Accounted::InProgress,
            uncounted: 2,
            unpersisted: 1_200,
            cast_to_counted_ms: Some(38.4),
            last_checkpoint: Some("2026-05-07T21:04:32.000Z".into()),
            partitions: vec![PartitionState {
                partition: 0,
                cast: 12_345,
                counted_to: 12_343,
                checkpointed_to: 12_000,
                persisted_to: 11_145,
                lag: 2,
                module_bytes: 1 << 21,
            }],
            bridge: vec![],
            evidence: vec![PartitionEvidence {
                partition: 0,
                chained_to: 11_145,
                chain_head: Some("ab".repeat(32)),
                voters_chained_to: 12_000,
                voters_chain_head: Some("ef".repeat(32)),
                seal: None,
            }],
            problems: vec![],
        },
    }
}

fn front(snapshot: &Snapshot, query: &str) -> String {
    let refresh = refresh_interval(query).unwrap();
    let query = LocationsQuery::parse(query).unwrap();
    overview(snapshot, &query, refresh, &numbers(), false).unwrap()
}

#[test]
fn the_way_to_the_ballot_is_shown_where_votes_are_taken() {
    let shown = |takes_votes| {
        let query = LocationsQuery::parse("").unwrap();
        overview(&under_way(), &query, None, &numbers(), takes_votes).unwrap()
    };
    assert!(shown(true).contains(r#"<a href="/ballot">"#));
    assert!(!shown(false).contains("/ballot"));
}

/// What a strict Content-Security-Policy would not let through, and what no page may ask for.
fn assert_is_strict(page: &str) {
    for forbidden in [
        " style=",
        "<style",
        " onclick",
        " onload",
        "javascript:",
        "http://",
        "https://",
        "data:",
    ] {
        assert!(!page.contains(forbidden), "{forbidden} in the page");
    }
    for script in page.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/assets/"), "an inline script");
    }
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert_eq!(page.matches("<h1").count(), 1);
}

#[test]
fn the_front_page_is_complete_without_scripts() {
    let snapshot = under_way();
    let page = front(&snapshot, "");
    assert_is_strict(&page);
    let counted = snapshot.totals.counted;
    let counted = format!(
        r#"<data data-figure="counted" value="{counted}">{}</data>"#,
        numbers().whole(counted)
    );
    for figure in [
        counted.as_str(),
        r#"<data data-figure="voters" value="100000">100,000</data>"#,
        r#"<data data-figure="unpersisted" value="1200">1,200</data>"#,
        r#"content="5""#,
        "Cast while polls were closed",
        "2 votes not counted yet",
        r#"aria-sort="descending""#,
        "Page <data id=\"page\" value=\"1\">1</data> of <data id=\"pages\" value=\"3\">3</data>",
    ] {
        assert!(page.contains(figure), "{figure} is not in the page");
    }
    assert_eq!(page.matches("<tr data-location=").count(), 10);
    assert_eq!(page.matches("<tr data-reason=").count(), Reason::ALL.len());
}

/// The numbers after each `name="` in a part of a page.
fn lengths(page: &str, name: &str) -> Vec<f64> {
    let attribute = format!("{name}=\"");
    let parts = page.split(&attribute).skip(1);
    let numbers = parts.map(|part| part.split([' ', '%', '"']).next().unwrap());
    numbers.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn the_charts_are_drawn_without_scripts() {
    let snapshot = under_way();
    let page = front(&snapshot, "");
    let chart = |id: &str| {
        let (_, from) = page.split_once(&format!(r#"id="{id}""#)).unwrap();
        from.split("</section>").next().unwrap()
    };
    let votes: Vec<_> = snapshot
        .candidates
        .iter()
        .map(|at| at.total_votes)
        .collect();
    let widths = lengths(chart("chart-votes"), "<svg width");
    assert_eq!(widths.len(), 5);
    for (width, votes_here) in widths.iter().zip(&votes) {
        let part = *votes_here as f64 / votes[0] as f64;
        assert!((width - part * 100.0).abs() < 0.01, "{width}");
    }
    assert_eq!(lengths(chart("chart-gender"), "<svg width"), [100.0, 92.31]);
    assert!(chart("chart-party").contains(r#"<div class="row k1" data-bar="Management Party""#));
    let slices = lengths(chart("chart-share"), "stroke-dasharray");
    let all: f64 = slices.iter().sum();
    assert!((all + 5.0 * 0.4 - 100.0).abs() < 0.05, "{slices:?}");
    assert!(!chart("chart-share").contains("Others"));
    // From the left to the right, the highest at the top.
    assert!(
        chart("chart-speed").contains(r#"<polyline points="0.00,18.18 50.00,0.00 100.00,7.27""#)
    );
}

#[test]
fn a_chart_has_room_for_twelve_and_the_others() {
    let mut snapshot = under_way();
    for at in 5..20 {
        let mut candidate = snapshot.candidates[at % 5].clone();
        candidate.candidate_id = format!("id-{at}");
        (candidate.total_votes, candidate.share) = (10, 0.01);
        snapshot.candidates.push(candidate);
    }
    let page = front(&snapshot, "");
    assert_eq!(page.matches("data-bar=\"id-").count(), 12);
    assert_eq!(lengths(&page, "stroke-dasharray").len(), 13);
    assert_eq!(page.matches("Others").count(), 2);
    let others: f64 = std::iter::repeat_n(0.01, 8).sum();
    assert!(page.contains(&format!(r#"<data data-figure="others" value="{others}">"#)));
}

#[test]
fn names_are_text() {
    let page = front(&under_way(), "filter=%22%3E%3Cscript%3E");
    assert!(page.contains("Kavita &#60;b&#62;Shah&#60;/b&#62;"));
    assert!(!page.contains("<b>Shah") && !page.contains("\"><script>"));
    assert!(page.contains("No location is called that."));
}

#[test]
fn sorting_and_paging_are_links_that_keep_the_rest() {
    let page = front(
        &under_way(),
        "sort=state&order=asc&page=2&filter=county&refresh=30",
    );
    assert!(page.contains(r#"content="30""#));
    assert!(page.contains("County 10") && !page.contains("County 09"));
    // The next page, and the same column turned round.
    assert!(page.contains(
        "/?sort=state&#38;order=asc&#38;page=3&#38;filter=county&#38;refresh=30#locations"
    ));
    assert!(page.contains("/?filter=county&#38;refresh=30#locations"));
    assert!(
        page.contains("/?sort=state&#38;order=desc&#38;filter=county&#38;refresh=30#locations")
    );
}

#[test]
fn an_election_without_votes_says_so() {
    let mut snapshot = under_way();
    snapshot.leader = None;
    snapshot.locations.clear();
    for candidate in &mut snapshot.candidates {
        (candidate.total_votes, candidate.share) = (0, 0.0);
    }
    snapshot.totals = Totals {
        candidates: 5,
        ..Totals::default()
    };
    let page = front(&snapshot, "");
    assert!(
        page.contains("No vote is counted yet")
            && page.contains("Votes can be cast until 2026-05-07 22:00:00 UTC.")
    );
    assert!(page.contains(r#"<div class="leader" id="leader" data-leads="" hidden>"#));
    assert!(page.contains("no roll of voters"));
    assert!(!page.contains("NaN"));
}

#[test]
fn no_election_says_what_to_type() {
    let page = front(&Snapshot::default(), "");
    assert_is_strict(&page);
    assert!(page.contains("election demo") && page.contains("election producer init"));
    assert!(!page.contains("data-candidate"));
}

#[test]
fn heads_and_roots_are_published() {
    let mut snapshot = under_way();
    let page = front(&snapshot, "");
    assert_is_strict(&page);
    let head = "ab".repeat(32);
    let code = format!(r#"<code data-hash="head" title="{head}">abababababab…</code>"#);
    assert!(page.contains(&code), "{page}");
    let voters_head = "ef".repeat(32);
    let code = format!(r#"<code data-hash="voters" title="{voters_head}">efefefefefef…</code>"#);
    assert!(page.contains(&code), "{page}");
    assert!(page.contains(r#"<code data-hash="root">–</code>"#));
    assert!(page.contains("No vote is sealed yet"));

    snapshot.pipeline.evidence[0].seal = Some(SealedVotes {
        seal: 3,
        sealed_at: "2026-05-07T21:03:00.000Z".into(),
        sealed_to: 11_000,
        votes: 10_900,
        root: "cd".repeat(32),
        ..SealedVotes::default()
    });
    let page = front(&snapshot, "");
    let root = "cd".repeat(32);
    let code = format!(r#"<code data-hash="root" title="{root}">cdcdcdcdcdcd…</code>"#);
    assert!(page.contains(&code), "{page}");
    assert!(page.contains(r#"<data data-figure="sealed" value="10900">10,900</data>"#));
    assert!(page.contains("Seal 3 of") && page.contains("2026-05-07 21:03:00 UTC"));

    // Nothing to show is not shown, but there for the scripts to fill.
    snapshot.pipeline.evidence.clear();
    assert!(front(&snapshot, "").contains(r#"<div id="evidence" hidden>"#));
}

#[test]
fn accounting_is_said_in_words() {
    let mut snapshot = under_way();
    snapshot.pipeline.accounted = Accounted::Agrees;
    assert!(front(&snapshot, "").contains("Every vote accounted for"));
    snapshot.pipeline.accounted = Accounted::Differs;
    snapshot.pipeline.difference = 2;
    assert!(front(&snapshot, "").contains("differ by 2 votes; run election audit to see where"));
}

#[test]
fn a_candidate_has_a_page() {
    let snapshot = under_way();
    let person = Candidate {
        candidate_id: "id-1".into(),
        candidate_name: "Imran Chaudhry".into(),
        party_affiliation: "Savior Party".into(),
        biography: "Imran Chaudhry kept a bookshop.".into(),
        campaign_platform: "Keep village surgeries open.".into(),
        photo_url: String::new(),
    };
    let page = candidate(&snapshot, &person, 1, &numbers()).unwrap();
    assert_is_strict(&page);
    assert!(page.contains("Keep village surgeries open.") && page.contains("kept a bookshop"));
    assert!(page.contains(r#"<data data-figure="rank" value="2">2</data>"#));
    assert!(page.contains("Behind by") && page.contains("/portraits/id-1.svg"));
    assert_eq!(page.matches("<tr data-location=").count(), 23);
}

#[test]
fn a_location_has_a_page() {
    let snapshot = under_way();
    let page = location(&snapshot, &snapshot.locations[3], &numbers()).unwrap();
    assert_is_strict(&page);
    assert!(page.contains("<h1>County 03</h1>") && page.contains("Margaret Campbell"));
    assert_eq!(page.matches("<tr data-candidate=").count(), 5);
}

#[test]
fn an_error_says_what_is_wrong() {
    let page = error(404, "Not found", "There is no page <here>.").unwrap();
    assert_is_strict(&page);
    assert!(page.contains("There is no page &#60;here&#62;."));
}

#[test]
fn several_contests_have_a_table_each() {
    let mut snapshot = under_way();
    assert!(
        !front(&snapshot, "").contains("data-contest"),
        "one is the race"
    );
    let mut second = snapshot.contests[0].clone();
    second.contest_id = "council".into();
    second.title = "City <council>".into();
    second.winners = vec!["id-1".into()];
    snapshot.contests.push(second);
    let page = front(&snapshot, "");
    assert_eq!(page.matches("data-contest=").count(), 2);
    assert!(page.contains("City &#60;council&#62;"), "{page}");
    assert_eq!(page.matches(r#"class="wins""#).count(), 1);
}
