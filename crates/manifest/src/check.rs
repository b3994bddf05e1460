//! Checks what a manifest means, and reports everything that is wrong at once.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::Path;

use ballot::{PollsWindow, VotingTime};
use platform::fluvio::{ClusterAddress, TopicSettings};
use platform::{ModuleCall, is_topic_name};
use toml::Spanned;
use wire::topics;

use crate::Direction;
use crate::error::{Problem, place};
use crate::file::{
    ChainTable, ClusterTable, KafkaTable, ManifestFile, PollsTable, SmartModuleTable, StepTable,
    TopicTable,
};
use crate::manifest::{KafkaTopic, Manifest, SmartModule, Topic};
use crate::values::Size;

/// The limits of Fluvio's controller.
const MIN_RETENTION_SECONDS: u64 = 10;
const MIN_SEGMENT_BYTES: u64 = 1 << 10;
const DEFAULT_SEGMENT_BYTES: u64 = 1 << 30;
/// Longest name of a Kafka topic.
const MAX_KAFKA_NAME_BYTES: usize = 249;
/// The chain that counts.
const TALLY_CHAIN: &str = "tally";
/// What is counted from offset 0, and so must be kept whole.
const KEPT_WHOLE: [&str; 2] = [topics::VOTERS, topics::VOTES];

pub(crate) fn check(
    file: ManifestFile,
    text: &str,
    directory: &Path,
) -> Result<Manifest, Vec<Problem>> {
    let mut checker = Checker {
        text,
        problems: Vec::new(),
    };
    if let Some(name) = &file.defaults.name {
        checker.add(name, "`name` belongs in a `[[topic]]`");
    }
    let defaults = checker.topic(&file.defaults, &Topic::default());
    let topics = checker.topics(file.topic, &defaults);
    let smartmodules = checker.smartmodules(file.smartmodule, directory);
    let chains = checker.chains(file.chain, &smartmodules);
    let cluster = checker.cluster(file.cluster);
    let polls = checker.polls(file.polls);
    let kafka = checker.kafka(file.kafka, &topics, &chains);
    let mut problems = checker.problems;
    if !problems.is_empty() {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        return Err(problems);
    }
    Ok(Manifest {
        cluster,
        defaults,
        topics,
        smartmodules,
        chains,
        kafka,
        polls,
    })
}

