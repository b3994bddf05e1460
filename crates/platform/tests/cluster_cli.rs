//! The SmartModules on a real cluster, as a user types it: everything is done by the `fluvio` command
//! line alone. Without Fluvio's programs it is passed over.
#![cfg(feature = "fluvio")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use ballot::{Delta, Reason, TUTORIAL_CONTEST, Tally};
use serde_json::Value;
use service_process::TemporaryCluster;

const VOTES: usize = 300;
/// So many vote twice; the first vote counts.
const DUPLICATES: usize = 7;
/// Every so many votes one has a weight of 2.
const HEAVY_EVERY: usize = 50;
const CANDIDATES: [&str; 3] = ["ada", "bo", "cy"];
const STATES: [&str; 2] = ["Fife", "Kent"];
/// Enough for batches whose outputs do not fit into one answer.
const MANY_VOTES: usize = 2_000;

/// No command takes as long.
const DEADLINE: Duration = Duration::from_secs(20);
/// The pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(10);

type Totals = BTreeMap<String, u64>;

/// A cluster, and a directory for files.
struct Terminal {
    cluster: TemporaryCluster,
    directory: tempfile::TempDir,
}

impl Terminal {
    /// Types a command and returns the lines it prints.
    async fn fluvio(&self, args: &[&str]) -> Vec<String> {
        let path = self.directory.path();
        let (said, complained) = (path.join("stdout"), path.join("stderr"));
        let mut command = self.cluster.fluvio(args.iter().copied());
        command.current_dir(path);
        command.stdout(File::create(&said).unwrap());
        command.stderr(File::create(&complained).unwrap());
        let mut process = command.spawn().unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = process.try_wait().unwrap() {
                break status;
            }
            // Of many errors `fluvio consume` says nothing; it tries again for ever.
            if begun.elapsed() > DEADLINE {
                process.kill().unwrap();
                process.wait().unwrap();
                panic!("no end: {args:?}");
            }
            tokio::time::sleep(PAUSE).await;
        };
        let read = |path| std::fs::read_to_string(path).unwrap();
        let said = read(&said);
        assert!(status.success(), "{args:?}: {said}{}", read(&complained));
        said.lines().map(Into::into).collect()
    }

    /// `fluvio consume TOPIC -B -d --smartmodule MODULE …`
    async fn consume(&self, topic: &str, module: &str, more: &[&str]) -> Vec<String> {
        let mut args = vec!["consume", topic, "-B", "-d", "--smartmodule", module];
        args.extend(more);
        self.fluvio(&args).await
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.directory.path().join(file), text).unwrap();
    }

    /// Produces lines of `key|value`.
    async fn produce(&self, topic: &str, lines: &str) {
        self.write("lines", lines);
        self.fluvio(&["produce", topic, "--key-separator", "|", "--file", "lines"])
            .await;
    }
}

fn vote(n: usize, candidate: &str, weight: u32, state: &str) -> String {
    format!(
        "v{n}|{{\"voter_id\":\"v{n}\",\"candidate_id\":\"{candidate}\",\"vote\":{weight},\
         \"voting_time\":\"2024-07-04 12:00:00\",\"address\":{{\"state\":\"{state}\"}}}}\n"
    )
}

fn is_heavy(n: usize) -> bool {
    n % HEAVY_EVERY == HEAVY_EVERY - 1
}

/// The votes, and how many of those that keep the rules are for each candidate and from each state.
fn votes() -> (String, Totals, Totals) {
    let mut lines = String::new();
    let (mut by_candidate, mut by_state) = (Totals::new(), Totals::new());
    for n in 0..VOTES {
        let (candidate, state) = (CANDIDATES[n % 3], STATES[n % 2]);
        let weight = if is_heavy(n) { 2 } else { 1 };
        lines.push_str(&vote(n, candidate, weight, state));
        if !is_heavy(n) {
            *by_candidate.entry(candidate.to_owned()).or_default() += 1;
            *by_state.entry(state.to_owned()).or_default() += 1;
        }
    }
    for n in 0..DUPLICATES {
        lines.push_str(&vote(n, CANDIDATES[0], 1, STATES[0]));
    }
    writeln!(lines, "nobody|this is not a vote").unwrap();
    (lines, by_candidate, by_state)
}

fn added_up(deltas: &[String]) -> Tally {
    let mut tally = Tally::default();
    for delta in deltas {
        let delta: Delta = serde_json::from_str(delta).unwrap();
        tally.add(&delta.tally);
    }
    tally
}

