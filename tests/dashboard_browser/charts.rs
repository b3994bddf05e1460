//! The charts: as long as the votes are many, of one moment with the figures beside them, drawn in sight and on paper,
//! and never more of them than there were.

use serde_json::{Value, json};

use crate::dashboard_browser::browser::{Browser, Screen};
use crate::dashboard_browser::{counted, running, shown_votes, wait_for_votes, wait_until_live};
use crate::support::DataDir;

/// What the charts show, and the tables beside them, at one moment.
const CHARTS: &str = "
    const number = (row, figure) => Number(row.querySelector(`data[data-figure=\"${figure}\"]`).value);
    const bars = (css) => [...document.querySelectorAll(`${css} .row`)].map((row) => ({
        key: row.dataset.bar,
        name: row.querySelector('.name').textContent,
        length: parseFloat(row.querySelector('.length svg').getAttribute('width')),
        pixels: row.querySelector('.length svg').getBoundingClientRect().width,
        text: row.querySelector('.figure').textContent,
        title: row.title,
    }));
    const rows = (css, key) => Object.fromEntries([...document.querySelectorAll(css)].map((row) =>
        [row.dataset[key], { votes: number(row, 'votes'), share: number(row, 'share') }]));
    const charts = {
        votes: { bars: bars('#chart-votes'), rows: rows('#candidate-rows tr', 'candidate') },
        ...Object.fromEntries(['gender', 'age', 'party'].map((id) =>
            [id, { bars: bars(`#chart-${id}`), rows: rows(`[data-rows=\"${id}\"] tr`, 'group') }])),
    };
    const ring = [...document.querySelectorAll('#chart-share circle:not(.track)')].map((slice) => ({
        length: parseFloat(slice.getAttribute('stroke-dasharray')),
        from: -parseFloat(slice.getAttribute('stroke-dashoffset')),
    }));
    const labels = [...document.querySelectorAll('main [role=\"img\"]')].map((chart) => [chart.id, chart.ariaLabel]);
    return { charts, ring, labels: Object.fromEntries(labels) };
";

fn float(value: &Value, name: &str) -> f64 {
    value[name]
        .as_f64()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

#[track_caller]
fn near(a: f64, b: f64, within: f64, what: &str) {
    assert!((a - b).abs() <= within, "{what}: {a} is not {b}");
}

/// Every bar of a chart is as long as its row in the table says.
#[track_caller]
fn assert_in_proportion(shown: &Value, id: &str) {
    let rows = shown["charts"][id]["rows"].as_object().unwrap();
    let most = rows.values().map(|row| float(row, "votes"));
    let most = most.fold(0.0, f64::max);
    let bars = shown["charts"][id]["bars"].as_array().unwrap();
    assert_eq!(bars.len(), rows.len(), "{id}");
    let longest = bars.iter().map(|bar| float(bar, "pixels"));
    let longest = longest.fold(0.0, f64::max);
    assert!(longest > 50.0, "{id}: the longest bar has {longest} pixels");
    let label = shown["labels"][format!("chart-{id}")].as_str().unwrap();
    for bar in bars {
        let row = &rows[bar["key"].as_str().unwrap()];
        let part = float(row, "votes") / most;
        near(float(bar, "length"), part * 100.0, 0.006, id);
        near(float(bar, "pixels"), part * longest, 1.0, id);
        // The figure at its end, and all that is known of it, in words.
        let name = bar["name"].as_str().unwrap();
        let text = bar["text"].as_str().unwrap();
        let votes: String = text.chars().filter(char::is_ascii_digit).collect();
        match id {
            "votes" => assert_eq!(votes, row["votes"].to_string(), "{bar}"),
            _ => {
                let percent: f64 = text.strip_suffix('%').unwrap().parse().unwrap();
                near(percent, float(row, "share") * 100.0, 0.051, text);
            }
        }
        let title = bar["title"].as_str().unwrap();
        assert!(title.starts_with(&format!("{name}: ")), "{title}");
        assert!(title.contains(text) && title.ends_with("%)"), "{title}");
        assert!(label.contains(&format!("{name} ")), "{name} in {label}");
        assert!(label.contains(text), "{text} in {label}");
    }
}

#[test]
fn bars_and_ring_are_of_one_moment_with_the_tables_and_in_proportion() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, "4000", "400");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    // All in sight, and nothing caught half way.
    browser.prefer(&[("prefers-reduced-motion", "reduce")]);
    browser.resize(Screen::Desktop, 1440, 3000);
    browser.open(&site.url);
    wait_until_live(&browser);
    for _ in 0..8 {
        let before = shown_votes(&browser);
        wait_for_votes(&browser, before + 1);
        // Whenever one looks: while it counts, too.
        let shown = browser.run(CHARTS);
        for id in ["votes", "gender", "age", "party"] {
            assert_in_proportion(&shown, id);
        }
        let ring = shown["ring"].as_array().unwrap();
        let rows = shown["charts"]["votes"]["rows"].as_object().unwrap();
        let mut shares: Vec<f64> = rows.values().map(|row| float(row, "share")).collect();
        shares.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(ring.len(), shares.len());
        let mut from = 0.0;
        for (slice, share) in ring.iter().zip(shares) {
            near(float(slice, "from"), from, 0.01, "a slice begins");
            // But for the gap between two.
            let length = float(slice, "length");
            assert!((0.0..0.45).contains(&(share * 100.0 - length)), "{slice}");
            from += share * 100.0;
        }
        near(from, 100.0, 0.01, "the ring");
    }
    assert_eq!(browser.console_errors(), [""; 0]);
}

