//! What a build needs is looked for before anything is compiled: a target that is missing is installed, and
//! what cannot be installed is told at once.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What of a machine's programs the look itself uses.
const SHELL: [&str; 1] = ["sh"];

/// A machine with few programs, whose rustc looks for targets in a folder of its own.
struct Machine {
    directory: TempDir,
}

impl Machine {
    fn with(programs: &[&str]) -> Machine {
        let machine = Machine {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(machine.programs()).unwrap();
        for program in programs.iter().chain(&SHELL) {
            symlink(path_of(program), machine.programs().join(program)).unwrap();
        }
        let rustc = format!(
            "case \"$*\" in *target-libdir*) echo '{}' ;; *) exec '{}' \"$@\" ;; esac",
            machine.target().display(),
            rustc().display(),
        );
        machine.program("rustc", &rustc);
        machine
    }

    fn programs(&self) -> PathBuf {
        self.directory.path().join("bin")
    }

    /// Where the target is, once it is installed.
    fn target(&self) -> PathBuf {
        self.directory.path().join("wasm32-unknown-unknown")
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.programs().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a program in the workspace, with what this machine has and nothing else.
    fn run(&self, program: &Path, args: &[&str]) -> Output {
        Command::new(program)
            .args(args)
            .current_dir(ROOT)
            .env("PATH", self.programs())
            .env("RUSTC", self.programs().join("rustc"))
            .env("CARGO_TARGET_DIR", self.directory.path().join("target"))
            .env_remove("RUSTC_WRAPPER")
            .output()
            .unwrap()
    }

    /// The beginning of a build; what it says when it fails.
    fn build(&self) -> String {
        let cargo = Path::new(env!("CARGO"));
        let build = ["build", "--locked", "--offline", "-p", "election-faults"];
        let output = self.run(cargo, &build);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{said}");
        assert!(!said.contains("Compiling"), "{said}");
        said
    }
}

/// Where a program of this machine is.
fn path_of(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{program} is not on the PATH"))
}

/// The compiler itself, and not what chooses one.
fn rustc() -> PathBuf {
    let asked = Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let sysroot = String::from_utf8(asked.stdout).unwrap();
    Path::new(sysroot.trim()).join("bin/rustc")
}

#[test]
fn without_rustup_a_missing_target_is_told_before_anything_is_compiled() {
    let said = Machine::with(&["cc", "make"]).build();
    assert!(
        said.contains("rustup target add wasm32-unknown-unknown"),
        "{said}"
    );
    assert!(said.contains("libstd-rust-dev-wasm32"), "{said}");
}

#[test]
fn a_missing_c_toolchain_is_told_before_anything_is_compiled() {
    for (missing, there) in [("cc", "make"), ("make", "cc")] {
        let said = Machine::with(&[there]).build();
        assert!(said.contains(&format!("`{missing}` is missing")), "{said}");
        assert!(said.contains("build-essential"), "{said}");
    }
}

#[test]
fn a_target_that_rustup_cannot_install_is_told_before_anything_is_compiled() {
    let machine = Machine::with(&["cc", "make"]);
    machine.program("rustup", "echo 'error: no network' >&2; exit 1");
    let said = machine.build();
    assert!(said.contains("no network"), "{said}");
    assert!(said.contains("rustup target add"), "{said}");
}

#[test]
fn a_missing_target_is_installed_by_rustup() {
    let machine = Machine::with(&["cc", "make", "mkdir"]);
    let install = format!(
        "test \"$*\" = 'target add wasm32-unknown-unknown' && mkdir '{}'",
        machine.target().display()
    );
    machine.program("rustup", &install);
    let wrapper = Path::new(ROOT).join(".cargo/rustc-wrapper");
    let rustc = machine.programs().join("rustc");
    for _ in 0..2 {
        let output = machine.run(&wrapper, &[rustc.to_str().unwrap(), "-vV"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let version = String::from_utf8(output.stdout).unwrap();
        assert!(version.starts_with("rustc "), "{version}");
        assert!(machine.target().is_dir());
        // It is there now, and is not asked for again.
        machine.program("rustup", "exit 1");
    }
}
