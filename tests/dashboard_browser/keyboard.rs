//! The page without a mouse: everything is reached, in order, and it is seen where one is.

use serde_json::Value;

use crate::dashboard_browser::browser::{Browser, ENTER, TAB};
use crate::dashboard_browser::{counted, texts, wait_until_live};
use crate::support::DataDir;

/// More than anybody would press; where the focus has not come round by then, it is caught.
const MANY: usize = 200;

/// What has the focus: a name, and whether it can be seen that it has.
const FOCUS: &str = "
    const element = document.activeElement;
    if (element === document.body) return null;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return {
        name: element.id || element.dataset.sort || element.dataset.page || element.className || element.textContent.trim(),
        outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        in_sight: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
            && box.right > 0 && box.left < innerWidth,
    };";

/// Presses Tab until it comes round, and returns what had the focus.
#[track_caller]
fn all_stops(browser: &Browser) -> Vec<Value> {
    let mut stops = Vec::new();
    for _ in 0..MANY {
        browser.press(TAB);
        let stop = browser.run(FOCUS);
        if stop.is_null() || stops.first() == Some(&stop) {
            return stops;
        }
        stops.push(stop);
    }
    panic!("the focus does not come round: {stops:?}");
}

#[test]
fn everything_is_reached_in_order_and_seen() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    for (name, url) in crate::dashboard_browser::pages(&site) {
        browser.open(&url);
        wait_until_live(&browser);
        let stops = all_stops(&browser);
        for stop in &stops {
            assert_eq!(stop["outlined"], true, "{name}: {stop}");
            assert_eq!(stop["in_sight"], true, "{name}: {stop}");
        }
        let names: Vec<&str> = stops
            .iter()
            .map(|stop| stop["name"].as_str().unwrap())
            .collect();
        assert_eq!(names[0], "skip", "{name}");
        let mut controls = vec!["refresh", "refresh-now", "pause", "theme"];
        if name == "overview" {
            controls.extend([
                "leader-name",
                "filter",
                "size",
                "state",
                "count",
                "leader",
                "lead",
            ]);
        }
        let places = controls.iter().map(|control| {
            let place = names.iter().position(|name| name == control);
            place.unwrap_or_else(|| panic!("{control} is not reached: {names:?}"))
        });
        assert!(places.is_sorted(), "{name}: {names:?}");
    }
}

#[test]
fn keys_do_what_clicks_do() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    browser.open(&site.url);
    wait_until_live(&browser);

    browser.press(TAB);
    browser.press(ENTER);
    assert_eq!(browser.run("return document.activeElement.id"), "main");
    browser.press(TAB);
    let inside = "return document.querySelector('main').contains(document.activeElement)";
    assert_eq!(browser.run(inside), true, "the skip link skips nothing");

    // Sorting keeps the focus where it is, so that one more Enter turns the order.
    for _ in 0..MANY {
        if browser.run("return document.activeElement.dataset.sort ?? ''") == "state" {
            break;
        }
        browser.press(TAB);
    }
    let names = "return [...document.querySelectorAll('#location-rows tr')].map((row) => row.dataset.location)";
    let sort = "document.querySelector('[data-column=\"state\"]').ariaSort";
    browser.press(ENTER);
    browser.wait_until(&format!("{sort} === 'ascending'"));
    let rows = browser.run(names);
    assert!(texts(&rows).is_sorted(), "{rows}");
    browser.press(ENTER);
    browser.wait_until(&format!("{sort} === 'descending'"));
    let rows = browser.run(names);
    assert!(texts(&rows).is_sorted_by(|a, b| a >= b), "{rows}");
    assert_eq!(
        browser.run("return document.activeElement.dataset.sort"),
        "state"
    );

    // The table behind a chart opens and closes.
    browser.run("document.querySelector('[aria-controls=\"table-gender\"]').focus()");
    let shown = "return document.querySelector('#table-gender').checkVisibility()";
    assert_eq!(browser.run(shown), false);
    for open in [true, false] {
        browser.press(ENTER);
        assert_eq!(browser.run(shown), open);
        let said = browser.run("return document.activeElement.ariaExpanded");
        assert_eq!(said, open.to_string());
    }

    // Pause and back.
    browser.run("document.querySelector('#pause').focus()");
    browser.press(ENTER);
    browser.wait_until("document.body.dataset.connection === 'paused'");
    browser.press(ENTER);
    wait_until_live(&browser);
    assert_eq!(browser.console_errors(), [""; 0]);
}
