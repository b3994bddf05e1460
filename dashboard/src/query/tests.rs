//! Queries as readers and programs write them, and the pages they give.

use super::*;
use crate::model::{CandidateResult, Leader, LocationResult};

fn candidate(id: &str, name: &str) -> CandidateResult {
    CandidateResult {
        candidate_id: id.into(),
        candidate_name: name.into(),
        party_affiliation: String::new(),
        photo_url: String::new(),
        total_votes: 0,
        share: 0.0,
        place: 0,
    }
}

fn location(state: &str, count: u64, leader: Option<(&str, u64)>) -> LocationResult {
    LocationResult {
        state: state.into(),
        title: None,
        count,
        leader: leader.map(|(id, lead)| Leader {
            candidate_id: id.into(),
            lead,
            margin: 0.0,
        }),
        votes: vec![],
    }
}

fn states(query: &str) -> Vec<String> {
    let candidates = [candidate("1", "Zoe"), candidate("2", "adam")];
    let locations = [
        location("Kent", 10, Some(("1", 4))),
        location("Essex", 30, Some(("2", 1))),
        location("devon", 10, Some(("1", 9))),
        location("Bute", 0, None),
    ];
    let query = LocationsQuery::parse(query).unwrap();
    let page = query.apply(&locations, &candidates);
    page.rows.iter().map(|row| row.state.clone()).collect()
}

#[test]
fn locations_are_sorted_and_ties_stand_by_name() {
    assert_eq!(states(""), ["Essex", "devon", "Kent", "Bute"]);
    assert_eq!(
        states("sort=count&order=asc"),
        ["Bute", "devon", "Kent", "Essex"]
    );
    assert_eq!(
        states("sort=state&order=asc"),
        ["Bute", "devon", "Essex", "Kent"]
    );
    assert_eq!(
        states("sort=state&order=desc"),
        ["Kent", "Essex", "devon", "Bute"]
    );
    assert_eq!(
        states("sort=lead&order=desc"),
        ["devon", "Kent", "Essex", "Bute"]
    );
    // Without a leader: last, either way.
    assert_eq!(
        states("sort=leader&order=asc"),
        ["Essex", "devon", "Kent", "Bute"]
    );
    assert_eq!(
        states("sort=leader&order=desc"),
        ["devon", "Kent", "Essex", "Bute"]
    );
}

#[test]
fn the_filter_takes_any_case_and_any_part() {
    assert_eq!(states("filter=E"), ["Essex", "devon", "Kent", "Bute"]);
    assert_eq!(states("filter=+DEV+"), ["devon"]);
    assert!(states("filter=%00%ff").is_empty());
}

#[test]
fn a_page_beyond_the_last_is_the_last() {
    let locations: Vec<_> = (0..23)
        .map(|n| location(&format!("L{n:02}"), 1, None))
        .collect();
    let page = |query| LocationsQuery::parse(query).unwrap().apply(&locations, &[]);
    let last = page("page=99");
    assert_eq!((last.page, last.pages, last.matching), (3, 3, 23));
    assert_eq!(last.rows.len(), 3);
    let first = page("size=25");
    assert_eq!((first.page, first.pages, first.rows.len()), (1, 1, 23));
    let none = page("filter=nowhere");
    assert_eq!((none.page, none.pages, none.matching), (1, 1, 0));
}

#[test]
fn what_is_written_is_read_again() {
    for query in [
        "",
        "sort=state&order=asc&page=3&size=100&filter=a%26b+%C3%A9",
        "sort=lead&order=asc",
        "sort=count&order=asc&page=2",
    ] {
        let parsed = LocationsQuery::parse(query).unwrap();
        assert_eq!(parsed.to_query_string(None), query);
    }
    let parsed = LocationsQuery::parse("page=2").unwrap();
    assert_eq!(parsed.to_query_string(Some(15)), "page=2&refresh=15");
}

#[test]
fn sorting_again_turns_the_order_round_and_starts_at_page_one() {
    let query = LocationsQuery::parse("page=4&filter=x").unwrap();
    let by_name = query.sorted_by(LocationSort::State);
    assert_eq!(
        by_name.to_query_string(None),
        "sort=state&order=asc&filter=x"
    );
    let back = by_name.sorted_by(LocationSort::State);
    assert_eq!(back.order, Order::Descending);
}

#[test]
fn bad_values_are_named_with_what_is_allowed() {
    for (query, message) in [
        (
            "sort=votes",
            "sort=votes cannot be used: it must be state, count, leader or lead",
        ),
        (
            "order=up",
            "order=up cannot be used: it must be asc or desc",
        ),
        (
            "page=0",
            "page=0 cannot be used: it must be a number from 1",
        ),
        (
            "page=99999999999999999999999",
            "page=99999999999999999999999 cannot be used: it must be a number from 1",
        ),
        (
            "size=11",
            "size=11 cannot be used: it must be 10, 25, 50 or 100",
        ),
    ] {
        let error = LocationsQuery::parse(query).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let long = format!("filter={}", "ä".repeat(101));
    let error = LocationsQuery::parse(&long).unwrap_err();
    assert_eq!(error.given.chars().count(), MAX_REPEATED_CHARACTERS + 1);
    assert!(LocationsQuery::parse(&format!("filter={}", "ä".repeat(100))).is_ok());
}

#[test]
fn other_parameters_are_left_to_others() {
    let query = "utm=1&refresh=15&format=csv&&=&page=2";
    assert_eq!(LocationsQuery::parse(query).unwrap().page, 2);
    assert_eq!(refresh_interval(query), Ok(Some(15)));
    assert_eq!(format(query), Ok(Format::Csv));
    assert_eq!(refresh_interval(""), Ok(None));
    assert_eq!(refresh_interval("refresh=live"), Ok(None));
    assert_eq!(format("format=json"), Ok(Format::Json));
    assert_eq!(
        refresh_interval("refresh=7").unwrap_err().parameter,
        "refresh"
    );
    assert_eq!(format("format=xml").unwrap_err().allowed, "json or csv");
}