/// Lines of `PARTITION TOTALS`: the last ones of each partition, added up.
fn last_totals(lines: &[String]) -> Totals {
    let mut last = BTreeMap::new();
    for line in lines {
        let (partition, totals) = line.split_once(' ').unwrap();
        last.insert(partition, totals);
    }
    let mut sum = Totals::new();
    for totals in last.values() {
        let totals: Totals = serde_json::from_str(totals).unwrap();
        for (group, votes) in totals {
            *sum.entry(group).or_default() += votes;
        }
    }
    sum
}

fn of_json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn as_a_user_types_it() {
    let Some(cluster) = TemporaryCluster::start(1) else {
        // Not by `eprintln!`: of a test that passes, that is not shown.
        writeln!(
            std::io::stderr().lock(),
            "SKIPPED: no Fluvio: neither in FLUVIO_BIN_DIR nor on PATH are `fluvio` and `fluvio-run`"
        )
        .unwrap();
        return;
    };
    let terminal = Terminal {
        cluster,
        directory: tempfile::tempdir().unwrap(),
    };
    for module in smartmodules::ALL {
        let file = format!("{}.wasm", module.name.replace('-', "_"));
        terminal.write(&file, module.wasm);
        let create = ["smartmodule", "create", module.name, "--wasm-file", &file];
        terminal.fluvio(&create).await;
    }
    terminal
        .fluvio(&["topic", "create", "votes", "-p", "2"])
        .await;
    let (lines, by_candidate, by_state) = votes();
    terminal.produce("votes", &lines).await;

    tally(&terminal, &by_candidate, &by_state).await;
    running_totals(&terminal, &by_candidate, &by_state).await;
    filter(&terminal).await;
    enrich(&terminal).await;
    totals_of_batches_that_are_handed_over_twice(&terminal).await;
}

