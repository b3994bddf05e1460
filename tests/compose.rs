//! docker-compose.yml and the Dockerfile: the tool takes them, and they hold to what docs/operations.md
//! promises: pinned versions, loopback only, no password, no root.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bridge::args::KafkaArgs;
use clap::{Args, Parser};
use dashboard::args::ListenArgs;
use producer::args::{InitArgs, ProducerCommand};
use serde_json::{Map, Value};
use service::args::{ClusterArgs, ProcessArgs};

const COMPOSE_FILE: &str = "docker-compose.yml";
const PASSWORD: &str = "POSTGRES_PASSWORD";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The file as it stands, variables included; merge keys are carried out.
fn compose() -> Value {
    serde_saphyr::from_str(&read(COMPOSE_FILE)).unwrap()
}

fn services() -> Map<String, Value> {
    compose()["services"].as_object().unwrap().clone()
}

/// Services that are built from our Dockerfile.
fn built() -> impl Iterator<Item = (String, Value)> {
    let services = services().into_iter();
    services.filter(|(_, service)| !service["build"].is_null())
}

fn strings(value: &Value) -> Vec<&str> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().map(|item| item.as_str().unwrap()).collect()
}

/// What a value becomes when no variable is set: `${NAME:-default}` its default.
fn with_defaults(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, variable)) = rest.split_once("${") {
        let (variable, after) = variable.split_once('}').unwrap();
        let default = variable.split_once(":-").map_or("", |(_, default)| default);
        result += before;
        result += default;
        rest = after;
    }
    result + rest
}

/// Whether a tag names one version: `17.11…`, `v26.2.3`, or a day, `…-20260824-…`.
fn is_pinned(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap();
    let Some((_, tag)) = name.split_once(':') else {
        return false;
    };
    tag.split('-').any(|part| {
        let part = part.strip_prefix('v').unwrap_or(part);
        let numbers: Vec<_> = part.split('.').collect();
        let all_numbers = numbers.iter().all(|number| number.parse::<u32>().is_ok());
        all_numbers && (numbers.len() >= 2 || part.len() == "20260824".len())
    })
}

/// The stages of the Dockerfile: what each begins from, and its lines.
fn stages() -> BTreeMap<String, (String, Vec<String>)> {
    let dockerfile = read("Dockerfile");
    let mut arguments = BTreeMap::new();
    let mut stages = BTreeMap::new();
    let mut stage = None;
    for line in dockerfile.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["ARG", argument] if stage.is_none() => {
                let (name, value) = argument.split_once('=').unwrap();
                arguments.insert(format!("${{{name}}}"), value.to_owned());
            }
            ["FROM", from, "AS", name] => {
                let from = arguments.get(from).map_or(from, String::as_str);
                stages.insert(name.to_owned(), (from.to_owned(), Vec::new()));
                stage = Some(name.to_owned());
            }
            ["FROM", ..] => panic!("a stage without a name: {line}"),
            _ => {
                if let Some((_, lines)) = stage.as_ref().and_then(|name| stages.get_mut(name)) {
                    lines.push(line.to_owned());
                }
            }
        }
    }
    stages
}

fn is_root(user: &str) -> bool {
    let user = user.split(':').next().unwrap();
    user == "root" || user.parse() == Ok(0)
}

/// `docker compose` in a form that reads today's files: version 1 does not.
fn compose_tool() -> Option<Vec<PathBuf>> {
    let of_ci = path("target/docker-compose/docker-compose");
    let given = std::env::var_os("DOCKER_COMPOSE").map(PathBuf::from);
    let candidates = [
        given.map(|tool| vec![tool]),
        Some(vec![of_ci]),
        Some(vec!["docker-compose".into()]),
        Some(vec!["docker".into(), "compose".into()]),
    ];
    candidates.into_iter().flatten().find(|tool| {
        let mut version = Command::new(&tool[0]);
        let ran = version
            .args(&tool[1..])
            .args(["version", "--short"])
            .output();
        ran.is_ok_and(|ran| {
            let version = String::from_utf8_lossy(&ran.stdout);
            let version = version.trim().trim_start_matches('v');
            let major = version.split('.').next().unwrap_or_default().parse::<u32>();
            ran.status.success() && major.is_ok_and(|major| major >= 2)
        })
    })
}

