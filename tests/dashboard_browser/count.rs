//! The figures of the page: they follow the count, and end as the results.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::dashboard_browser::browser::Browser;
use crate::dashboard_browser::{running, shown_votes, wait_until_live};
use crate::support::site::Site;
use crate::support::{DataDir, number, rejected_total};

const VOTERS: &str = "4000";

/// Reads what people see, not what is kept for programs: the digits of the text.
const READ: &str = "
    const seen = (element) => {
        const digits = element.innerText.replace(/[^0-9]/g, '');
        if (digits !== element.value) throw new Error(`${element.value} is shown as ${element.innerText}`);
        return Number(digits);
    };
    const rows = (css, key, figure = 'votes') => Object.fromEntries([...document.querySelectorAll(css)].map((row) =>
        [row.dataset[key], seen(row.querySelector(`[data-figure=\"${figure}\"]`))]));
    const figure = (name) => seen(document.querySelector(`.figures [data-figure=\"${name}\"]`));
";

#[track_caller]
fn read(browser: &Browser, expression: &str) -> Value {
    browser.run(&format!("{READ} return {expression};"))
}

#[test]
fn the_numbers_rise_while_it_runs_and_end_as_the_results() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, VOTERS, "500");
    // Perhaps before the election is set up; then the page becomes the election's by itself.
    browser.open(&site.url);
    let all = format!(
        "document.querySelectorAll('#candidate-rows tr').length === {}",
        crate::dashboard_browser::CANDIDATES
    );
    browser.wait_until(&all);
    wait_until_live(&browser);
    browser.run("window.stillTheSamePage = true");
    let accounted = "document.querySelector('#accounted')?.dataset.accounted === 'accounted'";
    let mut seen = vec![shown_votes(&browser)];
    while *seen.last().unwrap() < VOTERS.parse().unwrap() {
        let last = *seen.last().unwrap();
        crate::dashboard_browser::wait_for_votes(&browser, last + 1);
        seen.push(shown_votes(&browser));
        assert!(seen.is_sorted(), "votes were taken back: {seen:?}");
    }
    assert!(seen.len() >= 10, "only a few steps: {seen:?}");
    browser.wait_until(accounted);
    assert_eq!(browser.run("return window.stillTheSamePage"), true);

    let totals = read(
        &browser,
        "Object.fromEntries(['voters', 'cast', 'counted', 'rejected', 'candidates'].map((name) => [name, figure(name)]))",
    );
    let candidates = read(&browser, "rows('#candidate-rows tr', 'candidate')");
    let standings = read(&browser, "rows('#standings li', 'candidate')");
    let rejected = read(&browser, "rows('[data-reason]', 'reason')");
    let partitions = read(
        &browser,
        "rows('#partition-rows tr', 'partition', 'counted')",
    );
    let leader = browser.text("#leader-name");
    // By name: by votes, a late update could move a row to a page that was read before.
    browser.click("#locations-table [data-sort=\"state\"]");
    let places = all_locations(&browser);
    let one = pages_of_one(&browser, &site);
    assert_eq!(
        browser.console_errors(),
        [""; 0],
        "the console has errors after a whole count"
    );
    site.process.terminate();
    site.process.wait().succeeds();

    let results = data.results();
    for name in ["voters", "cast", "counted"] {
        assert_eq!(totals[name], results[name], "{name}");
    }
    assert_eq!(number(&totals, "rejected"), rejected_total(&results));
    let listed = by(&results["candidates"], "candidate_id", "total_votes");
    assert_eq!(number(&totals, "candidates"), listed.len() as u64);
    assert_eq!(numbers(&candidates), listed);
    assert_eq!(numbers(&standings), listed);
    assert_eq!(
        numbers(&places),
        by(&results["locations"], "state", "count")
    );
    for (reason, votes) in results["rejected"].as_object().unwrap() {
        assert_eq!(rejected[reason], *votes, "{reason}");
    }
    let through: u64 = numbers(&partitions).values().sum();
    assert_eq!(through, number(&results, "cast"), "over all partitions");
    assert_eq!(leader, results["candidates"][0]["candidate_name"]);
    let (candidate, location, votes) = one;
    let mut cells = results["candidate_locations"].as_array().unwrap().iter();
    let cell = cells.find(|cell| cell["candidate_name"] == candidate && cell["state"] == location);
    assert_eq!(
        [Some(votes.0), Some(votes.1)],
        [cell.and_then(|cell| cell["total_votes"].as_u64()); 2],
        "{candidate} in {location}"
    );
}

