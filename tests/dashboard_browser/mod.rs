//! The dashboard in a real browser: a headless Chromium looks at a running election.
//!
//! Where there is no Chromium and chromedriver, the tests say so, and pass.

// Beside what other tests use too, but none of them needs a browser.
mod browser;

mod accessibility;
mod ballot;
mod charts;
mod connection;
mod contest;
mod count;
mod keyboard;
mod layout;
mod network;
mod screenshots;
mod scripts_off;
mod table;
mod theme;

use crate::support::DataDir;
use crate::support::site::Site;
use browser::Browser;
use serde_json::Value;

/// Candidates of the elections here.
const CANDIDATES: &str = "5";

/// An election that has just begun, with so many votes a second: it is to be watched.
fn running(data: &DataDir, voters: &str, rate: &str) -> Site {
    Site::start(data, &demo(voters, rate), 0)
}

fn demo<'a>(voters: &'a str, rate: &'a str) -> [&'a str; 9] {
    [
        "demo",
        "--voters",
        voters,
        "--candidates",
        CANDIDATES,
        "--seed",
        "7",
        "--rate",
        rate,
    ]
}

/// An election whose votes are all counted.
fn counted(data: &DataDir) -> Site {
    let site = running(data, "3000", "0");
    site.wait_until_accounted();
    site
}

/// Waits until the page shows what the server tells.
#[track_caller]
fn wait_until_live(browser: &Browser) {
    browser.wait_until("document.body.dataset.connection === 'live'");
}

/// Waits until the page shows so many counted votes, or more.
#[track_caller]
fn wait_for_votes(browser: &Browser, votes: u64) {
    let expression = format!("Number({COUNTED}?.value) >= {votes}");
    browser.wait_until(&expression);
}

/// The figure of the overview that everybody watches.
const COUNTED: &str = "document.querySelector('.figures [data-figure=\"counted\"]')";

/// How many counted votes the page shows.
#[track_caller]
fn shown_votes(browser: &Browser) -> u64 {
    let shown = browser.run(&format!("return Number({COUNTED}.value)"));
    shown.as_u64().unwrap()
}

/// How many votes the server has counted.
#[track_caller]
fn votes_at(site: &Site) -> u64 {
    crate::support::number(&site.get("/api/v1/results").json()["totals"], "counted")
}

/// The addresses of the pages, each with a name: one of each kind.
fn pages(site: &Site) -> [(&'static str, String); 3] {
    let shown = site.get("/api/v1/results").json();
    let candidate = shown["candidates"][0]["candidate_id"].as_str().unwrap();
    let location = shown["locations"][0]["state"].as_str().unwrap();
    [
        ("overview", format!("{}/", site.url)),
        ("candidate", format!("{}/candidates/{candidate}", site.url)),
        (
            "location",
            format!("{}/locations/{}", site.url, location.replace(' ', "%20")),
        ),
    ]
}

/// The text of each of a JSON list.
#[track_caller]
fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter().map(|text| text.as_str().unwrap()).collect()
}
