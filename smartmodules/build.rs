//! Compiles the SmartModule crates beside this file to wasm32 and puts the `.wasm` files where
//! `src/lib.rs` embeds them.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
/// Defined in the workspace's Cargo.toml.
const PROFILE: &str = "smartmodule";
const MODULES: [&str; 5] = [
    "turnout-by-location",
    "vote-enrich",
    "vote-filter",
    "vote-tally",
    "votes-per-candidate",
];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = here.parent().ok_or("smartmodules/ has no parent")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);

    for module in MODULES {
        watch(&here.join(module));
    }
    // What they share.
    watch(&here.join("abi"));
    for shared in ["ballot", "evidence", "wire"] {
        let shared = workspace.join("crates").join(shared);
        watch(&shared.join("src"));
        watch(&shared.join("Cargo.toml"));
    }
    watch(&workspace.join("Cargo.lock"));
    // The profile, and the features of dependencies.
    watch(&workspace.join("Cargo.toml"));

    if cfg!(unix) {
        install_target(workspace)?;
    }
    let target_dir = nested_target_dir(&out)?;
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        .current_dir(workspace)
        .args([
            "build",
            "--locked",
            "--target",
            TARGET,
            "--profile",
            PROFILE,
        ])
        .arg("--target-dir")
        .arg(&target_dir);
    for module in MODULES {
        cargo.args(["--package", module]);
    }
    // What is set for the native build (by the user, or by `cargo clippy`) is not for this one.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_ENCODED_RUSTFLAGS")
            || name.starts_with("CARGO_PROFILE_")
            || matches!(
                &*name,
                "RUSTFLAGS"
                    | "RUSTC_WRAPPER"
                    | "RUSTC_WORKSPACE_WRAPPER"
                    | "CARGO_BUILD_TARGET"
                    | "CLIPPY_ARGS"
            )
        {
            cargo.env_remove(&*name);
        }
    }
    // Every engine that runs SmartModules has SIMD (wasmtime, on by default); scanning text wants it.
    cargo.env("RUSTFLAGS", "-C target-feature=+simd128");
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!(
            "building the SmartModules for {TARGET} failed ({status}); if the target is missing, \
             `rustup target add {TARGET}` installs it"
        )
        .into());
    }
    for module in MODULES {
        let built = target_dir
            .join(TARGET)
            .join(PROFILE)
            .join(format!("{}.wasm", module.replace('-', "_")));
        let embedded = out.join(format!("{module}.wasm"));
        std::fs::copy(&built, &embedded)
            .map_err(|error| format!("copying {}: {error}", built.display()))?;
    }
    Ok(())
}

/// Installs the target, if it is missing. Cargo's first question to rustc has done so already
/// (`.cargo/config.toml`), unless another wrapper is named in the environment.
fn install_target(workspace: &Path) -> Result<(), Box<dyn Error>> {
    let wrapper = workspace.join(".cargo/rustc-wrapper");
    if !wrapper.exists() {
        // A copy of the sources without it, as in a container; the build's own error names the command.
        return Ok(());
    }
    let status = Command::new(wrapper)
        .arg(env::var("RUSTC")?)
        .arg("-vV")
        .status()?;
    if !status.success() {
        return Err(format!("the target {TARGET} is missing; see above").into());
    }
    Ok(())
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// A directory beside the profiles of the outer build (`…/target/debug/build/PACKAGE/out`), so that
/// debug, release and lint builds share one compilation. It must not be the outer one, whose lock is
/// held while this script runs.
fn nested_target_dir(out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let target = out
        .ancestors()
        .nth(4)
        .ok_or("OUT_DIR is not below a target directory")?;
    Ok(target.join("smartmodules"))
}
