//! The ballot page in a browser without JavaScript: what it sends is taken for our own page's, and nothing
//! keeps anybody from using it.

use evidence::ElectionKey;
use serde_json::json;

use crate::dashboard_browser::accessibility::{axe, violations};
use crate::dashboard_browser::browser::Browser;
use crate::support::DataDir;
use crate::support::site::Site;

#[test]
fn a_vote_is_cast_at_the_page_without_scripts() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    // Everybody leaves the vote to the page.
    let options = [
        "demo",
        "--require-credentials",
        "--accept-votes",
        "--voters",
        "20",
        "--abstain",
        "1",
    ];
    let mut site = Site::start(&data, &options, 0);
    site.process.wait_for_stderr("The election stays up");
    let key = std::fs::read_to_string(data.path().join("election.key")).unwrap();
    let key = ElectionKey::parse(&key).unwrap().credentials();
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
