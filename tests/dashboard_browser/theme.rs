//! Light and dark: as the system has it, or as the reader chose.

use crate::dashboard_browser::browser::Browser;
use crate::dashboard_browser::{counted, pages, wait_until_live};
use crate::support::DataDir;

/// How light the page is, from 0 to 255, and its text.
#[track_caller]
fn lightness(browser: &Browser) -> (f64, f64) {
    let script = "
        const lightness = (colour) => {
            const canvas = new OffscreenCanvas(1, 1).getContext('2d');
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const { backgroundColor, color } = getComputedStyle(document.body);
        return [lightness(backgroundColor), lightness(color)];";
    let both = browser.run(script);
    (both[0].as_f64().unwrap(), both[1].as_f64().unwrap())
}

#[track_caller]
fn is_dark(browser: &Browser) -> bool {
    let (page, text) = lightness(browser);
    assert!((page - text).abs() > 150.0, "{text} on {page}");
    page < text
}

/// How light the names at the bars are, from 0 to 255; null while there are none. A chart has no style
/// sheet: it is drawn again some time after the theme has changed.
const INK: &str = "(() => {
    const canvas = document.querySelector('#chart-votes');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width * 0.15, canvas.height);
    let sum = 0, all = 0;
    for (let at = 0; at < data.length; at += 4) {
        sum += data[at + 3] * (data[at] + data[at + 1] + data[at + 2]) / 3;
        all += data[at + 3];
    }
    return all === 0 ? null : sum / all;
})()";

#[test]
fn themes_follow_the_system_and_the_reader() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    // Without gliding, a chart that is drawn is done.
    let still = ("prefers-reduced-motion", "reduce");
    let system = |theme| browser.prefer(&[("prefers-color-scheme", theme), still]);
    let dark_ink = format!("{INK} !== null && {INK} < 128");
    let light_ink = format!("{INK} > 128");
    system("light");
    browser.open(&site.url);
    wait_until_live(&browser);
    browser.run("document.querySelector('.votes-chart').scrollIntoView()");
    browser.wait_until(&dark_ink);
    assert_eq!(
        browser.run("return document.querySelector('#theme').value"),
        "system"
    );
    assert!(!is_dark(&browser));

    // The system changes its mind while the page is open.
    system("dark");
    assert!(is_dark(&browser));
    browser.wait_until(&light_ink);

    for (choice, of_system) in [("light", "dark"), ("dark", "light")] {
        system(of_system);
        browser.run("scrollTo(0, 0)");
        browser.choose("#theme", choice);
        assert_eq!(is_dark(&browser), choice == "dark", "{choice}");
        // On every page, and after a reload.
        for (name, url) in pages(&site) {
            browser.open(&url);
            wait_until_live(&browser);
            assert_eq!(is_dark(&browser), choice == "dark", "{choice} on {name}");
        }
        browser.open(&site.url);
        browser.reload();
        assert_eq!(
            is_dark(&browser),
            choice == "dark",
            "{choice} after a reload"
        );
        assert_eq!(
            browser.run("return document.querySelector('#theme').value"),
            choice
        );
    }
    browser.choose("#theme", "system");
    for theme in ["light", "dark"] {
        system(theme);
        assert_eq!(is_dark(&browser), theme == "dark", "{theme} by the system");
    }
    assert_eq!(browser.console_errors(), [""; 0]);
}
