//! What the page asks of the network and says in the console: nothing that it should not.

use serde_json::Value;

use crate::dashboard_browser::browser::Browser;
use crate::dashboard_browser::{pages, running, wait_for_votes, wait_until_live};
use crate::support::DataDir;

/// Addresses that the browser has asked for since the last look.
#[track_caller]
fn requests(browser: &Browser) -> Vec<String> {
    let events = browser.log("performance").into_iter().map(|entry| {
        let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
        event["message"].clone()
    });
    events
        .filter(|event| event["method"] == "Network.requestWillBeSent")
        .map(|event| {
            event["params"]["request"]["url"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn nothing_is_asked_of_another_host_and_the_console_stays_empty() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, "3000", "300");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    // The browser's own first page is not ours.
    browser.open("about:blank");
    requests(&browser);
    for (name, url) in pages(&site) {
        browser.open(&url);
        wait_until_live(&browser);
        // To the end, so that what is loaded only when it is in sight is loaded too.
        browser.run("scrollTo(0, document.body.scrollHeight)");
        if name == "overview" {
            let shown = crate::dashboard_browser::shown_votes(&browser);
            wait_for_votes(&browser, shown + 100);
        }
        browser.wait_until(
            "[...document.images].every((image) => image.complete && image.naturalWidth > 0)",
        );
        let asked = requests(&browser);
        for part in [
            "/assets/app.js",
            "/assets/dashboard.css",
            "/portraits/",
            "/api/v1/events",
        ] {
            let has = asked.iter().any(|url| url.contains(part));
            // A location's page has portraits of its own, all in sight.
            assert!(has, "{name} has not asked for {part}: {asked:?}");
        }
        let elsewhere: Vec<&String> = asked
            .iter()
            .filter(|asked| !asked.starts_with(&format!("{}/", site.url)))
            .collect();
        assert!(elsewhere.is_empty(), "{name} asks elsewhere: {elsewhere:?}");
        let said = browser.log("browser");
        assert!(said.is_empty(), "{name} says in the console: {said:?}");
    }
    // The console is heard, and a stranger would be seen.
    browser.run("console.error('a word'); new Image().src = 'http://127.0.0.2:9/stranger';");
    let errors = browser.wait_for_console_errors(2);
    assert!(
        errors.iter().any(|error| error.contains("a word")),
        "{errors:?}"
    );
    assert!(
        errors
            .iter()
            .any(|error| error.contains("Content Security Policy")),
        "{errors:?}"
    );
}
