//! Screen readers, contrast, roles and labels: what axe-core finds on every kind of page.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::dashboard_browser::browser::{Browser, Screen};
use crate::dashboard_browser::{counted, pages, wait_until_live};
use crate::support::{DataDir, skipped};

/// Where `.ci/run` puts axe-core.
const AXE_CORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe-core/axe.min.js");

/// The script of axe-core; where there is none, says that the test is passed over.
pub(crate) fn axe() -> Option<String> {
    let named = std::env::var_os("AXE_CORE").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| AXE_CORE.into());
    match std::fs::read_to_string(&path) {
        Ok(script) => Some(script),
        Err(error) if named.is_some() => panic!("AXE_CORE={}: {error}", path.display()),
        Err(_) => {
            skipped("axe-core on the dashboard: no target/axe-core/axe.min.js, and no AXE_CORE");
            None
        }
    }
}

/// Violations that keep somebody from reading the page, each in a line.
#[track_caller]
pub(crate) fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    // Run by the browser's driver, it is not the page's, whose policy would forbid it.
    browser.run(axe);
    let found = browser.resolve("axe.run({ resultTypes: ['violations'] })", json!([]));
    assert!(
        found["passes"].as_array().unwrap().len() > 5,
        "axe-core has looked at nothing"
    );
    let violations = found["violations"].as_array().unwrap().iter();
    violations
        .filter(|violation| violation["impact"] == "serious" || violation["impact"] == "critical")
        .map(|violation| {
            let nodes = violation["nodes"].as_array().unwrap().iter();
            let nodes: Vec<&Value> = nodes.map(|node| &node["failureSummary"]).collect();
            let first = &violation["nodes"][0]["html"];
            format!(
                "{}: {} at {first}: {nodes:?}",
                violation["id"].as_str().unwrap(),
                violation["help"]
            )
        })
        .collect()
}

#[test]
fn axe_finds_nothing_serious() {
    let Some(axe) = axe() else {
        return;
    };
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    let mut addresses = pages(&site).to_vec();
    addresses.push(("error", format!("{}/candidates/nobody", site.url)));
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        let still = ("prefers-reduced-motion", "reduce");
        browser.prefer(&[("prefers-color-scheme", theme), still]);
        for (screen, width, height) in [(Screen::Desktop, 1440, 900), (Screen::Phone, 360, 740)] {
            browser.resize(screen, width, height);
            for (name, url) in &addresses {
                browser.open(url);
                if *name != "error" {
                    wait_until_live(&browser);
                }
                for violation in violations(&browser, &axe) {
                    found.push(format!("{name}, {theme}, {width}: {violation}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));

    // It would find one: a button without words.
    browser.run("document.querySelector('main').append(document.createElement('button'))");
    let found = violations(&browser, &axe);
    assert!(
        found.iter().any(|found| found.starts_with("button-name")),
        "{found:?}"
    );
}
