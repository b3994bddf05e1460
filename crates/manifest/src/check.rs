//! Checks what a manifest means, and tells everything that is wrong at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use ballot::{PollsWindow, VotingTime};
use platform::fluvio::TopicSettings;
use platform::is_topic_name;
use toml::Spanned;
use wire::topics;

use crate::error::{Problem, Problems, place};
use crate::file::{
    ChainTable, ClusterTable, ManifestFile, PollsTable, SettingsTable, SmartModuleTable, TopicTable,
};
use crate::kafka::check_kafka;
use crate::manifest::{Chain, Cluster, Manifest, SmartModule, Step, Topic};
use crate::values::Size;

/// The limits of Fluvio's controller.
const MIN_RETENTION_SECONDS: u64 = 10;
const MIN_SEGMENT_BYTES: u64 = 1 << 10;
const DEFAULT_SEGMENT_BYTES: u64 = 1 << 30;
/// The chain that counts.
const TALLY_CHAIN: &str = "tally";
/// What is counted from offset 0, and so must be kept whole.
const KEPT_WHOLE: [&str; 2] = [topics::VOTERS, topics::VOTES];

/// What is known while checking: the text, and what was found wrong in it.
pub(crate) struct Checker<'a> {
    text: &'a str,
    pub(crate) problems: Problems,
}

impl Checker<'_> {
    pub(crate) fn line(&self, span: Range<usize>) -> usize {
        place(self.text, span.start).0
    }

    /// Whether a name is new among `seen`.
    fn is_new(
        &mut self,
        what: &str,
        name: &Spanned<String>,
        seen: &mut BTreeMap<String, usize>,
    ) -> bool {
        let line = self.line(name.span());
        if let Some(first) = seen.get(name.get_ref()) {
            let text = format!(
                "{what} `{}` is on line {first} already; each has one table",
                name.get_ref()
            );
            self.problems.add(name.span(), text);
            return false;
        }
        seen.insert(name.get_ref().clone(), line);
        true
    }

    fn fluvio_name(&mut self, what: &str, name: &Spanned<String>) {
        if !is_topic_name(name.get_ref()) {
            let text = format!(
                "Fluvio takes no {what} named `{}`: only lower-case letters, digits and `-`, not at either end, at most 63",
                name.get_ref()
            );
            self.problems.add(name.span(), text);
        }
    }

    pub(crate) fn not_empty(&mut self, what: &str, text: &Spanned<String>) {
        if text.get_ref().trim().is_empty() {
            self.problems
                .add(text.span(), format!("{what} is empty; leave it out"));
        }
    }
}

