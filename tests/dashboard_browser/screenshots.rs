//! Screenshots of a count under way, as the README shows them.
//!
//! With `UPDATE_SCREENSHOTS` set they replace those in docs/images; else they go to target/tmp.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::dashboard_browser::browser::{Browser, Screen};
use crate::dashboard_browser::{running, wait_for_votes, wait_until_live};
use crate::support::DataDir;

const VOTERS: u64 = 8_000;

/// Name, theme and size of each. Of the phone, what a thumb scrolls through first.
const SHOTS: [(&str, &str, Screen, u32, u32); 3] = [
    ("dark", "dark", Screen::Desktop, 1440, 1800),
    ("light", "light", Screen::Desktop, 1440, 1800),
    ("phone", "light", Screen::Phone, 390, 1600),
];

fn directory() -> PathBuf {
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images")
    } else {
        env!("CARGO_TARGET_TMPDIR").into()
    }
}

#[test]
fn screenshots_show_a_count_under_way() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, &VOTERS.to_string(), "400");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    for (name, theme, screen, width, height) in SHOTS {
        // Without motion, nothing is caught half way.
        let still = ("prefers-reduced-motion", "reduce");
        browser.prefer(&[("prefers-color-scheme", theme), still]);
        browser.resize(screen, width, height);
        browser.devtools("Emulation.setScrollbarsHidden", json!({"hidden": true}));
        browser.open(&site.url);
        wait_until_live(&browser);
        // Far enough that nobody's place is chance, and not done.
        wait_for_votes(&browser, VOTERS * 3 / 10);
        browser.wait_until(
            "[...document.images].every((image) => image.complete || image.getBoundingClientRect().top >= innerHeight)",
        );
        let shot = browser.screenshot();
        assert!(
            crate::dashboard_browser::shown_votes(&browser) < VOTERS,
            "the count was over"
        );
        assert_eq!(&shot[..8], b"\x89PNG\r\n\x1a\n");
        let side = |at: usize| u32::from_be_bytes(shot[at..at + 4].try_into().unwrap());
        assert_eq!((side(16), side(20)), (width, height), "{name}");
        let colours = colours(&browser, &shot);
        assert!(colours > 100, "{name} has only {colours} colours");
        let directory = directory();
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("dashboard-{name}.png")), shot).unwrap();
    }
    assert_eq!(browser.console_errors(), [""; 0]);
}

/// How many colours a picture has. The browser can read it.
fn colours(browser: &Browser, png: &[u8]) -> u64 {
    let script = "(async (bytes) => {
        const picture = await createImageBitmap(new Blob([Uint8Array.from(bytes)]));
        const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
        context.drawImage(picture, 0, 0);
        const { data } = context.getImageData(0, 0, picture.width, picture.height);
        return new Set(new Uint32Array(data.buffer)).size;
    })(arguments[0])";
    browser.resolve(script, json!([png])).as_u64().unwrap()
}