struct Checker<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// Notes a problem with a value.
    fn add<T>(&mut self, value: &Spanned<T>, problem: impl Into<String>) {
        self.add_at(value.span(), problem);
    }

    fn add_at(&mut self, span: Range<usize>, problem: impl Into<String>) {
        let problem = Problem::at(self.text, span.start, problem);
        self.problems.push(problem);
    }

    /// Whether a name is new among `seen`, the lines of names.
    fn is_new(
        &mut self,
        what: &str,
        name: &Spanned<String>,
        seen: &mut BTreeMap<String, usize>,
    ) -> bool {
        let (line, _) = place(self.text, name.span().start);
        let Some(first) = seen.insert(name.get_ref().clone(), line) else {
            return true;
        };
        let problem = format!("{what} `{name}` is already on line {first}; keep one of them");
        self.add(name, problem);
        false
    }

    fn fluvio_name(&mut self, what: &str, name: &Spanned<String>) {
        if !is_topic_name(name.get_ref()) {
            let problem = format!(
                "Fluvio takes no {what} named `{name}`: only lower-case letters, digits and `-`, not at either end, at most 63"
            );
            self.add(name, problem);
        }
    }

    fn not_empty(&mut self, what: &str, text: &Spanned<String>) {
        if text.get_ref().trim().is_empty() {
            self.add(text, format!("{what} is empty; leave it out"));
        }
    }

    /// Demands that a name is among those that there are.
    fn known<'a>(
        &mut self,
        what: &str,
        name: &Spanned<String>,
        names: impl Iterator<Item = &'a String>,
    ) {
        let names: Vec<_> = names.collect();
        if !names.contains(&name.get_ref()) {
            let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let listed = match quoted.as_slice() {
                [] => "none".into(),
                quoted => quoted.join(", "),
            };
            self.add(
                name,
                format!("there is no {what} `{name}`; there are {listed}"),
            );
        }
    }

    fn cluster(&mut self, table: ClusterTable) -> ClusterAddress {
        for (what, value) in [
            ("`endpoint`", &table.endpoint),
            ("`profile`", &table.profile),
        ] {
            if let Some(value) = value {
                self.not_empty(what, value);
            }
        }
        if let (Some(endpoint), Some(profile)) = (&table.endpoint, &table.profile) {
            let later = endpoint.span().start.max(profile.span().start);
            let problem = "`endpoint` and `profile` both name a cluster; keep one of them";
            self.add_at(later..later, problem);
        }
        match table.endpoint {
            Some(endpoint) => ClusterAddress::Endpoint(endpoint.into_inner()),
            None => ClusterAddress::Profile {
                name: table.profile.map(Spanned::into_inner),
                file: None,
            },
        }
    }

    fn topic(&mut self, table: &TopicTable, defaults: &Topic) -> Topic {
        let settings = &defaults.settings;
        if let Some(retention) = &table.retention
            && let Some(kept) = retention.get_ref().0
            && kept.as_secs() < MIN_RETENTION_SECONDS
        {
            let problem = format!(
                "records must be kept for at least {MIN_RETENTION_SECONDS} seconds, not {}",
                kept.as_secs()
            );
            self.add(retention, problem);
        }
        let segment_bytes = match &table.segment_size {
            Some(size) => self.segment_size(size),
            None => settings.segment_bytes,
        };
        let max_partition_bytes = match &table.max_partition_size {
            Some(size) => Some(size.get_ref().0),
            None => settings.max_partition_bytes,
        };
        let segment = segment_bytes.map_or(DEFAULT_SEGMENT_BYTES, u64::from);
        let size = table
            .max_partition_size
            .as_ref()
            .or(table.segment_size.as_ref());
        if let (Some(most), Some(size)) = (max_partition_bytes, size)
            && most < segment
        {
            let problem = format!(
                "`max_partition_size` ({most} bytes) must be at least `segment_size` ({segment} bytes)"
            );
            self.add(size, problem);
        }
        let partitions = table.partitions.as_ref().map(|n| n.get_ref().get());
        Topic {
            partitions: partitions.unwrap_or(defaults.partitions),
            settings: TopicSettings {
                replication: table
                    .replication
                    .map_or(settings.replication, NonZeroU32::get),
                retention: table
                    .retention
                    .as_ref()
                    .map_or(settings.retention, |kept| kept.get_ref().0),
                compression: table.compression.unwrap_or(settings.compression),
                segment_bytes,
                max_partition_bytes,
            },
        }
    }

    fn segment_size(&mut self, size: &Spanned<Size>) -> Option<u32> {
        let bytes = size.get_ref().0;
        let fits = u32::try_from(bytes)
            .ok()
            .filter(|_| bytes >= MIN_SEGMENT_BYTES);
        if fits.is_none() {
            let problem = format!(
                "`segment_size` must be from {MIN_SEGMENT_BYTES} to {} bytes, not {bytes}",
                u32::MAX
            );
            self.add(size, problem);
        }
        fits
    }

    fn topics(
        &mut self,
        tables: Vec<Spanned<TopicTable>>,
        defaults: &Topic,
    ) -> BTreeMap<String, Topic> {
        let mut seen = BTreeMap::new();
        let mut topics = BTreeMap::new();
        let mut partitions: Vec<(u32, Range<usize>)> = Vec::new();
        for table in tables {
            let Some(name) = &table.get_ref().name else {
                self.add(&table, "missing key `name`");
                continue;
            };
            let table = table.get_ref();
            self.fluvio_name("topic", name);
            if !self.is_new("topic", name, &mut seen) {
                continue;
            }
            let topic = self.topic(table, defaults);
            if KEPT_WHOLE.contains(&name.get_ref().as_str()) {
                let settings = &topic.settings;
                if settings.retention.is_some() || settings.max_partition_bytes.is_some() {
                    let retention = table.retention.as_ref().map(Spanned::span);
                    let size = table.max_partition_size.as_ref().map(Spanned::span);
                    let problem = format!(
                        "`{name}` must be kept whole, because counting starts at offset 0: `retention = \"forever\"`, and no `max_partition_size`, here or in `[defaults]`"
                    );
                    self.add_at(retention.or(size).unwrap_or(name.span()), problem);
                }
                let span = table.partitions.as_ref().map_or(name.span(), Spanned::span);
                partitions.push((topic.partitions, span));
            }
            topics.insert(name.get_ref().clone(), topic);
        }
        if let [(first, _), (second, span)] = &partitions[..]
            && first != second
        {
            let problem = format!(
                "`{}` and `{}` must have equally many partitions, so that voters and their votes are in the same one: {first} and {second}",
                KEPT_WHOLE[0], KEPT_WHOLE[1]
            );
            self.add_at(span.clone(), problem);
        }
        topics
    }

    fn smartmodules(
        &mut self,
        tables: Vec<SmartModuleTable>,
        directory: &Path,
    ) -> Vec<SmartModule> {
        let mut seen = BTreeMap::new();
        let mut modules = Vec::new();
        for table in tables {
            self.fluvio_name("SmartModule", &table.name);
            if let Some(file) = &table.file {
                self.not_empty("`file`", file);
            }
            if self.is_new("SmartModule", &table.name, &mut seen) {
                modules.push(SmartModule {
                    name: table.name.into_inner(),
                    file: table.file.map(|file| directory.join(file.get_ref())),
                });
            }
        }
        modules
    }

    fn chains(
        &mut self,
        tables: Vec<ChainTable>,
        modules: &[SmartModule],
    ) -> BTreeMap<String, Vec<ModuleCall>> {
        let mut seen = BTreeMap::new();
        let mut chains = BTreeMap::new();
        for ChainTable { name, steps } in tables {
            self.not_empty("`name`", &name);
            if steps.get_ref().is_empty() {
                let problem = "a chain needs at least one step: `{ module = \"NAME\" }`";
                self.add(&steps, problem);
            }
            if name.get_ref() == TALLY_CHAIN && steps.get_ref().len() > 1 {
                let problem = "the chain `tally` must have one step: its deltas carry the offsets of the log's own batches, and another module in front of it would change those";
                self.add(&steps, problem);
            }
            for step in steps.get_ref() {
                let names = modules.iter().map(|module| &module.name);
                self.known("SmartModule", &step.module, names);
            }
            if self.is_new("chain", &name, &mut seen) {
                let call = |step: StepTable| ModuleCall {
                    module: step.module.into_inner(),
                    params: step.parameters,
                };
                let calls = steps.into_inner().into_iter().map(call).collect();
                chains.insert(name.into_inner(), calls);
            }
        }
        chains
    }

    fn kafka(
        &mut self,
        tables: Vec<KafkaTable>,
        topics: &BTreeMap<String, Topic>,
        chains: &BTreeMap<String, Vec<ModuleCall>>,
    ) -> Vec<KafkaTopic> {
        let mut checked = Vec::new();
        for table in tables {
            self.known("topic", &table.fluvio, topics.keys());
            if !is_kafka_name(table.kafka.get_ref()) {
                let problem = format!(
                    "Kafka takes no topic named `{}`: only letters, digits, `.`, `_` and `-`, at most {MAX_KAFKA_NAME_BYTES}, not `.` or `..`",
                    table.kafka
                );
                self.add(&table.kafka, problem);
            }
            if let Some(chain) = &table.chain {
                self.known("chain", chain, chains.keys());
            }
            if table.direction == Direction::FromKafka {
                if let Some(chain) = &table.chain {
                    let problem = "SmartModules run on records that leave Fluvio: a `chain` needs `direction = \"to-kafka\"`";
                    self.add(chain, problem);
                }
                if let Some(compression) = &table.compression {
                    let problem = "Kafka's producers choose the compression of their records: `compression` needs `direction = \"to-kafka\"`";
                    self.add(compression, problem);
                }
            }
            checked.push(KafkaTopic {
                fluvio: table.fluvio.into_inner(),
                kafka: table.kafka.into_inner(),
                direction: table.direction,
                chain: table.chain.map(Spanned::into_inner),
                compression: table
                    .compression
                    .map(Spanned::into_inner)
                    .unwrap_or_default(),
            });
        }
        checked
    }

    fn polls(&mut self, table: PollsTable) -> PollsWindow {
        let mut time = |text: &Option<Spanned<String>>| {
            let text = text.as_ref()?;
            let time = VotingTime::parse(text.get_ref());
            if time.is_none() {
                let problem =
                    format!("`{text}` is not a time such as \"2024-07-04 07:00:00\" (UTC)");
                self.add(text, problem);
            }
            time
        };
        let polls = PollsWindow {
            open: time(&table.open),
            close: time(&table.close),
        };
        if let (Some(open), Some(close), Some(place)) = (polls.open, polls.close, &table.close)
            && close <= open
        {
            let problem = format!("the polls must close after they open, at {open}");
            self.add(place, problem);
        }
        polls
    }
}

fn is_kafka_name(name: &str) -> bool {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty()
        && name.len() <= MAX_KAFKA_NAME_BYTES
        && name.bytes().all(usable)
        && name != "."
        && name != ".."
}
