//! The page of a ranked contest in a browser: the rounds follow a real election while its ballots stream in, and end as
//! its officials counted them.

use serde_json::Value;
use testing::rctab_data;

use crate::dashboard_browser::accessibility::{axe, violations};
use crate::dashboard_browser::browser::Browser;
use crate::support::DataDir;
use crate::support::site::Site;

/// Votes a second: the count takes long enough to be watched.
const RATE: &str = "4000";
/// Ballots of the mayor's election of 2013.
const BALLOTS: u64 = 80_101;

/// What the table of rounds says: each row's name, and what it has in each round.
const TABLE: &str = "
    const table = document.querySelector('table.rounds');
    return [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => (cell.firstChild?.textContent ?? '').trim()));
";

fn ballots(browser: &Browser) -> u64 {
    let value = browser.run("return document.querySelector('[data-figure=ballots]').value");
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn the_rounds_of_minneapolis_2013_are_followed_to_the_official_winner() {
    let (Some(data), Some(browser)) = (rctab_data(), Browser::start()) else {
        return;
    };
    let mayor = data.join("2013_minneapolis_mayor");
    let config = mayor.join("2013_minneapolis_mayor_config.json");
    let directory = DataDir::new();
    let demo = ["demo", "--cvr", config.to_str().unwrap(), "--rate", RATE];
    let site = Site::start(&directory, &demo, 0);
    site.wait_until("/api/v1/results", |results| {
        results["contests"][0]["rounds"].as_u64() > Some(1)
    });

    browser.open(&format!("{}/contests/contest", site.url));
    browser.wait_until("document.querySelectorAll('svg.flows path').length > 0");
    assert!(browser.text(".badges").contains("Unofficial"));
    browser.run("window.stillTheSamePage = true");
    let audit = |when: &str| {
        if let Some(axe) = axe() {
            let found = violations(&browser, &axe);
            assert!(found.is_empty(), "{when}: {found:#?}");
        }
    };
    audit("while it is counted");
    let mut seen = vec![ballots(&browser)];
    while *seen.last().unwrap() < BALLOTS {
        let last = seen.last().unwrap();
        browser.wait_until(&format!(
            "Number(document.querySelector('[data-figure=ballots]').value) > {last}"
        ));
        seen.push(ballots(&browser));
        // Figures, rounds and diagram are of one moment.
        let (rows, of) = one_moment(&browser);
        assert_eq!(rows, of, "the first round's votes, and the ballots");
    }
    assert!(seen.len() >= 3 && seen.is_sorted(), "{seen:?}");
    browser.wait_until("document.querySelector('.badges').textContent.includes('All precincts')");
    assert_eq!(browser.run("return window.stillTheSamePage"), true);
    assert!(browser.text("#winners").contains("BETSY HODGES"));
    assert!(browser.text("#winners").contains("elected"));
    assert_eq!(browser.text("[data-figure=reporting]"), "117");
    audit("at the end");
    assert_eq!(browser.console_errors(), Vec::<String>::new());

    let expected = mayor.join("2013_minneapolis_mayor_expected_detailed_report.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    let expected = expected["results"].as_array().unwrap();
    let table = browser.run(TABLE);
    let rows = table.as_array().unwrap();
    for (round, expected) in expected.iter().enumerate() {
        for (name, votes) in expected["tally"].as_object().unwrap() {
            let row = rows.iter().find(|row| row[0] == *name);
            let shown = row.unwrap()[round + 1].as_str().unwrap().replace(',', "");
            assert_eq!(
                shown,
                votes.as_str().unwrap(),
                "{name} in round {}",
                round + 1
            );
        }
    }
    assert_eq!(rows[0].as_array().unwrap().len(), expected.len() + 1);
    site.process.terminate();
    site.process.wait();
}

/// All votes and inactive ballots of the first round, and the ballots counted.
fn one_moment(browser: &Browser) -> (u64, u64) {
    let read = "
        const rows = [...document.querySelector('table.rounds').tBodies[0].rows].filter((row) => !row.matches('.threshold'));
        const sum = rows.reduce((sum, row) => sum + Number(row.cells[1].firstChild.textContent.replace(/[^0-9]/g, '')), 0);
        return [sum, Number(document.querySelector('[data-figure=ballots]').value)];
    ";
    let figures = browser.run(read);
    (figures[0].as_u64().unwrap(), figures[1].as_u64().unwrap())
}