/// Votes of every location, over all pages of the table.
fn all_locations(browser: &Browser) -> Value {
    let mut all = json!({});
    for page in 1.. {
        let text = browser.text(".pager p");
        assert!(text.starts_with(&format!("Page {page} of ")), "{text}");
        let rows = read(browser, "rows('#location-rows tr', 'location')");
        all.as_object_mut()
            .unwrap()
            .extend(rows.as_object().unwrap().clone());
        if browser.run("return document.querySelector('[data-page=\"next\"]').disabled") == true {
            assert!(
                text.starts_with(&format!("Page {page} of {page}")),
                "{text}"
            );
            break;
        }
        browser.click("[data-page=\"next\"]");
    }
    all
}

/// Names of a candidate and of a location, and the candidate's votes there: as the candidate's page and as the
/// location's page tell them. Goes there by clicking on the names.
fn pages_of_one(browser: &Browser, site: &Site) -> (String, String, (u64, u64)) {
    browser.click("#leader-name");
    browser.wait_until("document.body.dataset.page === 'candidate'");
    wait_until_live(browser);
    let candidate = browser.run("return document.querySelector('article').dataset.candidatePage");
    let name = browser.text("h1");
    let rows = read(browser, "rows('#place-rows tr', 'location')");
    let votes = figure_of(browser, "votes");
    let listed = numbers(&rows);
    assert_eq!(listed.values().sum::<u64>(), votes, "over all locations");
    let location = browser.text("#place-rows tr:first-child a");
    browser.click("#place-rows tr:first-child a");
    browser.wait_until("document.body.dataset.page === 'location'");
    wait_until_live(browser);
    let here = numbers(&read(browser, "rows('#here-rows tr', 'candidate')"));
    assert_eq!(here.values().sum::<u64>(), figure_of(browser, "votes"));
    let both = (listed[&location], here[candidate.as_str().unwrap()]);
    browser.open(&site.url);
    (name, location, both)
}

#[track_caller]
fn figure_of(browser: &Browser, name: &str) -> u64 {
    read(browser, &format!("figure('{name}')"))
        .as_u64()
        .unwrap()
}

fn by(list: &Value, key: &str, figure: &str) -> BTreeMap<String, u64> {
    let list = list.as_array().unwrap().iter();
    list.map(|at| (at[key].as_str().unwrap().to_owned(), number(at, figure)))
        .collect()
}

fn numbers(object: &Value) -> BTreeMap<String, u64> {
    let all = object.as_object().unwrap().iter();
    all.map(|(key, votes)| (key.clone(), votes.as_u64().unwrap()))
        .collect()
}

#[test]
fn an_election_without_votes_says_what_comes_next() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    data.run(&["producer", "init", "--candidates", "3"])
        .succeeds();
    let site = Site::start(&data, &["dashboard"], 0);
    browser.open(&site.url);
    wait_until_live(&browser);
    browser.wait_until("document.querySelectorAll('#candidate-rows tr').length === 3");
    let words = browser.text("[data-empty=\"no-votes\"]");
    for part in ["No vote is counted yet", "election producer votes"] {
        assert!(words.contains(part), "{words}");
    }
    assert!(browser.text("#no-locations").contains("No vote is counted"));
    assert_eq!(
        browser.run("return document.querySelector('#leader').hidden"),
        true
    );
    let candidates = numbers(&read(&browser, "rows('#candidate-rows tr', 'candidate')"));
    assert_eq!(candidates.into_values().collect::<Vec<_>>(), [0, 0, 0]);
    // Nothing is left of a calculation with nothing.
    let page = browser.text("body");
    for word in ["NaN", "undefined", "null", "Infinity"] {
        assert!(!page.contains(word), "`{word}` in: {page}");
    }
    assert_eq!(browser.console_errors(), [""; 0]);
}
