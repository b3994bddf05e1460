//! Options that say where Kafka is and how to connect, for every command that has a bridge.

use std::path::PathBuf;

use clap::Args;
use service::args::endpoint;

/// Where Kafka is.
#[derive(Debug, Clone, Default, Args)]
pub struct KafkaArgs {
    /// Address of a Kafka broker (Redpanda), or several, separated by commas
    #[arg(
        long,
        value_name = "HOST:9092",
        env = "ELECTION_KAFKA",
        value_parser = bootstrap,
        global = true
    )]
    pub kafka: Option<String>,
    /// Settings of librdkafka, one KEY=VALUE per line as in `kcat -F`, such as sasl.username,
    /// sasl.password, security.protocol, ssl.ca.location. TLS and SCRAM need a build that has them:
    /// cargo build --release -p bridge --features tls
    #[arg(
        long,
        value_name = "FILE",
        env = "ELECTION_KAFKA_CONFIG",
        global = true
    )]
    pub kafka_config: Option<PathBuf>,
    /// A setting of librdkafka, which overrides the file's; can be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = property, global = true)]
    pub kafka_property: Vec<(String, String)>,
    /// Copies of each partition of the topics that are created; -1 is the broker's default
    #[arg(
        long,
        value_name = "N",
        default_value_t = BROKER_DEFAULT,
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-1..=i64::from(i16::MAX)),
        global = true
    )]
    pub kafka_replication: i32,
}

/// As many copies as the broker makes by itself.
pub(crate) const BROKER_DEFAULT: i32 = -1;

/// Parses one or more addresses.
fn bootstrap(text: &str) -> Result<String, String> {
    for address in text.split(',') {
        endpoint(address.trim())?;
    }
    Ok(text.to_owned())
}

/// Parses `KEY=VALUE`.
pub(crate) fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("a setting is KEY=VALUE, for example security.protocol=SASL_PLAINTEXT".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        kafka: KafkaArgs,
    }

    #[test]
    fn options_are_read() {
        Cli::command().debug_assert();
        let line = "x --kafka a:9092,b:9092 --kafka-property linger.ms=1 --kafka-property a.b=c=d --kafka-replication -1";
        let kafka = Cli::parse_from(line.split(' ')).kafka;
        assert_eq!(kafka.kafka.as_deref(), Some("a:9092,b:9092"));
        assert_eq!(kafka.kafka_property[1], ("a.b".into(), "c=d".into()));
        for wrong in ["http://a:9092", "a:b", "a:0", "", "a b:1"] {
            assert!(bootstrap(wrong).is_err(), "{wrong}");
        }
        assert!(property("nothing").is_err());
    }
}
