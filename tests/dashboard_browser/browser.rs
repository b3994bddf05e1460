//! A headless Chromium, driven through chromedriver by the W3C WebDriver protocol: JSON over HTTP.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::skipped;

/// Nothing that a page promises takes as long, not even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// The pause between two looks at a page.
const PAUSE: Duration = Duration::from_millis(20);

/// Chromium under the names that distributions give it.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys that have no character, as WebDriver writes them.
pub const TAB: char = '\u{e004}';
pub const ENTER: char = '\u{e007}';

/// What a page of the dashboard is looked at in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Screen {
    Desktop,
    /// With touch, and a viewport as wide as the device.
    Phone,
}

/// One browser with a profile of its own. It ends with the value.
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    // Deleted after the browser has ended: fields are dropped in this order.
    _profile: TempDir,
}

impl Browser {
    /// Starts it. Where there is no Chromium or no chromedriver, says that the test is passed over.
    pub fn start() -> Option<Browser> {
        let chromium = CHROMIUM.iter().find_map(|name| on_path(name));
        let (Some(driver), Some(chromium)) = (on_path("chromedriver"), chromium) else {
            skipped("the dashboard in a browser: no `chromium` and `chromedriver` on the PATH");
            return None;
        };
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port_of(&mut driver);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            .proxy(None)
            .build()
            .into();
        let mut browser = Browser {
            driver,
            agent,
            session: format!("http://127.0.0.1:{port}/session"),
            _profile: tempfile::tempdir().unwrap(),
        };
        let profile = browser._profile.path().display();
        let capabilities = json!({
            "goog:chromeOptions": {
                "binary": chromium,
                "args": [
                    "--headless=new",
                    // Its sandbox needs rights that a container does not give to root.
                    "--no-sandbox",
                    // The shared memory of a container is too small for it.
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--lang=en-US",
                    "--window-size=1440,1000",
                    format!("--user-data-dir={profile}"),
                ],
            },
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": DEADLINE.as_millis() as u64},
        });
        let created = browser.ask("", json!({"capabilities": {"alwaysMatch": capabilities}}));
        let created = created.unwrap_or_else(|error| panic!("no browser: {error}"));
        browser.session += "/";
        browser.session += created["sessionId"].as_str().unwrap();
        Some(browser)
    }

    /// Sends a command to the session; an error is what chromedriver says it is.
    fn ask(&self, command: &str, parameters: Value) -> Result<Value, String> {
        let answer = self
            .agent
            .post(format!("{}{command}", self.session))
            .content_type("application/json")
            .send(parameters.to_string());
        let mut answer = answer.map_err(|error| error.to_string())?;
        // A screenshot is larger than the limit of `read_to_string`.
        let body = answer.body_mut().with_config().limit(u64::MAX);
        let body = body.read_to_string().map_err(|error| error.to_string())?;
        let mut body: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let value = body["value"].take();
        if answer.status().is_success() {
            Ok(value)
        } else {
            Err(format!("{}: {}", value["error"], value["message"]))
        }
    }

    #[track_caller]
    fn must(&self, command: &str, parameters: Value) -> Value {
        self.ask(command, parameters)
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Opens a page, and waits until it is loaded.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.must("/url", json!({"url": url}));
    }

    #[track_caller]
    pub fn reload(&self) {
        self.must("/refresh", json!({}));
    }

