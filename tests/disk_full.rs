//! A disk that is full, a real one: a small file system of the test's own. What cannot be written is
//! refused and named, and when there is room again, the same command goes on.
#![cfg(all(feature = "embedded", target_os = "linux"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{DataDir, assert_adds_up, assert_same, without_elapsed};
use serde_json::Value;
use testing::TemporaryServer;

const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "4000",
    "--invalid",
    "0.05",
    "--duplicates",
    "0.05",
    "--once",
    "--json",
    "--port",
    "0",
];
/// Room enough for everything.
const AMPLE: &str = "400m";

/// A file system in memory, at a directory. Ends with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, and a line that says so, where this user may not mount.
    fn mount(directory: &Path, size: &str) -> Option<SmallDisk> {
        std::fs::create_dir_all(directory).unwrap();
        let option = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &option, "tmpfs"]);
        if !runs(mount.arg(directory)) {
            crate::support::skipped(
                "a full disk: a small file system cannot be mounted by this user",
            );
            return None;
        }
        Some(SmallDisk(directory.to_owned()))
    }

    fn resize(&self, size: &str) {
        let option = format!("remount,size={size}");
        assert!(runs(
            Command::new("mount").args(["-o", &option]).arg(&self.0)
        ));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        runs(Command::new("umount").arg(&self.0));
    }
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn undisturbed() -> Value {
    let report = without_elapsed(DataDir::new().run(DEMO).succeeds().json());
    assert_adds_up(&report);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let Some(server) = TemporaryServer::start_or_skip().await else {
        return;
    };
    let data = DataDir::new();
    let Some(disk) = SmallDisk::mount(&data.path(), "1500k") else {
        return;
    };
    let url = server.database_url();
    let demo = [DEMO, &["--database-url", &url]].concat();
    // While registering; a little more room, while casting; and again at the same place.
    for size in ["1500k", "2500k", "2500k"] {
        disk.resize(size);
        data.run(&demo)
            .refused(1, &["the log at ", "No space left on device"]);
    }
    disk.resize(AMPLE);
    let report = without_elapsed(data.run(&demo).succeeds().json());
    assert_same(&undisturbed(), &report, "with room again");
    data.run(&["audit", "--database-url", &url]).succeeds();
}

#[test]
fn everything_on_a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let data = DataDir::new();
    let Some(disk) = SmallDisk::mount(&data.path(), "20m") else {
        return;
    };
    // Too small for the database, for its rows, for the log.
    let mut refused = 0;
    for size in ["20m", "38m", "41m", "43m", "46m"] {
        disk.resize(size);
        let run = data.run(DEMO);
        if run.code() == Some(0) {
            continue;
        }
        refused += 1;
        let run = run.ends_with(1);
        let error = run.stderr.lines().find(|line| line.starts_with("error: "));
        let error = error.unwrap_or_else(|| panic!("no error: {}", run.stderr));
        let names_it = ["No space left", "disk"];
        assert!(names_it.iter().any(|part| error.contains(part)), "{error}");
    }
    assert!(refused >= 3, "only {refused} were refused");
    disk.resize(AMPLE);
    let report = without_elapsed(data.run(DEMO).succeeds().json());
    assert_same(&undisturbed(), &report, "with room again");
    data.run(&["audit"]).succeeds();
}
