//! The ballot as a voter fills it in: what the form asks for, what it becomes, and what the review warns of.

use serde_json::json;

use super::*;

fn definition() -> ElectionDefinition {
    let candidates = |ids: &str| {
        let ids = ids.split(' ');
        let candidates: Vec<Value> = ids
            .map(|id| json!({"id": id, "name": format!("Name {id}")}))
            .collect();
        json!(candidates)
    };
    let definition = json!({
        "election": {"id": "e", "title": "City election"},
        "precinct": [{"id": "p1", "title": "First"}],
        "district": [{"id": "west", "title": "West", "precincts": ["p1"]}],
        "contest": [
            {"id": "mayor", "title": "Mayor", "method": {"kind": "irv"}, "candidates": candidates("a b c UWI")},
            {"id": "council", "title": "Council", "method": {"kind": "vote-for"}, "seats": 2,
             "candidates": candidates("d e f")},
            {"id": "fund", "title": "Fund", "method": {"kind": "score", "highest": 5},
             "candidates": candidates("g h"), "districts": ["west"]},
        ],
    });
    ElectionDefinition::from_json(&definition.to_string()).unwrap()
}

fn form(fields: &[(&str, &str)]) -> BallotForm {
    let mut form = BallotForm::default();
    for &(name, value) in fields {
        form.marks
            .entry(name.into())
            .or_default()
            .push(value.into());
    }
    form
}

fn reviewed(fields: &[(&str, &str)]) -> String {
    ballot_review(&definition(), "token", &form(fields)).unwrap()
}

#[test]
fn each_contest_asks_for_what_its_method_takes() {
    let page = ballot(
        Some(&definition()),
        "token",
        &form(&[("rank/mayor/2", "b")]),
    )
    .unwrap();
    for text in [
        r#"<select name="rank/mayor/4">"#,
        r#"<option value="b" selected>"#,
        r#"name="write-in/mayor""#,
        r#"<input type="checkbox" name="marks/council" value="e">"#,
        "Mark up to 2.",
        r#"name="points/fund/h" min="0" max="5""#,
        "Only for voters of West.",
        "Review your ballot",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    assert!(!page.contains(r#"name="credential""#));
}

#[test]
fn a_form_becomes_the_choices_of_a_vote() {
    let form = form(&[
        ("rank/mayor/1", "c"),
        ("rank/mayor/2", ""),
        ("rank/mayor/3", "UWI"),
        ("write-in/mayor", " Ann Other "),
        ("marks/council", "f"),
        ("marks/council", "d"),
        ("points/fund/g", "4"),
        ("points/fund/h", ""),
        ("rank/elsewhere/1", "x"),
    ]);
    let (answers, write_ins) = answers(&definition(), &form);
    let expected = json!({"mayor": ["c", null, "UWI"], "council": ["f", "d"], "fund": {"g": 4}});
    assert_eq!(Value::Object(answers), expected);
    assert_eq!(Value::Object(write_ins), json!({"mayor": "Ann Other"}));
}

#[test]
fn the_review_warns_before_anything_is_cast() {
    let page = reviewed(&[
        ("rank/mayor/1", "c"),
        ("rank/mayor/3", "c"),
        ("marks/council", "d"),
        ("marks/council", "e"),
        ("marks/council", "f"),
        ("points/fund/g", "9"),
    ]);
    for text in [
        "You have skipped rank 2.",
        "You have ranked Name c again at 3. Only the first rank counts.",
        "You have marked 3, and at most 2 may be. None of them will count.",
        "This cannot be cast",
        r#"<input type="hidden" name="rank/mayor/3" value="c">"#,
        r#"name="credential""#,
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    let page = reviewed(&[("marks/council", "d"), ("rank/mayor/1", "UWI")]);
    for text in [
        "You may mark 1 more.",
        "You have marked a write-in without a name.",
        "That is right unless you vote in West.",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    let page = reviewed(&[
        ("rank/mayor/1", "a"),
        ("marks/council", "d"),
        ("marks/council", "e"),
        ("points/fund/g", "5"),
    ]);
    assert!(!page.contains(r#"class="warning""#), "{page}");
    assert!(page.contains("Name g: 5 points"));
}

#[test]
fn what_is_sent_is_text() {
    let page = reviewed(&[("rank/mayor/1", "\"><script>"), ("x\"><b>", "<i>")]);
    assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<i>"));
    assert!(page.contains("This cannot be cast"));
}

#[test]
fn a_repetition_that_ends_a_ballot_is_told() {
    let mut definition = definition().to_json();
    definition = definition.replace(
        r#"{"kind":"irv""#,
        r#"{"kind":"irv","exhaust_on_repeated":true"#,
    );
    let definition = ElectionDefinition::from_json(&definition).unwrap();
    let form = form(&[("rank/mayor/1", "c"), ("rank/mayor/2", "c")]);
    let page = ballot_review(&definition, "token", &form).unwrap();
    assert!(
        page.contains("You have ranked Name c again at 2. Your ballot ends there."),
        "{page}"
    );
}
