//! What a bridge is to do.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ballot::{PARAM_CANDIDATES, Params};
use manifest::{KafkaTopic, Manifest};
use wire::Election;

use crate::args::{BROKER_DEFAULT, KafkaArgs, property};
use crate::{BridgeError, Link};

/// The setting of librdkafka that says where the brokers are.
const BOOTSTRAP_SERVERS: &str = "bootstrap.servers";

/// Settings that the bridge's promises depend on, so that only the bridge sets them.
const OURS: [&str; 16] = [
    "acks",
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "request.required.acks",
    "retries",
    "message.send.max.retries",
    "transactional.id",
];

/// What the bridge does.
#[derive(Debug, Clone)]
pub struct BridgeConfig {
    /// Addresses of brokers, with commas between.
    pub bootstrap: String,
    /// Settings that are passed through to librdkafka.
    pub properties: BTreeMap<String, String>,
    /// Which topic goes where.
    pub links: Vec<Link>,
    /// Copies of each partition of the topics that are created; -1 is the broker's default.
    pub replication: i32,
    /// How long nothing must arrive after the last record of a topic on Kafka for that to count as its end.
    /// If a broker takes longer to write what a killed bridge sent last, the records are there twice; only a
    /// transaction could prevent that.
    pub quiet: Duration,
}

impl BridgeConfig {
    /// A bridge to these brokers that has nothing to do yet.
    pub fn new(bootstrap: impl Into<String>) -> Self {
        BridgeConfig {
            bootstrap: bootstrap.into(),
            properties: BTreeMap::new(),
            links: Vec::new(),
            replication: BROKER_DEFAULT,
            quiet: Duration::from_millis(300),
        }
    }

    /// The links of the manifest, to the brokers that the options name.
    ///
    /// # Errors
    /// When no broker is named, a setting cannot be used, or records would go round in a circle.
    pub fn of(manifest: &Manifest, args: &KafkaArgs) -> Result<BridgeConfig, BridgeError> {
        let mut properties = match &args.kafka_config {
            Some(file) => read_properties(file)?,
            None => BTreeMap::new(),
        };
        properties.extend(args.kafka_property.iter().cloned());
        let named = properties.remove(BOOTSTRAP_SERVERS);
        let bootstrap = args.kafka.clone().or(named).ok_or(BridgeError::NoBroker)?;
        let links = manifest.kafka.iter().map(|topic| link(manifest, topic));
        let config = BridgeConfig {
            properties,
            links: links.collect::<Result<_, _>>()?,
            replication: args.kafka_replication,
            ..BridgeConfig::new(bootstrap)
        };
        config.check()?;
        Ok(config)
    }

    /// Checks what can be checked without asking a broker.
    pub(crate) fn check(&self) -> Result<(), BridgeError> {
        let mut properties = self.properties.keys();
        if let Some(property) = properties.find(|property| OURS.contains(&property.as_str())) {
            return Err(BridgeError::Property {
                property: property.clone(),
                problem: "exactly-once delivery depends on it, so the bridge sets it; remove it"
                    .into(),
            });
        }
        crate::link::check_links(&self.links)?;
        self.links.iter().try_for_each(crate::chain::check_chain)
    }
}

fn link(manifest: &Manifest, topic: &KafkaTopic) -> Result<Link, BridgeError> {
    let chain = match &topic.chain {
        None => Vec::new(),
        Some(name) => manifest
            .chain(name, &Params::new())
            .ok_or_else(|| BridgeError::NoChain(name.clone()))?,
    };
    Ok(Link {
        fluvio: topic.fluvio.clone(),
        kafka: topic.kafka.clone(),
        direction: topic.direction,
        chain,
        compression: topic.compression,
    })
}

/// Reads a `KEY=VALUE` a line, and skips empty lines and those that begin with `#`.
fn read_properties(path: &Path) -> Result<BTreeMap<String, String>, BridgeError> {
    let failed = |line, problem| BridgeError::ConfigFile {
        path: path.into(),
        line,
        problem,
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(None, error.to_string()))?;
    let lines = (1..).zip(text.lines().map(str::trim));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            // The error does not quote the line: it may hold a password.
            property(line).map_err(|problem| failed(Some(number), problem))
        })
        .collect()
}

/// The parameters that the election gives to SmartModules: its rules and its candidates.
pub(crate) fn election_params(election: &Election) -> Params {
    let mut params = election.rules().to_params();
    let candidates = serde_json::to_string(&election.candidates())
        .expect("invariant: candidates have a JSON form");
    params.insert(PARAM_CANDIDATES.into(), candidates);
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_weaker_than_options_and_its_errors_hide_passwords() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("kafka.conf");
        std::fs::write(
            &file,
            "# ours\nbootstrap.servers=file:9092\n\nsasl.username = ada\nsasl.password=a=b\n",
        )
        .unwrap();
        let manifest = Manifest::built_in();
        let mut args = KafkaArgs {
            kafka_config: Some(file.clone()),
            ..KafkaArgs::default()
        };
        let config = BridgeConfig::of(&manifest, &args).unwrap();
        assert_eq!(config.bootstrap, "file:9092");
        assert_eq!(config.properties["sasl.username"], "ada");
        assert_eq!(config.properties["sasl.password"], "a=b");
        assert_eq!(config.links.len(), manifest.kafka.len());

        args.kafka = Some("option:9092".into());
        args.kafka_property = vec![("sasl.username".into(), "eve".into())];
        let config = BridgeConfig::of(&manifest, &args).unwrap();
        assert_eq!(config.bootstrap, "option:9092");
        assert_eq!(config.properties["sasl.username"], "eve");

        std::fs::write(&file, "a=b\ns3cret\n").unwrap();
        let error = BridgeConfig::of(&manifest, &args).unwrap_err().to_string();
        assert!(
            error.contains("kafka.conf:2") && !error.contains("s3cret"),
            "{error}"
        );
    }

    #[test]
    fn settings_that_exactly_once_depends_on_are_refused() {
        let mut config = BridgeConfig::new("a:9092");
        config.properties.insert("acks".into(), "0".into());
        let error = config.check().unwrap_err();
        assert!(error.to_string().contains("`acks`"), "{error}");
        let error = BridgeConfig::of(&Manifest::built_in(), &KafkaArgs::default()).unwrap_err();
        assert!(error.to_string().contains("--kafka"), "{error}");
    }
}