    /// What a script returns.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.run_with(script, json!([]))
    }

    /// What a script returns that has `arguments`.
    #[track_caller]
    pub fn run_with(&self, script: &str, arguments: Value) -> Value {
        self.must(
            "/execute/sync",
            json!({"script": script, "args": arguments}),
        )
    }

    /// What the promise resolves to that the expression gives.
    #[track_caller]
    pub fn resolve(&self, expression: &str, arguments: Value) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             Promise.resolve({expression}).then(done, (error) => done({{failed: String(error)}}));"
        );
        let value = self.must(
            "/execute/async",
            json!({"script": script, "args": arguments}),
        );
        assert_eq!(value["failed"], Value::Null, "{expression}");
        value
    }

    /// Waits until an expression is true, and returns its value.
    #[track_caller]
    pub fn wait_until(&self, expression: &str) -> Value {
        let script = json!({"script": format!("return {expression};"), "args": []});
        let began = Instant::now();
        loop {
            // While one page gives way to the next, a script may fail.
            let value = self.ask("/execute/sync", script.clone());
            if let Ok(value) = &value
                && !matches!(value, Value::Null | Value::Bool(false))
                && value != 0
            {
                return value.clone();
            }
            assert!(
                began.elapsed() < DEADLINE,
                "never true: {expression}, but {value:?}; the page: {:?}",
                self.ask(
                    "/execute/sync",
                    json!({"script": "return document.body.innerText", "args": []})
                )
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// The text of an element, as it is seen.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        let text = self.run_with(
            "return document.querySelector(arguments[0])?.innerText ?? null",
            json!([css]),
        );
        let text = text.as_str().unwrap_or_else(|| panic!("no {css}"));
        text.trim().to_owned()
    }

    /// The first element, whose address this is.
    #[track_caller]
    fn element(&self, css: &str) -> String {
        let found = self.must("/element", json!({"using": "css selector", "value": css}));
        format!("/element/{}", found[ELEMENT].as_str().unwrap())
    }

    /// Clicks with the mouse; it must be in sight, and nothing over it.
    #[track_caller]
    pub fn click(&self, css: &str) {
        let element = self.element(css);
        self.must(&format!("{element}/click"), json!({}));
    }

    /// Chooses an option of a select.
    #[track_caller]
    pub fn choose(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value=\"{value}\"]"));
    }

    /// Types into a field, after what is in it.
    #[track_caller]
    pub fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.must(&format!("{element}/value"), json!({"text": text}));
    }

    /// Presses a key and lets it go, wherever the focus is.
    #[track_caller]
    pub fn press(&self, key: char) {
        let steps = ["keyDown", "keyUp"].map(|step| json!({"type": step, "value": key}));
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": steps});
        self.must("/actions", json!({"actions": [keyboard]}));
    }

    /// A command of the Chrome DevTools Protocol.
    #[track_caller]
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.must(
            "/goog/cdp/execute",
            json!({"cmd": command, "params": parameters}),
        )
    }

    /// Gives the page a screen of this size.
    #[track_caller]
    pub fn resize(&self, screen: Screen, width: u32, height: u32) {
        let metrics = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": screen == Screen::Phone,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
        let touch = json!({"enabled": screen == Screen::Phone});
        self.devtools("Emulation.setTouchEmulationEnabled", touch);
    }

    /// What the system prefers: features of media queries, by name.
    #[track_caller]
    pub fn prefer(&self, features: &[(&str, &str)]) {
        let named = |&(name, value): &(&str, &str)| json!({"name": name, "value": value});
        let features: Vec<Value> = features.iter().map(named).collect();
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// What was logged since the last look: `browser` is the console, `performance` the network.
    #[track_caller]
    pub fn log(&self, kind: &str) -> Vec<Value> {
        let Value::Array(entries) = self.must("/se/log", json!({"type": kind})) else {
            panic!("no list of entries");
        };
        entries
    }

    /// Errors of the console since the last look.
    #[track_caller]
    pub fn console_errors(&self) -> Vec<String> {
        let entries = self.log("browser").into_iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until the console has so many errors that no look has seen, and returns them.
    #[track_caller]
    pub fn wait_for_console_errors(&self, count: usize) -> Vec<String> {
        let began = Instant::now();
        let mut errors = Vec::new();
        while errors.len() < count {
            assert!(began.elapsed() < DEADLINE, "only {errors:?}");
            errors.extend(self.console_errors());
            std::thread::sleep(PAUSE);
        }
        errors
    }

    /// What is in sight, as a PNG.
    #[track_caller]
    pub fn screenshot(&self) -> Vec<u8> {
        let shot = self.devtools("Page.captureScreenshot", json!({"format": "png"}));
        BASE64_STANDARD
            .decode(shot["data"].as_str().unwrap())
            .unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends with its session; of a chromedriver that is killed, it would be left behind.
        self.agent.delete(&self.session).call().ok();
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}

/// Where a program is.
fn on_path(name: &str) -> Option<PathBuf> {
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// The port that chromedriver has taken, which it says in its first lines.
fn port_of(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let started = "started successfully on port ";
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once(started)?;
        port.trim_end_matches('.').parse().ok()
    });
    // Read on, or it would stop at a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver names its port")
}
