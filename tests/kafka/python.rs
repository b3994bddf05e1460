//! The scripts, and the virtual environment they run in.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{Process, skipped};

/// The environment; `.ci/run` makes it, too.
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/kafka-python");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/python");
const REQUIREMENTS: &str = "requirements.txt";

/// Python with both Kafka clients, and Streamlit.
pub struct Python(());

impl Python {
    /// The environment, made when it is not there. `None`, and a line that says so, where it cannot be.
    pub fn ready() -> Option<&'static Python> {
        static READY: OnceLock<Result<Python, String>> = OnceLock::new();
        match READY.get_or_init(make) {
            Ok(python) => Some(python),
            Err(why) => {
                skipped(&format!("no Python with Kafka clients: {why}"));
                None
            }
        }
    }

    /// A program of the environment.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(Path::new(ENVIRONMENT).join("bin").join(name));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Where a script is.
    pub fn script(&self, name: &str) -> PathBuf {
        Path::new(SCRIPTS).join(name)
    }

    /// Starts a script.
    pub fn start(&self, script: &str, args: &[&str]) -> Process {
        let mut command = self.program("python3");
        command.arg(self.script(script)).args(args);
        Process::spawn(command)
    }
}

fn make() -> Result<Python, String> {
    let environment = PathBuf::from(ENVIRONMENT);
    let wanted = Path::new(SCRIPTS).join(REQUIREMENTS);
    let has = environment.join(REQUIREMENTS);
    std::fs::create_dir_all(environment.parent().unwrap()).unwrap();
    let lock = File::create(environment.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let wanted_text = std::fs::read(&wanted).unwrap();
    if std::fs::read(&has).is_ok_and(|text| text == wanted_text) {
        return Ok(Python(()));
    }
    said(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )?;
    said(
        Command::new(environment.join("bin/python3"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg("--requirement")
            .arg(&wanted),
    )?;
    // A Python that is too new for these versions installs them all the same.
    said(
        Command::new(environment.join("bin/python3"))
            .args(["-c", "import confluent_kafka, kafka, streamlit"]),
    )?;
    // Last: it says that the rest is there.
    std::fs::write(has, wanted_text).unwrap();
    Ok(Python(()))
}

/// Runs a command; an error is what it says.
fn said(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    Err(last.unwrap_or("it says nothing").trim().to_owned())
}
