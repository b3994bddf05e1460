//! From a phone to a wall: nothing sticks out, and the room is used.

use crate::dashboard_browser::browser::{Browser, Screen};
use crate::dashboard_browser::{counted, pages, wait_until_live};
use crate::support::DataDir;

/// The narrowest phone, and a screen of 1,280 pixels enlarged four times.
const NARROWEST: u32 = 320;
/// A 4K screen.
const WIDEST: u32 = 3840;

#[test]
fn it_fits_a_phone_and_fills_a_wall() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    let mut addresses = pages(&site).to_vec();
    addresses.push(("error", format!("{}/candidates/nobody", site.url)));
    for (width, height) in [(NARROWEST, 740), (768, 1024), (1440, 900), (WIDEST, 2160)] {
        let phone = width == NARROWEST;
        browser.resize(
            if phone {
                Screen::Phone
            } else {
                Screen::Desktop
            },
            width,
            height,
        );
        for (name, url) in &addresses {
            browser.open(url);
            if *name != "error" {
                wait_until_live(&browser);
            }
            // A table behind a chart must fit too.
            browser
                .run("document.querySelectorAll('.as-table').forEach((button) => button.click())");
            let needed = browser.run("return document.documentElement.scrollWidth");
            let out = browser.run_with(
                "return [...document.querySelectorAll('body *')]
                    .filter((element) => element.getBoundingClientRect().right > arguments[0] + 0.5)
                    .map((element) => `${element.tagName}.${element.className}#${element.id}`).slice(0, 10);",
                serde_json::json!([width]),
            );
            assert!(
                needed.as_u64().unwrap() <= width.into(),
                "{name} needs {needed} of {width} pixels: {out}"
            );
            if phone {
                continue;
            }
            if *name == "overview" && width == WIDEST {
                let used = browser.run(
                    "const boxes = [...document.querySelectorAll('main section')].map((section) => section.getBoundingClientRect());
                     return [Math.min(...boxes.map((box) => box.left)), Math.max(...boxes.map((box) => box.right))];",
                );
                let (left, right) = (used[0].as_f64().unwrap(), used[1].as_f64().unwrap());
                assert!(
                    right - left > 0.9 * f64::from(WIDEST),
                    "only {left} to {right} are used"
                );
                // At least three tables beside each other: else the lines would be too long to follow.
                let beside = browser.run(
                    "const top = document.querySelector('.locations').getBoundingClientRect().top;
                     return [...document.querySelectorAll('.overview > *')]
                         .filter((part) => Math.abs(part.getBoundingClientRect().top - top) < 2).length;",
                );
                assert!(beside.as_u64().unwrap() >= 3, "{beside} beside each other");
            }
        }
    }
    assert!(
        browser
            .console_errors()
            .iter()
            .all(|error| error.contains("404"))
    );
}