/// `docker compose config` of a file, with the variables of another and no others.
fn config(tool: &[PathBuf], file: &Path, variables: &Path) -> Output {
    let mut command = Command::new(&tool[0]);
    command.args(&tool[1..]).arg("--env-file").arg(variables);
    command.arg("--file").arg(file);
    command.args(["config", "--format", "json"]);
    command.current_dir(path("")).env_remove(PASSWORD);
    command.output().unwrap()
}

#[test]
fn docker_compose_accepts_the_file_and_demands_a_password() {
    let Some(tool) = compose_tool() else {
        crate::support::skipped("docker compose is not installed");
        return;
    };
    let accepted = config(&tool, &path(COMPOSE_FILE), &path(".env.example"));
    let problem = String::from_utf8_lossy(&accepted.stderr);
    assert!(accepted.status.success(), "{problem}");
    assert_eq!(problem, "", "it has warnings");
    let resolved: Value = serde_json::from_slice(&accepted.stdout).unwrap();
    let found: Vec<_> = resolved["services"].as_object().unwrap().keys().collect();
    let services = services();
    let mut all: Vec<_> = services.keys().collect();
    all.sort();
    assert_eq!(found, all);

    let nothing = tempfile::NamedTempFile::new().unwrap();
    let refused = config(&tool, &path(COMPOSE_FILE), nothing.path());
    assert!(!refused.status.success(), "without a password");
    let problem = String::from_utf8_lossy(&refused.stderr);
    assert!(
        problem.contains(PASSWORD) && problem.contains(".env.example"),
        "{problem}"
    );

    // It knows the specification: what that has no word for is refused.
    for (right, wrong) in [
        ("restart: unless-stopped", "restarts: unless-stopped"),
        ("read_only: true", "read_only: [true]"),
    ] {
        let text = read(COMPOSE_FILE);
        assert!(text.contains(right), "{right}");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.replacen(right, wrong, 1).as_bytes())
            .unwrap();
        let refused = config(&tool, file.path(), &path(".env.example"));
        assert!(!refused.status.success(), "{wrong}");
    }
}

#[test]
fn every_service_is_there() {
    let expected = [
        "consumer",
        "dashboard",
        "init",
        "postgres",
        "redpanda",
        "redpanda-console",
        "sc",
        "sc-setup",
        "spu",
        "voters",
        "votes",
    ];
    let services = services();
    for name in expected {
        assert!(services.contains_key(name), "{name}");
    }
}

#[test]
fn every_image_is_one_version() {
    for wrong in [
        "postgres",
        "postgres:latest",
        "postgres:17",
        "a/b:v2",
        "host:5000/image",
    ] {
        assert!(!is_pinned(wrong), "{wrong}");
    }
    for (name, service) in services() {
        let image = service["image"].as_str();
        assert!(
            image.map_or(!service["build"].is_null(), is_pinned),
            "{name}: {image:?}"
        );
    }
    let stages = stages();
    for (name, (from, _)) in &stages {
        assert!(
            stages.contains_key(from) || is_pinned(from),
            "{name}: {from}"
        );
    }
    let toolchain: toml::Table = toml::from_str(&read("rust-toolchain.toml")).unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let (from, lines) = &stages["builder"];
    assert!(from.starts_with(&format!("rust:{channel}-")), "{from}");
    assert!(lines.contains(&format!("ENV RUSTUP_TOOLCHAIN={channel}")));
}

#[test]
fn every_port_is_of_this_machine_only() {
    let mut published = 0;
    for (name, service) in services() {
        assert!(service["network_mode"].is_null(), "{name}");
        for port in strings(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
            published += 1;
        }
    }
    assert!(published > 0);
}

#[test]
fn no_password_stands_in_the_file() {
    fn look(place: &str, value: &Value) {
        match value {
            Value::Object(entries) => entries.iter().for_each(|(key, value)| {
                let secret = ["PASSWORD", "SECRET", "TOKEN"];
                if secret.iter().any(|word| key.to_uppercase().contains(word)) {
                    let value = value.as_str().unwrap();
                    assert!(
                        value.starts_with("${") && value.contains(":?"),
                        "{place}.{key}"
                    );
                }
                look(&format!("{place}.{key}"), value);
            }),
            Value::Array(items) => items.iter().for_each(|item| look(place, item)),
            Value::String(text) => {
                let login = text
                    .split_once("://")
                    .and_then(|(_, rest)| rest.rsplit_once('@'));
                if let Some((_, password)) = login.and_then(|(login, _)| login.split_once(':')) {
                    assert!(
                        password.starts_with("${") && password.contains(":?"),
                        "{place}"
                    );
                }
            }
            _ => {}
        }
    }
    look("", &compose());
    for file in [".gitignore", ".dockerignore"] {
        let ignored = read(file);
        assert!(
            ignored
                .lines()
                .any(|line| line.trim_start_matches('/') == ".env"),
            "{file}"
        );
    }
}