#[test]
fn a_chart_out_of_sight_is_drawn_when_it_comes_in_sight_or_on_paper() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, "8000", "400");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    browser.resize(Screen::Desktop, 1440, 700);
    browser.open(&site.url);
    wait_until_live(&browser);
    browser.run(
        "window.drawn = {};
         for (const chart of document.querySelectorAll('main [role=\"img\"]')) {
             window.drawn[chart.id] = 0;
             new MutationObserver(() => { window.drawn[chart.id] += 1; })
                 .observe(chart, { attributes: true, subtree: true, characterData: true, childList: true });
         }",
    );
    let go_on = || {
        let before = shown_votes(&browser);
        wait_for_votes(&browser, before + 100);
    };
    go_on();
    // The speed is sampled once a second.
    browser.wait_until("window.drawn['chart-speed'] > 0");
    let drawn = browser.run("return window.drawn");
    assert_eq!(drawn["chart-party"], 0, "out of sight: {drawn}");
    // Printed, it is of the same moment as its table.
    let stale = "document.querySelector('#chart-party').ariaLabel";
    let label = browser.run(&format!("return {stale}"));
    browser.devtools("Page.printToPDF", json!({}));
    assert_ne!(browser.run(&format!("return {stale}")), label);
    browser.run("document.querySelector('#chart-party').scrollIntoView()");
    let drawn = browser.run("return window.drawn['chart-party']");
    browser.wait_until(&format!("window.drawn['chart-party'] > {drawn}"));
    browser.run("document.querySelector('#pause').click()");
    let shown = browser.run(CHARTS);
    assert_in_proportion(&shown, "party");
    assert_eq!(browser.console_errors(), [""; 0]);
}

#[test]
fn thousands_of_updates_leave_the_elements_that_there_were() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    browser.prefer(&[("prefers-reduced-motion", "reduce")]);
    browser.open(&site.url);
    wait_until_live(&browser);
    // Every second time they change places, and one makes room for another.
    let found = browser.resolve(
        "(async () => {
            const { Bars, Line, Ring } = await import('/assets/charts.js');
            const element = document.querySelector('#chart-votes');
            const bars = new Bars(element);
            const ring = new Ring(document.querySelector('#chart-share'));
            const line = new Line(document.querySelector('#chart-speed'));
            const names = [...element.children].map((row) => row.dataset.bar);
            const kept = [...element.children];
            const begun = document.querySelectorAll('*').length;
            let most = 0;
            for (let turn = 0; turn < 3_000; turn += 1) {
                const order = turn % 2 ? names : [...names].reverse();
                bars.draw(order.map((key, place) => ({
                    key, name: key, value: turn * 7 + names.length - place, text: String(turn), title: key, colour: 1 + place,
                })));
                ring.draw(names.map((_, place) => ({ share: 1 / names.length, colour: 1 + place })));
                line.draw(Array.from({ length: 60 }, (_, at) => (at * turn) % 97));
                most = Math.max(most, document.querySelectorAll('*').length);
            }
            const same = [...element.children].every((row) => kept.includes(row));
            return { begun, most, same, first: element.firstElementChild.dataset.bar === names[0] };
        })()",
        json!([]),
    );
    assert_eq!(found["most"], found["begun"], "{found}");
    assert_eq!([&found["same"], &found["first"]], [true, true], "{found}");
    assert_eq!(browser.console_errors(), [""; 0]);
}

#[test]
fn a_step_after_a_rest_glides_unless_motion_is_not_wanted() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = running(&data, "8000", "400");
    site.wait_until("/api/v1/results", |results| {
        results["totals"]["counted"] != 0
    });
    browser.open(&site.url);
    wait_until_live(&browser);
    let glides = "document.body.classList.contains('glides')";
    // One change after the other does not.
    browser.wait_until(&format!("!{glides}"));
    browser.click("#pause");
    browser.run("window.pausedAt = performance.now()");
    browser.wait_until("performance.now() - window.pausedAt > 1_500");
    browser.click("#refresh-now");
    browser.wait_until(glides);
    for (preference, expected) in [("no-preference", 0.35), ("reduce", 0.0)] {
        browser.prefer(&[("prefers-reduced-motion", preference)]);
        for css in [".length svg", "#chart-share .k1", ".strip rect"] {
            let seconds = browser.run_with(
                "return parseFloat(getComputedStyle(document.querySelector(arguments[0])).transitionDuration)",
                json!([css]),
            );
            near(seconds.as_f64().unwrap(), expected, 1e-9, css);
        }
    }
    assert_eq!(browser.console_errors(), [""; 0]);
}

#[test]
fn forced_colours_and_paper_keep_the_charts_readable() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let data = DataDir::new();
    let site = counted(&data);
    browser.open(&site.url);
    wait_until_live(&browser);
    browser.choose("#theme", "dark");
    let style = |css: &str, property: &str| {
        browser.run_with(
            "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]",
            json!([css, property]),
        )
    };
    let dark = style("body", "color");
    browser.prefer(&[("forced-colors", "active")]);
    // An outline, whatever the colours of the bars are on the reader's own background.
    assert_eq!(style(".length svg", "borderTopWidth"), "1px");
    // Ink on paper is dark, whichever theme was chosen.
    browser.devtools(
        "Emulation.setEmulatedMedia",
        json!({"media": "print", "features": []}),
    );
    assert_ne!(style("body", "color"), dark);
    assert_eq!(style("body", "colorScheme"), "light");
}
