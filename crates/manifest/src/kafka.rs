//! Checks the `[[kafka]]` tables: names, and that no record comes back to where it was.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use crate::Direction;
use crate::check::{Checker, list};
use crate::file::KafkaTable;
use crate::manifest::{Chain, KafkaTopic, Topic};

/// Longest name of a Kafka topic.
const MAX_KAFKA_NAME_BYTES: usize = 249;

/// A topic on one of the two sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Fluvio(String),
    Kafka(String),
}

pub(crate) fn check_kafka(
    checker: &mut Checker<'_>,
    tables: Vec<KafkaTable>,
    topics: &BTreeMap<String, Topic>,
    chains: &BTreeMap<String, Chain>,
) -> Vec<KafkaTopic> {
    let mut goes_to: BTreeMap<Side, BTreeSet<Side>> = BTreeMap::new();
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for table in &tables {
        let (fluvio, kafka) = (table.fluvio.get_ref(), table.kafka.get_ref());
        if !topics.contains_key(fluvio) {
            let known: Vec<_> = topics.keys().map(String::as_str).collect();
            let text = format!("there is no topic `{fluvio}`; there are {}", list(&known));
            checker.problems.add(table.fluvio.span(), text);
        }
        if !is_kafka_name(kafka) {
            let text = format!(
                "Kafka takes no topic named `{kafka}`: only letters, digits, `.`, `_` and `-`, at most {MAX_KAFKA_NAME_BYTES}, not `.` or `..`"
            );
            checker.problems.add(table.kafka.span(), text);
        }
        check_chain(checker, table, chains);
        check_compression(checker, table);
        let (from, to) = match table.direction.get_ref() {
            Direction::ToKafka => (Side::Fluvio(fluvio.clone()), Side::Kafka(kafka.clone())),
            Direction::FromKafka => (Side::Kafka(kafka.clone()), Side::Fluvio(fluvio.clone())),
        };
        if reaches(&goes_to, &to, &from) {
            let text = format!(
                "a loop: {} goes to {} already, on a way that other tables make; turn one of them round or leave it out",
                name(&to),
                name(&from)
            );
            checker.problems.add(table.direction.span(), text);
            continue;
        }
        let line = checker.line(table.fluvio.span());
        if let Some(first) = seen.insert((fluvio.clone(), kafka.clone()), line) {
            let text = format!("`{fluvio}` and `{kafka}` are together on line {first} already");
            checker.problems.add(table.fluvio.span(), text);
        }
        goes_to.entry(from).or_default().insert(to);
    }
    let topic = |table: KafkaTable| KafkaTopic {
        fluvio: table.fluvio.into_inner(),
        kafka: table.kafka.into_inner(),
        direction: table.direction.into_inner(),
        chain: table.chain.map(Spanned::into_inner),
        compression: table
            .compression
            .map(Spanned::into_inner)
            .unwrap_or_default(),
    };
    tables.into_iter().map(topic).collect()
}

fn check_chain(checker: &mut Checker<'_>, table: &KafkaTable, chains: &BTreeMap<String, Chain>) {
    let Some(chain) = &table.chain else {
        return;
    };
    if !chains.contains_key(chain.get_ref()) {
        let known: Vec<_> = chains.keys().map(String::as_str).collect();
        let text = format!(
            "there is no chain `{}`; there are {}",
            chain.get_ref(),
            list(&known)
        );
        checker.problems.add(chain.span(), text);
    }
    if *table.direction.get_ref() == Direction::FromKafka {
        let text = "SmartModules run on records that leave Fluvio: a `chain` is for `direction = \"to-kafka\"`";
        checker.problems.add(chain.span(), text);
    }
}

fn check_compression(checker: &mut Checker<'_>, table: &KafkaTable) {
    if let Some(compression) = &table.compression
        && *table.direction.get_ref() == Direction::FromKafka
    {
        let text = "who writes to Kafka says how its records are compressed: `compression` is for `direction = \"to-kafka\"`";
        checker.problems.add(compression.span(), text);
    }
}

fn reaches(goes_to: &BTreeMap<Side, BTreeSet<Side>>, from: &Side, to: &Side) -> bool {
    let mut left = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(side) = left.pop() {
        if side == to {
            return true;
        }
        if seen.insert(side) {
            left.extend(goes_to.get(side).into_iter().flatten());
        }
    }
    false
}

fn name(side: &Side) -> String {
    match side {
        Side::Fluvio(topic) => format!("`{topic}` on Fluvio"),
        Side::Kafka(topic) => format!("`{topic}` on Kafka"),
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
