//! Kafka, through librdkafka. Its blocking calls run on threads that may block.

mod context;
pub(crate) mod observer;
pub(crate) mod producer;
pub(crate) mod reader;
pub(crate) mod tail;
mod topic;
pub(crate) mod wait;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::{BridgeConfig, BridgeError};
use context::{Context, Said};

/// How long a broker may take to answer a question.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Where Kafka is and how to connect. Clones share what the brokers said last.
#[derive(Debug, Clone)]
pub(crate) struct Kafka {
    bootstrap: String,
    properties: Arc<BTreeMap<String, String>>,
    replication: i32,
    said: Arc<Said>,
}

impl Kafka {
    pub(crate) fn new(config: &BridgeConfig) -> Self {
        Kafka {
            bootstrap: config.bootstrap.clone(),
            properties: Arc::new(config.properties.clone()),
            replication: config.replication,
            said: Arc::default(),
        }
    }

    /// Settings of a client: defaults that the user may change, the user's own, and those that must be.
    fn client_config(&self, may: &[(&str, &str)], must: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "election-bridge")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000");
        for (name, value) in may {
            config.set(*name, *value);
        }
        for (name, value) in &*self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.bootstrap);
        for (name, value) in must {
            config.set(*name, *value);
        }
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }

    fn context(&self) -> Context {
        Context::new(self.said.clone())
    }

    /// Lets a consumer report its errors: it does so only when it is asked for messages, of which this one
    /// has none. After a failure it gets a moment to report the cause.
    fn listen(&self, consumer: &BaseConsumer<Context>, has_failed: bool) {
        const MOMENTS: u32 = 20;
        const MOMENT: Duration = Duration::from_millis(5);
        let moment = if has_failed { MOMENT } else { Duration::ZERO };
        for _ in 0..MOMENTS {
            consumer.poll(moment);
            if self.said.refusal().is_some() {
                break;
            }
        }
    }

    /// What a failure of librdkafka means.
    pub(crate) fn error(&self, doing: impl Into<String>, error: &KafkaError) -> BridgeError {
        use RDKafkaErrorCode as Code;
        let doing = doing.into();
        match error {
            KafkaError::ClientConfig(_, problem, ..) | KafkaError::ClientCreation(problem)
                if needs_tls(problem) =>
            {
                return BridgeError::NoTls(problem.clone());
            }
            KafkaError::ClientConfig(_, problem, property, _) => {
                return BridgeError::Property {
                    property: property.clone(),
                    problem: problem.clone(),
                };
            }
            KafkaError::ClientCreation(problem) => return BridgeError::Settings(problem.clone()),
            _ => {}
        }
        let Some(code) = error.rdkafka_error_code() else {
            return BridgeError::Kafka {
                doing,
                problem: error.to_string(),
                transient: true,
            };
        };
        match code {
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState => BridgeError::LoginRefused {
                bootstrap: self.bootstrap.clone(),
                problem: self.said.refusal().unwrap_or_else(|| code.to_string()),
            },
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed => BridgeError::NotAllowed {
                doing,
                problem: code.to_string(),
            },
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::MessageTimedOut
            | Code::SSL => self.unreachable(&code.to_string()),
            _ => BridgeError::Kafka {
                doing,
                problem: code.to_string(),
                transient: !is_lasting(code),
            },
        }
    }

    /// No broker answers, or one refused the login: librdkafka does not distinguish them.
    pub(crate) fn unreachable(&self, problem: &str) -> BridgeError {
        let bootstrap = self.bootstrap.clone();
        match self.said.refusal() {
            Some(problem) => BridgeError::LoginRefused { bootstrap, problem },
            None => BridgeError::Unreachable {
                bootstrap,
                problem: self.said.trouble().unwrap_or_else(|| problem.to_owned()),
            },
        }
    }
}

fn needs_tls(problem: &str) -> bool {
    let problem = problem.to_ascii_lowercase();
    !cfg!(feature = "tls")
        && ["ssl", "scram", "oauthbearer", "not available at build time"]
            .iter()
            .any(|word| problem.contains(word))
}

/// Errors that a retry would get again.
fn is_lasting(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::InvalidTopic
            | Code::InvalidConfig
            | Code::InvalidPartitions
            | Code::InvalidReplicationFactor
            | Code::InvalidRequest
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::InvalidArgument
            | Code::InvalidRequiredAcks
            | Code::InvalidMessageSize
            | Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::PolicyViolation
            | Code::UnsupportedVersion
            | Code::UnsupportedFeature
            | Code::UnsupportedForMessageFormat
            | Code::UnsupportedCompressionType
            | Code::NotImplemented
    )
}

/// Runs what blocks on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BridgeError> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_may_change_what_may_be_changed_and_nothing_else() {
        let mut config = BridgeConfig::new("127.0.0.1:1");
        for (name, value) in [
            ("linger.ms", "7"),
            ("acks", "0"),
            ("bootstrap.servers", "x"),
        ] {
            config.properties.insert(name.into(), value.into());
        }
        let may = [("linger.ms", "5"), ("compression.codec", "lz4")];
        let config = Kafka::new(&config).client_config(&may, &[("acks", "all")]);
        for (name, value) in [
            ("linger.ms", "7"),
            ("compression.codec", "lz4"),
            ("acks", "all"),
            ("bootstrap.servers", "127.0.0.1:1"),
        ] {
            assert_eq!(config.get(name), Some(value), "{name}");
        }
    }
}
