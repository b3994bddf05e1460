//! The ballot page in a browser without JavaScript: what it sends is taken for our own page's, and nothing
//! keeps anybody from using it.

use ballot::CredentialKey;
use evidence::ElectionKey;
use serde_json::json;

use crate::dashboard_browser::accessibility::{axe, violations};
use crate::dashboard_browser::browser::Browser;
use crate::support::DataDir;
use crate::support::site::Site;

/// An election in which everybody leaves the vote to the page, and the key of its credentials.
fn open_polls(data: &DataDir, more: &[&str]) -> (Site, CredentialKey) {
    let options = [
        "demo",
        "--require-credentials",
        "--accept-votes",
        "--voters",
        "20",
        "--abstain",
        "1",
    ];
    let mut site = Site::start(data, &[&options, more].concat(), 0);
    site.process.wait_for_stderr("The election stays up");
    let key = std::fs::read_to_string(data.path().join("election.key")).unwrap();
    (site, ElectionKey::parse(&key).unwrap().credentials())
}

#[test]
fn a_vote_is_cast_at_the_page_without_scripts() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let (site, key) = open_polls(&data, &[]);
    let voter = producer::voter_id(42, 3);
    let ballot = format!("{}/ballot", site.url);

    browser.open(&ballot);
    if let Some(axe) = axe() {
        let found = violations(&browser, &axe);
        assert!(found.is_empty(), "{found:#?}");
    }
    browser.devtools(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    let fill = |credential: &str| {
        browser.click("[name=candidate_id]");
        browser
            .run("for (const field of document.querySelectorAll('[type=text]')) field.value = ''");
        browser.type_into("[name=voter_id]", &voter);
        browser.type_into("[name=credential]", credential);
        browser.click(".ballot button");
    };
    // The form is sent some time after the click.
    let wait_for = |css: &str| {
        browser.wait_until(&format!("document.querySelector('{css}') !== null"));
    };
    browser.open(&ballot);
    fill(&key.credential("somebody else"));
    wait_for("[role=alert]");
    assert!(
        browser
            .text("[role=alert]")
            .contains("do not belong together")
    );
    // As it may be written by hand.
    let credential = key.credential(&voter).to_uppercase();
    let (first, rest) = credential.split_at(16);
    fill(&format!("{first} {rest}"));
    wait_for(".receipt-number");
    assert_eq!(browser.text("h1"), "Your vote is cast");
    assert_eq!(browser.text(".receipt-number"), key.receipt_number(&voter));
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] == 1
    });
    browser.open(&ballot);
    fill(&credential);
    wait_for("[role=alert]");
    assert!(browser.text("[role=alert]").contains("already"));
}

/// Three contests: one is ranked, in one several are marked, in one points are given.
const ELECTION: &str = r#"
election = { id = "e", title = "City election" }
[[precinct]]
id = "p1"
title = "First"
[[contest]]
id = "mayor"
title = "Mayor"
method = { kind = "irv", tiebreak = "candidate-order" }
candidates = [{ id = "a", name = "Ann" }, { id = "b", name = "Bob" }, { id = "UWI", name = "Write-in" }]
[[contest]]
id = "council"
title = "Council"
method = { kind = "vote-for" }
seats = 2
candidates = [{ id = "c", name = "Cy" }, { id = "d", name = "Dee" }, { id = "f", name = "Flo" }]
[[contest]]
id = "fund"
title = "Fund"
method = { kind = "score", highest = 5 }
candidates = [{ id = "pool", name = "Pool" }, { id = "park", name = "Park" }]
"#;

#[test]
fn a_ballot_of_three_contests_is_ranked_reviewed_and_cast_by_keyboard() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let definition = data.file("election.toml", ELECTION);
    let (site, key) = open_polls(&data, &["--definition", definition.to_str().unwrap()]);
    let voter = producer::voter_id(42, 3);
    let passes_axe = || {
        if let Some(axe) = axe() {
            let found = violations(&browser, &axe);
            assert!(found.is_empty(), "{found:#?}");
        }
    };

    browser.open(&format!("{}/ballot", site.url));
    passes_axe();
    // A letter chooses in a list.
    browser.type_into("[name='rank/mayor/1']", "B");
    browser.type_into("[name='rank/mayor/3']", "A");
    for id in ["c", "d", "f"] {
        browser.click(&format!("[name='marks/council'][value={id}]"));
    }
    browser.type_into("[name='points/fund/pool']", "4");
    browser.click("[name=step][value=review]");
    browser.wait_until("document.querySelector('.marked') !== null");
    passes_axe();
    let review = browser.text("main");
    for text in [
        "1. Bob",
        "You have skipped rank 2.",
        "at most 2 may be. None of them will count.",
        "Pool: 4 points",
        "Nothing is cast yet.",
    ] {
        assert!(review.contains(text), "{text} is not in {review}");
    }
    browser.click("[name=step][value=change]");
    browser.wait_until("document.querySelector('[name=\"marks/council\"]') !== null");
    let kept = browser.run("return document.querySelector('[name=\"rank/mayor/1\"]').value");
    assert_eq!(kept, "b");
    browser.click("[name='marks/council'][value=f]");
    browser.click("[name=step][value=review]");
    browser.wait_until("document.querySelector('.marked') !== null");
    assert!(!browser.text("main").contains("None of them will count"));
    browser.type_into("[name=voter_id]", &voter);
    browser.type_into("[name=credential]", &key.credential(&voter));
    browser.click("[name=step][value=cast]");
    browser.wait_until("document.querySelector('.receipt-number') !== null");
    assert_eq!(browser.text(".receipt-number"), key.receipt_number(&voter));
    let results = site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] == 1
    });
    let contests = results["contests"].as_array().unwrap();
    let winners: Vec<_> = contests.iter().map(|it| &it["winners"]).collect();
    assert_eq!(json!(winners), json!([["b"], ["c", "d"], ["pool"]]));
}
