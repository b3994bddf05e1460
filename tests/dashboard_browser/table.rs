//! The table of locations: sorted, cut into pages and filtered as the reader asks, and as the API does.

use serde_json::Value;

use crate::dashboard_browser::browser::Browser;
use crate::dashboard_browser::{counted, texts, wait_until_live};
use crate::support::DataDir;
use crate::support::site::Site;

const COLUMNS: [&str; 4] = ["state", "count", "leader", "lead"];

/// Names in the table, from the top.
const ROWS: &str =
    "[...document.querySelectorAll('#location-rows tr')].map((row) => row.dataset.location)";

/// Waits until the table is what the API answers to this query.
#[track_caller]
fn wait_for_rows(browser: &Browser, site: &Site, query: &str) -> Value {
    // Unasked, the API answers with all of them, and the page with ten.
    let size = if query.contains("size=") {
        ""
    } else {
        "&size=10"
    };
    let answer = site.get(&format!("/api/v1/locations?{query}{size}")).json();
    let wanted = answer["locations"].as_array().unwrap().iter();
    let wanted: Vec<&str> = wanted.map(|at| at["state"].as_str().unwrap()).collect();
    let wanted = serde_json::to_string(&wanted).unwrap();
    browser.wait_until(&format!(
        "JSON.stringify({ROWS}) === JSON.stringify({wanted})"
    ));
    let places = ["page", "pages", "matching"].map(|id| {
        let shown = browser.run(&format!(
            "return Number(document.getElementById('{id}').value)"
        ));
        assert_eq!(shown, answer[id], "{id} of {query}");
        shown
    });
    let text = browser.text(".pager p");
    let [page, pages, matching] = places;
    assert!(
        text.starts_with(&format!("Page {page} of {pages}")),
        "{text}"
    );
    assert!(text.contains(&format!("{matching} locations")), "{text}");
    answer
}

/// How a column says that it is sorted.
#[track_caller]
fn sorted(browser: &Browser, column: &str) -> String {
    let head = format!("return document.querySelector('[data-column=\"{column}\"]').ariaSort");
    browser.run(&head).as_str().unwrap().to_owned()
}

#[test]
fn every_column_sorts_both_ways() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    browser.open(&site.url);
    wait_until_live(&browser);
    wait_for_rows(&browser, &site, "");
    assert_eq!(sorted(&browser, "count"), "descending");
    for column in COLUMNS {
        let button = format!("button[data-sort=\"{column}\"]");
        browser.click(&button);
        let first = sorted(&browser, column);
        browser.click(&button);
        let second = sorted(&browser, column);
        let mut both = [first.as_str(), second.as_str()];
        both.sort_unstable();
        assert_eq!(both, ["ascending", "descending"], "{column}");
        for words in [second, first] {
            let order = if words == "ascending" { "asc" } else { "desc" };
            let query = format!("sort={column}&order={order}");
            wait_for_rows(&browser, &site, &query);
            assert_eq!(sorted(&browser, column), words);
            for other in COLUMNS.iter().filter(|other| **other != column) {
                assert_eq!(sorted(&browser, other), "none", "{other}");
            }
            browser.click(&button);
        }
    }
    assert_eq!(browser.console_errors(), [""; 0]);
}

#[test]
fn what_is_asked_of_the_table_is_in_the_address_and_survives_a_reload() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    browser.open(&site.url);
    wait_until_live(&browser);
    let pages = wait_for_rows(&browser, &site, "")["pages"]
        .as_u64()
        .unwrap();
    assert!(pages >= 3, "too few locations to turn pages: {pages}");

    // Pages, there and back, and not past the ends.
    let is_disabled = |page: &str| {
        browser.run(&format!(
            "return document.querySelector('[data-page=\"{page}\"]').disabled"
        ))
    };
    assert_eq!(is_disabled("previous"), true);
    for page in 2..=pages {
        assert_eq!(is_disabled("next"), false);
        browser.click("[data-page=\"next\"]");
        wait_for_rows(&browser, &site, &format!("page={page}"));
    }
    assert_eq!(is_disabled("next"), true);
    browser.click("[data-page=\"previous\"]");
    wait_for_rows(&browser, &site, &format!("page={}", pages - 1));

    // The size begins with the first page.
    for size in ["25", "50", "100", "10"] {
        browser.choose("#size", size);
        wait_for_rows(&browser, &site, &format!("size={size}"));
    }

    // All together, in whichever case the filter is typed.
    browser.choose("#size", "25");
    browser.click("button[data-sort=\"state\"]");
    browser.type_into("#filter", "SHIRE");
    let query = "filter=shire&sort=state&order=asc&size=25";
    let answer = wait_for_rows(&browser, &site, query);
    let rows = browser.run(&format!("return {ROWS}"));
    let named = |name: &&str| name.to_lowercase().contains("shire");
    assert!(texts(&rows).iter().all(named), "{rows}");
    let found = answer["matching"].as_u64().unwrap();
    assert!((1..pages * 10).contains(&found), "{found}");
    let address = browser.run("return location.search");
    let address = address.as_str().unwrap();
    for part in ["filter=SHIRE", "sort=state", "order=asc", "size=25"] {
        assert!(address.contains(part), "{address}");
    }

    browser.reload();
    wait_until_live(&browser);
    wait_for_rows(&browser, &site, query);
    let kept = "[document.querySelector('#filter').value, document.querySelector('#size').value]";
    let kept = browser.run(&format!("return {kept}"));
    assert_eq!(texts(&kept), ["SHIRE", "25"]);
    assert_eq!(sorted(&browser, "state"), "ascending");

    browser.type_into("#filter", " of no place");
    browser.wait_until(&format!("{ROWS}.length === 0"));
    assert_eq!(browser.text("#no-locations"), "No location is called that.");

    // A page that is there no more is the last.
    browser.open(&format!("{}/?page={}", site.url, pages + 5));
    wait_until_live(&browser);
    wait_for_rows(&browser, &site, &format!("page={pages}"));
    assert_eq!(browser.console_errors(), [""; 0]);
}
