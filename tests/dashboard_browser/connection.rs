//! Live, paused, calm, and lost: what the page does with its connection, and says of it.

use std::time::Duration;

use serde_json::json;

use crate::dashboard_browser::browser::Browser;
use crate::dashboard_browser::{
    demo, running, shown_votes, votes_at, wait_for_votes, wait_until_live,
};
use crate::support::DataDir;
use crate::support::site::Site;

/// Votes that the server counts in a fraction of a second.
const SOME: u64 = 100;

/// Waits until the server has counted more than the page shows.
#[track_caller]
fn wait_until_behind(browser: &Browser, site: &Site) {
    let shown = shown_votes(browser);
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"].as_u64().unwrap() >= shown + SOME
    });
}

#[track_caller]
fn connection(browser: &Browser) -> String {
    browser.text("#connection")
}

#[test]
fn pause_calm_and_refresh_now_keep_their_word() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, "8000", "250");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    browser.open(&site.url);
    wait_until_live(&browser);
    assert_eq!(connection(&browser), "Live");

    // Paused, nothing moves.
    browser.click("#pause");
    assert_eq!(connection(&browser), "Paused");
    assert_eq!(browser.text("#pause"), "Resume");
    // What had come before may still be drawn, in the next frame.
    browser.resolve("new Promise(requestAnimationFrame)", json!([]));
    let votes = shown_votes(&browser);
    let paused = browser.text("main");
    wait_until_behind(&browser, &site);
    assert_eq!(browser.text("main"), paused);
    assert_eq!(shown_votes(&browser), votes);
    // A refresh is given when it is asked for, and only one.
    let there = votes_at(&site);
    browser.click("#refresh-now");
    wait_for_votes(&browser, there);
    assert_eq!(connection(&browser), "Paused");
    let refreshed = shown_votes(&browser);
    wait_until_behind(&browser, &site);
    assert_eq!(shown_votes(&browser), refreshed);
    // Resumed, it catches up, and goes on.
    let there = votes_at(&site);
    browser.click("#pause");
    wait_until_live(&browser);
    wait_for_votes(&browser, there + SOME);
    assert_eq!(browser.text("#pause"), "Pause");

    // Calm: nothing between two refreshes but what is asked for.
    browser.choose("#refresh", "60");
    browser.wait_until("document.body.dataset.connection === 'calm'");
    assert_eq!(connection(&browser), "Every 60 s");
    let calm = shown_votes(&browser);
    wait_until_behind(&browser, &site);
    assert_eq!(shown_votes(&browser), calm);
    let there = votes_at(&site);
    browser.click("#refresh-now");
    wait_for_votes(&browser, there);
    assert_eq!(connection(&browser), "Every 60 s");

    // The shortest calm: the next refresh comes by itself, when it is due.
    browser.choose("#refresh", "5");
    browser.wait_until("document.querySelector('#connection').textContent === 'Every 5 s'");
    assert_eq!(browser.run("return location.search"), "?refresh=5");
    browser.run(
        "window.changes = [];
         new MutationObserver(() => window.changes.push(performance.now()))
             .observe(document.querySelector('.figures [data-figure=\"counted\"]'), { attributes: true });",
    );
    browser.wait_until("window.changes.length >= 2");
    let apart = browser.run("return window.changes[1] - window.changes[0]");
    let apart = apart.as_f64().unwrap();
    assert!((4_500.0..10_000.0).contains(&apart), "{apart} ms apart");

    // The address keeps it.
    browser.reload();
    browser.wait_until("document.body.dataset.connection === 'calm'");
    assert_eq!(connection(&browser), "Every 5 s");
    browser.choose("#refresh", "live");
    wait_until_live(&browser);
    assert_eq!(browser.run("return location.search"), "");
    assert_eq!(browser.console_errors(), [""; 0]);
}

#[test]
fn a_lost_connection_is_told_and_comes_back_by_itself() {
    let Some(browser) = Browser::start() else {
        return;
    };
    const VOTERS: &str = "3000";
    let data = DataDir::new();
    let site = running(&data, VOTERS, "300");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    browser.open(&site.url);
    wait_until_live(&browser);
    let begun = shown_votes(&browser);
    wait_for_votes(&browser, begun + SOME);
    assert_eq!(browser.text("#banner"), "");
    assert_eq!(browser.console_errors(), [""; 0]);

    let port = site.port();
    assert!(site.process.kill_after(Duration::ZERO), "it had ended");
    browser.wait_until("document.body.dataset.connection === 'lost'");
    assert_eq!(connection(&browser), "Connection lost");
    let words = browser.text("#banner");
    for part in ["Connection lost", "Trying again"] {
        assert!(words.contains(part), "{words}");
    }
    let sight = browser.run(
        "const banner = document.querySelector('#banner').getBoundingClientRect();
         return banner.height > 20 && banner.top >= 0 && banner.bottom <= innerHeight;",
    );
    assert_eq!(sight, true, "the banner is out of sight");
    // The last figures stay to be read.
    let last = shown_votes(&browser);
    assert!(last >= begun + SOME, "{last}");

    browser.run("window.stillTheSamePage = true");
    let site = Site::start(&data, &demo(VOTERS, "300"), port);
    wait_until_live(&browser);
    assert_eq!(browser.text("#banner"), "");
    wait_for_votes(&browser, VOTERS.parse().unwrap());
    assert_eq!(shown_votes(&browser), votes_at(&site));
    browser.wait_until("document.querySelector('#accounted').dataset.accounted === 'accounted'");
    assert_eq!(browser.run("return window.stillTheSamePage"), true);

    // The browser itself logs a connection that fails; the page adds nothing to that.
    let errors = browser.console_errors();
    let expected = |error: &String| error.contains("/api/v1/events") && error.contains("net::ERR_");
    assert!(errors.iter().all(expected), "{errors:?}");
    assert!(!errors.is_empty(), "the console is not heard");
}
