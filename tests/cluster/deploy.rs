//! `election deploy` and `election build-modules`: the cluster is brought to what the manifest says, and
//! told apart from it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cluster::installation::Installation;
use crate::support::Run;

const TOPICS: usize = 12;
const AS_THE_MANIFEST_SAYS: &str = "12 topics and 5 SmartModules are as the manifest says\n";

fn deploy(installation: &Installation, options: &str) -> Run {
    installation.run("election", &format!("deploy {options}"))
}

/// The names that `fluvio KIND list` lists. Where there is nothing, it says so in words.
fn listed(installation: &Installation, kind: &str) -> BTreeSet<String> {
    let listed = installation.fluvio([kind, "list", "--output", "json"]);
    let Ok(listed) = serde_json::from_str::<serde_json::Value>(&listed) else {
        return BTreeSet::new();
    };
    let name = |item: &serde_json::Value| item["name"].as_str().unwrap().to_owned();
    listed.as_array().unwrap().iter().map(name).collect()
}

fn module_names() -> BTreeSet<String> {
    let names = smartmodules::ALL.map(|module| module.name.to_owned());
    names.into()
}

fn wasm(name: &str) -> &'static [u8] {
    let module = smartmodules::ALL.iter().find(|module| module.name == name);
    module.unwrap().wasm
}

#[test]
fn a_cluster_is_brought_to_what_the_manifest_says() {
    let Some(installation) = Installation::without_database() else {
        return;
    };
    let dry = deploy(&installation, "--dry-run").succeeds();
    assert!(
        dry.stdout
            .contains("would create topic votes with 2 partitions\n")
    );
    assert!(
        dry.stdout
            .contains("would create topic pipeline with 1 partition\n")
    );
    assert!(dry.stdout.contains("would create SmartModule vote-tally\n"));
    assert!(
        dry.stdout
            .ends_with("Nothing was done: this was a dry run.\n")
    );
    assert_eq!(listed(&installation, "topic"), BTreeSet::new());
    assert_eq!(listed(&installation, "smartmodule"), BTreeSet::new());

    let first = deploy(&installation, "").succeeds();
    assert!(
        first
            .stdout
            .contains("created topic votes with 2 partitions\n")
    );
    assert!(first.stdout.contains("created SmartModule vote-tally\n"));
    assert_eq!(first.stdout.lines().count(), TOPICS + module_names().len());
    assert!(!first.stderr.contains("warning"), "{}", first.stderr);
    assert_eq!(listed(&installation, "topic").len(), TOPICS);
    assert_eq!(listed(&installation, "smartmodule"), module_names());
    for name in module_names() {
        assert!(installation.module(&name) == wasm(&name), "{name}");
    }

    for options in ["", "--dry-run"] {
        let again = deploy(&installation, options).succeeds();
        assert_eq!(again.stdout, AS_THE_MANIFEST_SAYS);
        assert!(!again.stderr.contains("warning"), "{}", again.stderr);
    }
    deploy(&installation, "--partitions 3").refused(1, &["voters", "2 partitions", "not 3"]);
}

#[test]
fn a_module_that_is_another_version_is_replaced_and_a_foreign_topic_is_told() {
    let Some(installation) = Installation::without_database() else {
        return;
    };
    deploy(&installation, "").succeeds();

    let directory = installation.directory();
    std::fs::write(directory.join("other.wasm"), wasm("vote-enrich")).unwrap();
    let others = module_names()
        .into_iter()
        .filter(|name| name != "vote-filter");
    let others = others.map(|name| format!("[[smartmodule]]\nname = \"{name}\"\n"));
    let manifest = format!(
        "[[smartmodule]]\nname = \"vote-filter\"\nfile = \"other.wasm\"\n{}\
         [[topic]]\nname = \"votes\"\npartitions = 2\n[[topic]]\nname = \"voters\"\npartitions = 2\n",
        others.collect::<String>()
    );
    std::fs::write(directory.join("other.toml"), manifest).unwrap();
    let replace = "SmartModule vote-filter, which is another version\n";
    let dry = deploy(&installation, "--manifest other.toml --dry-run").succeeds();
    assert!(dry.stdout.starts_with(&format!("would replace {replace}")));
    assert!(installation.module("vote-filter") == wasm("vote-filter"));
    let replaced = deploy(&installation, "--manifest other.toml").succeeds();
    assert_eq!(replaced.stdout, format!("replaced {replace}"));
    assert!(installation.module("vote-filter") == wasm("vote-enrich"));
    let again = deploy(&installation, "--manifest other.toml").succeeds();
    assert_eq!(again.stdout, AS_THE_MANIFEST_SAYS);
    let back = deploy(&installation, "").succeeds();
    assert_eq!(back.stdout, format!("replaced {replace}"));
    assert!(installation.module("vote-filter") == wasm("vote-filter"));

    installation.fluvio(["topic", "delete", "votes"]);
    installation.fluvio(["topic", "create", "votes", "--partitions", "2"]);
    for options in ["--dry-run", ""] {
        let told = deploy(&installation, options).succeeds();
        assert_eq!(told.stdout, AS_THE_MANIFEST_SAYS);
        let warning = "warning: topic votes stays as it was created: retention in seconds: 604800";
        assert!(told.stderr.contains(warning), "{}", told.stderr);
        assert!(
            told.stderr.contains("fluvio topic delete"),
            "{}",
            told.stderr
        );
    }
}

#[test]
fn built_modules_are_files_that_fluvio_takes() {
    let Some(installation) = Installation::without_database() else {
        return;
    };
    let built = installation.run("election", "build-modules some/modules");
    let said = built.succeeds().stdout;
    let directory = installation.directory().join("some/modules");
    let files = std::fs::read_dir(&directory).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = module_names()
        .into_iter()
        .map(|name| format!("{name}.wasm"));
    assert_eq!(files, expected.collect());
    for name in module_names() {
        let relative = format!("some/modules/{name}.wasm");
        assert!(said.contains(&relative), "{relative} is not in: {said}");
        let file = directory.join(format!("{name}.wasm"));
        create_by_hand(&installation, &name, &file);
        assert!(installation.module(&name) == wasm(&name), "{name}");
    }
    // They are what would be deployed.
    let deployed = deploy(&installation, "").succeeds().stdout;
    assert!(!deployed.contains("SmartModule"), "{deployed}");
}

fn create_by_hand(installation: &Installation, name: &str, file: &Path) {
    let file = file.display().to_string();
    installation.fluvio(["smartmodule", "create", name, "--wasm-file", &file]);
}
