//! Without JavaScript: the page shows current numbers, and its links and forms do the rest.

use serde_json::{Value, json};

use crate::dashboard_browser::browser::Browser;
use crate::dashboard_browser::{COUNTED, running, shown_votes, texts, votes_at, wait_until_live};
use crate::support::DataDir;

const ROWS: &str =
    "return [...document.querySelectorAll('#location-rows tr')].map((row) => row.dataset.location)";

/// How long each bar and each slice is, and what is written at the bars.
const LENGTHS: &str = "return [...document.querySelectorAll('.row, .ring circle:not(.track)')].map((part) =>
    part.querySelector('.length svg')
        ? `${part.querySelector('.length svg').getAttribute('width')} ${part.textContent} ${part.title} ${part.classList}`
        : `${part.getAttribute('stroke-dasharray')} ${part.getAttribute('stroke-dashoffset')} ${part.classList}`)";

#[test]
fn without_scripts_the_page_is_complete_and_its_links_work() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, "3000", "400");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    let scripts = |run: bool| {
        browser.devtools(
            "Emulation.setScriptExecutionDisabled",
            json!({"value": !run}),
        );
    };
    scripts(false);
    browser.open(&format!("{}/?refresh=5", site.url));
    let run = browser.run("return document.documentElement.classList.contains('js')");
    assert_eq!(run, false, "scripts run");
    // It shows what is counted when it is asked for, and loads itself again when that is due.
    let first = shown_votes(&browser);
    assert!((1..=votes_at(&site)).contains(&first), "{first}");
    browser.wait_until(&format!("Number({COUNTED}?.value) > {first}"));
    let before = votes_at(&site);
    browser.reload();
    assert!(shown_votes(&browser) >= before);

    let end = site.wait_until_accounted();
    browser.open(&site.url);
    assert_eq!(shown_votes(&browser), end["totals"]["counted"]);
    assert!(
        browser
            .text("#accounted")
            .contains("Every vote accounted for")
    );
    // The charts are those that the scripts would draw.
    let drawn = browser.run(LENGTHS);
    assert!(drawn.as_array().unwrap().len() > 15, "{drawn}");
    scripts(true);
    browser.open(&site.url);
    wait_until_live(&browser);
    browser.resolve("new Promise(requestAnimationFrame)", json!([]));
    assert_eq!(browser.run(LENGTHS), drawn);
    scripts(false);
    browser.open(&site.url);
    // What only scripts can do is not offered; the figures behind the charts are all there.
    for gone in ["#pause", "#theme", ".as-table"] {
        let seen = format!("return document.querySelector('{gone}').checkVisibility()");
        assert_eq!(browser.run(&seen), false, "{gone}");
    }
    for group in ["gender", "age", "party"] {
        assert!(
            browser.text(&format!("#table-{group}")).contains('%'),
            "{group}"
        );
    }
    // "Connecting", of a page that never will, would be a lie.
    let status = browser.text(".status");
    assert!(
        !status.contains("Connecting") && !status.contains("Live"),
        "{status}"
    );

    let rows = |query: &str| {
        // Unasked, the API answers with all of them, and the page with ten.
        let size = if query.contains("size=") {
            ""
        } else {
            "&size=10"
        };
        let answer = site.get(&format!("/api/v1/locations?{query}{size}")).json();
        let rows = answer["locations"].as_array().unwrap().iter();
        Value::from_iter(rows.map(|at| at["state"].clone()))
    };
    for (column, order) in [
        ("state", "asc"),
        ("state", "desc"),
        ("lead", "desc"),
        ("lead", "asc"),
    ] {
        browser.click(&format!("a[data-sort=\"{column}\"]"));
        let query = format!("sort={column}&order={order}");
        wait_for_address(&browser, &format!("location.search.includes('{query}')"));
        assert_eq!(browser.run(ROWS), rows(&query), "{query}");
    }
    browser.click("a[data-page=\"next\"]");
    wait_for_address(&browser, "location.search.includes('page=2')");
    assert_eq!(browser.run(ROWS), rows("sort=lead&order=asc&page=2"));
    assert!(browser.text(".pager p").starts_with("Page 2 of "));
    browser.click("a[data-page=\"previous\"]");
    wait_for_address(&browser, "!location.search.includes('page=2')");
    assert_eq!(browser.run(ROWS), rows("sort=lead&order=asc"));
    // The form keeps the order.
    browser.choose("#size", "25");
    browser.type_into("#filter", "shire");
    browser.click("#locations-form button");
    wait_for_address(&browser, "location.search.includes('filter=shire')");
    let found = browser.run(ROWS);
    assert_eq!(found, rows("sort=lead&order=asc&size=25&filter=shire"));
    assert!(!texts(&found).is_empty());
    // From place to candidate, by links.
    let place = browser.text("#location-rows a");
    browser.click("#location-rows a");
    wait_for_address(&browser, "location.pathname.startsWith('/locations/')");
    assert_eq!(browser.text("h1"), place);
    let candidate = browser.text("#here-rows a");
    browser.click("#here-rows a");
    wait_for_address(&browser, "location.pathname.startsWith('/candidates/')");
    assert_eq!(browser.text("h1"), candidate);
}

/// Waits for the page that a click leads to: it is asked for some time after the click.
fn wait_for_address(browser: &Browser, condition: &str) {
    browser.wait_until(&format!(
        "{condition} && document.readyState === 'complete'"
    ));
}