pub(crate) fn check(
    file: ManifestFile,
    text: &str,
    directory: &Path,
) -> Result<Manifest, Vec<Problem>> {
    let mut checker = Checker {
        text,
        problems: Problems::default(),
    };
    let defaults = checker.topic(file.defaults, &Topic::default());
    let topics = checker.topics(file.topic, &defaults);
    let smartmodules = checker.smartmodules(file.smartmodule, directory);
    let chains = checker.chains(file.chain, &smartmodules);
    let cluster = checker.cluster(file.cluster);
    let polls = checker.polls(file.polls);
    let kafka = check_kafka(&mut checker, file.kafka, &topics, &chains);
    let problems = checker.problems.into_problems(text);
    if !problems.is_empty() {
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

impl Checker<'_> {
    fn cluster(&mut self, table: ClusterTable) -> Cluster {
        if let (Some(endpoint), Some(profile)) = (&table.endpoint, &table.profile) {
            let later = endpoint.span().start.max(profile.span().start);
            let text = "`endpoint` and `profile` both name a cluster; keep one of them";
            self.problems.add(later..later, text);
        }
        for (what, value) in [
            ("`endpoint`", &table.endpoint),
            ("`profile`", &table.profile),
        ] {
            if let Some(value) = value {
                self.not_empty(what, value);
            }
        }
        Cluster {
            endpoint: table.endpoint.map(Spanned::into_inner),
            profile: table.profile.map(Spanned::into_inner),
        }
    }

    fn topic(&mut self, table: SettingsTable, defaults: &Topic) -> Topic {
        let partitions = table
            .partitions
            .map_or(defaults.partitions, |n| n.into_inner().0);
        let defaults = &defaults.settings;
        if let Some(retention) = &table.retention
            && let Some(kept) = retention.get_ref().0
            && kept.as_secs() < MIN_RETENTION_SECONDS
        {
            let text = format!(
                "records must be kept for at least {MIN_RETENTION_SECONDS} seconds, not {}",
                kept.as_secs()
            );
            self.problems.add(retention.span(), text);
        }
        let segment_bytes = match &table.segment_size {
            Some(size) => self.segment_size(size),
            None => defaults.segment_bytes,
        };
        let max_partition_bytes = match &table.max_partition_size {
            Some(size) => Some(size.get_ref().0),
            None => defaults.max_partition_bytes,
        };
        let segment = segment_bytes.map_or(DEFAULT_SEGMENT_BYTES, u64::from);
        let place = [&table.max_partition_size, &table.segment_size];
        if let (Some(most), Some(place)) = (max_partition_bytes, place.into_iter().flatten().next())
            && most < segment
        {
            let text = format!(
                "`max_partition_size` ({most} bytes) must be at least `segment_size` ({segment} bytes)"
            );
            self.problems.add(place.span(), text);
        }
        let settings = TopicSettings {
            replication: table
                .replication
                .map_or(defaults.replication, |n| n.into_inner().0),
            retention: table
                .retention
                .map_or(defaults.retention, |kept| kept.into_inner().0),
            compression: table.compression.unwrap_or(defaults.compression),
            segment_bytes,
            max_partition_bytes,
        };
        Topic {
            partitions,
            settings,
        }
    }

    fn segment_size(&mut self, size: &Spanned<Size>) -> Option<u32> {
        let bytes = size.get_ref().0;
        let fits = u32::try_from(bytes)
            .ok()
            .filter(|_| bytes >= MIN_SEGMENT_BYTES);
        if fits.is_none() {
            let text = format!(
                "`segment_size` must be from {MIN_SEGMENT_BYTES} to {} bytes, not {bytes}",
                u32::MAX
            );
            self.problems.add(size.span(), text);
        }
        fits
    }

    fn topics(&mut self, tables: Vec<TopicTable>, defaults: &Topic) -> BTreeMap<String, Topic> {
        let mut seen = BTreeMap::new();
        let mut topics = BTreeMap::new();
        let mut partitions: Vec<(u32, Range<usize>)> = Vec::new();
        for table in tables {
            self.fluvio_name("topic", &table.name);
            if !self.is_new("topic", &table.name, &mut seen) {
                continue;
            }
            let name = table.name.get_ref().clone();
            let whole = KEPT_WHOLE.contains(&name.as_str());
            let of_partitions = table.partitions.as_ref().map(Spanned::span);
            let of_retention = table.retention.as_ref().map(Spanned::span);
            let of_size = table.max_partition_size.as_ref().map(Spanned::span);
            let name_span = table.name.span();
            let table = SettingsTable {
                partitions: table.partitions,
                replication: table.replication,
                retention: table.retention,
                compression: table.compression,
                segment_size: table.segment_size,
                max_partition_size: table.max_partition_size,
            };
            let topic = self.topic(table, defaults);
            if whole {
                let settings = &topic.settings;
                if settings.retention.is_some() || settings.max_partition_bytes.is_some() {
                    let text = format!(
                        "`{name}` must be kept whole, because counting starts at offset 0: `retention = \"forever\"`, and no `max_partition_size`, here or in `[defaults]`"
                    );
                    let place = of_retention.or(of_size).unwrap_or(name_span.clone());
                    self.problems.add(place, text);
                }
                partitions.push((topic.partitions, of_partitions.unwrap_or(name_span)));
            }
            topics.insert(name, topic);
        }
        if let [(first, _), (second, place)] = &partitions[..]
            && first != second
        {
            let text = format!(
                "`{}` and `{}` must have equally many partitions, so that a voter and the voter's vote are in the same one: {first} and {second}",
                KEPT_WHOLE[0], KEPT_WHOLE[1]
            );
            self.problems.add(place.clone(), text);
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
    ) -> BTreeMap<String, Chain> {
        let mut seen = BTreeMap::new();
        let mut chains = BTreeMap::new();
        let known: Vec<_> = modules.iter().map(|module| module.name.as_str()).collect();
        for table in tables {
            self.not_empty("`name`", &table.name);
            if table.steps.get_ref().is_empty() {
                let text = "a chain needs at least one step: `{ module = \"NAME\" }`";
                self.problems.add(table.steps.span(), text);
            }
            if table.name.get_ref() == TALLY_CHAIN && table.steps.get_ref().len() > 1 {
                let text = "the chain `tally` has one step: a delta tells the offsets of the log's own batches, which another module before it would change";
                self.problems.add(table.steps.span(), text);
            }
            for step in table.steps.get_ref() {
                if !known.contains(&step.module.get_ref().as_str()) {
                    let text = format!(
                        "there is no SmartModule `{}`; there are {}",
                        step.module.get_ref(),
                        list(&known)
                    );
                    self.problems.add(step.module.span(), text);
                }
            }
            if self.is_new("chain", &table.name, &mut seen) {
                let step = |step: crate::file::StepTable| Step {
                    module: step.module.into_inner(),
                    parameters: step.parameters,
                };
                let steps = table.steps.into_inner().into_iter().map(step).collect();
                chains.insert(table.name.into_inner(), Chain { steps });
            }
        }
        chains
    }

    fn polls(&mut self, table: PollsTable) -> PollsWindow {
        let close_span = table.close.as_ref().map(Spanned::span);
        let mut time = |text: Option<Spanned<String>>| {
            let text = text?;
            let time = VotingTime::parse(text.get_ref());
            if time.is_none() {
                let problem = format!(
                    "`{}` is no time; write it as \"2024-07-04 07:00:00\" (UTC)",
                    text.get_ref()
                );
                self.problems.add(text.span(), problem);
            }
            time
        };
        let polls = PollsWindow {
            open: time(table.open),
            close: time(table.close),
        };
        if let (Some(open), Some(close), Some(place)) = (polls.open, polls.close, close_span)
            && close <= open
        {
            let text = format!("the polls must close after they open, at {open}");
            self.problems.add(place, text);
        }
        polls
    }
}

/// Names as a list for a sentence.
pub(crate) fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