#[test]
fn what_we_build_has_no_more_rights_than_it_needs() {
    let stages = stages();
    let mut built_services = 0;
    for (name, service) in built() {
        let target = service["build"]["target"].as_str().unwrap();
        let (_, lines) = &stages[target];
        let user = lines
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix("USER "));
        assert!(user.is_some_and(|user| !is_root(user)), "{name}: {user:?}");
        assert!(
            service["user"].as_str().is_none_or(|user| !is_root(user)),
            "{name}"
        );
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(strings(&service["cap_drop"]), ["ALL"], "{name}");
        assert!(service["cap_add"].is_null(), "{name}");
        built_services += 1;
    }
    assert_eq!(built_services, 7);
    for (name, service) in services() {
        assert!(
            strings(&service["security_opt"]).contains(&"no-new-privileges:true"),
            "{name}"
        );
        assert!(service["privileged"].is_null(), "{name}");
    }
}

#[test]
fn services_wait_for_each_other_and_come_back() {
    let services = services();
    for (name, service) in &services {
        let restart = service["restart"].as_str().unwrap();
        let once = restart == "no";
        assert!(once || restart == "unless-stopped", "{name}: {restart}");
        assert!(
            once || service["stop_grace_period"].is_string() || name == "redpanda-console",
            "{name}"
        );
        let Some(depends) = service["depends_on"].as_object() else {
            continue;
        };
        for (other, how) in depends {
            match how["condition"].as_str().unwrap() {
                "service_healthy" => {
                    assert!(!services[other]["healthcheck"].is_null(), "{name}: {other}")
                }
                "service_completed_successfully" => {
                    assert_eq!(services[other]["restart"], "no", "{name}: {other}")
                }
                condition => panic!("{name}: {other}: {condition}"),
            }
        }
    }
}

#[test]
fn consumers_can_be_several() {
    for (name, service) in services() {
        assert!(service["container_name"].is_null(), "{name}");
    }
    assert!(services()["consumer"]["ports"].is_null());
}

#[derive(Debug, Parser)]
struct Producer {
    #[command(subcommand)]
    _command: ProducerCommand,
}

#[derive(Debug, Parser)]
struct Dashboard {
    #[command(flatten)]
    _listen: ListenArgs,
}

/// The variables that a service reads.
fn variables_of<T: Args>() -> Vec<String> {
    let command = T::augment_args(clap::Command::new("variables"));
    let named = command.get_arguments().filter_map(clap::Arg::get_env);
    named
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn our_services_know_what_they_are_told() {
    let cluster = variables_of::<ClusterArgs>();
    let process = variables_of::<ProcessArgs>();
    let kafka = variables_of::<KafkaArgs>();
    let init = variables_of::<InitArgs>();
    let known = [cluster, process, kafka, init].concat();
    let mut services = 0;
    for (name, service) in built().filter(|(_, service)| service["build"]["target"] == "services") {
        let line: Vec<_> = strings(&service["command"])
            .into_iter()
            .map(with_defaults)
            .collect();
        match line[0].as_str() {
            "producer" => assert!(Producer::try_parse_from(&line).is_ok(), "{name}: {line:?}"),
            "dashboard" => assert!(Dashboard::try_parse_from(&line).is_ok(), "{name}: {line:?}"),
            "consumer" | "bridge" => assert_eq!(line.len(), 1, "{name}: {line:?}"),
            program => panic!("{name}: {program} is not in the image"),
        }
        for variable in service["environment"].as_object().unwrap().keys() {
            assert!(known.contains(variable), "{name}: {variable}");
        }
        services += 1;
    }
    assert_eq!(services, 6);
    let image = &stages()["services"].1;
    let set: Vec<_> = image
        .iter()
        .filter_map(|line| line.strip_prefix("ENV "))
        .collect();
    assert!(!set.is_empty());
    for variable in set {
        let (name, _) = variable.split_once('=').unwrap();
        assert!(known.iter().any(|known| known == name), "{variable}");
    }
}
