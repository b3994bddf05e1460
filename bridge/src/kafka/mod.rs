//! Kafka's side, by librdkafka: what blocks there runs on threads that may block.

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

/// Where Kafka is and how to speak to it. Clones share what the brokers said last.
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

    /// Settings of a client: how it may be changed, what the user says, and what must be.
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

    /// Lets a consumer tell what it has not told yet: it does so when it is asked for messages, of which
    /// this one has none. After a failure it is given a moment for why.
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
            KafkaError::ClientConfig(_, problem, property, _) => {
                return if needs_tls(problem) {
                    BridgeError::NoTls {
                        problem: problem.clone(),
                    }
                } else {
                    BridgeError::Property {
                        property: property.clone(),
                        problem: problem.clone(),
                    }
                };
            }
            KafkaError::ClientCreation(problem) => {
                return if needs_tls(problem) {
                    BridgeError::NoTls {
                        problem: problem.clone(),
                    }
                } else {
                    BridgeError::Settings {
                        problem: problem.clone(),
                    }
                };
            }
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

    /// Nobody answers; or somebody refused the login, which is all one to who waits for the answer.
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

/// Answers that will be the same next time.
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

/// Does on a thread that may block what blocks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BridgeError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| BridgeError::Task(error.to_string()))
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