async fn tally(terminal: &Terminal, by_candidate: &Totals, by_state: &Totals) {
    let bare = terminal.consume("votes", "vote-tally", &[]).await;
    let all = terminal.consume("votes", "vote-tally", &["-A"]).await;
    let mut by_partition = terminal.consume("votes", "vote-tally", &["-p", "0"]).await;
    by_partition.extend(terminal.consume("votes", "vote-tally", &["-p", "1"]).await);
    let heavy = (VOTES / HEAVY_EVERY) as u64;
    for deltas in [bare, all, by_partition] {
        let tally = added_up(&deltas);
        assert_eq!(tally.cast(), (VOTES + DUPLICATES + 1) as u64);
        assert_eq!(tally.counted(), VOTES as u64 - heavy);
        assert_eq!(
            tally.rejected,
            [
                (Reason::Duplicate, DUPLICATES as u64),
                (Reason::InvalidWeight, heavy),
                (Reason::Malformed, 1)
            ]
            .into()
        );
        let mut candidates = Totals::new();
        let by_location = tally.selections_by(TUTORIAL_CONTEST, "location");
        for (candidate, votes) in by_location.values().flatten() {
            *candidates.entry(candidate.clone()).or_default() += votes;
        }
        assert_eq!(candidates, *by_candidate);
        assert_eq!(tally.turnout_by("location"), by_state);
    }
    let candidates = ["-e", r#"candidates=["ada","bo"]"#];
    let tally = added_up(&terminal.consume("votes", "vote-tally", &candidates).await);
    assert_eq!(
        tally.rejected[&Reason::UnknownCandidate],
        by_candidate["cy"]
    );
}

async fn running_totals(terminal: &Terminal, by_candidate: &Totals, by_state: &Totals) {
    const FORMAT: [&str; 2] = ["-F", "{{partition}} {{value}}"];
    // They do not know duplicates.
    let with_duplicates = |totals: &Totals, group: &str| {
        let mut totals = totals.clone();
        *totals.get_mut(group).unwrap() += DUPLICATES as u64;
        totals
    };
    for (module, expected) in [
        (
            "votes-per-candidate",
            with_duplicates(by_candidate, CANDIDATES[0]),
        ),
        ("turnout-by-location", with_duplicates(by_state, STATES[0])),
    ] {
        let lines = terminal.consume("votes", module, &FORMAT).await;
        assert_eq!(lines.len(), VOTES + DUPLICATES + 1);
        assert_eq!(last_totals(&lines), expected);

        let initial = ["--aggregate-initial", r#"{"ada":1000}"#];
        let args = [&FORMAT[..], &initial].concat();
        let lines = terminal.consume("votes", module, &args).await;
        let mut expected = expected;
        // Each partition starts with it.
        *expected.entry("ada".into()).or_default() += 2_000;
        assert_eq!(last_totals(&lines), expected);
    }
}

async fn filter(terminal: &Terminal) {
    let heavy = VOTES / HEAVY_EVERY;
    let accepted = terminal.consume("votes", "vote-filter", &[]).await;
    assert_eq!(accepted.len(), VOTES - heavy + DUPLICATES);
    let mode = ["-e", "mode=rejected"];
    let rejected = terminal.consume("votes", "vote-filter", &mode).await;
    assert_eq!(rejected.len(), heavy + 1);
    for line in &rejected {
        let value = of_json(line);
        let reason = if value["value"] == "this is not a vote" {
            Reason::Malformed
        } else {
            Reason::InvalidWeight
        };
        assert_eq!(value["reason"], reason.as_str(), "{line}");
    }
    let only = ["-e", r#"candidates=["ada"]"#];
    let accepted = terminal.consume("votes", "vote-filter", &only).await;
    assert!(!accepted.is_empty());
    assert!(
        accepted
            .iter()
            .all(|line| of_json(line)["candidate_id"] == "ada")
    );
}

async fn enrich(terminal: &Terminal) {
    const ADA: &str =
        r#"[{"candidate_id":"ada","candidate_name":"Ada Lovelace","party_affiliation":"Tech"}]"#;
    let candidates = format!("candidates={ADA}");
    let lines = terminal
        .consume("votes", "vote-enrich", &["-e", &candidates])
        .await;
    assert_eq!(lines.len(), VOTES + DUPLICATES + 1);
    for vote in lines.iter().filter(|line| line.starts_with('{')) {
        let vote = of_json(vote);
        let expected = match vote["candidate_id"].as_str() {
            Some("ada") => Value::from("Ada Lovelace"),
            _ => Value::Null,
        };
        assert_eq!(vote["candidate_name"], expected);
    }
    // `fluvio consume` waits in silence when a module does not start: so it starts, and says.
    let lines = terminal.consume("votes", "vote-enrich", &[]).await;
    assert_eq!(lines.len(), VOTES + DUPLICATES + 1);
    let vote = lines.iter().find(|line| line.starts_with('{')).unwrap();
    let name = of_json(vote)["candidate_name"].to_string();
    assert!(name.contains("-e candidates="), "{name}");

    terminal.write(
        "chain.yaml",
        format!(
            "transforms:\n  - uses: vote-filter\n  - uses: vote-enrich\n    with:\n      candidates: '{ADA}'\n"
        ),
    );
    let chain = ["consume", "votes", "-B", "-d", "--transforms", "chain.yaml"];
    let lines = terminal.fluvio(&chain).await;
    assert_eq!(lines.len(), VOTES - VOTES / HEAVY_EVERY + DUPLICATES);
    let party = |line: &&String| of_json(line)["party_affiliation"] == "Tech";
    let ada = terminal
        .consume("votes", "vote-filter", &["-e", &candidates])
        .await;
    assert_eq!(lines.iter().filter(party).count(), ada.len());
}

/// What does not fit into an answer is thrown away by the SPU, and made again for the next.
async fn totals_of_batches_that_are_handed_over_twice(terminal: &Terminal) {
    const ANSWER_BYTES: &str = "200000";
    let states: Vec<_> = (0..40).map(|n| format!("State {n}")).collect();
    let lines: String = (0..MANY_VOTES)
        .map(|n| vote(n, CANDIDATES[n % 3], 1, &states[n % states.len()]))
        .collect();
    terminal.fluvio(&["topic", "create", "many"]).await;
    terminal.produce("many", &lines).await;
    let maxbytes = ["--maxbytes", ANSWER_BYTES];
    let lines = terminal
        .consume("many", "turnout-by-location", &maxbytes)
        .await;
    assert_eq!(lines.len(), MANY_VOTES);
    let bytes: usize = lines.iter().map(String::len).sum();
    assert!(bytes > 3 * ANSWER_BYTES.parse::<usize>().unwrap());
    for (n, line) in lines.iter().enumerate() {
        let totals: Totals = serde_json::from_str(line).unwrap();
        assert_eq!(totals.values().sum::<u64>(), n as u64 + 1, "{line}");
    }
}
